"""What leaves the house: through a real HTTP gateway, to whom it may, once, also when gateways and workers die."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from anlan.kernel import clock
from anlan.kernel.answers import acts as answers
from anlan.kernel.carriers import CARRIERS
from anlan.kernel.carriers.http_gateway import sign
from anlan.kernel.carriers.models import Gateway
from anlan.kernel.clock import beats, loop
from anlan.kernel.clock.models import Due
from anlan.kernel.dispatch import sending
from anlan.kernel.notice import acts
from anlan.kernel.notice.models import Addressee, Attempt, Notice
from anlan.kernel.people import scope
from anlan.kernel.people.models import Participant, Person
from anlan.kernel.worlds.models import World

from . import villages
from .gateway import SECRET, Server
from .villages import DISTRICT, ROLES

WORKER = Path(__file__).with_name("notice_worker.py")


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def city(db, settings) -> World:
    settings.DEMO = False
    return villages.build(6)


def gateway(server: Server, channel: str, area: str = scope.ROOT) -> Gateway:
    row = Gateway(
        name=f"{channel}-{area}", title=channel, channel=channel, carrier="http", address=server.address, secret=SECRET,
        area_id=area, site="https://answer.invalid",
    )  # fmt: skip
    row.clean()
    row.save()
    return row


def call(world: World, **given) -> Notice:
    with scope.everyone(world):
        notice = acts.do_call("叫应", "请应答。", level=2, roles=ROLES, areas=[DISTRICT], **given)
    loop.drain(world)
    return notice


def exercise(allow: list[str], players: list[Person] | None = None, **switches: bool) -> World:
    """An exercise in which these take part: everybody, when nobody is named."""
    world = World.objects.create(kind="exercise", title="演练", allow=allow, switches=switches)
    people = Person.everywhere.all() if players is None else players
    Participant.objects.bulk_create(Participant(world=world, person=person) for person in people)
    return world


def states() -> dict[tuple[str, str], int]:
    told: dict[tuple[str, str], int] = {}
    for row in Attempt.everywhere.values_list("state", "reason"):
        told[row] = told.get(row, 0) + 1
    return told


def test_every_attempt_goes_through_the_gateway_once_and_signed(city, server):
    gateway(server, "voice"), gateway(server, "sms")
    call(city)
    assert len(server.calls) == 18 and set(server.posts.values()) == {1} and not server.unsigned
    assert states() == {("sent", ""): 18}
    sms = next(c for c in server.calls.values() if c["channel"] == "sms")
    assert "https://answer.invalid/a/" in sms["text"] and "【演练】" not in sms["text"]
    assert Attempt.everywhere.filter(provider="").count() == 0
    assert Addressee.everywhere.filter(called_at=None).count() == 0


def test_without_a_gateway_the_real_city_says_so_and_simulates_nothing(city):
    call(city)
    assert states() == {("failed", "通道未配置"): 18}
    assert not Due.objects.filter(kind="sim.calls").exists()


def test_in_the_demo_city_the_simulator_stands_in_and_is_marked(city, settings):
    settings.DEMO = True
    call(city)
    assert all(a.simulated and a.state == "sent" for a in Attempt.everywhere.all())


def test_the_gateway_of_the_smaller_area_carries_its_own(city, server):
    gateway(server, "voice"), gateway(server, "sms")
    own = gateway(server, "voice", "370212001000")
    call(city)
    assert {a.area_id[:9] for a in Attempt.everywhere.filter(gateway=own)} == {"370212001"}
    assert len(server.calls) == 18


def test_an_exercise_reaches_only_its_list_and_every_text_says_so(city, server):
    gateway(server, "voice"), gateway(server, "sms")
    allowed = list(Person.everywhere.filter(name__startswith="甲").order_by("pk").values_list("phone", flat=True)[:3])
    call(exercise(allowed))
    assert server.numbers == set(allowed) and len(server.calls) == 6
    assert all(c["text"].startswith("【演练】") for c in server.calls.values())
    assert states() == {("sent", ""): 6, ("failed", "演练名单外,未外发"): 12}


def test_an_exercise_calls_its_players_and_nobody_else(city, server):
    gateway(server, "voice"), gateway(server, "sms")
    first, second, watching, *others = Person.everywhere.filter(name__startswith="甲").order_by("pk")
    world = exercise([p.phone for p in (first, watching, *others)], [first, second])
    Participant.objects.create(world=world, person=watching, part="observe")
    call(world)
    assert server.numbers == {first.phone}
    assert states() == {("sent", ""): 2, ("failed", "演练名单外,未外发"): 2}
    assert {a.person_id for a in Addressee.everywhere.filter(world=world)} == {first.pk, second.pk}


def test_where_an_exercise_simulates_the_rest_nobody_answers_in_a_players_name(city, server):
    gateway(server, "voice"), gateway(server, "sms")
    first, second, *others = Person.everywhere.filter(name__startswith="甲").order_by("pk")
    call(exercise([first.phone, *(p.phone for p in others)], [first, second], simulate=True))
    assert server.numbers == {first.phone}
    told = Attempt.everywhere.values_list("person_id", "carrier", "state")
    assert {(c, s) for p, c, s in told if p == second.pk} == {("", "failed")}
    rest = {c for p, c, s in told if p not in (first.pk, second.pk)}
    assert rest == {"simulator"} and len(told) == 18


def test_an_exercise_with_no_list_sends_nothing(city, server):
    gateway(server, "voice"), gateway(server, "sms")
    call(exercise([]))
    assert not server.posts


def test_a_replay_never_reaches_a_gateway_even_if_a_batch_were_forced_on_it(city, server):
    way = gateway(server, "voice")
    world = villages.stepped()
    with scope.everyone(world, world.step):
        notice = acts.do_call("叫应", "请应答。", level=2, roles=ROLES, areas=[DISTRICT])
    loop.advance(world)
    with scope.everyone(world, world.step):
        Attempt.everywhere.filter(addressee__notice=notice).update(state="planned", gateway=way, carrier="http")
        Addressee.everywhere.update(state="waiting")
        calls = list(Attempt.everywhere.values_list("call", flat=True))
        sending.work_send(Due(body={"gateway": way.pk, "calls": calls, "tries": 0}))
    assert not server.posts and set(states()) == {("failed", "回放中,未外发")}


def test_a_gateway_that_is_down_is_tried_again_with_a_pause_and_calls_nobody_twice(city, server):
    way = gateway(server, "voice")
    server.down = True
    with scope.everyone(city):
        acts.do_call("叫应", "请应答。", level=2, roles=("village_officer",), areas=[DISTRICT])
    loop.drain(city)
    way.refresh_from_db()
    assert way.faults == 1 and not beats.health()["beats"][f"gateway:{way.name}"]["ok"]
    assert {a.state for a in Attempt.everywhere.filter(channel="voice")} == {"planned"}
    posts = sum(server.posts.values())
    pauses = []
    for _ in range(4):
        assert loop.drain(city) == 0
        nxt = Due.objects.get(kind="notice.send", done_at=None)
        pauses.append((way.retry_at - clock.real()).total_seconds())
        with clock.travelled(nxt.run_at - clock.real() + timedelta(milliseconds=50)):
            loop.drain(city)
            way.refresh_from_db()
            pauses[-1] = (way.retry_at - clock.real()).total_seconds()
    assert [round(p) for p in pauses] == [2, 4, 8, 16]
    assert sum(server.posts.values()) - posts <= 4 * sending.THREADS
    server.down = False
    with clock.travelled(timedelta(minutes=1)):
        loop.drain(city)
        assert beats.health()["beats"][f"gateway:{way.name}"]["ok"]
    way.refresh_from_db()
    assert way.faults == 0 and way.retry_at is None
    assert len(server.calls) == 6 and states()["sent", ""] == 6
    assert len({c["to"] for c in server.calls.values()}) == 6


def test_who_answered_meanwhile_is_not_called_when_the_gateway_comes_back(city, server):
    gateway(server, "voice")
    server.down = True
    call(city)
    one = Addressee.everywhere.select_related("notice", "area").first()
    with scope.everyone(city):
        answers.do_answer(one, via="app", by=one.person_id)
    server.down = False
    with clock.travelled(timedelta(seconds=5)):
        loop.drain(city)
    assert one.person.phone not in server.numbers and len(server.calls) == 8
    assert states()["skipped", "已应答,免呼"] == 1


def test_a_call_whose_fate_a_crash_left_open_is_repeated_only_where_the_key_is_known(city, server, monkeypatch):
    way = gateway(server, "voice")
    call(city)
    row = Due.objects.filter(kind="notice.send").first()
    Attempt.everywhere.filter(channel="voice").update(state="sending")
    with scope.everyone(city):
        sending.work_send(row)
        assert len(server.calls) == 9 and states()["sent", ""] == 9
        Attempt.everywhere.filter(channel="voice").update(state="sending")
        monkeypatch.setattr(type(CARRIERS["http"]), "idempotent", False)
        posts = sum(server.posts.values())
        sending.work_send(row)
    assert sum(server.posts.values()) == posts and way.faults == 0
    assert states()["failed", "发送中断,结果不明,未重发"] == 9


def report(server_gateway: Gateway, told: object, **headers: str):
    body = json.dumps(told).encode()
    moment = str(int(clock.real().timestamp()))
    signed = {"X-Anlan-Time": moment, "X-Anlan-Signature": sign(SECRET, moment, body)} | headers
    return Client().post(f"/gateway/{server_gateway.name}/", body, content_type="application/json", headers=signed)


def test_a_pressed_key_answers_and_a_report_sent_twice_counts_once(city, server):
    way = gateway(server, "voice")
    call(city)
    first, second, third = Attempt.everywhere.filter(channel="voice").order_by("pk")[:3]
    told = [
        {"key": first.call, "event": "delivered", "id": "1"},
        {"key": first.call, "event": "pressed", "digit": "1", "id": "2"},
        {"key": second.call, "event": "failed", "reason": "busy", "id": "3"},
        {"key": third.call, "event": "pressed", "digit": "9", "id": "4"},
    ]
    for _ in range(2):
        assert report(way, told).json() == {"taken": 4, "faults": []}
    first.refresh_from_db(), second.refresh_from_db(), third.refresh_from_db()
    assert first.state == "answered" and first.addressee.state == "answered"
    assert first.addressee.answered_by_id == first.person_id
    assert (second.state, second.reason) == ("failed", "占线") and third.addressee.state == "waiting"


def test_reports_that_are_unsigned_old_unknown_or_broken_are_refused(city, server):
    way = gateway(server, "voice")
    other = gateway(server, "sms")
    call(city)
    key = Attempt.everywhere.filter(channel="voice").first().call
    good = {"key": key, "event": "pressed", "digit": "1"}
    assert report(way, good, **{"X-Anlan-Signature": "0" * 64}).status_code == 403
    with clock.travelled(timedelta(minutes=6)):
        stale = str(int((clock.real() - timedelta(minutes=6)).timestamp()))
        body = json.dumps(good).encode()
        marks = {"X-Anlan-Time": stale, "X-Anlan-Signature": sign(SECRET, stale, body)}
        assert report(way, good, **marks).json() == {"fault": "签名已过期"}
    for told in ({**good, "event": "sung"}, {**good, "key": "1:1:1:voice"}, {**good, "id": "9" * 81}, ["x"], {}):
        answer = report(way, told)
        assert answer.status_code == 400 and answer.json()["faults"][0].startswith("第1条")
    assert report(other, good).status_code == 400
    way.name = "nowhere"
    assert report(way, good).status_code == 404
    assert not Addressee.everywhere.exclude(state="waiting").exists()


@pytest.mark.parametrize(
    "wrong", [{"carrier": "simulator"}, {"carrier": "pigeon"}, {"channel": "mail"}, {"secret": ""}]
)
def test_a_gateway_that_could_not_work_is_not_entered(city, wrong):
    given = {"carrier": "http", "channel": "voice", "secret": "x"} | wrong
    with pytest.raises(ValidationError):
        Gateway(name="x", title="x", address="http://127.0.0.1:1", area_id=scope.ROOT, **given).clean()


def test_the_probe_shows_a_dead_gateway_before_anyone_needs_it(city, server):
    alive = gateway(server, "voice", DISTRICT)
    dead = gateway(server, "sms", DISTRICT)
    Gateway.everywhere.filter(pk=dead.pk).update(address="http://127.0.0.1:9")
    with scope.everyone(city):
        sending.probe_all(clock.now())
    loop.drain(city)
    told = beats.health()["beats"]
    assert told[f"gateway:{alive.name}"]["ok"] and not told[f"gateway:{dead.name}"]["ok"]


@pytest.mark.faults
@pytest.mark.slow
def test_workers_killed_at_random_moments_lose_no_rung_and_call_nobody_twice(laid_home, server):
    env = {
        **os.environ, "ANLAN_HOME": str(laid_home), "ANLAN_DB": "", "ANLAN_DEMO": "0",
        "ANLAN_ROOT": str(WORKER.parents[2]),
    }  # fmt: skip
    run = [sys.executable, str(WORKER)]
    subprocess.run([*run, "make", server.address, "150"], env=env, check=True)
    chance = random.Random(11)
    for _ in range(3):
        crowd = [subprocess.Popen([*run, "work"], env=env) for _ in range(2)]
        time.sleep(chance.uniform(1.6, 3.2))
        for worker in crowd:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
    subprocess.run([*run, "work"], env=env, check=True, timeout=180)
    out = subprocess.run([*run, "tell"], env=env, check=True, capture_output=True, text=True).stdout
    assert out.split() == ["612", "612", "153", "0", "1"]
    assert len(server.calls) == 612
    assert len({(c["to"], c["channel"], key.split(":")[1]) for key, c in server.calls.items()}) == 612
