"""Signals and alarms become proposals: the strongest ground wins, a refusal holds for a while, an end is never hasty."""

from datetime import UTC, date, datetime, timedelta

import pytest

from anlan.disaster.flood import acts, seed
from anlan.disaster.flood.duties import rules_at
from anlan.disaster.flood.models import Proposal, Response, ResponseRule
from anlan.kernel import clock
from anlan.kernel.cases.moves import move
from anlan.kernel.clock import loop
from anlan.kernel.people import scope
from anlan.sensing import acts as sensing
from anlan.sensing.models import Alarm, Rule, Sensor, Station, Warning
from tests.kernel import city


@pytest.fixture
def world(db):
    world = city.build()
    with scope.everyone(world):
        seed._conditions()
        yield world


def signal(world, hazard, colour, area=scope.ROOT):
    warning = sensing.do_issue(hazard, colour, issuer="气象台", text="", area=area)
    loop.drain(world)
    return warning


def lift(world, warning):
    sensing.do_lift(warning)
    loop.drain(world)


def waiting():
    return [(p.kind, p.level, sorted(p.areas)) for p in Proposal.objects.filter(state="proposed")]


def confirm(world):
    acts.do_confirm(Proposal.objects.get(state="proposed"), signer="王一")
    loop.drain(world)


def decline(world):
    move(Proposal.objects.get(state="proposed"), "decline", refusal="会商后认为尚不需要")
    loop.drain(world)


def alarm(world, place=city.SHAZIKOU, level=1):
    """A town's only gauge in alarm."""
    station = Station(code=f"s{place}", name="站", kind="rain", area_id=place, lon=120, lat=36)
    station.save()
    sensor = Sensor(station=station, code=f"{station.code}.rain", quantity="rain", unit="mm", low=0, high=200, area_id=place)
    sensor.save()
    rule = Rule.objects.create(
        hazard="暴雨", quantity="rain", hours=3, amount=100, clear=80, level=level, source="试验", confidence="V", version="1",
        since=city.SINCE,
    )  # fmt: skip
    row = Alarm(sensor=sensor, rule=rule, level=level, area_id=place, at=clock.now(), value=120, peak=120)
    row.save()
    return row


def test_a_weaker_signal_elsewhere_does_not_lapse_a_stronger_proposal(world):
    signal(world, "台风", "red", city.LAOSHAN)
    signal(world, "暴雨", "yellow", city.JIMO)
    assert waiting() == [("start", 2, [city.LAOSHAN, city.JIMO])]
    proposal = Proposal.objects.get(state="proposed")
    assert "红色" in proposal.reason and "黄色" in proposal.reason
    assert proposal.fired["rule"].startswith("台风红")


def test_a_refusal_holds_for_hours_and_not_for_ever(world):
    first = signal(world, "台风", "orange")
    decline(world)
    signal(world, "台风", "orange")
    assert waiting() == []
    lift(world, Warning.objects.get(state="active"))
    with clock.travelled(timedelta(days=30)):
        signal(world, "台风", "orange")
        assert [(kind, level) for kind, level, _ in waiting()] == [("start", 3)]
    assert first.pk


def test_a_signal_still_in_force_is_weighed_again_when_the_refusal_has_run_out(world):
    signal(world, "台风", "red")
    decline(world)
    with clock.travelled(timedelta(hours=5)):
        loop.drain(world)
        assert waiting() == []
    with clock.travelled(timedelta(hours=7)):
        loop.drain(world)
        assert [(kind, level) for kind, level, _ in waiting()] == [("start", 2)]


def test_a_refused_end_is_proposed_again_so_that_a_response_can_end(world):
    warning = signal(world, "台风", "orange")
    confirm(world)
    lift(world, warning)
    assert [kind for kind, *_ in waiting()] == ["end"]
    decline(world)
    with clock.travelled(timedelta(hours=7)):
        loop.drain(world)
        confirm(world)
    assert Response.objects.get().state == "ended"


def test_the_end_waits_for_a_proposal_and_for_stations_still_in_alarm(world):
    typhoon = signal(world, "台风", "yellow")
    confirm(world)
    raised = alarm(world)
    signal(world, "暴雨", "red", city.LAOSHAN)
    assert [(kind, level) for kind, level, _ in waiting()] == [("raise", 2)]
    lift(world, Warning.objects.get(state="active", hazard="暴雨"))
    lift(world, typhoon)
    assert [(kind, level) for kind, level, _ in waiting()] == [("raise", 2)]
    decline(world)
    lift(world, signal(world, "台风", "blue"))
    assert waiting() == []
    Alarm.objects.filter(pk=raised.pk).update(active=False)
    lift(world, signal(world, "台风", "blue"))
    assert [kind for kind, *_ in waiting()] == ["end"]


