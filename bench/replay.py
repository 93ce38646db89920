"""The whole typhoon without a browser, as fast as one process can: seconds of processor, records written in a second.

Against: the same records copied by one plain loop into an empty SQLite, one transaction for each 300.
"""

from __future__ import annotations

import resource
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from . import storm
from .city import City
from .figure import Figure

CHUNK = 300


def measure(planted: City, box: Path) -> list[Figure]:
    city = planted.copy(box / "replay")
    before, began = _processor(), time.perf_counter()
    result = storm.play(city)
    took, used = time.perf_counter() - began, _processor() - before
    rows = sum(storm.counts_of(city, city.one(storm.WORLD)).values())
    bare, against = _copied(city, box / "copied.sqlite3"), "plain copy of its records"
    return [
        Figure("replay, processor time", used, "s", None, bare, against),
        Figure("replay, records in a second", rows / took, "rows/s", None, rows / bare, against),
        Figure("replay, timers lost or doubled", result["timers"]["lost"] + result["timers"]["doubled"], "timers", 0),
        Figure("replay, signal to proposal", result["lags_s"]["signal_to_proposal"], "s"),
        Figure("replay, confirmation to first call", result["lags_s"]["confirm_to_first_attempt"], "s", 1),
    ]


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _copied(city: City, path: Path) -> float:
    """Seconds that the same records take when nothing is asked of them."""
    took = 0.0
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.executescript("pragma journal_mode=wal; pragma synchronous=normal")
        for name in storm.footprint(city):
            rows = city.ask(f'select * from "{name}"')
            if not rows:
                continue
            database.execute(city.one("select sql from sqlite_master where name = ?", name))
            marks = ", ".join("?" * len(rows[0]))
            began = time.perf_counter()
            for start in range(0, len(rows), CHUNK):
                database.execute("begin immediate")
                database.executemany(f'insert into "{name}" values ({marks})', rows[start : start + CHUNK])
                database.execute("commit")
            took += time.perf_counter() - began
    return took
