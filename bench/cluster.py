"""The cluster: three nodes, PostgreSQL, workers, 200 000 readings a second sent straight to the bus, and what is killed meanwhile.

What must come out is reckoned by one machine over all that was sent (`bench.cluster_play`). Everything runs on this one
machine, the sender too. Needs the server that ANLAN_TEST_PG names, such as ``postgresql://postgres@127.0.0.1:5432/postgres``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from . import network, whole
from .city import City
from .figure import Figure
from .network import Course
from .peers import prometheus, promql

KILLS = 100
BUS_SHARE = 1 / 100


def measure(planted: City, box: Path) -> Iterator[Figure]:
    server = os.environ.get("ANLAN_TEST_PG")
    if not server:
        print("cluster: not measured, ANLAN_TEST_PG names no PostgreSQL server", file=sys.stderr)
        return
    for what, words in (("kill", "a worker is killed"), ("stop", "a worker is stopped and goes on")):
        found = played(box, server, what)
        yield Figure(f"{words}: all parts judged again", found["again_s"] or float("inf"), "s", 3)
        yield from _kept(words, found)
    found = played(box, server, "leader", "--seconds", "24")
    yield Figure("the stream's leader is killed: alarm, p99", found["lag_ms_after"].get("p99", float("inf")), "ms", 100)
    yield Figure("the same, from when the node is begun again", found["lag_ms_back"].get("p99", float("inf")), "ms")
    yield from _kept("the stream's leader is killed", found)
    yield Figure("the same: readings answered for and lost", found["acknowledged"] - min(found["acknowledged"], found["stored"]), "readings", 0)
    found = played(box, server, "often", "--kills", str(KILLS), "--workers", "3", "--sensors", "10000")
    yield from _kept(f"{KILLS} random kills", found)
    yield from over_the_bus(box, server)
    for workers in (1, 2, 4):
        found = played(box, server, "rate", "--workers", str(workers), "--sensors", "100000")
        yield Figure(f"judged and stored with {workers} workers", found["a_second"], "1/s")
        yield Figure(f"the same: their processor time a million, {workers}", found["cpu_s_a_million"], "s")
        yield Figure("the same: that of the bus and PostgreSQL", found["servers_cpu_s_a_million"], "s")


def over_the_bus(box: Path, server: str) -> Iterator[Figure]:
    """The whole job at one reading a second, handed over by the bus; against a Prometheus that keeps up. The promise comes from a
    bus of one node; of three, of which two may not die, each needs something also where nothing comes."""
    sensors = str(whole.SIZES[0])
    found = {n: played(box, server, "pace", "--sensors", sensors, "--seconds", str(whole.SECONDS), "--workers", "1", "--every-rule", "--nodes", str(n))
             for n in (1, 3)}  # fmt: skip
    peer, against = _prometheus(box)
    for n, told in found.items():
        what = f"over a bus of {n}: processor time of a million readings, {sensors} × 1 Hz, worker, bus and PostgreSQL"
        limit = peer * BUS_SHARE if peer and n == 1 else None
        yield Figure(what, told["cpu_s_a_million"] + told["servers_cpu_s_a_million"], "s", limit, peer, against)
        yield Figure("the same: the worker alone", told["cpu_s_a_million"], "s")
        yield from _kept(f"over a bus of {n}", told)


def _prometheus(box: Path) -> tuple[float | None, str]:
    """What a million samples cost one that keeps up, and which."""
    if not (version := prometheus.version()):
        return None, prometheus.MISSING
    course = Course(whole.SIZES[-1], whole.SECONDS)
    peer = prometheus.cost(course, promql.groups(network.limits()), whole.WARM, box / "prometheus-bus")
    return peer.cpu, f"Prometheus {version} of {course.sensors} sensors, {peer.missed:.0%} of its rounds left out"


def played(box: Path, server: str, what: str, *words: str) -> dict[str, Any]:
    """What `cluster_play` says of one game."""
    home = box / f"cluster-{what}-{'-'.join(words)}"
    done = subprocess.run(
        [sys.executable, "-m", "bench.cluster_play", str(home), server, what, *words], capture_output=True, text=True, timeout=1200
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return orjson.loads(done.stdout.splitlines()[-1])


def _kept(words: str, found: dict[str, Any]) -> Iterator[Figure]:
    wrong = found["lost"] + found["doubled"] + found["unexpected"] + (0 if found["drained"] else found["alarms"])
    yield Figure(f"{words}: alarms lost, doubled or wrong of {found['alarms']}", wrong, "alarms", 0)
