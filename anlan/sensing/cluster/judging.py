"""A worker's work on its parts: what is new of a message is judged, written, and marked as taken, in one transaction.

All of it within the scope of everyone, in the real city.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from django.db import connection
from django.db.models import F
from numpy.typing import NDArray

from anlan.engines.sense import spans
from anlan.engines.sense.layout import Fate
from anlan.engines.sense.wire import Flush
from anlan.kernel.clock import now
from anlan.kernel.people import scope

from .. import network, parts
from ..models import Gateway, Ledger, Traffic
from . import bus
from .inbox import Item

DOORS = 64
"""Of so many doors it is kept what was taken; a door is a process, and another one after each start."""
ALONE = {"idle_in_transaction_session_timeout": "1s", "lock_timeout": "2s"}
"""A worker that stops within a transaction does not hold up who takes over."""


REMEMBERED = 2 * bus.FLYING
"""So many spans of a door's numbers are remembered; what is missing before the last so many was taken."""


@dataclass
class Piece:
    """What the messages hold for one part."""

    sensor: list[NDArray[np.int32]] = field(default_factory=list)
    at: list[NDArray[np.int64]] = field(default_factory=list)
    value: list[NDArray[np.float64]] = field(default_factory=list)
    gateway: list[NDArray[np.int64]] = field(default_factory=list)
    taken_ms: int = 0

    def add(self, flush: Flush, mine: slice) -> None:
        self.sensor.append(flush.sensor[mine])
        self.at.append(flush.at[mine])
        self.value.append(flush.value[mine])
        self.gateway.append(flush.gateways[flush.whence[mine]])
        self.taken_ms = max(self.taken_ms, flush.taken_ms)


def alone() -> None:
    """Let the database end what this process leaves lying."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for name, value in ALONE.items():
                cursor.execute(f"SET {name} = '{value}'")


@dataclass(frozen=True)
class Judged:
    """How many readings were new, which parts were taken further and up to which place of the log, and in which of them
    something was judged."""

    readings: int = 0
    parts: frozenset[int] = frozenset()
    reached: int = 0
    judged: frozenset[int] = frozenset()


def judge(items: Sequence[Item], mine: Iterable[int], place: int = 0) -> Judged:
    """Take what these messages hold for my parts, all or nothing; up to that place of the log everything is taken already."""
    places = [(item.flush, item.flush.slices()) for item in items if item.flush is not None]
    wanted = frozenset(mine) & {part for _, slices in places for part in slices}
    if not wanted:
        return Judged()
    reached = max([place, *(item.place for item in items)])
    count, lags, judged = 0, Counter[tuple[int, str]](), set[int]()
    with network.turn(wanted) as turn:
        turn.hurries = True
        for part, ledger in turn.ledgers.items():
            piece = _new(ledger, part, places)
            ledger.reached = max(ledger.reached, reached)
            turn.moved.add(part)
            if not piece.at:
                continue
            sensor, at, value = np.concatenate(piece.sensor), np.concatenate(piece.at), np.concatenate(piece.value)
            judged.add(part)
            fates = turn.take(part, sensor, at, value, max(piece.taken_ms, ledger.taken_ms))
            if part != parts.ACROSS:
                count += len(at)
                _count(lags, np.concatenate(piece.gateway), fates)
        _write(lags)
    if turn.snapshots:
        network.catch_up(turn.snapshots)
    return Judged(count, wanted, reached, frozenset(judged))


def _new(ledger: Ledger, part: int, messages: list[tuple[Flush, dict[int, slice]]]) -> Piece:
    """What was not taken before; the ledger is told, also of messages that hold nothing for the part."""
    piece = Piece()
    for flush, slices in messages:
        seen, _ = ledger.heard.get(door := str(flush.door), ([], 0))
        if not spans.add(seen, flush.number):
            continue
        spans.shorten(seen, REMEMBERED)
        ledger.heard[door] = [seen, flush.taken_ms]
        if part in slices:
            piece.add(flush, slices[part])
    while len(ledger.heard) > DOORS:
        del ledger.heard[min(ledger.heard, key=lambda door: ledger.heard[door][1])]
    return piece


def _count(lags: Counter[tuple[int, str]], gateway: NDArray[np.int64], fates: NDArray[np.uint8]) -> None:
    for fate, name in ((Fate.OLD, "late"), (Fate.REPEAT, "repeated")):
        if (so := fates == fate).any():
            for pk, n in zip(*np.unique(gateway[so], return_counts=True), strict=True):
                lags[int(pk), name] += int(n)


def _write(lags: Counter[tuple[int, str]]) -> None:
    """What only the judge can tell of a gateway's readings."""
    hour = now().replace(minute=0, second=0, microsecond=0)
    there = set(Gateway.objects.filter(pk__in={pk for pk, _ in lags}).values_list("pk", flat=True)) if lags else set()
    for (pk, name), n in sorted(lags.items()):
        if pk in there:
            row = Traffic.objects.get_or_create(gateway_id=pk, hour=hour)[0]
            Traffic.objects.filter(pk=row.pk).update(**{name: F(name) + n})


def tick(mine: Iterable[int], moment: int) -> None:
    """What time alone, or a changed rule, brings about in my parts."""
    with network.turn(mine) as turn:
        for part, ledger in turn.ledgers.items():
            turn.tick(part, max(moment, ledger.taken_ms))


def begin(mine: Iterable[int]) -> int:
    """Read my parts; behind which place of the log they have something to take."""
    with network.turn(mine) as turn:
        for part in turn.parts:
            turn.read(part)
        place = min((ledger.reached for ledger in turn.ledgers.values()), default=0)
    network.leave([parts.WHOLE])
    return place


def told(mine: Iterable[int], place: int) -> None:
    """Everything of my parts up to a place of the log is taken; true whoever looks after them now."""
    Ledger.objects.filter(world=scope.current().world, part__in=mine, reached__lt=place).update(reached=place)


def needless() -> int:
    """Up to which place no part needs the log any more, 0 while some part has not begun."""
    places = list(Ledger.objects.filter(world=scope.current().world, part__in=parts.ALL).values_list("reached", flat=True))
    return min(places) if len(places) == len(parts.ALL) else 0
