"""WGS 84 / CGCS2000, GCJ-02 and BD-09, in degrees, longitude first.

CGCS2000 and WGS 84 agree to centimetres and are one system here. GCJ-02 is the offset that map services in China must
apply; the state publishes no formula. Source of the one used: the public reconstruction "eviltransform" (Krasovsky 1940
ellipsoid), equal to what the map services return. BD-09 is Baidu's further turn of GCJ-02 (public constants).

The inverses found elsewhere subtract the forward offset once and err by metres; these iterate until nothing moves:
residual below 1e-8 degree (1 mm) anywhere inside the box. Outside the box 72.004-137.8347 E, 0.8293-55.8271 N
every function returns its input unchanged. A point within 0.01 degree of the box edge may not survive a round trip.
All functions take scalars or arrays of equal shape and return a pair of float64 (numpy) of that shape.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Pair = tuple[NDArray[np.float64], NDArray[np.float64]]

WEST, EAST, SOUTH, NORTH = 72.004, 137.8347, 0.8293, 55.8271
SEMI_MAJOR_M = 6378245.0
ECCENTRICITY_SQUARED = 0.00669342162296594323
BAIDU_TURN = np.pi * 3000 / 180
BAIDU_EAST, BAIDU_NORTH = 0.0065, 0.006
ROUNDS = 8


def in_china(lon: ArrayLike, lat: ArrayLike) -> NDArray[np.bool_]:
    """Whether the offset applies: a plain box, so that it also holds for some neighbours."""
    x, y = np.asarray(lon, float), np.asarray(lat, float)
    return (x >= WEST) & (x <= EAST) & (y >= SOUTH) & (y <= NORTH)


def gcj_from_wgs(lon: ArrayLike, lat: ArrayLike) -> Pair:
    return _inside(_gcj, lon, lat)


def wgs_from_gcj(lon: ArrayLike, lat: ArrayLike) -> Pair:
    return _inside(_wgs, lon, lat)


def bd_from_gcj(lon: ArrayLike, lat: ArrayLike) -> Pair:
    return _inside(_bd, lon, lat)


def gcj_from_bd(lon: ArrayLike, lat: ArrayLike) -> Pair:
    return _inside(_unbd, lon, lat)


def bd_from_wgs(lon: ArrayLike, lat: ArrayLike) -> Pair:
    return bd_from_gcj(*gcj_from_wgs(lon, lat))


def wgs_from_bd(lon: ArrayLike, lat: ArrayLike) -> Pair:
    return wgs_from_gcj(*gcj_from_bd(lon, lat))


def _inside(turn: Callable[[NDArray, NDArray], Pair], lon: ArrayLike, lat: ArrayLike) -> Pair:
    x, y = np.asarray(lon, float), np.asarray(lat, float)
    here = in_china(x, y)
    # A point outside is computed at the middle of China instead, so that no NaN or overflow is produced on the way.
    u, v = turn(np.where(here, x, 105.0), np.where(here, y, 35.0))
    return np.where(here, u, x), np.where(here, v, y)


def _offset(lon: NDArray, lat: NDArray) -> Pair:
    """Degrees that GCJ-02 adds at a WGS 84 point."""
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    ripple = (20 * np.sin(6 * x * np.pi) + 20 * np.sin(2 * x * np.pi)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + ripple
    east = east + (20 * np.sin(x * np.pi) + 40 * np.sin(x / 3 * np.pi)) * 2 / 3
    east = east + (150 * np.sin(x / 12 * np.pi) + 300 * np.sin(x / 30 * np.pi)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + ripple
    north = north + (20 * np.sin(y * np.pi) + 40 * np.sin(y / 3 * np.pi)) * 2 / 3
    north = north + (160 * np.sin(y / 12 * np.pi) + 320 * np.sin(y * np.pi / 30)) * 2 / 3
    phi = np.radians(lat)
    w2 = 1 - ECCENTRICITY_SQUARED * np.sin(phi) ** 2
    meridian_m = SEMI_MAJOR_M * (1 - ECCENTRICITY_SQUARED) / (w2 * np.sqrt(w2))
    normal_m = SEMI_MAJOR_M / np.sqrt(w2) * np.cos(phi)
    return np.degrees(east / normal_m), np.degrees(north / meridian_m)


def _gcj(lon: NDArray, lat: NDArray) -> Pair:
    east, north = _offset(lon, lat)
    return lon + east, lat + north


def _wgs(lon: NDArray, lat: NDArray) -> Pair:
    x, y = lon, lat
    for _ in range(ROUNDS):
        east, north = _offset(x, y)
        x, y = lon - east, lat - north
    return x, y


def _bd(lon: NDArray, lat: NDArray) -> Pair:
    radius = np.hypot(lon, lat) + 2e-5 * np.sin(lat * BAIDU_TURN)
    angle = np.arctan2(lat, lon) + 3e-6 * np.cos(lon * BAIDU_TURN)
    return radius * np.cos(angle) + BAIDU_EAST, radius * np.sin(angle) + BAIDU_NORTH


def _unbd(lon: NDArray, lat: NDArray) -> Pair:
    u, v = lon - BAIDU_EAST, lat - BAIDU_NORTH
    far, turned = np.hypot(u, v), np.arctan2(v, u)
    x, y = u, v
    for _ in range(ROUNDS):
        radius = far - 2e-5 * np.sin(y * BAIDU_TURN)
        angle = turned - 3e-6 * np.cos(x * BAIDU_TURN)
        x, y = radius * np.cos(angle), radius * np.sin(angle)
    return x, y
