"""One fan-out per process. A pump reads new journal lines; askers with the same scope share one encoding.

Any process may write lines; the pump of each web process finds them by id, so nothing depends on who wrote.
A reader that reconnects gives the id of the last line it saw and goes on from there.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson
from django.db import close_old_connections
from django.utils import timezone

from anlan.engines import merge_patch
from anlan.kernel.clock import beats, real
from anlan.kernel.journal import read
from anlan.kernel.people import scope
from anlan.kernel.worlds.models import World

log = logging.getLogger(__name__)
PACE_S = 0.03
"""So often is looked for new lines; what is written meanwhile is handed out together, one write for each reader."""
QUIET_S = 0.25
"""So often while nobody reads."""
STATE_S = 2.0
"""So often at most is a watched view computed and pushed."""
RECENT_S = 1.0
TIME_S = 2.0
"""So often is told what time it is in a replay: its clock waits when there is much to work."""
STALE_S = 10.0
TRICKLE, TRICKLE_S = 20, 0.004
"""Readers that are given a state at a time, and the pause after them."""
PING_S = 15.0
PING = b"event: ping\ndata: {}\n\n"
GAP_S = 120.0
"""A missing id is looked for so long: its transaction may still be running. After that it was rolled back."""
GAPS = 5000
KEEP = 200
HREF: list[Callable[[str, str], str]] = []
VIEWS: dict[str, Callable[[scope.Scope], dict]] = {}
_changed: queue.SimpleQueue[int] = queue.SimpleQueue()
_kept: dict[tuple, tuple[float, dict]] = {}
_computing = threading.Lock()


def view(name: str) -> Callable:
    """Declare a computed state that is pushed to whoever watches it, at most every two seconds."""

    def wrap(compute: Callable[[scope.Scope], dict]) -> Callable[[scope.Scope], dict]:
        VIEWS[name] = compute
        return compute

    return wrap


@dataclass(eq=False)
class Reader:
    """One open stream. One that falls behind is closed: it comes back with its last line and is told what it missed."""

    who: scope.Scope
    watching: tuple[str, ...] = ()
    told: dict[str, dict] = field(default_factory=dict)
    """By view: the state that it has, or will have when all that waits has arrived; what follows is told as a change of it."""
    waiting: list[bytes] = field(default_factory=list)
    waiter: asyncio.Future[None] | None = None
    """What its stream waits for while nothing waits for it."""
    open: bool = True
    sending: float | None = None
    """When a write began that has not ended, on the event loop's clock."""

    def push(self, event: bytes) -> None:
        if not self.open:
            return
        self.waiting.append(event)
        self._wake()
        if len(self.waiting) > KEEP:
            self.close()

    def close(self) -> None:
        self.open = False
        self.waiting.clear()
        self._wake()

    def _wake(self) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    async def take(self) -> bytes:
        """All that waits, as one piece; empty when the stream was closed."""
        if self.open and not self.waiting:
            self.waiter = asyncio.get_running_loop().create_future()
            await self.waiter
        events, self.waiting = self.waiting, []
        return b"".join(events)


class Hub:
    """The readers of this process, grouped by what they may see."""

    def __init__(self) -> None:
        self.readers: set[Reader] = set()
        self.loop: asyncio.AbstractEventLoop | None = None
        self.gaps: dict[int, float] = {}
        self.later: deque[tuple[Reader, bytes]] = deque()
        self.last = 0
        self.pumped = time.monotonic()

    def groups(self) -> dict[tuple, list[Reader]]:
        found: dict[tuple, list[Reader]] = {}
        for reader in list(self.readers):
            found.setdefault(reader.who.key(), []).append(reader)
        return found

    def join(self, who: scope.Scope, watching: tuple[str, ...] = ()) -> Reader:
        self.loop = asyncio.get_running_loop()
        reader = Reader(who, watching)
        self.readers.add(reader)
        return reader

    def leave(self, reader: Reader) -> None:
        self.readers.discard(reader)

    def close(self) -> None:
        """Tell every reader that the house closes, so that it may come back soon."""
        for reader in list(self.readers):
            reader.close()

    def fan_out(self, events: list[tuple[list[Reader], bytes]]) -> None:
        """Hand encoded events to the event loop; called from the pump's thread."""
        if self.loop is None or not events:
            return

        def deliver() -> None:
            for readers, event in events:
                for reader in readers:
                    reader.push(event)

        self.loop.call_soon_threadsafe(deliver)

    def trickle(self, events: list[tuple[list[Reader], bytes]]) -> None:
        """The same for what can wait: some readers at a time, so that a line overtakes it. Each reader gets its own in order."""
        if self.loop is None or not events:
            return

        def begin() -> None:
            idle = not self.later
            self.later.extend((reader, event) for readers, event in events for reader in readers)
            if idle:
                self._trickle()

        self.loop.call_soon_threadsafe(begin)

    def _trickle(self) -> None:
        for _ in range(min(TRICKLE, len(self.later))):
            reader, event = self.later.popleft()
            reader.push(event)
        if self.later and self.loop is not None:
            self.loop.call_later(TRICKLE_S, self._trickle)

    def new_lines(self) -> list[Any]:
        """Lines not yet sent, those whose transaction ended after a later id's among them."""
        new, moment = read.since(self.last, also=list(self.gaps)), time.monotonic()
        for line in new:
            self.gaps.pop(line.pk, None)
            self.gaps |= dict.fromkeys(range(self.last + 1, line.pk)[-GAPS:], moment)
            self.last = max(self.last, line.pk)
        self.gaps = {pk: since for pk, since in self.gaps.items() if moment - since < GAP_S}
        return new


