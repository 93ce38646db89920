"""History for others: one CSV or Parquet file with the columns sensor, time, value, which `take_in` reads back."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from .manifest import live, sync
from .merge import merged
from .parquet import cursor, quoted
from .read import steadily
from .rows import DAY_MS, RAW, Rows, joined, size

BEIJING_H = 8
TOGETHER_ROWS = 1_000_000
STRETCH_MS = 31 * DAY_MS
BOM = "\ufeff"
"""Before the header of a CSV, so that Excel reads the names as UTF-8."""


def export(
    folder: Path,
    sensors: Mapping[int, str],
    start_ms: int,
    end_ms: int,
    path: Path,
    kind: str,
    offset_h: int = BEIJING_H,
) -> int:
    """Write the readings of named sensors in [start, end), sensor by sensor, rising in time; how many there were.

    kind is "csv" (times in ISO 8601 with the offset of a zone in whole hours) or "parquet" (times as TIMESTAMP WITH TIME
    ZONE); another raises ValueError. The file appears whole or not at all.
    """
    if kind not in ("csv", "parquet"):
        raise ValueError(f"kind {kind!r} is neither csv nor parquet")
    places = {sensor: place for place, sensor in enumerate(sensors, 1)}
    count = 0
    with TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as box, cursor() as database:
        parts: list[Path] = []
        for rows in _gathered(folder, list(sensors), start_ms, end_ms):
            place = np.array([places[s] for s in rows["sensor"].tolist()], np.int32)
            database.register("given", {"place": place, "time": rows["time"], "value": rows["value"]})
            parts.append(Path(box) / f"{len(parts)}.parquet")
            database.execute(f"copy (from given) to {quoted(parts[-1])} (format parquet)")
            count += size(rows)
        whole = Path(box) / "whole"
        source = f"read_parquet([{', '.join(map(quoted, parts))}])"
        names = [name.replace("'", "''") for name in sensors.values()]
        database.execute(f"copy ({_query(kind, names, offset_h)} from {source}) to {quoted(whole)} ({_format(kind)})")
        _settle(whole, path)
    return count


def _gathered(folder: Path, sensors: list[int], start_ms: int, end_ms: int) -> Iterator[Rows]:
    """The rows in portions that fit into memory; at least one portion, which may be empty."""
    waiting: list[Rows] = []
    held = live(folder)
    first = max(start_ms, min((s.first for s in held), default=end_ms))
    end = min(end_ms, max((s.last + 1 for s in held if s.level == RAW), default=start_ms))
    for sensor in sensors:
        for begin in range(first, end, STRETCH_MS):
            waiting.append(_stretch(folder, sensor, begin, min(begin + STRETCH_MS, end)))
            if sum(map(size, waiting)) >= TOGETHER_ROWS:
                yield joined(RAW, waiting)
                waiting = []
    yield joined(RAW, waiting)


def _stretch(folder: Path, sensor: int, start_ms: int, end_ms: int) -> Rows:
    return steadily(folder, lambda segments: merged(folder, segments, RAW, (sensor, sensor), (start_ms, end_ms)))


def _query(kind: str, names: list[str], offset_h: int) -> str:
    name = "list_extract([{}]::varchar[], place)".format(", ".join(f"'{n}'" for n in names))
    if kind == "parquet":
        return f"select {name} as sensor, to_timestamp(time / 1000) as time, value"
    local = f"make_timestamp_ms(time + {offset_h * 3_600_000})"
    return f"select {name} as \"{BOM}sensor\", strftime({local}, '%Y-%m-%dT%H:%M:%S.%g') || '{offset_h:+03d}:00' as time, value"


def _format(kind: str) -> str:
    return "format csv, header true" if kind == "csv" else "format parquet, compression zstd, parquet_version v2"


def _settle(whole: Path, path: Path) -> None:
    with open(whole, "rb+") as handle:
        os.fsync(handle.fileno())
    os.replace(whole, path)
    sync(path.parent)
