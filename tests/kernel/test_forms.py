"""A thin duty is one declaration: what is wrong in it is said, and what it makes is a register like any other."""

import itertools
import subprocess
import time

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from anlan.faces import gate
from anlan.kernel.cases import Refused, moves
from anlan.kernel.cases.models import Case
from anlan.kernel.columns import Undeclared
from anlan.kernel.forms import FORMS, Field, Form, tables
from anlan.kernel.forms.loops import WAYS, Plan
from anlan.kernel.people import scope
from anlan.kernel.registers import ALL
from tests.kernel import city
from tests.kernel.filler import Filler


@pytest.fixture
def world(db):
    gate.forget()
    return city.build()


@pytest.fixture
def drawn(db):
    """Declares forms that are gone again after the test, with their tables."""
    made = []

    def declare(name, title, fields, **more):
        form = Form(name, title, fields, write="office", **more)
        made.append(form)
        tables.fit(form)
        return form

    yield declare
    for name in {form.name for form in made}:
        FORMS[name].retire()


# ── what can be wrong in a declaration ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("Topic:主题", "不能用"), ("area:区域", "不能用"), ("a__b:甲", "不能用"), ("topic", "名称"), ("topic:主题:colour", "不存在"),
        ("result:结论:合格|合格", "互不相同"), ("care:管理:points(0)", "满分"), ("care:管理:points(1.2.3)", "满分"), ("x" * 31 + ":长", "不能用"),
        ("topic:" + "长" * 41, "40"),
    ],
)  # fmt: skip
def test_a_field_that_cannot_be_says_why(word, said):
    with pytest.raises(Undeclared, match=said):
        Field.read(word)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"name": "Bad"}, "代号"), ({"name": "planitem"}, "已被其他台账"), ({"title": ""}, "名称"), ({"fields": ""}, "1 至 60"),
        ({"fields": "a:甲 a:乙"}, "重复"), ({"group": "别处"}, "分组"), ({"way": "walk"}, "办理方式"), ({"way": "task"}, "审批或验收"),
        ({"write": ""}, "填写"), ({"write": "king"}, "king"), ({"within": "5 days"}, "才有时限"),
        ({"way": "task", "decides": "leader", "within": "5 days"}, "依据"),
        ({"way": "task", "decides": "leader", "within": "soon", "basis": "规定"}, "5 workdays"),
        ({"way": "chain", "decides": "leader"}, "步骤"), ({"fields": "a:甲:of(nothing)"}, "不存在"),
    ],
)  # fmt: skip
def test_a_form_that_cannot_be_says_why(more, said):
    whole = {"name": "tried", "title": "试", "fields": "topic:主题", "write": "office", **more}
    with pytest.raises(Undeclared, match=said):
        Form(**whole, trial=True)
    assert "tried" not in FORMS and "tried" not in ALL


@given(st.text(max_size=60))
def test_whatever_is_typed_as_a_field_is_read_or_refused(word):
    try:
        field = Field.read(word)
    except Undeclared:
        return
    assert field.column().verbose_name == field.label


# ── what it makes ───────────────────────────────────────────────────────────────────────────────────────────


def kept(world, form, **values):
    row = form.model(area_id=scope.ROOT, **values)
    with scope.everyone(world):
        if isinstance(row, Case):
            return moves.open_case(row)
        row.save()
    return row


def test_rows_are_numbered_in_one_series_of_the_year_and_carry_the_version(world, drawn):
    form = drawn("tea", "茶话会", "topic:主题! held_on:日期:date")
    rows = [kept(world, form, topic=f"第{n}次") for n in (1, 2)]
    year = rows[0].made_at.year
    assert [r.no for r in rows] == [f"茶话会〔{year}〕1号", f"茶话会〔{year}〕2号"]
    assert str(rows[0]) == f"茶话会〔{year}〕1号 第1次" and rows[0].version == 1
    kept_no = rows[0].no
    with scope.everyone(world):
        rows[0].topic = "改名"
        rows[0].save()
    assert rows[0].no == kept_no


def test_a_score_sheet_adds_up_and_has_no_total_while_a_mark_is_missing(world, drawn):
    form = drawn("marks", "评分", "name:名称! care:管理:points(60) calm:秩序:points(40)!")
    whole, half = kept(world, form, name="甲", care=50.5, calm=30), kept(world, form, name="乙", calm=30)
    assert (whole.total, half.total) == (80.5, None)
    assert "满分100" in form.model._meta.get_field("total").verbose_name


def test_an_approval_is_decided_by_those_who_decide_and_comes_back_when_it_is_returned(world, drawn):
    form = drawn("wish", "请求", "topic:主题!", way="approval", decides="leader")
    row = kept(world, form, topic="一台打印机")
    asker = scope.Scope(world, reaches=(scope.Reach("office"),))
    boss = scope.Scope(world, reaches=(scope.Reach("leader"),))
    with scope.entered(asker), pytest.raises(Refused, match="权限"):
        moves.move(row, "approve")
    with scope.entered(boss):
        with pytest.raises(Refused, match="意见"):
            moves.move(row, "send_back")
        moves.move(row, "send_back", opinion="写明用途")
    with scope.entered(asker):
        moves.move(row, "ask_again", outcome="打印现场图")
    with scope.entered(boss):
        moves.move(row, "approve")
    assert (row.state, row.closed_at is not None) == ("approved", True)