HUB = Hub()


def sees(who: scope.Scope, line: Any) -> bool:
    """The rule of ``scope.reach_of`` for one line in memory."""
    if line.world_id != who.world.pk or not who.among(line.few) or not who.reads(line.subject_type):
        return False
    return who.system or line.wide or any(line.area_id.startswith(r.area) for r in who.reaches or ())


def item(line: Any) -> dict[str, Any]:
    """A line as every screen shows it."""
    href = next((h for find in HREF if (h := find(line.subject_type, line.subject_id))), "")
    return {
        "id": line.pk, "at": timezone.localtime(line.at).isoformat(), "verb": line.verb,
        "text": line.text or line.verb, "level": line.level, "who": line.who, "href": href,
    }  # fmt: skip


def encode(event: str, data: Any, pk: int | None = None) -> bytes:
    head = f"id: {pk}\n".encode() if pk else b""
    return head + f"event: {event}\ndata: ".encode() + orjson.dumps(data) + b"\n\n"


def pump_once() -> int:
    """Read what is new and hand it out, to each group of readers as one piece; the number of lines."""
    new = HUB.new_lines()
    if not new:
        return 0
    encoded, groups = [], HUB.groups()
    for line in new if groups else ():
        if line.verb.startswith(read.HOUSE):
            continue
        try:
            with scope.everyone(line.world):  # its link stays in its world
                encoded.append((line, encode("line", item(line), line.pk)))
        except Exception:  # one line that cannot be shown keeps no other back
            log.exception("line %s cannot be shown", line.pk)
    events: list[tuple[list[Reader], bytes]] = []
    for readers in groups.values():
        if seen := [event for line, event in encoded if sees(readers[0].who, line)]:
            events.append((readers, b"".join(seen)))
    HUB.fan_out(events)
    for world in {line.world_id for line in new}:
        _changed.put(world)
    return len(new)


def tell_once(changed: set[int] | None = None) -> None:
    """Send each group of readers, as one piece, the views it watches, if their world has changed or ``changed`` is None."""
    events: list[tuple[list[Reader], bytes]] = []
    for readers in HUB.groups().values():
        who = readers[0].who
        due = changed is None or who.world.pk in changed
        states = {name: compute(name, who) for name in {w for r in readers for w in r.watching} if due}
        events += _told(readers, states)
    HUB.trickle([(readers, piece) for readers, piece in events if piece])


def tell_time() -> None:
    """Send the readers of each replay what time it is there."""
    moment, groups = real(), list(HUB.groups().values())
    worlds = World.objects.in_bulk({readers[0].who.world.pk for readers in groups})
    pairs = ((readers, worlds[readers[0].who.world.pk]) for readers in groups)
    HUB.trickle([(readers, encode("clock", pace(world, moment))) for readers, world in pairs if world.stepped])


def _told(readers: list[Reader], states: dict[str, dict]) -> list[tuple[list[Reader], bytes]]:
    """For readers that watch the same views and have the same of them: each whole, or what has changed as a merge patch."""
    found: dict[tuple, tuple[dict, list[Reader]]] = {}
    for reader in readers:
        had = {name: reader.told.get(name) for name in reader.watching if name in states}
        found.setdefault(tuple((name, id(state)) for name, state in had.items()), (had, []))[1].append(reader)
    for had, alike in found.values():
        for reader in alike:
            reader.told |= {name: states[name] for name in had}
    return [(alike, b"".join(_change(state, states[name]) for name, state in had.items())) for had, alike in found.values()]


