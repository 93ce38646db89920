"""The year's plan on the desk: read a paper in, confirm what was read beside its text, bind aims to what the city's records say."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from anlan.engines import plan as engine
from anlan.engines.texts import LARGEST, text_of
from anlan.faces.gate import require
from anlan.kernel.cases import Refused
from anlan.kernel.forms import FORMS
from anlan.kernel.indicators import declared as indicators
from anlan.kernel.people import scope
from anlan.kernel.people.models import Unit
from anlan.kernel.people.roles import BUREAU, STAFF
from anlan.workplan import acts
from anlan.workplan.models import Aim, Item, Node, Plan

LONGEST = 1_000_000


@dataclass(frozen=True)
class Mark:
    """A stretch of the source and what it was taken for."""

    start: int
    end: int
    kind: str
    said: str


@require(*STAFF, *BUREAU)
@require_safe
def many(request: HttpRequest) -> HttpResponse:
    """The plan in force, section by section, each item with its light."""
    plan = Plan.objects.filter(current=True).order_by("-year").first()
    items = acts.items_of(plan) if plan else []
    counts = {name: sum(i.light == name for i in items) for name in acts.LIGHTS}  # type: ignore[attr-defined]
    parts = [(head, list(rows)) for head, rows in groupby(items, key=lambda i: (i.section, i.subsection))]
    lights = [(name, said, counts[name]) for name, said in acts.LIGHTS.items()]
    return render(request, "desk/workplan.html", {"plan": plan, "parts": parts, "lights": lights, "may": may(), "words": acts.LIGHTS})


def may() -> bool:
    return scope.current().can(*acts.EDITORS, area=scope.ROOT)


@require(*acts.EDITORS)
@require_http_methods(["GET", "POST"])
def take(request: HttpRequest) -> HttpResponseBase:
    """Two steps on one page: a file or a text is read and shown beside its findings; then it is taken."""
    if request.method == "GET":
        return _take(request, "", "")
    source, reason = request.POST.get("source", "").replace("\r\n", "\n"), request.POST.get("reason", "")
    try:
        if file := request.FILES.get("file"):
            source = _read(file)
        if not source.strip():
            raise Refused("请选择文件,或粘贴原文", field="file")
        if len(source) > LONGEST:
            raise Refused(f"原文超过 {LONGEST // 10_000} 万字")
        if "take" not in request.POST:
            return _take(request, source, reason, engine.parse(source))
        found = acts.check_take(source, reason)
    except Refused as no:
        return _take(request, source, reason, engine.parse(source) if source else None, str(no))
    plan = acts.do_take(source, found, reason)
    messages.success(request, f"已导入{plan},共{len(found.items)}项;读出的目标和节点请逐项核对")
    return redirect("desk:workplan")


def _read(file: UploadedFile) -> str:
    """The words of an upload; it is read from a file of its own name's kind and kept nowhere."""
    if (file.size or 0) > LARGEST:
        raise Refused(f"文件超过 {LARGEST // 1024 // 1024} MB", field="file")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"upload{Path(file.name or '').suffix}"
        path.write_bytes(b"".join(file.chunks()))
        return text_of(path).replace("\r\n", "\n")


def _take(request: HttpRequest, source: str, reason: str, found: engine.Plan | None = None, fault: str = "") -> HttpResponse:
    known = Plan.objects.filter(year=found.year, current=True).first() if found and found.year else None
    context: dict[str, Any] = {"source": source, "reason": reason, "found": found, "fault": fault, "known": known}
    if found:
        marks = [m for item in found.items for m in _marks_of(item)]
        context["text"] = painted(source, 0, len(source), marks)
        context["counts"] = [
            ("事项", len(found.items)), ("目标", sum(len(i.targets) for i in found.items)),
            ("时间节点", sum(len(i.time_nodes) for i in found.items)), ("文件", sum(len(i.documents) for i in found.items)),
            ("存疑", len(found.doubts)),
        ]  # fmt: skip
    return render(request, "desk/workplan_take.html", context, status=409 if fault else 200)


