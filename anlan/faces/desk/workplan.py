"""The year's plan on the desk: read a paper in, confirm what was read beside its text, bind aims to what the city's records say."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import groupby
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
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
from anlan.kernel.registers import find
from anlan.workplan import acts, lights
from anlan.workplan import take as take_in
from anlan.workplan.models import Aim, Item, Measure, Node, Plan, Proof, day_of
from anlan.workplan.take import EDITORS
from anlan.workplan.turns import RHYTHMS

from .years import others, plan_of

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
    """The plan in force, section by section, each item with its light; the goals of nought above it."""
    plan = plan_of(request)
    items = lights.items_of(plan) if plan else []
    wanted, unit = request.GET.get("light", ""), request.GET.get("unit", "")
    counts = {name: sum(i.light == name for i in items) for name in lights.LIGHTS}  # type: ignore[attr-defined]
    shown = [i for i in items if (not wanted or i.light == wanted) and (not unit or i.owner_id == unit)]  # type: ignore[attr-defined]
    context = {
        "plan": plan, "parts": [(head, list(rows)) for head, rows in groupby(shown, key=lambda i: (i.section, i.subsection))],
        "lights": [(name, said, counts[name]) for name, said in lights.LIGHTS.items()], "may": may(), "words": lights.LIGHTS,
        "zeros": lights.zeros(plan) if plan else [], "period": lights.period_of(plan) if plan else None, "wanted": wanted, "unit": unit,
        "units": sorted({i.owner for i in items if i.owner}, key=lambda u: u.pk), "others": others(plan),
    }  # fmt: skip
    return render(request, "desk/workplan.html", context)


def may() -> bool:
    return scope.current().can(*EDITORS, area=scope.ROOT)


@require(*EDITORS)
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
        if "\0" in source or "\0" in reason:
            raise Refused("内容中有不可见的控制字符,请删去后再提交")
        if len(source) > LONGEST:
            raise Refused(f"原文超过 {LONGEST // 10_000} 万字")
        if "take" not in request.POST:
            return _take(request, source, reason, engine.parse(source, _year(request)))
        found = take_in.check_take(source, reason, _year(request))
        plan = take_in.do_take(source, found, reason)
    except Refused as no:
        return _take(request, source, reason, engine.parse(source, _year(request)) if source else None, str(no))
    messages.success(request, f"已导入{plan},共{len(found.items)}项;读出的目标和节点请逐项核对")
    return redirect("desk:workplan")


def _year(request: HttpRequest) -> int | None:
    """The year that was typed for a paper which names none."""
    typed = request.POST.get("year", "").strip()
    if not typed:
        return None
    if not (typed.isascii() and typed.isdigit() and 2000 <= int(typed) <= 2099):
        raise Refused("年度须为四位数字", field="year")
    return int(typed)


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
    context: dict[str, Any] = {"source": source, "reason": reason, "found": found, "fault": fault, "known": known, "year": request.POST.get("year", "")}
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
    shown: Any = next(iter(lights.items_of(item.plan, pk=item.pk)))
    struck = [*item.aims.filter(state=Aim.State.STRUCK), *item.nodes.filter(state=Node.State.STRUCK)]
    marks = [Mark(a.start, a.end, "aim", f"目标 {a.raw}") for a in shown.aims.all()]
    marks += [Mark(n.start, n.end, "node", f"时间节点 {n.raw}") for n in shown.nodes.all()]
    turns: dict[int, list[Any]] = {}
    for turn in shown.turns:
        turns.setdefault(turn.node.pk, []).append(turn)
    context = {
        "item": item, "light": shown.light, "why": shown.why, "words": lights.LIGHTS, "progress": shown.progress, "struck": struck,
        "nodes": [(n, turns.get(n.pk, []), list(n.proofs.all())) for n in shown.nodes.all()], "measures": shown.measures.all(),
        "text": painted(item.plan.source, item.start, item.end, marks), "may": may(), "refused": refused or {}, "reports": _reports(item),
        "books": [FORMS[n].register for n in item.forms if n in FORMS and FORMS[n].register.visible()],
        "forms": sorted(((f.name, f.title) for f in FORMS.values()), key=lambda f: f[1]),
        "indicators": sorted(indicators.seen(), key=lambda i: i.label), "units": Unit.everywhere.filter(kind__in=OWNERS).order_by("area_id", "code"),
        "rhythms": RHYTHMS, "comparators": Aim.Comparator.choices, "kinds": Node.Kind.choices, "past": not item.plan.current,
        "supervisions": item.supervisions.select_related("unit").order_by("-id"), "link": find("plansupervision").link,
    }  # fmt: skip
    return render(request, "desk/workplan_item.html", context, status=409 if refused else 200)


def _reports(item: Item) -> bool:
    """May the asker report for this item or for one of its measures?"""
    who = scope.current()
    codes = {item.owner_id, *item.measures.values_list("owner_id", flat=True)} - {None}
    owners = Unit.everywhere.filter(pk__in=codes)
    return may() or any(who.can(*acts.REPORTERS, area=unit.area_id) and who.acts_for(unit.pk) for unit in owners)


@require_POST
@require(*EDITORS, *acts.REPORTERS)
def change(request: HttpRequest, kind: str, pk: int, step: str) -> HttpResponseBase:
    """One form of an item's page; after a refusal the page comes back with what was typed."""
    if (kind, step) not in STEPS:
        raise Http404("没有这个办理步骤")
    row: Any = get_object_or_404(KINDS[kind].objects, pk=pk)
    item = row if kind == "item" else row.node.item if kind == "proof" else row.item
    try:
        if not item.plan.current:
            raise Refused("这是已被替代的版本,只供查阅")
        if any("\0" in value for value in request.POST.values()):
            raise Refused("内容中有不可见的控制字符,请删去后再提交")
        (acts.check_reporter if step in REPORTS else _check_editor)(row)
        if (seen := request.POST.get("seen")) and seen != row.stamp:
            raise Refused("这一处刚被他人更正或登记,请核对现在的内容再提交")
        STEPS[kind, step](row, request.POST)
    except Refused as no:
        return _one(request, item, {"pk": pk, "kind": kind, "step": step, "field": no.field, "message": str(no), **request.POST.dict()})
    return redirect("desk:workplan-item", pk=item.pk)


