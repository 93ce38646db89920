"""500 open screens while the storm is replayed at 600×: how late a live event is, how long pages take meanwhile.

A line exists for others from the moment that its transaction has ended: a reader of the database looks for new lines
every few milliseconds, and an event's lag runs from its last look without the line to the line's arrival at a screen,
over every line and every screen. The lag from the line's own stamp is told beside it; it holds the transaction too.
Against: a bare uvicorn that sends one event 20 times a second to as many streams. All share the machine.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from bisect import bisect_left
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import orjson

from . import storm
from .city import ROOT, City, Server, free_port, post
from .figure import Figure, percentile

SCREENS = 500
SECONDS = 60.0
PAUSE_S = 0.1
LOOK_S = 0.003
BEFORE = "2022-09-15 08:30:00"
"""The rain is heavy; the rain signal turns orange after an hour and a half, and the response rises to level III."""


def measure(planted: City, box: Path, screens: int = SCREENS, seconds: float = SECONDS) -> list[Figure]:
    city = planted.copy(box / "screens")
    world = storm.play_until(city, BEFORE, 600)
    with city.open() as server:
        seen = observe(server, world, screens, seconds)
    peer = [lag for lag, _ in bare(screens, min(seconds, 15.0))]
    every, stamped = ([lag for lag, _ in lags] for lags in (seen.lags, seen.stamped))
    against = "bare uvicorn, as many streams"
    return [
        Figure(f"live event to {screens} screens, p50", percentile(every, 0.5) * 1000, "ms", None, percentile(peer, 0.5) * 1000, against),
        Figure(f"live event to {screens} screens, p99", percentile(every, 0.99) * 1000, "ms", 100, percentile(peer, 0.99) * 1000, against),
        Figure("the same from the line's stamp, p99", percentile(stamped, 0.99) * 1000, "ms"),
        Figure("lines that were seen", len({pk for _, pk in seen.lags}), "lines"),
        *(Figure(f"{name} meanwhile, p95", percentile(took, 0.95) * 1000, "ms", 200) for name, took in seen.pages.items()),
    ]  # fmt: skip


@dataclass
class Seen:
    """(lag, line) of every event at every screen, from its transaction's end and from its stamp; seconds of pages."""

    lags: list[tuple[float, int]]
    stamped: list[tuple[float, int]]
    pages: dict[str, list[float]]


def observe(server: Server, world: int, screens: int, seconds: float) -> Seen:
    """Open the screens of a replay that is held, let it go on, and watch."""
    city = server.city
    watching = readers(server.port, f"/w/{world}/live/?watch=screen", screens, seconds)
    looking, looks = threading.Event(), []
    looker = threading.Thread(target=_look, args=(city, looking, looks))
    looker.start()
    try:
        with server.visitor("duty_lead") as client:
            client.get("/desk/worlds/").raise_for_status()
            post(client, f"/desk/worlds/{world}/resume/", {}).raise_for_status()
        pages = _pages(server, world, seconds)
        told = heard(watching, screens)
    finally:
        looking.set()
        looker.join()
    lines = city.ask("select id, recorded_at from journal_line where world_id = ?", world)
    ids = [last for _, last in looks]
    ended = {pk: looks[bisect_left(ids, pk) - 1][0] for pk, _ in lines if pk > ids[0]}
    return Seen(_lags(told, ended), _lags(told, {pk: _epoch(at) for pk, at in lines}), pages)


def _look(city: City, stop: threading.Event, looks: list[tuple[float, int]]) -> None:
    """Note again and again which line is the last that others can see."""
    with closing(sqlite3.connect(f"file:{city.home / 'anlan.sqlite3'}?mode=ro", uri=True, timeout=30)) as database:
        while not stop.wait(LOOK_S):
            at = time.time()
            looks.append((at, database.execute("select max(id) from journal_line").fetchone()[0]))


def _pages(server: Server, world: int, seconds: float) -> dict[str, list[float]]:
    """How long each page takes, asked for one after the other."""
    took: dict[str, list[float]] = {"wall": [], "state of the wall": [], "list of a call": []}
    paths = (f"/w/{world}/screen/", f"/w/{world}/screen/state.json", f"/w/{world}/r/addressee/")
    end = time.monotonic() + seconds
    with server.visitor() as client:
        while time.monotonic() < end:
            for name, path in zip(took, paths, strict=True):
                began = time.perf_counter()
                client.get(path).raise_for_status()
                took[name].append(time.perf_counter() - began)
                time.sleep(PAUSE_S)
    return took


def readers(port: int, path: str, screens: int, seconds: float, cookie: str = "") -> subprocess.Popen[bytes]:
    """The process of so many open screens, once all are open."""
    words = [sys.executable, "-m", "bench.streams", str(port), path, str(screens), str(seconds), *filter(None, [cookie])]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    return process


def heard(process: subprocess.Popen[bytes], screens: int) -> dict[str, Any]:
    """What they got, when their time is over."""
    out, _ = process.communicate(timeout=300)
    told = orjson.loads(out)
    if told["open"] != screens or told["broken"]:
        raise RuntimeError(f"{told['open']} of {screens} screens opened, {told['broken']} broke off")
    return told


def _lags(told: dict[str, Any], made: dict[int, float]) -> list[tuple[float, int]]:
    """Only lines written after all screens were open count."""
    since, came = told["since"], told["came"]
    return [
        (at - made[int(pk)], int(pk)) for pk, kept in came.items() if made.get(int(pk), 0) > since for at in kept["at"]
    ]


def _epoch(recorded: str) -> float:
    return datetime.fromisoformat(recorded).replace(tzinfo=UTC).timestamp()


def bare(screens: int, seconds: float) -> list[tuple[float, int]]:
    """The lags of the peer."""
    port = free_port()
    words = [sys.executable, "-m", "uvicorn", "bench.echo:app", "--port", str(port), "--log-level", "critical", "--timeout-graceful-shutdown", "1"]
    server = subprocess.Popen(words, cwd=ROOT)
    try:
        answering(port)
        told = heard(readers(port, "/live/", screens, seconds), screens)
        return _lags(told, {int(pk): kept["made"] for pk, kept in told["came"].items()})
    finally:
        server.terminate()
        server.wait(10)


def answering(port: int, seconds: float = 20) -> None:
    """Wait until something answers there."""
    end = time.monotonic() + seconds
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{port}/", timeout=2).raise_for_status()
            return
        except httpx.TransportError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
