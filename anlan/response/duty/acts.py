"""Verbs of the duty room: take in a message, and start the statutory clocks that it sets off."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from anlan.kernel import journal
from anlan.kernel.cases import Refused
from anlan.kernel.cases.moves import open_case
from anlan.kernel.clock import now
from anlan.kernel.people import scope

from .models import Intake, PhoneReport, Shift, WrittenReport

AHEAD = timedelta(minutes=5)
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
    if intake.client_id and (known := Intake.objects.filter(client_id=intake.client_id).first()):
        return known
    intake.recorder = intake.recorder or scope.current().name
    with transaction.atomic():
        intake.full_clean(exclude=["world"])
        intake.save()
        journal.write("intake.taken", intake, text=f"接报({intake.get_way_display()}):{intake.summary[:60]}")
        if intake.accident:
            _start_reports(intake)
    return intake


def _start_reports(intake: Intake) -> None:
    open_case(PhoneReport(area_id=intake.area_id, intake=intake))
    if any((getattr(intake, field) or 0) >= bound for field, bound in LARGER.items()):
        open_case(WrittenReport(area_id=intake.area_id, intake=intake))


def on_duty() -> list[Shift]:
    """Who is on now, leaders first."""
    moment = now()
    rows = Shift.objects.filter(since__lte=moment, until__gt=moment).select_related("person")
    rank = {post: n for n, post in enumerate(Shift.Post.values)}
    return sorted(rows, key=lambda s: (rank[s.post], s.pk))
