"""The call-and-answer tree: who has not answered, what was tried, and answering or calling again for them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from anlan.engines.papers import words
from anlan.faces import summary
from anlan.faces.gate import require
from anlan.faces.summary import FAIR, FAST
from anlan.kernel.answers import acts as answers
from anlan.kernel.carriers import CHANNELS, VIA
from anlan.kernel.cases import Refused
from anlan.kernel.dispatch.again import BY_HAND, check_again
from anlan.kernel.notice.ladder import restore
from anlan.kernel.notice.models import Addressee, Attempt, Notice
from anlan.kernel.people import scope
from anlan.kernel.people.models import Area, Unit
from anlan.kernel.people.roles import READERS, STAFF
from anlan.kernel.registers import find

from .figures import Figure, counted

State = Addressee.State
OPEN = (State.SILENT, State.WAITING)
COLUMNS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("total", "发往", {}), ("answered", "已应答", {"state": list(Addressee.ANSWERS)}), ("on_behalf", "其中代答", {"state": "on_behalf"}),
    ("in_5", "5分钟内", {"waited_s_max": FAST.total_seconds()}), ("in_10", "10分钟内", {"waited_s_max": FAIR.total_seconds()}),
    ("waiting", "待应答", {"state": "waiting"}), ("silent", "未应答", {"state": "silent"}),
)  # fmt: skip
FIRST = 60
LIST = 50


@require(*READERS)
@require_safe
def many(request: HttpRequest) -> HttpResponse:
    """Calls, and below them what only informed, each with its figures, the newest first."""
    calls, told = (list(Notice.objects.filter(kind=kind).order_by("-id")[:LIST]) for kind in (Notice.Kind.CALL, Notice.Kind.INFORM))
    rows = [*calls, *told]
    counts = {n.pk: dict.fromkeys(("total", "answered", "waiting", "silent"), 0) for n in rows}
    for pk, state, n in Addressee.objects.filter(notice__in=rows).values_list("notice_id", "state").annotate(n=Count("id")):
        counts[pk]["total"] += n
        kind = "answered" if state in Addressee.ANSWERS else state
        counts[pk][kind] = counts[pk].get(kind, 0) + n
    for row in rows:
        row.counts = counts[row.pk]
    return render(request, "desk/calls.html", {"calls": calls, "told": told})


@require(*READERS)
@require_safe
def one(request: HttpRequest, pk: int) -> HttpResponse:
    """One notice: figures, the silent by name, and the tree by district and town."""
    notice = get_object_or_404(Notice.objects, pk=pk)
    only = request.GET.get("only") == "open"
    told = summary.summary(notice)
    asks = notice.kind == Notice.Kind.CALL
    numbers = figures(notice, told["median_s"]) if asks else reached(notice)
    context = {"notice": notice, "asks": asks, "figures": numbers, "tiers": tiers(told, notice) if asks else [], "districts": districts(notice, only)}
    silent = summary.silent(notice)
    shown = with_last(list(silent.select_related("area__parent__parent", "person")[:FIRST]))
    context |= {"silent": shown, "more": max(0, silent.count() - FIRST), "only": only, "rungs": restore(notice.ladder)}
    return render(request, "desk/call.html", context)


def figures(notice: Notice, median: float | None) -> list[Any]:
    """The notice's numbers, each the rows that it opens."""
    where: dict[str, Any] = {"notice": notice.pk}
    return [
        counted("addressee", where, "发往", "岗", "本次叫应的责任岗位数(含空岗)"),
        counted("addressee", {**where, "state": list(Addressee.ANSWERS)}, "已应答", "岗", "本人、B角、上级到位确认或值班代答的岗位数"),
        counted("addressee", {**where, "state": "waiting"}, "待应答", "岗", "呼叫阶梯未走完、尚未应答的岗位数"),
        counted("addressee", {**where, "state": "silent"}, "未应答", "岗", "呼叫阶梯走完仍无人应答的岗位数", alert=True),
        counted("addressee", {**where, "state": "on_behalf"}, "其中代答", "岗", "由他人确认后代为应答的岗位数"),
        counted("addressee", {**where, "waited_s_max": FAST.total_seconds()}, "5分钟内", "岗", "首次呼叫后 5 分钟内应答的岗位数"),
        counted("addressee", {**where, "waited_s_max": FAIR.total_seconds()}, "10分钟内", "岗", "首次呼叫后 10 分钟内应答的岗位数"),
        Figure("中位用时", words.span(median) if median is not None else words.UNKNOWN, "", find("addressee").url(
            {**where, "waited_s_min": 0, "order": "waited_s"}), "已应答岗位从首次呼叫到应答用时的中位数"),
    ]  # fmt: skip


