"""A cluster played with: three nodes, some workers, readings sent straight to the bus, and somebody who kills.

What must come out is reckoned here by one machine over all that was sent, and compared with the alarms in the table.
Written as ``python -m bench.cluster_play HOME POSTGRES WHAT …``; prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import psycopg

from . import network
from .peers.process import cpu

SITES = 2_000
HOT = 0.0002
"""Of the readings so many reach a level."""
DRAIN_S = 60.0
WARM = 10
"""Seconds that are not measured."""


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("home", type=Path)
    parser.add_argument("postgres")
    parser.add_argument("what", choices=["kill", "stop", "leader", "often", "rate", "pace", "all"])
    parser.add_argument("--sensors", type=int, default=200_000)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--nodes", type=int, choices=[1, 3], default=3)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--ticks", type=int, default=5, help="messages in a second, each of a share of the sensors")
    parser.add_argument("--every-rule", action="store_true", help="the limits of `bench.network`, one rule of each kind, and not two levels alone")
    args = parser.parse_args()
    with ExitStack() as stack:
        ports = free_ports()[: args.nodes]
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "anlan.settings", "ANLAN_HOME": str(args.home), "ANLAN_DEMO": "0",
            "ANLAN_DB": database(args.postgres, stack), "ANLAN_BUS": ",".join(f"nats://127.0.0.1:{port}" for port in ports),
        }  # fmt: skip
        import django

        django.setup()
        play = Play(args, ports, stack)
        print(orjson.dumps(getattr(play, args.what)()).decode())
    return 0


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
class Play:
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

        return list(Beat.objects.filter(name__startswith="sense:", detail__contains="/ 17").values_list("name", flat=True))

    def pid(self, name: str) -> int:
        return self.workers[name].process.pid

    # ── what came of it ─────────────────────────────────────────────────────────────────────────────────────

    def stored(self) -> int:
        from django.db.models import Sum

        from anlan.sensing.models import Batch

        return Batch.objects.filter(part__gte=1, part__lte=16).aggregate(n=Sum("kept"))["n"] or 0

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

    # ── what is played ──────────────────────────────────────────────────────────────────────────────────────

    def rate(self) -> dict[str, Any]:
        """How many readings a second so many workers judge and write when the log is full."""
        self.feed_at_once(self.args.seconds)
        readings = sum(s.readings for s in self.sent)
        names = [f"w{n}" for n in range(self.args.workers)]
        self.begin_only(*names)
        self.wait_for(lambda: self.stored() > readings / 10, 90)
        began, had, spent, served = time.monotonic(), self.stored(), self.cpu(), self.served()
        self.wait_for(lambda: self.stored() >= readings, 300)
        judged = (readings - had) / 1e6
        return {
            "workers": self.args.workers, "readings": readings, "a_second": round(judged * 1e6 / (time.monotonic() - began)),
            "cpu_s_a_million": round((self.cpu() - spent) / judged, 2),
            "servers_cpu_s_a_million": round((self.served() - served) / judged, 2),
        }  # fmt: skip

    def pace(self) -> dict[str, Any]:
        """What it takes to judge and keep readings that come at their pace: every sensor once a second, the course of `bench.whole`."""
        self.args.ticks = 1
        self.course = network.Course(self.args.sensors, WARM + round(self.args.seconds))
        self.begin(*(f"w{n}" for n in range(self.args.workers)))
        flying = self.feed(WARM)
        before, spent, served = sum(s.readings for s in self.sent), self.cpu(), self.served()
        flying += self.feed(self.args.seconds)
        time.sleep(1)
        spent, served = self.cpu() - spent, self.served() - served
        told = self.result(flying)
        judged = (told["readings"] - before) / 1e6
        return {**told, "cpu_s_a_million": round(spent / judged, 2), "servers_cpu_s_a_million": round(served / judged, 2)}

    def served(self) -> float:
        """Seconds of processor time of the three nodes and of PostgreSQL so far, where that is on this machine."""
        with psycopg.connect(os.environ["ANLAN_DB"]) as line:
            backend = Path(f"/proc/{line.info.backend_pid}/stat")
            postgres = int(backend.read_text().rsplit(")", 1)[1].split()[1]) if backend.exists() else 0
            return sum(cpu(pid) for pid in [*(node.process.pid for node in self.nodes), *([postgres] if postgres else [])])

    def feed_at_once(self, seconds: float) -> None:
        """All of it, with the stamps of now and as fast as the bus takes it."""
        for n in range(round(seconds * self.args.ticks)):
            self.tick(n).result(60)

    def cpu(self) -> float:
        """Seconds of processor time of the workers so far."""
        tick = os.sysconf("SC_CLK_TCK")
        spent = [Path(f"/proc/{w.process.pid}/stat").read_text().rsplit(")", 1)[1].split() for w in self.workers.values()]
        return sum((int(s[11]) + int(s[12])) / tick for s in spent)

    def kill(self) -> dict[str, Any]:
        return self._one_fails(lambda pid: os.kill(pid, signal.SIGKILL))

    def stop(self) -> dict[str, Any]:
        """The worker is stopped for six seconds and goes on as if nothing had happened."""
        return self._one_fails(lambda pid: os.kill(pid, signal.SIGSTOP), lambda pid: os.kill(pid, signal.SIGCONT), 6)

    def _one_fails(self, fail: Callable[[int], None], back: Callable[[int], None] | None = None, after: float = 0) -> dict[str, Any]:
        names = [f"w{n}" for n in range(self.args.workers)]
        self.begin(*names)
        self.feed(3)
        middle, failed = round(self.args.seconds * self.args.ticks / 2), [0.0]
        victim = self.pid(names[0])

        def strike() -> None:
            failed[0] = time.time()
            fail(victim)

        acts: dict[int, Callable[[], None]] = {middle: strike}
        if back:
            acts[middle + round(after * self.args.ticks)] = lambda: back(victim)
        watch = Watch(os.environ["ANLAN_DB"], failed)
        before = len(self.sent)
        flying = self.feed(self.args.seconds, acts)
        judged = watch.end()
        told = self.result([Done()] * before + flying)
        return {**told, "again_s": judged}

    def often(self) -> dict[str, Any]:
        """Workers are killed at random moments, one after another, while readings come."""
        names = [f"w{n}" for n in range(self.args.workers)]
        self.begin(*names)
        chance, flying = random.Random(self.args.seed), []
        for _ in range(self.args.kills):
            name = chance.choice(names)
            if self.workers[name].process.poll() is None:
                os.kill(self.pid(name), signal.SIGKILL)
                self.workers[name].process.wait()
            self.workers[name].begin()
            flying += self.feed(chance.uniform(0.4, 2.0))
        return {"kills": self.args.kills, **self.result(flying)}

    def all(self) -> dict[str, Any]:
        """A bit of everything, one after the other: a worker is killed and begun again, one is stopped and goes on, the stream loses
        its leader, two more workers come."""
        self.begin("w0", "w1")
        one, two = self.workers["w0"], self.pid("w1")
        node = next(node for node in self.nodes if node.name == asyncio.run(self._lead()))
        acts: dict[int, Callable[[], None]] = {
            2 * self.args.ticks: lambda: os.kill(one.process.pid, signal.SIGKILL),
            6 * self.args.ticks: lambda: again(one),
            11 * self.args.ticks: lambda: os.kill(two, signal.SIGSTOP),
            15 * self.args.ticks: lambda: os.kill(two, signal.SIGCONT),
            17 * self.args.ticks: node.process.kill,
            22 * self.args.ticks: lambda: again(node),
            23 * self.args.ticks: lambda: self.begin_only("w2", "w3"),
        }
        return self.result(self.feed(32, acts))

    def leader(self) -> dict[str, Any]:
        """The node that leads the stream is killed, and begun again; nobody of ours is connected to it."""
        names = [f"w{n}" for n in range(self.args.workers)]
        lead = asyncio.run(self._lead())
        others = [node.address for node in self.nodes if node.name != lead]
        os.environ["ANLAN_BUS"] = ",".join([*others, *(node.address for node in self.nodes if node.name == lead)])
        self.begin(*names)
        node = next(node for node in self.nodes if node.name == lead)
        moments = []

        def act(done: Callable[[], None]) -> None:
            moments.append(time.time())
            done()

        middle = round(self.args.seconds * self.args.ticks / 2)
        later = middle + 8 * self.args.ticks
        flying = self.feed(self.args.seconds, {middle: lambda: act(node.process.kill), later: lambda: act(lambda: again(node))})
        return {**self.result(flying), "lag_ms_after": self.lags(*moments), "lag_ms_back": self.lags(moments[1])}

    async def _lead(self) -> str:
        from anlan.sensing.cluster import bus

        line = await bus.connect("play")
        try:
            info = await line.jetstream().stream_info(bus.STREAM)
            return str(info.cluster.leader) if info.cluster else ""
        finally:
            await line.close()


def again(one: Any) -> None:
    """Begin a process that was killed once more."""
    one.process.wait(10)
    one.begin()


class Done:
    """What was written long ago."""

    def result(self, seconds: float) -> None:
        return None


class Watch:
    """Looks in a thread when every part has judged something that was taken in after the failure."""

    def __init__(self, database: str, failed: list[float]) -> None:
        self.database, self.failed, self.found = database, failed, 0.0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._look, daemon=True)
        self.thread.start()

    def _look(self) -> None:
        with psycopg.connect(self.database, autocommit=True) as line:
            while not self.over.wait(0.03) and not self.found:
                if not self.failed[0]:
                    continue
                asked = line.execute("select min(taken_ms) from sensing_ledger where part between 1 and 16").fetchone()
                if asked and asked[0] > self.failed[0] * 1000:
                    self.found = time.time() - self.failed[0]

    def end(self) -> float:
        self.over.set()
        self.thread.join(10)
        return round(self.found, 2)


if __name__ == "__main__":
    sys.exit(main())
