"""The papers of an event or a message, made when asked for."""

from __future__ import annotations

from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_safe

from anlan.faces.gate import require
from anlan.kernel.clock import now
from anlan.kernel.people.roles import COMMAND, STAFF
from anlan.response.command.models import Event
from anlan.response.duty.models import Intake

from . import bulletin, reports

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def file(body: bytes, name: str, kind: str) -> HttpResponse:
    """A file to keep, named in Chinese with the world's time."""
    ending = "docx" if kind == DOCX else "xlsx"
    full = quote(f"{name}_{timezone.localtime(now()):%Y%m%d%H%M}.{ending}")
    return HttpResponse(body, content_type=kind, headers={"Content-Disposition": f"attachment; filename=\"anlan.{ending}\"; filename*=UTF-8''{full}"})


@require_safe
@require(*COMMAND)
def report(request: HttpRequest, pk: int) -> HttpResponse:
    event = get_object_or_404(Event.objects.select_related("area"), pk=pk)
    return file(reports.report(event).save(), f"总结评估报告_{event.title}", DOCX)


@require_safe
@require(*COMMAND)
def chronicle(request: HttpRequest, pk: int) -> HttpResponse:
    event = get_object_or_404(Event.objects.select_related("area"), pk=pk)
    return file(reports.chronicle(event).save(), f"大事记_{event.title}", DOCX)


@require_safe
@require(*COMMAND)
def lines(request: HttpRequest, pk: int) -> HttpResponse:
    event = get_object_or_404(Event.objects.select_related("area"), pk=pk)
    return file(reports.lines(event), f"大事记_{event.title}", XLSX)


@require_safe
@require(*STAFF)
def of_event(request: HttpRequest, pk: int) -> HttpResponse:
    event = get_object_or_404(Event.objects.select_related("area"), pk=pk)
    return file(bulletin.of_event(event).save(), f"值班快报_{event.title}", DOCX)


@require_safe
@require(*STAFF)
def of_intake(request: HttpRequest, pk: int) -> HttpResponse:
    intake = get_object_or_404(Intake.objects.select_related("area"), pk=pk)
    return file(bulletin.of_intake(intake).save(), f"值班快报_{intake.area}{intake.kind or '突发事件'}", DOCX)
