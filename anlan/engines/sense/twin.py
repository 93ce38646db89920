"""What `judge` does, said in numpy a column at a time; slower, readable, and kept equal by a test.

A batch is worked in rounds, none of which holds a channel twice. Events of one round are ordered by the place of their
reading, so that both tell the same events in the same order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .layout import AHEAD_MS, EVENT, LEVELS, NONE, Fate, Kind, Mark, State


def find(lookup: NDArray[np.int32], sensor: NDArray[np.int32]) -> tuple[NDArray[np.int32], bool]:
    """As `judge.find`."""
    found = np.full(len(sensor), -1, np.int32)
    inside = (sensor >= 0) & (sensor < len(lookup))
    found[inside] = lookup[sensor[inside]]
    return found, bool((found >= 0).all())


def judge(
    state: State, table: NDArray[np.void], channel: NDArray[np.int32], at: NDArray[np.int64], value: NDArray[np.float64], now: int
) -> tuple[NDArray[np.uint8], NDArray[np.void]]:
    """As `judge.judge`."""
    status = np.zeros(len(channel), np.uint8)
    told: list[tuple[NDArray[np.int64], NDArray[np.void]]] = []
    for places in rounds(channel):
        work = Round(state, table, channel[places], at[places], value[places], now)
        status[places] = work.run()
        told += [(places[where], events) for where, events in work.told]
    if not told:
        return status, np.empty(0, EVENT)
    order = np.argsort(np.concatenate([where for where, _ in told]), kind="stable")
    return status, np.concatenate([events for _, events in told])[order]


def rounds(channel: NDArray[np.int32]) -> list[NDArray[np.int64]]:
    """Places of the first reading of each channel, of the second, and so on."""
    order = np.argsort(channel, kind="stable")
    same = channel[order]
    first = np.flatnonzero(np.diff(same, prepend=-1))
    rank = np.arange(len(same)) - np.repeat(first, np.diff(first, append=len(same)))
    return [np.sort(order[rank == k]) for k in range(rank.max(initial=-1) + 1)]


class Round:
    """One reading each of some channels. All arrays are (n,), in the order of the readings."""

    def __init__(self, state: State, table: NDArray, channel: NDArray, at: NDArray, value: NDArray, now: int) -> None:
        self.state, self.channel, self.at, self.value, self.now = state, channel, at, value, now
        self.profile = table[state.hot["profile"][channel]]
        self.told: list[tuple[NDArray[np.int64], NDArray[np.void]]] = []

    def run(self) -> NDArray[np.uint8]:
        hot, everyone = self.state.hot, np.arange(len(self.channel))
        spoke = everyone[~np.isnan(self.value)]
        self.state.heard[self.channel[spoke]] = self.now
        self.mark(spoke, Mark.OFFLINE, Kind.SILENT, False, self.now, self.value)
        status = self.quality()
        bad, good = np.flatnonzero(status != Fate.GOOD), np.flatnonzero(status == Fate.GOOD)
        hot["bad"][self.channel[bad]] = np.minimum(hot["bad"][self.channel[bad]].astype(int) + 1, 255)
        limit = self.profile["bad_n"][bad]
        often = bad[(limit > 0) & (hot["bad"][self.channel[bad]] >= limit)]
        self.mark(often, Mark.BAD, Kind.QUALITY, True, self.now, hot["bad"][self.channel].astype(float))
        hot["bad"][self.channel[good]] = 0
        self.mark(good, Mark.BAD, Kind.QUALITY, False, self.now, self.value)
        known = hot["at"][self.channel]
        old = good[self.at[good] <= known[good]]
        status[old] = np.where(self.at[old] == known[old], Fate.REPEAT, Fate.OLD)
        self.late(old[self.at[old] < known[old]])
        self.move(good[self.at[good] > known[good]])
        return status

    def quality(self) -> NDArray[np.uint8]:
        status = np.where(self.at > self.now + AHEAD_MS, Fate.FUTURE, Fate.GOOD).astype(np.uint8)
        status[(self.value < self.profile["low"]) | (self.value > self.profile["high"])] = Fate.RANGE
        status[~np.isfinite(self.value)] = Fate.NAN
        return status

    def late(self, which: NDArray) -> None:
        raw = raw_level(self.value[which], np.zeros(len(which), np.int8), self.profile[which])
        at_level = which[raw != 0]
        self.tell(at_level, Kind.LATE, np.zeros(len(at_level)), raw[raw != 0], self.at, self.value)

    def move(self, which: NDArray) -> None:
        hot, c = self.state.hot, self.channel[which]
        self.rate(which)
        self.still(which)
        hot["at"][c], hot["value"][c] = self.at[which], self.value[which]
        level, waits, since = hot["level"][c], hot["waiting"][c], self.state.since[c]
        raw = raw_level(self.value[which], level, self.profile[which])
        changed, hot["waiting"][c] = self.settle(which, raw, level, waits)
        hot["level"][c] = changed
        self.state.peak[c], peak = peaks(self.state.peak[c], since, raw, level, changed, waits, self.value[which])
        told = changed != level
        self.tell(which[told], Kind.LEVEL, level[told], changed[told], self.at, self.value, peak[told])

    def rate(self, which: NDArray) -> None:
        hot, c = self.state.hot, self.channel[which]
        passed, p = self.at[which] - hot["at"][c], self.profile[which]
        with np.errstate(invalid="ignore"):
            fast = (hot["at"][c] != NONE) & (np.abs(self.value[which] - hot["value"][c]) * 1000.0 >= p["rate"] * passed)
        self.state.fast_at[c[fast]] = self.at[which[fast]]
        self.mark(which[fast], Mark.FAST, Kind.RATE, True, self.at, self.value)
        over = ~fast & (self.at[which] - self.state.fast_at[c] >= p["rate_hold"])
        self.mark(which[over], Mark.FAST, Kind.RATE, False, self.at, self.value)

    def still(self, which: NDArray) -> None:
        hot, c, p = self.state.hot, self.channel[which], self.profile[which]
        moved = (hot["still_at"][c] == NONE) | (np.abs(self.value[which] - hot["still"][c]) > p["stuck_band"])
        hot["still_at"][c[moved]], hot["still"][c[moved]] = self.at[which[moved]], self.value[which[moved]]
        self.mark(which[moved], Mark.STUCK, Kind.UNMOVED, False, self.at, self.value)
        stuck = ~moved & (p["stuck_ms"] > 0) & (self.at[which] - hot["still_at"][c] >= p["stuck_ms"])
        self.mark(which[stuck], Mark.STUCK, Kind.UNMOVED, True, self.at, self.value)

    def settle(self, which: NDArray, raw: NDArray, level: NDArray, waits: NDArray) -> tuple[NDArray, NDArray]:
        c, t, p = self.channel[which], self.at[which][:, None], self.profile[which]
        since = self.state.since[c]
        crossed = raw.astype(int) * level < 0
        since[crossed | (raw.astype(int) * waits < 0)] = NONE
        level = np.where(crossed, 0, level)
        side = np.where((raw < 0) | (level < 0), -1, 1)
        reached, now = (raw * side)[:, None], (level * side)[:, None]
        k = np.arange(LEVELS)[None, :]
        between = (k >= np.minimum(reached, now)) & (k < np.maximum(reached, now))
        since = np.where(between, np.where(since == NONE, t, since), NONE)
        hold_up, hold_down = (np.where(side[:, None] > 0, p[name][:, :LEVELS], p[name][:, LEVELS:]) for name in ("hold_up", "hold_down"))
        rising = between & (reached > now) & (t - since >= hold_up)
        lasting = between & (reached < now) & (t - since < hold_down)
        up, down = (np.where(those, k + 1, 0).max(axis=1) for those in (rising, lasting))
        reached, now = reached[:, 0], now[:, 0]
        settled = np.where(reached > now, np.maximum(up, now), np.maximum(down, reached))
        waits = (k >= np.minimum(reached, settled)[:, None]) & (k < np.maximum(reached, settled)[:, None])
        self.state.since[c] = np.where(waits, since, NONE)
        return (settled * side).astype(np.int8), (side * (settled != reached)).astype(np.int8)

    def mark(self, which: NDArray, bit: Mark, kind: int, on: bool, at: NDArray | int, value: NDArray) -> None:
        """Set or take a mark from those readings' channels that it changes, and tell it."""
        marks = self.state.hot["marks"]
        which = which[((marks[self.channel[which]] & bit) == 0) == on]
        marks[self.channel[which]] ^= np.uint8(bit)
        self.tell(which, kind, np.full(len(which), not on), np.full(len(which), on), at, value)

    def tell(
        self, which: NDArray, kind: int, was: NDArray, now: NDArray, at: NDArray | int, value: NDArray, peak: NDArray | float = 0.0
    ) -> None:
        events = np.zeros(len(which), EVENT)
        events["channel"], events["kind"], events["was"], events["now"] = self.channel[which], kind, was, now
        events["at"], events["value"] = at if isinstance(at, int) else at[which], value[which]
        events["peak"] = peak
        if len(events):
            self.told.append((which, events))


