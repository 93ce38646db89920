"""The pages show what was declared from a file."""

import pytest

from anlan.kernel import clock
from anlan.kernel.people import scope
from anlan.sensing import load
from anlan.sensing.models import Alarm, Rule, Sensor
from tests.kernel import city

from .test_alarms import officer, page, world  # noqa: F401  fixtures
from .test_paging import TYPED, office  # noqa: F401  fixtures

RIVER = f"""
sites: [{{code: R1, name: 一号河, kind: river, area: "{city.SHAZIKOU}", lon: 120.4, lat: 36.1}}]
sensors: [{{code: R1.stage, site: R1, quantity: stage, unit: m, low: 0, high: 20}}]
rules: [{{sensor: R1.stage, hazard: 洪水, level: 3, amount: 3.5, clear: 3, source: 试验, confidence: V, since: 2020-01-01}}]
"""


def test_a_plain_limit_of_a_stage_is_no_warning_stage_and_every_page_opens(officer, world):  # noqa: F811
    with scope.everyone(world):
        load.load(RIVER)
    sensor = Sensor.everywhere.get(code="R1.stage")
    for path in ("/api/sensor?q=R1", "/api/station?limit=1000", f"/r/sensor/{sensor.pk}/", "/r/station/", f"/desk/sensors/{sensor.pk}/"):
        assert "警戒水位 未配置、保证水位 未配置" in page(officer, path), path
    assert officer.get("/r/sensor/export/").status_code == 200


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"kind": "offline"}, "请填写中断持续多少秒"), ({"kind": "stuck"}, "请填写数值不变持续多少秒"),
        ({"kind": "quality", "amount": "0.5", "clear": "0"}, "整数"),
        ({"kind": "quality", "amount": "256"}, "1 至 255"), ({"kind": "stray", "amount": "0", "clear": "0"}, "大于 0"),
        ({"kind": "rate", "amount": "0", "clear": "0"}, "大于 0"), ({"kind": "stuck", "amount": "-1", "clear": "-1", "hold_up_s": "60"}, "不小于 0"),
        ({"kind": "stray", "sensor": "W0.gust"}, "偏离邻站按区域"), ({"kind": "stray", "station": "W0"}, "偏离邻站按区域"),
    ],
)  # fmt: skip
def test_a_rule_that_would_tell_nothing_or_everything_is_refused_by_name(office, typed, said):  # noqa: F811
    before = Rule.everywhere.count()
    answer = office.post("/r/rule/new/", {**TYPED, **typed})
    assert answer.status_code == 422 and said in answer.content.decode() and Rule.everywhere.count() == before
    assert office.post("/r/rule/new/", {**TYPED, "kind": "stray"}).status_code == 302


def test_one_that_has_alarmed_may_still_be_ended(office, world):  # noqa: F811
    with scope.everyone(world):
        rule = Rule.objects.create(kind="rate", hazard="大风", quantity="gust", hours=0, amount=0, clear=0, level=4, since=city.SINCE, source="试", version="1",
                                   confidence="V", mark="")  # fmt: skip
        sensor = Sensor.objects.first()
        Alarm.objects.create(world=world, rule=rule, sensor=sensor, area=sensor.area, level=4, at=clock.now(), value=1, peak=1)
        rule.until = city.SINCE
        rule.full_clean(exclude=["mark"])
