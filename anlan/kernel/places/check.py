"""Is this coordinate what it should be: WGS 84 / CGCS2000 degrees, inside the city?"""

from __future__ import annotations

import math

from anlan.engines.coordinates import bd_from_wgs, gcj_from_wgs
from anlan.engines.geodesy import Box, distance_km

# The city lies between 119°30′-121°00′ E and 35°35′-37°09′ N (published by the city); islands and moorings need the margin.
CITY: Box = (119.4, 35.4, 121.3, 37.25)
SAME_KM = 0.015


def inside(lon: float, lat: float, box: Box = CITY) -> bool:
    west, south, east, north = box
    return west <= lon <= east and south <= lat <= north


def fault(lon: float, lat: float, known: tuple[float, float] | None = None, box: Box = CITY) -> str:
    """Why this point cannot be taken over, or "".

    One point does not tell GCJ-02 from WGS 84; ``known``, the place that the same record had before, does: a move by
    exactly the offset of a map service is no move.
    """
    if not (math.isfinite(lon) and math.isfinite(lat)):
        return "坐标不是有效数字"
    if abs(lon) > 180 or abs(lat) > 180:
        return "像是以米为单位的投影坐标,请换算为经纬度(CGCS2000/WGS 84,单位:度)"
    if not inside(lon, lat, box):
        if inside(lat, lon, box):
            return "经度与纬度写反了"
        return f"不在本市范围内(经度 {box[0]}—{box[2]},纬度 {box[1]}—{box[3]})"
    if known and (lon, lat) != known:
        for name, shifted in (("GCJ-02(火星坐标)", gcj_from_wgs), ("BD-09(百度坐标)", bd_from_wgs)):
            east, north = shifted(*known)
            if distance_km(lon, lat, float(east), float(north)) < SAME_KM:
                return f"与原位置之差恰为 {name} 的偏移,请先转换为 CGCS2000/WGS 84"
    return ""
