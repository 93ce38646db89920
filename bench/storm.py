"""The replay of the typhoon, run to its end without a browser, whole or killed on the way; and what it left behind."""

from __future__ import annotations

import hashlib
import select
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from functools import cached_property
from random import Random
from typing import Any

import orjson

from .city import City

FLAT_OUT = "1000000"
SPARED = {"journal_line": {"recorded_at", "digest"}, "clock_due": {"holder", "leased_until"}}
"""What tells of the real clock or of the process, and so differs between two runs."""
EVENING = "2022-09-14 22:00"
"""The end of the storm's first evening, in its own time."""
ROWS = 3500
"""Somewhat fewer than the due rows that the storm comes to."""
LONGEST_S = 0.1
DONE = "select count(*) from clock_due where world_id = ? and done_at is not null"
WORLD = "select id from worlds_world where kind = 'replay' order by id desc limit 1"


def begin(city: City, resume: int | None = None, until: str = "") -> subprocess.Popen[str]:
    """Start the replay, or go on with one that was cut off, to its end or to a moment of its own time."""
    words = (["--resume", str(resume)] if resume else []) + (["--until", until] if until else [])
    return city.start("replay", "muifa-2022", "--speed", FLAT_OUT, "--headless", "--json", *words)


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for the end; the printed object."""
    out, err = process.communicate(timeout=1800)
    if process.returncode:
        raise RuntimeError(f"the replay ended with {process.returncode}:\n{err[-2000:]}")
    return orjson.loads(out)


class Run:
    """A whole replay that has begun in a city; its result is waited for only when somebody asks."""

    def __init__(self, city: City, until: str = "", resume: int | None = None) -> None:
        self.city, self.process = city, begin(city, resume, until)

    @cached_property
    def result(self) -> dict[str, Any]:
        return finish(self.process)


def play(city: City) -> dict[str, Any]:
    return finish(begin(city))


def play_killed(city: City, kills: int, seed: int, until: str = "", rows: int = ROWS) -> tuple[dict[str, Any], list[int]]:
    """Kill the replay at random moments and resume it each time; the final object, and how far each kill let it come.

    The moments are drawn over the first ``rows`` of the storm's rows, not over seconds, so that they cover it on any machine.
    """
    rng, world, came = Random(seed), None, []
    for target in sorted(rng.sample(range(rows), kills)):
        process = begin(city, world, until)
        _wait_for_world(process)
        world = city.one(WORLD)
        while city.one(DONE, world) < target and process.poll() is None:
            time.sleep(0.1)
        time.sleep(rng.uniform(0.0, LONGEST_S))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        came.append(city.one(DONE, world))
    return finish(begin(city, world, until)), came


def play_until(city: City, moment: str, speed: float) -> int:
    """Run the replay flat out to a moment of its own time and leave it there, held, to go on at this speed; its world."""
    process = begin(city)
    _wait_for_world(process)
    world: int = city.one(WORLD)
    while city.one("select step from worlds_world where id = ?", world) < moment and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    process.communicate()
    with closing(sqlite3.connect(city.home / "anlan.sqlite3", timeout=30)) as database, database:
        database.execute("update worlds_world set paused = 1, speed = ?, anchor_world = step where id = ?", (speed, world))
    return world


def _wait_for_world(process: subprocess.Popen[str], seconds: float = 120) -> None:
    """Until the process says that it drives the world."""
    assert process.stderr
    end = time.monotonic() + seconds
    while time.monotonic() < end and select.select([process.stderr], [], [], 1)[0] == []:
        if process.poll() is not None:
            raise RuntimeError("the replay ended before it began")
    if not (line := process.stderr.readline()).startswith("世界"):
        raise RuntimeError(f"the replay did not begin: {line}{process.stderr.read()[-2000:]}")


def footprint(city: City) -> dict[str, str]:
    """A digest of every table of the city that holds a world's records: equal footprints, equal histories."""
    return {table: _digest(city, table, columns) for table, columns in _tables(city).items()}


def _tables(city: City) -> dict[str, list[str]]:
    """The columns of every table that holds a world's records."""
    columns: dict[str, list[str]] = {}
    for table, column in city.ask(
        "select t.name, c.name from sqlite_master t, pragma_table_info(t.name) c where t.type = 'table' order by t.name, c.cid"
    ):
        columns.setdefault(table, []).append(column)
    return {table: names for table, names in columns.items() if "world_id" in names}


def _digest(city: City, table: str, columns: list[str]) -> str:
    kept = ", ".join(f'"{name}"' for name in columns if name not in SPARED.get(table, ()))
    told = hashlib.sha256()
    for row in city.ask(f'select {kept} from "{table}" order by id'):
        told.update(repr(row).encode())
    return told.hexdigest()


def counts_of(city: City, world: int) -> dict[str, int]:
    """The rows of one world in every table that holds a world's records."""
    return {name: city.one(f'select count(*) from "{name}" where world_id = ?', world) for name in _tables(city)}


def doubles(city: City) -> dict[str, int]:
    """What was done twice, by kind; every count is to be 0. A physical call is one person on one channel in one rung."""
    twice = {
        "rows run twice": "select count(*) from clock_due where runs > 1",
        "attempts twice": "select count(*) - count(distinct key) from notice_attempt",
        "calls begun twice": "select count(*) from (select 1 from notice_attempt group by call having count(distinct sent_at) > 1)",
        "answers twice": "select count(*) from (select 1 from journal_line where verb = 'notice.answered' group by subject_id having count(*) > 1)",
        "reports twice": "select count(*) - count(distinct client_id) from notice_receipt where client_id is not null",
        "orders twice": "select count(*) from (select 1 from command_order group by event_id, task_id, unit_id having count(*) > 1)",
    }  # fmt: skip
    return {what: city.one(sql) for what, sql in twice.items()}
