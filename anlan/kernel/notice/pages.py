"""Two doors without sign-in: a signed link for the person who is called, a signed report from a gateway."""

from __future__ import annotations

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from anlan.kernel.cases import Refused
from anlan.kernel.people import scope

from . import events, links
from .acts import Kind, do_receipt
from .models import Attempt, Gateway

LARGEST = 64_000


@csrf_exempt  # the signed token is the whole right to answer; no cookie gives more
@never_cache
@require_http_methods(["GET", "POST"])
def answer_link(request: HttpRequest, token: str) -> HttpResponse:
    """Show the call and take the answer. Opening the page answers nothing: message scanners open links, too."""
    try:
        attempt = links.read(token)
    except Refused as fault:
        return render(request, "notice/answer.html", {"fault": str(fault)}, status=410)
    with scope.everyone(attempt.world):
        if request.method == "POST":
            digit = "2" if request.POST.get("passed_on") else "1"
            events.pressed([events.Press(attempt.call, digit, "link", request.POST.get("text", "")[:300])])
        else:
            do_receipt(attempt.addressee, Kind.READ, via="link", by=attempt.person_id, client_id=f"read:{attempt.pk}")
        return render(request, "notice/answer.html", _facts(attempt))


def _facts(attempt: Attempt) -> dict[str, Any]:
    attempt.refresh_from_db()
    rows = Attempt.everywhere.filter(call=attempt.call).select_related("addressee__area").order_by("pk")
    return {
        "attempt": attempt, "notice": attempt.addressee.notice, "world": attempt.world,
        "addressees": [row.addressee for row in rows], "answered": attempt.state == Attempt.State.ANSWERED,
        "own": attempt.whom in (Attempt.Whom.SELF, Attempt.Whom.DEPUTY),
    }  # fmt: skip


@csrf_exempt  # signed by the gateway's secret
@require_POST
def gateway_report(request: HttpRequest, name: str) -> JsonResponse:
    """A gateway reports what became of its calls: one object, or a list of them."""
    gateway = Gateway.everywhere.filter(name=name, enabled=True, carrier="http").first()
    if gateway is None:
        return _no("没有这个网关", 404)
    if len(request.body) > LARGEST:
        return _no("内容过长", 413)
    try:
        stamp, mark = request.headers.get("X-Anlan-Time", ""), request.headers.get("X-Anlan-Signature", "")
        events.check_signature(gateway, stamp, mark, request.body)
    except Refused as fault:
        return _no(str(fault), 403)
    try:
        told = orjson.loads(request.body)
    except orjson.JSONDecodeError as fault:
        return _no(f"不是 JSON:{fault}", 400)
    rows = told if isinstance(told, list) else [told]
    faults = [f"第{n}条:{fault}" for n, row in enumerate(rows, 1) if (fault := _take(gateway, row))]
    return JsonResponse({"taken": len(rows) - len(faults), "faults": faults}, status=400 if faults else 200)


def _take(gateway: Gateway, row: Any) -> str:
    if not isinstance(row, dict):
        return "应为对象"
    try:
        events.take(gateway, row)
    except Refused as fault:
        return str(fault)
    return ""


def _no(reason: str, status: int) -> JsonResponse:
    return JsonResponse({"fault": reason}, status=status)
