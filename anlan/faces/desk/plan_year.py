"""The plan through the year: its calendar, its task letters, and what changed between its versions."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from anlan.faces.gate import require
from anlan.kernel.cases import Refused
from anlan.kernel.people import scope
from anlan.kernel.people.roles import BUREAU, STAFF
from anlan.kernel.registers import find
from anlan.workplan import acts, papers
from anlan.workplan import take as take_in
from anlan.workplan.lights import items_of
from anlan.workplan.models import Letter, Plan
from anlan.workplan.take import EDITORS
from anlan.workplan.turns import STATES, days_of, today

from .papers import DOCX, file
from .years import others, plan_of

EYES = (*STAFF, *BUREAU)


@require(*EYES)
@require_safe
def calendar(request: HttpRequest) -> HttpResponse:
    """Twelve months of what falls due, each with how it stands; below, what has no day of its own."""
    plan, on = plan_of(request), today()
    months: list[dict[str, Any]] = [{"n": n, "rows": [], "now": False} for n in range(1, 13)]
    loose = []
    for item in items_of(plan) if plan else []:
        for node in item.nodes.all():
            days = list(days_of(node, item.plan, on))
            for day, state, said in days:
                months[day.month - 1]["rows"].append((day, state, said, item, node))
            if not days:
                loose.append((item, node))
    for month in months:
        month["rows"].sort(key=lambda row: (row[0], row[3].rank))
        month["now"] = bool(plan and plan.year == on.year and month["n"] == on.month)
    context = {"plan": plan, "months": months, "loose": loose, "states": STATES, "today": on, "others": others(plan)}
    return render(request, "desk/workplan_calendar.html", context)


@require(*EYES)
@require_safe
def letters(request: HttpRequest) -> HttpResponse:
    """The task letters of the plan in force."""
    plan = plan_of(request)
    rows = Letter.objects.filter(plan=plan).select_related("unit", "plan").order_by("number") if plan else []
    unowned = [i for i in items_of(plan) if not i.owner_id] if plan else []
    may = scope.current().can(*EDITORS, area=scope.ROOT)
    context = {"plan": plan, "rows": rows, "unowned": unowned, "may": may, "link": find("planletter").link, "others": others(plan)}
    return render(request, "desk/workplan_letters.html", context)


@require_POST
@require(*EDITORS)
def write_letters(request: HttpRequest) -> HttpResponseBase:
    plan = plan_of(request)
    try:
        acts.check_editor()
        if plan is None:
            raise Refused("还没有导入工作要点")
        made = acts.do_letters(plan)
    except Refused as no:
        messages.error(request, str(no))
    else:
        messages.success(request, f"拟制或更新任务书 {len(made)} 份,签发后责任单位会收到通知")
    return redirect(f"{reverse('desk:workplan-letters')}?year={plan.year}" if plan else "desk:workplan-letters")


@require(*EYES)
@require_safe
def letter(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Letter.objects.select_related("unit", "plan"), pk=pk)
    return file(papers.letter(row).save(), f"任务书_{row.unit}", DOCX)


@require(*EYES)
@require_safe
def versions(request: HttpRequest) -> HttpResponse:
    """Every version of every year, and what each changed against the one before."""
    plans = list(Plan.objects.order_by("-year", "-version"))
    rows = []
    for plan, before in zip_longest(plans, plans[1:]):
        rows.append((plan, before, take_in.changes(before, plan) if before and len(rows) < 6 else None))
    return render(request, "desk/workplan_versions.html", {"rows": rows})
