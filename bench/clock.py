"""10 000 due rows worked by four processes at once, each exactly once, on SQLite and, where there is one, PostgreSQL.

The effect of a row is a row of its own with a unique name, so that a second run would show. Against: one process that
does the same writes in a plain loop over SQLite, a transaction for each row, with nobody beside it.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg

from .city import ROOT, City
from .figure import Figure

ROWS, WORKERS = 10_000, 4
WORKER = ROOT / "tests" / "kernel" / "clock_worker.py"


def measure(planted: City, box: Path, rows: int = ROWS) -> list[Figure]:
    loop = _plain_loop(box / "loop.sqlite3", rows)
    found = _work("SQLite", box / "clock", rows, loop)
    if server := os.environ.get("ANLAN_TEST_PG"):
        name = f"anlan_{uuid4().hex[:12]}"
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(f"create database {name}")
            try:
                address = urlsplit(server)._replace(path=f"/{name}").geturl()
                found += _work("PostgreSQL", box / "clock-pg", rows, loop, ANLAN_DB=address)
            finally:
                admin.execute(f"drop database {name} with (force)")
    return found


def _work(name: str, home: Path, rows: int, loop: float, **settings: str) -> list[Figure]:
    environment = {**os.environ, "ANLAN_HOME": str(home), "PYTHONPATH": str(ROOT), **settings}

    def start(*words: str) -> subprocess.Popen[str]:
        return subprocess.Popen([sys.executable, str(WORKER), *words], env=environment, stdout=subprocess.PIPE, text=True)

    start("make", str(rows)).communicate(timeout=300)
    began = time.perf_counter()
    workers = [start("work") for _ in range(WORKERS)]
    if any(worker.wait(600) for worker in workers):
        raise RuntimeError(f"a worker on {name} failed")
    took = time.perf_counter() - began
    put, done, runs, odd = map(int, start("tell").communicate(timeout=300)[0].split())
    return [
        Figure(f"{rows} due rows, {WORKERS} workers, {name}", took, "s", None, loop, "plain loop on SQLite"),
        Figure(f"rows lost, {name}", put - done, "rows", 0),
        Figure(f"rows done twice, {name}", (runs - done) + odd, "rows", 0),
    ]


def _plain_loop(path: Path, rows: int) -> float:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.executescript(
            "pragma journal_mode=wal; pragma synchronous=normal; create table due (id integer primary key, done text);"
            "create table effect (name text primary key);"
        )
        database.execute("begin")
        database.executemany("insert into due values (?, null)", ((n,) for n in range(rows)))
        database.execute("commit")
        began = time.perf_counter()
        while row := database.execute("select id from due where done is null order by id limit 1").fetchone():
            database.execute("begin immediate")
            database.execute("insert into effect values (?)", (f"row {row[0]}",))
            database.execute("update due set done = datetime() where id = ? and done is null", row)
            database.execute("commit")
        return time.perf_counter() - began
