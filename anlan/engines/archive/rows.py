"""Rows in columns of equal length, and their order.

Raw rows: sensor int32, time int64 ms, value float64. Rows of slots (a minute, an hour): sensor, time (the slot's begin),
count int32, and of the values min, max, last and total (float64); the total, not the mean, so that slots add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = dict[str, NDArray[Any]]

RAW, MINUTE, HOUR = "raw", "minute", "hour"
STEP_MS = {MINUTE: 60_000, HOUR: 3_600_000}
BELOW = {HOUR: MINUTE, MINUTE: RAW}
DAY_MS = 86_400_000
TYPES: dict[str, type] = {"sensor": np.int32, "time": np.int64, "count": np.int32}
"""Every other column is float64."""
SLOT = ("sensor", "time", "count", "min", "max", "last", "total")
COLUMNS = {RAW: ("sensor", "time", "value"), MINUTE: SLOT, HOUR: SLOT}


def empty(level: str) -> Rows:
    return {name: np.empty(0, TYPES.get(name, np.float64)) for name in COLUMNS[level]}


def size(rows: Rows) -> int:
    return len(rows["time"])


def pick(rows: Rows, which: Any) -> Rows:
    """The rows of a mask, a slice or an order."""
    return {name: column[which] for name, column in rows.items()}


def joined(level: str, parts: Sequence[Rows]) -> Rows:
    """The parts one behind the other, with the columns of the level."""
    if len(parts) == 1:
        return {name: parts[0][name] for name in COLUMNS[level]}
    return {name: np.concatenate([part[name] for part in (empty(level), *parts)]) for name in COLUMNS[level]}


def keys(rows: Rows) -> NDArray[np.int64]:
    """One number for each row that sorts as (sensor, time) does; comparable only within one call."""
    sensor, time = rows["sensor"], rows["time"]
    if not len(time):
        return np.empty(0, np.int64)
    begin = int(time.min())
    bits = (int(time.max()) - begin).bit_length()
    if bits + int(sensor.max()).bit_length() > 63:
        time, begin = np.unique(time, return_inverse=True)[1], 0
        bits = len(time).bit_length()
    return (sensor.astype(np.int64) << bits) | (time - begin)


def arranged(rows: Rows, rank: NDArray[Any] | None = None) -> Rows:
    """Sorted by (sensor, time); of repeats the one of lowest rank stays, among equals the one that stands first."""
    key = keys(rows)
    if np.all(key[1:] > key[:-1]):
        return rows
    order = np.argsort(key)
    again = key[order[1:]] == key[order[:-1]]
    if again.any():
        order = np.argsort(key, kind="stable") if rank is None else np.lexsort((rank, key))
        order = order[np.concatenate(([True], ~again))]
    return pick(rows, order)
