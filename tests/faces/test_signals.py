"""A bulletin pasted at the desk becomes a signal, and the signal a proposal."""

import pytest
from django.test import Client

from anlan.disaster.flood.models import Proposal
from anlan.disaster.flood.seed import _conditions
from anlan.kernel.clock import loop
from anlan.kernel.people import scope
from anlan.sensing.models import Warning
from tests.kernel import city

TEXT = "青岛市气象台2022年09月14日16时50分将台风蓝色预警信号升级为台风黄色预警信号：受今年第12号台风“梅花”影响，预计今天傍晚到16日我市有暴雨。"


@pytest.fixture
def desk(db):
    world = city.build()
    _conditions()
    officer = city.person("王一", "duty_officer", user="duty")
    client = Client()
    client.force_login(officer.user)
    return client, world


def test_the_text_is_read_checked_by_a_person_issued_and_judged(desk):
    client, world = desk
    page = client.post("/desk/signals/new/", {"read": "1", "text": TEXT})
    initial = page.context["form"].initial
    assert (initial["issuer"], initial["hazard"], initial["colour"]) == ("青岛市气象台", "台风", "yellow")
    given = {**{k: v for k, v in initial.items() if k != "issued_at"}, "issued_at": initial["issued_at"].strftime("%Y-%m-%dT%H:%M")}
    assert client.post("/desk/signals/new/", {**given, "issue": "1"}).status_code == 302
    with scope.everyone(world):
        warning = Warning.objects.get()
        assert len(warning.identifier) == 31 and warning.level == 3
        loop.drain(world)
        assert Proposal.objects.get().level == 4
    assert client.post(f"/desk/signals/{warning.pk}/lift/").status_code == 302
    warning.refresh_from_db()
    assert warning.state == "lifted"


@pytest.mark.parametrize("text", ["", "今天天气不错", "x" * 5000, "青岛市气象台发布紫色预警"])
def test_what_is_no_bulletin_is_said_and_kept(desk, text):
    client, _ = desk
    page = client.post("/desk/signals/new/", {"read": "1", "text": text})
    assert page.status_code == 400 and "不是预警信号文本" in page.content.decode()
    assert page.context["form"].initial["text"] == text


def test_a_time_to_come_is_refused_and_the_text_stays(desk):
    client, _ = desk
    given = {"text": TEXT, "issuer": "青岛市气象台", "hazard": "台风", "colour": "yellow", "area": scope.ROOT, "issued_at": "2199-01-01T00:00"}
    page = client.post("/desk/signals/new/", {**given, "issue": "1"})
    assert page.status_code == 400 and "晚于当前时间" in page.content.decode() and TEXT[:20] in page.content.decode()


def test_a_district_officer_may_not_issue(desk):
    client = Client()
    client.force_login(city.person("崂山", "district_duty", city.LAOSHAN, unit="370212.yj", user="laoshan").user)
    assert client.get("/desk/signals/new/").status_code == 403
