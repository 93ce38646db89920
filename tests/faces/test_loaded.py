"""The pages show what was declared from a file."""

from anlan.kernel.people import scope
from anlan.sensing import load
from anlan.sensing.models import Sensor
from tests.kernel import city

from .test_alarms import officer, page, world  # noqa: F401  fixtures

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
