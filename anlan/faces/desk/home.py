"""The first page of a watch, its sections, and what is done there with one form: confirm, decline, acknowledge."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from anlan.disaster.flood import acts as flood
from anlan.disaster.flood.models import Proposal
from anlan.faces.gate import require
from anlan.kernel.cases import Refused
from anlan.kernel.cases.moves import move
from anlan.kernel.people.roles import COMMAND, READERS
from anlan.sensing import acts as sensing
from anlan.sensing.models import Alarm

from . import parts

CALLED = "叫应已发出,指令正在下达。"
FOLLOWS = {"start": CALLED, "raise": CALLED, "lower": "已告知有关责任人,未再叫应;已下达的指令继续办理。", "end": "响应已终止,未办结的指令已撤回。"}


@require(*READERS)
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return draw(request)


def draw(request: HttpRequest, refused: dict[str, Any] | None = None, part: str = "proposals") -> HttpResponse:
    """The whole page; after a refusal with what was typed and what is wrong beside its field."""
    context = {name: parts.ask(name) for name in parts.PARTS}
    context[part]["refused"] = refused or {}
    return render(request, "desk/home.html", context, status=409 if refused else 200)


@require(*READERS)
@require_safe
def some(request: HttpRequest) -> HttpResponse:
    """The sections that went stale, in one answer; each replaces its own place."""
    names = [n for n in dict.fromkeys(request.GET.get("of", "").split(",")) if n]
    if not names or set(names) - set(parts.PARTS):
        raise Http404("没有这个栏目")
    return render(request, "desk/some.html", {"sections": [parts.ask(name) for name in names]})


@require(*READERS)
@require_safe
def today(request: HttpRequest) -> HttpResponse:
    return render(request, "desk/today.html", {"rows": parts.must_do()})


@require_POST
@require(*COMMAND)
def confirm(request: HttpRequest, pk: int) -> HttpResponseBase:
    proposal = get_object_or_404(Proposal.objects, pk=pk)
    typed = {name: request.POST.get(name, "").strip() for name in ("signer", "consult")}
    try:
        flood.do_confirm(proposal, **typed)
    except Refused as no:
        return draw(request, {"pk": pk, "field": no.field, "message": str(no), **typed})
    messages.success(request, f"已确认:{proposal},签发人{proposal.signer}。{FOLLOWS[proposal.kind]}")
    return redirect("desk:home")


@require_POST
@require(*COMMAND)
def decline(request: HttpRequest, pk: int) -> HttpResponseBase:
    proposal = get_object_or_404(Proposal.objects, pk=pk)
    refusal = request.POST.get("refusal", "").strip()
    try:
        move(proposal, "decline", refusal=refusal, line={"text": f"{proposal}:不采纳。理由:{refusal}", "wide": True})
    except Refused as no:
        return draw(request, {"pk": pk, "field": no.field or "refusal", "message": str(no), "refusal": refusal})
    messages.success(request, f"已记录不采纳:{proposal}")
    return redirect("desk:home")


@require_POST
@require(*COMMAND)
def acknowledge(request: HttpRequest) -> HttpResponseBase:
    """Seen: one alarm, or those that stood on the page."""
    keys = [int(k) for k in request.POST.getlist("alarm") if k.isdigit()][:200]
    alarms = list(Alarm.objects.filter(pk__in=keys).select_related("sensor__station", "rule"))
    if not alarms:
        raise Http404("没有这些告警")
    fresh = [sensing.do_acknowledge(a) for a in alarms if a.acknowledged_at is None]
    known = len(alarms) - len(fresh)
    messages.success(request, f"已确认告警 {len(fresh)} 条" + (f",另有 {known} 条此前已由他人确认" if known else ""))
    return redirect("desk:home")
