"""The town's side: what the field has reported, and the tap that tells it so."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from anlan.faces.gate import require
from anlan.kernel.files.acts import attached
from anlan.kernel.people.roles import STAFF
from anlan.response.duty.acts import SEEN, check_receive
from anlan.response.duty.models import Intake

from .told import clock_words, done

LISTED = 50


@require(*STAFF)
@require_safe
def many(request: HttpRequest) -> HttpResponse:
    """Reports from the field in my area: what nobody has taken first."""
    rows = Intake.objects.filter(way=Intake.Way.FIELD).select_related("area", "reporter")
    fresh, taken = list(rows.filter(seen_at=None).order_by("-pk")[:LISTED]), list(rows.exclude(seen_at=None).order_by("-pk")[:20])
    pictures = attached(*fresh, *taken)
    for row in (*fresh, *taken):
        row.pictures, row.seen_word = pictures[str(row.pk)], SEEN.get(row.seen_tier, "")
    return render(request, "field/inbox.html", {"fresh": fresh, "taken": taken})


@require(*STAFF)
@require_POST
def receive(request: HttpRequest, pk: int) -> HttpResponseBase:
    row = Intake.objects.filter(pk=pk, way=Intake.Way.FIELD).first()
    if row is None:
        raise Http404("没有找到这条上报,或不在您的管辖范围内。")
    check_receive(row)
    row.refresh_from_db()
    return done(request, f"{SEEN[row.seen_tier]} {clock_words(row.seen_at)},已告知上报人", to="field:inbox")
