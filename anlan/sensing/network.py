"""The network of each world: its log in the database, its state in the memory of whoever asks.

Any process may take a batch. It locks the ledger of the world's network (or of a part of it), applies what others have
logged since, then its own batch, and writes readings, alarms and its place in the log in one transaction. A transaction
that is undone leaves a state that no longer fits its ledger; that is seen by the stamp, and the state is made anew from a
snapshot and the log behind it.
"""

from __future__ import annotations

import copy
import logging
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import numpy as np
from django.db import DatabaseError, connection, transaction
from numpy.typing import NDArray

from anlan.engines.sense import decode, net
from anlan.kernel import rows
from anlan.kernel.clock import beats, now
from anlan.kernel.people import scope
from anlan.kernel.worlds.models import ACTUAL, World

from . import in_force, settle
from .book import Book, empty
from .logged import counts, deaf, pack, pack_deaf, put, stamp, unpack
from .models import Batch, Ledger, Snapshot
from .parts import ACROSS, ALL, WHOLE, apart

log = logging.getLogger(__name__)
HELD_WORLDS = 8
SNAPSHOT_EACH = 5_000_000
"""Readings behind the newest snapshot before another is taken; they are applied again in a fraction of a second."""
BATCHES = 32
"""Batches of a part behind its newest snapshot before another is taken; up to twice as many, so that not all are due at once."""
HOUR_MS = 3_600_000


@dataclass
class Network:
    """A machine, and up to where in the log of its world and part it has come."""

    book: Book
    machine: net.Machine
    number: int = 0
    stamp: int = 0
    basis: str = ""
    """By which the last batch, or the snapshot before it, was judged: it is written down."""
    since_snapshot: int = 0
    batches: int = 0
    """Behind the snapshot."""
    snapshot_ms: int = 0
    refreshed_ms: int = 0
    fed: int = 0
    """The number of the newest batch that held readings."""
    shown: int = 0
    """The number of the batch up to which active alarms show how far they went."""

    def due(self, part: int, moment: int) -> bool:
        """Is it time for a snapshot? Of a part often, so that it is soon taken over."""
        if part == WHOLE:
            return self.since_snapshot >= SNAPSHOT_EACH
        return self.batches >= BATCHES + part % BATCHES or moment - self.snapshot_ms >= HOUR_MS // 2


@dataclass(frozen=True)
class Taken:
    """What became of each reading (`Fate`), and how many alarms were raised."""

    status: NDArray[np.uint8]
    raised: int


Key = tuple[int, int]
"""World and part."""
LATELY_MS = 2500
_networks: OrderedDict[Key, Network] = OrderedDict()


def take(sensor: NDArray[np.int32], at: NDArray[np.int64], value: NDArray[np.float64]) -> Taken:
    """Log, judge and settle readings (n,) of sensor ids, ms, values in the present world, all or nothing."""
    with turn([WHOLE]) as mine:
        status = mine.take(WHOLE, sensor, at, value, _ms())
    return Taken(status, mine.raised)


def tick() -> int:
    """What time alone, or a changed rule, brings about in the present world; the alarms that it raised."""
    with turn([WHOLE]) as mine:
        mine.tick(WHOLE, _ms())
    with transaction.atomic():
        return mine.raised + settle.release()


def excuse(parts: Iterable[int], since: datetime, until: datetime) -> None:
    """From then to then no door was open: log that it is no silence, in these parts of the present world that know anything."""
    world, moment, lines = scope.current().world, _ms(), []
    body = pack_deaf(*(round(one.timestamp() * 1000) for one in (since, until)))
    with transaction.atomic():
        for part, ledger in lock(world, parts).items():
            if not (basis := _basis_of(ledger)):
                continue
            ledger.last, ledger.taken_ms = ledger.last + 1, max(moment, ledger.taken_ms)
            ledger.stamp = stamp(ledger.stamp, basis, ledger.taken_ms, body)
            lines.append(Batch(
                world=world, part=part, number=ledger.last, stamp=ledger.stamp, basis_id=basis, taken_ms=ledger.taken_ms, first_ms=ledger.taken_ms, body=body,
            ))  # fmt: skip
            rows.move([ledger])
        put(lines)


def _basis_of(ledger: Ledger) -> str:
    """By what the newest line of a part was judged; empty where there is none."""
    mine = {"world_id": ledger.world_id, "part": ledger.part}
    newest = (kind.objects.filter(**mine).order_by("-number").values_list("basis_id", flat=True).first() for kind in (Batch, Snapshot))
    return next(filter(None, newest), "")


