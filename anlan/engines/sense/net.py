"""A whole network as one machine: a pure function of its plan and its log.

The log is a row of batches, each with the moment `now` at which it was taken. Whoever applies the same batches in the
same order has the same state and told the same events; so a process that dies loses nothing, and one that comes late
reads a snapshot and what was logged since. What depends on time alone (silence, neighbours) is looked at when the log
passes a multiple of the plan's period, never by a clock of its own.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import groups, judge, layout, twin, windows
from .compiled import COMPILED
from .layout import EVENT, Fate, Kind

_judge = judge.judge if COMPILED else twin.judge
_find = judge.find if COMPILED else twin.find
LADDER = ("up", "up_clear", "down", "down_clear", "hold_up", "hold_down")


@dataclass(frozen=True)
class Feed:
    """Which series go on into others: those of source s are ``target[first[s]:first[s + 1]]``.

    ``length`` ms of a rolling sum; 0 passes the value itself on, for a second ladder of limits.
    """

    source: NDArray[np.int64]
    """(sources,) channels."""
    first: NDArray[np.int64]
    target: NDArray[np.int64]
    length: NDArray[np.int64]


def no_feed() -> Feed:
    none = np.empty(0, np.int64)
    return Feed(none, np.zeros(1, np.int64), none, none)


@dataclass(frozen=True)
class Plan:
    """What is judged by what. Compiled from rules; never changed, only replaced.

    ``key`` (channels,) names each channel for good, so that its state survives another plan; the first ``sensors``
    channels are values as read, and their keys are ``sensor id << 32``. Where a value has several ladders of limits the first
    is judged in its own channel and the others in copies; which is the first may change from plan to plan, so ``ladder``
    (profiles,) names it: as in the key of a copy, 0 for none. ``rule`` (profiles, 2 LEVELS) tells limits apart that are alike,
    upper ones first. Both are empty where nobody asks.
    """

    key: NDArray[np.int64]
    sensors: int
    profile: NDArray[np.int32]
    table: NDArray[np.void]
    sums: Feed = field(default_factory=no_feed)
    copies: Feed = field(default_factory=no_feed)
    counted: groups.Counted = field(default_factory=lambda: groups.Counted(*_no_groups(), *(_none(t) for t in "i1 i8 i8 i8 i8 i8 i8".split())))
    neighbours: groups.Neighbours = field(
        default_factory=lambda: groups.Neighbours(*_no_groups(), *(_none(t) for t in "f8 f8 i8 i8".split()))
    )
    period_ms: int = 10_000
    ladder: NDArray[np.int64] = field(default_factory=lambda: _none("i8"))
    rule: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 2 * layout.LEVELS), np.int64))

    def __post_init__(self) -> None:
        ids = self.key[: self.sensors] >> 32
        lookup = np.full(int(ids.max(initial=-1)) + 1, -1, np.int32)
        lookup[ids] = np.arange(self.sensors)
        object.__setattr__(self, "_lookup", lookup)
        object.__setattr__(self, "_sums", _number(self.sums.source, len(self.key)))
        object.__setattr__(self, "_copies", _number(self.copies.source, len(self.key)))
        object.__setattr__(self, "offline_ms", self.table["offline_ms"][self.profile])

    offline_ms: NDArray[np.int64] = field(init=False)
    _lookup: NDArray[np.int32] = field(init=False, repr=False)
    _sums: NDArray[np.int32] = field(init=False, repr=False)
    _copies: NDArray[np.int32] = field(init=False, repr=False)

    @property
    def ladders(self) -> NDArray[np.int64]:
        """(channels,) the key under which the limits of each channel are found again, in whichever channel they are judged."""
        named = self.key.copy()
        if len(self.ladder):
            named[: self.sensors] |= self.ladder[self.profile[: self.sensors]]
        return named

    def channels(self, sensor: NDArray[np.int32]) -> tuple[NDArray[np.int32], bool]:
        """(n,) the channel of each sensor id, -1 where the plan does not know it; and whether it knows all."""
        return _find(self._lookup, sensor)


def _joined(told: list[NDArray[np.void]]) -> NDArray[np.void]:
    """Events one after the other; mostly there is at most one piece, and joining costs more than judging a thousand readings."""
    some = [events for events in told if len(events)]
    return np.concatenate(some) if len(some) > 1 else some[0] if some else np.empty(0, EVENT)


def _none(kind: str) -> NDArray:
    return np.empty(0, kind)


def _no_groups() -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    return np.zeros(1, np.int64), np.empty(0, np.int32)


def _number(source: NDArray[np.int64], channels: int) -> NDArray[np.int32]:
    """(channels,) the place of each channel among the sources, -1 where it is none."""
    found = np.full(channels, -1, np.int32)
    found[source] = np.arange(len(source))
    return found


@dataclass(frozen=True)
class Applied:
    """What came of a batch: ``status`` (n,) of each reading, ``events`` in order."""

    status: NDArray[np.uint8]
    events: NDArray[np.void]


class Machine:
    """The state of a network under a plan."""

    def __init__(self, plan: Plan, start: int = 0) -> None:
        self.plan = plan
        self.state = layout.fresh(len(plan.key))
        self.state.hot["profile"] = plan.profile
        self.rings = windows.empty(len(plan.sums.source))
        self.standing = groups.none_stands(len(plan.counted))
        self.due = 0
        """Before this moment time alone changes no group; worked out anew where it is not known. No part of the state."""
        self.missed: NDArray[np.bool_] | None = None
        """(sensors,) who would change the count of a group by being heard of again, if anybody."""
        self.scanned = start
        self.deaf = groups.NEVER_DEAF
        """Stretches in which no door was open, of which some may matter still."""

    def apply(self, sensor: NDArray[np.int32], at: NDArray[np.int64], value: NDArray[np.float64], now: int) -> Applied:
        """Readings (n,) of sensor ids, times in ms, values, taken at ``now`` ms."""
        told = [*self._waited(now), self.scan(now)]
        channel, whole = self.plan.channels(sensor)
        if not whole:
            known = np.flatnonzero(channel >= 0)
            channel, at, value = channel[known], at[known], value[known]
        fate, events = _judge(self.state, self.plan.table, channel, at, value, now)
        told.append(events)
        told += self._derive(channel, at, value, fate, now)
        told.append(self._counted(channel, _joined(told), now))
        status = fate
        if not whole:
            status = np.full(len(sensor), Fate.UNKNOWN, np.uint8)
            status[known] = fate
        return Applied(status, _joined(told))

    def excuse(self, since: int, until: int) -> None:
        """From then to then, in ms, nobody could have been heard: it is not counted as silence."""
        deaf = groups.also_deaf(self.deaf, since, until)
        lost = deaf[:, 1] - deaf[:, 0]
        heard = until - deaf[:, 1] - (lost.sum() - np.cumsum(lost))
        self.deaf = deaf[heard <= self.plan.offline_ms.max(initial=0)]  # after so long with an open door the longest silence is told

    def _waited(self, now: int) -> list[NDArray[np.void]]:
        """What time alone has changed of the groups before now."""
        return self.plan.counted.wait(self.state, self.standing, now) if len(self.plan.counted) and self.due < now else []

    def _counted(self, channel: NDArray[np.int32], told: NDArray[np.void], now: int) -> NDArray[np.void]:
        """What these events of channels, the time, or that these channels were heard of, change of the groups."""
        counted = self.plan.counted
        heard = self.missed is not None and self.missed[channel].any()
        if not len(counted) or (now < self.due and not heard and not (told["kind"] == Kind.LEVEL).any()):
            return told[:0]
        found = counted.settle(self.state, self.standing, now)
        self.due, self.missed = counted.next(self.state, self.standing), None
        if len(stale := counted.stale(self.state, now)):
            self.missed = np.zeros(self.plan.sensors, np.bool_)
            self.missed[self.plan.channels((self.plan.key[stale] >> 32).astype(np.int32))[0]] = True
        return found

    def _derive(self, channel: NDArray, at: NDArray, value: NDArray, status: NDArray, now: int) -> list[NDArray[np.void]]:
        told = []
        if len(self.rings.held):
            ring = self.plan._sums[channel]
            use = np.flatnonzero((ring >= 0) & ((status == Fate.GOOD) | (status == Fate.OLD)))
            if len(use):
                feed = self.plan.sums
                window, when, total = windows.push(
                    self.rings, feed.first, feed.length, ring[use].astype(np.int64), at[use], value[use]
                )
                told.append(self._judge_derived(feed.target[window], when, total, now))
        if len(self.plan.copies.source):
            place = self.plan._copies[channel]
            use = np.flatnonzero((place >= 0) & (status == Fate.GOOD))
            feed, count = self.plan.copies, np.diff(self.plan.copies.first)[place[use]]
            one = np.repeat(use, count)
            nth = np.arange(len(one)) - np.repeat(np.cumsum(count) - count, count)
            told.append(self._judge_derived(feed.target[feed.first[place[one]] + nth], at[one], value[one], now))
        return told

    def _judge_derived(self, channel: NDArray, at: NDArray, value: NDArray, now: int) -> NDArray[np.void]:
        return _judge(self.state, self.plan.table, channel.astype(np.int32), at, value, now)[1]

    def stirs(self, now: int) -> bool:
        """Would time alone bring anything about by now? Nothing is moved."""
        if len(self.plan.counted) and self.plan.counted.next(self.state, self.standing) <= now:
            return True
        if now - now % self.plan.period_ms <= self.scanned:
            return False
        return bool(len(self.plan.neighbours)) or groups.any_silent(self.state, self.plan.offline_ms, now, self.deaf)

    def scan(self, now: int) -> NDArray[np.void]:
        """What time alone brings about, once for each period that the log enters."""
        at = now - now % self.plan.period_ms
        if at <= self.scanned:
            return np.empty(0, EVENT)
        self.scanned = at
        silent = groups.silent(self.state, self.plan.offline_ms, at, self.deaf)
        return _joined([silent, self.plan.neighbours.compare(self.state, at)])

    def replan(self, plan: Plan, now: int) -> NDArray[np.void]:
        """Take another plan: what is known of each channel is kept. Where its limits are others, its present value is judged by
        them at once; where they are the same, what waits for its time goes on waiting."""
        fresh = Machine(plan, now)
        steady = self._steady(plan, fresh.adopt(self))
        self.plan, self.state, self.rings, self.standing, self.due, self.missed = plan, fresh.state, fresh.rings, fresh.standing, 0, None
        waited = self._waited(now)
        return np.concatenate([*waited, self._sum_anew(now), self._level_anew(now, steady), self.plan.counted.settle(self.state, self.standing, now)])

    def _steady(self, plan: Plan, keep: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(channels of the new plan,) whose levels have the limits and times that they had where they were judged before."""
        if not len(self.plan.key):
            return keep >= 0
        old, new = self.plan.profile[keep].astype(np.int64), plan.profile.astype(np.int64)
        pairs, which = np.unique(old * len(plan.table) + new, return_inverse=True)
        before, after = self.plan.table[pairs // len(plan.table)], plan.table[pairs % len(plan.table)]
        alike = np.all([np.all(before[name] == after[name], axis=1) for name in LADDER], axis=0)
        return (keep >= 0) & alike[which]

    def adopt(self, other: Machine) -> NDArray[np.int64]:
        """Know of each channel what another machine knows that has it; the others stay as they are. (channels,) where the limits
        of each were judged there, -1 where they were not."""
        keep = _same(other.plan.key, self.plan.key)
        there, here = np.flatnonzero(keep >= 0), keep[keep >= 0]
        for f in fields(layout.State):
            getattr(self.state, f.name)[there] = getattr(other.state, f.name)[here]
        self.state.hot["profile"] = self.plan.profile
        was = _number(other.plan.sums.source, len(other.plan.key))
        for r, channel in enumerate(self.plan.sums.source):
            if keep[channel] >= 0 and (before := was[keep[channel]]) >= 0:
                for f in fields(windows.Rings):
                    getattr(self.rings, f.name)[r] = getattr(other.rings, f.name)[before]
        for since, until in other.deaf.tolist():
            self.deaf = groups.also_deaf(self.deaf, since, until)
        self.stand(other)
        if not (len(self.plan.ladder) and len(other.plan.ladder)):
            return keep
        self._fill(other, keep)
        judged = _same(other.plan.ladders, self.plan.ladders)
        self._climb(other, np.flatnonzero(judged != keep), judged)
        self._begin(other, judged)
        return judged

    def _fill(self, other: Machine, keep: NDArray[np.int64]) -> None:
        """A copy that is new knows the value that it is a copy of."""
        new = self.plan.copies.target[keep[self.plan.copies.target] < 0]
        place = _same(other.plan.key, self.plan.key[new] >> 32 << 32)
        new, place = new[place >= 0], place[place >= 0]
        profile = self.state.hot["profile"][new]
        self.state.hot[new], self.state.heard[new] = other.state.hot[place], other.state.heard[place]
        for name, value in (("profile", profile), ("level", 0), ("waiting", 0), ("marks", 0), ("bad", 0)):
            self.state.hot[name][new] = value

    def _climb(self, other: Machine, moved: NDArray[np.int64], judged: NDArray[np.int64]) -> None:
        """Limits that are judged in another channel now stand there as they stood; those that are new have reached nothing."""
        hot, old, stood = self.state.hot, judged[moved], judged[moved] >= 0
        for name in ("level", "waiting"):
            hot[name][moved] = np.where(stood, other.state.hot[name][old], 0)
        self.state.since[moved] = np.where(stood[:, None], other.state.since[old], layout.NONE)
        self.state.peak[moved] = other.state.peak[old]

    def _begin(self, other: Machine, judged: NDArray[np.int64]) -> None:
        """A level that is reached, or waited for, by another rule than before has gone as far as the value that stands now."""
        hot, side = self.state.hot, np.arange(layout.LEVELS)
        at = np.flatnonzero(((hot["level"] != 0) | (hot["waiting"] != 0)) & (judged >= 0))
        level = np.where(hot["level"][at] != 0, hot["level"][at], hot["waiting"][at])[:, None]
        rules = (self.plan.rule[self.plan.profile[at]], other.plan.rule[other.plan.profile[judged[at]]])
        now, before = (np.take_along_axis(rule, np.where(level > 0, side, side + layout.LEVELS), axis=1) for rule in rules)
        self.state.peak[at] = np.where(now != before, hot["value"][at][:, None], self.state.peak[at])

    def stand(self, other: Machine) -> None:
        """Of each group that another machine counts: it stands as it does there; the others stay as they are."""
        keep = _same(other.plan.counted.key, self.plan.counted.key)
        self.standing[keep >= 0] = other.standing[keep[keep >= 0]]
        self.due = 0

    def _sum_anew(self, now: int) -> NDArray[np.void]:
        """A window that is new begins with the samples that are held."""
        feed, told = self.plan.sums, []
        for r in np.flatnonzero(self.rings.held > 0):
            newest = self.rings.at[r, self.rings.held[r] - 1]
            mine = slice(feed.first[r], feed.first[r + 1])
            target, length = feed.target[mine], feed.length[mine]
            fresh = self.state.hot["at"][target] == layout.NONE
            inside = self.rings.at[r, : self.rings.held[r], None] > newest - length[None, fresh]
            total = (self.rings.steps[r, : self.rings.held[r], None] * inside).sum(axis=0) / windows.STEPS
            told.append(self._judge_derived(target[fresh], np.full(fresh.sum(), newest), total, now))
        return np.concatenate(told) if told else np.empty(0, EVENT)

    def _level_anew(self, now: int, steady: NDArray[np.bool_]) -> NDArray[np.void]:
        hot = self.state.hot
        known = np.flatnonzero((hot["at"] != layout.NONE) & ~steady)
        was = hot["level"][known].copy()
        level = twin.raw_level(hot["value"][known], was, self.plan.table[self.plan.profile[known]])
        hot["level"][known], hot["waiting"][known], self.state.since[known] = level, 0, layout.NONE
        changed = known[level != was]
        told = np.empty(len(changed), EVENT)
        told["channel"], told["kind"], told["was"], told["now"] = changed, Kind.LEVEL, was[level != was], hot["level"][changed]
        told["at"], told["value"] = now, hot["value"][changed]
        nothing = np.full((len(changed), layout.LEVELS), layout.NONE), np.zeros(len(changed), np.int8)
        self.state.peak[changed], told["peak"] = twin.peaks(
            self.state.peak[changed], nothing[0], told["now"], told["was"], told["now"], nothing[1], told["value"]
        )
        return told

    def dump(self) -> bytes:
        """The state as bytes; the plan is the caller's to keep."""
        out = io.BytesIO()
        parts = {f.name: getattr(self.state, f.name) for f in fields(layout.State)}
        used = int(self.rings.held.max(initial=0))
        rings = {"ring_at": self.rings.at[:, :used], "ring_steps": self.rings.steps[:, :used]}
        rest = {"ring_held": self.rings.held, "ring_told": self.rings.told, "standing": self.standing, "deaf": self.deaf}
        kept: dict[str, Any] = {**parts, **rings, **rest, "scanned": self.scanned, "key": self.plan.key}
        np.savez(out, **kept)
        return out.getvalue()

    @classmethod
    def load(cls, data: bytes, plan: Plan) -> Machine:
        """What `dump` wrote under the same plan; ValueError under another."""
        made = cls(plan)
        with np.load(io.BytesIO(data), allow_pickle=False) as kept:
            if not np.array_equal(kept["key"], plan.key):
                raise ValueError("the snapshot was taken under another plan")
            made.state = layout.state_of(kept)
            used = kept["ring_at"].shape[1]
            made.rings.at[:, :used], made.rings.steps[:, :used] = kept["ring_at"], kept["ring_steps"]
            made.rings.held[:], made.rings.told[:] = kept["ring_held"], kept["ring_told"]
            made.standing[:] = kept["standing"]
            made.scanned, made.deaf = int(kept["scanned"]), kept.get("deaf", groups.NEVER_DEAF)
        return made


def _same(old: NDArray[np.int64], new: NDArray[np.int64]) -> NDArray[np.int64]:
    """(len(new),) where each new key stood before, -1 where it is new."""
    if not len(old):
        return np.full(len(new), -1)
    order = np.argsort(old, kind="stable")
    place = np.minimum(np.searchsorted(old, new, sorter=order), len(old) - 1)
    found = order[place]
    return np.where(old[found] == new, found, -1)
