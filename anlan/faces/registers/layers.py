"""A register as a layer of the map."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.db import models

from anlan.kernel.columns.column import Column
from anlan.kernel.columns.filters import sees_full
from anlan.kernel.places.near import at
from anlan.kernel.registers.register import ALL, Register, address

MOST = 50_000
MARKS = ("kind", "level", "state")


@cache
def _marks(name: str) -> dict[str, Column]:
    register = ALL[name]
    known = {f.name for f in register.model._meta.concrete_fields}
    marks = {m: Column.read(name, register.model, m, register.masked_fields) for m in MARKS if m in known}
    if register.value:
        marks["value"] = Column.read(name, register.model, register.value, register.masked_fields)
    return marks


def features(register: Register, params: Any = None) -> dict[str, Any]:
    """The rows that have a point, as GeoJSON; the same filters as the list. ``box=west,south,east,north`` narrows to a view."""
    lon, lat = register.lonlat
    rows = register.rows(params).filter(**{f"{lon}__isnull": False, f"{lat}__isnull": False})
    if box := box_of(params):
        rows = rows.filter(**{f"{lon}__range": box[::2], f"{lat}__range": box[1::2]})
    here, full, marks = address("list", register.name), sees_full(), _marks(register.name)
    found = [_feature(register, row, here, full, marks) for row in rows.select_related(*register.joins)[: MOST + 1]]
    return {"type": "FeatureCollection", "name": register.name, "cut": len(found) > MOST, "features": found[:MOST]}


def _feature(
    register: Register, row: models.Model, here: str, full: bool, marks: Mapping[str, Column]
) -> dict[str, Any]:
    lon, lat = register.lonlat
    said = {m: c.raw(row, full) if m in ("level", "value") else c.text(row, full) for m, c in marks.items()}
    return {
        "type": "Feature",
        "id": row.pk,
        "geometry": {"type": "Point", "coordinates": [at(row, lon), at(row, lat)]},
        "properties": {
            "id": row.pk,
            "title": str(row),
            **dict.fromkeys((*MARKS, "value")),
            **said,
            "href": f"{here}{row.pk}/",
        },
    }


def box_of(params: Any) -> tuple[float, ...] | None:
    """The view asked for; nonsense is no view."""
    try:
        west, south, east, north = (float(v) for v in (params or {}).get("box", "").split(","))
    except (ValueError, AttributeError):
        return None
    return (west, south, east, north) if -180 <= west <= east <= 180 and -90 <= south <= north <= 90 else None