def _check_editor(row: Any) -> None:
    acts.check_editor()


def _number(given: Any, name: str, label: str) -> float:
    try:
        value = float(given.get(name, ""))
    except ValueError as fault:
        raise Refused(f"{label}须为数字", field=name) from fault
    if not 0 <= value < 10**12:
        raise Refused(f"{label}须为不小于 0 的数", field=name)
    return value


def _day(given: Any, name: str, label: str) -> date | None:
    typed = given.get(name, "").strip()
    if typed and day_of(typed) is None:
        raise Refused(f"{label}须为日期,例如 2026-12-31", field=name)
    return day_of(typed)


def _report(aim: Aim, given: Any) -> None:
    acts.do_report(aim, _number(given, "value", "自报值"), given.get("evidence", ""))


def _unit(given: Any) -> Unit | None:
    code = given.get("unit", "")
    unit = Unit.everywhere.filter(pk=code, kind__in=OWNERS).first() if code else None
    if code and unit is None:
        raise Refused("没有这个单位", field="unit")
    return unit


def _finish(node: Node, given: Any) -> None:
    acts.do_finish(node, given.get("evidence", ""), _day(given, "happened_on", "完成日期"), _day(given, "last", "期末"))


def _aim_fields(given: Any) -> dict[str, Any]:
    if given.get("comparator") not in Aim.Comparator.values:
        raise Refused("请选择目标的要求", field="comparator")
    most = _number(given, "value_max", "目标上限") if given.get("value_max", "").strip() else None
    return {"value": _number(given, "value", "目标值"), "value_max": most, "unit": given.get("of", "").strip()[:10], "comparator": given["comparator"]}


def _node_fields(given: Any) -> dict[str, Any]:
    if given.get("kind") not in Node.Kind.values:
        raise Refused("请选择节点的类别", field="kind")
    dated = given["kind"] in (Node.Kind.DEADLINE, Node.Kind.EVENT)
    if dated:
        _day(given, "day", "日期")
    least = _number(given, "least", "每期至少") if given.get("least", "").strip() else 1
    if least != int(least) or not 1 <= least <= 100_000:
        raise Refused("每期至少须为 1 至 100000 的整数", field="least")
    found = {"kind": given["kind"], "indicator": given.get("indicator", ""), "least": int(least)}
    if given["kind"] == Node.Kind.PERIOD:
        return found | {"norm": "", "day": _day(given, "day", "起日"), "until": _day(given, "until", "止日")}
    return found | {"norm": given.get("day", "").strip() if dated else given.get("norm", "").strip()[:12]}


def _urge(item: Item, given: Any) -> None:
    day = _day(given, "due_by", "反馈时限")
    due = datetime.combine(day, time(18), timezone.get_default_timezone()) if day else None
    unit = _unit(given) or item.owner
    acts.check_urge(item, unit, given.get("demand", ""), due)
    assert unit is not None and due is not None
    acts.do_urge(item, unit, given.get("demand", ""), due)


OWNERS = ("内设", "应急", "防指", "防办", "直属")
KINDS: dict[str, Any] = {"aim": Aim, "node": Node, "item": Item, "measure": Measure, "proof": Proof}
REPORTS = ("report", "finish")
STEPS: dict[tuple[str, str], Any] = {
    ("aim", "judge"): lambda row, given: acts.do_judge(row, given.get("state", "")),
    ("node", "judge"): lambda row, given: acts.do_judge(row, given.get("state", "")),
    ("aim", "mend"): lambda row, given: acts.do_mend(row, _aim_fields(given)),
    ("node", "mend"): lambda row, given: acts.do_mend(row, _node_fields(given)),
    ("item", "add-aim"): lambda row, given: acts.do_add(row, "aim", given.get("raw", ""), _aim_fields(given)),
    ("item", "add-node"): lambda row, given: acts.do_add(row, "node", given.get("raw", ""), _node_fields(given)),
    ("aim", "measure"): lambda row, given: acts.do_measure(row, given.get("indicator", "")),
    ("aim", "report"): _report,
    ("node", "finish"): _finish,
    ("proof", "take-back"): lambda row, given: acts.do_take_back(row, given.get("reason", "")),
    ("item", "own"): lambda row, given: acts.do_own(row, _unit(given)),
    ("measure", "own"): lambda row, given: acts.do_own_measure(row, _unit(given)),
    ("item", "serve"): lambda row, given: acts.do_serve(row, given.getlist("forms")),
    ("item", "urge"): _urge,
}
