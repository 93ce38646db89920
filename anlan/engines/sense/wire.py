"""Readings on their way from a door to the workers: one message for all that the door writes at once, sorted by part.

Little-endian, each column on a boundary of its own width:
head, parts int64[p, 2] (part, readings), gateways int64[g], times int64[n] ms, values float64[n], sensor ids int32[n],
whence uint16[n] (which of the gateways).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HEAD = struct.Struct("<4sIQQqIIQ")
MARK = b"ANL1"
A_READING = 8 + 8 + 4 + 2


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
    columns = (flush.parts, flush.gateways, flush.at, flush.value, flush.sensor, flush.whence)
    return b"".join([head, *(np.ascontiguousarray(column).tobytes() for column in columns)])


def load(data: bytes) -> Flush:
    """What `dump` wrote. Raises Unreadable."""
    try:
        mark, _, door, number, taken_ms, p, g, n = HEAD.unpack_from(data)
    except struct.error as short:
        raise Unreadable("shorter than its head") from short
    if mark != MARK or len(data) != HEAD.size + 16 * p + 8 * g + A_READING * n:
        raise Unreadable("no readings of this house, or cut off")
    columns, place = [], HEAD.size
    for kind, count in (("<i8", 2 * p), ("<i8", g), ("<i8", n), ("<f8", n), ("<i4", n), ("<u2", n)):
        columns.append(np.frombuffer(data, kind, count, place))
        place += columns[-1].nbytes
    parts = columns[0].reshape(p, 2)
    if parts[:, 1].sum() != n or (parts[:, 1] < 0).any():
        raise Unreadable("its parts do not make up its readings")
    return Flush(door, number, taken_ms, parts, *columns[1:])
