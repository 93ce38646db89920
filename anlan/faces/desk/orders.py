"""Giving an order by hand, and recording for a unit that it received or finished one."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.html import format_html_join
from django.views.decorators.http import require_POST, require_safe

from anlan.faces.gate import require
from anlan.kernel.cases import Refused
from anlan.kernel.cases.moves import move
from anlan.kernel.people.models import Unit
from anlan.kernel.people.roles import COMMAND, STAFF
from anlan.kernel.people.scope import current
from anlan.response.command import acts
from anlan.response.command.models import Event, Order

from .events import draw

FOUND = 12


@require(*COMMAND)
@require_safe
def units(request: HttpRequest) -> HttpResponse:
    """Units by name, short name or kind, as one types."""
    typed = request.GET.get("unit", "").strip()[:40].split("[")[0]
    rows = Unit.objects.filter(Q(name__icontains=typed) | Q(short__icontains=typed) | Q(kind=typed)) if typed and "\0" not in typed else Unit.objects.none()
    options = ((f"{u.short}[{u.code}]", u.name) for u in rows.exclude(kind="村居").order_by("code")[:FOUND])
    return HttpResponse(format_html_join("", '<option value="{}">{}</option>', options))


def unit_of(typed: str) -> Unit:
    """The unit that was picked (简称[代码]) or named exactly."""
    name, _, code = typed.strip().rstrip("]").partition("[")
    rows = Unit.objects.filter(pk=code) if code else Unit.objects.filter(Q(name=name) | Q(short=name))
    found = list(rows[:2]) if "\0" not in typed else []
    if not found:
        raise Refused("没有找到这个单位,请从列表中选择", field="unit")
    if len(found) > 1:
        raise Refused(f"有多个单位叫“{name}”,请从列表中选择带代码的一项", field="unit")
    return found[0]


@require_POST
@require(*COMMAND)
def give(request: HttpRequest, pk: int) -> HttpResponseBase:
    event = get_object_or_404(Event.objects, pk=pk)
    typed = {name: request.POST.get(name, "").strip() for name in ("unit", "text", "minutes")}
    try:
        if not typed["minutes"].isascii() or not typed["minutes"].isdigit() or len(typed["minutes"]) > 5:
            raise Refused("完成时限须为整数分钟", field="minutes")
        order = acts.check_order(event, unit_of(typed["unit"]), typed["text"], int(typed["minutes"]))
    except Refused as no:
        return draw(request, event, {"form": "give", "field": no.field, "message": str(no), **typed})
    messages.success(request, f"指令已下达{order.unit}")
    return redirect("desk:event", pk)


@require_POST
@require(*STAFF, "team")
def step(request: HttpRequest, pk: int, step: str) -> HttpResponseBase:
    """Receive, finish, refuse or withdraw; by the desk it is on behalf of the unit, and the line says so."""
    order = get_object_or_404(Order.objects.select_related("unit", "event"), pk=pk)
    result = request.POST.get("result", "").strip()
    behalf = "" if current().unit == order.unit_id else f"(值班室{current().name}代{order.unit}登记)"
    try:
        taken = order.flow.find(order.state, step)
        given = {"result": result} if "result" in taken.asked else {}
        said = f"{order.unit}{taken.label}:{order.text[:40]}" + (f"。{result}" if result else "") + behalf
        move(order, step, line={"text": said}, **given)
    except Refused as no:
        return draw(request, order.event, {"form": f"order-{pk}", "message": str(no), "result": result, "order": pk})
    messages.success(request, f"{order.unit}:{taken.label}")
    return redirect("desk:event", order.event_id)
