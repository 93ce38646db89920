"""What a game of the cluster is played on: a fresh database, nodes, workers, what is sent, and what must come of it."""

from __future__ import annotations

import argparse
import os
import random
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

from . import network
from .peers.process import cpu

SITES = 2_000
HOT = 0.0002
"""Of the readings so many reach a level."""
DRAIN_S = 60.0


def free_ports() -> list[int]:
    """Three in a row that are free, and those of the nodes among themselves and for devices."""
    while True:
        base = random.randrange(20_000, 28_000)
        wanted = [base + n + more for n in range(3) for more in (0, 2000, 4000)]
        if all(_free(port) for port in wanted):
            return [base, base + 1, base + 2]


def _free(port: int) -> bool:
    with closing(socket.socket()) as one:
        return one.connect_ex(("127.0.0.1", port)) != 0


def database(server: str, stack: ExitStack) -> str:
    """A fresh database on that server, dropped in the end."""
    name = f"anlan_play_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as line:
        line.execute(f"create database {name}")

    def drop() -> None:
        from django.db import connection

        connection.close()
        with psycopg.connect(server, autocommit=True) as line:
            line.execute(f"drop database {name} with (force)")

    stack.callback(drop)
    return f"{server.rsplit('/', 1)[0]}/{name}"


@dataclass
class Sent:
    """One message: when it was sent, and the machine's answer to it."""

    at: float
    ms: int
    readings: int


