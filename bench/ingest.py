"""Readings in a second through the HTTP door, each batch stored and judged before it is answered.

Batches of 300, one reading for each sensor of the demo city. Against: the same rows written by one plain loop into an
empty SQLite, one transaction for each batch.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from .city import City
from .figure import Figure, percentile

BATCHES = 60


def measure(planted: City, box: Path, batches: int = BATCHES) -> list[Figure]:
    city = planted.copy(box / "ingest")
    token = city.do("gateway", "add", "bench").strip()
    sent = _batches(city, batches)
    with city.open("--no-replay") as server, server.visitor() as client:
        began, took = time.perf_counter(), []
        for batch in sent:
            at = time.perf_counter()
            answer = client.post("/ingest/", json=batch, headers={"Authorization": f"Bearer {token}"})
            answer.raise_for_status()
            if answer.json()["rejected"]:
                raise RuntimeError(f"rejected: {answer.json()['rejected'][0]}")
            took.append(time.perf_counter() - at)
        whole = time.perf_counter() - began
    readings = sum(len(batch["sensor"]) for batch in sent)
    kept = city.one("select sum(kept) from sensing_batch where world_id = 1")
    rate = readings / _bare(sent, box / "readings.sqlite3")
    return [
        Figure("readings taken in a second", readings / whole, "1/s", None, rate, "plain loop on SQLite"),
        Figure("a batch of 300, p95", percentile(took, 0.95) * 1000, "ms"),
        Figure("readings lost", readings - kept, "readings", 0),
    ]


def _batches(city: City, count: int) -> list[dict[str, Any]]:
    """One batch for each of the last minutes, with quiet values: the writing is measured, not a storm."""
    sensors = city.ask("select code, low, high from sensing_sensor order by id")
    start = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=count)
    return [
        {
            "sensor": [code for code, _, _ in sensors],
            "time": [(start + timedelta(minutes=n)).isoformat()] * len(sensors),
            "value": [min(max(0.1, low), high) for _, low, high in sensors],
        }
        for n in range(count)
    ]


def _bare(sent: list[dict[str, Any]], path: Path) -> float:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.executescript(
            "pragma journal_mode=wal; pragma synchronous=normal;"
            "create table reading (id integer primary key, sensor text, at text, value real, unique (sensor, at))"
        )
        began = time.perf_counter()
        for batch in sent:
            database.execute("begin immediate")
            rows = zip(batch["sensor"], batch["time"], batch["value"], strict=True)
            database.executemany("insert into reading (sensor, at, value) values (?, ?, ?)", rows)
            database.execute("commit")
        return time.perf_counter() - began
