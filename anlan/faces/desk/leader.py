"""The leader's page: what is late and due today by office and district, the year at a glance, and one click to the paper."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from typing import Any

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from anlan.faces.gate import require
from anlan.kernel.clock import now
from anlan.kernel.people.models import Area, Unit
from anlan.kernel.registers import ALL
from anlan.kernel.registers.register import Register
from anlan.workplan import marks, papers
from anlan.workplan.lights import LIGHTS, items_of, zeros
from anlan.workplan.models import Supervision
from anlan.workplan.turns import today

from .marks import sees, whole
from .papers import DOCX, file
from .years import others, plan_of

WEEK = timedelta(days=7)
MOST = 500
"""Cases of one register that the page names; that there are more is said."""
EYES = ("leader", "duty_lead", "office_head")


@dataclass
class Load:
    """What is late and due of one unit or district; each entry is (said, where it opens)."""

    late: list[tuple[str, str]] = field(default_factory=list)
    soon: list[tuple[str, str]] = field(default_factory=list)


@require(*EYES)
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    plan, on = plan_of(request), today()
    items: list[Any] = items_of(plan) if plan else []
    offices: dict[str, Load] = {}
    for item in items:
        _nodes(item, offices)
    districts: dict[str, Load] = {}
    cut = _cases(offices, districts)
    units = {u.pk: u for u in Unit.everywhere.filter(pk__in=offices) if sees(u)}
    areas = {a.pk[:6]: a for a in Area.objects.filter(level="district")}
    context = {
        "plan": plan, "today": on, "words": LIGHTS, "zeros": zeros(plan) if plan else [], "sections": _sections(items),
        "offices": _sorted([(units[code], load) for code, load in offices.items() if code in units]),
        "districts": _sorted([(areas[code], load) for code, load in districts.items() if code in areas]),
        "unowned": sum(1 for i in items if not i.owner_id),
        "supervised": [s for s in Supervision.objects.filter(closed_at=None).select_related("unit", "item").order_by("due_by") if sees(s.unit)][:20],
        "whole": whole(), "cut": cut, "others": others(plan), "link": ALL["plansupervision"].link,
    }  # fmt: skip
    return render(request, "desk/leader.html", context)


def _sorted(rows: list[tuple[Any, Load]]) -> list[tuple[Any, Load]]:
    return sorted(rows, key=lambda row: (-len(row[1].late), -len(row[1].soon), row[0].pk))


def _nodes(item: Any, offices: dict[str, Load]) -> None:
    for turn in item.turns:
        owner = turn.node.owner
        entry = (f"{item.no}.{item.title}:{turn.node.raw}({turn.last})", reverse("desk:workplan-item", args=[item.pk]))
        if owner and turn.state == "missed":
            offices.setdefault(owner.pk, Load()).late.append(entry)
        elif owner and turn.state in ("soon", "open") and turn.last <= today() + WEEK:
            offices.setdefault(owner.pk, Load()).soon.append(entry)


def _cases(offices: dict[str, Load], districts: dict[str, Load]) -> list[Register]:
    """Every open case with a term, of every register that the asker may open: by its unit where it names one, and by its district.
    The registers that have more than the page names."""
    edge, cut = now() + WEEK, []
    for register in ALL.values():
        if register.is_case and register.visible():
            wanted = register.rows().filter(Q(overdue=True) | Q(due_at__lte=edge), closed_at=None).order_by("due_at")
            rows = list(wanted.select_related(*register.joins)[: MOST + 1])
            for row in rows[:MOST]:
                _case(register, row, offices, districts)
            if len(rows) > MOST:
                cut.append(register)
    return cut


def _case(register: Register, row: Any, offices: dict[str, Load], districts: dict[str, Load]) -> None:
    entry = (f"{register.title}:{row}", register.link(row))
    unit, area = getattr(row, "unit_id", None), row.area_id[:6]
    for key, loads in ((unit, offices), (area, districts)):
        if key:
            load = loads.setdefault(key, Load())
            (load.late if row.overdue else load.soon).append(entry)


def _sections(items: list[Any]) -> list[dict[str, Any]]:
    """For each section of the plan how many items stand at which light."""
    found = []
    for section, rows in groupby(items, key=lambda i: i.section):
        mine = list(rows)
        counts = [(name, said, sum(i.light == name for i in mine)) for name, said in LIGHTS.items()]
        found.append({"name": section, "n": len(mine), "counts": [c for c in counts if c[2]], "late": [i for i in mine if i.light == "red"]})
    return found


@require(*EYES)
@require_safe
def paper(request: HttpRequest) -> HttpResponse:
    """The stand of the plan as a paper, with everybody's marks: for who may see all of them."""
    plan = plan_of(request)
    if plan is None or not whole():
        raise Http404("还没有导入工作要点" if plan is None else "推进情况文稿包含全部单位的考核,仅限全市岗位")
    groups = marks.ranking(plan, marks.span_of(plan))
    return file(papers.progress(plan, items_of(plan), zeros(plan), groups).save(), f"{plan.year}年工作要点推进情况", DOCX)

