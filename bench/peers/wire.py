"""Frames of readings in, lines of events out: the wire on which Anlan's machine and a Flink job do the same work.

A frame is int32 n, int32 sensor[n], int64 ms[n], float64 value[n], little endian; all its readings bear the moment at
which it was taken, and n = 0 ends the wire. A line is ``sensor kind was now ms``. As ``python -m bench.peers.wire IN OUT
LIMITS FOLDER SECONDS [seal]`` this is Anlan's end of it: the network's machine, and with a FOLDER other than ``-`` its log,
and a snapshot every so many SECONDS, as `anlan.sensing` keeps them; with ``seal`` the log also goes into the archive.
"""

from __future__ import annotations

import socket
import sqlite3
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.engines.archive.seal import seal
from anlan.engines.sense import judge, layout, net

SEALED = 4_000_000
"""Readings of one file of the archive."""
ORDER = "low high up up_clear down down_clear hold_up hold_down rate rate_hold stuck_ms stuck_band bad_n"
READING = 20


def frame(sensor: NDArray[np.int32], at: int, value: NDArray[np.float64]) -> bytes:
    """Readings (n,) taken at one moment, ms."""
    return b"".join([struct.pack("<i", len(sensor)), sensor.tobytes(), np.full(len(sensor), at, np.int64).tobytes(), value.tobytes()])


END = struct.pack("<i", 0)


def write_limits(path: Path, table: NDArray[np.void], profile: NDArray[np.int32]) -> None:
    """Profiles, and which of them each sensor has, as the job reads them (big endian) and beside it as numpy does."""
    np.savez(path.with_suffix(".npz"), table=table, profile=profile)
    flat = np.column_stack([table[name].reshape(len(table), -1).astype(float) for name in ORDER.split()])
    path.write_bytes(struct.pack(">ii", len(table), len(profile)) + flat.astype(">f8").tobytes() + profile.astype(">i4").tobytes())


def plan(path: Path) -> net.Plan:
    """Of the same limits."""
    with np.load(path.with_suffix(".npz")) as kept:
        table, profile = layout.sealed(kept["table"]), kept["profile"]
    return net.Plan(np.arange(len(profile), dtype=np.int64) << 32, len(profile), profile, table)


class Store:
    """A log, an archive and snapshots in a folder."""

    def __init__(self, folder: Path, every_s: float, seals: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.every_s, self.seals, self.shot = folder, every_s, seals, time.monotonic()
        self.log = sqlite3.connect(folder / "log.sqlite3", isolation_level=None)
        self.log.executescript(
            "pragma journal_mode=wal; pragma synchronous=normal;"
            "create table batch (number integer primary key, at integer, count integer, body blob);"
            "create table snapshot (number integer primary key, body blob)"
        )
        self.count = 0

    def keep(self, at: int, count: int, body: memoryview) -> None:
        """Log a frame before it is judged."""
        self.log.execute("insert into batch (at, count, body) values (?, ?, ?)", (at, count, body))
        self.count += count
        if self.seals and self.count >= SEALED:
            self.seal()

    def seal(self) -> None:
        """Move the log into the archive."""
        rows = self.log.execute("select number, count, body from batch order by number").fetchall()
        parts = [columns(body, count) for _, count, body in rows]
        seal(self.folder / "archive", *(np.concatenate(column) for column in zip(*parts, strict=True)))
        self.log.execute("delete from batch where number <= ?", (rows[-1][0],))
        self.count = 0

    def shoot(self, machine: net.Machine) -> None:
        """Keep the state, when it is time again."""
        if time.monotonic() - self.shot >= self.every_s:
            self.log.execute("insert or replace into snapshot values (1, ?)", (machine.dump(),))
            self.shot = time.monotonic()


def columns(body: Any, n: int) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.float64]]:
    """Sensors, times, values (n,) of a frame behind its count."""
    return np.frombuffer(body, np.int32, n), np.frombuffer(body, np.int64, n, 4 * n), np.frombuffer(body, np.float64, n, 12 * n)


def frames(line: socket.socket) -> Iterator[tuple[int, memoryview]]:
    """Readings of each frame, and its body, which is good until the next is asked for."""
    room = memoryview(bytearray(READING * 10_000))
    while n := struct.unpack("<i", line.recv(4, socket.MSG_WAITALL))[0]:
        if len(room) < n * READING:
            room = memoryview(bytearray(n * READING))
        line.recv_into(room, n * READING, socket.MSG_WAITALL)
        yield n, room[: n * READING]


def work(line: socket.socket, lines: socket.socket, machine: net.Machine, store: Store | None) -> None:
    """Until the wire ends."""
    for n, body in frames(line):
        sensor, at, value = columns(body, n)
        now = int(at[0])
        if store:
            store.keep(now, n, body)
        events = machine.apply(sensor, at, value, now).events
        if len(events):
            rows = zip(*(events[name].tolist() for name in ("channel", "kind", "was", "now", "at")), strict=True)
            lines.sendall(b"".join(b"%d %d %d %d %d\n" % row for row in rows))
        if store:
            store.shoot(machine)


def main(port: str, back: str, limits: str, folder: str, every_s: str, seals: str = "") -> None:
    machine = net.Machine(plan(Path(limits)))
    judge.judge(layout.fresh(1), machine.plan.table, *(np.empty(0, kind) for kind in ("i4", "i8", "f8")), 0)  # compiled
    store = None if folder == "-" else Store(Path(folder), float(every_s), bool(seals))
    with socket.create_connection(("127.0.0.1", int(port))) as line, socket.create_connection(("127.0.0.1", int(back))) as lines:
        work(line, lines, machine, store)


if __name__ == "__main__":
    main(*sys.argv[1:])
