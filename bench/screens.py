"""500 open screens while the storm is replayed at 600×: how late a live event is, how long pages take meanwhile.

An event's lag runs from the journal's ``recorded_at`` (a moment before its transaction ended) to its arrival at a
screen, over every line and every screen. Against: a bare uvicorn that sends one event 20 times a second to as many
streams. Server and screens share the machine.
"""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import orjson

from . import storm
from .city import ROOT, City, Server, free_port
from .figure import Figure, percentile

SCREENS = 500
SECONDS = 60.0
PAUSE_S = 0.1
FIRST_RAIN = "2022-09-14 08:45:00"
"""Just before the first signal: the calls of the first response fall into the measured minute."""


def measure(planted: City, box: Path, screens: int = SCREENS, seconds: float = SECONDS) -> list[Figure]:
    city = planted.copy(box / "screens")
    with city.open() as server:
        world = city.one(storm.WORLD)
        server.until(lambda: city.one("select step from worlds_world where id = ?", world) > FIRST_RAIN)
        lags, pages = observe(server, world, screens, seconds)
    bare = [lag for lag, _ in _bare(screens, min(seconds, 15.0))]
    every = [lag for lag, _ in lags]
    against = "bare uvicorn, as many streams"
    return [
        Figure(f"live event to {screens} screens, p50", percentile(every, 0.5) * 1000, "ms", None, percentile(bare, 0.5) * 1000, against),
        Figure(f"live event to {screens} screens, p99", percentile(every, 0.99) * 1000, "ms", 100, percentile(bare, 0.99) * 1000, against),
        Figure("lines that were seen", len({pk for _, pk in lags}), "lines"),
        *(Figure(f"{name} meanwhile, p95", percentile(took, 0.95) * 1000, "ms", 200) for name, took in pages.items()),
    ]  # fmt: skip


def observe(server: Server, world: int, screens: int, seconds: float) -> tuple[list[tuple[float, int]], dict[str, list[float]]]:
    """(lag, line) of every event at every screen, and the seconds that each page took."""
    readers = _readers(server.port, f"/w/{world}/live/?watch=screen", screens, seconds)
    pages: dict[str, list[float]] = {"wall": [], "state of the wall": [], "list of a call": []}
    paths = (f"/w/{world}/screen/", f"/w/{world}/screen/state.json", f"/w/{world}/r/addressee/")
    end = time.monotonic() + seconds
    with server.visitor() as client:
        while time.monotonic() < end:
            for name, path in zip(pages, paths, strict=True):
                began = time.perf_counter()
                client.get(path).raise_for_status()
                pages[name].append(time.perf_counter() - began)
                time.sleep(PAUSE_S)
    told = _told(readers, screens)
    made = {pk: _epoch(at) for pk, at in server.city.ask("select id, recorded_at from journal_line where world_id = ?", world)}
    return _lags(told, made), pages


def _readers(port: int, path: str, screens: int, seconds: float) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "bench.streams", str(port), path, str(screens), str(seconds)]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    return process


def _told(readers: subprocess.Popen[bytes], screens: int) -> dict[str, Any]:
    out, _ = readers.communicate(timeout=300)
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


def _bare(screens: int, seconds: float) -> list[tuple[float, int]]:
    """The lags of the peer."""
    port = free_port()
    words = [sys.executable, "-m", "uvicorn", "bench.echo:app", "--port", str(port), "--log-level", "warning", "--timeout-graceful-shutdown", "1"]
    server = subprocess.Popen(words, cwd=ROOT)
    try:
        answering(port)
        told = _told(_readers(port, "/live/", screens, seconds), screens)
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
