"""Rain alone, no signal: readings at the ingest door become alarms, a proposal by the stations, calls, orders, a higher
level, a lower one and the stand-down. Readings come as a gateway sends them, decisions are made on the desk's pages."""

import hashlib
from datetime import timedelta

import orjson
import pytest
from django.test import Client

from anlan.disaster.flood import seed
from anlan.disaster.flood.models import Proposal, Response
from anlan.faces import ingest
from anlan.kernel import clock
from anlan.kernel.clock import loop
from anlan.kernel.journal import read
from anlan.kernel.notice.models import Attempt, Notice
from anlan.kernel.people import scope
from anlan.kernel.people.models import Unit
from anlan.response.command import seed as plans
from anlan.response.command.models import Event
from anlan.sensing.models import Alarm, Gateway, Sensor, Station, Warning
from tests.kernel import city

GAUGES = 4


@pytest.fixture
def town(db, settings):
    """Two districts with four rain gauges, a town and a village post each; the demo's rules and plan; a signed-in officer."""
    settings.TOTP = "optional"
    world = city.build()
    with scope.everyone(world):
        for place in (city.SHAZIKOU, city.AOSHANWEI):
            for n in range(GAUGES):
                station = Station(code=f"{place[:6]}{n}", name=f"雨量站{place[4:6]}{n}", kind="rain", area_id=place, lon=120, lat=36)
                station.save()
                Sensor(station=station, code=f"{station.code}.rain", quantity="rain", unit="mm", low=0, high=200, area_id=place).save()
            city.post("防汛责任人", "town_duty", "town", place, [city.person(f"值守{place[4:6]}", "town_duty", place)])
        Unit(code="370212.sw", name="崂山区水务局", short="崂山水务", kind="水务", area_id=city.LAOSHAN).save()
        seed._rules()
        seed._conditions()
        plans.plant()
        Gateway.objects.create(name="g", token=hashlib.sha256(b"t").hexdigest())
        client = Client()
        client.force_login(city.person("王一", "duty_officer", user="duty").user)
        yield client, world


def rain(world, *mm, place=city.SHAZIKOU):
    """The next reading of the first gauges of a town, through the door; then what falls due is worked."""
    rows = [{"sensor": f"{place[:6]}{n}.rain", "time": clock.now().isoformat(), "value": v} for n, v in enumerate(mm)]
    assert ingest.take("t", orjson.dumps({"readings": rows})) == (200, {"accepted": len(mm), "rejected": []})
    loop.drain(world)


def waiting():
    return [(p.kind, p.level, sorted(p.areas)) for p in Proposal.objects.filter(state="proposed")]


def confirm(client, world):
    """The officer reads the proposal on the desk and confirms it there; what the page then says."""
    proposal = Proposal.objects.get(state="proposed")
    page = client.get("/desk/").content.decode()
    assert str(proposal) in page and proposal.fired["rule"] in page and proposal.reason in page
    said = client.post(f"/desk/proposals/{proposal.pk}/confirm/", {"signer": "梁某", "consult": "同意"}, follow=True)
    assert said.status_code == 200
    loop.drain(world)
    return said.content.decode()


def told(verb):
    return list(read.lines().filter(verb=verb).order_by("id"))


