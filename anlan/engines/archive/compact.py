"""Make many files one. The new ones are written, then listed in place of the old by one rename, then the old are removed.

A crash before the rename leaves files that count nothing, one behind it files that count no more; the next run sweeps
both away. A file holds about PART_ROWS rows at most, so that its footer stays short and the work in memory: a day of more
rows becomes several files, each of other sensors. Running again on what is done does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np

from . import manifest, parquet, slots
from .manifest import Segment, Span
from .merge import merged
from .rows import DAY_MS, HOUR, MINUTE, RAW, STEP_MS, Rows, joined, size

PART_ROWS = 2_000_000
EPOCH = date(1970, 1, 1)
Parts = Callable[[Path, list[Segment], Span], Iterator[tuple[str, Rows]]]


def compact_day(folder: Path, day: date) -> bool:
    """One file a level for a closed day (UTC), also of late readings that came since; False when there was nothing to do.

    Raises Overtaken when another process compacted the same day meanwhile.
    """
    manifest.sweep(folder)
    span = (_ms(day), _ms(day + timedelta(days=1)))
    taken = _of(folder, (RAW, MINUTE, HOUR), span)
    if all(s.whole for s in taken):
        return False
    _replace(folder, taken, span, f"{day:%Y/%m/%d}/day", _day)
    return True


def compact_month(folder: Path, year: int, month: int) -> bool:
    """One file for the minutes and one for the hours of a closed month (UTC), after its days; False as above."""
    first = date(year, month, 1)
    behind = date(year + month // 12, month % 12 + 1, 1)
    for n in range((behind - first).days):
        compact_day(folder, first + timedelta(days=n))
    manifest.sweep(folder)
    span, done = (_ms(first), _ms(behind)), False
    for level in (MINUTE, HOUR):
        taken = [s for s in _of(folder, (level,), span) if s.whole]
        if any(s.whole == "day" for s in taken):
            _replace(folder, taken, span, f"{first:%Y/%m}/month", _month)
            done = True
    return done


def forget(folder: Path, before_ms: int) -> int:
    """Remove the raw files all of whose readings are older; how many. Minutes and hours stay."""
    taken = [s for s in manifest.live(folder) if s.level == RAW and s.last < before_ms]
    if taken:
        manifest.take_over(folder, taken, (min(s.first for s in taken), before_ms), ())
        _remove(folder, taken)
    return len(taken)


def _of(folder: Path, levels: Sequence[str], span: Span) -> list[Segment]:
    return [s for s in manifest.live(folder) if s.level in levels and s.within(span)]


def _replace(folder: Path, taken: list[Segment], span: Span, place: str, parts: Parts) -> None:
    with manifest.working(folder):
        added = _written(folder, taken, place, parts(folder, taken, span))
        manifest.take_over(folder, taken, span, added)
    _remove(folder, taken)


def _written(folder: Path, taken: list[Segment], place: str, parts: Iterator[tuple[str, Rows]]) -> list[Segment]:
    whole = place.rpartition("/")[2]
    try:
        return [parquet.put(folder, level, place, rows, whole) for level, rows in parts if size(rows)]
    except duckdb.IOException:
        if set(taken) - set(manifest.live(folder)):
            raise manifest.Overtaken from None
        raise


def _remove(folder: Path, taken: list[Segment]) -> None:
    listed = {s.path for s in manifest.live(folder)}
    for segment in taken:
        if segment.path not in listed:
            (folder / segment.path).unlink(missing_ok=True)


def _day(folder: Path, taken: list[Segment], span: Span) -> Iterator[tuple[str, Rows]]:
    """The day's readings without repeats, and minutes and hours computed from them."""
    waiting: list[Rows] = []
    for sensors in _ranges(folder, taken, RAW, span):
        raw = merged(folder, taken, RAW, sensors, span)
        yield RAW, raw
        found, _ = parquet.fetch(folder, parquet.pieces(taken, MINUTE, sensors, span), MINUTE, sensors)
        minute = slots.reconciled(found, slots.of_readings(raw, STEP_MS[MINUTE]))
        if waiting and sum(map(size, [*waiting, minute])) > PART_ROWS:
            yield from _minutes(waiting)
            waiting = []
        waiting.append(minute)
    yield from _minutes(waiting)


def _minutes(parts: list[Rows]) -> Iterator[tuple[str, Rows]]:
    minute = joined(MINUTE, parts)
    yield MINUTE, minute
    yield HOUR, slots.of_slots(minute, STEP_MS[HOUR])


def _month(folder: Path, taken: list[Segment], span: Span) -> Iterator[tuple[str, Rows]]:
    """Days do not overlap once they are compacted: their rows need only be sorted."""
    level = taken[0].level
    for sensors in _ranges(folder, taken, level, span):
        yield level, merged(folder, taken, level, sensors, span)


def _ranges(folder: Path, taken: list[Segment], level: str, span: Span) -> list[Span]:
    """Ranges of sensors (both ends included) that have about PART_ROWS rows each and together are all sensors."""
    every = parquet.EVERY_SENSOR
    sensors, counts = parquet.sensor_counts(folder, parquet.pieces(taken, level, every, span), level)
    part = (np.cumsum(counts) - counts) // PART_ROWS
    begins = sensors[np.flatnonzero(np.diff(part)) + 1].tolist()
    return list(zip([every[0], *begins], [*(b - 1 for b in begins), every[1]], strict=True))


def _ms(day: date) -> int:
    return (day - EPOCH).days * DAY_MS
