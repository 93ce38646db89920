"""Pages across all registers: every declared indicator, and what lies around a point."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_safe

from anlan.kernel.indicators.declared import seen
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


for page in (indicators, around):
    page.roles = KEEPERS  # type: ignore[attr-defined]  # each register's ``see`` decides
