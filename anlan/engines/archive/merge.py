"""What the files of a level say together, without repeats. Rows come sorted by (sensor, time)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from . import slots
from .manifest import Segment, Span
from .parquet import fetch, pieces
from .rows import BELOW, DAY_MS, RAW, STEP_MS, Rows, arranged, joined, keys, pick


def merged(folder: Path, segments: Sequence[Segment], level: str, sensors: Span, span: Span) -> Rows:
    """The rows of sensors low to high (both included) whose time lies in a span; for slots their begin counts."""
    found, numbers = fetch(folder, pieces(segments, level, sensors, span), level, sensors)
    if level == RAW:
        return arranged(found, numbers)
    key = keys(found)
    if np.all(key[1:] > key[:-1]):
        return found
    order = np.lexsort((numbers, key))
    again = np.flatnonzero(np.diff(key[order]) == 0)
    found = pick(found, order)
    days = np.unique(found["time"][again] // DAY_MS).tolist()
    anew = [made(folder, segments, level, sensors, (day * DAY_MS, (day + 1) * DAY_MS)) for day in days]
    rows = slots.reconciled(found, joined(level, anew))
    return pick(rows, (rows["time"] >= span[0]) & (rows["time"] < span[1]))


def made(folder: Path, segments: Sequence[Segment], level: str, sensors: Span, span: Span) -> Rows:
    """The slots of a span computed from the level below."""
    rows = merged(folder, segments, BELOW[level], sensors, span)
    return (slots.of_readings if BELOW[level] == RAW else slots.of_slots)(rows, STEP_MS[level])