def test_a_rule_is_in_force_by_the_citys_calendar(world):


    ResponseRule.objects.update(since=date(2026, 6, 1))
    first_hour = datetime(2026, 5, 31, 17, tzinfo=UTC)
    assert rules_at(first_hour, "signal").exists()


def standing_at(world, colour="orange"):
    """A response that a city-wide typhoon signal started."""
    warning = signal(world, "台风", colour)
    confirm(world)
    return warning


def test_a_weaker_signal_proposes_to_lower_and_names_what_still_holds(world):
    standing_at(world)
    signal(world, "台风", "yellow")
    assert [(kind, level) for kind, level, _ in waiting()] == [("lower", 4)]
    proposal = Proposal.objects.get(state="proposed")
    assert proposal.fired["rule"] == "台风黄色预警→Ⅳ级" and "台风黄色预警生效" in proposal.reason
    assert str(proposal) == "建议将防汛防台风应急响应降低为Ⅳ级"
    signal(world, "台风", "yellow")
    assert Proposal.objects.filter(kind="lower").count() == 1, "what waits is not proposed again"
    confirm(world)
    assert (Response.objects.get().level, waiting()) == (4, [])


def test_automatic_confirmation_never_lowers(world):
    world.switches = {"auto_confirm": True}
    world.save()
    with scope.everyone(world):
        signal(world, "台风", "orange")
        with clock.travelled(timedelta(minutes=11)):
            loop.drain(world)
            assert Response.objects.get().level == 3
            signal(world, "台风", "yellow")
        with clock.travelled(timedelta(hours=9)):
            loop.drain(world)
            assert [(kind, level) for kind, level, _ in waiting()] == [("lower", 4)]
            lift(world, Warning.objects.get(state="active"))
            assert [kind for kind, *_ in waiting()] == ["end"]
        with clock.travelled(timedelta(hours=10)):
            loop.drain(world)
        assert Response.objects.get().state == "ended"


def test_a_waiting_lower_level_lapses_when_a_stronger_ground_comes(world):
    standing_at(world)
    signal(world, "台风", "yellow")
    signal(world, "暴雨", "orange")
    assert waiting() == [] and Proposal.objects.get(kind="lower").state == "lapsed"
    signal(world, "暴雨", "red")
    assert [(kind, level) for kind, level, _ in waiting()] == [("raise", 2)]


def test_a_waiting_end_gives_way_to_a_lower_level_and_the_other_way_round(world):
    warning = standing_at(world)
    lift(world, warning)
    assert [kind for kind, *_ in waiting()] == ["end"]
    late = signal(world, "暴雨", "yellow")
    assert [(kind, level) for kind, level, _ in waiting()] == [("lower", 4)]
    lift(world, late)
    assert [kind for kind, *_ in waiting()] == ["end"]
    assert [p.state for p in Proposal.objects.filter(kind__in=("lower", "end")).order_by("id")] == ["lapsed", "lapsed", "proposed"]


def test_a_refused_lower_level_holds_for_hours_and_is_then_weighed_again(world):
    standing_at(world)
    signal(world, "台风", "yellow")
    decline(world)
    signal(world, "台风", "yellow")
    assert waiting() == []
    with clock.travelled(timedelta(hours=7)):
        loop.drain(world)
        assert [(kind, level) for kind, level, _ in waiting()] == [("lower", 4)]


def test_a_refused_lower_level_hinders_no_rise_and_counts_no_more_after_one(world):
    standing_at(world)
    signal(world, "台风", "yellow")
    decline(world)
    red = signal(world, "暴雨", "red")
    assert [(kind, level) for kind, level, _ in waiting()] == [("raise", 2)]
    confirm(world)
    lift(world, red)
    assert [(kind, level) for kind, level, _ in waiting()] == [("lower", 4)]


def test_a_lower_level_keeps_the_districts_that_a_raise_had_reached(world):
    signal(world, "台风", "yellow", city.LAOSHAN)
    confirm(world)
    assert Response.objects.get().areas == [city.LAOSHAN]
    red = signal(world, "暴雨", "red", city.JIMO)
    confirm(world)
    lift(world, red)
    confirm(world)
    response = Response.objects.get()
    assert (response.level, response.areas) == (4, [city.LAOSHAN, city.JIMO])
