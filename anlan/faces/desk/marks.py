"""Offices and districts by their marks: the ranking, the reasons down to single records, weights tried out, and the paper."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from anlan.faces.gate import require
from anlan.kernel.cases import Refused
from anlan.kernel.people import scope
from anlan.kernel.people.roles import BUREAU
from anlan.kernel.registers.register import href_of
from anlan.workplan import marks, papers, tally
from anlan.workplan.models import Plan, Scheme, day_of

from .papers import DOCX, file
from .years import others, plan_of

EYES = ("leader", "duty_lead", *BUREAU, "district_duty")
WHOLE = ("leader", "duty_lead", *BUREAU)
"""Who sees everybody's marks; a district sees its own."""
MOST = 500


def whole() -> bool:
    """May the asker see everybody's marks?"""
    return scope.current().can(*WHOLE, area=scope.ROOT)


def sees(unit: Any) -> bool:
    return whole() or scope.current().can("district_duty", "office_head", area=unit.area_id)


def _plan(request: HttpRequest) -> Plan:
    plan = plan_of(request)
    if plan is None:
        raise Http404("还没有导入工作要点")
    return plan


def _quarter(request: HttpRequest) -> int:
    asked = request.GET.get("quarter", "")
    if asked not in ("", "0", "1", "2", "3", "4"):
        raise Http404("季度须为 1 至 4")
    return int(asked or 0)


@require(*EYES)
@require_safe
def many(request: HttpRequest) -> HttpResponse:
    """The ranking of each group; with other weights in the address, the ranking that they would give beside it."""
    if plan_of(request) is None:
        return render(request, "desk/marks.html", {"plan": None})
    plan, quarter, body = _plan(request), _quarter(request), marks.scheme()
    span = marks.span_of(plan, quarter)
    known = marks.facts(plan, span, body["rules"])
    groups, fault, trial = marks.ranking(plan, span, body, known), "", None
    tried: dict[str, Any] = {}
    if any(key.startswith("w") for key in request.GET):
        try:
            trial = _tried(request.GET, body)
            tried = {row.unit.pk: row.mark for group in marks.ranking(plan, span, trial, known) for row in group.rows}
        except Refused as no:
            fault, trial = str(no), None
    shown = [
        (n, group, [(row, tried.get(row.unit.pk) if trial else None) for row in group.rows if sees(row.unit)])
        for n, group in enumerate(groups)
    ]
    context = {
        "plan": plan, "quarter": quarter, "span": span, "groups": shown, "body": trial or body, "trial": trial, "fault": fault,
        "dimensions": marks.DIMENSIONS, "rules": marks.RULES, "paces": marks.PACES, "may": scope.current().can("leader", area=scope.ROOT),
        "weights": [(n, g["name"], [(d, said, g["weights"][d]) for d, said in marks.DIMENSIONS.items()]) for n, g in enumerate((trial or body)["groups"])],
        "ruled": [(name, said, body["rules"][name]) for name, said in marks.RULES.items()], "demo": marks.scheme() is marks.demo(),
        "versions": Scheme.objects.filter(name=marks.NAME).order_by("-version")[:20], "quarters": (1, 2, 3, 4), "seen": marks.version(), "others": others(plan),
    }  # fmt: skip
    return render(request, "desk/marks.html", context, status=409 if fault else 200)


def _tried(given: Any, body: dict[str, Any]) -> dict[str, Any]:
    """The scheme with the weights (and rules, where given) of the form in place of its own."""
    found = deepcopy(body)
    for n, group in enumerate(found["groups"]):
        for name in marks.DIMENSIONS:
            if (typed := given.get(f"w{n}_{name}")) is not None:
                group["weights"][name] = _number(typed, f"{group['name']}的{marks.DIMENSIONS[name]}权重", 100)
    for name, said in marks.RULES.items():
        if (typed := given.get(f"r_{name}")) is not None:
            found["rules"][name] = _number(typed, said, 1)
    found["rules"]["pace"] = given.get("pace", found["rules"]["pace"])
    return found


def _number(typed: str, said: str, most: float) -> float:
    try:
        value = float(typed)
    except ValueError as fault:
        raise Refused(f"{said}须为数字") from fault
    if not 0 <= value <= most:
        raise Refused(f"{said}须为 0 至 {most:g}")
    return value


@require_POST
@require("leader")
def put_in_force(request: HttpRequest) -> HttpResponseBase:
    """The tried weights become the next version of the scheme."""
    try:
        if request.POST.get("seen") != str(marks.version()):
            raise Refused("考核方案刚被他人修订,请对照现行方案再提交")
        body = _tried(request.POST, marks.scheme())
        body |= {"source": "本局考核方案", "confidence": "own"}
        marks.check_scheme(body, request.POST.get("reason", ""))
        made = marks.do_scheme(body, request.POST["reason"])
    except Refused as no:
        messages.error(request, str(no))
        query = request.POST.copy()
        for key in ("csrfmiddlewaretoken", "reason"):
            query.pop(key, None)
        response = redirect("desk:marks")
        response["Location"] += f"?{query.urlencode()}"
        return response
    messages.success(request, f"考核方案第{made.version}版已生效")
    return redirect("desk:marks")


def _row(plan: Plan, code: str, quarter: int) -> tuple[marks.Group, marks.Row]:
    for group in marks.ranking(plan, marks.span_of(plan, quarter)):
        for row in group.rows:
            if row.unit.pk == code and sees(row.unit):
                return group, row
    raise Http404("没有这个单位,或不在您的查看范围内")


@require(*EYES)
@require_safe
def one(request: HttpRequest, code: str) -> HttpResponse:
    """One unit: each dimension, each fact in it, what it cost and where its record is."""
    plan, quarter = _plan(request), _quarter(request)
    group, row = _row(plan, code, quarter)
    context = {
        "plan": plan, "group": group, "row": row, "quarter": quarter, "quarters": (1, 2, 3, 4), "others": others(plan), "names": marks.DIMENSIONS,
        "span": marks.span_of(plan, quarter),
    }  # fmt: skip
    return render(request, "desk/marks_unit.html", context)


@require(*EYES)
@require_safe
def terms(request: HttpRequest, code: str) -> HttpResponse:
    """The acts of a unit that had a term: the late ones first, each with its record."""
    plan = _plan(request)
    _, row = _row(plan, code, 0)
    span = marks.span_of(plan)
    first, last = day_of(request.GET.get("first", "")) or span.first, day_of(request.GET.get("last", "")) or span.last
    late, every = tally.late_lines(code, first, last), tally.with_term(code, first, last)
    shown = [(line, href_of(line.subject_type, line.subject_id)) for line in late[:MOST]]
    kept = [(line, href_of(line.subject_type, line.subject_id)) for line in every.exclude(pk__in=late.values("pk"))[:MOST]]
    context = {"row": row, "first": first, "last": last, "late": shown, "kept": kept, "most": MOST}
    return render(request, "desk/marks_terms.html", context)


@require(*WHOLE)
@require_safe
def paper(request: HttpRequest) -> HttpResponse:
    """The ranking as an official paper."""
    if not scope.current().can(*WHOLE, area=scope.ROOT):
        raise Http404
    plan, quarter = _plan(request), _quarter(request)
    span = marks.span_of(plan, quarter)
    return file(papers.ranking(plan, quarter, span, marks.ranking(plan, span)).save(), f"{plan.year}年考核排名", DOCX)

