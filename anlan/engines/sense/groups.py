"""What several channels say together: k of n at a level, and one that strays from its neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled
from .layout import EVENT, NONE, Kind, Mark, State


@dataclass(frozen=True)
class Counted:
    """Groups that are told when ``least`` of their members stand at ``level`` or further, above or below; over below ``clear``.

    The members of group g are ``member[first[g]:first[g + 1]]``; ``key`` names it for good, so that it stands on under
    another plan. What stands is (groups,): the most members that were counted since the group was told, 0 where it is not.
    """

    first: NDArray[np.int64]
    member: NDArray[np.int32]
    level: NDArray[np.int8]
    least: NDArray[np.int64]
    clear: NDArray[np.int64]
    key: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.level)

    def reached(self, state: State, group: int) -> NDArray[np.int32]:
        """The members of a group that stand at its level now."""
        mine = self.member[self.first[group] : self.first[group + 1]]
        return mine[np.abs(state.hot["level"][mine]) >= self.level[group]]

    def count(self, state: State) -> NDArray[np.int64]:
        """(groups,) members at their group's level now."""
        of = np.repeat(np.arange(len(self)), np.diff(self.first))
        reached = np.abs(state.hot["level"][self.member]) >= self.level[of]
        return np.bincount(of[reached], minlength=len(self)).astype(np.int64)

    def watch(self, state: State, standing: NDArray[np.int64], events: NDArray[np.void], now: int) -> NDArray[np.void]:
        """What these events of channels change; ``standing`` (groups,) is moved."""
        if not len(self) or not (events["kind"] == Kind.LEVEL).any():
            return events[:0]
        return self.settle(state, standing, now)

    def settle(self, state: State, standing: NDArray[np.int64], now: int) -> NDArray[np.void]:
        count, stood = self.count(state), standing > 0
        holds, most = np.where(stood, count >= self.clear, count >= self.least), np.maximum(standing, count)
        changed = np.flatnonzero(holds != stood)
        standing[:] = np.where(holds, most, 0)
        told = np.zeros(len(changed), EVENT)
        told["channel"], told["kind"], told["was"], told["now"] = changed, Kind.GROUP, ~holds[changed], holds[changed]
        told["at"], told["value"], told["peak"] = now, count[changed], most[changed]
        return told


@dataclass(frozen=True)
class Neighbours:
    """Groups whose members should read alike: each is compared with the median of those heard within ``fresh`` ms."""

    first: NDArray[np.int64]
    member: NDArray[np.int32]
    limit: NDArray[np.float64]
    clear: NDArray[np.float64]
    fresh: NDArray[np.int64]
    least: NDArray[np.int64]
    """Fewer fresh members say nothing."""

    def __len__(self) -> int:
        return len(self.limit)

    def compare(self, state: State, now: int) -> NDArray[np.void]:
        """Marks that begin and end now; ``value`` is the distance from the median."""
        if not len(self):
            return np.empty(0, EVENT)
        out = np.empty(len(self.member), EVENT)
        n = _compare(
            state.hot.view(np.recarray), self.first, self.member, self.limit, self.clear, self.fresh, self.least, now,
            out.view(np.recarray),
        )  # fmt: skip
        return out[:n].copy()


@compiled
def _compare(hot: Any, first: Any, member: Any, limit: Any, clear: Any, fresh: Any, least: Any, now: int, out: Any) -> int:
    n = 0
    for g in range(len(limit)):
        heard = np.empty(first[g + 1] - first[g])
        m = 0
        for j in range(first[g], first[g + 1]):
            s = hot[member[j]]
            if s.at != NONE and now - s.at <= fresh[g] and not s.marks & Mark.OFFLINE:
                heard[m] = s.value
                m += 1
        if m < least[g]:
            continue
        middle = np.median(heard[:m])
        for j in range(first[g], first[g + 1]):
            s = hot[member[j]]
            if s.at == NONE or now - s.at > fresh[g] or s.marks & Mark.OFFLINE:
                continue
            off, marked = s.value - middle, s.marks & Mark.STRAY != 0
            if abs(off) > limit[g] and not marked:
                s.marks |= Mark.STRAY
            elif marked and abs(off) <= clear[g]:
                s.marks &= ~Mark.STRAY
            else:
                continue
            e = out[n]
            e.channel, e.kind, e.was, e.now = member[j], Kind.NEIGHBOUR, marked, not marked
            e.at, e.value, e.peak = now, off, 0.0
            n += 1
    return n


def any_silent(state: State, offline_ms: NDArray[np.int64], now: int) -> bool:
    """Is there a channel that `silent` would tell?"""
    return bool(len(_newly_silent(state, offline_ms, now)))


def _newly_silent(state: State, offline_ms: NDArray[np.int64], now: int) -> NDArray[np.int64]:
    due = np.flatnonzero((now - state.heard > offline_ms) & (offline_ms > 0) & (state.heard != NONE))
    return due[(state.hot["marks"][due] & Mark.OFFLINE) == 0]


def silent(state: State, offline_ms: NDArray[np.int64], now: int) -> NDArray[np.void]:
    """Channels of which nothing has been heard for their ``offline_ms`` (n,; 0 for never), marked and told. One that was
    never heard is not silent yet: nobody has connected it.

    ``at`` of an event is when silence became an alarm, ``value`` the seconds since anything was heard.
    """
    new = _newly_silent(state, offline_ms, now)
    state.hot["marks"][new] |= np.uint8(Mark.OFFLINE)
    told = np.zeros(len(new), EVENT)
    told["channel"], told["kind"], told["was"], told["now"] = new, Kind.SILENT, 0, 1
    told["at"], told["value"] = now, (now - state.heard[new]) / 1000
    return told
