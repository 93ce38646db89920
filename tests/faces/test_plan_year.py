"""The plan through its year: what moves its lights, who is urged, how offices are marked, and what the next year takes over."""

from datetime import date, datetime, timedelta
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from random import Random

import docx
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from anlan.faces import gate
from anlan.faces.desk.workplan import STEPS
from anlan.kernel.cases import Refused
from anlan.kernel.clock import now, real, travelled
from anlan.kernel.clock.loop import drain
from anlan.kernel.notice.models import Addressee
from anlan.kernel.people import scope
from anlan.kernel.people.models import Unit
from anlan.kernel.worlds.models import World
from anlan.workplan import acts, duties, lights, marks, take, turns
from anlan.workplan.models import Aim, Item, Letter, Measure, Node, Plan, Supervision
from tests.kernel import city

PAPER = (Path(__file__).parents[1] / "engines" / "plans" / "plan-2023.txt").read_text(encoding="utf-8")
LAWS, FLOODS = "3702.yj.fgc", "3702.yj.fxc"
YEAR = 2026


def plan_of(year, drills=12):
    return f"""某局{year}年工作要点(虚构)
一、提升能力
(一)强化演练
1.组织演练。全年组织防汛防台风等市级演练{drills}次。每季度组织市安委会各专委会开展“安全第一课”。
2.建设场所。{year}年10月31日前完成3个地震应急避难场所建设。加强检查。
3.加强学习。持续学习。
"""


