"""The first page of a phone: what waits for me, the three buttons, what I reported and who has it."""

from __future__ import annotations

import hashlib
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.crypto import get_random_string
from django.views.decorators.http import require_safe

from anlan.kernel.answers import links
from anlan.kernel.notice.acts import State
from anlan.kernel.notice.models import Addressee, Notice
from anlan.kernel.people import scope
from anlan.kernel.people.models import Person
from anlan.kernel.people.roles import STAFF
from anlan.response.duty.acts import SEEN
from anlan.response.duty.models import Intake

from . import calls
from .told import duty_desk

LISTED = 10


@require_safe
def whole(request: HttpRequest) -> HttpResponse:
    return draw(request)


@require_safe
def part(request: HttpRequest) -> HttpResponse:
    """Only what changes, for the page that asks every few seconds; nothing at all when it is as before."""
    response = render(request, "field/main.html", {**facts(), "part": True})
    mark = f'"{hashlib.sha256(response.content).hexdigest()[:20]}"'
    if request.headers.get("If-None-Match") == mark:
        response = HttpResponse(status=304)
    response.headers["ETag"], response.headers["Cache-Control"] = mark, "no-cache, private"
    return response


def draw(request: HttpRequest, typed: dict[str, Any] | None = None) -> HttpResponse:
    return render(request, "field/home.html", {**facts(), "typed": typed})


def new_number() -> str:
    """A client number for forms that are sent without a script: a second tap sends the same."""
    return get_random_string(24)


def facts() -> dict[str, Any]:
    who = scope.current()
    person, shown_as = _whose(who)
    found = calls.recent(person)
    waiting = [call for call in found if call.notice.kind == Notice.Kind.CALL and call.waiting]
    answered = [call for call in found if call.notice.kind == Notice.Kind.CALL and call.answered]
    told = [call for call in found if call.first.state == State.TOLD]
    here = Person.everywhere.filter(pk=person).values_list("area_id", flat=True).first() or scope.ROOT
    return {
        "alarm": waiting[0] if waiting else None, "more_alarms": waiting[1:], "answered": answered[:3], "told": told[:3],
        "asked_for": [(a, links.path(a)) for a in calls.asked_for(person)] if not shown_as else [],
        "reports": reports_of(person), "desk": duty_desk(here), "shown_as": shown_as,
        "staff": bool(who.roles & set(STAFF)), "base": who.world.prefix,
    }  # fmt: skip


def reports_of(person: int | None) -> list[Intake]:
    if person is None:
        return []
    rows = Intake.everywhere.filter(world=scope.current().world, reporter=person)
    found = list(rows.order_by("-pk")[:LISTED])
    for row in found:
        row.seen_word = SEEN.get(row.seen_tier, "")
    return found


def _whose(who: scope.Scope) -> tuple[int | None, Addressee | None]:
    """The person whose phone this is. A visitor of a replay looks at one officer's phone and can press nothing."""
    if who.roles != {"guest"} or who.world.actual:
        return who.person_id, None
    rows = Addressee.objects.filter(role="village_officer", person__isnull=False).select_related("area")
    row = rows.order_by("-notice_id", "area_id", "pk").first()
    return (row.person_id, row) if row else (None, None)