def reached(notice: Notice) -> list[Any]:
    """What counts for a notice that asks for no answer."""
    return [
        counted("addressee", {"notice": notice.pk}, "发往", "岗", "本次告知的责任岗位数(含空岗)"),
        counted("attempt", {"addressee__notice": notice.pk, "state": "delivered"}, "已送达", "次", "已送到对方设备的发送次数"),
        counted("attempt", {"addressee__notice": notice.pk, "state": "failed"}, "未送达", "次", "没有送到的发送次数", alert=True),
    ]


def tiers(told: dict[str, Any], notice: Notice) -> list[dict[str, Any]]:
    """The notice's figures by tier and in all, each with the rows that it opens."""
    book, found = find("addressee"), []
    for row in (*told["tiers"], {**told, "tier": ""}):
        where = {"notice": notice.pk, **({"tier": row["tier"]} if row["tier"] else {})}
        cells = [
            Figure(label, row[name], "", book.url({**where, **more}), label, alert=name == "silent" and row[name] > 0)
            for name, label, more in COLUMNS
        ]
        found.append({"tier": row["tier"], "median_s": row["median_s"], "cells": cells})
    return found


def districts(notice: Notice, only: bool) -> list[dict[str, Any]]:
    """Districts with their towns; the silent first. Towns are counted in one query and their people loaded when opened."""
    rows = Addressee.objects.filter(notice=notice).values_list("area_id", "state").annotate(n=Count("id"))
    nodes: dict[str, dict[str, Any]] = {}
    for area, state, n in rows:
        for code in dict.fromkeys((area[:6] + "000000", area[:9] + "000")):
            _add(nodes, code, state, n)
        if area == area[:6] + "000000":
            _add(nodes, area + "+", state, n)
    areas = Area.objects.in_bulk({c.rstrip("+") for c in nodes})
    tops = []
    for code, node in nodes.items():
        own = code.endswith("+")
        area = areas.get(code.rstrip("+"))
        node |= {"code": code.rstrip("+"), "name": ("区级岗位" if code[:6] != "370200" else "市级岗位") if own else str(area or code), "own": own}
        node["rank"] = -1 if own else area.rank if area else 0
        if not own and code[6:] == "000000":
            tops.append(node)
    for top in tops:
        inner = [n for c, n in nodes.items() if c[:6] == top["code"][:6] and n is not top]
        top["towns"] = _ordered([n for n in inner if not only or n["open"]])
        top["calm"] = sum(not n["open"] for n in top["towns"])
    return _ordered([t for t in tops if not only or t["open"]])


def _add(nodes: dict[str, dict[str, Any]], code: str, state: str, n: int) -> None:
    node = nodes.setdefault(code, {"total": 0, "answered": 0, "waiting": 0, "silent": 0, "open": 0})
    node["total"] += n
    kind = "answered" if state in Addressee.ANSWERS else state
    node[kind] = node.get(kind, 0) + n
    node["open"] += n if state in OPEN else 0


