"""Distances, bearings, boxes, polygons and tracks on a sphere of the mean Earth radius.

Source: IUGG mean radius R1 = 6371.0088 km (Moritz 2000); haversine after Sinnott (1984); area after Chamberlain and
Duquette (2007, JPL 07-03). Degrees, longitude first; km. The sphere differs from the ellipsoid by at most 0.56 %.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from math import asin, atan2, cos, degrees, pi, radians, sin, sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

RADIUS_KM = 6371.0088
Ring = Sequence[Sequence[float]]
Box = tuple[float, float, float, float]


def distance_km(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    """Great-circle distance of two points."""
    dlat, dlon = radians(other_lat - lat), radians(other_lon - lon)
    half = sin(dlat / 2) ** 2 + cos(radians(lat)) * cos(radians(other_lat)) * sin(dlon / 2) ** 2
    return 2 * RADIUS_KM * asin(min(1.0, sqrt(half)))


def distances_km(lon: ArrayLike, lat: ArrayLike, other_lon: ArrayLike, other_lat: ArrayLike) -> NDArray[np.float64]:
    """`distance_km` for arrays; the four shapes broadcast."""
    a, b, c, d = (np.radians(np.asarray(v, float)) for v in (lon, lat, other_lon, other_lat))
    half = np.sin((d - b) / 2) ** 2 + np.cos(b) * np.cos(d) * np.sin((c - a) / 2) ** 2
    return 2 * RADIUS_KM * np.arcsin(np.minimum(1.0, np.sqrt(half)))


def bearing_deg(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    """First bearing towards the other point, 0 <= b < 360, clockwise from north."""
    phi, psi, dlon = radians(lat), radians(other_lat), radians(other_lon - lon)
    east = sin(dlon) * cos(psi)
    north = cos(phi) * sin(psi) - sin(phi) * cos(psi) * cos(dlon)
    turned = degrees(atan2(east, north)) % 360
    return 0.0 if turned == 360.0 else turned


def destination(lon: float, lat: float, bearing: float, km: float) -> tuple[float, float]:
    """The point reached after `km` along a great circle that starts at `bearing`."""
    phi, course, arc = radians(lat), radians(bearing), km / RADIUS_KM
    psi = asin(max(-1.0, min(1.0, sin(phi) * cos(arc) + cos(phi) * sin(arc) * cos(course))))
    turn = atan2(sin(course) * sin(arc) * cos(phi), cos(arc) - sin(phi) * sin(psi))
    return (lon + degrees(turn) + 180) % 360 - 180, degrees(psi)


def box_around(lon: float, lat: float, km: float) -> Box:
    """(west, south, east, north) that holds every point within `km`; not for circles over a pole or 180 degrees."""
    arc = km / RADIUS_KM
    reach = asin(min(1.0, sin(arc) / cos(radians(lat))))
    return lon - degrees(reach), lat - degrees(arc), lon + degrees(reach), lat + degrees(arc)


def bounds(points: Iterable[Sequence[float]]) -> Box:
    """Bounding box of (lon, lat) points. Raises ValueError when there is none."""
    rows = [(p[0], p[1]) for p in points]
    if not rows:
        raise ValueError("bounds of no points")
    lons, lats = zip(*rows, strict=True)
    return min(lons), min(lats), max(lons), max(lats)


def inside_ring(lon: float, lat: float, ring: Ring) -> bool:
    """Ray casting in the plane of degrees; the ring may be open or closed. An edge belongs to one side only."""
    within = False
    x0, y0 = ring[-1][0], ring[-1][1]
    for x1, y1 in ((p[0], p[1]) for p in ring):
        if (y1 > lat) != (y0 > lat) and lon < (x0 - x1) * (lat - y1) / (y0 - y1) + x1:
            within = not within
        x0, y0 = x1, y1
    return within


def inside(lon: float, lat: float, geometry: Mapping[str, Any]) -> bool:
    """Whether a GeoJSON Polygon or MultiPolygon holds the point; holes are outside. Other types: ValueError."""
    return any(
        inside_ring(lon, lat, rings[0]) and not any(inside_ring(lon, lat, hole) for hole in rings[1:])
        for rings in polygons(geometry)
    )


def polygons(geometry: Mapping[str, Any]) -> list[list[Ring]]:
    if geometry["type"] == "Polygon":
        return [geometry["coordinates"]]
    if geometry["type"] == "MultiPolygon":
        return list(geometry["coordinates"])
    raise ValueError(f"not a polygon: {geometry['type']}")


def ring_area_km2(ring: Ring) -> float:
    """Area of a closed or open ring, always positive; edges are straight in (lon, sin lat)."""
    lons = np.radians([p[0] for p in ring])
    sines = np.sin(np.radians([p[1] for p in ring]))
    turn = (np.roll(lons, -1) - lons + pi) % (2 * pi) - pi
    return abs(float(np.sum(turn * (np.roll(sines, -1) + sines)))) / 2 * RADIUS_KM**2


def area_km2(geometry: Mapping[str, Any]) -> float:
    return sum(ring_area_km2(rings[0]) - sum(ring_area_km2(hole) for hole in rings[1:]) for rings in polygons(geometry))


def position_at(at: float, times: Sequence[float], lons: Sequence[float], lats: Sequence[float]) -> tuple[float, float]:
    """Where a storm or a vehicle was: steady speed along the great circle between two fixes.

    `times` rise strictly, in the unit of `at`. Before the first or after the last fix: ValueError, because a guessed
    position outside the observed track is not a position.
    """
    if not times or not times[0] <= at <= times[-1]:
        raise ValueError(f"{at} lies outside the track")
    k = min(bisect_right(times, at), len(times) - 1)
    if at == times[k]:
        return lons[k], lats[k]
    share = (at - times[k - 1]) / (times[k] - times[k - 1])
    leg = lons[k - 1], lats[k - 1], lons[k], lats[k]
    return destination(leg[0], leg[1], bearing_deg(*leg), share * distance_km(*leg))
