"""What a phone sent: numbers, times and places as text from anywhere, read with a fault that names the field."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from math import isfinite

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from anlan.faces.faults import wants_json
from anlan.kernel import clock
from anlan.kernel.cases import Refused
from anlan.kernel.people import scope
from anlan.kernel.people.models import Unit

CLIENT_ID = re.compile(r"[0-9A-Za-z-]{8,60}")
MOST = 9_999_999
OLDEST = timedelta(days=7)


def client_id(request: HttpRequest) -> str | None:
    """The number that the phone gave this act, or None; a number of another shape is a fault of the page."""
    given = request.POST.get("client_id", "")
    if given and not CLIENT_ID.fullmatch(given):
        raise Refused("页面的编号有误,请刷新页面后再报", field="client_id")
    return given or None


def count(request: HttpRequest, name: str, label: str) -> int | None:
    """A whole number that is not negative; None when the box was left empty."""
    given = request.POST.get(name, "").strip()
    if not given:
        return None
    if not (given.isascii() and given.isdigit()) or int(given[:12]) > MOST:
        raise Refused(f"「{label}」请填 0 到 {MOST} 的整数,您填的是「{given[:20]}」", field=name)
    return int(given)


def lonlat(lon: str, lat: str) -> tuple[float, float] | None:
    """A position that the phone measured; None when it is none on this earth."""
    try:
        x, y = float(lon), float(lat)
    except (TypeError, ValueError):
        return None
    return (x, y) if isfinite(x) and isfinite(y) and abs(x) <= 180 and abs(y) <= 90 else None


def moment(given: object, oldest: timedelta = OLDEST) -> datetime | None:
    """When the phone says that it was; None when its clock cannot be believed, or in a world with another clock."""
    try:
        at = parse_datetime(given) if isinstance(given, str) else None
    except ValueError:
        return None
    if at is None or not scope.current().world.actual:
        return None
    at = at if timezone.is_aware(at) else timezone.make_aware(at)
    return at if clock.real() - oldest <= at <= clock.real() else None


def clock_words(at: datetime | None) -> str:
    return timezone.localtime(at).strftime("%H:%M") if at else ""


def done(request: HttpRequest, message: str, to: str = "field:home") -> HttpResponseBase:
    """It was taken in: JSON for the outbox, otherwise back to a page with the words."""
    if wants_json(request):
        return JsonResponse({"message": message}, json_dumps_params={"ensure_ascii": False})
    messages.success(request, message)
    return redirect(to)


def refused(fault: Refused, page: HttpResponse | None, request: HttpRequest) -> HttpResponse:
    """It was not taken in, and why; the page keeps what was typed."""
    if wants_json(request) or page is None:
        body = {"error": str(fault), "field": fault.field}
        return JsonResponse(body, status=400, json_dumps_params={"ensure_ascii": False})
    page.status_code = 400
    return page


def duty_desk(area: str) -> dict[str, str]:
    """The nearest office upward from an area that has a duty telephone: its name and number."""
    codes = list(dict.fromkeys((area, f"{area[:9]}000", f"{area[:6]}000000", scope.ROOT)))
    rows = Unit.everywhere.filter(area_id__in=codes).exclude(duty_phone="").order_by("code")
    kinds = ("镇街", "应急", "防指", "防办", "政府")
    ranked = sorted((u for u in rows if u.kind in kinds), key=lambda u: (codes.index(u.area_id), kinds.index(u.kind)))
    return {"name": ranked[0].short, "phone": ranked[0].duty_phone} if ranked else {}
