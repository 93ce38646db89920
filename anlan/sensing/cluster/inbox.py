"""What a worker has received and not yet judged: from the log in its order, and ahead of it what it heard at once.

A door numbers what it sends. What is heard beside the log is used only if it is the next of its door; after a gap
nothing is, until the log has brought what was missed.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field

from anlan.engines.sense.wire import Flush

from .bus import FLYING

WAITING = 400_000
"""Readings that may wait; then the log is not read on."""


SEEN = 4 * FLYING
"""So far the log may lag behind what is heard; what it brings later still is known by the ledger."""


@dataclass
class Item:
    """A message, or with None only how far the log has been read; ``place`` is 0 for what was heard beside the log."""

    flush: Flush | None
    place: int = 0


@dataclass
class Inbox:
    items: deque[Item] = field(default_factory=deque)
    place: int = 0
    """How far the log has been read."""
    last: dict[int, int] = field(default_factory=dict)
    """By door the highest number that was put in."""
    seen: dict[int, deque[int]] = field(default_factory=dict)
    """By door the numbers that were put in last."""
    epoch: int = 0
    """How often it was begun; what was read for an earlier one comes too late."""
    current: bool = False
    """Has the log been read to its end once? Before that what is heard may be older than what is in it."""
    waiting: int = 0
    hot: int = 0
    """How many messages were heard before the log had them."""
    ready: threading.Condition = field(default_factory=threading.Condition)

    def begin(self, place: int) -> None:
        """Forget everything; the log is read again behind ``place``."""
        with self.ready:
            self.items.clear()
            self.last.clear()
            self.seen.clear()
            self.place, self.waiting, self.current = place, 0, False
            self.epoch += 1

    def hear(self, flush: Flush) -> bool:
        """Take a message beside the log, if it is the next of its door; False where one before it is missing."""
        with self.ready:
            known = self.last.get(flush.door, 0)
            if self.current and flush.number == known + 1 and not self.full:
                self.hot += 1
                self._put(Item(flush))
            return not self.current or flush.number <= self.last.get(flush.door, 0)

    def start(self) -> tuple[int, int]:
        """The present epoch, and behind which place the log is to be read."""
        with self.ready:
            return self.epoch, self.place

    def ended(self, epoch: int) -> None:
        """The log has been read to its end."""
        with self.ready:
            self.current = self.current or epoch == self.epoch

    def read(self, flush: Flush | None, place: int, epoch: int) -> None:
        """Take what the log has at a place; None for what cannot be read."""
        with self.ready:
            if place <= self.place or epoch != self.epoch:
                return
            self.place = place
            known = flush is not None and flush.number in self.seen.get(flush.door, ())
            self._put(Item(None if known else flush, place))

    def pass_by(self, name: tuple[int, int], place: int, epoch: int) -> bool:
        """The log has the message of this door and number at a place. False where it was not put in and has to be read."""
        with self.ready:
            if place <= self.place or epoch != self.epoch:
                return True
            door, number = name
            if number not in self.seen.get(door, ()):
                return False
            self.place = place
            self._put(Item(None, place))
            return True

    def _put(self, item: Item) -> None:
        if item.flush is not None:
            door, number = item.flush.door, item.flush.number
            self.last[door] = max(number, self.last.get(door, 0))
            self.seen.setdefault(door, deque(maxlen=SEEN)).append(number)
            self.waiting += len(item.flush)
        self.items.append(item)
        self.ready.notify()

    @property
    def full(self) -> bool:
        return self.waiting > WAITING

    def take(self, most: int, span_ms: int, seconds: float) -> list[Item]:
        """Wait at most so long for something; what stands first, up to ``most`` readings taken in within ``span_ms``."""
        with self.ready:
            if not self.items:
                self.ready.wait(seconds)
            taken: list[Item] = []
            count, first = 0, None
            while self.items and count < most:
                flush = self.items[0].flush
                if flush is not None:
                    first = flush.taken_ms if first is None else first
                    if taken and abs(flush.taken_ms - first) > span_ms:
                        break
                    count += len(flush)
                    self.waiting -= len(flush)
                taken.append(self.items.popleft())
            return taken
