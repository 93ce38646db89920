"""Handing the watch over: what is open stands there by itself, the officer adds remarks, the next one takes over."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from anlan.engines.papers import words
from anlan.engines.papers.official import Column, Paper
from anlan.faces.gate import require
from anlan.kernel.cases import Refused
from anlan.kernel.cases.moves import move, open_moves
from anlan.kernel.clock import now
from anlan.kernel.people import scope
from anlan.kernel.people.roles import READERS, STAFF
from anlan.response.command.models import Event
from anlan.response.duty import acts
from anlan.response.duty import handover as duty
from anlan.response.duty.models import Handover, Intake, PhoneCall
from anlan.sensing.models import Warning

from .bulletin import OFFICE
from .papers import DOCX, file
from .timeline import mark

RECENT = 12
TYPED = ("remarks", "reply")


@require(*STAFF)
@require_http_methods(["GET", "POST"])
def desk(request: HttpRequest) -> HttpResponseBase:
    """Write a hand-over, or look at the one that waits."""
    if request.method == "GET":
        return draw(request)
    remarks = request.POST.get("remarks", "").strip()
    try:
        row = duty.check_offer(remarks)
    except Refused as no:
        return draw(request, refused={"message": str(no), "remarks": remarks})
    messages.success(request, "交班记录已写,等待接班")
    return redirect("desk:handover-one", row.pk)


@require(*READERS)
@require_safe
def one(request: HttpRequest, pk: int) -> HttpResponse:
    return draw(request, find(pk))


def find(pk: int) -> Handover:
    return get_object_or_404(Handover.objects.select_related("giver", "taker", "area"), pk=pk)


def draw(request: HttpRequest, row: Handover | None = None, refused: dict[str, Any] | None = None) -> HttpResponse:
    """One record, or without one the sheet for writing the next; after a refusal with what was typed."""
    rows = Handover.objects.filter(area_id=row.area_id if row else duty.seat())
    live = row is None or row.state == "offered"
    context = {
        "row": row, "items": (duty.items_of(row) if row else duty.items()) if live else [], "refused": refused or {}, "steps": steps(row) if row else [],
        "waiting": None if row else rows.filter(state="offered").select_related("giver").first(), "may": duty.may(),
        "limit": row.rule["limits"][0] if row else None, "shifts": acts.on_duty(row.opened_at if row else None),
        "rows": rows.select_related("giver", "taker").order_by("-id")[:RECENT],
    }  # fmt: skip
    return render(request, "desk/handover.html", context, status=409 if refused else 200)


def steps(row: Handover) -> list[Any]:
    """What the asker may do: the giver amends or withdraws, anybody else of the watch takes over."""
    mine = row.giver_id == scope.current().person_id
    return [m for m in open_moves(row) if (m.name == "take") != mine]


@require_POST
@require(*STAFF)
def step(request: HttpRequest, pk: int, step: str) -> HttpResponseBase:
    row = find(pk)
    typed = {name: request.POST[name].strip() for name in TYPED if name in request.POST}
    try:
        taken = row.flow.find(row.state, step)
        move(row, step, **{name: value for name, value in typed.items() if name in taken.asked})
    except Refused as no:
        return draw(request, find(pk), {"message": str(no), **typed})
    messages.success(request, f"已办理:{taken.label}")
    return redirect("desk:handover-one", pk)


@require_safe
@require(*STAFF)
def record(request: HttpRequest, pk: int) -> HttpResponse:
    row = find(pk)
    if row.state == "withdrawn":
        raise Http404("这份交接班记录已撤回")
    return file(paper(row).save(), f"交接班记录_{words.day(row.opened_at)}", DOCX)


def paper(row: Handover) -> Paper:
    """交接班记录: both names and times, what the watch had, what is carried over, remarks, two signatures."""
    org = OFFICE if row.area_id == scope.ROOT else f"{row.area}值班室"
    made = Paper("record", "交接班记录", org, now(), secrecy="内部", mark=mark(), facts=cover(row), signer="交班人________ 接班人________")
    made.head("本班情况")
    made.text(course(row))
    made.head("移交的未办事项")
    carried = row.carried or {item.label: item.said for item in duty.items_of(row)}
    made.table([Column("事项", 1, "left"), Column("数量和名称", 3, "left")], list(carried.items()), note=told(row))
    made.head("交班事项")
    made.text(row.remarks or words.NONE)
    made.head("接班意见")
    made.text(row.reply or words.NONE)
    return made


def told(row: Handover) -> str:
    """When the carried items were counted."""
    return f"来源:台账查询,{words.as_of(row.closed_at or now())},未经人工填写"


def cover(row: Handover) -> list[tuple[str, object]]:
    on = [f"{s.get_post_display()}{s.person.name}" for s in acts.on_duty(row.opened_at)]
    return [
        ("交班人", row.giver.name), ("交班时间", words.moment(row.opened_at)),
        ("接班人", row.taker.name if row.taker else "待接班"),
        ("接班时间", words.moment(row.closed_at) if row.closed_at else words.UNKNOWN), ("交班时在岗", words.join(on)),
    ]  # fmt: skip


def course(row: Handover) -> str:
    """What the watch had, from the last taking over to this giving over."""
    earlier = duty.before(row)
    span = {"lte": row.opened_at, **({"gt": earlier.closed_at} if earlier else {})}
    counts = [
        ("接报", Intake, "received_at", "件"), ("通话", PhoneCall, "at", "次"), ("新发预警", Warning, "issued_at", "条"),
        ("新立事件", Event, "opened_at", "起"), ("终止事件", Event, "closed_at", "起"),
    ]  # fmt: skip
    said = [f"{label}{model.objects.filter(**{f'{at}__{k}': v for k, v in span.items()}).count()}{unit}" for label, model, at, unit in counts]
    since = f"自{words.moment(earlier.closed_at)}接班以来" if earlier else "建账以来"
    return f"{since},{words.join(said)}。"