def _ordered(nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(nodes, key=lambda n: (-n["silent"], -n["waiting"], n["rank"], n["code"]))


def inside(notice: Notice, code: str, own: bool) -> QuerySet[Addressee]:
    """The posts of a branch, the silent first; ``own`` are a district's (or the city's) own posts only."""
    rows = Addressee.objects.filter(notice=notice).select_related("area", "person", "deputy")
    rows = rows.filter(area_id=code) if own else rows.filter(scope.within("area_id", scope.prefix(code)))
    return rows.order_by("state", "area__rank", "pk")


RANK = {state: n for n, state in enumerate((State.SILENT, State.WAITING, State.RELEASED, State.ON_BEHALF, State.ANSWERED, State.TOLD))}


@require(*READERS)
@require_safe
def branch(request: HttpRequest, pk: int, code: str) -> HttpResponse:
    """The people of one town, or a district's own posts; fetched when the branch is opened."""
    notice = get_object_or_404(Notice.objects, pk=pk)
    if len(code) != 12 or not code.isdigit():
        raise Http404("没有这个区域")
    rows = inside(notice, code, bool(request.GET.get("own")))
    if request.GET.get("only") == "open":
        rows = rows.filter(state__in=OPEN)
    people = sorted(with_last(list(rows)), key=lambda a: RANK[State(a.state)])
    return render(request, "desk/parts/people.html", {"people": people})


def with_last(rows: list[Addressee]) -> list[Addressee]:
    """Each with how often it was tried and its latest attempt, in one query for all."""
    tries: dict[int, list[Attempt]] = {}
    for attempt in Attempt.objects.filter(addressee__in=[r.pk for r in rows]).order_by("pk"):
        tries.setdefault(attempt.addressee_id, []).append(attempt)
    for row in rows:
        mine = tries.get(row.pk, [])
        row.tries, row.last = len(mine), mine[-1] if mine else None
        row.via = VIA.get(row.answer_channel, row.answer_channel)
        if row.last:
            row.last.via = VIA.get(row.last.channel, row.last.channel)
    return rows


@require(*READERS)
@require_safe
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """One post: every channel tried with its time and result, and what the desk can do."""
    addressee = get_object_or_404(Addressee.objects.select_related("notice", "area", "person__unit", "deputy"), pk=pk)
    return draw(request, addressee)


def draw(request: HttpRequest, addressee: Addressee, refused: dict[str, Any] | None = None) -> HttpResponse:
    attempts = list(addressee.attempts.order_by("planned_at", "pk"))
    for attempt in attempts:
        attempt.via = VIA.get(attempt.channel, attempt.channel)
        attempt.step = "人工" if attempt.rung >= BY_HAND else f"第{attempt.rung + 1}级"
    context = {
        "addressee": addressee, "attempts": attempts, "receipts": addressee.receipts.select_related("by").order_by("at", "pk"),
        "may": scope.current().can(*STAFF, area=addressee.area_id), "channels": CHANNELS.values(), "refused": refused or {},
        "answered": addressee.state in Addressee.ANSWERS, "superiors": superiors(addressee),
    }  # fmt: skip
    return render(request, "desk/addressee.html", context, status=409 if refused else 200)


def superiors(addressee: Addressee) -> QuerySet[Unit]:
    """The offices above, whose duty telephones may know."""
    towns = {addressee.area_id[:9] + "000", addressee.area_id[:6] + "000000"}
    return Unit.everywhere.filter(Q(area_id__in=towns), kind__in=("镇街", "应急", "防指")).exclude(duty_phone="").order_by("-area_id")[:4]


@require_POST
@require(*STAFF)
def answer(request: HttpRequest, pk: int) -> HttpResponseBase:
    """An answer on behalf: who said so, and how it is known."""
    addressee = get_object_or_404(Addressee.objects.select_related("notice", "area"), pk=pk)
    text = request.POST.get("text", "").strip()
    try:
        on_behalf = answers.check_answer(addressee, text)
        news = answers.do_answer(
            addressee, via="desk", by=scope.current().person_id, on_behalf=on_behalf, text=text,
            client_id=request.POST.get("once", "")[:60] or None,
        )  # fmt: skip
    except Refused as no:
        return draw(request, addressee, {"form": "answer", "message": str(no), "text": text})
    messages.success(request, f"已记录代答:{addressee}" if news else f"{addressee}此前已应答,本次未重复计入")
    return redirect("desk:addressee", pk)


@require_POST
@require(*STAFF)
def again(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One more call by hand."""
    addressee = get_object_or_404(Addressee.objects.select_related("notice", "area", "person", "deputy"), pk=pk)
    try:
        check_again(addressee, request.POST.get("whom", ""), request.POST.get("channel", ""))
    except Refused as no:
        return draw(request, addressee, {"form": "again", "message": str(no)})
    messages.success(request, f"已再次呼叫:{addressee}")
    return redirect("desk:addressee", pk)


@require(*READERS)
@require_safe
def sheet(request: HttpRequest, pk: int) -> HttpResponse:
    """The list to print: who has not answered, by district; the whole list on demand."""
    notice = get_object_or_404(Notice.objects, pk=pk)
    rows = Addressee.objects.filter(notice=notice).select_related("area", "person").order_by("area_id", "pk")
    if request.GET.get("all") != "1":
        rows = rows.filter(state__in=OPEN)
    groups: dict[str, list[Addressee]] = {}
    for row in with_last(list(rows)):
        groups.setdefault(row.area_id[:6] + "000000", []).append(row)
    names = Area.objects.in_bulk(groups)
    listed = [(str(names.get(code, code)), people) for code, people in sorted(groups.items(), key=lambda g: getattr(names.get(g[0]), "rank", 0))]
    context = {"notice": notice, "groups": listed, "figures": figures(notice, summary.summary(notice)["median_s"])}
    return render(request, "desk/sheet.html", {**context, "all": request.GET.get("all") == "1"})
