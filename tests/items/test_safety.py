"""Items 1 to 14, lived by those whose duty they are."""

import pytest

from anlan.kernel.clock.loop import drain
from anlan.kernel.indicators import indicator
from anlan.kernel.people import scope
from tests.kernel import city

from .conftest import UNIT


def test_item_01_training_inside_the_system(bureau):
    bureau.fill("inner_class", topic="制度措施学习提升", host=UNIT, held_on="2023-05-10", learners="80", attended="76", passed="75")
    assert bureau.serves("1", "inner_class") and bureau.finds("inner_class", "制度措施学习提升")
    assert bureau.as_("enterprise").get("/r/inner_class/").status_code == 403


def test_item_02_every_committee_gives_the_first_lesson_each_quarter(bureau):
    from anlan.workplan import lights
    from anlan.workplan.models import Node

    node = Node.objects.get(item__no="2", kind="recurring")
    given = {"kind": "recurring", "norm": "P3M", "indicator": "training.lessons", "least": "2"}
    sent = bureau.as_("leader").post(f"/desk/workplan/node/{node.pk}/mend/", given)
    assert sent.status_code == 302
    for unit in (UNIT, "370212.yj"):
        bureau.fill("first_lesson", committee=unit, quarter="一季度", held_on="2023-02-20", topic="有限空间作业", firms="40", people="200")
    item = next(iter(lights.items_of(lights.plan_in_force(), no="2")))
    assert [t.state for t in item.turns] == ["kept", "soon", "ahead", "ahead"]
    bureau.fill("custom_training", topic="强基础、扫盲区", kind="强基础扫盲区", held_on="2023-03-01", firms="30", people="300")
    assert bureau.serves("2", "custom_training", "first_lesson")


def test_item_03_training_inside_the_firms(bureau):
    bureau.fill("start_lesson", by="town_duty", at=city.SHAZIKOU, firm="某化工", teacher="张三", held_on="2023-02-01", people="60")
    bureau.fill("broadcast", topic="动火作业", trade="危化品", aired_on="2023-04-02", viewers="12000")
    bureau.fill("three_levels", by="inspector", firm="某机械", checked_on="2023-05-06", plant="True", shop="True", team="False", fault="班组级记录不全")
    assert bureau.finds("start_lesson", "某化工") and not bureau.finds("start_lesson", "某化工", "district_duty", city.JIMO)
    assert bureau.serves("3", "start_lesson", "broadcast", "three_levels")


def test_item_04_rules_are_carried_out_and_neglect_is_answered_for(bureau):
    bureau.fill("measure_check", by="inspector", measure="十五条硬措施", unit="370212.yj", checked_on="2023-03-01", kind="督导检查", finding="台账不全")
    pk = bureau.fill("blame", matter="整改超期", unit="370212.yj", due_on="2023-06-16T17:00", demand="限期整改")
    with_time(bureau, days=3)
    assert overdue("blame", pk)
    assert bureau.serves("4", "measure_check", "blame")


def test_item_05_nothing_is_issued_without_its_review(bureau):
    pk = bureau.issued("青岛市安全生产条例(修订草案)")
    assert bureau.state("instrument", pk) == "issued"
    bureau.fill("duty_list", by="legal", matter="危化品经营许可", kind="行政许可", law="安全生产法", unit=UNIT, changed_on="2023-03-03")
    bureau.fill("law_class", topic="安全生产法宣传", audience="企业负责人", unit=UNIT, plan_on="2023-06-01")
    assert bureau.serves("5", "instrument", "duty_list", "law_class")


def test_item_06_joint_control_and_no_accident_hidden(bureau):
    bureau.fill("joint_control", group_name="港区联防", lead="市应急局", members="交通、海事", risk="装卸作业", signed_on="2023-04-04")
    bureau.fill("injury_check", batch="2023年一季度", checked_on="2023-04-10", claims="120", reports="8", matched="119", hidden="1")
    bureau.fill("accident", by="duty_officer", name="某厂坍塌", happened_at="2023-05-01T10:00", grade="较大", kind="坍塌", dead="3")
    bureau.fill("warning_meeting", accident="某厂坍塌", held_on="2023-05-08", place="某厂", people="90", firms="30")
    assert indicator("zero.accidents").value() == 1 and "某厂坍塌" in bureau.page("/desk/workplan/")
    assert bureau.serves("6", "joint_control", "injury_check", "warning_meeting", "accident")


def test_item_07_firms_reach_the_third_grade(bureau):
    assert bureau.stands("7", "250家") == 0
    bureau.approved("standard_grade", firm="某机械", trade="机械", grade="三级", score="82")
    bureau.fill("model_firm", firm="某化工", named_on="2023-05-05")
    assert bureau.stands("7", "250家") == 1 and bureau.stands("7", "5家以上") == 1
    refused = bureau.fill("standard_grade", firm="某纺织", trade="纺织", grade="三级")
    bureau.take("standard_grade", refused, "refuse", "office_head", opinion="得分不足")
    assert bureau.stands("7", "250家") == 1


