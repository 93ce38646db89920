"""Lines written in a second, each in a transaction of its own, and lines checked in a second.

Against: the same number of rows of the same length, hashed and written by a plain loop into an empty SQLite.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import orjson

from .city import City
from .figure import Figure

LINES = 5000
TEXT = "测量用的一行日志,与真实的一行一样长:崂山区沙子口街道某村灾害信息员已应答(电话)"
WRITE = """
import json, time
from datetime import timedelta
from anlan.kernel import journal
from anlan.kernel.journal import seals
from anlan.kernel.people import scope
with scope.everyone() as who:
    began = time.perf_counter()
    for n in range({lines}):
        journal.write("bench.written", who.world, text="{text}", after={{"n": n}})
    written = time.perf_counter() - began
while seals.seal(timedelta(0)):
    pass
began = time.perf_counter()
found = seals.verify()
print(json.dumps([written, time.perf_counter() - began, found["lines"], found["ok"]]))
"""


def measure(planted: City, box: Path, lines: int = LINES) -> list[Figure]:
    city = planted.copy(box / "journal")
    told = city.do("django", "shell", "-v0", "-c", WRITE.format(lines=lines, text=TEXT))
    written, verified, count, ok = orjson.loads(told.splitlines()[-1])
    write, check = _bare(box / "lines.sqlite3", lines)
    return [
        Figure("lines written in a second", lines / written, "1/s", None, lines / write, "plain loop on SQLite"),
        Figure("lines checked in a second", count / verified, "1/s", None, lines / check, "hashing them in a loop"),
        Figure("journals that do not verify", 0 if ok and count >= lines else 1, "journals", 0),
    ]


def _bare(path: Path, lines: int) -> tuple[float, float]:
    """Seconds to write and to check."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.executescript("pragma journal_mode=wal; pragma synchronous=normal; create table line (text, digest)")
        began = time.perf_counter()
        for n in range(lines):
            text = f"{TEXT}{n}"
            database.execute("insert into line values (?, ?)", (text, _digest(text)))
        written = time.perf_counter() - began
        began = time.perf_counter()
        if any(_digest(text) != digest for text, digest in database.execute("select text, digest from line")):
            raise RuntimeError("the peer's own lines do not verify")
        return written, time.perf_counter() - began


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
