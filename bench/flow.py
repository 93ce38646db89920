"""A stream of readings judged off the wire, 50 000 sensors, every rule but silence. Against: Apache Flink on the same wire.

Both get the same frames of 10 000 readings as fast as they take them, and must tell the same events, line for line;
otherwise there is no figure. One reading in two thousand is at a level. With storage, Anlan logs each frame and keeps
snapshots; Flink writes each reading to files of twenty bytes a row, and checkpoints its state.
Processor time is that of the whole process, all its threads, of the best of three stretches after a warming one. Ours
are so short that another guest of the machine can lie on all three: they are run before Flink's and again behind. Silence
is left out, for Flink would need a timer for each reading, and alarms as rows of a database: `bench.whole` has them.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from anlan.engines.sense import layout

from .city import ROOT, City
from .figure import Figure
from .peers import flink, wire
from .peers.process import cpu, running

SENSORS, AT_ONCE, ROUNDS = 50_000, 10_000, 20
MILLIONS, TIMES = 4, 3
"""Readings of a stretch, and how many stretches are measured."""
LONGER = 4
"""So much longer is a stretch without storage: the system counts in hundredths of a second."""
CHECKPOINT_S = 5
START = 1_790_000_000_000
PACE_MS = 200
"""From one frame to the next, so that each sensor reads once a second."""
BARE = "processor time of a million readings judged off the wire"
STORED = "the same, readings and state stored"
SEALED = "the same, readings also sealed into the archive"
PATIENCE_S = 300
Frames = list[tuple[NDArray[np.int32], NDArray[np.float64]]]
OURS = [sys.executable, "-m", "bench.peers.wire"]


def measure(_: City, box: Path, millions: int = MILLIONS, times: int = TIMES) -> Iterator[Figure]:
    home = box / "flow"
    home.mkdir()
    wire.write_limits(home / "limits", *_network())
    frames, missing = _frames(), flink.missing()
    theirs = [] if missing else flink.job(home / "job")
    for name, what, share, long in (("bare", BARE, 1 / 20, LONGER * millions), ("stored", STORED, 1 / 8, millions)):
        value, told = _run(OURS, home / name, frames, long, times)
        if missing:
            yield Figure(what, value, "s", against=missing)
            continue
        peer, same = _run(theirs, home / f"{name}-flink", frames, long, times)
        again, anew = _run(OURS, home / f"{name}-again", frames, long, times)
        if not told == anew == same:
            raise RuntimeError(f"Anlan told {len(told)} events and Flink {len(same)}; they differ in {len(set(told) ^ set(same))}")
        yield Figure(what, min(value, again), "s", share * peer, peer, f"Flink {flink.version()}")
        yield Figure("events told meanwhile, equal in both", len(told), "events")
    sealed, _ = _run(OURS, home / "stored-sealed", frames, millions, times, "seal")
    yield Figure(SEALED, sealed, "s", None, *((None, missing) if missing else (peer, f"Flink {flink.version()}, which seals nothing")))


def _network() -> tuple[Any, Any]:
    """Thirty-two profiles and who has which; the last sensor has one of its own and marks the end of a stretch."""
    table, rng = layout.profiles(33), np.random.default_rng(7)
    base = rng.uniform(25, 40, 33)[:, None]
    table["up"], table["down"] = base + np.array([0, 3, 6, 9.0]), -base - np.array([0, 3, 6, 9.0])
    table["up_clear"], table["down_clear"] = table["up"] - 0.5, table["down"] + 0.5
    table["hold_up"], table["hold_down"] = rng.choice([0, 2000, 5000], (33, 1)), 10_000
    table["rate"], table["rate_hold"], table["stuck_ms"], table["bad_n"] = 60, 10_000, 600_000, 3
    table["low"], table["high"] = -1000, 1000
    table["hold_up"][32] = table["hold_down"][32] = 0
    profile = rng.integers(0, 32, SENSORS + 1).astype(np.int32)
    profile[SENSORS] = 32
    return layout.sealed(table), profile


def _frames() -> Frames:
    """Sensors and values of a million readings: each round every sensor reads once, in random order."""
    rng, found = np.random.default_rng(11), []
    for _ in range(ROUNDS):
        order, value = rng.permutation(SENSORS).astype(np.int32), rng.normal(10, 1.5, SENSORS)
        hot = rng.random(SENSORS) < 1 / 2000
        value[hot] += rng.uniform(15, 40, hot.sum())
        found += [(order[a : a + AT_ONCE], value[a : a + AT_ONCE]) for a in range(0, SENSORS, AT_ONCE)]
    return found


def _run(words: list[str], folder: Path, frames: Frames, millions: int, times: int, *more: str) -> tuple[float, list[bytes]]:
    """(processor seconds of a million readings at best, every line that was told, sorted)."""
    with socket.create_server(("127.0.0.1", 0)) as give, socket.create_server(("127.0.0.1", 0)) as take:
        ports = [str(side.getsockname()[1]) for side in (give, take)]
        keeps = str(folder) if folder.name.startswith("stored") else "-"
        given = [*ports, str(folder.parent / "limits"), keeps, str(CHECKPOINT_S), *more]
        with running([*words, *given], folder.with_suffix(".log"), ROOT) as process:
            for side in (give, take):
                side.settimeout(PATIENCE_S)
            (out, _), (back, _) = give.accept(), take.accept()
            with out, back:
                back.settimeout(PATIENCE_S)
                lines, told, spent = back.makefile("rb"), list[bytes](), [cpu(process.pid)]
                for n in range(1 + times):
                    _stretch(out, lines, told, frames, n * millions, millions)
                    spent.append(cpu(process.pid))
                out.sendall(wire.END)
    return min(after - before for before, after in pairwise(spent[1:])) / millions, sorted(told)


def _stretch(out: socket.socket, lines: BinaryIO, told: list[bytes], frames: Frames, first: int, count: int) -> None:
    """Send so many millions and then the marking sensor beyond its limit and back; wait until both are told."""
    for n in range(first, first + count):
        for k, (sensor, value) in enumerate(frames):
            out.sendall(wire.frame(sensor, START + (n * len(frames) + k) * PACE_MS, value))
    mark, end = np.array([SENSORS], np.int32), START + (first + count) * len(frames) * PACE_MS
    for at, value in ((end - 2, 500.0), (end - 1, 0.0)):
        out.sendall(wire.frame(mark, at, np.array([value])))
    last = f"{SENSORS} {layout.Kind.LEVEL} 4 0 {end - 1}\n".encode()
    while not told or told[-1] != last:
        if not (line := lines.readline()):
            raise RuntimeError("the far end has gone")
        told.append(line)
