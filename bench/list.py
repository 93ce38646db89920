"""The list page of a register with 100 000 rows: first page, a filter, a search, a page far behind.

The median of many requests of a signed-in officer. Against: the bare SQL of the first page and its count.
"""

from __future__ import annotations

import sqlite3
import statistics
import time
from contextlib import closing
from pathlib import Path

import httpx

from .city import City
from .figure import Figure

ROWS, TIMES, PAGE = 100_000, 15, 50
TABLE, ADDRESS = "supervision_enterprise", "/r/enterprise/"
PAGES = {"first page": "", "a filter": "?level=1", "sorted": "?order=-name", "a search": "?q=化工", "page 1500": "?page=1500"}


def measure(planted: City, box: Path, rows: int = ROWS) -> list[Figure]:
    city = planted.copy(box / "list")
    _multiply(city, rows)
    bare = _bare(city)
    with city.open("--no-replay") as server, server.visitor("duty_officer") as client:
        took = {name: _median(client, ADDRESS + query) for name, query in PAGES.items()}
    return [
        Figure(f"list of {rows} rows, {name}", seconds * 1000, "ms", 150, bare * 1000, "its bare SQL")
        for name, seconds in took.items()
    ]


def _multiply(city: City, rows: int) -> None:
    """The register's own rows again and again, with other names."""
    with closing(sqlite3.connect(city.home / "anlan.sqlite3")) as database:
        names = [row[1] for row in database.execute(f"pragma table_info({TABLE})")][1:]
        kept = database.execute(f"select count(*) from {TABLE}").fetchone()[0]
        values = ", ".join("name || '·' || n.n" if name == "name" else name for name in names)
        database.execute(
            f"with recursive n(n) as (select 1 union all select n + 1 from n where n < {rows // kept}) "
            f"insert into {TABLE} ({', '.join(names)}) select {values} from {TABLE}, n limit {rows - kept}"
        )
        database.commit()
        database.execute("analyze")


def _bare(city: City) -> float:
    with closing(sqlite3.connect(city.home / "anlan.sqlite3")) as database:
        took = []
        for _ in range(TIMES):
            began = time.perf_counter()
            database.execute(f"select count(*) from {TABLE}").fetchone()
            database.execute(f"select * from {TABLE} order by id limit {PAGE}").fetchall()
            took.append(time.perf_counter() - began)
    return statistics.median(took)


def _median(client: httpx.Client, address: str) -> float:
    took = []
    for _ in range(TIMES):
        began = time.perf_counter()
        client.get(address).raise_for_status()
        took.append(time.perf_counter() - began)
    return statistics.median(took)
