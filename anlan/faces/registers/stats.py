"""Figures of a list: how many rows by each of its filters, by month and by district; every figure opens its rows."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import models
from django.db.models import Count
from django.db.models.functions import Substr, TruncMonth
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from anlan.kernel.columns.column import NO, YES, Column
from anlan.kernel.columns.filters import asked
from anlan.kernel.people.models import Area
from anlan.kernel.registers import Register

from .pages import chosen, opened

MOST = 40
"""Groups of one table; the others are told as one number."""


@dataclass(frozen=True)
class Table:
    """One way to group the rows: each line is (said, count, the filters that show just these rows)."""

    title: str
    lines: list[tuple[str, int, dict[str, Any]]]
    rest: int = 0

    @property
    def most(self) -> int:
        return max((n for _, n, _ in self.lines), default=1)


@require_safe
@opened
def stats(request: HttpRequest, register: Register) -> HttpResponse:
    rows, narrowed = register.narrow(request.GET)
    rows = rows.order_by()
    query = asked(request.GET).copy()
    for name in ("page", "order", "sheet"):
        query.pop(name, None)
    known = [name for name in register.filters.split() if name not in register.masked_fields]
    tables = [made for name in known if (made := _table(register, rows, name)) and made.lines]
    shown = [(t, [(said, n, _href(register, query, more), round(100 * n / t.most)) for said, n, more in t.lines]) for t in tables]
    numbers = register.summed
    sums = rows.aggregate(**{f"s_{n}": models.Sum(c.path) for n, c in enumerate(numbers)}) if numbers else {}
    context = {
        "register": register, "tables": shown, "count": rows.count(), "narrowed": chosen(narrowed), "query": query.urlencode(),
        "sums": [(c.label, sums[f"s_{n}"]) for n, c in enumerate(numbers) if sums[f"s_{n}"] is not None],
    }  # fmt: skip
    return render(request, "registers/stats.html", context)


def _href(register: Register, query: Any, more: dict[str, Any]) -> str:
    found = query.copy()
    for name, value in more.items():
        found[name] = value
    return f"{register.url()}?{found.urlencode()}"


def _table(register: Register, rows: models.QuerySet, name: str) -> Table | None:
    if name == "area" and register.area:
        return _districts(register, rows)
    column = Column.read(register.name, register.model, name)
    if isinstance(column.field, models.DateField):
        return _months(column, rows)
    if column.choices or isinstance(column.field, models.BooleanField):
        return _values(column, rows)
    if isinstance(column.field, models.ForeignKey) and column.target is not Area:
        return _keys(column, rows)
    return None


def _values(column: Column, rows: models.QuerySet) -> Table:
    said = {True: YES, False: NO} if isinstance(column.field, models.BooleanField) else column.choices
    found = rows.values_list(column.path).annotate(n=Count("pk")).order_by("-n")
    sent = {True: "true", False: "false"} if isinstance(column.field, models.BooleanField) else {}
    return Table(column.label, [(str(said.get(v, v)), n, {column.path: sent.get(v, v)}) for v, n in found if v not in (None, "")])


def _keys(column: Column, rows: models.QuerySet) -> Table:
    found = list(rows.exclude(**{column.path: None}).values_list(column.path).annotate(n=Count("pk")).order_by("-n"))
    names = column.target._default_manager.in_bulk([k for k, _ in found[:MOST]]) if column.target else {}
    return Table(column.label, [(str(names[k]), n, {column.path: k}) for k, n in found[:MOST] if k in names], sum(n for _, n in found[MOST:]))


def _months(column: Column, rows: models.QuerySet) -> Table:
    found = rows.exclude(**{column.path: None}).annotate(month=TruncMonth(column.path)).values_list("month").annotate(n=Count("pk")).order_by("-month")
    lines = []
    for month, n in found[:MOST]:
        last = date(month.year, month.month, calendar.monthrange(month.year, month.month)[1])
        span = {f"{column.path}_after": f"{month:%Y-%m-01}", f"{column.path}_before": str(last)}
        lines.append((f"{month.year}年{month.month}月", n, span))
    return Table(f"{column.label}(按月)", lines[::-1])


def _districts(register: Register, rows: models.QuerySet) -> Table:
    found = rows.annotate(district=Substr(register.area, 1, 6)).values_list("district").annotate(n=Count("pk")).order_by("district")
    names = {a.pk[:6]: a.name for a in Area.objects.filter(level="district")}
    return Table("区(市)", [(names[d], n, {"area": f"{d}000000"}) for d, n in found if d in names])