def test_rain_alone_starts_raises_lowers_and_ends_a_response(town):
    client, world = town

    rain(world, 60)
    assert Alarm.objects.filter(active=True, level=2).count() == 1 and waiting() == [], "one gauge of four is no half"

    rain(world, 60, 60)
    assert waiting() == [("start", 3, [city.LAOSHAN])]
    fired = Proposal.objects.get().fired
    assert fired["rule"] == "暴雨橙级实测站点≥50%→Ⅲ级" and fired["confidence"] == "M-low" and fired["areas"] == [city.LAOSHAN]
    assert "叫应已发出" in confirm(client, world)
    response, event = Response.objects.get(), Event.objects.get()
    assert (response.level, response.areas, event.level) == (3, [city.LAOSHAN], 3)
    assert {a.area_id for a in Notice.objects.get(kind="call").addressees.all()} == {city.SHAZIKOU}
    assert event.orders.count() > 0 and told("response.started")[0].basis.startswith(fired["rule"])

    with clock.travelled(timedelta(minutes=30)):
        rain(world, 60, 60)
        assert waiting() == [("raise", 2, [city.LAOSHAN, city.JIMO])]
        also = [other["rule"] for other in Proposal.objects.get(state="proposed").fired["also"]]
        assert also == ["暴雨橙级实测站点≥50%→Ⅲ级"], "what also held is on the record"
        confirm(client, world)
        event.refresh_from_db()
        assert event.level == 2 and Notice.objects.filter(kind="call").count() == 2

    with clock.travelled(timedelta(hours=3, minutes=10)):
        rain(world, 0, 0)
        assert waiting() == [("lower", 3, [city.LAOSHAN, city.JIMO])]
        lower = Proposal.objects.get(state="proposed")
        assert lower.fired["rule"] == "暴雨橙级实测站点≥50%→Ⅲ级" and "仍成立的依据:崂山区实测暴雨" in lower.reason
        assert lower.due_at is None, "nobody is pressed to lower"
        orders = event.orders.count()
        assert "未再叫应" in confirm(client, world)
        response.refresh_from_db()
        event.refresh_from_db()
        assert (response.level, event.level, response.areas) == (3, 3, [city.LAOSHAN, city.JIMO]), "no district is dropped"
        assert event.orders.count() == orders and Notice.objects.filter(kind="call").count() == 2
        inform = Notice.objects.get(kind="inform")
        assert "由Ⅱ级降低为Ⅲ级" in inform.text and "无需应答" in inform.text
        assert {a.channel for a in Attempt.objects.filter(addressee__notice=inform)} == {"sms"}
        assert "由Ⅱ级降低为Ⅲ级" in told("response.changed")[-1].text

    with clock.travelled(timedelta(hours=4)):
        rain(world, 0, 0)
        assert waiting() == [("end", None, [city.LAOSHAN, city.JIMO])]
        assert "响应已终止" in confirm(client, world)
        response.refresh_from_db()
        event.refresh_from_db()
        assert (response.state, event.state) == ("ended", "closed")
    assert not Warning.objects.exists(), "no signal had any part in it"
    assert [p.kind for p in Proposal.objects.order_by("id")] == ["start", "raise", "lower", "end"]


def test_a_signal_confirmed_while_stations_had_crossed_shows_both(town):
    client, world = town
    rain(world, 60, 60)
    client.post(
        "/desk/signals/new/",
        {"issue": "1", "text": "暴雨红色预警", "issuer": "青岛市气象台", "hazard": "暴雨", "colour": "red", "area": scope.ROOT,
         "issued_at": f"{clock.now().astimezone():%Y-%m-%dT%H:%M}"},
    )  # fmt: skip
    loop.drain(world)
    proposal = Proposal.objects.get(state="proposed")
    assert (proposal.kind, proposal.level, proposal.fired["rule"]) == ("start", 2, "暴雨红色预警→Ⅱ级")
    assert [other["rule"] for other in proposal.fired["also"]] == ["暴雨橙级实测站点≥50%→Ⅲ级"]
    assert "同时成立:崂山区实测暴雨" in client.get("/desk/").content.decode()


def test_stations_that_cross_after_the_signal_are_noted_beside_the_response(town):
    client, world = town
    client.post(
        "/desk/signals/new/",
        {"issue": "1", "text": "暴雨橙色预警", "issuer": "青岛市气象台", "hazard": "暴雨", "colour": "orange", "area": scope.ROOT,
         "issued_at": f"{clock.now().astimezone():%Y-%m-%dT%H:%M}"},
    )  # fmt: skip
    loop.drain(world)
    rain(world, 60, 60)
    rain(world, 1, 1, 60)
    assert [line.subject_type for line in told("ground.held")] == ["flood.proposal"], "once, beside what waits"
    confirm(client, world)
    rain(world, 60, 60, place=city.AOSHANWEI)
    line = told("ground.held")[-1]
    assert line.subject_type == "flood.response" and "实测暴雨橙级站点占比达到50%" in line.text and line.basis
    assert waiting() == []
