"""Rolling sums: the rain of the last hours as series of their own, judged like any other.

A sample at time t is what fell since the sample before it; a window of h hours ending at t is (t-h, t], as in
`anlan.engines.rain`, whose `rolling` is the reference of the test. Amounts are kept in whole 0.001, so that 49.9 + 0.1
is 50. A late sample finds its place, and the sums that it changes are told anew one millisecond after the last ones; of those
that ended before, the largest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled, making
from .layout import NONE

STEPS = 1000
ROOM = 1500
"""Samples that a ring holds: a day of one a minute. When it is full its two oldest become one, at the later's time."""


@dataclass
class Rings:
    """The samples of m summed series. ``at`` and ``steps`` (m, room) rise in time, the first ``held[r]`` are used."""

    at: NDArray[np.int64]
    steps: NDArray[np.int64]
    held: NDArray[np.int64]
    told: NDArray[np.int64]
    """(m,) the time of the last sums."""


def empty(m: int, room: int = ROOM) -> Rings:
    return Rings(np.full((m, room), NONE), np.zeros((m, room), np.int64), np.zeros(m, np.int64), np.full(m, NONE))


@making
def _place(at: Any, steps: Any, held: int, t: int, amount: int) -> int:
    """Put a sample where it belongs; how many are held then, or -1 when that moment is known already."""
    where = held
    while where > 0 and at[where - 1] >= t:
        where -= 1
    if where < held and at[where] == t:
        return -1
    if held == len(at):
        if where == 0:
            return -1
        steps[1] += steps[0]
        at[:-1] = at[1:].copy()
        steps[:-1] = steps[1:].copy()
        held -= 1
        where -= 1
        if where == 0:
            steps[0] += amount
            return held
    for j in range(held, where, -1):
        at[j], steps[j] = at[j - 1], steps[j - 1]
    at[where], steps[where] = t, amount
    return held + 1


@compiled
def _late(
    at: Any, steps: Any, held: int, t: int, first: int, end: int, length: Any, out_window: Any, out_at: Any, out_value: Any, n: int
) -> int:  # fmt: skip
    """Of each window the largest sum that ended before the newest sample and holds the one of time t."""
    for w in range(first, end):
        best, when, total, low = -1, t, 0, 0
        for k in range(held - 1):
            total += steps[k]
            while at[low] <= at[k] - length[w]:
                total -= steps[low]
                low += 1
            if at[k] >= t + length[w]:
                break
            if at[k] >= t and total > best:
                best, when = total, at[k]
        if best >= 0:
            out_window[n], out_at[n], out_value[n] = w, when, best / STEPS
            n += 1
    return n


@compiled
def _push(
    at: Any, steps: Any, held: Any, told: Any, first: Any, length: Any, longest: Any,
    ring: Any, t: Any, value: Any, out_window: Any, out_at: Any, out_value: Any,
) -> int:  # fmt: skip
    n = 0
    for j in range(len(ring)):
        r = ring[j]
        newest = at[r, held[r] - 1] if held[r] else NONE
        if newest != NONE and t[j] <= newest - longest[r]:
            continue
        now_held = _place(at[r], steps[r], held[r], t[j], int(np.rint(value[j] * STEPS)))
        if now_held < 0:
            continue
        held[r] = now_held
        newest = at[r, now_held - 1]
        if t[j] < newest:
            n = _late(at[r], steps[r], now_held, t[j], first[r], first[r + 1], length, out_window, out_at, out_value, n)
        told[r] = max(newest, told[r] + 1)
        for w in range(first[r], first[r + 1]):
            total, k = 0, now_held - 1
            while k >= 0 and at[r, k] > newest - length[w]:
                total += steps[r, k]
                k -= 1
            out_window[n], out_at[n], out_value[n] = w, told[r], total / STEPS
            n += 1
    return n


def push(
    rings: Rings, first: NDArray[np.int64], length: NDArray[np.int64],
    ring: NDArray[np.int64], at: NDArray[np.int64], value: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:  # fmt: skip
    """Take samples (n,) into their rings and give the new sums as (window, time, sum).

    The windows of ring r are ``first[r]`` to ``first[r + 1]``, each ``length`` ms long. Of a sample that is late the largest sum
    that it changed in the past is given before those of the present.
    """
    room = 2 * int(np.diff(first).max(initial=0)) * len(ring)
    window, when, total = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room)
    longest = np.maximum.reduceat(np.append(length, 0), first[:-1]) if len(first) > 1 else np.empty(0, np.int64)
    n = _push(
        rings.at, rings.steps, rings.held, rings.told, first, length, longest, ring, at, value, window, when, total
    )
    return window[:n], when[:n], total[:n]
