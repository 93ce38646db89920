"""The door of readings: late, repeated, impossible and hostile batches."""

import hashlib
from datetime import UTC, date, datetime, timedelta

import orjson
import pytest

from anlan.faces import ingest
from anlan.kernel import clock
from anlan.kernel.people import scope
from anlan.sensing import door, readings
from anlan.sensing.models import Alarm, Burst, Gateway, Rule, Sensor, Station
from tests.kernel import city


@pytest.fixture
def world(db):
    world = city.build()
    with scope.everyone(world):
        station = Station(code="s1", name="站", kind="rain", area_id=city.SHAZIKOU, lon=120, lat=36)
        station.save()
        for code, quantity, unit in (("s1.rain", "rain", "mm"), ("s1.gust", "gust", "m/s")):
            Sensor(station=station, code=code, quantity=quantity, unit=unit, low=0, high=200, area_id=city.SHAZIKOU).save()
        for quantity, hours in (("rain", 1), ("gust", 0)):
            Rule.objects.create(
                hazard="暴雨", quantity=quantity, hours=hours, amount=20, clear=16, level=2, source="试验", confidence="V",
                version="1", since=city.SINCE,
            )  # fmt: skip
        yield world


def at(**ago):
    return clock.now() - timedelta(**ago)


def take(*rows):
    return door.take([door.Sample(code, moment, value) for code, moment, value in rows])


def test_a_late_reading_does_not_clear_an_alarm_of_now_and_a_repeated_one_changes_nothing(world):
    now = at()
    assert take(("s1.gust", now, 30.0))["alarms"] == 1
    assert take(("s1.gust", now - timedelta(hours=3), 2.0))["alarms"] == 0
    assert Alarm.objects.get().active
    assert take(("s1.gust", now, 30.0)) == {"accepted": 1, "rejected": [], "alarms": 0}
    assert Alarm.objects.count() == 1 and readings.count(world) == 2


def test_what_comes_together_is_numbered_alike_whichever_process_takes_it(world):
    """A set of texts has another order in each process; a replay that was killed is to come out the same."""
    for hazard in ("台风", "大风", "洪水", "海浪", "雷电", "冰雹"):
        Rule.objects.create(
            hazard=hazard, quantity="gust", hours=0, amount=20, clear=16, level=2, source="试验", confidence="V", version="1", since=city.SINCE,
        )  # fmt: skip
    assert take(("s1.gust", at(), 30.0))["alarms"] == 7
    told = list(Burst.objects.order_by("pk").values_list("hazard", flat=True))
    assert told == sorted(told) and len(told) == 7


def test_a_late_reading_that_fills_the_window_of_now_counts(world):
    now = at()
    take(("s1.rain", now, 12.0))
    assert take(("s1.rain", now - timedelta(minutes=30), 12.0))["alarms"] == 1


def test_a_rule_is_in_force_by_the_citys_calendar(world):
    for rule in Rule.objects.all():
        rule.since = date(2026, 6, 1)
        rule.save()
    for moment, raised in ((datetime(2026, 5, 31, 15, tzinfo=UTC), 0), (datetime(2026, 5, 31, 17, tzinfo=UTC), 1)):
        with scope.everyone(world, at=moment):
            assert take(("s1.gust", moment, 30.0))["alarms"] == raised


@pytest.mark.parametrize("time", ['"0001-01-01T00:00:00+14:00"', '"1949-10-01T00:00:00+08:00"', "-62135596800", "0"])
def test_an_impossible_time_is_refused_by_name_and_the_rest_is_kept(world, time):
    Gateway.objects.create(name="g", token=hashlib.sha256(b"t").hexdigest())
    good = f'{{"sensor": "s1.gust", "time": {clock.now().timestamp():.0f}, "value": 3}}'
    body = f'{{"readings": [{good}, {{"sensor": "s1.gust", "time": {time}, "value": 3}}]}}'
    status, told = ingest.take("t", body.encode())
    assert status == 200 and told["accepted"] == 1
    assert [r["index"] for r in told["rejected"]] == [1] and "时间" in told["rejected"][0]["reason"]