def flows() -> bool:
    """Has anything been taken of the present world just now? With it what time alone brings about was seen to as well."""
    moment = _ms()
    return Ledger.objects.filter(world=scope.current().world, part=WHOLE, taken_ms__range=(moment - LATELY_MS, moment)).exists()


@contextmanager
def turn(parts: Iterable[int]) -> Iterator[Turn]:
    """A transaction in which these parts of the present world are taken further; undone, they are read anew."""
    world = scope.current().world
    mine = Turn(world, sorted(parts))
    within = connection.in_atomic_block  # there the ledgers stay locked whatever is left
    if within:
        in_force.current_books(mine.parts)
    try:
        for compiled in (False,) if within else (True, False):
            with transaction.atomic():
                if mine.begin(compiled):
                    yield mine
                    mine.write()
                    return
            in_force.current_books(mine.parts)  # while the ledgers are not locked
    except BaseException:
        for part in mine.parts:
            _networks.pop((world.pk, part), None)
        raise


def catch_up(parts: list[int]) -> None:
    """Snapshots of parts, in a transaction of their own."""
    with turn(parts) as mine:
        for part in parts:
            mine.read(part)
        mine.snapshots = parts


@dataclass
class Turn:
    """What is taken by some parts at once; what it brings about is written together."""

    world: World
    parts: list[int]
    ledgers: dict[int, Ledger] = field(default_factory=dict)
    books: dict[int, Book] = field(default_factory=dict)
    """In force."""
    raised: int = 0
    told: list[tuple[Book, net.Machine, NDArray[np.void]]] = field(default_factory=list)
    new: dict[str, Book] = field(default_factory=dict)
    """By which nothing was judged before, it may be."""
    batches: list[Batch] = field(default_factory=list)
    peaks: list[Network] = field(default_factory=list)
    snapshots: list[int] = field(default_factory=list)
    moved: set[int] = field(default_factory=set)
    """Whose ledgers are no more as they were read."""
    hurries: bool = False
    """Others wait for what this turn holds: its snapshots are taken behind it (`catch_up`)."""

    def begin(self, compiled: bool) -> bool:
        """Lock the ledgers, in one order for all; False where the rules in force are to be ``compiled`` and are not."""
        self.ledgers = lock(self.world, self.parts)
        books = in_force.compiled(self.parts) if compiled else in_force.current_books(self.parts)
        self.books = books or {}
        return books is not None

    def take(self, part: int, sensor: NDArray[np.int32], at: NDArray[np.int64], value: NDArray[np.float64], moment: int) -> NDArray[np.uint8]:
        """Log and judge readings (n,); the fate (n,) of each."""
        network = self._standing(part, moment)
        applied = network.machine.apply(sensor, at, value, moment)
        self._log(part, network, moment, sensor, at, value, applied.status)
        self.told.append((network.book, network.machine, applied.events))
        self._show(network, moment)
        return applied.status

    def _show(self, network: Network, moment: int) -> None:
        if moment - network.refreshed_ms >= network.book.plan.period_ms:
            network.refreshed_ms = moment
            self.peaks.append(network)
            transaction.on_commit(partial(setattr, network, "shown", network.number))

    def read(self, part: int) -> None:
        """Bring what is known of a part up to its log, and to the rules in force."""
        self._standing(part, max(_ms(), self.ledgers[part].taken_ms))

    def mark(self, part: int) -> None:
        """A line of the log behind which a snapshot stands, for what does not follow from the log before it."""
        self._log(part, _networks[self.world.pk, part], _ms(), *_none())
        self.snapshots.append(part)

    def tick(self, part: int, moment: int) -> None:
        """What time alone brings about."""
        network = self._standing(part, moment)
        if part != WHOLE and network.batches and network.due(part, moment):
            self.snapshots.append(part)  # else what a quiet part has logged would stay there
        if network.machine.stirs(moment):
            applied = network.machine.apply(*_none()[:3], moment)
            self._log(part, network, moment, *_none())
            self.told.append((network.book, network.machine, applied.events))
        if network.fed > network.shown or network.machine.standing["most"].any():
            self._show(network, moment)  # the last readings before a pause, too; and who has fallen silent is seen where nothing is read

    def _standing(self, part: int, moment: int) -> Network:
        network = _standing(self.world, self.ledgers[part])
        book = self.books[part]
        if book.digest != network.book.digest:
            self._settle()
            settle.refresh([(network.book, network.machine, moment)])  # how far those went that end with their rules
            network.machine.replan(book.plan, moment)
            network.book = book
            self._log(part, network, moment, *_none())
            self.raised += settle.reconcile(network.book, network.machine, moment, part)
        return network

    def _log(self, part: int, network: Network, moment: int, sensor: NDArray, at: NDArray, value: NDArray, status: NDArray) -> None:
        digest, ledger = network.book.digest, self.ledgers[part]
        if network.basis != digest:
            self.new[digest], network.basis = network.book, digest
        kept, body = counts(status), pack(sensor, at, value, status)
        network.number, network.stamp = network.number + 1, stamp(network.stamp, digest, moment, body)
        self.batches.append(Batch(
            world=self.world, part=part, number=network.number, stamp=network.stamp, basis_id=digest, taken_ms=moment,
            count=len(sensor), kept=int(kept.sum()), first_ms=int(at[kept].min(initial=moment)), last_ms=int(at[kept].max(initial=0)), body=body,
        ))  # fmt: skip
        ledger.last, ledger.stamp, ledger.taken_ms = network.number, network.stamp, moment
        network.fed = network.number if len(sensor) else network.fed
        self.moved.add(part)
        network.since_snapshot += len(sensor)
        network.batches += 1
        if network.due(part, moment) and part not in self.snapshots:
            self.snapshots.append(part)

    def _settle(self) -> None:
        told, self.told = self.told, []
        if self.parts != [WHOLE] and any(len(events) for _, _, events in told):
            lock(self.world, [WHOLE])  # one of the workers tells at a time: bursts and calls are counted over all parts
        self.raised += settle.settle(told)

    def write(self) -> None:
        """Alarms, log and ledgers."""
        self._settle()
        if self.peaks:
            settle.refresh([(n.book, n.machine, n.refreshed_ms) for n in self.peaks])
        in_force.keep(self.new)
        put(self.batches)
        rows.move(self.ledgers[part] for part in sorted(self.moved))
        for part in () if self.hurries else self.snapshots:
            keep_snapshot(self.world, part)


