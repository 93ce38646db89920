"""A real flood comes down a river, through the door: which alarms it must raise was read off the gauges' lines by hand.

Limits of 10, 20 and 30 ft are of this test alone; an alarm ends one foot below. Times are those of the files, in CDT.
"""

import hashlib
import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from anlan.faces import ingest
from anlan.kernel.clock import real, travelled
from anlan.kernel.people import scope
from anlan.sensing.models import Alarm, Gateway, Rule, Sensor, Station
from tests.kernel import city

FOLDER = Path(__file__).parent / "river"
CDT = timezone(timedelta(hours=-5))
GAUGES = ("08165500", "08166200", "08166250")
STEP = timedelta(minutes=15)
BEGIN, END = datetime(2025, 7, 3, 18, tzinfo=CDT), datetime(2025, 7, 7, 15, 30, tzinfo=CDT)


def lines(gauge):
    """(time, what stands under stage) of one file."""
    rows = [line.split("\t") for line in (FOLDER / f"usgs_{gauge}_2025_07.rdb").read_text().splitlines() if not line.startswith("#")]
    column = next(n for n, head in enumerate(rows[0]) if head.endswith("_00065"))
    for row in rows[2:]:
        assert row[3] == "CDT"
        yield datetime.fromisoformat(row[2]).replace(tzinfo=CDT), row[column]


@pytest.fixture(scope="module")
def told():
    return sorted((at, gauge, said) for gauge in GAUGES for at, said in lines(gauge) if BEGIN < at <= END)


@pytest.fixture
def answers(db, told):
    """The flood, sent as a gateway would: what came within a quarter of an hour is one body."""
    world = city.build()
    with scope.everyone(world):
        for gauge in GAUGES:
            station = Station(code=gauge, name=gauge, kind="river", area_id=city.SHAZIKOU, lon=120, lat=36)
            station.save()
            Sensor(station=station, code=gauge, quantity="stage", unit="ft", low=-10, high=100, area_id=city.SHAZIKOU).save()
        same = {"hazard": "洪水", "quantity": "stage", "hours": 0, "source": "试验", "confidence": "试验", "version": "1", "since": city.SINCE}
        for amount, level in ((10, 3), (20, 2), (30, 1)):
            Rule.objects.create(amount=amount, clear=amount - 1, level=level, **same)
        Rule.objects.create(kind="offline", amount=0, clear=0, level=4, hold_up_s=3600, **same)
        Gateway.objects.create(name="usgs", token=hashlib.sha256(b"t").hexdigest())
    found, at = [], BEGIN
    while at < END:
        at += STEP
        rows = [(t, g, said) for t, g, said in told if at - STEP < t <= at]
        body = [{"sensor": g, "time": t.isoformat(), "value": float(said) if said.replace(".", "").isdigit() else said} for t, g, said in rows]
        with travelled(at - real()):
            found.append((at, rows, ingest.take("t", json.dumps(body).encode())))
    with scope.everyone(world):
        yield found


def alarms(gauge, kind="high"):
    """(level, begun, ended, peak) of a gauge, in the order in which they began."""
    def hour(moment):
        return moment and moment.astimezone(CDT).strftime("%d %H:%M")

    rows = Alarm.objects.filter(sensor__code=gauge, rule__kind=kind).order_by("at", "-level")
    return [(a.level, hour(a.at), hour(a.cleared_at), a.peak) for a in rows]


def test_the_flood_raises_the_alarms_that_its_lines_say(answers):
    assert alarms("08166200") == [
        (3, "04 06:00", "04 18:30", 34.29), (2, "04 06:15", "04 08:15", 34.29), (1, "04 06:30", "04 07:30", 34.29),
    ], "at 11:30 it stood at 9.89, above the foot of clearance"  # fmt: skip
    assert alarms("08166250") == [(3, "04 06:30", "04 18:30", 21.41), (2, "04 07:00", "04 10:00", 21.41)]
    assert alarms("08165500") == [
        (3, "04 03:00", "05 15:35", 37.52), (2, "04 03:55", "05 15:35", 37.52), (1, "04 05:10", "05 15:35", 37.52),
        (3, "06 19:20", "07 09:10", pytest.approx(10.01, abs=0.3)),
    ]  # fmt: skip


def test_the_gauge_that_dies_at_its_crest_is_an_alarm_of_its_own_and_a_grave_one(answers):
    (level, begun, ended, _), *more = alarms("08165500", kind="offline")
    assert more == [] and level == 2 and "04 06:15" <= begun <= "04 06:30" and "05 15:35" <= ended <= "05 15:45"


def test_words_instead_of_figures_are_refused_by_name_and_end_as_silence(answers):
    words = [(at, rows, told) for at, rows, (_, told) in answers if any(said == "Fld" for _, _, said in rows)]
    assert len(words) > 200
    for _, rows, told in words:
        assert [r["reason"] for r in told["rejected"]] == ["数值不是数字:Fld"] * sum(said == "Fld" for _, _, said in rows)
    assert [begun for _, begun, _, _ in alarms("08166250", kind="offline")] == ["05 01:00"]


def test_nothing_else_was_refused_and_nothing_is_told_twice(answers, told):
    assert all(status == 200 for _, _, (status, _) in answers)
    assert sum(len(found["rejected"]) for _, _, (_, found) in answers) == sum(said == "Fld" for _, _, said in told)
    keys = list(Alarm.objects.values_list("sensor", "rule", "at"))
    assert len(keys) == len(set(keys))
