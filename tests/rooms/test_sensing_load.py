"""A network declared from a file, and what the commands tell of it."""

import json
from argparse import Namespace
from datetime import timedelta
from pathlib import Path

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
        ("sites: [", "不是有效的 YAML"), ("3", "文件应含"), ("stations: []", "不认识的一节"), ("profiles: 3", "规则组应为键值"),
        ("sites: 3", "应为列表"), ("sites: [3]", "应为键值"),
        ("sites: [{code: X, name: x, area: '1'}]", "没有区划 1"), ("sites: [{code: X, name: x, areas: '1'}]", "不认识的键 areas"),
        ("sensors: [{code: X, site: no}]", "没有监测站 no"), (FILE.replace("lon: 120.5", "lon: east"), "经度"),
        (FILE.replace("quantity: gas, unit", "quantity: smell, unit"), "要素"), (FILE.replace("sensor: T1.level", "sensor: T9"), "没有测点 T9"),
        (FILE.replace("profile: tank", "profile: tub"), "没有规则组 tub"), (FILE.replace("clear: 20", "clear: 30"), "解除值"),
        (FILE.replace("06-01/09-30", "13-01/09-30"), "月-日"), (FILE.replace("amount: 25", "amount: much"), "应为数值"),
        (FILE.replace("code: T1.gas", "code: T1.level"), "测点第 2 项:代码 T1.level 与第 1 项重复"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_place_and_nothing_is_written(world, text, said):
    with pytest.raises(load.Faulty) as no:
        load.load(text)
    assert said in str(no.value) and (Station.objects.count(), Sensor.objects.count(), Rule.objects.count()) == (0, 0, 0)


@pytest.mark.parametrize(
    ("written", "instead", "said"),
    [
        ("amount: 15", "amuont: 15", "规则组“tank”第 1 项:不认识的键 amuont"),
        ("- {level: 3, amount: 15", "- {sensor: X", "规则组“tank”第 1 项:不认识的键 sensor"),
        ("amount: 18, ", "", "规则第 1 项(规则组“tank”第 2 项):缺少 amount"), ("amount: 25, ", "", "规则第 2 项:缺少 amount"),
        ("level: 3, hold_up: 600", "level: 3", "规则第 1 项(规则组“tank”第 4 项):hold_up:请填写中断持续"),
        ("kind: offline, level: 3, hold_up: 600", "kind: stuck, hold_up: 0", "hold_up:请填写数值不变持续"),
        ("{kind: low, level: 3, amount: 1, clear: 1.5", "{kind: quality, amount: 0.5", "(规则组“tank”第 3 项):amount:请填写条数"),
        ("{kind: low, level: 3, amount: 1, clear: 1.5", "{kind: stray, amount: 1", "(规则组“tank”第 3 项):sensor:偏离邻站按区域"),
        ("hazard: 泄漏, level: 2, amount: 25, clear: 20", "kind: stray, amount: 0", "规则第 2 项:amount:请填写大于 0"),
        ("kind: chemical", "kind: tank", "可用 rain、wind、river"), ("quantity: level", "quantity: depth", "可用 rain、gust、stage"),
        ("kind: low", "kind: lower", "kind:没有“lower”这一类,可用 high、low、rate"), ("profile: tank", "profile: [tank]", "没有规则组"),
        ("  tank:\n", "  tank: 3\n  tub:\n", "规则组“tank”应为列表"), ("sensor: T1.level", "sensors: []", "sensors 应为测点码的列表"),
        ("unit: m,", 'unit: m, area: "1",', "测点第 1 项:没有区划 1"), ("level: 2", "level: 2, mark: warning", "规则第 2 项:不认识的键 mark"),
    ],
)  # fmt: skip
def test_what_a_rule_or_its_group_lacks_is_told_by_place(world, written, instead, said):
    (only,) = faults(FILE.replace(written, instead))
    assert said in only and not Rule.objects.exists()


def faults(text):
    with pytest.raises(load.Faulty) as no:
        load.load(text)
    return no.value.faults


def test_a_fault_hides_no_other_and_makes_no_other(world):
    found = faults(FILE.replace("quantity: level", "quantity: depth").replace("clear: 20", "clear: 30") + "\nstations: []\n")
    assert found[0] == "不认识的一节 stations,可用 sites、sensors、rules、profiles"
    assert [one.partition(":")[0] for one in found[1:]] == ["测点第 1 项", "规则第 2 项"]
    assert [one.partition(":")[0] for one in faults(FILE.replace("lon: 120.5", "lon: east"))] == ["监测站第 1 项"]
    assert [one.partition(":")[0] for one in faults(FILE.replace("lon: 120.5", "long: 120.5"))] == ["监测站第 1 项"]
    assert (Station.objects.count(), Sensor.objects.count(), Rule.objects.count()) == (0, 0, 0)


def test_a_fault_of_a_group_is_told_once_for_all_its_sensors_and_beside_its_others(world):
    text = FILE.replace("sensor: T1.level", "sensors: [T1.level, T1.gas]").replace("amount: 15, ", "").replace("amount: 18, ", "")
    assert [one.partition(":")[0] for one in faults(text)] == [f"规则第 1 项(规则组“tank”第 {n} 项)" for n in (1, 2)]


def test_the_document_names_every_word_that_a_file_may_choose():
    told = (Path(__file__).parents[2] / "docs/sensing.md").read_text(encoding="utf-8").partition("2. `anlan gateway add")[0]
    assert not [word for words in (Station.Kind, Sensor.Quantity, Rule.Kind) for word in words.values if f"`{word}`" not in told]


def test_unknown_sensors_and_times_are_told(world):
    for given, said in (({"sensor": "no", "first": "2026-01-01", "last": "2026-01-02"}, "没有测点"),):
        with pytest.raises(Refused, match=said):
            commands.history(Namespace(json=True, **given))
    with pytest.raises(Refused, match="无法识别"):
        commands.alarms(Namespace(json=True, since="gestern", sensor=""))
