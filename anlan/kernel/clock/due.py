"""Due rows: put them in, drop them, work them off exactly once with any number of workers.

Work that touches only the database runs in one transaction with its own mark of completion: the row lock is
the lease, and a killed worker leaves nothing behind. Work that talks to the outside is leased first
(compare-and-set), done outside any transaction, and must be idempotent.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, connection, models, transaction
from django.db.models import F, Q

from anlan.kernel import rows
from anlan.kernel.people import scope
from anlan.kernel.worlds.models import World

from .lease import HOLDER, dead
from .models import Due
from .time import now, real

log = logging.getLogger(__name__)
GRACE = timedelta(seconds=60)
LONGEST_WAIT = timedelta(hours=1)
BATCH = 25
SLICE_S = 0.05


@dataclass(frozen=True)
class Handler:
    kind: str
    work: Callable[[Due], Any]
    outside: bool = False
    lease_s: float = 30.0


HANDLERS: dict[str, Handler] = {}
_waiting: dict[int, threading.Event] = {}
"""By thread, what wakes it."""


class Doubled(RuntimeError):
    """A row that was already done was about to be done again; its work is rolled back."""


def handles(kind: str, *, outside: bool = False, lease_s: float = 30.0) -> Callable:
    """Declare the work of one kind of due row."""

    def wrap(work: Callable[[Due], Any]) -> Callable[[Due], Any]:
        if kind in HANDLERS and HANDLERS[kind].work.__qualname__ != work.__qualname__:
            raise ValueError(f"two handlers for due rows of kind {kind}")
        HANDLERS[kind] = Handler(kind, work, outside, lease_s)
        return work

    return wrap


def put(kind: str, at: datetime, *, key: str | None = None, wait: timedelta = timedelta(0), **body: Any) -> Due | None:
    """Write what falls due; ``wait`` lets it be worked that much later than promised. With a key it is written once."""
    if kind not in HANDLERS:
        raise KeyError(f"no handler for due rows of kind {kind}")
    world = scope.current().world
    row = Due(world=world, at=at, run_at=at + wait, kind=kind, key=key, body=body)
    rows.add([row], unless_there=key is not None)
    transaction.on_commit(poke)
    return row


def put_many(kind: str, told: list[tuple[datetime, str | None, dict]]) -> None:
    """Many rows of one kind at once: (at, key, body)."""
    world = scope.current().world
    dues = [Due(world=world, at=at, run_at=at, kind=kind, key=key, body=body) for at, key, body in told]
    rows.add(dues, unless_there=True)
    transaction.on_commit(poke)


def drop(*keys: str) -> int:
    """What was due is due no more (the case moved on). The row stays, marked."""
    world = scope.current().world
    return Due.objects.filter(world=world, key__in=keys, done_at=None).update(dropped=True)


def poke() -> None:
    for event in list(_waiting.values()):
        event.set()


def wait(seconds: float) -> bool:
    """Sleep until something is put or the time is over."""
    event = _waiting.setdefault(threading.get_ident(), threading.Event())
    hit = event.wait(seconds)
    event.clear()
    return hit


def _open(world: World, until: datetime, outside: bool | None = None) -> models.QuerySet[Due]:
    free = Q(leased_until=None) | Q(leased_until__lt=real())
    rows = Due.objects.filter(free, world=world, done_at=None, dropped=False, run_at__lte=until)
    if outside is not None:
        leased = Q(kind__in=[h.kind for h in HANDLERS.values() if h.outside])
        rows = rows.filter(leased if outside else ~leased)
    return rows.order_by("run_at", "id")


def _waits(world: World, until: datetime, outside: bool | None) -> bool:
    """Is there anything in `_open`? Asked ten times a second, and so without building a query anew."""
    kinds = [h.kind for h in HANDLERS.values() if h.outside] if outside is not None else []
    of = f"and kind {'' if outside else 'not'} in ({', '.join(['%s'] * len(kinds))})" if kinds else "and 1 = 0" if outside else ""
    asked = (
        f"select 1 from {Due._meta.db_table} where world_id = %s and done_at is null and not dropped and run_at <= %s "
        f"and (leased_until is null or leased_until < %s) {of} limit 1"
    )
    moments = (connection.ops.adapt_datetimefield_value(moment) for moment in (until, real()))
    with connection.cursor() as cursor:
        cursor.execute(asked, [world.pk, *moments, *kinds])
        return cursor.fetchone() is not None


def next_at(world: World) -> datetime | None:
    """When the next open row of this world is to be tried."""
    rows = Due.objects.filter(world=world, done_at=None, dropped=False)
    return rows.order_by("run_at", "id").values_list("run_at", flat=True).first()


def work_some(
    world: World, until: datetime, at: datetime | None = None, *, outside: bool | None = None, most: int = BATCH
) -> int:
    """Work the rows due next in this world, some of them in one transaction; the number worked.

    Each row has its own savepoint, so that a fault undoes only its own work. ``at`` fixes the world's time
    meanwhile; then only rows of one and the same time are taken together. ``outside`` takes only the rows that talk to
    the outside, or only the others; one such row is leased at a time, so that its lease lasts for its own work.
    """
    if at is None and not _waits(world, until, outside):  # with a time fixed, the caller has seen a row
        return 0
    failed: list[tuple[Due, Exception]] = []
    leased: list[Due] = []
    tried: list[Due] = []
    try:
        with scope.everyone(world, at), transaction.atomic():
            rows = _open(world, until, outside)
            if connection.features.has_select_for_update_skip_locked:
                rows = rows.select_for_update(skip_locked=True)
            end = time.monotonic() + SLICE_S
            for row in rows[:most]:
                if tried and (leased or time.monotonic() > end or (at and row.run_at != tried[-1].run_at) or not _still(row)):
                    break
                tried.append(row)
                if fault := _attempt(row, leased):
                    failed.append((row, fault))
    except IntegrityError as broken:  # a reference to nothing shows only at the commit, and would take all the others along
        if len(tried) > 1:
            return work_some(world, until, at, outside=outside, most=1)
        failed, leased = [(tried[0], broken)], []
    for row, fault in failed:
        _failed(row, fault, world, at)
    for row in leased:
        _work_outside(row, world, at)
    return len(tried)


def _still(row: Due) -> bool:
    """A row read with others may meanwhile have been dropped by the work of one of them."""
    return Due.objects.filter(pk=row.pk, done_at=None, dropped=False).exists()


def _attempt(row: Due, leased: list[Due]) -> Exception | None:
    """Do a row's work and mark it done, or lease it; the fault if there was one."""
    try:
        with transaction.atomic():
            handler = HANDLERS.get(row.kind)
            if handler is None:
                raise LookupError(f"no handler for {row.kind}")
            if handler.outside:
                _lease(row, handler)
                leased.append(row)
            else:
                handler.work(row)
                _finish(row)
    except Exception as fault:
        return fault
    return None