def peaks(
    peak: NDArray[np.float64], since: NDArray[np.int64], raw: NDArray[np.int8], was: NDArray[np.int8], now: NDArray[np.int8],
    waits: NDArray[np.int8], value: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:  # fmt: skip
    """How far each level went (n, LEVELS) when a value at a raw level has moved levels (n,) from one to another, and what the
    events of it bear; ``since`` and ``waits`` as they were before."""
    crosses = (raw.astype(int) * was < 0)[:, None]
    first = np.where(crosses, peak, _further(peak, since, raw, was, waits, value))
    borne = np.arange(LEVELS) < np.where(crosses, abs(was)[:, None], np.maximum(abs(was), abs(now))[:, None])
    then = np.where(crosses, _further(first, since, raw, np.zeros_like(was), -raw, value), first)
    return then, np.where(borne, first, 0.0)


def _further(
    peak: NDArray[np.float64], since: NDArray[np.int64], raw: NDArray[np.int8], level: NDArray[np.int8], waits: NDArray[np.int8],
    value: NDArray[np.float64],
) -> NDArray[np.float64]:  # fmt: skip
    k, v = np.arange(LEVELS)[None, :], value[:, None]
    side = np.where((raw > 0) | ((raw == 0) & (level > 0)), 1, -1)[:, None]
    counts = k < np.maximum(abs(raw), abs(level))[:, None]
    begins = (k >= abs(level)[:, None]) & ((since == NONE) | (raw.astype(int) * waits < 0)[:, None])
    return np.where(counts & (begins | (v * side > peak * side)), v, peak)


def raw_level(value: NDArray[np.float64], level: NDArray[np.int8], p: NDArray[np.void]) -> NDArray[np.int8]:
    """The level at which each value stands, given the level that is confirmed."""
    k, v, now = np.arange(LEVELS)[None, :], value[:, None], level[:, None].astype(int)
    up = (v >= p["up"]) | ((now > k) & (v >= p["up_clear"]))
    down = (v <= p["down"]) | ((-now > k) & (v <= p["down_clear"]))
    above = np.where(up, k + 1, 0).max(axis=1, initial=0)
    below = np.where(down, k + 1, 0).max(axis=1, initial=0)
    return np.where(above > 0, above, -below).astype(np.int8)