@dataclass
class Ground:
    """A network of that many sensors, declared; the nodes begun; no worker yet."""

    args: argparse.Namespace
    ports: list[int]
    stack: ExitStack
    sent: list[Sent] = field(default_factory=list)
    expected: set[tuple[int, int, int]] = field(default_factory=set)
    """Sensor, rule, ms."""
    course: network.Course | None = None

    def __post_init__(self) -> None:
        from anlan.faces import cluster
        from anlan.faces.commands import setup
        from anlan.kernel.people import scope
        from anlan.sensing.cluster import bus

        setup()
        self.stack.enter_context(scope.everyone())
        self._declare()
        self.nodes = cluster.nodes(self.args.home / "cluster", self.ports)
        self.workers: dict[str, Any] = {}
        self.stack.callback(self._end)
        self.sender = bus.Sender()
        self.stack.callback(self.sender.close)
        self.sender.room()
        self.rng = np.random.default_rng(self.args.seed)
        self._prepare()

    def _end(self) -> None:
        for one in [*self.workers.values(), *self.nodes]:
            one.end()

    def _declare(self) -> None:
        from anlan.kernel.people import scope
        from anlan.kernel.people.models import Area
        from anlan.sensing.models import Edition, Rule, Sensor, Station

        Area.objects.get_or_create(code=scope.ROOT, defaults={"name": "市", "level": "city"})
        told = {"area_id": scope.ROOT, "lon": 120.4, "lat": 36.1}
        Station.everywhere.bulk_create(Station(code=f"P{n}", name=f"场所{n}", kind="other", **told) for n in range(SITES))
        sites = list(Station.everywhere.order_by("pk").values_list("pk", flat=True))
        rows = (
            Sensor(station_id=sites[n % SITES], code=f"p{n}", quantity="level", unit="m", low=-1000, high=1000, area_id=scope.ROOT)
            for n in range(self.args.sensors)
        )
        Sensor.everywhere.bulk_create(rows, batch_size=5000)
        same = {"hazard": "测", "quantity": "level", "hours": 0, "source": "测", "confidence": "合成", "version": "1", "since": date(2020, 1, 1)}
        two = [network.Limit("high", 3, 40, 35), network.Limit("high", 1, 60, 55, hold_up_s=1)]
        limits = network.limits() if self.args.every_rule else two
        Rule.objects.bulk_create(Rule(area_id=scope.ROOT, mark="", **asdict(limit), **same) for limit in limits)
        Edition.turn()

    def _prepare(self) -> None:
        from anlan.engines.sense import net
        from anlan.sensing import book
        from anlan.sensing.cluster import door

        self.book = book.compile_book(date.today())
        self.machine = net.Machine(self.book.plan)
        self.ids = (self.book.plan.key[: self.book.plan.sensors] >> 32).astype(np.int32)
        self.part = door.current().part

    # ── what is sent, and what must come of it ──────────────────────────────────────────────────────────────

    def tick(self, n: int) -> Any:
        """The n-th message: a share of the sensors, one in five thousand of them at a level."""
        from anlan.engines.sense import wire
        from anlan.kernel.clock import real
        from anlan.sensing import settle

        ids = self.ids[n % self.args.ticks :: self.args.ticks]
        if self.course:
            value = self.course.second(len(self.sent))
        else:
            value = np.round(self.rng.normal(20, 1.5, len(ids)), 2)
            hot = self.rng.random(len(ids)) < HOT
            value[hot] += self.rng.choice([30, 45], hot.sum())
        moment = round(real().timestamp() * 1000)
        at = np.full(len(ids), moment, np.int64)
        for event in self.machine.apply(ids, at, value, moment).events:
            for change in settle.changes(self.book, event):
                if change.on:
                    self.expected.add((*change.key, round(change.at.timestamp() * 1000)))
        flush = wire.build(
            self.sender.door, self.sender.next(), moment, self.part[ids], np.zeros(1, np.int64), at, value, ids, np.zeros(len(ids), np.uint16)
        )
        self.sent.append(Sent(time.time(), moment, len(ids)))
        return self.sender.start(flush)

    def feed(self, seconds: float, acts: dict[int, Callable[[], None]] | None = None) -> list[Any]:
        """Send at the pace; ``acts`` are done before the message of that number. What is on its way in the end."""
        began, flying = time.monotonic(), []
        for n in range(round(seconds * self.args.ticks)):
            if acts and n in acts:
                acts[n]()
            flying.append(self.tick(n))
            rest = began + (n + 1) / self.args.ticks - time.monotonic()
            if rest > 0:
                time.sleep(rest)
        return flying

    # ── the workers ─────────────────────────────────────────────────────────────────────────────────────────

    def begin_only(self, *names: str) -> None:
        from anlan.faces.cluster import Beside

        for name in names:
            self.workers[name] = Beside(name, ["sense", "--worker", name], dict(os.environ))

    def begin(self, *names: str) -> None:
        """Start these workers and wait until they have shared out the parts."""
        self.begin_only(*names)
        self.wait_for(lambda: len(self._shares()) >= len(self.workers), 90)
        time.sleep(2)

    def wait_for(self, true: Callable[[], bool], seconds: float) -> bool:
        until = time.monotonic() + seconds
        while not true():
            if time.monotonic() > until:
                return False
            time.sleep(0.05)
        return True

    def _shares(self) -> list[str]:
        from anlan.kernel.clock.models import Beat
        from anlan.sensing import parts

        told = Beat.objects.filter(name__startswith="sense:", detail__contains=f"/ {len(parts.ALL)}")
        return list(told.exclude(detail__startswith="0 / ").values_list("name", flat=True))

    def pid(self, name: str) -> int:
        return self.workers[name].process.pid

    # ── what came of it ─────────────────────────────────────────────────────────────────────────────────────

    def stored(self) -> int:
        from django.db.models import Sum

        from anlan.sensing import parts
        from anlan.sensing.models import Batch

        return Batch.objects.filter(part__gte=1, part__lte=parts.PARTS).aggregate(n=Sum("kept"))["n"] or 0

    def result(self, flying: list[Any]) -> dict[str, Any]:
        """Wait until all is judged; lost, doubled and unexpected alarms, lost readings, and how long alarms took."""
        acked = sum(s.readings for s, f in zip(self.sent, flying, strict=True) if self._acked(f))
        drained = self.wait_for(lambda: self.stored() >= acked, DRAIN_S)
        time.sleep(1)
        from anlan.sensing.models import Alarm

        rows = [(s, r, round(at.timestamp() * 1000)) for s, r, at in Alarm.objects.values_list("sensor_id", "rule_id", "at")]
        told = set(rows)
        readings = sum(s.readings for s in self.sent)
        return {
            "readings": readings, "acknowledged": acked, "stored": self.stored(), "drained": drained, "alarms": len(self.expected),
            "lost": len(self.expected - told), "doubled": len(rows) - len(told), "unexpected": len(told - self.expected), "lag_ms": self.lags(),
        }  # fmt: skip

    def _acked(self, one: Any) -> bool:
        from anlan.sensing.cluster.bus import Unsent

        try:
            one.result(60)
            return True
        except Unsent:
            return False

    def lags(self, since: float = 0.0, until: float = float("inf")) -> dict[str, float]:
        """From sending to the line in the journal, ms, of alarms sent between two moments."""
        from anlan.kernel.journal.models import Line
        from anlan.sensing.models import Alarm

        sent = {s.ms: s.at for s in self.sent if since <= s.at < until}
        at = {str(pk): round(moment.timestamp() * 1000) for pk, moment in Alarm.objects.values_list("pk", "at")}
        found = sorted(
            1000 * (written.timestamp() - sent[at[pk]])
            for pk, written in Line.objects.filter(verb="alarm.raised").values_list("subject_id", "recorded_at")
            if at.get(pk) in sent
        )
        if not found:
            return {}
        return {name: round(found[min(len(found) - 1, int(q * len(found)))], 1) for name, q in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))}

    # ── what it takes ───────────────────────────────────────────────────────────────────────────────────────

    def cpu(self) -> float:
        """Seconds of processor time of the workers so far."""
        return sum(cpu(worker.process.pid) for worker in self.workers.values())

    def served(self) -> float:
        """Seconds of processor time of the nodes and of PostgreSQL so far, where that is on this machine."""
        with psycopg.connect(os.environ["ANLAN_DB"]) as line:
            backend = Path(f"/proc/{line.info.backend_pid}/stat")
            postgres = int(backend.read_text().rsplit(")", 1)[1].split()[1]) if backend.exists() else 0
            return sum(cpu(pid) for pid in [*(node.process.pid for node in self.nodes), *([postgres] if postgres else [])])

    async def lead(self) -> str:
        """The name of the node that leads the stream."""
        from anlan.sensing.cluster import bus

        line = await bus.connect("play")
        try:
            info = await line.jetstream().stream_info(bus.STREAM)
            return str(info.cluster.leader) if info.cluster else ""
        finally:
            await line.close()
