"""A term that is missed wakes the posts that its flow names, the nearest above the matter first, one rung after the other."""

from datetime import timedelta

import pytest

from anlan.kernel.cases.moves import move, open_case
from anlan.kernel.clock import loop, now, travelled
from anlan.kernel.notice.acts import do_call
from anlan.kernel.notice.models import Addressee
from anlan.kernel.people import scope
from anlan.response.duty.models import Intake, PhoneReport
from tests.kernel import city


@pytest.fixture
def world(db):
    world = city.build()
    for name, role, tier, place in (
        ("市带班", "duty_lead", "city", scope.ROOT), ("即墨带班", "duty_lead", "district", city.JIMO),
        ("崂山局领导", "leader", "district", city.LAOSHAN), ("市局领导", "leader", "city", scope.ROOT),
    ):  # fmt: skip
        city.post(name, role, tier, place, [city.person(name, role, place)])
    return world


def report(place):
    intake = Intake(summary="车间闪爆", received_at=now(), area_id=place)
    intake.save()
    return open_case(PhoneReport(area_id=place, intake=intake))


def told():
    rows = Addressee.everywhere.filter(notice__title="超时提醒").order_by("pk")
    return [(row.name, row.state, [a.channel for a in row.attempts.order_by("pk")]) for row in rows]


def test_those_above_are_told_one_after_the_other(world):
    with scope.everyone(world):
        report(city.SHAZIKOU)
        loop.drain(world)
        assert told() == []
        with travelled(timedelta(minutes=31)):
            loop.drain(world)
            assert told() == [("市带班", "told", ["sms"])]
            notice = Addressee.everywhere.get().notice
            assert "车间闪爆" in notice.text and "第六十五条" in notice.text
        with travelled(timedelta(minutes=61)):
            loop.drain(world)
            assert [name for name, *_ in told()] == ["市带班", "崂山局领导"]


def test_who_did_it_in_time_wakes_nobody(world):
    with scope.everyone(world):
        done = report(city.SHAZIKOU)
        move(done, "phone", told="省安委办 王处")
        with travelled(timedelta(hours=3)):
            loop.drain(world)
        assert told() == []


def test_a_role_that_does_not_exist_is_no_addressee(world):
    with scope.everyone(world), pytest.raises(ValueError, match="night_watch"):
        do_call("叫应", "到岗", level=None, roles=("night_watch",), areas=[scope.ROOT])
