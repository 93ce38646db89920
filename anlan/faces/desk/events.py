"""One event on one page: what, where, how bad, who commands, who comes, who is at risk, what was decided, what is late."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from anlan.faces import summary
from anlan.faces.gate import require
from anlan.kernel.cases import Refused
from anlan.kernel.cases.moves import open_moves
from anlan.kernel.people.roles import COMMAND, READERS
from anlan.kernel.registers import find
from anlan.response.command import acts
from anlan.response.command.models import Event, Order

from . import account, parts
from .figures import counted
from .timeline import Story

RECENT = 60
PAGE = 80


@require(*READERS)
@require_safe
def one(request: HttpRequest, pk: int) -> HttpResponse:
    return draw(request, get_object_or_404(Event.objects, pk=pk))


def draw(request: HttpRequest, event: Event, refused: dict[str, Any] | None = None) -> HttpResponse:
    """The whole page; after a refusal with what was typed."""
    story = Story(event)
    orders = event.orders.select_related("unit", "area").order_by("-overdue", "closed_at", "finish_by", "pk")
    state = request.GET.get("state", "")
    if state in event.orders.model.flow.states:
        orders = orders.filter(state=state)
    elif state == "late":
        orders = orders.filter(overdue=True)
    rows = list(orders[:PAGE])
    for row in rows:
        row.steps = open_moves(row)
    proposals = story.proposals.filter(state="confirmed").order_by("-id")
    context = {
        "event": event, "story": story, "figures": figures(event), "people": account.moved(story), "late": late(event),
        "orders": rows, "more": max(0, orders.count() - PAGE), "state": state, "states": Order.flow.states,
        "decisions": proposals, "notices": story.notices.order_by("-id"), "lines": list(story.lines().order_by("-at", "-id")[:RECENT]),
        "may": parts.may(), "commander": event.commander or parts.leader(), "refused": refused or {},
        "all_orders": find("order").url({"event": event.pk}), "board": parts.calls() if story.notices.exists() else None,
    }  # fmt: skip
    return render(request, "desk/event.html", context, status=409 if refused else 200)


def figures(event: Event) -> list[Any]:
    where = {"event": event.pk}
    return [
        counted("order", where, "下达指令", "条", "本事件按任务卡或人工下达的调度指令数"),
        counted("order", {**where, "state": "given"}, "未接收", "条", "已下达、执行单位尚未接收的指令数"),
        counted("order", {**where, "state": "received"}, "办理中", "条", "执行单位已接收、尚未报告完成的指令数"),
        counted("order", {**where, "state": "done"}, "已完成", "条", "执行单位已报告完成的指令数"),
        counted("order", {**where, "state": "refused"}, "无法执行", "条", "执行单位报告无法执行的指令数", alert=True),
        counted("order", {**where, "overdue": True}, "超时未完成", "条", "超过时限仍未完成的指令数", alert=True),
        counted("order", {**where, "late": True}, "逾期完成", "条", "超过时限后才报告完成的指令数"),
    ]


def late(event: Event) -> list[Order]:
    """Open orders past their term, the longest first."""
    return list(event.orders.filter(overdue=True, closed_at=None).select_related("unit").order_by("finish_by")[:8])


@require(*READERS)
@require_safe
def moved(request: HttpRequest, pk: int) -> HttpResponse:
    """The reports that the people moved are counted from: of each post the last."""
    event = get_object_or_404(Event.objects, pk=pk)
    story = Story(event)
    rows = summary.moved(story.addressees.select_related("area__parent__parent", "notice"))
    rows.sort(key=lambda a: (a.area_id, a.pk))
    return render(request, "desk/moved.html", {"event": event, "rows": rows, "people": account.moved(story)})


@require_POST
@require(*COMMAND)
def close(request: HttpRequest, pk: int) -> HttpResponseBase:
    event = get_object_or_404(Event.objects, pk=pk)
    outcome = request.POST.get("outcome", "").strip()
    try:
        acts.do_close(event, outcome)
    except Refused as no:
        return draw(request, get_object_or_404(Event.objects, pk=pk), {"form": "close", "message": str(no), "outcome": outcome})
    messages.success(request, f"事件已终止:{event}。仍未完成的指令已撤回。")
    return redirect("desk:event", pk)