def _change(had: dict | None, state: dict) -> bytes:
    if had is None:
        return encode("state", state)
    patch = merge_patch.diff(had, state)
    return encode("patch", patch) if patch else b""


def begun(reader: Reader) -> list[bytes]:
    """The states that a stream begins with, and the time, for a state may be some seconds old."""
    found = {name: recent(name, reader.who) for name in reader.watching}
    for name, state in found.items():
        reader.told.setdefault(name, state)  # unless a newer one is on its way already
    world = World.objects.get(pk=reader.who.world.pk)
    clock = [encode("clock", pace(world, real()))] if world.stepped else []
    return [encode("state", state) for state in found.values()] + clock


def pace(world: World, moment: datetime) -> dict[str, Any]:
    """A world's time, and how fast it runs."""
    now = timezone.localtime(world.at(moment)).isoformat()
    return {"now": now, "speed": world.speed, "paused": world.paused or world.closed}


def compute(name: str, who: scope.Scope) -> dict:
    """One view's present state as this asker sees it."""
    world = World.objects.get(pk=who.world.pk)
    with scope.entered(replace(who, world=world)):
        found = VIEWS[name](scope.current())
    if len(_kept) > KEEP:
        _kept.clear()
    _kept[name, who.key()] = (time.monotonic(), found)
    return found


def recent(name: str, who: scope.Scope) -> dict:
    """The same, a second old or as the others who watch it have it: a hundred screens that open together are answered
    by one computation."""
    with _computing:
        at, found = _kept.get((name, who.key()), (0.0, {}))
        watched = any(name in r.watching and r.who.key() == who.key() for r in list(HUB.readers))
        age = 2 * STATE_S if watched else RECENT_S
        return found if found and time.monotonic() - at < age else compute(name, who)


_poked = threading.Event()


def poke() -> None:
    """Something was written in this process just now; the pump need not wait for its next look."""
    _poked.set()


def pump(stop: threading.Event) -> None:
    """The pump's thread: lines at once; now and then a comment that keeps quiet streams open."""
    pinged = told = time.monotonic()
    started = False
    while not stop.is_set():
        _poked.wait(PACE_S if HUB.readers else QUIET_S)
        _poked.clear()
        try:
            if not started:
                HUB.last, started = read.last_id(), True
            pump_once()
            if HUB.readers and time.monotonic() - told >= TIME_S:
                tell_time()
                told = time.monotonic()
            if time.monotonic() - pinged >= PING_S:
                HUB.trickle([(list(HUB.readers), PING)])
                pinged = time.monotonic()
            HUB.pumped = time.monotonic()
        except Exception:
            log.exception("the live feed stumbled")
            close_old_connections()
            stop.wait(1.0)


def states(stop: threading.Event) -> None:
    """Its own thread, for computing a state takes longer than a line may wait. It also beats for the pump: a beat is
    written, and who writes may wait for another's transaction."""
    computed = time.monotonic()
    while not stop.is_set():
        changed = {_changed.get() for _ in range(_changed.qsize())}
        stale = time.monotonic() - computed > STALE_S
        try:
            if HUB.readers:
                tell_once(None if stale else changed)
            if stale:
                computed = time.monotonic()
            beats.beat("live", good=time.monotonic() - HUB.pumped < STALE_S, silence_s=15, essential=False)
        except Exception:
            log.exception("a pushed state could not be computed")
            close_old_connections()
        stop.wait(STATE_S)


async def stream(reader: Reader, missed: list[bytes]) -> AsyncIterator[bytes]:
    """The events of one reader who has joined: what it missed, then what comes."""
    try:
        yield b": anlan\n\n" + b"".join(missed)
        while reader.open:
            if events := await reader.take():
                yield events
    finally:
        HUB.leave(reader)


def missed(who: scope.Scope, after: int) -> list[bytes]:
    """The lines between the reader's last one and now, at most the newest few hundred."""
    with scope.entered(who):
        rows = list(read.news().filter(pk__gt=after)[:KEEP])
        return [encode("line", item(line), line.pk) for line in reversed(rows)]
