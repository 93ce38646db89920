"""Items 40 to 45, lived by those whose duty they are."""

from anlan.kernel.indicators import indicator
from anlan.kernel.people import scope

from .conftest import UNIT


def test_item_40_study_and_branch_life(bureau):
    bureau.fill("study", topic="二十大精神", held_on="2023-03-01", kind="集体学习", people="12", minutes="会议纪要")
    bureau.fill("branch_life", branch="第一支部", kind="主题党日", held_on="2023-03-05", due="20", came="19")
    sent = bureau.as_("office").post("/r/branch_stars/new/", {"area": scope.ROOT, "branch": "第一支部", "year": "2023", "organisation": "28", "life": "27",
                                                             "work": "38", "stars": "五星"})  # fmt: skip
    pk = sent.url.rstrip("/").rpartition("/")[2]
    bureau.take("branch_stars", pk, "approve", "leader")
    assert bureau.serves("40", "study", "branch_life", "branch_stars")


def test_item_41_integrity_files_are_read_by_few(bureau):
    pk = bureau.fill("integrity_file", "discipline", person="某人", unit=UNIT, filed_on="2023-02-01", text="廉政谈话")
    assert bureau.as_("office").get(f"/r/integrity_file/{pk}/").status_code == 403
    assert bureau.as_("office").get("/r/integrity_file/").status_code == 403
    bureau.fill("discipline_case", "discipline", person="某人", unit=UNIT, found_on="2023-05-01", text="公车私用", decision="警告")
    assert indicator("zero.discipline").value() == 1
    page = bureau.page("/desk/workplan/", "office")
    assert "干部队伍零违纪" in page and "公车私用" not in page
    inspected = bureau.fill("inner_inspection", "discipline", field="行政执法", unit=UNIT, found_on="2023-04-01", finding="超期", due_on="2023-07-01T17:00")
    bureau.take("inner_inspection", inspected, "hand_in", "office_head", outcome="已整改")
    bureau.take("inner_inspection", inspected, "accept", "discipline")


def test_item_42_a_purchase_goes_its_way_and_a_contract_is_reviewed(bureau):
    pk = bureau.fill("purchase", name="冲锋舟", unit=UNIT, budget="300000", plan="True", method="公开招标")
    assert bureau.step("purchase", pk, "contract", "office").status_code == 409
    for step, by in (("approve", "leader"), ("contract", "office"), ("deliver", "office"), ("accept", "internal_audit")):
        bureau.take("purchase", pk, step, by, outcome="已办")
    assert bureau.state("purchase", pk) == "after_accept"
    bureau.approved("review", decides="legal", title="冲锋舟采购合同", kind="对外经济合同", unit=UNIT, sent_on="2023-05-05", text="合同文本")
    bureau.fill("audit_case", "internal_audit", object="预算决算", name="2022年决算", unit=UNIT, finding="无", due_on="2023-07-01T17:00")
    assert bureau.as_("office").get("/r/audit_case/").status_code == 403


def test_item_43_services_keep_their_promise(bureau):
    bureau.fill("service_item", name="经营许可", kind="行政许可", law="安全生产法", unit=UNIT, days="5", guide="指南")
    pk = bureau.done("application", name="经营许可", applicant="某公司", kind="告知承诺", promised_by="2023-06-22T17:00")
    bureau.fill("service_measure", measure="容缺受理", applicant="某公司", served_on="2023-06-01", satisfied="True")
    bureau.fill("complaint", about="窗口等待", received_on="2023-06-02", upheld="True", unit=UNIT, text="等待过久", due_on="2023-06-20T17:00")
    assert bureau.state("application", pk) == "done" and indicator("zero.complaints").value() == 1
    assert bureau.serves("43", "service_item", "application", "service_measure", "complaint")


def test_item_44_ideas_goals_and_classes(bureau):
    idea = bureau.fill("idea", unit=UNIT, author="某人", title="扫码巡查", text="一企一码")
    bureau.take("idea", idea, "approve", "office_head")
    bureau.done("office_goal", decides="leader", unit=UNIT, goal="执法文书一键生成", due_on="2023-11-30T17:00", measure="上线使用")
    assert bureau.stands("44", "5期") == 0
    course = bureau.fill("online_class", topic="应急理论", kind="应急理论", began_on="2023-05-01", hours="12", pass_mark="60")
    bureau.fill("class_record", course=course, learner="某人", unit=UNIT, hours="12", score="88")
    assert bureau.stands("44", "5期") == 1


def test_item_45_staff_are_known_and_assessed(bureau):
    pk = bureau.fill("staff_file", "personnel", person="某人", unit=UNIT, born_on="1995-01-01", post="四级主任科员", since_on="2022-01-01")
    assert bureau.as_("office").get(f"/r/staff_file/{pk}/").status_code == 403
    row = {"area": scope.ROOT, "person": "某人", "unit": UNIT, "period": "上半年", "deed": "55", "duty": "18", "conduct": "19"}
    sent = bureau.as_("personnel").post("/r/appraisal/new/", row)
    bureau.take("appraisal", sent.url.rstrip("/").rpartition("/")[2], "approve", "leader")
    assert "政策法规处" in bureau.page("/desk/marks/", "personnel")
