"""What an adversary tried with the plan: to act for others, to gain what was not done, and to lose what was."""

from datetime import datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from anlan.faces import gate
from anlan.kernel.cases import Refused
from anlan.kernel.clock import now, real, travelled
from anlan.kernel.clock.loop import drain
from anlan.kernel.files.models import Attachment
from anlan.kernel.notice.models import Addressee
from anlan.kernel.people import scope
from anlan.workplan import acts, duties, lights, marks
from anlan.workplan.models import Aim, Letter, Measure, Node, Plan, Supervision
from tests.kernel import city

from . import test_plan_year as year
from .test_plan_year import FLOODS, LAWS, YEAR, browser, change, fill, item, light, move, owned, plan_of, taken, text_of

world, leader = year.world, year.leader
TWICE = f"""某局{YEAR}年工作要点(虚构)
一、工作
1.两份总结。{YEAR}年6月30日前完成甲总结。{YEAR}年6月30日前完成乙总结。
2.其他工作。持续学习。
"""
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"


def deadline(no):
    return Node.everywhere.filter(item=item(no), kind="deadline").order_by("start").first()


def facts(world, dimension, quarter=0):
    with scope.everyone(world):
        plan = lights.plan_in_force()
        return [(f.unit, f.why) for f in marks.facts(plan, marks.span_of(plan, quarter), marks.demo()["rules"]) if f.dimension == dimension]


def on(month, day):
    gate.forget()
    return travelled(timezone.make_aware(datetime(YEAR, month, day, 9)) - real())


# ── who acts ────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_office_neither_signs_nor_answers_for_another(world, leader):
    taken(world)
    owned(leader)
    leader.post("/desk/workplan/letters/write/")
    letter = Letter.everywhere.get(unit_id=LAWS)
    move(leader, "planletter", letter.pk, "issue")
    with scope.everyone(world):
        duties.urge(now())
    urged = Supervision.everywhere.get(unit_id=FLOODS)
    laws, floods = browser("office", unit=LAWS, name="law"), browser("office", unit=FLOODS, name="flood")
    assert "须由法规处办理" in text_of(move(floods, "planletter", letter.pk, "sign"))
    assert "须由防汛处办理" in text_of(move(laws, "plansupervision", urged.pk, "reply", reply="代答"))
    assert "签收" not in text_of(floods.get(f"/r/planletter/{letter.pk}/")).partition("经过")[0].partition("办理")[2]
    assert move(laws, "planletter", letter.pk, "sign").status_code == 302
    assert move(floods, "plansupervision", urged.pk, "reply", reply="正在验收").status_code == 302


def test_the_owner_is_offered_the_form_to_report_and_nobody_else_is(world, leader):
    taken(world)
    owned(leader)
    page = f"/desk/workplan/{item('2').pk}/"
    assert "/finish/" in text_of(browser("office", unit=FLOODS, name="flood").get(page))
    assert "/finish/" not in text_of(browser("office", unit=LAWS, name="law").get(page))


def test_what_an_indicator_judges_is_not_reported_by_its_owner(world, leader):
    taken(world, plan_of(YEAR).replace("每季度组织市安委会各专委会开展“安全第一课”", "每季度开展一次行业风险分析研判"))
    owned(leader)
    node = Node.everywhere.get(kind="recurring")
    change(leader, "node", node, "mend", kind="recurring", norm="P3M", indicator="supervision.reports", least="1")
    clerk = browser("office", unit=LAWS, name="law")
    sent = change(clerk, "node", node, "finish", evidence="已开展", last=f"{YEAR}-03-31", happened_on=f"{YEAR}-03-02")
    assert sent.status_code == 409 and "由指标判断" in text_of(sent)
    early = change(leader, "node", node, "finish", evidence="已开展", last=f"{YEAR}-06-30", happened_on=f"{YEAR}-01-02")
    assert early.status_code == 409 and "不在这一期内" in text_of(early)
    assert change(leader, "node", node, "finish", evidence="纸质记录", last=f"{YEAR}-06-30", happened_on=f"{YEAR}-04-02").status_code == 302


def test_what_is_no_node_cannot_be_finished(world, leader):
    taken(world)
    change(leader, "node", deadline("2"), "judge", state="struck")
    assert "不能登记完成" in text_of(change(leader, "node", deadline("2"), "finish", evidence="已完成"))


def test_a_unit_of_the_city_is_told_itself_and_not_every_district(world, leader):
    taken(world)
    with scope.everyone(world):
        city.post("崂山值班", "district_duty", "district", city.LAOSHAN, [], unit="370212.yj")
        city.post("局领导", "leader", "city", scope.ROOT, [])
        change(leader, "item", item("3"), "urge", unit="3702.yj", demand="请报进展", due_by=f"{YEAR}-12-01")
        drain(world)
        assert [a.post.title for a in Addressee.everywhere.all()] == ["局领导"]


