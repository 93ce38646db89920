"""Minutes and hours: count, min, max, last and total of the readings in them. Rows must be sorted by (sensor, time)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .rows import MINUTE, Rows, arranged, empty, joined, keys, pick, size


def of_readings(raw: Rows, step_ms: int) -> Rows:
    """Slots of raw rows without repeats."""
    if not size(raw):
        return empty(MINUTE)
    time, value = raw["time"] // step_ms * step_ms, raw["value"]
    first, last = _groups(raw["sensor"], time)
    return {
        "sensor": raw["sensor"][first],
        "time": time[first],
        "count": (last - first + 1).astype(np.int32),
        "min": np.minimum.reduceat(value, first),
        "max": np.maximum.reduceat(value, first),
        "last": value[last],
        "total": np.add.reduceat(value, first),
    }


def of_slots(rows: Rows, step_ms: int = 1) -> Rows:
    """Longer slots of shorter ones; with a step of 1 those of equal (sensor, time) become one."""
    if not size(rows):
        return empty(MINUTE)
    time = rows["time"] // step_ms * step_ms
    first, last = _groups(rows["sensor"], time)
    return {
        "sensor": rows["sensor"][first],
        "time": time[first],
        "count": np.add.reduceat(rows["count"], first),
        "min": np.minimum.reduceat(rows["min"], first),
        "max": np.maximum.reduceat(rows["max"], first),
        "last": rows["last"][last],
        "total": np.add.reduceat(rows["total"], first),
    }


def reconciled(found: Rows, anew: Rows) -> Rows:
    """The slots that files hold, and the same computed anew from what is left of the level below.

    The new one counts, because there a repeat counts once, unless it holds fewer readings than one of the files told:
    then what it was made of is forgotten, and the slots found are added up.
    """
    if not size(found):
        return anew
    found = pick(found, np.argsort(keys(found), kind="stable"))
    told, most = of_slots(found), _most(found)
    key = keys(joined(MINUTE, [anew, told]))
    mine, theirs = key[: size(anew)], key[size(anew) :]
    place = np.minimum(np.searchsorted(theirs, mine), len(theirs) - 1)
    complete = (theirs[place] != mine) | (anew["count"] >= most[place])
    return arranged(joined(MINUTE, [pick(anew, complete), told]))


def _most(found: Rows) -> NDArray[Any]:
    first, _ = _groups(found["sensor"], found["time"])
    return np.maximum.reduceat(found["count"], first)


def _groups(sensor: NDArray[Any], time: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Place of the first and of the last row of each run of equal (sensor, time)."""
    new = np.flatnonzero((sensor[1:] != sensor[:-1]) | (time[1:] != time[:-1])) + 1
    return np.concatenate(([0], new)), np.concatenate((new - 1, [len(time) - 1]))
