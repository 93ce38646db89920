"""A closed loop is checked when it is declared, moved by one function, and watched by the clock."""

from datetime import UTC, date, datetime, timedelta

import pytest

from anlan.kernel import clock
from anlan.kernel.cases import Flow, Limit, Move, Refused
from anlan.kernel.cases.flow import FLOWS
from anlan.kernel.cases.models import Remark
from anlan.kernel.cases.moves import move, open_case, open_moves
from anlan.kernel.clock import loop
from anlan.kernel.clock.calendar import holidays
from anlan.kernel.journal import read
from anlan.kernel.notice import acts as notice
from anlan.kernel.people import scope
from anlan.kernel.people.models import Holding, Unit
from anlan.response.command import acts as command
from anlan.response.command.models import Event
from anlan.response.duty.models import Intake, PhoneReport, WrittenReport

from . import city

BASIS = "试验条款"


@pytest.fixture
def world(db):
    return city.build()


def flow(**changes):
    """A small sound flow, changed by the test."""
    parts = {
        "name": "test", "title": "试验", "states": {"a": "甲", "b": "乙"}, "moves": (Move("go", "走", "a", "b"),), "ends": "b",
    }  # fmt: skip
    try:
        return Flow(**{**parts, **changes})
    finally:
        FLOWS.pop("test", None)


@pytest.mark.parametrize(
    "changes, fault",
    [
        ({"states": {"a": "甲", "b": "乙", "c": "丙"}}, "no way leads to"),
        ({"ends": ""}, "no way leads out"),
        ({"moves": (Move("go", "走", "a", "x"),)}, "unknown states"),
        ({"limits": (Limit("a", "", days=1),)}, "no basis"),
        ({"limits": (Limit("a", BASIS),)}, "exactly one length"),
        ({"limits": (Limit("a", BASIS, days=1, hours=2),)}, "exactly one length"),
        ({"limits": (Limit("b", BASIS, days=1),)}, "no open state"),
        ({"name": "order"}, "two flows of one name"),
    ],
)
def test_a_bad_flow_does_not_import(changes, fault):
    with pytest.raises(ValueError, match=fault):
        flow(**changes)


def test_terms_count_hours_days_and_working_days_over_the_holidays():
    at = datetime(2023, 9, 28, 1, tzinfo=UTC)
    table = holidays()
    assert Limit("a", BASIS, hours=1.5).term(at, table) == at + timedelta(minutes=90)
    assert Limit("a", BASIS, workdays=5).term(at, table).date() == date(2023, 10, 11)
    assert Limit("a", BASIS, days=3).term(at, table).date() == date(2023, 10, 7)


def report(**given):
    intake = Intake(area_id=scope.ROOT, received_at=clock.now(), summary="某厂事故", **given)
    intake.save()
    return open_case(PhoneReport(area_id=scope.ROOT, intake=intake))


def test_a_move_asks_for_its_role_its_state_and_its_fields(world):
    with scope.everyone(world):
        case = report()
        with pytest.raises(Refused, match="须填写:对方单位和姓名"):
            move(case, "phone")
        with pytest.raises(Refused, match="不接受字段"):
            move(case, "phone", told="省", state="phoned")
    with scope.entered(scope.Scope(world, name="访客", reaches=(scope.Reach("guest", "3702"),))):
        assert open_moves(case) == []
        with pytest.raises(Refused, match="没有办理"):
            move(case, "phone", told="省安委办张三")
    with scope.everyone(world):
        move(case, "phone", told="省安委办张三")
        assert case.state == "phoned" and case.closed_at
        with pytest.raises(Refused, match="不能办理"):
            move(case, "phone", told="再来")


def test_two_people_cannot_move_the_same_case(world):
    with scope.everyone(world):
        case = report()
        other = PhoneReport.objects.get(pk=case.pk)
        move(case, "phone", told="甲")
        with pytest.raises(Refused, match="刚被他人办理"):
            move(other, "phone", told="乙")
        assert PhoneReport.objects.get(pk=case.pk).told == "甲"


def test_a_missed_limit_is_marked_told_upward_and_named_with_its_article(world):
    with scope.everyone(world):
        case = report()
        assert case.due_at == case.intake.received_at + timedelta(minutes=30)
        with clock.travelled(timedelta(minutes=31)):
            loop.drain(world)
        case.refresh_from_db()
        assert case.overdue
        with clock.travelled(timedelta(minutes=65)):
            loop.drain(world)
        lines = list(read.lines().filter(verb="case.overdue").order_by("id"))
    assert [line.after["raise_to"] for line in lines] == ["duty_lead", "leader"]
    assert "第六十五条" in lines[0].basis and Remark.objects.get().basis == lines[0].basis
    assert "超时" in str(Remark.objects.get()) and "Remark" not in str(Remark.objects.get())


