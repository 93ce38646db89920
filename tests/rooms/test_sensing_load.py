"""A network declared from a file, and what the commands tell of it."""

import json
from argparse import Namespace
from datetime import timedelta

import pytest

from anlan.faces import network as commands
from anlan.kernel import clock
from anlan.kernel.cases import Refused
from anlan.kernel.people import scope
from anlan.sensing import door, load
from anlan.sensing.models import Alarm, Rule, Sensor, Station
from tests.kernel import city

FILE = f"""
sites:
  - {{code: T1, name: 一号罐区, kind: chemical, area: "{city.SHAZIKOU}", lon: 120.5, lat: 36.1}}
sensors:
  - {{code: T1.level, site: T1, quantity: level, unit: m, low: 0, high: 20}}
  - {{code: T1.gas, site: T1, quantity: gas, unit: "%LEL", low: 0, high: 100}}
profiles:
  tank:
    - {{level: 3, amount: 15, clear: 14.5, hold_up: 10}}
    - {{level: 1, amount: 18, clear: 17, hold_up: 0}}
    - {{kind: low, level: 3, amount: 1, clear: 1.5}}
    - {{kind: offline, level: 3, hold_up: 600}}
rules:
  - {{profile: tank, sensor: T1.level, hazard: 储罐, source: 试验, confidence: 合成, version: "1", since: 2020-01-01}}
  - {{quantity: gas, hazard: 泄漏, level: 2, amount: 25, clear: 20, source: 试验, confidence: 合成, since: 2020-01-01, season: "06-01/09-30"}}
"""


@pytest.fixture
def world(db):
    world = city.build()
    with scope.everyone(world):
        yield world


def test_sites_sensors_and_rules_are_written_and_the_file_may_come_again(world):
    assert load.load(FILE) == {"sites": 1, "sensors": 2, "rules": 5}
    assert load.load(FILE.replace("一号罐区", "二号罐区"))["rules"] == 5
    assert (Station.objects.get().name, Sensor.objects.count(), Rule.objects.count()) == ("二号罐区", 2, 5)
    gas = Rule.objects.get(quantity="gas")
    assert (gas.season_from, gas.season_until) == ("06-01", "09-30")


def test_what_was_loaded_judges_at_once(world, capsys):
    load.load(FILE)
    moment = clock.now() - timedelta(minutes=5)
    assert door.take([door.Sample("T1.level", moment, 18.5)])["alarms"] == 2, "the graver level, which waits for nothing, tells of the lower one"
    assert door.take([door.Sample("T1.level", moment + timedelta(seconds=10), 18.6)])["alarms"] == 0
    assert door.take([door.Sample("T1.level", moment + timedelta(seconds=20), 0.5)])["alarms"] == 1
    assert commands.alarms(Namespace(json=True, since="", sensor="T1.level")) == 0
    told = json.loads(capsys.readouterr().out)["alarms"]
    assert [(a["level"], a["active"], a["peak"]) for a in told] == [(3, False, 18.6), (1, False, 18.6), (3, True, 0.5)]
    assert [str(a.rule) for a in Alarm.objects.order_by("pk")] == ["储罐瞬时≥15", "储罐瞬时≥18", "储罐瞬时≤1"]
    span = {"first": moment.isoformat(), "last": (moment + timedelta(seconds=10)).isoformat()}
    assert commands.history(Namespace(json=True, sensor="T1.level", **span)) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["value"] for row in found["readings"]] == [18.5, 18.6] and found["unit"] == "m"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sites: [", "不是有效的 YAML"), ("3", "文件应含"), ("stations: []", "不认识的一节"), ("sites: 3", "应为列表"), ("sites: [3]", "应为键值"),
        ("sites: [{code: X, name: x, area: '1'}]", "没有区划 1"), ("sites: [{code: X, name: x, areas: '1'}]", "不认识的键 areas"),
        ("sensors: [{code: X, site: no}]", "没有监测站 no"), (FILE.replace("lon: 120.5", "lon: east"), "经度"),
        (FILE.replace("quantity: gas, unit", "quantity: smell, unit"), "要素"), (FILE.replace("sensor: T1.level", "sensor: T9"), "没有测点 T9"),
        (FILE.replace("profile: tank", "profile: tub"), "没有规则组 tub"), (FILE.replace("clear: 20", "clear: 30"), "解除值"),
        (FILE.replace("06-01/09-30", "13-01/09-30"), "月-日"), (FILE.replace("amount: 25", "amount: much"), "应为数值"),
        (FILE.replace("code: T1.gas", "code: T1.level"), "重复"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_place_and_nothing_is_written(world, text, said):
    with pytest.raises(load.Faulty) as no:
        load.load(text)
    assert said in str(no.value) and (Station.objects.count(), Sensor.objects.count(), Rule.objects.count()) == (0, 0, 0)


def test_unknown_sensors_and_times_are_told(world):
    for given, said in (({"sensor": "no", "first": "2026-01-01", "last": "2026-01-02"}, "没有测点"),):
        with pytest.raises(Refused, match=said):
            commands.history(Namespace(json=True, **given))
    with pytest.raises(Refused, match="无法识别"):
        commands.alarms(Namespace(json=True, since="gestern", sensor=""))
