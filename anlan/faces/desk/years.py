"""Which year's plan a page shows: the one in force, or the one that the address names."""

from __future__ import annotations

from django.http import Http404, HttpRequest

from anlan.workplan.lights import plan_in_force, years
from anlan.workplan.models import Plan


def plan_of(request: HttpRequest) -> Plan | None:
    """The plan of ``?year=``, else the one in force; None when there is none yet. 404 for a year without one."""
    asked = request.GET.get("year", "")
    if not asked:
        return plan_in_force()
    plan = plan_in_force(int(asked)) if asked.isascii() and asked.isdigit() and len(asked) == 4 else None
    if plan is None:
        raise Http404("没有该年度的工作要点")
    return plan


def others(plan: Plan | None) -> list[int]:
    """The other years of which there is a plan."""
    return [year for year in years() if plan and year != plan.year]
