"""What is kept of each channel, what a profile says, and what comes out.

A channel is one judged series: a sensor's value, or a rolling sum of it. Times are int64 milliseconds since 1970 UTC,
values in the sensor's own unit. Levels are signed: +1…+4 above the upper limits (4 the gravest), -1…-4 below the lower
ones, 0 normal. The life of an alarm follows IEC 62682; deadband (clear) and delays (hold) are those of its clause on
alarm design, one pair for each level.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVELS = 4
NONE = -1
"""No such moment."""

HOT = np.dtype(
    [
        ("at", "i8"),  # event time of the newest judged reading, NONE before the first
        ("still_at", "i8"),  # since when the value has not moved
        ("value", "f8"),
        ("still", "f8"),  # the value that it has not moved from
        ("profile", "i4"),
        ("level", "i1"),
        ("waiting", "i1"),  # on which side some level waits for its hold time: 1 above, -1 below, 0 for none
        ("marks", "u1"),
        ("bad", "u1"),  # bad readings in a row, at most 255
    ]
)


class Mark(IntEnum):
    """What is the matter with a channel beside its level; bits of ``marks``."""

    OFFLINE = 1
    STUCK = 2
    BAD = 4
    FAST = 8
    STRAY = 16



PROFILE = np.dtype(
    [
        ("low", "f8"),  # the instrument's range; outside it a reading is bad
        ("high", "f8"),
        ("up", "f8", LEVELS),  # reached from below; +inf where there is no such level
        ("up_clear", "f8", LEVELS),  # still reached until the value falls below
        ("down", "f8", LEVELS),  # reached from above; -inf where there is none
        ("down_clear", "f8", LEVELS),
        ("hold_up", "i8", 2 * LEVELS),  # ms that a level must last before it is told, those of the upper limits first
        ("hold_down", "i8", 2 * LEVELS),  # ms that it must be left before it is taken back
        ("rate", "f8"),  # change in a second that is too fast; +inf for none
        ("rate_hold", "i8"),  # ms without such a change until that is over
        ("stuck_ms", "i8"),  # 0 for never
        ("stuck_band", "f8"),  # a change no larger than this is none
        ("offline_ms", "i8"),  # silence by receive time; 0 for never
        ("calm_low", "f8"),  # between these two a value is in range and begins no level; `sealed` works them out
        ("calm_high", "f8"),
        ("bad_n", "u1"),  # bad readings in a row that are told; 0 for never
    ]
)
EVENT = np.dtype(
    [("channel", "i4"), ("kind", "u1"), ("was", "i1"), ("now", "i1"), ("at", "i8"), ("value", "f8"), ("peak", "f8", LEVELS)], align=True
)
"""``peak[k]``, of LEVEL, is the furthest value since the channel stood beyond level k+1, its hold time included, for the levels
at which it was or is; ``peak[0]`` of GROUP is the most that were counted."""


class Kind(IntEnum):
    """Of an event. Of what is a mark, ``now`` is 1 (begins) or 0 (ends)."""

    LEVEL = 0
    SILENT = 1
    UNMOVED = 2
    QUALITY = 3
    RATE = 4
    NEIGHBOUR = 5
    GROUP = 6
    """k of n: ``channel`` is the group and ``value`` the fresh ones that count; ``now`` is 2 where it stands in doubt."""
    LATE = 7
    """A reading older than the newest stood at a level; it changes nothing of the present."""


class Fate(IntEnum):
    """What became of a reading."""

    GOOD = 0
    OLD = 1
    """Older than the channel's newest: kept, and part of its rolling sums, but the present is not judged by it."""
    REPEAT = 2
    """As old as the newest."""
    NAN = 3
    RANGE = 4
    FUTURE = 5
    UNKNOWN = 6
    """The plan does not know the sensor."""


AHEAD_MS = 600_000
"""A stamp so far ahead of the clock is from the future."""


@dataclass
class State:
    """Everything that is known of n channels. ``since[:, k]``: since when level k+1 waits to change; NONE where it does not.
    ``peak[:, k]``: the furthest value since it stood beyond level k+1, of the levels at which the channel is or waits to be."""

    hot: NDArray[np.void]
    since: NDArray[np.int64]
    fast_at: NDArray[np.int64]
    peak: NDArray[np.float64]
    heard: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.hot)

    def copy(self) -> State:
        return State(*(getattr(self, f.name).copy() for f in fields(self)))

    def dump(self) -> bytes:
        """The state as bytes (npz, not compressed: a million channels are 120 MB, and take a seventh of a second)."""
        out = io.BytesIO()
        np.savez(out, **{f.name: getattr(self, f.name) for f in fields(self)})
        return out.getvalue()


def load(data: bytes) -> State:
    """What `State.dump` wrote."""
    with np.load(io.BytesIO(data), allow_pickle=False) as kept:
        return state_of(kept)


def state_of(kept: Mapping[str, NDArray[Any]]) -> State:
    """The state that stands in a file. Older ones kept one peak for all levels of a channel, and not on which side one waits."""
    found = State(**{f.name: kept[f.name] for f in fields(State)})
    found.hot = found.hot.astype(HOT, copy=False)
    if found.peak.ndim == 1:
        found.peak = np.repeat(found.peak[:, None], LEVELS, axis=1)
    return found


def fresh(n: int, heard: int = NONE) -> State:
    """n channels of which nothing has been judged; ``heard`` is when something was heard of them, in ms."""
    hot = np.zeros(n, HOT)
    hot["at"] = hot["still_at"] = NONE
    return State(hot, np.full((n, LEVELS), NONE), np.full(n, NONE), np.zeros((n, LEVELS)), np.full(n, heard))


def profiles(n: int) -> NDArray[np.void]:
    """n profiles that judge nothing."""
    table = np.zeros(n, PROFILE)
    table["low"], table["high"] = -np.inf, np.inf
    table["up"] = table["up_clear"] = np.inf
    table["down"] = table["down_clear"] = -np.inf
    table["rate"] = np.inf
    return sealed(table)


def table_of(kept: NDArray[np.void]) -> NDArray[np.void]:
    """Profiles that stand in a file. Older ones had one time for both sides of a level."""
    if kept.dtype == PROFILE:
        return kept
    table = np.zeros(len(kept), PROFILE)
    for name in kept.dtype.names or ():
        both = name in ("hold_up", "hold_down")
        table[name] = np.tile(kept[name], (1, 2)) if both else kept[name]
    return table


def sealed(table: NDArray[np.void]) -> NDArray[np.void]:
    """The same profiles with their calm band. ValueError where a deadband lies on the wrong side or something is NaN."""
    if any(np.isnan(table[name]).any() for name in ("low", "high", "up", "up_clear", "down", "down_clear", "rate", "stuck_band")):
        raise ValueError("a profile holds NaN")
    if (table["up_clear"] > table["up"]).any() or (table["down_clear"] < table["down"]).any():
        raise ValueError("a clear value lies beyond its limit")
    table["calm_low"] = np.maximum(table["down"].max(axis=1), np.nextafter(table["low"], -np.inf))
    table["calm_high"] = np.minimum(table["up"].min(axis=1), np.nextafter(table["high"], np.inf))
    return table
