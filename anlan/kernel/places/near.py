"""What lies around a point, over everything that has a place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from django.db import models

from anlan.engines.geodesy import box_around, distance_km


class Source(Protocol):
    """Rows with a point; the registers core enters each register that has one."""

    name: str

    @property
    def lonlat(self) -> tuple[str, str]: ...

    @property
    def joins(self) -> tuple[str, ...]: ...

    def seen(self) -> models.QuerySet: ...


def at(row: models.Model, path: str) -> Any:
    """A coordinate that may stand in another row: ``station__lon``; None where there is no such row."""
    found: Any = row
    for name in path.split("__"):
        found = getattr(found, name, None)
    return found


SOURCES: dict[str, Source] = {}


def near(
    lon: float, lat: float, km: float, names: Iterable[str] | None = None
) -> list[tuple[Any, models.Model, float]]:
    """(register, row, km) within ``km`` of the point, nearest first, as far as the present scope sees."""
    west, south, east, north = box_around(lon, lat, km)
    found = []
    for source in SOURCES.values() if names is None else [SOURCES[n] for n in names]:
        x, y = source.lonlat
        box = {f"{x}__range": (west, east), f"{y}__range": (south, north)}
        for row in source.seen().filter(**box).select_related(*source.joins).order_by():
            away = distance_km(lon, lat, at(row, x), at(row, y))
            if away <= km:
                found.append((source, row, away))
    return sorted(found, key=lambda hit: (hit[2], hit[0].name, str(hit[1].pk)))
