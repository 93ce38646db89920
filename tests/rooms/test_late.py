"""What comes late, out of order, twice or without a figure: each is told once, and as what it is."""

import json
from datetime import timedelta

import pytest

from anlan.faces import ingest
from anlan.kernel import clock
from anlan.kernel.journal.models import Line
from anlan.sensing import intake
from anlan.sensing.models import Alarm, Rule, Sensor, Traffic
from tests.kernel import city
from tests.rooms.test_intake import rule, world  # noqa: F401

MINUTE = timedelta(minutes=1)


@pytest.fixture
def start():
    return clock.now().replace(microsecond=0) - timedelta(hours=6)


def send(start, *readings, code="s1.gust"):
    """Of (minute, value)."""
    body = [{"sensor": code, "time": (start + m * MINUTE).isoformat(), "value": v} for m, v in readings]
    status, told = ingest.take("t", json.dumps(body).encode())
    assert status == 200
    return told


def alarms(start, **of):
    """(level, first minute, last minute, first value, peak) of each alarm."""
    def minute(moment):
        return moment and round((moment - start) / MINUTE, 3)

    return [(a.level, minute(a.at), minute(a.cleared_at), a.value, a.peak) for a in Alarm.objects.filter(**of).order_by("at", "pk")]


def test_what_is_sent_again_under_another_number_is_told_once(world, start):  # noqa: F811
    sent = (0, 3), (10, 26), (20, 27), (30, 3)
    send(start, *sent)
    once = alarms(start)
    assert once == [(2, 10, 30, 26, 27)]
    send(start, *sent)
    send(start, *sent[1:3])
    assert alarms(start) == once


def test_a_batch_in_any_order_is_judged_in_the_order_of_its_times(world, start):  # noqa: F811
    send(start, (30, 3), (20, 27), (0, 3), (40, 2), (10, 26))
    assert alarms(start) == [(2, 10, 30, 26, 27)]


def test_a_refusal_keeps_its_place_in_a_batch_that_is_put_in_order(world, start):  # noqa: F811
    told = send(start, (30, 3), (20, 999), (10, "x"), (0, 4))
    assert Traffic.objects.get().reasons == {"超出量程": 1, "数值无效": 1}
    assert told["accepted"] == 2 and [(no["index"], no["reason"][:6]) for no in told["rejected"]] == [(1, "超出量程 0"), (2, "数值不是数字")]


def test_late_readings_at_a_level_are_one_alarm_that_is_over(world, start):  # noqa: F811
    send(start, (120, 3))
    send(start, (10, 3), (20, 25), (30, 29), (40, 22))
    assert alarms(start) == [(2, 20, 40, 25, 29)]
    assert [line.verb for line in Line.objects.filter(verb__startswith="alarm.")] == ["alarm.late"], "it is no alarm of now"
    send(start, (25, 30))
    assert alarms(start) == [(2, 20, 40, 25, 29)], "another of that time is told by it"
    send(start, (60, 31))
    assert alarms(start)[1:] == [(2, 60, 60, 31, 31)]


def test_late_readings_far_apart_or_about_an_alarm_are_told_apart(world, start):  # noqa: F811
    send(start, (200, 3), (210, 25), (215, 3), (300, 3))
    send(start, (10, 25), (20, 26), (100, 27), (205, 28), (220, 29))
    assert alarms(start) == [(2, 10, 20, 25, 26), (2, 100, 100, 27, 27), (2, 205, 205, 28, 28), (2, 210, 215, 25, 25), (2, 220, 220, 29, 29)]


@pytest.mark.parametrize("together", [True, False])
def test_the_same_is_told_whether_batches_are_gathered_or_not(world, start, together):  # noqa: F811
    send(start, (0, 25))
    bodies = [[(10, 3), (40, 3)], [(20, 30)]]
    sent = [json.dumps([{"sensor": "s1.gust", "time": (start + m * MINUTE).isoformat(), "value": v} for m, v in body]).encode() for body in bodies]
    sendings = [intake.opened("t", body) for body in sent]
    for those in [sendings] if together else [[one] for one in sendings]:
        intake.work(those)
    assert alarms(start) == [(2, 0, 10, 25, 25), (2, 20, 20, 30, 30)]


