"""The network of each world: its log in the database, its state in the memory of whoever asks.

Any process may take a batch. It locks the world's ledger, applies what others have logged since, then its own batch, and
writes readings, alarms and its place in the log in one transaction. A transaction that is undone leaves a state that no
longer fits its ledger; that is seen by the stamp, and the state is made anew from a snapshot and the log behind it.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from django.db import DatabaseError, transaction
from django.utils import timezone
from numpy.typing import NDArray

from anlan.engines.sense import decode, net
from anlan.engines.sense.layout import Fate
from anlan.kernel.clock import now
from anlan.kernel.people import scope
from anlan.kernel.worlds.models import World

from . import settle
from .book import Book, compile_book, empty
from .models import Basis, Batch, Edition, Ledger, Snapshot

HELD_WORLDS = 8
BOOKS = 16
SNAPSHOT_EACH = 5_000_000
"""Readings behind the newest snapshot before another is taken; they are applied again in a fraction of a second."""
KEPT = (Fate.GOOD, Fate.OLD)


@dataclass
class Network:
    """A machine, and up to where in the log of its world it has come."""

    book: Book
    machine: net.Machine
    number: int = 0
    stamp: int = 0
    since_snapshot: int = 0
    refreshed_ms: int = 0


@dataclass(frozen=True)
class Taken:
    """What became of each reading (`Fate`), and how many alarms were raised."""

    status: NDArray[np.uint8]
    raised: int


_networks: OrderedDict[int, Network] = OrderedDict()
_books: OrderedDict[tuple[int, object], Book] = OrderedDict()
_bases: OrderedDict[str, Book] = OrderedDict()


def take(sensor: NDArray[np.int32], at: NDArray[np.int64], value: NDArray[np.float64]) -> Taken:
    """Log, judge and settle readings (n,) of sensor ids, ms, values in the present world, all or nothing."""
    world = scope.current().world
    current_book()  # compiled before the ledger is locked
    try:
        with transaction.atomic():
            network = standing(world)
            moment = _ms()
            raised = _follow_rules(network, world, moment)
            applied = network.machine.apply(sensor, at, value, moment)
            _log(network, world, moment, sensor, at, value, applied.status)
            raised += settle.settle(network.book, applied.events)
            _refresh(network, sensor, moment)
            return Taken(applied.status, raised)
    except BaseException:
        _networks.pop(world.pk, None)
        raise


def tick() -> int:
    """What time alone, or a changed rule, brings about in the present world; the alarms that it raised."""
    world = scope.current().world
    try:
        with transaction.atomic():
            network, moment = standing(world), _ms()
            raised = _follow_rules(network, world, moment)
            if network.machine.stirs(moment):
                none = np.empty(0, np.int64)
                applied = network.machine.apply(none.astype(np.int32), none, none.astype(float), moment)
                _log(network, world, moment, none.astype(np.int32), none, none.astype(float), applied.status)
                raised += settle.settle(network.book, applied.events)
            return raised + settle.release()
    except BaseException:
        _networks.pop(world.pk, None)
        raise


def warm() -> None:
    """What takes seconds and must not happen while the ledger is locked: rules are compiled, and the loop itself once."""
    try:
        with scope.everyone():
            book = current_book()
    except (DatabaseError, World.DoesNotExist):  # the tables are not there yet
        return
    if not _warmed:
        _warmed.append(True)
        net.Machine(book.plan).apply(np.zeros(1, np.int32), np.zeros(1, np.int64), np.zeros(1), 0)
        decode.read(b'[{"sensor":"a","time":1790000000,"value":1}]', decode.Names({"a": 1}), 0)


_warmed: list[bool] = []


def standing(world: World) -> Network:
    """The network of a world as its log has it; its ledger stays locked until the transaction ends."""
    Ledger.objects.get_or_create(world=world)
    ledger = Ledger.objects.select_for_update().get(world=world)
    network = _networks.get(world.pk)
    if network is None or not _fits(network, ledger):
        network = _networks[world.pk] = _load(world)
        while len(_networks) > HELD_WORLDS:
            _networks.popitem(last=False)
    _networks.move_to_end(world.pk)
    if network.number < ledger.last:
        _catch_up(network, world)
    return network


def _fits(network: Network, ledger: Ledger) -> bool:
    if network.number == ledger.last:
        return network.stamp == ledger.stamp
    there = Batch.objects.filter(world_id=ledger.world_id, number=network.number, stamp=network.stamp)
    return network.number < ledger.last and (network.number == 0 or there.exists())


def _load(world: World) -> Network:
    kept = Snapshot.objects.filter(world=world).order_by("-number").first()
    if kept is None:
        book = empty()
        return Network(book, net.Machine(book.plan))
    book = _basis(kept.basis_id)
    return Network(book, net.Machine.load(bytes(kept.body), book.plan), kept.number, kept.stamp)


def _catch_up(network: Network, world: World) -> None:
    for batch in Batch.objects.filter(world=world, number__gt=network.number).order_by("number").iterator(chunk_size=50):
        if batch.basis_id != network.book.digest:
            network.book = _basis(batch.basis_id)
            network.machine.replan(network.book.plan, batch.taken_ms)
        sensor, at, value, _ = unpack(batch)
        network.machine.apply(sensor, at, value, batch.taken_ms)
        network.number, network.stamp = batch.number, batch.stamp
        network.since_snapshot += batch.count


def _follow_rules(network: Network, world: World, moment: int) -> int:
    """Judge by what is in force now; alarms that the change raised."""
    book = current_book()
    if book.digest == network.book.digest:
        return 0
    network.machine.replan(book.plan, moment)
    network.book = book
    none = np.empty(0, np.int64)
    _log(network, world, moment, none.astype(np.int32), none, none.astype(float), none.astype(np.uint8))
    return settle.reconcile(network.book, network.machine, moment)


def current_book() -> Book:
    """What the rules say today, in the present world's time."""
    day = timezone.localdate(now())
    same = (Edition.current(), day)
    book = _books.get(same)
    if book is None:
        book = compile_book(day)
        book = _books[same] = _bases.setdefault(book.digest, book)
        _trim(_books)
        _trim(_bases)
    return book


