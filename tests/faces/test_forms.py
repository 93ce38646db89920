"""A keeper of the plan declares a form and an indicator in the browser, without code; both have versions."""

import re
from datetime import date

import pytest
from django.test import Client
from django.utils import timezone

from anlan.faces import gate
from anlan.kernel.clock.loop import drain
from anlan.kernel.designs import figures
from anlan.kernel.designs import forms as designs
from anlan.kernel.designs.models import Design, Figure
from anlan.kernel.forms import FORMS
from anlan.kernel.indicators import INDICATORS
from anlan.kernel.notice.models import Addressee
from anlan.kernel.people import scope
from anlan.kernel.people.models import Unit
from anlan.kernel.registers import ALL
from tests.kernel import city


@pytest.fixture
def world(db, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    gate.forget()
    forget()
    yield city.build()
    forget()


def forget():
    """As a process that has just begun."""
    for form in [f for f in FORMS.values() if f.own]:
        form.retire()
    for name in [n for n in INDICATORS if n.startswith("own.")]:
        del INDICATORS[name]
    designs._known.update(pk=0, asked=0.0)
    designs._learned.update(upto=None)
    figures.BROKEN.clear()


def browser(role, place=scope.ROOT):
    client = Client()
    client.force_login(city.person(role, role, place, user=role).user)
    return client


DRAFT = {
    "title": "无人机巡查", "group": "大减灾", "field": ["", "", ""], "label": ["航线", "架次", "结论"], "kind": ["line", "int", "choice"],
    "must": ["yes", "no", "yes"], "detail": ["", "", "正常|异常"], "way": "", "write": ["office"], "prefix": "巡",
}  # fmt: skip


def test_a_form_is_declared_filled_in_counted_and_changed(world):
    head, clerk = browser("office_head"), browser("office")
    made = head.post("/desk/forms/new/", DRAFT)
    assert made.status_code == 302 and made.url == "/r/own1/"
    for line, verdict in (("沿海一线", "正常"), ("崂山北线", "异常"), ("崂山南线", "异常")):
        sent = clerk.post("/r/own1/new/", {"area": scope.ROOT, "f1": line, "f2": "2", "f3": verdict})
        assert sent.status_code == 302, sent.content.decode()
    assert clerk.post("/r/own1/new/", {"area": scope.ROOT, "f1": "", "f2": "2", "f3": "正常"}).status_code == 422
    page = clerk.get("/r/own1/", {"f3": "异常"}).content.decode()
    assert "崂山北线" in page and "沿海一线" not in page
    assert clerk.get("/r/own1/export/").status_code == 200 and clerk.get("/r/own1/template/").status_code == 200

    link = re.search(r'href="(/desk/forms/figures/new/[^"]+)"', head.get("/r/own1/", {"f3": "异常"}).content.decode())[1].replace("&amp;", "&")
    assert "<b>2</b> 条" in head.get(link).content.decode() and "设为指标" not in clerk.get("/r/own1/").content.decode()
    counted = head.post(link, {"label": "异常航线", "unit": "条", "definition": "结论为异常的巡查数"})
    assert counted.status_code == 302
    with scope.everyone(world):
        assert INDICATORS["own.1"].value() == 2
        assert ALL["own1"].rows({"f3": "异常"}).count() == 2
    assert "异常航线" in head.get("/r/indicators/").content.decode()

    again = {**DRAFT, "field": ["f1", "f2", "f3", ""], "label": ["航线", "架次", "结论", "天气"], "kind": ["line", "int", "choice", "line"],
             "must": ["yes", "no", "yes", "no"], "detail": ["", "", "正常|异常|复查", ""], "seen": "1"}  # fmt: skip
    assert "修改表单须写明原因" in head.post("/desk/forms/own1/", again).content.decode()
    assert head.post("/desk/forms/own1/", {**again, "reason": "增加天气"}).status_code == 302
    assert clerk.post("/r/own1/new/", {"area": scope.ROOT, "f1": "胶州湾", "f3": "复查", "f4": "晴"}).status_code == 302
    with scope.everyone(world):
        rows = list(ALL["own1"].rows().order_by("pk").values_list("f1", "version", "f4"))
        assert rows[0] == ("沿海一线", 1, None) and rows[-1] == ("胶州湾", 2, "晴")
        assert INDICATORS["own.1"].value() == 2
    assert [d.version for d in Design.objects.order_by("pk")] == [1, 2]
    assert "增加天气" in head.get("/desk/forms/own1/").content.decode()


def test_another_process_learns_what_was_declared(world):
    head = browser("office_head")
    head.post("/desk/forms/new/", {**DRAFT, "way": "task", "decides": ["leader"], "length": "3", "unit": "workdays", "basis": "内部规程"})
    head.post("/desk/forms/figures/new/?register=own1", {"label": "巡查", "unit": "次", "definition": "全部巡查"})
    forget()
    assert "own1" not in ALL
    page = head.get("/r/own1/")
    assert page.status_code == 200 and FORMS["own1"].way == "task" and "own.1" in INDICATORS


def test_what_was_typed_stands_again_after_a_refusal(world):
    head = browser("office_head")
    page = head.post("/desk/forms/new/", {**DRAFT, "kind": ["line", "int", "choice"], "detail": ["", "", "正常"]})
    said = page.content.decode()
    assert page.status_code == 409 and "第 3 个字段" in said and 'value="无人机巡查"' in said and 'value="航线"' in said
    more = head.post("/desk/forms/new/", {**DRAFT, "more": "1"}).content.decode()
    assert more.count('name="label"') == 3 + 5 and not Design.objects.exists()


def test_a_filled_field_keeps_its_kind_and_a_used_form_its_way(world):
    head = browser("office_head")
    head.post("/desk/forms/new/", DRAFT)
    changed = {**DRAFT, "field": ["f1", "f2", "f3"], "reason": "改", "seen": "1"}
    assert "另一种类型" in head.post("/desk/forms/own1/", {**changed, "kind": ["int", "int", "choice"]}).content.decode()
    assert "办理方式" in head.post("/desk/forms/own1/", {**changed, "way": "task", "decides": ["leader"]}).content.decode()
    dropped = {**changed, "field": ["f2", "f3"], "label": ["架次", "结论"], "kind": ["int", "choice"], "must": ["no", "yes"], "detail": ["", "正常|异常"]}
    assert head.post("/desk/forms/own1/", dropped).status_code == 302
    back = {**changed, "kind": ["int", "int", "choice"], "seen": "2"}
    assert "另一种类型" in head.post("/desk/forms/own1/", back).content.decode()


@pytest.mark.parametrize("role", ["office", "district_duty", "duty_officer", "inspector"])
def test_who_keeps_no_plan_declares_nothing(world, role):
    client = browser(role)
    assert client.post("/desk/forms/new/", DRAFT).status_code == 403
    assert client.post("/desk/forms/figures/new/?register=idea", {"label": "甲", "definition": "乙"}).status_code == 403
    assert not Design.objects.exists() and not Figure.objects.exists()


def test_a_head_of_a_part_of_the_city_declares_nothing(world):
    client = browser("office_head", city.LAOSHAN)
    assert "全市权限" in client.post("/desk/forms/new/", DRAFT).content.decode()
    assert not Design.objects.exists()


def test_what_the_keeper_types_is_shown_as_text(world):
    head = browser("office_head")
    evil = "<script>alert(1)</script>"
    assert head.post("/desk/forms/new/", {**DRAFT, "title": evil, "label": [evil, "架次", "结论"]}).status_code == 302
    for address in ("/desk/forms/", "/desk/forms/own1/", "/r/own1/", "/r/own1/new/", "/r/"):
        assert evil not in head.get(address).content.decode(), address


def test_a_field_that_names_rows_of_another_form_is_not_for_the_browser(world):
    """It would offer the rows of a form that the one who fills in may not read."""
    head = browser("office_head")
    sly = {**DRAFT, "kind": ["of", "int", "choice"], "detail": ["staff_file", "", "正常|异常"]}
    assert "没有“of”这种类型" in head.post("/desk/forms/new/", sly).content.decode() and not Design.objects.exists()


def test_an_indicator_of_what_does_not_exist_is_refused(world):
    head = browser("leader")
    assert head.get("/desk/forms/figures/new/?register=nothing").status_code == 404
    assert head.post("/desk/forms/figures/new/?register=idea", {"label": "", "definition": "乙"}).status_code == 409
    assert head.post("/desk/forms/figures/new/?register=idea", {"label": "甲", "definition": ""}).status_code == 409
    assert head.get("/desk/forms/figures/own.9/").status_code == 404


def test_an_indicator_of_the_browser_reads_in_many_ways(world):
    head, clerk = browser("office_head"), browser("office")
    assert head.post("/desk/forms/new/", {**DRAFT, "way": "task", "decides": ["office_head"]}).status_code == 302
    for line in ("沿海一线", "沿海一线", "崂山北线"):
        assert clerk.post("/r/own1/new/", {"area": scope.ROOT, "f1": line, "f2": "2", "f3": "正常"}).status_code == 302
    asked = {"unit": "条", "definition": "不同航线数"}
    made = head.post("/desk/forms/figures/new/?register=own1", {**asked, "label": "航线", "measure": "distinct:f1", "when": "made_at"})
    assert made.status_code == 302, made.content.decode()
    today = timezone.localdate()
    with scope.everyone(world):
        one = INDICATORS["own.1"]
        assert one.value() == 2 and one.value((today, today)) == 2 and one.value((date(2020, 1, 1), date(2020, 12, 31))) == 0
    page = head.get("/desk/forms/figures/own.1/").content.decode()
    assert '<option value="distinct:f1" selected>' in page and '<option value="made_at" selected>' in page
    for measure, when in (("sum:f1", ""), ("sum:nothing", ""), ("days:f1", ""), ("fly", ""), ("count", "f1")):
        page = head.post("/desk/forms/figures/new/?register=own1", {**asked, "label": "错", "measure": measure, "when": when})
        assert page.status_code == 409 and 'value="错"' in page.content.decode(), measure
    kept = head.post("/desk/forms/figures/new/?register=own1", {"label": "按期", "unit": "%", "definition": "按期办结", "measure": "kept"})
    assert kept.status_code == 302
    with scope.everyone(world):
        assert INDICATORS["own.2"].value() is None
    assert "—" in head.get("/r/indicators/own.2/").content.decode()


def test_who_must_act_on_a_case_is_told(world):
    with scope.everyone(world):
        for code in ("3702.yj.fgc", "3702.yj.jcc"):
            Unit(code=code, name=code, short=code, kind="内设", area_id=scope.ROOT, parent_id="3702.yj").save()
            city.post(f"{code}负责人", "office_head", "city", scope.ROOT, [], unit=code)
        city.post("局领导", "leader", "city", scope.ROOT, [])
    clerk = Client()
    clerk.force_login(city.person("经办", "office", unit="3702.yj.fgc", user="clerk").user)
    sheet = {"area": scope.ROOT, "matter": "安全检查", "source": "市政府", "unit": "3702.yj.jcc", "due_on": "2099-01-01T09:00", "text": "要求"}
    opened = clerk.post("/r/political_sheet/new/", sheet)
    assert opened.status_code == 302, opened.content.decode()
    drill = {"area": scope.ROOT, "name": "演练", "level": "市级", "kind": "实战", "field": "综合", "due_on": "2099-01-01T09:00"}
    made = clerk.post("/r/drill_record/new/", drill)
    assert clerk.post(f"{made.url}move/hand_in/", {"hand_in-outcome": "已办"}).status_code == 302
    with scope.everyone(world):
        drain(world)
        told = [(a.notice.title, a.post.unit_id) for a in Addressee.objects.order_by("pk")]
        assert told == [("待办:政治监督活页", "3702.yj.jcc"), ("待办:应急演练", "3702.yj.fgc")]
        assert "演练" in Addressee.objects.last().notice.text
