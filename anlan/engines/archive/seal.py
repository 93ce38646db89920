"""Seal a batch of readings: one file for each level, listed together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import manifest, parquet, slots
from .compact import compact_day, compact_month, forget
from .manifest import Segment
from .rows import HOUR, MINUTE, RAW, STEP_MS, TYPES, Rows, arranged

__all__ = ["Segment", "compact_day", "compact_month", "forget", "seal"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
END_MS = round((datetime(3000, 1, 1, tzinfo=UTC) - EPOCH) / timedelta(milliseconds=1))


def seal(
    folder: Path, sensor: ArrayLike, time: ArrayLike, value: ArrayLike, received: ArrayLike | None = None
) -> Segment:
    """The segment of the raw readings of one batch, in any order; its minutes and hours are sealed with it.

    sensor int32 (n,) ≥ 0, time int64 (n,) ms of the years 1970 to 2999, value float64 (n,) finite, received int64 (n,). Of
    repeated (sensor, time) the one received first stays, or without `received` the one that stands first. Sealing the
    same batch again, say after a crash, lists it once. Raises ValueError for an empty batch or a bad row, naming it.
    """
    rows, arrived = _checked(sensor, time, value, received)
    raw = arranged(rows, arrived)
    minute = slots.of_readings(raw, STEP_MS[MINUTE])
    levels = {RAW: raw, MINUTE: minute, HOUR: slots.of_slots(minute, STEP_MS[HOUR])}
    place = f"{EPOCH + timedelta(milliseconds=int(raw['time'].min())):%Y/%m/%d/%H%M%S}"
    manifest.begin(folder)
    with manifest.working(folder):
        written = [parquet.put(folder, level, place, rows) for level, rows in levels.items()]
        return manifest.seal_in(folder, written)


def _checked(
    sensor: ArrayLike, time: ArrayLike, value: ArrayLike, received: ArrayLike | None
) -> tuple[Rows, NDArray[np.int64] | None]:
    given = {"sensor": np.asarray(sensor), "time": np.asarray(time), "value": np.asarray(value, np.float64)}
    arrived = None if received is None else np.asarray(received, np.int64)
    shapes = {column.shape for column in given.values()} | ({arrived.shape} if arrived is not None else set())
    if shapes != {(len(given["time"]),)} or not len(given["time"]):
        raise ValueError(f"columns of shape {sorted(shapes)}: give rows of one length above 0")
    if any(given[name].dtype.kind not in "iu" for name in ("sensor", "time")):
        raise ValueError("sensor and time must be whole numbers")
    _refuse("a value that is not finite", ~np.isfinite(given["value"]))
    _refuse("a sensor outside 0…2³¹-1", (given["sensor"] < 0) | (given["sensor"] > parquet.EVERY_SENSOR[1]))
    _refuse("a time outside the years 1970…2999", (given["time"] < 0) | (given["time"] >= END_MS))
    return {name: column.astype(TYPES.get(name, np.float64), copy=False) for name, column in given.items()}, arrived


def _refuse(what: str, bad: NDArray[np.bool_]) -> None:
    if bad.any():
        raise ValueError(f"{what} in row {int(bad.argmax())}")
