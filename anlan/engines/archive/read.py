"""Questions to an archive. Any number of threads and processes may ask while others seal and compact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import duckdb
import numpy as np
from numpy.typing import NDArray

from . import manifest
from .manifest import Segment
from .merge import merged
from .parquet import fetch, pieces
from .rows import HOUR, MINUTE, RAW, STEP_MS, Rows

__all__ = ["Slots", "hours", "latest_before", "minutes", "of_many", "raw", "steadily"]

TRIES = 5
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Slots:
    """Minutes or hours that have readings; each column (n,). `time` is where a slot begins, ms."""

    time: NDArray[np.int64]
    count: NDArray[np.int32]
    min: NDArray[np.float64]
    mean: NDArray[np.float64]
    max: NDArray[np.float64]
    last: NDArray[np.float64]


def raw(folder: Path, sensor: int, start_ms: int, end_ms: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Times (n,) ms, rising strictly, and values (n,) of one sensor in [start, end). A gap stays a gap."""
    rows = _rows(folder, RAW, sensor, start_ms, end_ms)
    return rows["time"], rows["value"]


def minutes(folder: Path, sensor: int, start_ms: int, end_ms: int) -> Slots:
    """The minutes of one sensor that begin in [start, end) and have a reading."""
    return _slots(_rows(folder, MINUTE, sensor, start_ms, end_ms))


def hours(folder: Path, sensor: int, start_ms: int, end_ms: int) -> Slots:
    """The hours of one sensor that begin in [start, end) and have a reading."""
    return _slots(_rows(folder, HOUR, sensor, start_ms, end_ms))


def of_many(folder: Path, level: str, sensors: tuple[int, int], start_ms: int, end_ms: int) -> Rows:
    """Rows of a level (`rows.RAW`, `MINUTE`, `HOUR`) of the sensors low to high, both included, in [start, end)."""
    return steadily(folder, lambda segments: merged(folder, segments, level, sensors, (start_ms, end_ms)))


def latest_before(folder: Path, sensor: int, at_ms: int) -> tuple[int, float] | None:
    """Time and value of the newest reading of one sensor before a moment; None when there is none, or all are forgotten."""
    return steadily(folder, lambda segments: _latest(folder, segments, sensor, at_ms))


def steadily(folder: Path, ask: Callable[[tuple[Segment, ...]], Answer]) -> Answer:
    """Ask again with the new list when a compaction removes files while they are being read."""
    for _ in range(TRIES - 1):
        segments = manifest.live(folder)
        try:
            return ask(segments)
        except duckdb.IOException:
            if manifest.live(folder) == segments:
                raise
    return ask(manifest.live(folder))


def _rows(folder: Path, level: str, sensor: int, start_ms: int, end_ms: int) -> Rows:
    one, span = (sensor, sensor), (start_ms, end_ms)
    return steadily(folder, lambda segments: merged(folder, segments, level, one, span))


def _slots(rows: Rows) -> Slots:
    mean = rows["total"] / rows["count"]
    return Slots(rows["time"], rows["count"], rows["min"], mean, rows["max"], rows["last"])


def _latest(folder: Path, segments: tuple[Segment, ...], sensor: int, at_ms: int) -> tuple[int, float] | None:
    """Hours say where to look: the archive's own hours are few, its readings many."""
    first = min((s.first for s in segments if s.level == RAW), default=at_ms)
    end = at_ms
    while end > first:
        hour = _last_hour(folder, segments, sensor, end)
        if hour is None:
            return None
        rows = merged(folder, segments, RAW, (sensor, sensor), (hour, min(at_ms, hour + STEP_MS[HOUR])))
        if len(rows["time"]):
            return int(rows["time"][-1]), float(rows["value"][-1])
        end = hour
    return None


def _last_hour(folder: Path, segments: tuple[Segment, ...], sensor: int, end_ms: int) -> int | None:
    """Begin of the newest hour with a reading that begins before a moment."""
    wanted = pieces(segments, HOUR, (sensor, sensor), (-(2**62), end_ms))
    newest: int | None = None
    for piece in sorted(wanted, key=lambda p: -p.span[1]):
        if newest is not None and piece.span[1] <= newest:
            break
        found, _ = fetch(folder, [piece], HOUR, (sensor, sensor))
        newest = max([*found["time"][-1:].tolist(), *([] if newest is None else [newest])], default=None)
    return newest