HOSTILE = [
    '{"sensor": "s1.gust", "time": 1e308, "value": 3}',
    '{"sensor": "s1.gust", "time": 1e12, "value": 3}',
    '{"sensor": "s1.gust", "time": 1700000000, "value": ' + "9" * 400 + "}",
    '{"sensor": "s1.gust", "time": 1700000000, "value": 1e400}',
    '{"sensor": "s1.gust", "time": 1700000000, "value": "NaN"}',
    '{"sensor": "s\\u0000", "time": 1700000000, "value": 3}',
    '{"sensor": "s1.gust", "time": [1], "value": 3}',
    '{"sensor": "s1.gust", "time": "x", "value": true}',
    "[" * 5000 + "]" * 5000,
    '{"sensor": "\\ud800", "time": 1700000000, "value": 3}',
]


@pytest.mark.parametrize("row", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_row_is_refused_and_nothing_breaks(world, row):
    Gateway.objects.create(name="g", token=hashlib.sha256(b"t").hexdigest())
    status, told = ingest.take("t", f'{{"readings": [{row}]}}'.encode())
    assert status == 400 or (status == 200 and told["accepted"] == 0 and len(told["rejected"]) == 1)
    orjson.dumps(told)


def test_a_batch_of_too_many_rows_is_refused_before_the_database_is_asked(world):
    Gateway.objects.create(name="g", token=hashlib.sha256(b"t").hexdigest())
    many = 300_000
    columns = {"sensor": [f"a{n}" for n in range(many)], "time": [0] * many, "value": [0] * many}
    status, told = ingest.take("t", orjson.dumps(columns))
    assert status == 400 and "条" in told["error"]


@pytest.mark.parametrize("token", ["", "wrong", "off", "t\x00", "\u00ff" * 9000])
def test_without_a_valid_token_nothing_is_read_and_nothing_stored(world, token):
    Gateway.objects.create(name="g", token=hashlib.sha256(b"t").hexdigest())
    Gateway.objects.create(name="h", token=hashlib.sha256(b"off").hexdigest(), enabled=False)
    body = orjson.dumps({"readings": [{"sensor": "s1.gust", "time": clock.now().isoformat(), "value": 30}]})
    assert ingest.take(token, body) == (401, {"error": "网关令牌无效或已停用"})


def test_each_refused_row_says_why_and_where_and_the_good_ones_raise_their_alarm(world):
    moment = clock.now()
    rows = [
        ("s9.rain", moment, 3.0), ("s1.gust", moment, float("nan")), ("s1.gust", moment, 1e9), ("s1.gust", moment, -1.0),
        ("s1.gust", moment + timedelta(minutes=11), 3.0), ("s1.gust", moment.replace(tzinfo=None), 3.0), ("s1.gust", moment, 30.0),
    ]  # fmt: skip
    found = take(*rows)
    assert (found["accepted"], found["alarms"]) == (1, 1)
    assert [(r["index"], r["reason"][:5]) for r in found["rejected"]] == [
        (0, "未登记的测"), (1, "数值无效"), (2, "超出量程 "), (3, "超出量程 "), (4, "观测时间晚"), (5, "时间缺少时"),
    ]  # fmt: skip
    assert "s9.rain" in found["rejected"][0]["reason"] and readings.count(world) == 1


@pytest.mark.parametrize("body", [b"", b"{", b"null", b'{"readings": 3}', b'{"sensor": ["a"], "time": [], "value": [1]}', b'{"readings": [NaN}'])
def test_a_batch_that_is_none_is_refused_in_words(world, body):
    Gateway.objects.create(name="g", token=hashlib.sha256(b"t").hexdigest())
    status, told = ingest.take("t", body)
    assert status == 400 and any("\u4e00" <= sign <= "\u9fff" for sign in told["error"])


def test_an_alarm_ends_with_its_rule(world):
    take(("s1.gust", at(), 30.0))
    for rule in Rule.objects.all():
        rule.until = (clock.now() - timedelta(days=2)).date()
        rule.save()
    take(("s1.gust", at(), 31.0))
    assert not Alarm.objects.get().active