def test_a_district_reads_its_own_marks_and_no_paper_of_all(world, leader):
    taken(world)
    owned(leader)
    head = browser("office_head", city.LAOSHAN, "370212.yj", name="lao")
    assert head.get("/desk/leader/progress.docx").status_code == 404
    page = text_of(head.get("/desk/leader/"))
    assert "progress.docx" not in page and "法规处</a>" not in page and "防汛处</a>" not in page
    assert "progress.docx" in text_of(leader.get("/desk/leader/"))


def test_a_letter_of_a_replaced_version_is_not_issued_and_a_term_lies_ahead(world, leader):
    taken(world)
    owned(leader)
    leader.post("/desk/workplan/letters/write/")
    letter = Letter.everywhere.get(unit_id=LAWS)
    with scope.everyone(world):
        duties.urge(now())
    urged = Supervision.everywhere.get(unit_id=FLOODS)
    taken(world, plan_of(YEAR, drills=15))
    assert "已被修订" in text_of(move(leader, "planletter", letter.pk, "issue"))
    assert "须晚于现在" in text_of(move(leader, "plansupervision", urged.pk, "raise", opinion="转督办", due_by="2020-01-01T10:00"))


# ── an amendment loses nothing and gives nothing ────────────────────────────────────────────────────────────


@pytest.mark.parametrize("proved", [0, 1])
def test_the_same_words_twice_keep_each_its_own_proof(world, leader, proved):
    taken(world, TWICE)
    nodes = list(Node.everywhere.filter(item=item("1")).order_by("start"))
    change(leader, "node", nodes[proved], "finish", evidence="总结已印发", happened_on=f"{YEAR}-06-20")
    before = [t.done for t in light(world, "1").turns]
    taken(world, TWICE.replace("持续学习", "持续深入学习"))
    assert [t.done for t in light(world, "1").turns] == before == [proved == 0, proved == 1]


def test_what_a_person_added_stands_again_with_its_proof_and_its_papers(world, leader, settings, tmp_path):
    settings.HOME = tmp_path
    taken(world)
    owned(leader)
    change(leader, "item", item("2"), "add-node", raw="加强检查", kind="deadline", day=f"{YEAR}-12-20")
    change(leader, "item", item("2"), "add-aim", raw="加强检查", comparator="ge", value="5", of="次")
    change(leader, "node", Node.everywhere.get(raw="加强检查"), "finish", evidence="检查完成")
    change(leader, "node", deadline("2"), "finish", evidence="验收", happened_on=f"{YEAR}-10-20")
    proof = deadline("2").proofs.get()
    leader.post(f"/r/planproof/{proof.pk}/attach/", {"files": [SimpleUploadedFile("验收.pdf", PDF)]})
    assert Attachment.everywhere.count() == 1
    taken(world, plan_of(YEAR, drills=15))
    two = item("2")
    assert two.nodes.get(raw="加强检查").proofs.get().text == "检查完成" and two.aims.filter(raw="加强检查").count() == 1
    heir = deadline("2").proofs.get()
    assert heir != proof and Attachment.everywhere.filter(subject_id=str(heir.pk)).count() == 1
    assert Plan.everywhere.get(current=True).doubts == Plan.everywhere.get(version=1).doubts


def test_another_number_or_day_keeps_what_was_reported(world, leader):
    source = plan_of(YEAR).replace("加强检查", "发放宣传册100册")
    taken(world, source)
    owned(leader)
    change(leader, "aim", Aim.everywhere.get(unit="册"), "report", value="80", evidence="台账")
    change(leader, "node", deadline("2"), "finish", evidence="验收", happened_on=f"{YEAR}-10-20")
    taken(world, source.replace("100册", "120册").replace("10月31日", "11月15日"))
    aim = Aim.everywhere.get(item=item("2"), unit="册")
    assert (aim.raw, aim.reported, aim.evidence, aim.state) == ("120册", 80, "台账", "read")
    assert deadline("2").proofs.get().text == "验收"


def test_what_finds_no_place_in_the_new_text_is_told(world, leader):
    taken(world)
    owned(leader)
    change(leader, "node", deadline("2"), "finish", evidence="十月验收", happened_on=f"{YEAR}-10-20")
    taken(world, plan_of(YEAR).replace("2026年10月31日前完成3个地震应急避难场所建设。", ""))
    assert any("十月验收" in doubt["text"] and "未能沿用" in doubt["why"] for doubt in Plan.everywhere.get(current=True).doubts)
    assert "未能沿用" in text_of(leader.get("/desk/workplan/versions/")) or "存疑" in text_of(leader.get("/desk/workplan/"))


