"""Which workers are alive, and which of them looks after which part."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b

from .. import parts

BEAT_S = 0.3
DEAD_S, PAUSE_S = 1.0, 0.6
"""A worker that was not heard for so long is not counted on; one that has not beaten itself for so long has stood still."""


@dataclass
class Members:
    """The workers as one of them hears them; ``since`` (ms) and ``key`` tell this process from another of its name."""

    name: str
    since: int
    key: int
    heard: dict[str, float] = field(default_factory=dict)
    woken: float = field(default_factory=time.monotonic)
    """Since when this process has been listening without a pause."""
    last: float = field(default_factory=time.monotonic)

    def hear(self, name: str) -> None:
        self.heard[name] = time.monotonic()

    def beat(self) -> None:
        """To be called each `BEAT_S`: a process that was stopped meanwhile must listen first before it counts others out."""
        moment = time.monotonic()
        if moment - self.last > PAUSE_S:
            self.woken = moment
        self.last = moment

    def mine(self) -> frozenset[int] | None:
        """The parts that fall to this worker now; None while it has not listened for long enough to say."""
        if time.monotonic() - self.woken < DEAD_S:
            return None
        return shared(frozenset([self.name, *self.alive()]))[self.name]

    def alive(self) -> list[str]:
        moment = time.monotonic()
        return sorted(name for name, at in self.heard.items() if moment - at < DEAD_S and name != self.name)


@lru_cache(16)
def shared(workers: frozenset[str]) -> dict[str, frozenset[int]]:
    """The parts of each worker, to one as many for each; with a worker more or less few others change hands (rendezvous hashing)."""
    names = sorted(workers)
    least, more = divmod(len(parts.ALL), len(names))
    taken: dict[str, set[int]] = {name: set() for name in names}
    for part in parts.ALL:
        free = [name for name in names if len(taken[name]) < least + (more > 0)]
        mine = taken[max(free, key=lambda name: _weight(name, part))]
        mine.add(part)
        more -= len(mine) > least
    return {name: frozenset(mine) for name, mine in taken.items()}


def _weight(name: str, part: int) -> bytes:
    return blake2b(f"{part} {name}".encode(), digest_size=8).digest()
