"""The sealed history of a sensor network: rows sealed, bytes a row, a day and a year of one sensor.

Values have two decimals and walk at random, one walk a sensor, from anywhere in 0…1000; readings come in random order of
sensors, up to 50 ms off their beat. Against: SQLite with the primary key (sensor, time) on a small part of the same rows,
which favours it. Every measurement is repeated and the best taken.
"""

from __future__ import annotations

import resource
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anlan.engines.archive import manifest, read
from anlan.engines.archive.seal import compact_day, compact_month, seal

from .city import City
from .figure import Figure

SENSORS, YEARLY = 50_000, 300
FIRST = date(2023, 1, 1)
BEGIN = (FIRST - date(1970, 1, 1)).days * 86_400_000
DAY, YEAR = 86_400_000, 365 * 86_400_000
TIMES, ASKED = 3, 20
PEER_SENSORS = 300
PEER = "SQLite, primary key (sensor, time)"
Batch = tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.float64]]


def measure(planted: City, box: Path, sensors: int = SENSORS, days: int = 365) -> list[Figure]:
    second = next(_batches(sensors, 60, 1000, 0.2))
    sealed, held, everything = _seal(box, second)
    day, year = box / "day", box / "year"
    for batch in _batches(sensors, 60, 60_000, 1.0, 24):
        seal(day, *batch)
    files = _best(lambda n: read.raw(day, n * 61 % sensors, BEGIN, BEGIN + DAY))
    compacted = _took(lambda: compact_day(day, FIRST)) / (24 * 60 * sensors)
    one = _best(lambda n: read.raw(day, n * 61 % sensors, BEGIN, BEGIN + DAY))
    _fill_year(year, days)
    hours = _best(lambda n: read.hours(year, n % YEARLY, BEGIN, BEGIN + YEAR))
    minutes = _best(lambda n: read.minutes(year, n % YEARLY, BEGIN, BEGIN + YEAR))
    write, size, day_peer, year_peer = _peer(box / "peer.sqlite3", second)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return [
        Figure("a row sealed, 1 Hz, minutes and hours with it", sealed * 1e6, "µs", 0.5, write * 1e6, PEER),
        Figure("a row kept, 1 Hz, readings only", held, "bytes", 7, size, PEER),
        Figure("a row kept, 1 Hz, with minutes and hours", everything, "bytes", 7),
        Figure(f"day of one of {sensors}, 24 files", files * 1000, "ms", 30, day_peer * 1000, f"{PEER}, {PEER_SENSORS} sensors"),
        Figure(f"day of one of {sensors}, compacted", one * 1000, "ms", 30, day_peer * 1000, f"{PEER}, {PEER_SENSORS} sensors"),
        Figure("a row compacted, one a minute", compacted * 1e6, "µs"),
        Figure("year of one sensor by hours", hours * 1000, "ms", 100, year_peer * 1000, f"group by hour, {PEER}"),
        Figure("year of one sensor by minutes, one in five", minutes * 1000, "ms", 100),
        Figure("most memory held", memory, "GB", 2),
    ]  # fmt: skip


def _batches(sensors: int, beats: int, beat_ms: int, step: float, count: int = 1) -> Iterator[Batch]:
    """Batch after batch of so many beats of every sensor."""
    chance = np.random.default_rng(7)
    value, phase = chance.uniform(0, 1000, sensors), chance.integers(0, beat_ms - 50, sensors)
    for number in range(count):
        begin = BEGIN + number * beats * beat_ms
        order = np.concatenate([chance.permutation(sensors).astype(np.int32) for _ in range(beats)])
        walk = value + np.cumsum(chance.normal(0, step, (beats, sensors)), axis=0)
        value = walk[-1]
        beat = np.repeat(np.arange(beats), sensors)
        at = begin + beat * beat_ms + phase[order] + chance.integers(0, 50, len(order))
        yield order, at, np.round(walk[beat, order], 2)


def _seal(box: Path, batch: Batch) -> tuple[float, float, float]:
    """Seconds and bytes a row; the last counts minutes and hours in."""
    took = []
    for n in range(TIMES):
        began = time.perf_counter()
        made = seal(box / f"sealed-{n}", *batch)
        took.append((time.perf_counter() - began) / made.rows)
    everything = sum(s.bytes for s in manifest.live(box / "sealed-0")) / made.rows
    return min(took), made.bytes / made.rows, everything


def _fill_year(folder: Path, days: int) -> None:
    """A reading of each sensor every five minutes, sealed by day, every month compacted."""
    for batch in _batches(YEARLY, 288, 300_000, 1.0, days):
        seal(folder, *batch)
    for month in range(1, 1 + (FIRST + timedelta(days=days - 1)).month):
        compact_month(folder, FIRST.year, month)


def _peer(path: Path, batch: Batch) -> tuple[float, float, float, float]:
    """Seconds to write a row and bytes of it; seconds to read a day and a year by hours."""
    few = batch[0] < PEER_SENSORS * 20
    rows = list(zip(*(column[few].tolist() for column in batch), strict=True))
    with closing(_table(path)) as database:
        write = _took(lambda: _insert(database, rows)) / len(rows)
        size = path.stat().st_size / len(rows)
        database.execute("delete from reading")
        for day in _batches(PEER_SENSORS, 1440, 60_000, 1.0):
            _insert(database, zip(*(column.tolist() for column in day), strict=True))
        within = "sensor = ? and time >= ? and time < ?"
        one = f"select time, value from reading where {within} order by time"
        daily = _best(lambda n: database.execute(one, (n, BEGIN, BEGIN + DAY)).fetchall())
        database.execute("delete from reading")
        for year in _batches(3, 105_120, 300_000, 1.0):
            _insert(database, zip(*(column.tolist() for column in year), strict=True))
        grouped = f"select time / 3600000, count(*), min(value), avg(value), max(value) from reading where {within} group by 1"
        yearly = _best(lambda n: database.execute(grouped, (n % 3, BEGIN, BEGIN + YEAR)).fetchall())
    return write, size, daily, yearly


def _table(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None)
    database.executescript(
        "pragma synchronous=normal; pragma cache_size=-262144;"
        "create table reading (sensor integer, time integer, value real, primary key (sensor, time)) without rowid"
    )
    return database


def _insert(database: sqlite3.Connection, rows: object) -> None:
    database.execute("begin")
    database.executemany("insert into reading values (?, ?, ?)", rows)
    database.execute("commit")


def _best(ask: Callable[[int], object]) -> float:
    return min(_took(lambda n=n: ask(n)) for n in range(ASKED))


def _took(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