def _none() -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.float64], NDArray[np.uint8]]:
    """No readings."""
    return np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0), np.empty(0, np.uint8)


def warm(part: int = WHOLE) -> None:
    """What takes seconds and must not happen while the ledger is locked: rules are compiled, and the loop itself once.

    Where the parts are judged by nobody any more, the whole takes over what they know.
    """
    try:
        with scope.everyone():
            book = in_force.current_book(part)
            if part == WHOLE and not apart():
                gather()
    except (DatabaseError, World.DoesNotExist):  # the tables are not there yet
        return
    if not _warmed:
        _warmed.append(True)
        net.Machine(book.plan).apply(np.zeros(1, np.int32), np.zeros(1, np.int64), np.zeros(1), 0)
        decode.read(b'[{"sensor":"a","time":1790000000,"value":1}]', decode.Names({"a": 1}), 0)


_warmed: list[bool] = []
_gathered: list[bool] = []


def lock(world: World, parts: Iterable[int]) -> dict[int, Ledger]:
    """The ledgers of these parts, locked until the transaction ends."""
    wanted = sorted(parts)
    found = _locked(world, wanted) if wanted else {}
    if len(found) < len(wanted):
        Ledger.objects.bulk_create([Ledger(world=world, part=p) for p in wanted if p not in found], ignore_conflicts=True)
        found = _locked(world, wanted)
    return found


def _locked(world: World, parts: list[int]) -> dict[int, Ledger]:
    asked = f"world_id = %s and part {rows.among()} order by part{rows.locked()}"
    found = {row.part: row for row in rows.find(Ledger, asked, world.pk, parts)}
    for ledger in found.values():
        ledger.world = world
    return found


def standing(world: World, part: int = WHOLE) -> Network:
    """The network of a world, or a part of it, as its log has it; its ledger stays locked until the transaction ends."""
    return _standing(world, lock(world, [part])[part])


def leave(parts: Iterable[int]) -> None:
    """Forget what is in memory of these parts of the real city."""
    for part in parts:
        _networks.pop((ACTUAL, part), None)


def seen(world: World) -> dict[int, Network]:
    """What is known of the sensors of a world, to look at: as a whole, or in parts where workers judge them."""
    with transaction.atomic():
        if not (apart() and world.pk == ACTUAL):
            return {WHOLE: standing(world)}
        begun = Snapshot.objects.filter(world=world, part__gt=WHOLE).values("part")
        return {ledger.part: _standing(world, ledger) for ledger in Ledger.objects.filter(world=world, part__in=begun).order_by("part")}


