"""docs/extend.md does what it says: the test types its blocks into a folder and lives them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "extend.md"
BLOCK = re.compile(r"^```python (\S+)( \+)?\n(.*?)^```$", re.M | re.S)
LIVE = '''
from datetime import date, timedelta
import django; django.setup()
from django.core.management import call_command
call_command("makemigrations", "pumps", verbosity=0)
call_command("migrate", verbosity=0)
from anlan.kernel.forms import tables
tables.sync()  # as every start does
from django.test import Client
from anlan.kernel import clock
from anlan.kernel.cases.moves import move
from anlan.kernel.clock import loop
from anlan.kernel.notice.models import Addressee
from anlan.kernel.people import scope
from anlan.kernel.indicators import indicator
from pumps.models import Pump, Repair
from tests.kernel import city

world = city.build()
office = city.person("张三", "flood_office", user="office")
town = city.person("李四", "town_duty", city.SHAZIKOU, user="town")
city.post("防汛责任人", "town_duty", "town", city.SHAZIKOU, [town])
client = Client(); client.force_login(office.user)
form = {"name": "沙子口泵站", "power": "1200", "phone": "10012345678", "lon": "120.55", "lat": "36.11", "area": city.SHAZIKOU, "check_by": date.today()}
assert client.post("/r/pump/new/", form).status_code == 302
assert "沙子口泵站" in client.get("/r/pump/").content.decode()
assert client.get("/r/pump/layer/").json()["features"][0]["geometry"]["coordinates"] == [120.55, 36.11]
assert client.get("/r/pump/export/").status_code == 200
caller = Client(); caller.force_login(town.user)
report = {"area": city.SHAZIKOU, "pump": "沙子口泵站", "cause": "不出水"}
assert client.get("/r/repair/new/").status_code == 403 and "/r/repair/new/" in caller.get("/r/repair/").content.decode()
assert caller.post("/r/repair/new/", report | {"area": city.JIMO}).status_code == 422
assert caller.post("/r/repair/new/", report | {"pump": ""}).status_code == 422
opened = caller.post("/r/repair/new/", report)
assert opened.status_code == 302 and caller.get(opened["Location"] + "edit/").status_code == 403
with scope.everyone(world):
    repair = Repair.objects.get()
    assert (repair.state, repair.cause) == ("reported", "不出水") and repair.due_at
    assert indicator("pumps.checks").value() == 1
    assert indicator("pumps.late").value() == 0
    with clock.travelled(timedelta(hours=3)):
        loop.drain(world)
        assert indicator("pumps.late").value() == 1
        called = Addressee.objects.get()
        assert called.person.name == "李四" and called.attempts.exists()
        repair.refresh_from_db()
        move(repair, "start", cause="电机进水")
        move(repair, "finish", result="已换电机")
        assert Addressee.objects.get(notice__kind="inform").post == called.post
assert "电机进水" in client.get(f"/r/repair/{repair.pk}/").content.decode()
assert indicator("pumps.late").href().startswith("/r/repair/?")
figures = client.get("/r/indicators/").content.decode()
assert "超时抢修" in figures and "检修期限在今日起三十日内或已过的泵站数" in figures
assert client.get("/api/indicators/pumps.checks").json()["value"] == 1
drill = {"area": city.LAOSHAN, "place": "沙子口", "held_on": "2026-06-01", "kind": "实战", "people": "20"}
assert client.post("/r/pump_drill/new/", drill).status_code == 302
assert client.post("/r/pump_drill/new/", drill | {"kind": "演"}).status_code == 422
assert "沙子口" in client.get("/r/pump_drill/?kind=实战").content.decode()
duty = Client(); duty.force_login(city.person("王五", "district_duty", city.LAOSHAN, user="duty").user)
asked = duty.post("/r/pump_request/new/", {"area": city.LAOSHAN, "what": "潜水泵", "price": "9000", "due_on": "2026-06-10T12:00"})
assert asked.status_code == 302
assert client.post(asked["Location"] + "move/approve/").status_code == 302
assert "已批准" in duty.get(asked["Location"]).content.decode()
print("lived")
'''


def blocks() -> dict[str, str]:
    found: dict[str, str] = {}
    for name, more, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        found[name] = found.get(name, "") + text if more else text
    return found


def test_each_part_costs_about_twenty_lines():
    for name, text in blocks().items():
        lines = [line for line in text.splitlines() if line.strip() and not line.startswith(("from ", "import "))]
        assert len(lines) <= 26, name


@pytest.mark.slow
def test_a_stranger_adds_a_room_by_the_page(laid_home, tmp_path):
    for name, text in blocks().items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (tmp_path / "extended.py").write_text('from anlan.settings import *\nROOMS = [*ROOMS, "pumps"]\nINSTALLED_APPS = [*INSTALLED_APPS, "pumps"]\n')
    (tmp_path / "live.py").write_text(LIVE, encoding="utf-8")
    env = {
        **os.environ, "ANLAN_HOME": str(laid_home), "DJANGO_SETTINGS_MODULE": "extended",
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }  # fmt: skip
    done = subprocess.run([sys.executable, "live.py"], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip().endswith("lived"), done.stderr[-3000:]
