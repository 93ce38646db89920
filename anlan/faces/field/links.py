"""The door without sign-in: whoever holds the link of a message answers that one call."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from anlan.faces.faults import wants_json
from anlan.faces.gate import public
from anlan.kernel.answers import heard, links
from anlan.kernel.answers.acts import Kind, State, do_receipt
from anlan.kernel.cases import Refused
from anlan.kernel.notice.models import Addressee, Attempt
from anlan.kernel.people import scope

from .calls import COLOURS, take_moved
from .told import client_id, clock_words, duty_desk

OWN = (Attempt.Whom.SELF, Attempt.Whom.DEPUTY)


@public
@csrf_exempt  # the signed token is the whole right to answer; no cookie gives more
@never_cache
@require_http_methods(["GET", "POST"])
def answer(request: HttpRequest, token: str) -> HttpResponseBase:
    """Show the call and take the answer. Opening the page answers nothing: message scanners open links, too."""
    try:
        attempt = links.read(token)
    except Refused as fault:
        return _closed(request, str(fault), links.named(token))
    world, person = attempt.world, attempt.person
    with scope.entered(scope.Scope(world, person.pk, person.name, person.unit_id)):
        rows = _rows(attempt)
        if attempt.whom in OWN and all(row.state == State.RELEASED for row in rows):
            do_receipt(rows[0], Kind.READ, via="link", by=person.pk, text="解除后打开", client_id=f"late:{attempt.pk}")
            return _closed(request, "该叫应已经解除,不用再应答;您看到的时间已记下", attempt)
        if request.method == "POST":
            return _take(request, attempt, rows)
        do_receipt(attempt.addressee, Kind.READ, via="link", by=person.pk, client_id=f"read:{attempt.pk}")
        return render(request, "field/link.html", _facts(attempt))


def _rows(attempt: Attempt) -> list[Addressee]:
    same = Attempt.everywhere.filter(call=attempt.call).select_related("addressee__area", "addressee__notice")
    return [row.addressee for row in same.order_by("pk")]


def _take(request: HttpRequest, attempt: Attempt, rows: list[Addressee]) -> HttpResponse:
    try:
        message = _act(request, attempt, rows)
    except Refused as no:
        if wants_json(request):
            return _json({"error": str(no), "field": no.field}, 400)
        typed = {"fault": str(no), **request.POST.dict(), "pk": request.POST.get("addressee", "")}
        return render(request, "field/link.html", {**_facts(attempt), "typed": typed}, status=400)
    if wants_json(request):
        return _json({"message": message}, 200)
    return render(request, "field/link.html", {**_facts(attempt), "told": message})


def _act(request: HttpRequest, attempt: Attempt, rows: list[Addressee]) -> str:
    if "households" in request.POST:
        if attempt.whom not in OWN:
            raise Refused("转移户数由责任人本人或B角上报")
        chosen = {str(row.pk): row for row in rows}.get(request.POST.get("addressee", ""))
        if chosen is None:
            raise Refused("没有找到这个岗位,请重新打开短信中的链接", field="addressee")
        return take_moved(request, chosen, via="link", by=attempt.person_id)
    digit, number = "2" if request.POST.get("passed_on") else "1", client_id(request)
    if digit == "2" and attempt.whom not in OWN and not request.POST.get("text", "").strip():
        raise Refused("请写明谁、以何种方式确认", field="text")
    heard.pressed([heard.Press(attempt.call, digit, "link", request.POST.get("text", "")[:300], number)])
    answered = Addressee.everywhere.get(pk=rows[0].pk).answered_at
    return f"已收到您的应答 {clock_words(answered)}".strip()


def _facts(attempt: Attempt) -> dict[str, Any]:
    attempt.refresh_from_db()
    rows = _rows(attempt)
    return {
        "attempt": attempt, "notice": rows[0].notice, "world": attempt.world, "addressees": rows,
        "answered": attempt.state == Attempt.State.ANSWERED, "own": attempt.whom in OWN,
        "done": attempt.whom in OWN and all(row.state in Addressee.ANSWERS for row in rows),
        "desk": duty_desk(attempt.addressee.area_id), "base": "",
        "colour": COLOURS.get(rows[0].notice.level, ""),
    }  # fmt: skip


def _closed(request: HttpRequest, reason: str, attempt: Attempt | None) -> HttpResponse:
    """Why the link opens nothing any more, and whom to ring instead."""
    desk = duty_desk(attempt.addressee.area_id if attempt else scope.ROOT)
    if wants_json(request):
        return _json({"error": reason, "phone": desk.get("phone", "")}, 410)
    shown = {"fault": reason, "desk": desk, "notice": attempt and attempt.addressee.notice}
    return render(request, "field/closed.html", {**shown, "world": attempt and attempt.world}, status=410)


def _json(body: dict[str, Any], status: int) -> JsonResponse:
    return JsonResponse(body, status=status, json_dumps_params={"ensure_ascii": False})