def test_a_new_item_with_a_title_much_alike_takes_over_nothing(world, leader):
    source = f"某局{YEAR}年工作要点(虚构)\n一、工作\n1.建设应急避难场所工作。{YEAR}年6月30日前完成工作。\n2.其他工作。持续学习。\n"
    taken(world, source)
    change(leader, "node", deadline("1"), "finish", evidence="验收", happened_on=f"{YEAR}-06-20")
    taken(world, f"{source}3.建设应急指挥场所工作。{YEAR}年6月30日前完成工作。\n")
    assert light(world, "1").light == "done" and [t.state for t in light(world, "3").turns] == ["missed"]


def test_next_years_plan_waits_for_its_year_and_each_year_can_be_looked_at(world, leader):
    taken(world)
    owned(leader)
    taken(world, plan_of(YEAR + 1))
    with scope.everyone(world):
        assert lights.plan_in_force().year == YEAR
        duties.urge(now())
        assert Supervision.objects.filter(item__plan__year=YEAR).exists()
        later = lights.plan_in_force(YEAR + 1)
        known = marks.facts(later, marks.span_of(later), marks.demo()["rules"])
        assert [f for f in known if f.dimension == "aims"] == [], "nothing is asked before the year begins"
    for path in ("workplan/", "workplan/calendar/", "workplan/letters/", "marks/", "leader/"):
        assert f"?year={YEAR + 1}" in text_of(leader.get(f"/desk/{path}")), path
        assert leader.get(f"/desk/{path}", {"year": YEAR + 1}).status_code == 200
        assert leader.get(f"/desk/{path}", {"year": "1999"}).status_code == 404
    with on(1, 5), travelled(timezone.make_aware(datetime(YEAR + 1, 1, 5, 9)) - real()), scope.everyone(world):
        assert lights.plan_in_force().year == YEAR + 1
        assert str(lights.period_of(Plan.objects.get(year=YEAR))[1]) == f"{YEAR}-12-31", "what comes later is the later plan's"


# ── lights and marks ────────────────────────────────────────────────────────────────────────────────────────


def test_a_limit_is_kept_only_when_its_time_is_over_and_an_aim_hides_no_missed_day(world, leader):
    taken(world, f"""某局{YEAR}年工作要点(虚构)
一、工作
1.压减事故。全年较大事故控制在5起以内。
2.年底总结。{YEAR}年10月31日前印发总结。培训100人次。
""")
    for no, value in (("1", "0"), ("2", "100")):
        change(leader, "aim", Aim.everywhere.filter(item=item(no)).first(), "report", value=value, evidence="台账")
    for node in Node.everywhere.filter(item=item("1")):
        change(leader, "node", node, "judge", state="struck")
    assert light(world, "1").light == "green"
    assert light(world, "2").light == "red"


def test_a_missed_term_counts_against_whom_it_was_given_and_in_its_quarter(world, leader):
    taken(world)
    owned(leader)
    with scope.everyone(world):
        duties.urge(now())
    with on(12, 20):
        with scope.everyone(world):
            drain(world)
        assert facts(world, "timely", quarter=1) == []
        assert any(unit == FLOODS for unit, _ in facts(world, "timely", quarter=4))
        urged = Supervision.everywhere.get(unit_id=FLOODS)
        move(leader, "plansupervision", urged.pk, "raise", opinion="转督办", due_by=f"{YEAR}-12-30T18:00")
        found = facts(world, "timely")
        assert (FLOODS, "按时 0 次,逾期 1 次") in found and "3702.yj" not in [unit for unit, _ in found]


def test_a_case_that_is_sent_back_and_handed_in_again_is_no_second_merit(world, leader):
    taken(world)
    clerk, head = browser("office", unit=LAWS, name="clerk"), browser("office_head", unit=LAWS, name="head")
    pk = fill(clerk, "rebuild", firm="甲", kind="工贸重大危险源", content="改造", due_on=f"{YEAR}-11-30T10:00")
    for _ in range(3):
        move(clerk, "rebuild", pk, "hand_in", outcome="已改造")
        assert move(head, "rebuild", pk, "send_back", opinion="不符").status_code == 302
    assert facts(world, "timely") == [(LAWS, "按时 1 次,逾期 0 次")]
    with on(12, 5):
        move(clerk, "rebuild", pk, "hand_in", outcome="已改造")
    assert facts(world, "timely") == [(LAWS, "按时 1 次,逾期 1 次")]


