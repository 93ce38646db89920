"""Pages across all registers: every declared indicator, and what lies around a point."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from anlan.kernel.clock import now
from anlan.kernel.indicators.declared import INDICATORS, Indicator, quarter_of, seen
from anlan.kernel.indicators.measures import missed_of
from anlan.kernel.people.models import Area
from anlan.kernel.places import check
from anlan.kernel.places.near import SOURCES, at, near
from anlan.kernel.registers.register import ALL, Register

from .pages import KEEPERS

SHOWN = 500
KM = 5.0
MOST_KM = 100.0


@require_safe
def indicators(request: HttpRequest) -> HttpResponse:
    """The indicators of the registers that the asker may open."""
    numbers = [(one.book, one.number()) for one in seen()]
    return render(request, "registers/indicators.html", {"numbers": numbers})


@require_safe
def indicator(request: HttpRequest, name: str) -> HttpResponse:
    """One figure taken apart: its definition, its rows, its districts and quarters, and what is missing."""
    one = INDICATORS.get(name)
    if one is None or not one.book.visible():
        raise Http404("没有这项指标,或不在您的查看范围内")
    today = timezone.localdate(now())
    quarters = [quarter_of(date(today.year, month, 1)) for month in (1, 4, 7, 10) if month <= today.month] if one.when else []
    districts = Area.objects.filter(level="district").order_by("code") if one.by_area else ()
    context = {
        "one": one, "number": one.number(),
        "quarters": [(f"{first:%Y}年第{(first.month + 2) // 3}季度", one.value((first, last)), one.href((first, last))) for first, last in quarters],
        "districts": [(area, one.value(area=area.pk), one.href(area=area.pk)) for area in districts],
        "missing": _missing(one), "late": _late(one), "most": SHOWN,
    }  # fmt: skip
    return render(request, "registers/indicator.html", context)


def _missing(one: Indicator) -> list[tuple[str, str]] | None:
    """Who of the master list has too few rows; None where there is no such list."""
    if one.measure[0] != "covered":
        return None
    rows = one.list_register.model._default_manager.filter(pk__in=one.missing())
    return [(str(row), one.list_register.link(row)) for row in rows.order_by("pk")[: SHOWN + 1]]


def _late(one: Indicator) -> list[tuple[str, str]] | None:
    """The cases that missed a term, where that is what the indicator judges."""
    if one.measure[0] != "kept":
        return None
    rows = one.rows()
    return [(str(row), one.book.link(row)) for row in rows.filter(pk__in=missed_of(rows)).order_by("-pk")[: SHOWN + 1]]


def places() -> list[Register]:
    """The registers with points that the present asker may open."""
    return [ALL[name] for name in SOURCES if ALL[name].visible()]


class Around(forms.Form):
    lon = forms.FloatField(label="经度", min_value=-180, max_value=180)
    lat = forms.FloatField(label="纬度", min_value=-90, max_value=90)
    km = forms.FloatField(label="半径(公里)", min_value=0.1, max_value=MOST_KM)
    of = forms.MultipleChoiceField(label="台账", required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, data: Any, **more: Any) -> None:
        super().__init__(data, **more)
        self.fields["of"].choices = [(r.name, r.title) for r in places()]  # type: ignore[attr-defined]
        for name in ("lon", "lat", "km"):
            self.fields[name].widget.attrs["step"] = "any"

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if {"lon", "lat"} <= set(data) and (wrong := check.fault(data["lon"], data["lat"])):
            self.add_error("lon", wrong)
        return data


@require_safe
def around(request: HttpRequest) -> HttpResponse:
    """What lies within some kilometres of a point, typed or that of a row (``row=station:3``), nearest first."""
    centre, point = _centre(request.GET.get("row", ""))
    asked = {"km": request.GET.get("km") or KM, "of": request.GET.getlist("of"), **(point or _typed(request.GET))}
    form = Around(asked if "lon" in asked else None, initial=asked)
    hits = []
    if form.is_valid():
        data = form.cleaned_data
        names = [r.name for r in places() if not data["of"] or r.name in data["of"]]
        hits = [hit for hit in near(data["lon"], data["lat"], data["km"], names) if hit[1] != centre]
    context = {
        "form": form, "centre": centre, "asked": form.is_bound and form.is_valid(), "count": len(hits), "most": SHOWN,
        "hits": [(km, register, row, register.link(row)) for register, row, km in hits[:SHOWN]],
    }  # fmt: skip
    return render(request, "registers/near.html", context, status=422 if form.errors else 200)


def _centre(row: str) -> tuple[Any, dict[str, float]]:
    """The row that is named ``register:key`` and its point; 404 when it is not the asker's to see."""
    name, _, pk = row.partition(":")
    if name not in SOURCES:
        return None, {}
    found = ALL[name].find(pk)
    lon, lat = (at(found, path) for path in ALL[name].lonlat)
    return (found, {"lon": lon, "lat": lat}) if None not in (lon, lat) else (None, {})


def _typed(given: QueryDict) -> dict[str, Any]:
    return {name: given[name] for name in ("lon", "lat") if name in given}


for page in (indicators, indicator, around):
    page.roles = KEEPERS  # type: ignore[attr-defined]  # each register's ``see`` decides