@pytest.fixture
def world(db, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    gate.forget()
    made = city.build()
    for code, name in ((LAWS, "法规处"), (FLOODS, "防汛处")):
        Unit(code=code, name=name, short=name, kind="内设", area_id=scope.ROOT, parent_id="3702.yj").save()
    with scope.everyone(made), travelled(timezone.make_aware(datetime(YEAR, 11, 26, 9)) - real()):
        yield made


@pytest.fixture
def leader(world):
    return browser("leader")


def browser(role, place=scope.ROOT, unit="3702.yj", name=""):
    client = Client()
    client.force_login(city.person(name or role, role, place, unit, user=name or role).user)
    return client


def taken(world, source=""):
    source = source or plan_of(YEAR)
    with scope.everyone(world):
        return take.do_take(source, take.check_take(source, "修订"), "修订")


def item(no):
    return Item.everywhere.filter(no=no, plan__current=True).order_by("-plan__year").first()


def light(world, no):
    with scope.everyone(world):
        return next(iter(lights.items_of(item(no).plan, no=no)))


def change(client, what, row, name, **given):
    return client.post(f"/desk/workplan/{what}/{row.pk}/{name}/", given)


def text_of(response):
    return response.content.decode()


def fill(client, form, **given):
    """A row through the form's own page; its key."""
    sent = client.post(f"/r/{form}/new/", {"area": scope.ROOT, **given})
    assert sent.status_code == 302, text_of(sent)
    return sent.url.rstrip("/").rpartition("/")[2]


def move(client, form, pk, step, **given):
    return client.post(f"/r/{form}/{pk}/move/{step}/", {f"{step}-{name}": value for name, value in given.items()})


# ── the plan's own targets ──────────────────────────────────────────────────────────────────────────────────


def test_every_target_of_the_official_plan_is_measured_when_it_is_taken(leader, world):
    assert leader.post("/desk/workplan/take/", {"source": PAPER, "take": "1"}).status_code == 302
    assert list(Aim.everywhere.filter(indicator="").values_list("item__no", "raw")) == []
    with scope.everyone(world):
        bound = dict(Aim.objects.filter(item__no="25").values_list("start", "indicator"))
    assert [bound[k] for k in sorted(bound)] == [
        "quake.shelters", "quake.shelters_1", "quake.shelters_2", "quake.shelters_3", "quake.schools", "quake.stations",
    ]  # fmt: skip
    page = text_of(leader.get("/desk/workplan/"))
    assert "力争自然灾害零次生衍生灾害" in page and "力争突发事件应急处置不延误、零失误" in page and "保持" in page


def test_a_drill_that_is_closed_elsewhere_moves_the_light(world, leader):
    taken(world, plan_of(YEAR, drills=1).replace("每季度组织市安委会各专委会开展“安全第一课”。", ""))
    office, head = browser("office"), browser("office_head")
    assert light(world, "1").light == "green"
    pk = fill(office, "drill_record", name="防台风演练", level="市级", kind="实战", field="防汛防台风", due_on="2026-11-30T10:00")
    assert move(office, "drill_record", pk, "hand_in", outcome="已举办,评估报告已出").status_code == 302
    assert light(world, "1").light == "green"
    assert move(head, "drill_record", pk, "accept").status_code == 302
    assert light(world, "1").light == "done"
    page = text_of(leader.get("/desk/workplan/"))
    assert 'href="/r/drill_record/?level=%E5%B8%82%E7%BA%A7' in page and "现 1" in page


def test_a_deadline_is_kept_by_its_targets_without_anybody_saying_so(world):
    taken(world)
    assert light(world, "2").light == "red" and "2026年10月31日" in light(world, "2").why
    office, head = browser("office"), browser("office_head")
    for n in range(3):
        pk = fill(office, "shelter", name=f"第{n}场所", grade="Ⅲ类", area_m2="2000", address="某路", due_on="2026-11-27T10:00")
        move(office, "shelter", pk, "hand_in", outcome="已建成")
        move(head, "shelter", pk, "accept")
    found = light(world, "2")
    assert found.light == "done" and [t.state for t in found.turns] == ["late"]


def test_what_comes_round_has_a_turn_for_each_quarter(world, leader):
    taken(world)
    assert [t.state for t in light(world, "1").turns] == ["missed", "missed", "missed", "open"]
    node = Node.everywhere.get(kind="recurring")
    sent = {"kind": "recurring", "norm": "P3M", "indicator": "nothing", "least": "2"}
    assert change(leader, "node", node, "mend", **sent).status_code == 409
    assert change(leader, "node", node, "finish", evidence="三季度已开课", last="2026-09-30", happened_on="2026-08-01").status_code == 302
    assert [t.state for t in light(world, "1").turns] == ["missed", "missed", "late_proof", "open"]
    assert change(leader, "node", node, "finish", evidence="提前", last="2027-03-31").status_code == 409
    page = text_of(leader.get("/desk/workplan/calendar/"))
    assert "1.组织演练" in page and "逾期未完成" in page


def test_a_rhythm_counts_as_one_node_in_the_marks(world, leader):
    taken(world, plan_of(YEAR) + "4.完成总结。2026年6月30日前完成总结。\n")
    for no in ("1", "4"):
        change(leader, "item", item(no), "own", unit=LAWS)
    change(leader, "node", item("4").nodes.get(kind="deadline"), "finish", evidence="已印发", happened_on="2026-06-01")
    plan = Plan.objects.get()
    facts = [f for f in marks.facts(plan, marks.span_of(plan), marks.demo()["rules"]) if f.unit == LAWS and f.dimension == "nodes"]
    assert [round(f.weight, 2) for f in facts] == [0.33, 0.33, 0.33, 1] and [f.share for f in facts] == [0, 0, 0, 0.8]


@pytest.mark.parametrize("norm, count", [("P1W", 52), ("P1M", 12), ("P2M", 6), ("P3M", 4), ("P1Y", 1), ("P10D", 37), ("P1D", 0), ("P0M", 0), ("", 0)])
def test_the_turns_of_a_rhythm_fill_the_year_without_gaps(norm, count):
    found = turns.periods(norm, 2026)
    assert len(found) == count
    for (_, last), (first, _) in pairwise(found):
        assert first - last == timedelta(days=1)
    assert not found or found[-1][1] == date(2026, 12, 31)


def test_an_indicator_judges_each_turn(world, leader):
    taken(world, plan_of(YEAR).replace("每季度组织市安委会各专委会开展“安全第一课”", "每季度开展一次行业风险分析研判"))
    node = Node.everywhere.get(kind="recurring")
    office = browser("office")
    for quarter, day in (("一季度", "2026-02-10"), ("二季度", "2026-05-10"), ("三季度", "2026-08-10")):
        fill(office, "risk_report", quarter=quarter, trade="危化品", held_on=day, issued_on=day, text="风险总体可控")
    assert change(leader, "node", node, "mend", kind="recurring", norm="P3M", indicator="supervision.reports", least="1").status_code == 302
    assert [t.state for t in light(world, "1").turns] == ["kept", "kept", "kept", "open"]


def test_a_missed_finding_is_added_by_its_words_and_a_wrong_one_mended(world, leader):
    taken(world)
    two = item("2")
    given = {"comparator": "ge", "value": "5", "of": "次"}
    assert "照抄原文" in text_of(change(leader, "item", two, "add-aim", raw="没有的话", **given))
    assert change(leader, "item", two, "add-aim", raw="加强检查", **given).status_code == 302
    aim = Aim.everywhere.get(item=two, raw="加强检查")
    assert aim.state == "confirmed" and aim.measure.text == "加强检查。"
    assert change(leader, "aim", aim, "mend", comparator="ge", value="many", of="次").status_code == 409
    assert change(leader, "aim", aim, "mend", comparator="ge", value="6", of="次").status_code == 302
    assert change(leader, "item", two, "add-node", raw="加强检查", kind="deadline", day="").status_code == 409
    assert change(leader, "item", two, "add-node", raw="加强检查", kind="deadline", day="2026-12-20").status_code == 302
    assert Node.everywhere.get(raw="加强检查").day == date(2026, 12, 20)


def test_a_goal_of_nought_names_the_case_that_breaks_it(world, leader):
    taken(world)
    officer = browser("duty_officer")
    fill(officer, "accident", name="某厂爆燃", happened_at="2026-11-20T08:00", grade="一般", kind="爆炸", dead="1")
    assert "某厂爆燃" not in text_of(leader.get("/desk/workplan/"))
    fill(officer, "accident", name="某库火灾", happened_at="2026-11-21T08:00", grade="较大", kind="火灾", dead="4")
    for page in ("/desk/workplan/", "/desk/leader/"):
        said = text_of(leader.get(page))
        assert "已突破 1" in said and "某库火灾" in said and "某厂爆燃" not in said


def test_an_item_without_targets_goes_by_what_its_registers_say(world, leader):
    taken(world, PAPER)
    assert light(world, "19").light == "grey" and set(item("19").forms) == {"forest_sponsor", "forest_hazard"}
    town, district = browser("town_duty", city.SHAZIKOU, "370212.yj"), browser("district_duty", city.LAOSHAN, "370212.yj")
    row = {"area": city.SHAZIKOU, "place": "后山", "kind": "野外火源", "found_on": "2026-11-20", "due_on": "2026-11-27T17:00", "text": "祭祀用火"}
    pk = fill(town, "forest_hazard", **row)
    assert light(world, "19").light == "yellow"
    with travelled(timedelta(days=2)):
        drain(world)
        assert light(world, "19").light == "red" and "森林火灾隐患有 1 件逾期未办" in light(world, "19").why
        assert move(town, "forest_hazard", pk, "hand_in", outcome="已清理").status_code == 302
        assert move(district, "forest_hazard", pk, "accept").status_code == 302
        assert light(world, "19").light == "green"
    assert change(leader, "item", item("19"), "serve", forms=["nothing"]).status_code == 409
    assert change(leader, "item", item("19"), "serve", forms=["campaign"]).status_code == 302
    assert item("19").forms == ["campaign"] and light(world, "19").light == "grey"


def test_the_forms_go_by_the_title_and_not_by_the_number(world):
    source = f"某局{YEAR}年工作要点(虚构)\n一、工作\n1.深化专项应急演练。组织市级演练12次。\n2.强化双重预防机制建设。做好工作。\n3.完全不同的事情。做好工作。\n"
    taken(world, source)
    assert "drill_record" in item("1").forms and "standard_grade" in item("2").forms and item("3").forms == []


# ── owners, letters, supervision ────────────────────────────────────────────────────────────────────────────


def owned(leader):
    for no, unit in (("1", LAWS), ("2", FLOODS), ("3", LAWS)):
        assert change(leader, "item", item(no), "own", unit=unit).status_code == 302


def test_a_letter_is_written_issued_told_and_signed(world, leader):
    taken(world)
    assert "还没有为事项指定责任单位" in text_of(leader.post("/desk/workplan/letters/write/", follow=True))
    owned(leader)
    measure = Measure.everywhere.get(text="加强检查。")
    assert change(leader, "measure", measure, "own", unit=LAWS).status_code == 302
    assert leader.post("/desk/workplan/letters/write/").status_code == 302
    letter = Letter.everywhere.get(unit_id=LAWS)
    assert [task["no"] for task in letter.body] == ["1", "2", "3"] and letter.body[1]["measures"] == ["加强检查。"]
    head = browser("office_head", unit=LAWS)
    with scope.everyone(world):
        city.post("法规处负责人", "office_head", "city", scope.ROOT, [], unit=LAWS)
        city.post("防汛处负责人", "office_head", "city", scope.ROOT, [], unit=FLOODS)
    assert move(leader, "planletter", letter.pk, "issue").status_code == 302
    with scope.everyone(world):
        drain(world)
    assert list(Addressee.everywhere.values_list("post__unit_id", flat=True)) == [LAWS]
    assert move(head, "planletter", letter.pk, "sign").status_code == 302
    paper = docx.Document(BytesIO(leader.get(f"/desk/workplan/letters/{letter.pk}/letter.docx").content))
    said = "\n".join(p.text for p in paper.paragraphs)
    assert "年度工作任务书" in said and "组织演练" in said and "12次" in said
    assert "已签收" in text_of(leader.get("/desk/workplan/letters/"))


def test_what_is_late_is_urged_once_answered_and_closed_by_another(world, leader):
    taken(world)
    owned(leader)
    with scope.everyone(world):
        duties.urge(now())
        duties.urge(now())
    rows = {(s.unit_id, str(s.turn_last)): s for s in Supervision.everywhere.all()}
    assert set(rows) == {(FLOODS, "2026-10-31"), (LAWS, "2026-09-30")}, "of what comes round only the newest that was missed"
    row = rows[FLOODS, "2026-10-31"]
    head = browser("office_head", unit=FLOODS)
    assert "必填" in text_of(move(head, "plansupervision", row.pk, "reply"))
    assert move(head, "plansupervision", row.pk, "reply", reply="已倒排工期,12月10日前完成").status_code == 302
    assert move(head, "plansupervision", row.pk, "close").status_code == 409
    sent = move(leader, "plansupervision", row.pk, "raise", opinion="转为督办", due_by="2026-12-12T18:00")
    assert sent.status_code == 302
    with travelled(timedelta(days=30)), scope.everyone(world):
        drain(world)
        row = Supervision.objects.get(pk=row.pk)
        assert row.state == "supervised" and row.overdue
    assert "催办督办未销号" in text_of(leader.get("/desk/leader/"))


def test_who_urges_says_what_and_by_when(world, leader):
    taken(world)
    one = item("3")
    for given, said in (
        ({"demand": "请报进展", "due_by": "2026-12-01"}, "责任单位"), ({"unit": LAWS, "due_by": "2026-12-01"}, "要求"),
        ({"unit": LAWS, "demand": "请报进展", "due_by": "2026-11-01"}, "晚于现在"), ({"unit": LAWS, "demand": "请报进展", "due_by": "明天"}, "日期"),
    ):  # fmt: skip
        page = change(leader, "item", one, "urge", **given)
        assert page.status_code == 409 and said in text_of(page)
    assert change(leader, "item", one, "urge", unit=LAWS, demand="请报进展", due_by="2026-12-01").status_code == 302
    assert change(browser("office"), "item", one, "urge", unit=LAWS, demand="请报进展", due_by="2026-12-01").status_code == 409


def test_a_unit_reports_for_itself_and_for_nobody_else(world, leader):
    taken(world)
    owned(leader)
    node = Node.everywhere.get(kind="deadline")
    assert "只有责任单位" in text_of(change(browser("office", unit=LAWS), "node", node, "finish", evidence="已完成"))
    assert change(browser("office", unit=FLOODS, name="flood"), "node", node, "finish", evidence="已完成").status_code == 302


# ── marks ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_ranking_opens_down_to_single_records(world, leader):
    taken(world)
    owned(leader)
    page = text_of(leader.get("/desk/marks/"))
    assert "演示方案" in page and "法规处" in page and "防汛处" in page
    unit = text_of(leader.get(f"/desk/marks/{FLOODS}/"))
    assert "2.建设场所" in unit and "逾期未完成" in unit and f"/desk/workplan/{item('2').pk}/" in unit
    paper = docx.Document(BytesIO(leader.get("/desk/marks/ranking.docx").content))
    cells = [c.text for t in paper.tables for r in t.rows for c in r.cells]
    assert "防汛处" in cells and any("2.建设场所" in c for c in cells)
    assert leader.get("/desk/leader/progress.docx").status_code == 200


def test_a_paper_that_comes_late_costs_less_than_work_that_is_late(world, leader):
    taken(world)
    owned(leader)
    node = Node.everywhere.get(kind="deadline")

    def share():
        with scope.everyone(world):
            found = marks.facts(Plan.objects.get(), marks.span_of(Plan.objects.get()), marks.demo()["rules"])
        return next(f.share for f in found if f.unit == FLOODS and f.dimension == "nodes")

    assert share() == 0
    for happened, told, expected in (("2026-11-10", 0, 0.5), ("2026-10-20", 0, 0.8), ("2026-10-20", -20, 1.0)):
        node.proofs.all().delete()
        with travelled(timezone.make_aware(datetime(YEAR, 11, 26 + told, 9)) - real()):
            assert change(leader, "node", node, "finish", evidence="验收意见", happened_on=happened).status_code == 302
        assert share() == expected, (happened, told)


def test_terms_kept_and_missed_are_added_up_from_the_journal(world, leader):
    taken(world)
    owned(leader)
    clerk, head = browser("office", unit=LAWS, name="clerk"), browser("office_head", unit=LAWS, name="head")
    for day in (26, 30):
        pk = fill(clerk, "rebuild", firm=f"{day}日交", kind="工贸重大危险源", content="改造", due_on="2026-11-30T10:00")
        with travelled(timezone.make_aware(datetime(YEAR, 11, day, 12)) - real()):
            assert move(clerk, "rebuild", pk, "hand_in", outcome="已改造").status_code == 302
    with scope.everyone(world):
        facts = marks.facts(Plan.objects.get(), marks.span_of(Plan.objects.get()), marks.demo()["rules"])
    timely = next(f for f in facts if f.unit == LAWS and f.dimension == "timely")
    assert timely.share == 0.5 and "按时 1 次,逾期 1 次" in timely.why
    page = text_of(head.get(f"/desk/marks/{LAWS}/terms/"))
    assert "2026-11-30 12:00" in page and "提交办理结果" in page


def test_weights_are_tried_before_they_are_put_in_force(world, leader):
    taken(world)
    owned(leader)
    tried = text_of(leader.get("/desk/marks/", {"w0_nodes": "100", "w0_aims": "0", "w0_timely": "0", "w0_supervision": "0"}))
    assert "试算得分" in tried and "演示方案" in tried
    assert leader.get("/desk/marks/", {"w0_nodes": "much"}).status_code == 409
    sent = {f"w{n}_{d}": w for n in range(3) for d, w in (("nodes", 50), ("aims", 30), ("timely", 10), ("supervision", 10))}
    assert "刚被他人修订" in text_of(leader.post("/desk/marks/scheme/", {**sent, "reason": "没有写明依据哪一版"}, follow=True))
    sent["seen"] = marks.version()
    assert "须写明原因" in text_of(leader.post("/desk/marks/scheme/", sent, follow=True))
    assert "合计须为 100" in text_of(leader.post("/desk/marks/scheme/", {**sent, "w0_nodes": "60", "reason": "试"}, follow=True))
    assert leader.post("/desk/marks/scheme/", {**sent, "reason": "局党委会研究"}).status_code == 302
    assert marks.scheme()["groups"][0]["weights"]["nodes"] == 50 and "第 1 版" in text_of(leader.get("/desk/marks/"))
    assert browser("office_head").post("/desk/marks/scheme/", {**sent, "reason": "改"}).status_code == 403


def test_a_district_sees_its_own_mark_and_no_other(world, leader):
    taken(world, plan_of(YEAR) + "4.救援站。年内各镇(街道)至少建成一处一级站或二级站。\n")
    fill(browser("office"), "rescue_station", area=city.SHAZIKOU, name="沙子口站", town="沙子口街道", grade="二级站", built_on="2026-05-01", people="9")
    laoshan = browser("district_duty", city.LAOSHAN, "370212.yj")
    page = text_of(laoshan.get("/desk/marks/"))
    assert "370212.yj" in page and "370215.yj" not in page and "法规处" not in page
    assert "综合救援站覆盖率 1/1" in text_of(laoshan.get("/desk/marks/370212.yj/"))
    assert laoshan.get("/desk/marks/370215.yj/").status_code == 404 and laoshan.get(f"/desk/marks/{LAWS}/").status_code == 404
    assert laoshan.get("/desk/marks/ranking.docx").status_code == 403
    assert "综合救援站覆盖率 0/1" in text_of(leader.get("/desk/marks/370215.yj/"))


# ── versions and years ──────────────────────────────────────────────────────────────────────────────────────


def test_the_next_year_takes_over_owners_and_bindings_and_not_what_was_reported(world, leader):
    taken(world)
    owned(leader)
    assert change(leader, "node", Node.everywhere.get(kind="deadline"), "finish", evidence="已完成").status_code == 302
    taken(world, plan_of(YEAR, drills=15))
    revised = item("2")
    assert revised.owner_id == FLOODS and revised.nodes.get(kind="deadline").proofs.count() == 1
    page = text_of(leader.get("/desk/workplan/versions/"))
    assert "1.组织演练" in page and "“2”改为“5”" in page
    taken(world, plan_of(YEAR + 1, drills=20))
    later = item("2")
    assert later.plan.year == YEAR + 1 and later.owner_id == FLOODS and not later.nodes.get(kind="deadline").proofs.exists()
    assert Aim.everywhere.get(item=item("1"), unit="次").indicator == "rescue.drills"
    old = Item.everywhere.get(no="1", plan__year=YEAR, plan__current=True)
    assert lights.period_of(old.plan)[1] == min(date(YEAR, 12, 31), turns.today())
    assert lights.plan_in_force() == old.plan, "the next year's plan waits for its year"
    stale = Item.everywhere.get(no="1", plan__version=1, plan__year=YEAR)
    assert "已被替代" in text_of(change(leader, "item", stale, "own", unit=LAWS))


def test_nobody_accepts_his_own_work(world):
    both = city.person("兼职", "office", user="both")
    city.Grant.objects.create(person=both, role="office_head", area_id=scope.ROOT, since=city.SINCE)
    client = Client()
    client.force_login(both.user)
    pk = fill(client, "shelter", name="场所", grade="Ⅰ类", area_m2="2000", address="某路", due_on="2026-11-27T10:00")
    assert move(client, "shelter", pk, "hand_in", outcome="已建成").status_code == 302
    assert "须由提交人以外的人办理" in text_of(move(client, "shelter", pk, "accept"))
    assert "验收通过" not in text_of(client.get(f"/r/shelter/{pk}/")).partition("经过")[0]
    assert move(browser("office_head"), "shelter", pk, "accept").status_code == 302


def test_pages_without_a_plan_say_so(leader):
    for page in ("workplan/", "workplan/calendar/", "workplan/letters/", "workplan/versions/", "marks/", "leader/"):
        answer = leader.get(f"/desk/{page}")
        assert answer.status_code == 200 and "还没有" in text_of(answer), page
    assert leader.get("/desk/leader/progress.docx").status_code == 404


def test_tasks_name_only_what_is_owned(world, leader):
    taken(world)
    with scope.everyone(world):
        assert acts.tasks_of(Plan.objects.get()) == {}


def test_a_season_stands_in_the_calendar_with_both_its_days(world, leader):
    taken(world, plan_of(YEAR).replace("加强检查。", "加强汛期检查。"))
    node = Node.everywhere.get(kind="period", raw="汛期")
    assert change(leader, "node", node, "mend", kind="period", day="2026-06-01", until="2026-05-01").status_code == 409
    assert change(leader, "node", node, "mend", kind="period", day="2026-06-01", until="2026-09-30").status_code == 302
    page = text_of(leader.get("/desk/workplan/calendar/"))
    for month in ("6月", "9月"):
        assert "汛期" in page.partition(f"<h2>{month}</h2>")[2].partition("</section>")[0]


def test_evidence_is_a_file_beside_what_was_reported(world, leader, settings, tmp_path):
    settings.HOME = tmp_path
    taken(world)
    owned(leader)
    node = Node.everywhere.get(kind="deadline")
    office = browser("office", unit=FLOODS)
    assert change(office, "node", node, "finish", evidence="验收意见").status_code == 302
    page = f"/r/planproof/{node.proofs.get().pk}/"
    sent = office.post(f"{page}attach/", {"files": [SimpleUploadedFile("验收意见.txt", "同意验收".encode())]}, follow=True)
    assert "已添加附件 1 个" in text_of(sent) or "只接收" in text_of(sent)
    assert page in text_of(leader.get(f"/desk/workplan/{node.item_id}/"))


def test_a_drill_looks_at_the_plan_and_changes_nothing(world):
    taken(world)
    drill = World.objects.create(kind="exercise", title="演练", mark="演练")
    with scope.everyone(drill):
        for act in (acts.check_editor, lambda: acts.check_reporter(item("1")), lambda: take.check_take(plan_of(YEAR), "改"),
                    lambda: marks.check_scheme(marks.demo(), "改")):  # fmt: skip
            with pytest.raises(Refused, match="只能查看"):
                act()


def test_what_is_being_supervised_goes_over_to_a_new_version(world, leader):
    taken(world)
    owned(leader)
    with scope.everyone(world):
        duties.urge(now())
    before = Supervision.everywhere.count()
    taken(world, plan_of(YEAR, drills=15))
    with scope.everyone(world):
        duties.urge(now())
    assert Supervision.everywhere.count() == before and {s.item.plan.version for s in Supervision.everywhere.all()} == {2}


# ── bad input ───────────────────────────────────────────────────────────────────────────────────────────────

ODD = ("", "0", "-1", "nan", "inf", "1e400", "9" * 30, "\0", "'", "<b>", "二", "2026-02-30", "2026-13-01", "10000-01-01", "P3M", "deadline", "all",
       "3702.yj", "x" * 5000)  # fmt: skip
SENT = "state value value_max of comparator kind day until norm indicator least raw evidence happened_on last reason unit demand due_by forms".split()
ASKED = "quarter w0_nodes w1_aims pace r_late first last light unit area state due_on_after level page order q".split()
PAGES = ("/desk/marks/", f"/desk/marks/{LAWS}/", f"/desk/marks/{LAWS}/terms/", "/desk/workplan/", "/r/drill_record/stats/", "/r/planaim/stats/",
         "/desk/marks/ranking.docx")  # fmt: skip


@pytest.mark.parametrize("seed", range(2))
def test_odd_input_is_told_and_never_a_fault_of_the_house(world, leader, seed):
    taken(world, PAPER)
    leader.raise_request_exception, chance = False, Random(seed)
    rows = {"aim": Aim, "node": Node, "item": Item, "measure": Measure}
    for what, step in STEPS:
        pk = chance.choice(list(rows[what].objects.values_list("pk", flat=True)[:9])) if what in rows else 1
        for _ in range(2):
            given = {name: chance.choice(ODD) for name in chance.sample(SENT, chance.randint(0, len(SENT)))}
            assert leader.post(f"/desk/workplan/{what}/{pk}/{step}/", given).status_code < 500, (what, step, given)
    for path in PAGES:
        for _ in range(4):
            given = {name: chance.choice(ODD) for name in chance.sample(ASKED, 5)}
            assert leader.get(path, given).status_code < 500, (path, given)
