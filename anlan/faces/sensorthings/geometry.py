"""Points and simple polygons as WKT, longitude first; distances are in degrees, as in other SensorThings servers."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_CORNERS = 200
POINT = re.compile(r"\s*POINT\s*Z?\s*\(([^()]*)\)\s*", re.IGNORECASE)
POLYGON = re.compile(r"\s*POLYGON\s*Z?\s*\(\s*\(([^()]*)\)\s*\)\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Shape:
    """A point, or a closed ring of a polygon without holes."""

    corners: tuple[tuple[float, float], ...]
    ring: bool


def shape(text: str) -> Shape:
    """Read from WKT; ValueError tells what is wrong."""
    text = re.sub(r"^SRID=4326;", "", text.strip(), flags=re.IGNORECASE)
    if found := POINT.fullmatch(text):
        return Shape((_corner(found[1]),), False)
    if not (found := POLYGON.fullmatch(text)):
        raise ValueError("只支持 POINT(经度 纬度) 和没有洞的 POLYGON((…))")
    corners = tuple(_corner(pair) for pair in found[1].split(",")[: MOST_CORNERS + 1])
    if len(corners) > MOST_CORNERS:
        raise ValueError(f"多边形最多 {MOST_CORNERS} 个顶点")
    if len(corners) < 4 or corners[0] != corners[-1]:
        raise ValueError("多边形应首尾相接,至少 4 个顶点")
    return Shape(corners, True)


def _corner(text: str) -> tuple[float, float]:
    try:
        lon, lat = (float(part) for part in text.split()[:2])
    except ValueError:
        raise ValueError("坐标应为“经度 纬度”") from None
    if not (abs(lon) <= 1e6 and abs(lat) <= 1e6):
        raise ValueError("坐标超出范围")
    return lon, lat


def touched(area: Shape, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of the points (n,) lie in the shape or on its edge."""
    if not area.ring:
        return (lon == area.corners[0][0]) & (lat == area.corners[0][1])
    inside, edge = np.zeros(len(lon), bool), np.zeros(len(lon), bool)
    for (x1, y1), (x2, y2) in zip(area.corners, area.corners[1:], strict=False):
        side = (x2 - x1) * (lat - y1) - (y2 - y1) * (lon - x1)
        between = (np.minimum(x1, x2) <= lon) & (lon <= np.maximum(x1, x2)) & (np.minimum(y1, y2) <= lat) & (lat <= np.maximum(y1, y2))
        edge |= between & (side == 0)
        crosses = (y1 > lat) != (y2 > lat)
        inside ^= crosses & ((side > 0) if y2 > y1 else (side < 0))
    return inside | edge
