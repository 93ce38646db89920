"""Verbs of the duty room: take in a message, and start the statutory clocks that it sets off."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from anlan.kernel import journal
from anlan.kernel.cases import Refused
from anlan.kernel.cases.moves import check_open, open_case
from anlan.kernel.cases.numbers import next_number
from anlan.kernel.clock import now
from anlan.kernel.people import scope
from anlan.kernel.people.roles import STAFF

from .models import AHEAD, Intake, PhoneReport, Shift, WrittenReport

LARGER = {"dead": 3, "injured": 10}


def check_intake(intake: Intake) -> Intake:
    """A person records a message; impossible times are refused by name."""
    if intake.occurred_at and intake.occurred_at > now() + AHEAD:
        raise Refused("发生时间晚于当前时间", field="occurred_at")
    if intake.received_at > now() + AHEAD:
        raise Refused("接报时间晚于当前时间", field="received_at")
    if intake.occurred_at and intake.occurred_at > intake.received_at:
        raise Refused("发生时间晚于接报时间", field="occurred_at")
    return do_intake(intake)


def do_intake(intake: Intake) -> Intake:
    """Keep a message; the same idempotent number is kept once. An accident starts its legal clocks."""
    check_open()
    if intake.client_id and (known := Intake.objects.filter(client_id=intake.client_id).first()):
        return known
    intake.recorder = intake.recorder or scope.current().name
    intake.unseen = intake.way == Intake.Way.FIELD and intake.seen_at is None
    with transaction.atomic():
        intake.full_clean(exclude=["world"])
        intake.issue = next_number("intake", timezone.localtime(now()).year)
        intake.save()
        journal.write("intake.taken", intake, text=f"接报({intake.get_way_display()}):{intake.summary[:60]}")
        if intake.accident:
            _start_reports(intake)
    return intake


TIERS = {"town_duty": "town", "district_duty": "district"}
SEEN = {"town": "镇已收", "district": "区已收", "city": "市已收"}


def check_receive(intake: Intake) -> bool:
    """May this asker confirm to the field that its report was received?"""
    if not scope.current().can(*STAFF, area=intake.area_id):
        raise Refused("只有本区域的值班人员可以签收现场上报")
    return do_receive(intake)


def do_receive(intake: Intake) -> bool:
    """Tell the field that a person on duty has its report; the first one counts. False when it was told before."""
    check_open()
    who = scope.current()
    held = [role for role in ("town_duty", "district_duty") if who.can(role, area=intake.area_id)] if who.reaches else []
    tier = TIERS[held[0]] if held else "city"
    with transaction.atomic():
        fresh = Intake.objects.filter(pk=intake.pk, seen_at=None)
        if not fresh.update(unseen=False, seen_at=now(), seen_by=who.name[:40], seen_tier=tier):
            return False
        intake.refresh_from_db()
        journal.write("intake.received", intake, text=f"{SEEN[tier]}:{intake}", after={"by": who.name, "tier": tier})
    return True


def _start_reports(intake: Intake) -> None:
    open_case(PhoneReport(area_id=intake.area_id, intake=intake))
    if any((getattr(intake, field) or 0) >= bound for field, bound in LARGER.items()):
        open_case(WrittenReport(area_id=intake.area_id, intake=intake))


def do_link(intake: Intake, number: str) -> Intake:
    """Keep on the message the number of the event that it became."""
    intake.event_number = number
    with transaction.atomic():
        intake.save(update_fields=["event_number"])
        journal.write("intake.linked", intake, text=f"接报转为事件 {number}")
    return intake


def on_duty(at: datetime | None = None) -> list[Shift]:
    """Who is on now, or was at a time, leaders first."""
    moment = at or now()
    rows = Shift.objects.filter(since__lte=moment, until__gt=moment).select_related("person")
    rank = {post: n for n, post in enumerate(Shift.Post.values)}
    return sorted(rows, key=lambda s: (rank[s.post], s.pk))