def test_a_case_that_moved_in_time_has_no_clock_left(world):
    with scope.everyone(world):
        case = report()
        move(case, "phone", told="省安委办张三")
        with clock.travelled(timedelta(hours=5)):
            loop.drain(world)
        case.refresh_from_db()
        assert not case.overdue and not Remark.objects.exists()


def test_a_case_keeps_the_limits_it_began_with(world):
    with scope.everyone(world):
        case = report()
        rule = {**case.rule, "limits": [{**case.rule["limits"][0], "minutes": 5}]}
        PhoneReport.objects.filter(pk=case.pk).update(rule=rule)
        from anlan.kernel.cases.moves import limits_of

        assert limits_of(PhoneReport.objects.get(pk=case.pk))[0].minutes == 5
        assert PhoneReport.flow.limits[0].minutes == 30


def test_a_returned_case_gets_a_new_clock(world):
    with scope.everyone(world):
        intake = Intake(area_id=scope.ROOT, received_at=clock.now(), summary="某厂事故", dead=3)
        intake.save()
        case = open_case(WrittenReport(area_id=scope.ROOT, intake=intake))
        move(case, "submit", text="正文")
        move(case, "back", remark="补充伤亡")
        assert case.state == "drafting" and case.due_at == intake.received_at + timedelta(hours=1)
        with clock.travelled(timedelta(minutes=61)):
            loop.drain(world)
        case.refresh_from_db()
        assert case.overdue


def test_a_limit_that_is_over_when_the_case_opens_is_missed_and_not_reminded_of(world):
    with scope.everyone(world):
        intake = Intake(area_id=scope.ROOT, received_at=clock.now() - timedelta(hours=2), summary="迟报")
        intake.save()
        case = open_case(PhoneReport(area_id=scope.ROOT, intake=intake))
        loop.drain(world)
        case.refresh_from_db()
        assert case.overdue
        assert not read.lines().filter(verb="case.reminded").exists()


def test_each_rung_of_a_miss_names_the_term_that_was_missed(world):
    with scope.everyone(world):
        case = report()
        for minutes in (31, 70):
            with clock.travelled(timedelta(minutes=minutes)):
                loop.drain(world)
        lines = list(read.lines().filter(verb="case.overdue").order_by("id"))
    assert len(lines) == 2
    assert {datetime.fromisoformat(line.after["term"]) for line in lines} == {case.due_at}
    assert lines[0].text == lines[1].text


def test_an_order_keeps_its_time_of_receipt_when_it_is_moved_on_in_one_go(world):
    with scope.everyone(world):
        event = command.do_open(Event(title="试", kind=Event.Kind.FIRE, area_id=scope.ROOT, occurred_at=clock.now()))
        order = command.do_order(event, Unit.objects.get(pk="3702.yj"), "排查", 60)
        command.do_receive(order)
        command.do_finish(order, "完成")
        order.refresh_from_db()
    assert order.received_at and order.done_at


def test_events_of_two_districts_have_two_numbers(world):
    numbers = set()
    for place in ("370212", "370215"):
        who = scope.Scope(world, name="值班", reaches=(scope.Reach("duty_officer", place),))
        with scope.entered(who):
            event = Event(title="试", kind=Event.Kind.FIRE, area_id=place + "000000", occurred_at=clock.now())
            numbers.add(command.do_open(event).number)
    assert len(numbers) == 2


def test_at_night_the_holder_of_the_new_day_is_called(world):
    old, new = city.person("旧", "town_duty", city.SHAZIKOU), city.person("新", "town_duty", city.SHAZIKOU)
    post = city.post("值班", "town_duty", "town", city.SHAZIKOU, [old])
    two_in_the_morning = datetime(2026, 5, 31, 18, tzinfo=UTC)
    with scope.everyone(world, at=two_in_the_morning):
        Holding.objects.update(until=date(2026, 5, 31))
        Holding(post=post, person=new, since=date(2026, 6, 1), area_id=city.SHAZIKOU).save()
        call = notice.do_call("叫应", "到岗", level=None, roles=("town_duty",), areas=[city.SHAZIKOU])
        assert [a.name for a in call.addressees.all()] == ["新"]