def _lease(row: Due, handler: Handler) -> None:
    until = real() + timedelta(seconds=handler.lease_s)
    free = Q(leased_until=None) | Q(leased_until__lt=real())
    won = Due.objects.filter(free, pk=row.pk, done_at=None).update(leased_until=until, holder=HOLDER)
    if won != 1:
        raise Doubled(f"due row {row.pk} was taken by another worker")


def _work_outside(row: Due, world: World, at: datetime | None) -> None:
    try:
        with scope.everyone(world, at):
            HANDLERS[row.kind].work(row)
            with transaction.atomic():
                _finish(row, holder=HOLDER)
    except Exception as fault:
        _failed(row, fault, world, at, holder=HOLDER)


def _finish(row: Due, **fence: Any) -> None:
    moment = now()
    late = row.late or moment - row.at > GRACE
    mine = Due.objects.filter(pk=row.pk, done_at=None, **fence)
    if mine.update(done_at=moment, late=late, runs=F("runs") + 1, leased_until=None, fault="") != 1:
        raise Doubled(f"due row {row.pk} was done by another worker")


def _failed(row: Due, fault: Exception, world: World, at: datetime | None, **fence: Any) -> None:
    """Keep the fault on the row and try again later, with a growing wait that never ends."""
    log.exception("due row %s (%s) failed", row.pk, row.kind, exc_info=fault)
    with scope.everyone(world, at):
        pause = min(LONGEST_WAIT, timedelta(seconds=5 * 2 ** min(row.tries, 12)))
        Due.objects.filter(pk=row.pk, done_at=None, **fence).update(
            run_at=now() + pause, tries=F("tries") + 1, leased_until=None, late=True, fault=repr(fault)[:2000]
        )


def free_dead() -> int:
    """Give back what processes of this host held when they died, without waiting for their leases to end."""
    held = Due.objects.filter(done_at=None, holder__startswith=f"{socket.gethostname()}:").exclude(leased_until=None)
    gone = [pk for pk, holder in held.values_list("pk", "holder") if dead(holder)]
    return Due.objects.filter(pk__in=gone).update(leased_until=None, holder="")