def _marks_of(item: engine.Item) -> list[Mark]:
    marks = [Mark(*t["span"], "aim", f"目标 {t['raw']}") for t in item.targets]
    marks += [Mark(*n["span"], "node", f"时间节点 {n['raw']}") for n in item.time_nodes]
    return marks + [Mark(*span, "paper", "文件") for span in item.document_spans]


def painted(source: str, start: int, end: int, marks: list[Mark]) -> SafeString:
    """A stretch of the source with its findings marked; what lies within another mark is left to that one."""
    pieces, at = [], start
    for mark in sorted(marks, key=lambda m: (m.start, -m.end)):
        if at <= mark.start < mark.end <= end:
            pieces += [("", "", source[at : mark.start]), (mark.kind, mark.said, source[mark.start : mark.end])]
            at = mark.end
    pieces.append(("", "", source[at:end]))
    return format_html_join(
        "", "{}", ((format_html('<mark class="{}" title="{}">{}</mark>', *p) if p[0] else p[2],) for p in pieces)
    )


@require(*STAFF, *BUREAU)
@require_safe
def one(request: HttpRequest, pk: int) -> HttpResponse:
    return _one(request, get_object_or_404(Item.objects.select_related("plan", "owner"), pk=pk))


def _one(request: HttpRequest, item: Item, refused: dict[str, Any] | None = None) -> HttpResponse:
    """An item's own words on the left, what was read out of them on the right."""
    aims, nodes = list(item.aims.order_by("start")), list(item.nodes.order_by("start"))
    marks = [Mark(a.start, a.end, "aim", f"目标 {a.raw}") for a in aims if a.state != Aim.State.STRUCK]
    marks += [Mark(n.start, n.end, "node", f"时间节点 {n.raw}") for n in nodes if n.state != Node.State.STRUCK]
    shown = next(i for i in acts.items_of(item.plan) if i.pk == item.pk)
    context = {
        "item": item, "light": shown.light, "why": shown.why, "words": acts.LIGHTS, "aims": aims, "nodes": nodes,  # type: ignore[attr-defined]
        "text": painted(item.plan.source, item.start, item.end, marks), "may": may(), "refused": refused or {},
        "books": [f.register for f in FORMS.values() if item.no in f.items.split() and f.register.visible()],
        "indicators": sorted(indicators.seen(), key=lambda i: i.label), "units": Unit.objects.filter(area_id=scope.ROOT).order_by("code"),
    }  # fmt: skip
    return render(request, "desk/workplan_item.html", context, status=409 if refused else 200)


@require_POST
@require(*acts.EDITORS)
def change(request: HttpRequest, kind: str, pk: int, step: str) -> HttpResponseBase:
    """One form of an item's page; after a refusal the page comes back with what was typed."""
    if (kind, step) not in STEPS:
        raise Http404("没有这个办理步骤")
    row: Any = get_object_or_404({"aim": Aim, "node": Node, "item": Item}[kind].objects, pk=pk)
    item = row if kind == "item" else row.item
    try:
        acts.check_editor()
        STEPS[kind, step](row, request.POST)
    except Refused as no:
        return _one(request, item, {"pk": pk, "kind": kind, "field": no.field, "message": str(no), **request.POST.dict()})
    return redirect("desk:workplan-item", pk=item.pk)


def _report(aim: Aim, given: Any) -> None:
    try:
        value = float(given.get("value", ""))
    except ValueError as fault:
        raise Refused("自报值须为数字", field="value") from fault
    acts.do_report(aim, value, given.get("evidence", ""))


def _own(item: Item, given: Any) -> None:
    code = given.get("unit", "")
    unit = Unit.objects.filter(pk=code).first() if code else None
    if code and unit is None:
        raise Refused("没有这个单位,或不在您的管辖范围内", field="unit")
    acts.do_own(item, unit)


STEPS: dict[tuple[str, str], Any] = {
    ("aim", "judge"): lambda row, given: acts.do_judge(row, given.get("state", "")),
    ("node", "judge"): lambda row, given: acts.do_judge(row, given.get("state", "")),
    ("aim", "measure"): lambda row, given: acts.do_measure(row, given.get("indicator", "")),
    ("aim", "report"): _report,
    ("node", "finish"): lambda row, given: acts.do_finish(row, given.get("evidence", "")),
    ("item", "own"): _own,
}
