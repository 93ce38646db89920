"""The loop that works due rows off. Any number of processes may run it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import close_old_connections, connection

from anlan.kernel import rows
from anlan.kernel.worlds.models import ACTUAL, World

from . import beats, due, lease, periodic
from .time import real

log = logging.getLogger(__name__)
DRIVER_LEASE = timedelta(seconds=10)
SLICE_S = 0.1
IDLE_S, IDLE_OUTSIDE_S = 0.1, 0.5
"""So long after a round without work the next one begins, if nothing was put in this process meanwhile. What talks to the outside
is mostly put by the clock's own rounds, and waits for later than that only when it has failed."""


def drain(world: World, limit: int = 1000, *, outside: bool | None = None) -> int:
    """Work all rows that are due now in a world that follows the real clock."""
    done = 0
    while done < limit and (worked := due.work_some(world, world.at(real()), outside=outside)):
        done += worked
    return done


def advance(world: World, until: float | None = None, last: datetime | None = None) -> int:
    """Drive a stepped world from due row to due row as far as its pace allows; the rows worked.

    World time stands still at each row's own time while it is worked, so a replay comes out the same
    whatever the machine. ``until`` is a monotonic deadline for one slice, ``last`` the world's time to stop at.
    """
    done = 0
    while until is None or time.monotonic() < until:
        at = due.next_at(world)
        if at is None or any(edge and at > edge for edge in (world.ends, last)) or not _paced(world, at):
            _pass_time(world)
            break
        at = max(at, world.step or at)
        worked = due.work_some(world, at, at)
        if at != world.step:
            world.step = at
            World.objects.filter(pk=world.pk).update(step=at)
        if not worked:
            break
        done += worked
    return done


def _pass_time(world: World) -> None:
    """Between two rows the clock of a slow replay goes on, about once a second."""
    here = min(world.paced(real()), world.ends or world.paced(real()))
    if world.step and world.anchor_real and here - world.step > timedelta(seconds=1) * world.speed:
        world.step = here
        World.objects.filter(pk=world.pk).update(step=here)


def _paced(world: World, at: datetime) -> bool:
    return world.anchor_real is None or world.real(at) <= real()


def drives(world: World) -> bool:
    """Take or renew the driver's lease of a stepped world; only one process drives it."""
    return lease.hold(world, "driver", "driver_until", DRIVER_LEASE)


def finish(world: World) -> None:
    """A replay that has passed its end is closed; its records stay."""
    if world.ends and world.step and (at := due.next_at(world)) and at <= world.ends:
        return
    if world.ends and _paced(world, world.ends):
        World.objects.filter(pk=world.pk).update(closed=True, step=world.ends)


def turn(outside: bool | None = None) -> int:
    """One round over all open worlds; the real city first."""
    done = 0
    for world in rows.find(World, "not closed and not paused order by id"):
        if not world.actual:
            periodic.start(world)
        if not world.stepped:
            done += drain(world, outside=outside)
        elif not outside and drives(world):
            done += advance(world, time.monotonic() + SLICE_S)
            finish(world)
    return done


def run(stop: threading.Event, on_turn: Callable[[], None] | None = None) -> None:
    """Go round until told to stop. What talks to the outside has a thread of its own, so that it holds up nothing."""
    calls = threading.Thread(target=_go_round, args=(stop, "outside", True), name="outside", daemon=True)
    calls.start()
    _go_round(stop, "clock", False, on_turn)
    calls.join(3)


def _go_round(stop: threading.Event, name: str, outside: bool, on_turn: Callable[[], None] | None = None) -> None:
    """A fault of the database is survived, and seen on the health page."""
    started = outside
    while not stop.is_set():
        try:
            if not started:
                due.free_dead()
                periodic.start(World.objects.get(pk=ACTUAL))
                started = True
            done = turn(outside)
            beats.beat(name, silence_s=300 if outside else 15, essential=not outside)
            if on_turn:
                on_turn()
        except Exception:
            log.exception("the round of %s stumbled", name)
            close_old_connections()
            done = 0
            stop.wait(1.0)
        if not done:
            due.wait(IDLE_OUTSIDE_S if outside else IDLE_S)
    connection.close()