def test_item_08_plants_are_rebuilt(bureau):
    bureau.done("rebuild", firm="某冶金", kind="工贸重大危险源", content="自动化改造", due_on="2023-12-31T17:00")
    bureau.done("rebuild", firm="某仓储", kind="机器人巡检试点", content="巡检机器人", due_on="2023-12-31T17:00")
    assert (bureau.stands("8", "28家"), bureau.stands("8", "8家")) == (1, 1)


def test_item_09_towns_enforce_by_mandate(bureau):
    bureau.done("pilot_team", town="沙子口街道", started_on="2023-03-01", officers="6", goal="执法记录全过程", due_on="2023-11-30T17:00")
    bureau.fill("mandate", by="legal", area=city.SHAZIKOU, town="沙子口街道", matters="一般处罚", since_on="2023-01-01", until_on="2025-12-31", kind="委托执法")
    assert bureau.stands("9", "10个") == 1 and bureau.stands("9", "100%全覆盖") == 50


def test_item_10_campaigns_and_the_black_list(bureau):
    bureau.fill("campaign", by="inspector", name="危化品专项", kind="全域专项", began_on="2023-03-01", firms="80", hazards="200", settled="190", cases="12")
    assert bureau.stands("10", "4次") == 1 and bureau.stands("10", "100%") is None
    given = {"code": "91370200TEST00001X", "cause": "瞒报", "basis_text": "列入决定1号", "listed_on": "2023-01-01", "due_on": "2023-06-20T17:00"}
    bureau.done("blacklist", firm="某建筑", **given)
    assert bureau.stands("10", "100%") == 100
    bureau.fill("blacklist", firm="某运输", **given)
    with_time(bureau, days=10)
    assert bureau.stands("10", "100%") == 50
    bureau.approved("credit_repair", firm="某建筑", code="91370200TEST00001X", cause="未批先建", listed_on="2023-01-01", proof="整改报告")


def test_item_11_every_district_is_inspected(bureau):
    bureau.fill("patrol", area=city.LAOSHAN, round_name="一轮", began_on="2023-04-01", team="第一组", finding="责任清单未更新", due_on="2023-06-30T17:00")
    bureau.fill("joint_list", matter="密室逃脱", lead=UNIT, members="文旅、消防", duties="按行业分工", changed_on="2023-05-01")
    assert bureau.stands("11", "“全覆盖”") == 50 and bureau.serves("11", "patrol", "joint_list")
    assert "即墨区" in bureau.page("/r/indicators/supervision.patrols/").partition("尚未达到的")[2]


def test_item_12_each_quarter_the_risks_are_judged(bureau):
    bureau.fill("risk_report", quarter="二季度", trade="建筑施工", held_on="2023-06-01", issued_on="2023-06-05", text="高处坠落多发")
    assert bureau.stands("12", "一次") == 1
    bureau.fill("risk_report", quarter="一季度", trade="建筑施工", held_on="2023-03-01", issued_on="2023-03-05", text="复工风险")
    assert bureau.stands("12", "一次") == 1


def test_item_13_firms_are_diagnosed(bureau):
    for firm in ("某铸造", "某铸造", "某冷库"):
        bureau.fill("diagnosis", by="inspector", firm=firm, trade="冶金铸造", served_on="2023-05-05", experts="两人", hazards="6", settled="4")
    assert bureau.stands("13", "160家") == 2


@pytest.mark.xfail(strict=True, reason="the room of major hazard sources and their sponsors is still to come")
def test_item_13_sponsors_of_major_hazard_sources_keep_their_duties(bureau):
    assert bureau.as_("inspector").get("/r/hazard_source/").status_code == 200


def test_item_14_the_public_is_taught(bureau):
    bureau.fill("outreach", topic="安全生产月咨询日", kind="媒体宣传", held_on="2023-06-14", people="5000")
    assert bureau.serves("14", "outreach") and bureau.finds("outreach", "安全生产月咨询日")


@pytest.mark.xfail(strict=True, reason="the room of whistle-blowers and rewards is still to come")
def test_item_14_a_whistle_blower_is_heard_and_rewarded(bureau):
    assert bureau.as_("office").get("/r/whistle/").status_code == 200


def with_time(bureau, days):
    """Let days pass, with the clock at work."""
    from datetime import timedelta

    from anlan.kernel.clock import travelled

    with travelled(timedelta(days=days)):
        drain(scope.current().world)


def overdue(form, pk):
    from anlan.kernel.registers import find

    return find(form).model.objects.get(pk=pk).overdue
