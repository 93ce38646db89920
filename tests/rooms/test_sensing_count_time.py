"""What time does to a count: who is not heard of any more counts no longer and ends nothing, and the count must last."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from anlan.kernel import clock
from anlan.kernel.cases import Refused
from anlan.kernel.journal.models import Line
from anlan.kernel.people import scope
from anlan.sensing import acts, load, network, settle
from anlan.sensing.models import Alarm, Rule, Sensor
from tests.kernel import city

from .test_sensing_count import counted, counting, rest, rule, take, world  # noqa: F401  a fixture


def later(seconds, *values, tick=True):
    """After so many seconds these values, None for those that say nothing; then what time alone brings about."""
    with clock.travelled(timedelta(seconds=seconds)):
        if values:
            take(*values)
        if tick:
            network.tick()


def area():
    return Alarm.objects.filter(sensor=None).latest("id")


def lines(alarm):
    return list(Line.objects.filter(subject_id=alarm.pk).order_by("pk").values_list("verb", flat=True))


def ago(start, alarm):
    return round((alarm.at - start).total_seconds())


# ── fresh ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_sensor_that_died_beyond_its_limit_raises_no_alarm_of_its_area(world):  # noqa: F811
    counting(2, fresh_s=60)
    take(25)
    later(90, None, 25)
    assert counted() == []
    later(100, 25)
    assert counted() == [(2.0, True)], "it is heard of again"


def test_an_alarm_of_an_area_is_told_with_those_that_are_not_counted(world):  # noqa: F811
    counting(2, fresh_s=60)
    take(25)
    later(90, None, 25, 25)
    alarm = area()
    assert (alarm.value, alarm.stale, alarm.doubtful) == (2, [Sensor.objects.get(code="s0.gust").pk], False)
    assert "另有 1 个读数过时未计" in Line.objects.get(subject_id=alarm.pk, verb="alarm.raised").text
    assert alarm.counted == "1站、2站" and alarm.uncounted == "读数过时 1 个:0站" and alarm.stage_label == "未确认(1 个测点读数过时)"


def test_it_does_not_end_because_its_sensors_died_and_is_in_doubt_instead(world):  # noqa: F811
    counting(2, fresh_s=60)
    take(25, 25)
    later(30, 25)
    later(75, 25)
    assert (area().active, area().doubtful, len(area().stale)) == (True, True, 1)
    assert area().uncounted == "读数过时 1 个:1站" and area().stage_label == "未确认(1 个测点读数过时,有效的不足)"
    said = Line.objects.get(verb="alarm.doubtful")
    assert "1 个测点读数过时,有效的只有 1 个,不足 2 个" in said.text and said.level == 1
    later(3600)
    assert area().active and len(area().stale) == 2, "both are silent now, and that is seen though nothing is read"
    later(3700, 25, 25)
    assert (area().active, area().doubtful, area().stale, area().stage_label) == (True, False, [], "未确认")
    later(3800, None, 3)
    assert lines(area()) == ["alarm.raised", "alarm.doubtful", "alarm.certain", "alarm.doubtful", "alarm.cleared"]
    assert (area().active, area().doubtful, area().stale) == (False, False, [])


def test_while_enough_are_heard_of_it_is_not_in_doubt(world):  # noqa: F811
    counting(3, clear=1, fresh_s=60)
    take(25, 25, 25)
    later(50, 25)
    later(90)
    assert not area().doubtful and area().uncounted == "读数过时 2 个:1站、2站"
    later(100, 3)
    assert area().active and area().doubtful, "none that is heard of is there, two may be"
    later(110, None, 3, 3)
    assert not area().active


def test_what_is_in_doubt_ends_when_somebody_who_has_seen_it_says_so(world):  # noqa: F811
    counting(2, fresh_s=60)
    take(25, 25)
    with pytest.raises(Refused, match="不须复位"):
        acts.do_reset(area())
    later(75)
    with pytest.raises(Refused, match="确认以后才能复位"):
        acts.do_reset(area())
    acts.check_acknowledge(area())
    assert area().stage == Alarm.Stage.LATCHED
    acts.do_reset(area())
    assert (area().active, area().doubtful, area().stage) == (False, False, "rests")
    assert "2 个测点读数过时" in Line.objects.get(verb="alarm.reset").text
    rule("rain", 50, hours=3, level=3, hazard="暴雨")
    network._networks.clear()
    later(80)
    assert counted() == [(2.0, False)], "it is not raised again because another rule has changed"
    later(90, 25)
    assert counted() == [(2.0, False)]
    later(95, None, 25)
    assert counted() == [(2.0, False), (2.0, True)], "but when they are heard of and still there"


def test_it_cannot_be_reset_when_they_have_just_been_heard_of_again(world):  # noqa: F811
    counting(2, fresh_s=60)
    take(25, 25)
    later(75)
    acts.check_acknowledge(area())
    seen = area()
    later(80, 25, 25)
    with pytest.raises(Refused, match="已恢复来数"):
        acts.do_reset(seen)
    assert area().active and not area().doubtful


def test_another_process_knows_that_it_is_in_doubt(world):  # noqa: F811
    counting(2, fresh_s=60)
    take(25, 25)
    later(75)
    network._networks.clear()
    later(80)
    assert lines(area()) == ["alarm.raised", "alarm.doubtful"]
    with scope.everyone(world):
        rule("rain", 50, hours=3, level=3, hazard="暴雨")
    later(85)
    later(90, 3, 3)
    assert lines(area()) == ["alarm.raised", "alarm.doubtful", "alarm.cleared"]


def test_one_that_is_held_is_not_told_by_those_that_are_stale(world):  # noqa: F811
    counting(3, fresh_s=60)
    rest("s0.gust", 1)
    take(25, 25, 25)
    assert area().held and area().uncounted == "停用 1 个:0站"
    later(75, None, None, 25, 25)
    with clock.travelled(timedelta(seconds=75)):
        settle.release()
    assert area().held, "two are heard of, one is stale, one is out of service"
    later(80, None, 25, 25, 25)
    assert not area().held


def test_without_a_time_a_sensor_counts_as_it_stood(world):  # noqa: F811
    counting(2)
    take(25)
    later(3600, None, 25)
    assert counted() == [(2.0, True)] and not area().stale


# ── lasting ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_count_is_told_when_it_has_lasted(world):  # noqa: F811
    counting(2, hold_up_s=60)
    start = clock.now()
    take(25, 25)
    later(30, 3)
    later(40, 25)
    later(95)
    assert counted() == []
    later(130)
    assert counted() == [(2.0, True)] and ago(start, area()) == 100, "for the moment at which it had"


def test_a_count_is_over_when_it_has_been_left_for_as_long(world):  # noqa: F811
    counting(2, hold_down_s=60)
    start = clock.now()
    take(25, 25)
    later(30, 3)
    later(80, 25)
    later(100, 3)
    later(155)
    assert counted() == [(2.0, True)]
    later(200)
    assert counted() == [(2.0, False)] and round((area().cleared_at - start).total_seconds()) == 160


def test_a_restart_and_another_rule_lose_none_of_the_time_that_it_has_lasted(world):  # noqa: F811
    counting(2, hold_up_s=60)
    start = clock.now()
    take(25, 25)
    network._networks.clear()
    later(30)
    rule("rain", 50, hours=3, level=3, hazard="暴雨")
    later(40)
    network._networks.clear()
    later(70)
    assert counted() == [(2.0, True)] and ago(start, area()) == 60


def test_times_are_loaded_from_a_file(world):  # noqa: F811
    told = f'kind: count, hazard: 大风, quantity: gust, amount: 2, reach: 3, level: 1, area: "{city.LAOSHAN}", source: 试, confidence: V'
    assert load.load(f"rules:\n  - {{{told}, hold_up: 30, hold_down: 60, fresh: 90}}\n")["rules"] == 1
    mine = Rule.objects.get(kind="count")
    assert (mine.hold_up_s, mine.hold_down_s, mine.fresh_s) == (30, 60, 90)
    with pytest.raises(load.Faulty, match="只有“多点同时”才填读数有效时间"):
        load.load("rules:\n  - {quantity: gust, amount: 25, fresh: 60, source: 试, confidence: V}\n")
    with pytest.raises(load.Faulty, match="fresh 应为不小于 0 的整数"):
        load.load(f"rules:\n  - {{{told}, fresh: -1}}\n")


def test_a_rule_that_has_alarmed_keeps_its_times(world):  # noqa: F811
    mine = counting(2, fresh_s=60)
    take(25, 25)
    mine.fresh_s = 600
    with pytest.raises(ValidationError, match="不能再改"):
        mine.full_clean(exclude=["mark"])
