"""One fan-out per process. A pump reads new journal lines; askers with the same scope share one encoding.

Any process may write lines; the pump of each web process finds them by id, so nothing depends on who wrote.
A reader that reconnects gives the id of the last line it saw and goes on from there.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from django.db import close_old_connections
from django.utils import timezone

from anlan.kernel.clock import beats
from anlan.kernel.journal import entry, read
from anlan.kernel.people import scope
from anlan.kernel.worlds.models import World

log = logging.getLogger(__name__)
LOOK_BACK = 64
POLL_S = 0.25
STATE_S = 1.0
KEEP = 200
LAST = b""
HREF: list[Callable[[str, str], str]] = []
VIEWS: dict[str, Callable[[scope.Scope], dict]] = {}
_fresh = threading.Event()
entry.AFTER_COMMIT.append(lambda line: _fresh.set())


def view(name: str) -> Callable:
    """Declare a computed state that is pushed to whoever watches it, at most once a second."""

    def wrap(compute: Callable[[scope.Scope], dict]) -> Callable[[scope.Scope], dict]:
        VIEWS[name] = compute
        return compute

    return wrap


@dataclass(eq=False)
class Reader:
    """One open stream."""

    who: scope.Scope
    watching: tuple[str, ...] = ()
    queue: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(KEEP))

    def push(self, event: bytes) -> None:
        if self.queue.full():
            self.queue.get_nowait()
        self.queue.put_nowait(event)


class Hub:
    """The readers of this process, grouped by what they may see."""

    def __init__(self) -> None:
        self.readers: set[Reader] = set()
        self.loop: asyncio.AbstractEventLoop | None = None
        self.seen: dict[int, None] = {}
        self.last = 0

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
            reader.push(LAST)

    def fan_out(self, events: list[tuple[list[Reader], bytes]]) -> None:
        """Hand encoded events to the event loop; called from the pump's thread."""
        if self.loop is None or not events:
            return

        def deliver() -> None:
            for readers, event in events:
                for reader in readers:
                    reader.push(event)

        self.loop.call_soon_threadsafe(deliver)

    def new_lines(self) -> list[Any]:
        """Lines not yet sent. A short look back catches lines whose transaction ended after a later id's."""
        rows = read.since(max(0, self.last - LOOK_BACK))
        new = [line for line in rows if line.pk not in self.seen]
        for line in new:
            self.seen[line.pk] = None
        if rows:
            self.last = max(self.last, rows[-1].pk)
        while len(self.seen) > 4 * LOOK_BACK + 1000:
            self.seen.pop(next(iter(self.seen)))
        return new


HUB = Hub()


def sees(who: scope.Scope, line: Any) -> bool:
    """The rule of ``scope.reach_of`` for one line in memory."""
    if line.world_id != who.world.pk:
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
    """Read what is new and hand it out; the number of lines."""
    new = HUB.new_lines()
    if not new:
        return 0
    events: list[tuple[list[Reader], bytes]] = []
    groups = HUB.groups().values()
    for line in new:
        ready = [r for readers in groups if sees(readers[0].who, line) for r in readers]
        if ready:
            with scope.entered(ready[0].who):
                events.append((ready, encode("line", item(line), line.pk)))
    HUB.fan_out(events)
    return len(new)


def state_once(changed: set[int] | None = None) -> None:
    """Recompute each watched view once for each group of readers, and send it."""
    events: list[tuple[list[Reader], bytes]] = []
    for readers in HUB.groups().values():
        if changed is not None and readers[0].who.world.pk not in changed:
            continue
        for name in {w for r in readers for w in r.watching}:
            watching = [r for r in readers if name in r.watching]
            events.append((watching, encode("state", compute(name, readers[0].who))))
    HUB.fan_out(events)


def compute(name: str, who: scope.Scope) -> dict:
    """One view's present state as this asker sees it."""
    world = World.objects.get(pk=who.world.pk)
    with scope.entered(replace(who, world=world)):
        return VIEWS[name](scope.current())


def pump(stop: threading.Event) -> None:
    """The pump's thread: lines at once, computed states at most once a second."""
    HUB.last = read.last_id()
    fresh, pending = time.monotonic(), 0
    while not stop.is_set():
        _fresh.wait(POLL_S)
        _fresh.clear()
        try:
            pending += pump_once()
            if HUB.readers and time.monotonic() - fresh >= STATE_S and (pending or time.monotonic() - fresh > 10):
                state_once()
                fresh, pending = time.monotonic(), 0
            beats.beat("live", silence_s=15, essential=False)
        except Exception:
            log.exception("the live feed stumbled")
            close_old_connections()
            stop.wait(1.0)


async def stream(who: scope.Scope, watching: tuple[str, ...], missed: list[bytes]) -> AsyncIterator[bytes]:
    """The events of one reader: what it missed, then what comes; a comment every 15 s keeps the line open."""
    reader = HUB.join(who, watching)
    try:
        yield b": anlan\n\n"
        for event in missed:
            yield event
        while True:
            try:
                event = await asyncio.wait_for(reader.queue.get(), 15)
            except TimeoutError:
                event = b": ping\n\n"
            if event == LAST:
                return
            yield event
    finally:
        HUB.leave(reader)


def missed(who: scope.Scope, after: int) -> list[bytes]:
    """The lines between the reader's last one and now, at most the newest few hundred."""
    with scope.entered(who):
        rows = list(read.lines().filter(pk__gt=after)[:KEEP])
    return [encode("line", item(line), line.pk) for line in reversed(rows)]
