"""The loop over a batch, compiled. `twin` says the same in numpy; a test keeps both equal.

In order of arrival: a reading that is no number, out of the instrument's range or from the future is bad and judged no
further; one that is no number is no word of its sensor either, which goes on being silent. One that is not newer than its
channel's newest is old. The rest moves the channel: level k is reached at ``up[k]`` and left below ``up_clear[k]`` (deadband),
and each level counts its own hold time, so that a value that swings between two levels still confirms the lower one. A graver
level brings the lighter ones with it and holds them while it lasts. What lies beyond the opposite limit ends the other side at
once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compiled import COMPILED, compiled, near, within
from .layout import AHEAD_MS, EVENT, LEVELS, NONE, Fate, Kind, Mark, State

MOST_EVENTS = 8
"""Events that one reading can cause at most."""
GOOD = Fate.GOOD.value
AHEAD = 12
"""So many readings ahead a channel is fetched: of fifty thousand most lie far from the processor, and to wait for one takes as
long as to judge it."""


@compiled
def raw_level(v: float, level: int, p: Any) -> int:
    """The level at which a value stands, given the level that is confirmed."""
    raw = 0
    for k in range(LEVELS):
        if v >= p.up[k] or (level > k and v >= p.up_clear[k]):
            raw = k + 1
    if raw == 0:
        for k in range(LEVELS):
            if v <= p.down[k] or (-level > k and v <= p.down_clear[k]):
                raw = -(k + 1)
    return raw


@compiled
def settled(raw: int, level: int, waits: int, t: int, since: Any, p: Any) -> tuple[int, int]:
    """The level that is confirmed at t, and on which side some level goes on waiting (1 or -1, 0 for none) when it ``waits`` there
    now; ``since`` is moved."""
    if raw * level < 0 or raw * waits < 0:
        since[:] = NONE
    if raw * level < 0:
        level = 0
    side = -1 if raw < 0 or level < 0 else 1
    reached, now = raw * side, level * side
    first = 0 if side > 0 else LEVELS
    low, high = min(reached, now), max(reached, now)
    for k in range(LEVELS):
        if k < low or k >= high:
            since[k] = NONE
        elif since[k] == NONE:
            since[k] = t
    if reached > now:
        for k in range(low, high):
            if t - since[k] >= p.hold_up[first + k]:
                now = k + 1
    else:
        while now > reached and t - since[now - 1] >= p.hold_down[first + now - 1]:
            now -= 1
    for k in range(LEVELS):
        if k < min(reached, now) or k >= max(reached, now):
            since[k] = NONE
    return now * side, side * int(now != reached)


@compiled
def _tell(out: Any, n: int, channel: int, kind: int, was: int, now: int, t: int, v: float) -> int:
    e = out[n]
    e.channel, e.kind, e.was, e.now, e.at, e.value = channel, kind, was, now, t, v
    e.peak[:] = 0.0
    return n + 1


@compiled
def _further(peak: Any, since: Any, raw: int, level: int, waits: int, v: float) -> None:
    """How far the value went at each level that is confirmed or waits to be. What waits to rise from now on begins here."""
    side = 1 if raw > 0 or (raw == 0 and level > 0) else -1
    for k in range(max(abs(raw), abs(level))):
        begins = k >= abs(level) and (since[k] == NONE or raw * waits < 0)
        if begins or v * side > peak[k] * side:
            peak[k] = v


@compiled
def _bad(v: float, t: int, now: int, p: Any) -> int:
    if v - v != 0.0:
        return Fate.NAN.value
    if v < p.low or v > p.high:
        return Fate.RANGE.value
    if t > now + AHEAD_MS:
        return Fate.FUTURE.value
    return Fate.GOOD.value


@compiled
def _quality(s: Any, i: int, v: float, wrong: int, now: int, p: Any, out: Any, n: int) -> int:
    """Count bad readings in a row, and tell when there are too many and when a good one follows."""
    if not wrong:
        s.bad = 0
        if s.marks & Mark.BAD:
            s.marks &= 0xFF ^ Mark.BAD
            return _tell(out, n, i, Kind.QUALITY, 1, 0, now, v)
        return n
    if s.bad < 255:
        s.bad += 1
    if p.bad_n and s.bad >= p.bad_n and not s.marks & Mark.BAD:
        s.marks |= Mark.BAD
        return _tell(out, n, i, Kind.QUALITY, 0, 1, now, float(s.bad))
    return n


@compiled
def _climb(s: Any, i: int, t: int, v: float, since: Any, peak: Any, p: Any, out: Any, n: int) -> int:
    """Move the levels of a channel by a value, and tell when the one that is confirmed is another."""
    level, waits = s.level, s.waiting
    raw = raw_level(v, level, p)
    crosses = raw * level < 0
    if not crosses:
        _further(peak, since, raw, level, waits, v)
    changed, s.waiting = settled(raw, level, waits, t, since, p)
    if changed != level:
        s.level = changed
        n = _tell(out, n, i, Kind.LEVEL, level, changed, t, v)
        for k in range(abs(level) if crosses else max(abs(level), abs(changed))):
            out[n - 1].peak[k] = peak[k]
    if crosses:
        _further(peak, since, raw, 0, -raw, v)
    return n


@within
def _calm(s: Any, p: Any, t: int, v: float, now: int) -> bool:
    """Is nothing the matter with the channel, and changes the reading nothing but its value? So are most; no branch, so none is guessed wrong."""
    known = ((s.level | s.waiting | s.marks | s.bad) == 0) & (s.at != NONE) & (t > s.at) & (t <= now + AHEAD_MS)
    quiet = (v > p.calm_low) & (v < p.calm_high) & (abs(v - s.value) * 1000.0 < p.rate * (t - s.at))
    return known & quiet & (abs(v - s.still) > p.stuck_band)


@compiled
def _judge(
    hot: Any, since: Any, fast_at: Any, peak: Any, heard: Any, table: Any,
    channel: Any, at: Any, value: Any, now: int, status: Any, out: Any,
) -> int:  # fmt: skip
    n, last = 0, len(channel) - 1
    for j in range(len(channel)):
        later = channel[min(j + AHEAD, last)]
        near(hot, later)
        near(hot, later + 1)  # where it ends
        i, t, v = channel[j], at[j], value[j]
        s = hot[i]
        p = table[s.profile]
        if _calm(s, p, t, v, now):
            heard[i] = now
            s.at, s.value, s.still_at, s.still, status[j] = t, v, t, v, GOOD
            continue
        heard[i] = now if v == v else heard[i]
        if s.marks & Mark.OFFLINE and v == v:
            s.marks &= 0xFF ^ Mark.OFFLINE
            n = _tell(out, n, i, Kind.SILENT, 1, 0, now, v)
        wrong = _bad(v, t, now, p)
        status[j] = wrong
        n = _quality(s, i, v, wrong, now, p, out, n)
        if wrong:
            continue
        if t <= s.at:
            status[j] = Fate.REPEAT if t == s.at else Fate.OLD
            raw = raw_level(v, 0, p)
            if raw != 0 and t < s.at:
                n = _tell(out, n, i, Kind.LATE, 0, raw, t, v)
            continue
        if s.at != NONE and abs(v - s.value) * 1000.0 >= p.rate * (t - s.at):
            fast_at[i] = t
            if not s.marks & Mark.FAST:
                s.marks |= Mark.FAST
                n = _tell(out, n, i, Kind.RATE, 0, 1, t, v)
        elif s.marks & Mark.FAST and t - fast_at[i] >= p.rate_hold:
            s.marks &= 0xFF ^ Mark.FAST
            n = _tell(out, n, i, Kind.RATE, 1, 0, t, v)
        if s.still_at == NONE or abs(v - s.still) > p.stuck_band:
            s.still_at, s.still = t, v
            if s.marks & Mark.STUCK:
                s.marks &= 0xFF ^ Mark.STUCK
                n = _tell(out, n, i, Kind.UNMOVED, 1, 0, t, v)
        elif p.stuck_ms and t - s.still_at >= p.stuck_ms and not s.marks & Mark.STUCK:
            s.marks |= Mark.STUCK
            n = _tell(out, n, i, Kind.UNMOVED, 0, 1, t, v)
        s.at, s.value = t, v
        if s.level == 0 and not s.waiting and p.calm_low < v < p.calm_high:
            continue
        n = _climb(s, i, t, v, since[i], peak[i], p, out, n)
    return n


@compiled
def _find(lookup: Any, sensor: Any, found: Any) -> bool:
    known = True
    for j in range(len(sensor)):
        s = sensor[j]
        found[j] = lookup[s] if 0 <= s < len(lookup) else -1
        known &= found[j] >= 0
    return known


def find(lookup: NDArray[np.int32], sensor: NDArray[np.int32]) -> tuple[NDArray[np.int32], bool]:
    """(n,) what a table holds in these places, -1 outside it; and whether none is -1."""
    found = np.empty(len(sensor), np.int32)
    return found, _find(lookup, sensor, found)


def judge(
    state: State, table: NDArray[np.void], channel: NDArray[np.int32], at: NDArray[np.int64], value: NDArray[np.float64], now: int
) -> tuple[NDArray[np.uint8], NDArray[np.void]]:
    """Move the state by a batch heard at ``now``; what became of each reading (n,), and the events in order."""
    status = np.zeros(len(channel), np.uint8)
    out = np.empty(len(channel) * MOST_EVENTS, EVENT)
    hot, profile, told = (rows if COMPILED else rows.view(np.recarray) for rows in (state.hot, table, out))
    n = _judge(hot, state.since, state.fast_at, state.peak, state.heard, profile, channel, at, value, now, status, told)
    return status, out[:n].copy()