def _basis(digest: str) -> Book:
    book = _bases.get(digest)
    if book is None:
        book = _bases[digest] = Book.load(bytes(Basis.objects.get(pk=digest).body))
        _trim(_bases)
    return book


def _trim(kept: OrderedDict) -> None:
    while len(kept) > BOOKS:
        kept.popitem(last=False)


def _log(network: Network, world: World, moment: int, sensor: NDArray, at: NDArray, value: NDArray, status: NDArray) -> None:
    digest = network.book.digest
    if not Basis.objects.filter(pk=digest).exists():
        Basis.objects.get_or_create(digest=digest, defaults={"body": network.book.dump()})
    kept, body = np.isin(status, KEPT), pack(sensor, at, value, status)
    network.number, network.stamp = network.number + 1, _stamp(network.stamp, digest, moment, body)
    Batch.objects.create(
        world=world, number=network.number, stamp=network.stamp, basis_id=digest, taken_ms=moment, count=len(sensor), kept=int(kept.sum()),
        first_ms=int(at[kept].min(initial=moment)), last_ms=int(at[kept].max(initial=0)), body=body,
    )  # fmt: skip
    Ledger.objects.filter(world=world).update(last=network.number, stamp=network.stamp)
    network.since_snapshot += len(sensor)
    if network.since_snapshot >= SNAPSHOT_EACH:
        _snapshot(network, world)


def _stamp(before: int, basis: str, moment: int, body: bytes) -> int:
    told = blake2b(f"{before} {basis} {moment} ".encode(), digest_size=8)
    told.update(body)
    return int.from_bytes(told.digest()) >> 2


def keep_snapshot(world: World) -> None:
    """A snapshot of the network as it stands, so that its log may be shortened."""
    _snapshot(_networks[world.pk], world)


def _snapshot(network: Network, world: World) -> None:
    told = {"stamp": network.stamp, "basis_id": network.book.digest, "body": network.machine.dump()}
    Snapshot.objects.update_or_create(world=world, number=network.number, defaults=told)
    older = Snapshot.objects.filter(world=world).order_by("-number").values_list("pk", flat=True)[2:]
    Snapshot.objects.filter(pk__in=list(older)).delete()
    network.since_snapshot = 0


def _refresh(network: Network, sensor: NDArray[np.int32], moment: int) -> None:
    """Active alarms show the furthest value, at most one period old."""
    if moment - network.refreshed_ms < network.book.plan.period_ms:
        return
    network.refreshed_ms = moment
    settle.refresh(network.book, network.machine)


def pack(sensor: NDArray[np.int32], at: NDArray[np.int64], value: NDArray[np.float64], status: NDArray[np.uint8]) -> bytes:
    """The body of a batch."""
    return b"".join(np.ascontiguousarray(part).tobytes() for part in (sensor, at, value, status))


def unpack(batch: Batch) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.float64], NDArray[np.uint8]]:
    """Sensor ids, times in ms, values and fates (n,) of a batch."""
    n, body = batch.count, bytes(batch.body)
    sensor, at = np.frombuffer(body, np.int32, n), np.frombuffer(body, np.int64, n, 4 * n)
    return sensor, at, np.frombuffer(body, np.float64, n, 12 * n), np.frombuffer(body, np.uint8, n, 20 * n)


def _ms() -> int:
    return round(now().timestamp() * 1000)