def test_a_term_of_the_declaration_is_a_clock_of_the_case(world, drawn):
    form = drawn("errand", "差事", "topic:主题!", way="task", decides="leader", within="5 workdays", basis="内部规程")
    row = kept(world, form, topic="送文")
    assert row.due_at > row.opened_at and row.rule["limits"][0]["basis"] == "内部规程"


def test_nothing_is_issued_that_was_not_reviewed():
    """Every way from the beginning to 已印发 passes the reviewer's own move."""
    form = FORMS["instrument"]
    assert form.way == "issue" and "legal" in form.decides.split()
    moves_of = form.flow.moves
    passed = {m for m in moves_of if m.target == "passed"}
    assert {m.roles for m in passed} == {tuple(form.decides.split())}
    assert [m.starts for m in moves_of if m.target == "issued"] == [("passed",)]


def test_a_chain_goes_step_by_step_and_can_be_ended_before_its_end():
    flow = WAYS["chain"].make(Plan("chain_tried", "试", "office", "leader", steps="ask:申请:已申:write give:发放:已发:decides"))
    assert list(flow.states) == ["begun", "after_ask", "after_give", "dropped"]
    assert [(m.starts, m.target, m.roles) for m in flow.moves] == [
        (("begun",), "after_ask", ("office",)), (("after_ask",), "after_give", ("leader",)), (("begun", "after_ask"), "dropped", ("leader",)),
    ]  # fmt: skip


def test_every_declared_form_names_an_item_of_the_plan_and_has_its_table(db):
    assert len(FORMS) > 60
    items = {n for form in FORMS.values() for n in form.items.split()}
    assert items <= {str(n) for n in range(1, 46)}
    assert not [form.name for form in FORMS.values() if not form.items]
    assert tables.sync() == 0


def test_a_next_version_adds_its_columns_and_loses_nothing(world, drawn):
    form = drawn("walk", "巡查", "topic:主题! remark:备注")
    old = kept(world, form, topic="一", remark="留下")
    new = form.next(fields="topic:主题! metres:里程(m):int")
    assert tables.fit(new) == 1
    row = kept(world, new, topic="二", metres=1200)
    with scope.everyone(world):
        seen = list(ALL["walk"].rows().order_by("pk"))
        assert [(r.topic, r.metres, r.version) for r in seen] == [("一", None, 1), ("二", 1200, 2)]
    assert row.no.endswith("2号")
    with connection.cursor() as cursor:
        cursor.execute("select remark from made_walk where id = %s", [old.pk])
        assert cursor.fetchone() == ("留下",)


def test_who_may_not_read_a_form_finds_nothing_of_it(world, drawn):
    form = drawn("secret", "密件", "topic:主题!", see="leader", city=True)
    kept(world, form, topic="不外传")
    for role, area, sees in (("leader", "", 1), ("leader", "370212", 0), ("inspector", "", 0), ("office", "", 1)):
        with scope.entered(scope.Scope(world, reaches=(scope.Reach(role, area),))):
            assert ALL["secret"].rows().count() == sees, (role, area)


def test_the_forms_of_few_eyes_are_read_by_few():
    few = {"integrity_file", "integrity_visit", "staff_file", "young_talk", "audit_case", "fund_check"}
    crowd = {"duty_officer", "inspector", "guest", "office", "district_duty", "town_duty"}
    for form, role in itertools.product((FORMS[name] for name in few), crowd):
        assert role not in form.register.see and form.city, (form.name, role)


def test_no_form_shows_a_row_of_another_district(world):
    ours, theirs = Filler(world, city.SHAZIKOU, "ours"), Filler(world, city.AOSHANWEI, "theirs")
    for form in FORMS.values():
        mine, other = ours.make(form.model, area_path="area_id"), theirs.make(form.model, area_path="area_id")
        reach = tuple(scope.Reach(role, "370212") for role in form.register.see)
        with scope.entered(scope.Scope(world, reaches=reach)):
            assert set(form.register.rows()) == (set() if form.city else {mine}), form.name
        with scope.everyone(world):
            assert {mine, other} <= set(form.register.rows()), form.name


DECLARE = """
from datetime import timedelta
from anlan.kernel.cases.moves import open_case
from anlan.kernel.clock import now
from anlan.kernel.designs import forms as designs
from anlan.kernel.forms import Field
from anlan.kernel.people import scope
from anlan.kernel.worlds.models import World
with scope.everyone(World.objects.get(pk=1)):
    said = {"title": "借车", "group": "大应急", "write": "office", "way": "task", "decides": "leader", "within": "f1", "basis": "内部规程"}
    form = designs.do_design(designs.check_design("own1", [Field("f1", "归还时间", "time", must=True)], said, ""), "")
    open_case(form.model(area_id=scope.ROOT, f1=now() + timedelta(seconds=5)))
"""


@pytest.mark.slow
def test_a_clock_that_runs_already_watches_the_terms_of_what_is_declared_now(planted, tmp_path):
    city = planted.copy(tmp_path / "home")
    clock = city.start("work", stdin=subprocess.DEVNULL)
    try:
        clock.stdout.readline()
        city.do("django", "shell", "-v0", "-c", DECLARE)
        end = time.monotonic() + 40
        while not city.one("select overdue from made_own1") and time.monotonic() < end:
            time.sleep(0.2)
        assert city.one("select overdue from made_own1") == 1
        assert city.one("select count(*) from journal_line where verb = 'case.overdue' and subject_type = 'made.formown1'") == 1
    finally:
        clock.terminate()
        clock.wait()
