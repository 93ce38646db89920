"""Real readings through the door, and the alarms that they must raise as they were read off by hand.

The river is real and stands here (`river/SOURCES.md`). Rain, tide and hot spots are real in `python -m bench real`, whose sets may
not be handed on; here short files of our own in the same formats hold what is odd in those, and `bench.real` reads and judges both.
"""

import hashlib
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import yaml

from anlan.faces import ingest
from anlan.kernel.clock import travelled
from anlan.kernel.people import scope
from anlan.sensing import load, network
from anlan.sensing.models import Alarm, Gateway
from bench.real import coast, refused, river, spots
from bench.real.sets import Limit, Stood, stood, words
from tests.kernel import city

FOLDER = Path(__file__).parent / "river"
CDT, KST = timezone(timedelta(hours=-5)), timezone(timedelta(hours=9))

STAGES = """
08165300.141463  3  04 03:15  04 15:45  19.46
08165300.141463  2  04 04:15  04 06:45  19.46
08165500.141467  3  04 03:20  05 15:35  37.52
08165500.141467  2  04 03:55  05 15:35  37.52
08165500.141467  1  04 05:10  05 15:35  37.52
08166200.141478  3  04 05:45  05 00:00  34.29
08166200.141478  2  04 06:00  04 11:30  34.29
08166200.141478  1  04 06:15  04 07:45  34.29
08166200.141478  2  04 12:45  04 15:45  14.2
08166250.141481  3  04 06:30  04 19:30  21.41
08166250.141481  2  04 06:45  04 11:15  21.41
08167200.165373  3  04 15:00  06 01:45  49.7
08167200.165373  2  04 15:15  05 14:30  49.7
08167200.165373  1  04 15:45  05 08:00  49.7
08167200.165373  3  07 11:15  -         10.96
08167200.165375  3  04 16:15  05 13:00  43.36
08167200.165375  2  04 17:45  05 09:45  43.36
08167200.165375  1  04 21:00  05 03:30  43.36
08167500.141499  3  04 22:45  06 11:45  30.03
08167500.141499  2  04 23:00  05 21:00  30.03
08167500.141499  1  05 01:30  05 12:15  30.03
08167900.141518  3  05 11:50  05 14:15  12.64
08168500.141525  3  05 13:15  05 16:15  10.77
08169740.164908  3  05 10:30  06 00:30  9.22
08169792.141556  3  05 11:45  06 05:15  23.85
08169792.141556  2  05 14:00  05 17:15  23.85
08173900.141622  3  06 06:45  -         23.69
08173900.141622  2  06 19:00  07 05:45  23.69
08174700.141630  3  06 19:00  -         20.76
08174700.141630  2  07 03:15  -         20.76
08174700.141632  3  07 10:45  -         20.91
"""
"""Gauge and column, level, begun, ended, highest, of the stages 6, 12 and 24 ft above their first reading, over one foot below
that: read off the lines of the files, down the river. The last three gauges rose by less, and 08169740.164909 not at all."""


@pytest.fixture
def played(db):
    """Send a set through the door, body after body; what the alarms are then, and how many readings were refused, each of them a
    word where a figure should stand."""
    world = city.build()

    def play(given):
        with scope.everyone(world):
            load.load(yaml.safe_dump(given.network, allow_unicode=True))
            Gateway.objects.create(name="real", token=hashlib.sha256(b"t").hexdigest())
        told = [ingest.take("t", json.dumps(body).encode()) for body in given.bodies]
        assert all(status == 200 for status, _ in told)
        assert [refused(found) for _, found in told] == [words(body) for body in given.bodies]
        with scope.everyone(world), travelled(timedelta(seconds=20)):
            network.tick()  # how far those went that stand is shown some seconds later
            return Counter(map(as_stood, Alarm.objects.select_related("sensor"))), sum(len(found["rejected"]) for _, found in told)

    return play


def as_stood(alarm):
    return Stood(alarm.sensor.code, alarm.level, alarm.at.timestamp(), alarm.cleared_at and alarm.cleared_at.timestamp(), alarm.value, alarm.peak)