def _standing(world: World, ledger: Ledger) -> Network:
    key = world.pk, ledger.part
    network = _networks.get(key)
    if network is None or not _fits(network, ledger):
        network = _networks[key] = _load(world, ledger)
        _forget_worlds()
    _networks.move_to_end(key)
    if network.number < ledger.last:
        _catch_up(network, ledger)
    return network


def _forget_worlds() -> None:
    """Only the networks of the worlds that were asked for last are kept."""
    worlds = dict.fromkeys(world for world, _ in reversed(_networks))
    for gone in list(worlds)[HELD_WORLDS:]:
        for key in [key for key in _networks if key[0] == gone]:
            del _networks[key]


def _fits(network: Network, ledger: Ledger) -> bool:
    if network.number == ledger.last:
        return network.stamp == ledger.stamp
    mine = {"world_id": ledger.world_id, "part": ledger.part}
    if network.number > ledger.last or Snapshot.objects.filter(**mine, number__gt=network.number).exists():
        return False  # from there it is a shorter way
    return network.number == 0 or Batch.objects.filter(**mine, number=network.number, stamp=network.stamp).exists()


def _load(world: World, ledger: Ledger) -> Network:
    kept = Snapshot.objects.filter(world=world, part=ledger.part).order_by("-number").first()
    if kept is not None:
        book = in_force.basis(kept.basis_id)
        return Network(book, net.Machine.load(bytes(kept.body), book.plan), kept.number, kept.stamp, kept.basis_id, snapshot_ms=_ms())
    if ledger.part == WHOLE:
        book = empty()
        return Network(book, net.Machine(book.plan))
    return _seed(world, ledger)


def _seed(world: World, ledger: Ledger) -> Network:
    """A part begins with what the whole knows of it."""
    whole, book, moment = standing(world), in_force.current_book(ledger.part), _ms()
    machine = copy.copy(whole.machine)
    machine.replan(book.plan, moment)
    network = Network(book, machine, ledger.last, ledger.stamp, book.digest)
    in_force.keep({book.digest: book})
    _snapshot(world, ledger.part, network)
    settle.reconcile(book, machine, moment, ledger.part)
    return network


def gather() -> None:
    """Make the whole of what the parts of the present world know, if they were the last to judge it."""
    world = scope.current().world
    if _gathered or not Snapshot.objects.filter(world=world).exclude(part=WHOLE).exists():
        _gathered.append(True)
        return
    _gathered.append(True)
    if beats.alive("sense"):
        log.error("workers judge the network; without ANLAN_BUS this process must not")
        return
    with turn([WHOLE]) as mine:
        ledgers = lock(world, ALL)
        mine.read(WHOLE)
        whole = _networks[world.pk, WHOLE]
        for part in ledgers.values():
            if part.last:
                known = _standing(world, part).machine
                whole.machine.stand(known) if part.part == ACROSS else whole.machine.adopt(known)
        mine.mark(WHOLE)
        Snapshot.objects.filter(world=world).exclude(part=WHOLE).delete()
        mine.raised += settle.reconcile(whole.book, whole.machine, _ms())
    leave(ALL)


def _catch_up(network: Network, ledger: Ledger) -> None:
    rows = Batch.objects.filter(world_id=ledger.world_id, part=ledger.part, number__gt=network.number)
    for batch in rows.order_by("number").iterator(chunk_size=50):
        if batch.basis_id != network.book.digest:  # a line that says this and no more
            network.book = in_force.basis(batch.basis_id)
            network.machine.replan(network.book.plan, batch.taken_ms)
        elif (told := deaf(batch)) is not None:
            network.machine.excuse(*told)
        else:
            sensor, at, value, _ = unpack(batch)
            network.machine.apply(sensor, at, value, batch.taken_ms)
        network.number, network.stamp, network.basis = batch.number, batch.stamp, batch.basis_id
        network.since_snapshot += batch.count
        network.fed = batch.number if batch.count else network.fed
        network.batches += 1


def keep_snapshot(world: World, part: int = WHOLE) -> None:
    """A snapshot of the network as it stands, so that its log may be shortened."""
    _snapshot(world, part, _networks[world.pk, part])


def _snapshot(world: World, part: int, network: Network) -> None:
    kept = Snapshot.objects.filter(world=world, part=part)
    before = kept.filter(number__lt=network.number).order_by("-number").values("pk")[:1]
    kept.exclude(pk__in=before).delete()
    put([Snapshot(world=world, part=part, number=network.number, stamp=network.stamp, basis_id=network.book.digest, body=network.machine.dump())])
    network.since_snapshot, network.batches, network.snapshot_ms = 0, 0, _ms()


def _ms() -> int:
    return round(now().timestamp() * 1000)
