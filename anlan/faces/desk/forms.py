"""Forms and indicators that a keeper declares in the browser: a table of fields, a way, and what is counted."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from anlan.faces.gate import require
from anlan.kernel.cases import Refused
from anlan.kernel.columns import Undeclared
from anlan.kernel.columns.column import Column
from anlan.kernel.columns.filters import asked
from anlan.kernel.designs import figures
from anlan.kernel.designs import forms as designs
from anlan.kernel.designs.models import Design, Figure
from anlan.kernel.forms import FORMS
from anlan.kernel.forms.fields import KINDS, Field
from anlan.kernel.forms.form import GROUPS
from anlan.kernel.forms.loops import WAYS
from anlan.kernel.indicators import INDICATORS
from anlan.kernel.people.roles import BUREAU, ROLES, STAFF
from anlan.kernel.registers import find
from anlan.kernel.registers.register import Register

ROWS, MORE = 6, 5
UNITS = {"workdays": "个工作日", "days": "日"}
OFFERED = ("", "approval", "task", "issue")
KEPT = {"title": "title", "group": "group", "way": "way", "basis": "basis", "prefix": "prefix", "serves": "items"}
"""What the page sends → what the declaration calls it."""
OFFERED_KINDS = ("line", "long", "int", "number", "date", "time", "yes", "choice", "points", "unit", "person")


@require(*STAFF, *BUREAU)
@require_safe
def many(request: HttpRequest) -> HttpResponse:
    """Every form, by group, with its version, and the indicators that keepers declared."""
    groups = {g: [f for f in FORMS.values() if f.group == g and f.register.visible()] for g in GROUPS}
    own = {row.name: row for row in Figure.objects.order_by("version")}
    shown = [(INDICATORS[name], row) for name, row in own.items() if name in INDICATORS and INDICATORS[name].book.visible()]
    broken = [(own[name], why) for name, why in figures.BROKEN.items() if name in own]
    return render(request, "desk/forms.html", {"groups": groups, "figures": shown, "broken": broken, "may": figures.may(), "ways": WAYS})


@require(*figures.MAKERS)
@require_http_methods(["GET", "POST"])
def form(request: HttpRequest, name: str = "") -> HttpResponseBase:
    """Declare a form, or its next version. What was typed stands again after a refusal."""
    old = FORMS.get(name)
    if name and (old is None or not old.own):
        raise Http404("没有这个自定义表单")
    given = request.POST if request.method == "POST" else _given(name)
    fault: Refused | None = None
    if request.method == "POST" and "more" not in request.POST:
        try:
            if old and given.get("seen") != str(old.version):
                raise Refused(f"表单已被他人改为第{old.version}版,请对照现在的字段再提交", field="fields")
            trial = designs.check_design(name or _free(FORMS), _fields(given), _said(given), given.get("reason", ""))
            made = designs.do_design(trial, given.get("reason", ""))
        except Refused as no:
            fault = no
        else:
            messages.success(request, f"表单“{made.title}”第{made.version}版已生效")
            return redirect(made.register.url())
    context = {
        "form": old, "given": given, "fault": fault, "rows": _rows(given, "more" in given), "kinds": [(k, KINDS[k].label) for k in OFFERED_KINDS],
        "ways": [(w, WAYS[w].label, WAYS[w].said) if w else ("", "登记", "只登记,不办理") for w in OFFERED], "groups": GROUPS,
        "units": UNITS, "roles": [r for r in ROLES.values() if not r.keeper and not r.looks], "versions": Design.objects.filter(name=name).order_by("-version"),
        "write": given.getlist("write"), "decides": given.getlist("decides"), "see": given.getlist("see"), "raises": given.getlist("raises"),
    }  # fmt: skip
    return render(request, "desk/form.html", context, status=409 if fault else 200)


def _free(taken: Any, word: str = "own") -> str:
    return next(f"{word}{n}" for n in range(1, 10_000) if f"{word}{n}" not in taken)


def _rows(given: QueryDict, more: bool) -> list[dict[str, str]]:
    """The table of fields as it was sent, with empty lines to fill."""
    names = ("field", "label", "kind", "must", "detail")
    columns = {n: given.getlist(n) for n in names}
    rows = [{n: columns[n][i] if i < len(columns[n]) else "" for n in names} for i in range(len(columns["label"]))]
    return rows + [dict.fromkeys(names, "")] * (MORE if more or not rows else 2) if rows else [dict.fromkeys(names, "")] * ROWS


def _fields(given: QueryDict) -> list[Field]:
    """The fields that were described; a line without a label is no field."""
    found: list[Field] = []
    rows = [row for row in _rows(given, False) if row["label"].strip()]
    used = {row["field"] for row in rows}
    for line, row in enumerate(rows, 1):
        name = row["field"] or next(f"f{n}" for n in range(1, 1000) if f"f{n}" not in used)
        used.add(name)
        try:
            if row["kind"] not in OFFERED_KINDS:
                raise Undeclared(f"没有“{row['kind'][:20]}”这种类型")
            found.append(Field(name, row["label"].strip(), row["kind"], row["must"] == "yes", row["detail"].strip().replace("、", "|")))
        except Undeclared as no:
            raise Refused(f"第 {line} 个字段:{no}", field="fields") from no
    return found


def _said(given: QueryDict) -> dict[str, Any]:
    length, unit = given.get("length", "").strip(), given.get("unit", "")
    said: dict[str, Any] = {own: given.get(sent, "").strip() for sent, own in KEPT.items()}
    for name in ("write", "decides", "raises"):
        said[name] = " ".join(given.getlist(name))
    if given.getlist("see"):
        said["see"] = " ".join(given.getlist("see"))
    said["within"] = f"{length} {unit}" if length and said["way"] else ""
    if not said["way"]:
        said["decides"] = said["raises"] = ""
    said["city"] = given.get("city") == "yes"
    return said


def _given(name: str) -> QueryDict:
    """The newest version as the page sends it."""
    given = QueryDict(mutable=True)
    if (old := FORMS.get(name)) is None:
        given.setlist("write", ["office"])
        return given
    for sent, own in KEPT.items():
        given[sent] = getattr(old, own)
    for key in ("write", "decides", "see", "raises"):
        given.setlist(key, getattr(old, key).split())
    given["length"], _, given["unit"] = old.within.partition(" ")
    given["city"] = "yes" if old.city else ""
    for key in ("name", "label", "kind", "detail"):
        given.setlist("field" if key == "name" else key, [str(getattr(f, key)) for f in old.asked])
    given.setlist("must", ["yes" if f.must else "no" for f in old.asked])
    return given


@require(*figures.MAKERS)
@require_http_methods(["GET", "POST"])
def figure(request: HttpRequest, name: str = "") -> HttpResponseBase:
    """Declare an indicator from a list as it is narrowed just now, or its next version."""
    old = Figure.objects.filter(name=name).order_by("-version").first() if name else None
    if name and old is None:
        raise Http404("没有这个自定义指标")
    register = _register(request, old)
    where = _where(register, request.GET) if old is None or "register" in request.GET else old.body["where"]
    given: dict[str, Any] = request.POST.dict() if request.method == "POST" else {**(old.body if old else {}), "reason": ""}
    fault: Refused | None = None
    if request.method == "POST":
        kind, _, path = given.get("measure", "count").partition(":")
        body = {"label": given.get("label", "").strip()[:40], "register": register.name, "where": where, "unit": given.get("unit", "").strip()[:10],
                "definition": given.get("definition", "").strip()[:300], "measure": [kind, path], "when": given.get("when", "")}  # fmt: skip
        try:
            if old and given.get("seen") != str(old.version):
                raise Refused(f"指标已被他人改为第{old.version}版,请对照现在的内容再提交")
            if not body["label"]:
                raise Refused("请填写指标名称", field="label")
            mine = name or _free(INDICATORS, "own.")
            figures.check_figure(mine, body, given.get("reason", ""))
            made = figures.do_figure(mine, body, given.get("reason", ""))
        except Refused as no:
            fault = no
        else:
            stand = made.value()
            messages.success(request, f"指标“{made.label}”已生效,当前为 {'—' if stand is None else f'{stand:g}{made.unit}'}")
            return redirect("desk:forms")
    if "measure" in given and not isinstance(given["measure"], str):
        given["measure"] = ":".join(given["measure"]) if given["measure"][1] else given["measure"][0]
    rows, narrowed = register.narrow(where)
    context = {
        "register": register, "given": given, "fault": fault, "old": old, "ways": _ways(register), "days": _days(register),
        "count": rows.order_by().count(), "href": register.url(where), "faults": narrowed.errors, "seen": old.version if old else "",
    }  # fmt: skip
    return render(request, "desk/figure.html", context, status=409 if fault else 200)


def _ways(register: Register) -> list[tuple[str, str]]:
    """The ways in which the rows of a register can be read, each with the field that it reads."""
    plain = [c for c in register.heads if c.field is not None and not c.masked]
    found = [("count", "记录数")]
    found += [(f"sum:{c.path}", f"{c.label}合计") for c in register.summed]
    found += [(f"distinct:{c.path}", f"不同{c.label}的个数") for c in plain if not c.number and not isinstance(c.field, models.DateField)]
    found += [(f"days:{c.path}", f"距最近{c.label}的天数") for c in plain if isinstance(c.field, models.DateField)]
    return found + ([("kept", "按期办结率")] if register.is_case else [])


def _days(register: Register) -> list[tuple[str, str]]:
    """The date fields by which a period can narrow the rows."""
    columns = [Column.read(register.name, register.model, name) for name in register.filters.split() if name != "area"]
    return [(c.path, c.label) for c in columns if isinstance(c.field, models.DateField)]


def _register(request: HttpRequest, old: Figure | None) -> Register:
    name = request.GET.get("register") or (old.body["register"] if old else "")
    try:
        found = find(name)
    except Undeclared as no:
        raise Http404("没有这个台账") from no
    if not found.visible():
        raise Http404("没有这个台账")
    return found


def _where(register: Register, params: QueryDict) -> dict[str, Any]:
    """The filters of the list's address that are set."""
    known = register.filterset.base_filters
    return {k: (v if len(v) > 1 else v[0]) for k, v in asked(params).lists() if k in known and any(v)}