def at(text, zone=UTC):
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def by_hand(line):
    """(gauge and column, level, begun, ended, highest) of a line of `STAGES`."""
    sensor, level, *moments, peak = line.replace("-", "- -").split()
    began, ended = (None if "-" in (day, hour) else at(f"2025-07-{day} {hour}", CDT) for day, hour in (moments[:2], moments[2:]))
    return f"{sensor}.00065", int(level), began, ended, float(peak)


def test_a_flood_comes_down_fifteen_gauges(played):
    given = river.read(FOLDER)
    told, missing = played(given)
    stages = Counter((one.sensor, one.level, one.began, one.ended, one.peak) for one in told.elements() if one.sensor.endswith(".00065"))
    assert stages == Counter(map(by_hand, STAGES.strip().splitlines()))
    assert told == Counter(given.wanted), "and the discharges, as the plainest reading finds them"
    assert missing == 504 + 69 and given.readings == 25_664, "the word Fld, and fields that are empty"
    assert {one["time"][-6:] for body in given.bodies for one in body} == {"-05:00"}, "CDT is what the files say"


def test_a_label_of_time_that_nobody_knows_is_no_time(tmp_path):
    (tmp_path / "usgs_1.rdb").write_text("a\tsite_no\tdatetime\ttz_cd\t1_00065\n5s\t15s\t20d\t6s\t14n\nUSGS\t1\t2025-07-04 00:00\tXDT\t1.0\n")
    with pytest.raises(KeyError):
        list(river.channels(tmp_path))


def test_the_door_guesses_no_label_of_time_and_tells_the_two_hours_of_an_autumn_night_apart(played):
    given = river.read(FOLDER)
    played(replace(given, bodies=[]))
    sensor = given.network["sensors"][0]["code"]
    labels = ("2025-11-02 01:30 CDT", "2025-11-02 01:30", "2025-11-02T01:30:00-05:00", "2025-11-02T01:30:00-06:00")
    status, told = ingest.take("t", json.dumps([{"sensor": sensor, "time": label, "value": 1.0} for label in labels]).encode())
    assert status == 200 and told["accepted"] == 2
    assert [(no["index"], no["reason"]) for no in told["rejected"]] == [
        (0, "时间无法识别:2025-11-02 01:30 CDT"), (1, "时间缺少时区:2025-11-02 01:30"),
    ]  # fmt: skip


RAIN = """local_time,tide_cm,pcp_mm,wind_speed_mps
6/1/2018 0:00,10,0,5
6/1/2018 0:30,25,10.0,10.8
6/1/2018 1:00,31,20.0,17.1
6/1/2018 1:30,39,19.9,17.2
6/1/2018 2:00,37,0.1,15
6/1/2018 2:30,35.9,0,14.9
6/1/2018 3:00,19.9,1.0,9
6/1/2018 3:30,,0,8.9
6/1/2018 9:00,-40,0,
6/1/2018 10:00,-20,,0
6/1/2018 12:00,0,0,0
6/1/2018 12:30,5,0,0
"""
CROSSINGS = """colour,window_h,threshold_mm,local_time,direction,window_sum_mm
blue,12,50,2018-06-01T02:00:00,up,50.0
blue,12,50,2018-06-01T12:30:00,down,41.0
yellow,6,50,2018-06-01T02:00:00,up,50.0
yellow,6,50,2018-06-01T09:00:00,down,0.0
orange,3,50,2018-06-01T02:00:00,up,50.0
orange,3,50,2018-06-01T03:30:00,down,41.0
"""


def test_rain_tide_and_wind_at_a_coast(played, tmp_path):
    (tmp_path / coast.FILE).write_text(RAIN)
    (tmp_path / coast.LIST).write_text(CROSSINGS)
    given = coast.read(tmp_path)
    hour = lambda text: at(f"2018-06-01 {text}", KST)  # noqa: E731
    by_hand = [
        Stood("coast.rain", 4, hour("02:00"), hour("12:30"), 50.0, 51.0),
        Stood("coast.rain", 3, hour("02:00"), hour("09:00"), 50.0, 51.0),
        Stood("coast.rain", 2, hour("02:00"), hour("03:30"), 50.0, 51.0),
        Stood("coast.stage", 3, hour("01:00"), hour("03:00"), 31.0, 39.0),
        Stood("coast.stage", 2, hour("01:30"), hour("02:30"), 39.0, 39.0),
        Stood("coast.gust", 3, hour("00:30"), hour("03:30"), 10.8, 17.2),
        Stood("coast.gust", 2, hour("01:30"), hour("02:30"), 17.2, 17.2),
    ]
    assert Counter(given.wanted) == Counter(by_hand)
    assert played(given) == (Counter(by_hand), 0)
    assert coast.unlike(tmp_path, given.wanted) == 0
    (tmp_path / coast.LIST).write_text(CROSSINGS.replace("02:00:00,up", "02:30:00,up", 1))
    assert coast.unlike(tmp_path, given.wanted) == 2, "one is missing there and one is too many"


