"""Every number opens its records: on the wall, the desk, the event and the call, what opens is as much as was said."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from anlan.faces.screen.state import state
from anlan.kernel import clock
from anlan.kernel.answers import acts as answers
from anlan.kernel.clock import loop
from anlan.kernel.clock.time import travelled
from anlan.kernel.notice.models import Addressee, Notice
from anlan.kernel.people import scope
from anlan.kernel.worlds.models import World
from anlan.response.command.models import Event
from anlan.sensing import door
from anlan.sensing.models import Sensor, Station
from tests.kernel import city

from .test_desk import confirm, propose, signed_in, site, text_of, town  # noqa: F401  two of them are fixtures

LINKED = re.compile(r'<a [^>]*?href="([^"]+)"[^>]*>(?:<span>[^<]*</span> <b>)?(\d+)(?:</b>(?:<small>[^<]*</small>)?)?</a>')


@pytest.fixture
def storm(town):  # noqa: F811
    """Answers soon, late, on behalf and none; people moved twice; orders open, done and overdue; rain."""
    client, start = signed_in(town), 0
    confirm(town, client, propose(town))
    with scope.everyone(town.world):
        station = Station(code="R1", name="石门", kind="rain", area_id=city.SHAZIKOU, lon=120.4, lat=36.1)
        station.save()
        Sensor(station=station, code="R1.rain", quantity="rain", unit="mm", low=0, high=200, area_id=city.SHAZIKOU).save()
    for start in (0, 3, 8, 45, 200):
        with travelled(timedelta(minutes=start)):
            loop.drain(World.objects.get(pk=town.world.pk))
            with scope.everyone(town.world):
                waiting = list(Addressee.objects.filter(state__in=("waiting", "silent"), tier="village").order_by("pk")[:1])
                for row in waiting:
                    answers.do_answer(row, via="app", on_behalf=start == 8)
                    answers.do_report_moved(row, 2, 5 + start)
                door.take([door.Sample("R1.rain", clock.now() - timedelta(minutes=10), 30.0)])
    with travelled(timedelta(minutes=200)), scope.everyone(town.world):
        yield town, client


def numbers_of(found, at=""):
    """(place, value, href) of every figure in the wall's state."""
    if isinstance(found, list):
        return [n for k, one in enumerate(found) for n in numbers_of(one, f"{at}[{k}]")]
    if not isinstance(found, dict):
        return []
    mine = [(at, found[k], found["href"]) for k in ("value", "count") if isinstance(found.get(k), int) and found.get("href")]
    return mine + [n for k, one in found.items() for n in numbers_of(one, f"{at}.{k}")]


def bare_of(found):
    """Figures of the wall that open nothing."""
    if isinstance(found, list):
        return [n for one in found for n in bare_of(one)]
    if not isinstance(found, dict):
        return []
    mine = [found] if isinstance(found.get("value"), int) and not found.get("href") else []
    return mine + [n for one in found.values() for n in bare_of(one)]


def opened(client, href):
    """How many rows the address of a register opens."""
    answer = client.get(href.replace("&amp;", "&").replace("/r/", "/api/", 1).replace("/?", "?").removesuffix("/"))
    assert answer.status_code == 200 and answer.json()["ignored"] == {}, (href, answer.content[:200])
    return answer.json()["count"]


def test_every_number_of_the_wall_opens_as_many_records(storm):
    _town, client = storm
    shown = client.get("/screen/state.json").json()
    found = numbers_of(shown)
    places = " ".join(place for place, _, _ in found)
    for part in ("strip", "left1.numbers", "left2.bars", "event.rows", "event.overdue", "layers"):
        assert part in places, part
    assert bare_of(shown) == []
    for place, value, href in found:
        if "/r/" in href:
            assert opened(client, href) == value, (place, href)
    assert shown["event"]["overdue"]["value"] >= len(shown["event"]["late"]) > 0


def test_every_number_of_the_desk_opens_as_many_records(storm):
    _town, client = storm
    event, notice = Event.objects.get(), Notice.objects.get()
    seen = 0
    for path in ("/desk/", "/desk/calls/", f"/desk/calls/{notice.pk}/", f"/desk/events/{event.pk}/"):
        for href, value in LINKED.findall(text_of(client.get(path))):
            if href.startswith("/r/"):
                assert opened(client, href) == int(value), (path, href)
                seen += 1
    assert seen > 30
    page = text_of(client.get(f"/desk/calls/{notice.pk}/"))
    for label in ("5分钟内", "10分钟内", "中位用时"):
        assert re.search(rf'<a class="number" href="/r/addressee/[^"]+" title="[^"]+"><span>{label}</span>', page), label
    assert not re.search(r"<td class=\"number\">\d+</td>", page), "no bare count in the tables"


def test_people_moved_open_the_reports_that_they_are_counted_from(storm):
    _town, client = storm
    event = Event.objects.get()
    rows = {r["label"]: r for r in client.get("/screen/state.json").json()["event"]["rows"]}
    households, people = rows["转移"]["numbers"]
    page = text_of(client.get(people["href"]))
    cells = [tuple(map(int, pair)) for pair in re.findall(r'<td class="number">(\d+)</td><td class="number">(\d+)</td>', page)]
    *each, total = cells
    assert (sum(h for h, _ in each), sum(p for _, p in each)) == total == (households["value"], people["value"])
    assert households["href"] == people["href"] == f"/desk/events/{event.pk}/moved/" and total[0] > 2


def test_the_walls_state_asks_little(storm):
    town, _client = storm  # noqa: F811
    who = scope.Scope(town.world, town.people["duty_officer"].pk, "值班", reaches=(scope.Reach("duty_officer", ""),))
    with scope.entered(who), CaptureQueriesContext(connection) as asked:
        state(who)
    assert len(asked) <= 28, len(asked)
