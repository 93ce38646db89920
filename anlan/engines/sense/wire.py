"""Readings on their way from a door to the workers: one message for all that the door writes at once, sorted by part.

Little-endian: head, parts int64[p, 2] (part, readings), gateways int64[g], then of n readings four columns (`narrow`): times
in ms, values, sensor ids, whence (which of the gateways).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import narrow

HEAD = struct.Struct("<4sIQQqIIQ")
MARK = b"ANL2"
A_READING = 8 + 8 + 4 + 2
"""Bytes of a reading at most."""
MOST = 2**22
"""Readings of a message."""


class Unreadable(ValueError):
    """These bytes are no such message."""


@dataclass(frozen=True)
class Flush:
    """What a door sends at once: the ``number``-th of that ``door``, taken in at ``taken_ms``."""

    door: int
    number: int
    taken_ms: int
    parts: NDArray[np.int64]
    """(p, 2) parts in ascending order and how many readings each has, one after the other."""
    gateways: NDArray[np.int64]
    at: NDArray[np.int64]
    value: NDArray[np.float64]
    sensor: NDArray[np.int32]
    whence: NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.at)

    def slices(self) -> dict[int, slice]:
        """By part, where its readings stand."""
        ends = np.cumsum(self.parts[:, 1]).tolist()
        return {part: slice(end - count, end) for (part, count), end in zip(self.parts.tolist(), ends, strict=True)}


def build(
    door: int, number: int, taken_ms: int, part: NDArray[np.int64], gateways: NDArray[np.int64],
    at: NDArray[np.int64], value: NDArray[np.float64], sensor: NDArray[np.int32], whence: NDArray[np.uint16],
) -> Flush:  # fmt: skip
    """Readings (n,) with the ``part`` (n,) of each; within a part they keep their order."""
    order = np.argsort(part, kind="stable")
    parts = np.stack(np.unique(part, return_counts=True), axis=1).astype(np.int64)
    return Flush(door, number, taken_ms, parts, gateways, at[order], value[order], sensor[order], whence[order])


def dump(flush: Flush) -> bytes:
    """The message."""
    head = HEAD.pack(MARK, 0, flush.door, flush.number, flush.taken_ms, len(flush.parts), len(flush.gateways), len(flush))
    told = [np.ascontiguousarray(column, "<i8").tobytes() for column in (flush.parts, flush.gateways)]
    columns = [narrow.whole(flush.at), narrow.decimal(flush.value), narrow.whole(flush.sensor), narrow.whole(flush.whence)]
    return b"".join([head, *told, *columns])


def load(data: bytes) -> Flush:
    """What `dump` wrote. Raises Unreadable."""
    try:
        mark, _, door, number, taken_ms, p, g, n = HEAD.unpack_from(data)
    except struct.error as short:
        raise Unreadable("shorter than its head") from short
    place = HEAD.size + 16 * p + 8 * g
    if mark != MARK or n > MOST or place > len(data):
        raise Unreadable("no readings of this house, or cut off")
    parts = np.frombuffer(data, "<i8", 2 * p, HEAD.size).reshape(p, 2)
    gateways = np.frombuffer(data, "<i8", g, HEAD.size + 16 * p)
    if parts[:, 1].sum() != n or (parts[:, 1] < 0).any():
        raise Unreadable("its parts do not make up its readings")
    try:
        at, place = narrow.wholes(data, place, n)
        value, place = narrow.decimals(data, place, n)
        sensor, place = narrow.wholes(data, place, n)
        whence, place = narrow.wholes(data, place, n)
    except narrow.Unreadable as no:
        raise Unreadable(str(no)) from no
    if place != len(data):
        raise Unreadable("longer than its columns")
    if n and (whence.min() < 0 or whence.max() >= g or sensor.min() < 0 or sensor.max() >= 2**31):
        raise Unreadable("gateways or sensors that there cannot be")
    return Flush(door, number, taken_ms, parts, gateways, at, value, sensor.astype(np.int32), whence.astype(np.uint16))