def test_what_must_last_is_not_told_by_a_late_moment_and_the_lighter_rule_is(world, start):  # noqa: F811
    rule("gust", 40, clear=38, level=1, hold_up_s=600)
    send(start, (120, 3))
    send(start, (20, 45))
    assert alarms(start) == [(2, 20, 20, 45, 45)]


@pytest.fixture
def gauge(world):  # noqa: F811
    Sensor(station=Sensor.objects.first().station, code="s1.rain", quantity="rain", unit="mm", low=0, high=300, area_id=city.SHAZIKOU).save()
    rule("rain", 20, hours=1, level=3, hazard="暴雨")
    rule("rain", 100, hours=24, level=2, hazard="暴雨")


def test_a_storm_that_comes_late_is_told(gauge, start):
    send(start, (240, 0), code="s1.rain")
    send(start, (0, 10), (30, 15), (60, 12), (90, 3), code="s1.rain")
    assert alarms(start) == [(3, 30, 60, 25, 27)], "25 at half an hour, 27 at an hour, and 15 half an hour later is too little"


def test_a_late_sample_of_a_storm_that_is_told_is_no_storm_of_its_own(gauge, start):
    send(start, (60, 25), code="s1.rain")
    send(start, (59, 25), code="s1.rain")
    assert alarms(start) == [(3, 60, None, 25, 25)]


def test_words_for_figures_are_bad_readings_and_silence(world, start):  # noqa: F811
    rule("gust", 3, kind="quality", level=4)
    rule("gust", 0, kind="offline", level=3, hold_up_s=600)
    send(start, (0, 3))
    told = send(start, (1, "Fld"), (2, None), (3, "Fld"), (4, "Fld"))
    assert [no["reason"] for no in told["rejected"]] == ["数值不是数字:Fld", "缺少数值 value", "数值不是数字:Fld", "数值不是数字:Fld"]
    assert [(a.rule.kind, a.value) for a in Alarm.objects.all()] == [("quality", 3)], "three in a row, and the fourth tells nothing more"
    with clock.travelled(timedelta(minutes=9)):
        send(start, (5, "Fld"))
    with clock.travelled(timedelta(minutes=12)):
        send(start, (6, "Fld"))
    assert sorted(a.rule.kind for a in Alarm.objects.filter(active=True)) == ["offline", "quality"], "words are no sign of life"
    assert sum(row.reasons.get("数值无效", 0) for row in Traffic.objects.all()) == 6


def test_a_leap_is_told_with_the_value_that_it_reached(world, start):  # noqa: F811
    Rule.objects.all().delete()
    rule("gust", 5, kind="rate", level=3, hold_down_s=60)
    send(start, (0, 3), (1, 40), (2, 41), (3, 5), (4, 5), (5, 5))
    assert alarms(start) == [(3, 1, 2, 40, 40), (3, 3, 4, 5, 5)]


def test_a_unit_that_is_not_the_sensors_is_refused_at_the_door(world):  # noqa: F811
    pack = [{"bn": "s1.", "n": "stage", "u": "mm", "v": 3}, {"n": "stage", "u": "m", "v": 4, "t": -1}]
    status, told = ingest.take("t", json.dumps(pack).encode(), kind="application/senml+json")
    assert (status, told["accepted"]) == (200, 1) and told["rejected"] == [{"index": 0, "reason": "单位不符:mm,测点 s1.stage 的单位为 m"}]
    ingest.take("t", json.dumps([{"bn": "s1.", "n": "gone", "v": 3}, {"n": "stage", "t": "x", "v": 3}]).encode(), kind="application/senml+json")
    assert Traffic.objects.get().reasons == {"单位不符": 1, "未登记的测点": 1, "t 应为数值": 1}, "counted under whole words"
