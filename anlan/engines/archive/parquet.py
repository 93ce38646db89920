"""Parquet files by DuckDB, written and read as arrays.

Sensor and time are delta-packed; values that have at most four decimals are stored as DECIMAL and delta-packed too (two to
four bytes a reading, exact, since n / 10**d is the double nearest to the decimal), others as doubles split by bytes.
Pages are small and indexed, so that one sensor is read without unpacking its neighbours.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import duckdb
import numpy as np
from numpy.typing import NDArray

from .manifest import Segment, Span, sync
from .rows import COLUMNS, TYPES, Rows, joined, size

MOST_DECIMALS = 4
EXACT = 2.0**53
SUMMED_EXACTLY = 2.0**40
"""A total below this, in units of its last decimal, is right after rounding."""
EVERY_SENSOR = (0, 2**31 - 1)
LAYOUT = (
    "format parquet, parquet_version v2, compression zstd, compression_level 3, dictionary_size_limit 1, "
    "row_group_size 245760, data_page_size_limit 32768, write_page_index true, use_tmp_file false"
)


class Piece(NamedTuple):
    """The times of a span that are to be read from one segment."""

    segment: Segment
    span: Span

    @property
    def all_of_it(self) -> bool:
        return self.span[0] <= self.segment.first and self.segment.last < self.span[1]


def put(folder: Path, level: str, place: str, rows: Rows, whole: str = "") -> Segment:
    """Write sorted rows (n > 0) as one file, safe on disk and not yet listed. `place` is how its name begins."""
    path = folder / level / f"{place}-{uuid.uuid4().hex[:12]}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".part")
    rows, decimals = _fitted(rows)
    with cursor() as database:
        database.register("given", rows)
        database.execute(f"copy (select {_stored(level, decimals)} from given) to {quoted(half)} ({LAYOUT})")
    digest, length = _sealed(half)
    os.replace(half, path)
    sync(path.parent)
    first, last = int(rows["time"].min()), int(rows["time"].max())
    low, high = int(rows["sensor"][0]), int(rows["sensor"][-1])
    relative = path.relative_to(folder).as_posix()
    spans = ((first, last + 1),)
    return Segment(level, relative, size(rows), first, last, low, high, length, digest, decimals, whole, spans)


def pieces(segments: Iterable[Segment], level: str, sensors: Span, span: Span) -> list[Piece]:
    """What must be read of a level for sensors low to high (both included) and a span of times."""
    low, high = sensors
    asked = (s for s in segments if s.level == level and s.low <= high and low <= s.high)
    return [Piece(s, one) for s in asked for one in s.within(span)]


def fetch(folder: Path, wanted: Sequence[Piece], level: str, sensors: Span) -> tuple[Rows, NDArray[np.int64]]:
    """The rows of the pieces, and of each row its segment's number."""
    columns = ", ".join(f"{name}::double as {name}" if name not in TYPES else name for name in COLUMNS[level])
    parts, numbers = [], []
    with cursor() as database:
        for group in _alike(wanted):
            source, condition = scan(folder, group, sensors)
            found = database.execute(f"select file_index, {columns} from {source} where {condition}").fetchnumpy()
            numbers.append(np.array([p.segment.number for p in group], np.int64)[np.asarray(found["file_index"])])
            parts.append({name: np.asarray(found[name]) for name in COLUMNS[level]})
    return joined(level, parts), np.concatenate([np.empty(0, np.int64), *numbers])


def sensor_counts(folder: Path, wanted: Sequence[Piece], level: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The sensors in the pieces, rising, and how many rows there are of each."""
    counts: dict[int, int] = {}
    with cursor() as database:
        for group in _alike(wanted):
            source, condition = scan(folder, group, EVERY_SENSOR)
            told = database.execute(f"select sensor, count(*) from {source} where {condition} group by sensor")
            for sensor, count in told.fetchall():
                counts[sensor] = counts.get(sensor, 0) + count
    found = np.array(sorted(counts.items()), np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def scan(folder: Path, group: Sequence[Piece], sensors: Span) -> tuple[str, str]:
    """Source and condition of a query over alike pieces."""
    files = ", ".join(quoted(folder / p.segment.path) for p in group)
    low, high = sensors
    condition = f"sensor = {low}" if low == high else f"sensor between {low} and {high}"
    if not group[0].all_of_it:
        condition += " and time >= {} and time < {}".format(*group[0].span)
    return f"read_parquet([{files}])", condition


def cursor() -> duckdb.DuckDBPyConnection:
    """A connection of the caller's own; close it. All of a process share one database without a file."""
    return _database(os.getpid()).cursor()


def quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


@cache
def _database(process: int) -> duckdb.DuckDBPyConnection:
    settings: dict[str, str | bool | int | float | list[str]] = {
        "threads": 1,
        "memory_limit": "1GB",
        "autoinstall_known_extensions": False,
    }
    return duckdb.connect(":memory:", config=settings)


def _alike(wanted: Sequence[Piece]) -> Iterator[list[Piece]]:
    """Pieces that one query can read: values of one type, and the same times of each file or all of it."""
    groups: dict[object, list[Piece]] = {}
    for piece in wanted:
        span = None if piece.all_of_it else piece.span
        groups.setdefault((piece.segment.decimals, span), []).append(piece)
    return iter(groups.values())


def _stored(level: str, decimals: int | None) -> str:
    kind = "double" if decimals is None else f"decimal(18, {decimals})"
    return ", ".join(name if name in TYPES else f"{name}::{kind} as {name}" for name in COLUMNS[level])


def _fitted(rows: Rows) -> tuple[Rows, int | None]:
    """The fewest decimals that hold all values exactly, and the rows with totals rounded to them."""
    values = [column for name, column in rows.items() if name not in TYPES and name != "total"]
    places = next((p for p in range(MOST_DECIMALS + 1) if all(_fits(column, p) for column in values)), None)
    if places is None or "total" not in rows:
        return rows, places
    steps = rows["total"] * 10**places
    if np.abs(steps).max() >= SUMMED_EXACTLY:
        return rows, None
    return rows | {"total": np.rint(steps) / 10**places}, places


def _fits(values: NDArray[np.float64], places: int) -> bool:
    for part in (values[:1000], values):
        with np.errstate(over="ignore"):
            steps = part * 10**places
        if np.abs(steps).max() >= EXACT or not np.array_equal(np.rint(steps) / 10**places, part):
            return False
    return True


def _sealed(path: Path) -> tuple[str, int]:
    """SHA-256 and length of a file that is now safe on disk."""
    with open(path, "rb+") as handle:
        os.fsync(handle.fileno())
        return hashlib.file_digest(handle, "sha256").hexdigest(), handle.tell()
