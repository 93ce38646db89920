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
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import orjson
import psycopg

from . import network
from .cluster_ground import Ground, database, free_ports

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


class Play(Ground):
    """What is played."""

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

    def feed_at_once(self, seconds: float) -> None:
        """All of it, with the stamps of now and as fast as the bus takes it."""
        for n in range(round(seconds * self.args.ticks)):
            self.tick(n).result(60)

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
        node = next(node for node in self.nodes if node.name == asyncio.run(self.lead()))
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
        lead = asyncio.run(self.lead())
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
        from anlan.sensing import parts

        with psycopg.connect(self.database, autocommit=True) as line:
            while not self.over.wait(0.03) and not self.found:
                if not self.failed[0]:
                    continue
                asked = line.execute("select min(taken_ms) from sensing_ledger where part between 1 and %s", [parts.PARTS]).fetchone()
                if asked and asked[0] > self.failed[0] * 1000:
                    self.found = time.time() - self.failed[0]

    def end(self) -> float:
        self.over.set()
        self.thread.join(10)
        return round(self.found, 2)


if __name__ == "__main__":
    sys.exit(main())
