"""What several channels say together: k of n at a level, and one that strays from its neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compiled import making
from .layout import EVENT, NONE, Kind, Mark, State

FAR = 2**62
"""A moment that never comes."""
STANDING = np.dtype(
    [
        ("most", "i8"),  # the most fresh members that were counted since the group was told, 0 where it does not stand
        ("since", "i8"),  # since when its count waits for its hold time; NONE where it does not
        ("doubtful", "?"),  # does it stand only because stale members are not taken to be back?
    ]
)
"""What stands of each group."""


def none_stands(n: int) -> NDArray[np.void]:
    standing = np.zeros(n, STANDING)
    standing["since"] = NONE
    return standing


@dataclass(frozen=True)
class Counted:
    """Groups that are told when ``least`` of their members have stood at ``level`` or further, above or below, for
    ``hold_up`` ms, and are over when fewer than ``clear`` have for ``hold_down`` ms.

    A member is fresh for ``fresh`` ms (0: always) after its newest reading. Only fresh ones make a group stand; a stale one
    ends none, for nobody knows that it is back: it goes on as it stood, and a group of which fewer than ``clear`` are fresh
    stands on as doubtful. All moments are those at which batches were taken, but for the time of the newest reading.

    The members of group g are ``member[first[g]:first[g + 1]]``; ``key`` names it for good, so that it stands on under
    another plan.
    """

    first: NDArray[np.int64]
    member: NDArray[np.int32]
    level: NDArray[np.int8]
    least: NDArray[np.int64]
    clear: NDArray[np.int64]
    key: NDArray[np.int64]
    fresh: NDArray[np.int64]
    hold_up: NDArray[np.int64]
    hold_down: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.level)

    def reached(self, state: State, group: int, now: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """The members of a group that stand at its level: those that are fresh, and the stale ones."""
        place, until = self._reached(state)
        mine = self._of(place) == group
        return self.member[place[mine & (until >= now)]], self.member[place[mine & (until < now)]]

    def count(self, state: State, now: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(groups,) members at their group's level now: those that are fresh, and all."""
        place, until = self._reached(state)
        of, n = self._of(place), len(self)
        return np.bincount(of[until >= now], minlength=n).astype(np.int64), np.bincount(of, minlength=n).astype(np.int64)

    def settle(self, state: State, standing: NDArray[np.void], now: int) -> NDArray[np.void]:
        """What changes at ``now``; ``standing`` (groups,) is moved."""
        (fresh, every), stood, doubted = self.count(state, now), standing["most"] > 0, standing["doubtful"].copy()
        wanted = np.where(stood, every >= self.clear, fresh >= self.least)
        waits = wanted != stood
        since = np.where(waits, np.where(standing["since"] == NONE, now, standing["since"]), NONE)
        turned = waits & (now - since >= np.where(stood, self.hold_down, self.hold_up))
        stands, most = stood ^ turned, np.maximum(standing["most"], fresh)
        standing["most"], standing["since"] = np.where(stands, most, 0), np.where(turned, NONE, since)
        standing["doubtful"] = stands & np.where(every >= self.clear, fresh < self.clear, doubted)
        was, then = stood.astype(np.int8) + doubted, stands.astype(np.int8) + standing["doubtful"]
        changed = np.flatnonzero(was != then)
        told = np.zeros(len(changed), EVENT)
        told["channel"], told["kind"], told["was"], told["now"] = changed, Kind.GROUP, was[changed], then[changed]
        told["at"], told["value"], told["peak"][:, 0] = now, fresh[changed], most[changed]
        return told

    def wait(self, state: State, standing: NDArray[np.void], now: int) -> list[NDArray[np.void]]:
        """What time alone has changed before ``now``, each at its own moment; ``standing`` is moved."""
        told = []
        while (at := self.next(state, standing)) < now:
            told.append(self.settle(state, standing, at))
        return told

    def next(self, state: State, standing: NDArray[np.void]) -> int:
        """When time alone changes something, if nothing is read before: a hold time is over, or too few are fresh."""
        stood, waits = standing["most"] > 0, standing["since"] != NONE
        over = np.where(waits, standing["since"] + np.where(stood, self.hold_down, self.hold_up), FAR)
        if (may := (self.fresh > 0) & np.where(stood, ~standing["doubtful"], waits)).any():
            last = self._last(state, np.where(stood, self.clear, self.least))
            over = np.minimum(over, np.where(may & (last != NONE), last + 1, FAR))
        return int(over.min(initial=FAR))

    def stale(self, state: State, now: int) -> NDArray[np.int32]:
        """Members at their group's level that are not fresh: the next reading of one may change the count without an event."""
        if not self.fresh.any():
            return self.member[:0]
        place, until = self._reached(state)
        return self.member[place[until < now]]

    def _reached(self, state: State) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Places of the members that stand at their group's level, and until when each is fresh."""
        place = np.flatnonzero(np.abs(state.hot["level"][self.member]) >= np.repeat(self.level, np.diff(self.first)))
        fresh = self.fresh[self._of(place)]
        return place, np.where(fresh > 0, state.hot["at"][self.member[place]] + fresh, FAR)

    def _of(self, place: NDArray[np.int64]) -> NDArray[np.int64]:
        """The groups of the members at these places."""
        return np.searchsorted(self.first, place, side="right") - 1

    def _last(self, state: State, k: NDArray[np.int64]) -> NDArray[np.int64]:
        """(groups,) until when ``k`` members of each stand at its level and are fresh; NONE where fewer stand there."""
        place, until = self._reached(state)
        of = self._of(place)
        order, held = np.lexsort((-until, of)), np.bincount(of, minlength=len(self))
        enough = held >= k
        last = np.full(len(self), NONE)
        last[enough] = until[order][(np.cumsum(held) - held + k - 1)[enough]]
        return last


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


