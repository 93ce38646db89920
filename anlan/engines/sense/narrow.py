"""Columns of numbers in as few bytes as tell them apart, and exactly as they were.

Whole numbers lie as offsets from the least of them, each as wide as the furthest needs. Readings are told in units, tenths,
hundredths …: where a value is the double nearest to such a number it lies as a whole one; what is none stands behind the
others, with its place. (The thought is that of ALP, Afroozeh, Kuffo and Boncz 2023; the layout is our own.)

A column, little-endian: width uint8 (0, 1, 2, 4, 8), decimal places uint8 (`DOUBLES`: values as they are), two bytes unused,
how many stand apart uint32 (k), the least int64; offsets (n), then places uint32 (k) and float64 (k) of what stands apart.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

HEAD = struct.Struct("<BBxxIq")
WIDTHS = {1: "<u1", 2: "<u2", 4: "<u4", 8: "<i8"}
PLACES = 6
UNITS = np.array([10.0**places for places in range(PLACES + 1)])
DOUBLES = 255
EXACT = 2.0**53
"""Below it every whole number is a double."""
SAMPLE = 64
FEW = 8
"""One value in so many may stand apart."""
APART = 4 + 8


class Unreadable(ValueError):
    """These bytes are no such column."""


def whole(column: NDArray[np.integer]) -> bytes:
    """Whole numbers (n,) that an int64 holds."""
    width, least, offsets = _offsets(column)
    return HEAD.pack(width, 0, 0, least) + offsets


def decimal(column: NDArray[np.float64]) -> bytes:
    """Doubles (n,) of any value, NaN and infinities as well: bit by bit the same come back."""
    column = np.ascontiguousarray(column, "<f8")
    if (places := _places(column)) is not None:
        scaled, fits = _scaled(column, UNITS[places])
        apart = np.flatnonzero(~fits)
        scaled[apart] = scaled[fits][:1]
        width, least, offsets = _offsets(scaled.astype(np.int64)) if FEW * len(apart) <= len(column) else (8, 0, b"")
        if width < 8:
            return b"".join([HEAD.pack(width, places, len(apart), least), offsets, apart.astype("<u4").tobytes(), column[apart].tobytes()])
    return HEAD.pack(8, DOUBLES, 0, 0) + column.tobytes()


def _places(column: NDArray[np.float64]) -> int | None:
    """How many decimal places most values have, by some of them; None where that cannot be said."""
    some = column[:: len(column) // SAMPLE + 1].reshape(-1, 1).copy()
    most = np.flatnonzero(FEW * np.count_nonzero(~_scaled(some, UNITS)[1], axis=0) < len(some))
    return int(most[0]) if len(most) else None


def _scaled(column: NDArray[np.float64], units: float | NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The values (n,) in so many units to one, and (n,) which of them are whole then."""
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = np.rint(column * units) + 0.0  # a whole number has no negative zero
        return scaled, ((scaled / units).view(np.int64) == column.view(np.int64)) & (np.abs(scaled) < EXACT)


def _offsets(column: NDArray[np.integer]) -> tuple[int, int, bytes]:
    """Width, the least, and what each is above it."""
    if not len(column):
        return 0, 0, b""
    least, most = int(column.min()), int(column.max())
    width = next((w for w in (0, 1, 2, 4) if most - least < 256**w), 8)
    if width == 8:
        return 8, 0, column.astype("<i8").tobytes()
    return width, least, (column - column.dtype.type(least)).astype(WIDTHS[width]).tobytes() if width else b""


def wholes(data: bytes, place: int, n: int) -> tuple[NDArray[np.int64], int]:
    """What `whole` wrote at that place, (n,), and where it ends. Raises Unreadable. A column of one value takes no bytes: who
    asks sees to it that there may be n."""
    _, _, column, behind = _column(data, place, n)
    return column, behind


def decimals(data: bytes, place: int, n: int) -> tuple[NDArray[np.float64], int]:
    """What `decimal` wrote, likewise."""
    places, k, column, behind = _column(data, place, n)
    if places == DOUBLES:
        return column.view(np.float64), behind
    values = column / UNITS[places]
    if k:
        if len(data) < behind + APART * k:
            raise Unreadable("cut off")
        apart = np.frombuffer(data, "<u4", k, behind)
        if apart.max() >= n:
            raise Unreadable("what stands apart has no place")
        values[apart] = np.frombuffer(data, "<f8", k, behind + 4 * k)
    return values, behind + APART * k


def _column(data: bytes, place: int, n: int) -> tuple[int, int, NDArray[np.int64], int]:
    """Decimal places, how many stand apart, the whole numbers, and where they end."""
    start = place + HEAD.size
    if len(data) < start:
        raise Unreadable("shorter than its head")
    width, places, k, least = HEAD.unpack_from(data, place)
    end = start + n * width
    known = places <= PLACES or (places, width, k, least) == (DOUBLES, 8, 0, 0)
    if not known or width not in (0, *WIDTHS) or end > len(data):
        raise Unreadable("no column, or cut off")
    column = np.full(n, least, np.int64)
    if width:
        column += np.frombuffer(data, WIDTHS[width], n, start)
    return places, k, column, end