HEAD = "latitude,longitude,brightness,scan,track,acq_date,acq_time,satellite,instrument,confidence,version,bright_t31,frp,daynight,type\n"
SEEN = (
    ("50.10,10.10", "2023-05-01,131,Terra", 60, 6.0, 0),  # the hour without its leading zero
    ("50.11,10.12", "2023-05-01,0133,Terra", 60, 44.5, 0),  # on the same way across, in the same cell
    ("50.10,10.10", "2023-05-01,1005,Aqua", 100, 120.0, 0),
    ("50.30,10.10", "2023-05-01,1005,Aqua", 29, 300.0, 0),  # too unsure
    ("50.30,10.10", "2023-05-01,1145,Terra", 30, 4.9, 0),  # sure enough, too weak
    *(("50.305,10.205", f"2023-05-0{day},2100,Terra", 80, 30.0, 2) for day in (2, 3, 4, 5, 6, 7)),  # a steelworks; the sixth day says so
)
SPOTS = HEAD + "".join(f"{where},300,1,1,{when},MODIS,{sure},61.03,280,{power},D,{what}\n" for where, when, sure, power, what in SEEN)


def test_hot_spots_become_readings_of_the_cells_that_are_watched(played, tmp_path):
    path = tmp_path / "modis.csv"
    path.write_text(SPOTS)
    given = spots.read(path, "hot spots")
    fire, works = "N50.00E010.00", "N50.25E010.00"
    over = at("2023-05-01 11:45")
    by_hand = [
        Stood(fire, 4, at("2023-05-01 01:31"), over, 50.5, 120.0),
        Stood(fire, 3, at("2023-05-01 01:31"), over, 50.5, 120.0),
        Stood(fire, 2, at("2023-05-01 10:05"), over, 120.0, 120.0),
        Stood(works, 4, at("2023-05-02 21:00"), at("2023-05-07 21:00"), 30.0, 30.0),
    ]
    assert Counter(given.wanted) == Counter(by_hand)
    assert len(given.bodies) == 9 and given.readings == 18, "each way across is a reading of both cells"
    assert played(given) == (Counter(by_hand), 0)
    assert spots.true(path, given.wanted) == {True: 1, False: 1}


def test_a_file_without_the_truth_and_with_letters_for_confidence_is_read_too(tmp_path):
    path = tmp_path / "near.csv"
    lines = [f"-0.10,-70.10,300,0.4,0.4,2023-05-01,0{n}31,N,VIIRS,{sure},2.0NRT,280,3.5,N" for n, sure in enumerate("lnh")]
    lines.append("-0.10,-70.10,300,0.4,0.4,2023-05-01,0431,N,VIIRS,low,2.0NRT,280,3.5,N")
    path.write_text(HEAD.replace(",type", "") + "\n".join(lines) + "\n")
    found = list(spots.spots(path))
    assert [(one.sure, one.truth, one.power) for one in found] == [(False, "", 3.5), (True, "", 3.5), (True, "", 3.5), (False, "", 3.5)]
    assert spots.name(found[0].cell) == "S00.25W070.25", "the corner in the south-west"


def test_what_stands_is_found_by_the_plainest_reading():
    start = datetime(2025, 1, 1, tzinfo=UTC)
    series = [(start + timedelta(minutes=n), float(v)) for n, v in enumerate([9, 10, 12, 8, 7.9, 11])]
    t = start.timestamp()
    assert stood("s", series, Limit(3, 10, 8)) == [Stood("s", 3, t + 60, t + 240, 10, 12), Stood("s", 3, t + 300, None, 11, 11)]