@making
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
                s.marks &= 0xFF ^ Mark.STRAY
            else:
                continue
            e = out[n]
            e.channel, e.kind, e.was, e.now = member[j], Kind.NEIGHBOUR, marked, not marked
            e.at, e.value = now, off
            e.peak[:] = 0.0
            n += 1
    return n


NEVER_DEAF = np.empty((0, 2), np.int64)


def also_deaf(deaf: NDArray[np.int64], since: int, until: int) -> NDArray[np.int64]:
    """Stretches (k, 2) in which nobody could have been heard, from and to in ms, rising and apart, with one more."""
    touching = (deaf[:, 0] <= until) & (deaf[:, 1] >= since)
    whole = np.append(deaf[touching].ravel(), [since, until])
    rows = np.concatenate([deaf[~touching], [[whole.min(), whole.max()]]])
    return rows[np.argsort(rows[:, 0])]


def any_silent(state: State, offline_ms: NDArray[np.int64], now: int, deaf: NDArray[np.int64] = NEVER_DEAF) -> bool:
    """Is there a channel that `silent` would tell?"""
    return bool(len(_newly_silent(state, offline_ms, now, deaf)))


def _newly_silent(state: State, offline_ms: NDArray[np.int64], now: int, deaf: NDArray[np.int64]) -> NDArray[np.int64]:
    due = np.flatnonzero((now - state.heard > offline_ms) & (offline_ms > 0) & (state.heard != NONE))
    if len(deaf):
        heard = state.heard[due]
        unheard = sum(np.maximum(0, until - np.maximum(since, heard)) for since, until in deaf.tolist())
        due = due[now - heard - unheard > offline_ms[due]]
    return due[(state.hot["marks"][due] & Mark.OFFLINE) == 0]


def silent(state: State, offline_ms: NDArray[np.int64], now: int, deaf: NDArray[np.int64] = NEVER_DEAF) -> NDArray[np.void]:
    """Channels of which nothing has been heard for their ``offline_ms`` (n,; 0 for never), marked and told. One that was
    never heard is not silent yet: nobody has connected it; and what is ``deaf`` (`also_deaf`) is not counted.

    ``at`` of an event is when silence became an alarm, ``value`` the seconds since anything was heard.
    """
    new = _newly_silent(state, offline_ms, now, deaf)
    state.hot["marks"][new] |= np.uint8(Mark.OFFLINE)
    told = np.zeros(len(new), EVENT)
    told["channel"], told["kind"], told["was"], told["now"] = new, Kind.SILENT, 0, 1
    told["at"], told["value"] = now, (now - state.heard[new]) / 1000
    return told
