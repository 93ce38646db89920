"""The whole job over HTTP at one reading a second: readings taken, stored, judged, alarms told. Against: Prometheus.

Both get the same course (`network.Course`) under the same limits, one after the other. Anlan's processor time is that of
all its processes. Where Prometheus cannot work its rules each second with as many sensors it leaves rounds out, and its
processor time is that of the work it did: the promise is held against that, and, in the end, against the largest network that
it keeps up with. What `peers.promql` cannot say is left out there, never here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import feed, network
from .city import City
from .figure import Figure
from .network import Course
from .peers import prometheus, promql
from .peers.process import cpu

SIZES = (50_000, 5_000)
BODIES = 1
SECONDS, WARM = 60, 10
SHARE = 1 / 30
KEPT_UP = 0.01
"""Rounds that may be left out by a Prometheus that keeps up."""
Told = dict[tuple[str, str], tuple[int, int]]


@dataclass
class Done:
    cpu: float
    """Processor seconds of a million readings."""
    told: Told


def measure(planted: City, box: Path, sizes: tuple[int, ...] = SIZES, seconds: int = SECONDS) -> Iterator[Figure]:
    version, first = prometheus.version(), None
    for size in sizes:
        course = Course(size, seconds)
        mine = anlan(planted, box / f"whole-{size}", course)
        first = first or mine
        what = f"processor time of a million readings, {size} × 1 Hz"
        if not version:
            yield Figure(what, mine.cpu, "s", against=prometheus.MISSING)
            return
        peer = prometheus.cost(course, promql.groups(network.limits()), WARM, box / f"prometheus-{size}")
        keeps_up = peer.missed <= KEPT_UP
        against = f"Prometheus {version}" + ("" if keeps_up else f", which leaves out {peer.missed:.0%} of its rounds")
        yield Figure(what, mine.cpu, "s", SHARE * peer.cpu if size == SIZES[0] else None, peer.cpu, against)
        yield Figure("alarms told meanwhile", raised(mine.told), "alarms", None, raised(peer.told), "told by it")
        yield Figure("told by one of them alone", differing(mine.told, peer.told), "alarms")
        if keeps_up or size == sizes[-1]:
            yield from _held(course, first, peer, version, box)
            return


def _held(course: Course, mine: Done, peer: prometheus.Ran, version: str, box: Path) -> Iterator[Figure]:
    """The promise, against what Prometheus needs when it keeps up; and against rules written to spare it."""
    thrifty = prometheus.cost(course, promql.thrifty(network.limits()), WARM, box / "prometheus-thrifty")
    what, of = f"processor time of a million readings, {SIZES[0]} × 1 Hz", f"of {course.sensors} sensors"
    yield Figure(what, mine.cpu, "s", SHARE * peer.cpu, peer.cpu, f"Prometheus {version} {of}")
    yield Figure(what, mine.cpu, "s", None, thrifty.cpu, f"the same with rules written to spare it, {thrifty.missed:.0%} of rounds left out")


def anlan(planted: City, home: Path, course: Course) -> Done:
    """Run a course through the ingest door of a city of its own."""
    city = planted.copy(home)
    token = network.plant(city, course.sensors, network.limits())
    spent: dict[int, float] = {}
    with city.open("--no-replay") as server:
        pid = server.process.pid if server.process else 0
        feed.send(server.port, token, course, course.sensors // BODIES, lambda k: spent.update({k: cpu(pid)}))
    used = spent[course.seconds] - spent[WARM]
    return Done(used / ((course.seconds - WARM) * course.sensors) * 1e6, network.told(city))


def raised(told: Told) -> int:
    return sum(count for count, _ in told.values())


def differing(one: Told, other: Told) -> int:
    """Alarms that were raised, or ended, by one and not by the other."""
    pairs = [(one.get(key, (0, 0)), other.get(key, (0, 0))) for key in one.keys() | other.keys()]
    return sum(max(abs(a[0] - b[0]), abs(a[1] - b[1])) for a, b in pairs)