def test_an_open_case_of_last_year_still_lights_its_item(world, leader):
    taken(world, plan_of(YEAR))
    change(leader, "item", item("3"), "serve", forms=["rebuild"])
    with travelled(timezone.make_aware(datetime(YEAR - 1, 11, 3, 9)) - real()):
        gate.forget()
        fill(browser("office", name="old"), "rebuild", firm="甲", kind="工贸重大危险源", content="改造", due_on=f"{YEAR - 1}-12-01T10:00")
    with scope.everyone(world):
        drain(world)
    assert light(world, "3").light == "red"


def test_who_takes_an_item_over_is_urged_in_his_turn(world, leader):
    taken(world)
    owned(leader)
    with scope.everyone(world):
        duties.urge(now())
    assert Supervision.everywhere.filter(unit_id=FLOODS, closed_at=None).count() == 1
    change(leader, "item", item("2"), "own", unit=LAWS)
    assert Supervision.everywhere.get(unit_id=FLOODS).state == "dropped"
    with scope.everyone(world):
        duties.urge(now())
    assert Supervision.everywhere.filter(unit_id=LAWS, item=item("2"), closed_at=None).count() == 1


def test_dropped_patrols_cover_nothing(world, leader):
    office, head = browser("office", unit=LAWS, name="clerk"), browser("office_head", unit=LAWS, name="head")
    pk = fill(office, "patrol", area=city.LAOSHAN, round_name="一轮", began_on=f"{YEAR}-03-01", team="一组", finding="无", due_on=f"{YEAR}-12-01T10:00")
    page = "/r/indicators/supervision.patrols/"
    before = text_of(leader.get(page))
    assert move(head, "patrol", pk, "drop", opinion="误登").status_code == 302
    assert text_of(leader.get(page)) != before


# ── days out of bounds, old pages, the same thing twice ─────────────────────────────────────────────────────


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "2099-01-01"])
def test_a_day_out_of_bounds_is_refused_beside_its_field(world, leader, day):
    taken(world)
    sent = change(leader, "node", deadline("2"), "mend", kind="deadline", day=day, least="1")
    assert sent.status_code == 409 and "相差太远" in text_of(sent)
    assert leader.get("/desk/workplan/").status_code == leader.get("/desk/marks/").status_code == 200


def test_a_page_that_is_older_than_a_correction_does_not_undo_it(world, leader):
    taken(world)
    node = deadline("2")
    change(leader, "node", node, "mend", kind="deadline", day=f"{YEAR}-12-15", least="1", seen=node.stamp)
    stale = change(leader, "node", node, "mend", kind="deadline", day=f"{YEAR}-10-30", least="1", seen=node.stamp)
    assert stale.status_code == 409 and "被他人更正" in text_of(stale) and str(deadline("2").day) == f"{YEAR}-12-15"
    assert f'name="seen" value="{deadline("2").stamp}"' in text_of(stale)


def test_a_correction_writes_only_what_it_changes(world, leader):
    taken(world)
    with scope.everyone(world):
        mine = Aim.objects.get(item=item("2"))
        Aim.objects.filter(pk=mine.pk).update(reported=2, evidence="台账")
        acts.do_mend(mine, {"value": 4.0})
        again = Aim.objects.get(pk=mine.pk)
    assert (again.value, again.reported, again.evidence) == (4, 2, "台账")


def test_the_same_thing_sent_twice_is_done_once(world, leader):
    taken(world)
    owned(leader)
    two = item("2")
    for _ in range(2):
        change(leader, "item", two, "add-node", raw="加强检查", kind="deadline", day=f"{YEAR}-12-20")
        change(leader, "item", two, "urge", unit=FLOODS, demand="请报进展", due_by=f"{YEAR}-12-01")
        leader.post("/desk/workplan/take/", {"source": plan_of(YEAR, drills=15), "take": "1", "reason": "调整"})
    assert Node.everywhere.filter(item=two, raw="加强检查").count() == 1
    assert Supervision.everywhere.count() == 1 and Plan.everywhere.count() == 2


def test_a_measure_has_an_owner_of_its_own_and_its_report_is_his(world, leader):
    taken(world)
    owned(leader)
    measure = Measure.everywhere.filter(item=item("2")).order_by("rank").first()
    change(leader, "measure", measure, "own", unit=LAWS)
    with scope.everyone(world), pytest.raises(Refused):
        acts.check_urge(item("2"), None, "x", None)
    assert "/finish/" in text_of(browser("office", unit=LAWS, name="law").get(f"/desk/workplan/{item('2').pk}/"))


def test_what_is_invisible_is_refused_on_any_database(world, leader):
    taken(world)
    sent = change(leader, "node", deadline("2"), "finish", evidence="验\0收")
    assert sent.status_code == 409 and "控制字符" in text_of(sent)
    assert "控制字符" in text_of(leader.post("/desk/workplan/take/", {"source": f"{TWICE}\0", "take": "1", "reason": "改"}))
