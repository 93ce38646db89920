"""What a body becomes, and the table of names that it is read with."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled

MOST = 100_000
"""Readings of one body."""
EARLIEST_MS, LATEST_MS = 946_684_800_000, 4_102_444_800_000
"""2000 to 2100, UTC."""


class Undecodable(ValueError):
    """A body that cannot be read at all; the message names the place, in Chinese."""


SEED = np.uint64(14695981039346656037)


@dataclass
class Batch:
    """Readings (n,): sensor ids, times in ms, values, and where each stood in the body; and what was refused, by place."""

    sensor: NDArray[np.int32]
    at: NDArray[np.int64]
    value: NDArray[np.float64]
    place: NDArray[np.int32]
    rejected: list[tuple[int, str]] = field(default_factory=list)
    unit: list[str] | None = None
    """The unit of each reading as it was sent, "" where none was; None when the format has no units."""


@dataclass(frozen=True)
class Names:
    """Codes of sensors and their ids. Also as an open hash table over UTF-8 (FNV-1a), which compiled code can ask."""

    ids: dict[str, int]

    @cached_property
    def table(self) -> tuple[NDArray[np.int32], NDArray[np.uint8], NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
        """(slots, all codes one after the other, where each begins, the id of each, which code followed upon each the last time
        and, at the end, which was the first). The last of these is a guess that readers write down for one another."""
        n, text = len(self.ids), "".join(self.ids)
        letters = np.frombuffer(text.encode(), np.uint8)
        lengths = map(len, self.ids) if len(letters) == len(text) else (len(code.encode()) for code in self.ids)
        start = np.concatenate([[0], np.cumsum(np.fromiter(lengths, np.int64, n))])
        slots = np.full(1 << max(4, int(np.ceil(np.log2(n * 3 + 1)))), -1, np.int32)
        _fill(slots, letters, start)
        after = np.roll(np.arange(n + 1, dtype=np.int32), -1)
        after[-2:] = 0
        return slots, letters, start, np.fromiter(self.ids.values(), np.int32, n), after


@compiled
def hashed(letters: Any, start: int, end: int) -> Any:
    h = SEED
    for i in range(start, end):
        h = (h ^ np.uint64(letters[i])) * np.uint64(1099511628211)
    return h ^ (h >> np.uint64(29))


@compiled
def _fill(slots: Any, letters: Any, start: Any) -> None:
    mask = np.uint64(len(slots) - 1)
    for k in range(len(start) - 1):
        place = hashed(letters, start[k], start[k + 1]) & mask
        while slots[place] >= 0:
            place = (place + np.uint64(1)) & mask
        slots[place] = k


class Collected:
    """Readings gathered one by one."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.rows: list[tuple[int, int, float, int]] = []
        self.rejected: list[tuple[int, str]] = []
        self.units: list[str] = []

    def add(self, place: int, code: Any, at: int, value: float, unit: str = "") -> None:
        """Keep a reading whose parts are sound; a name or time that is not known is a refusal."""
        if (sensor := self.names.ids.get(code)) is None:
            return self.refuse(place, f"未登记的测点 {shown(code)}")
        if not EARLIEST_MS <= at <= LATEST_MS:
            return self.refuse(place, "观测时间早于2000年" if at < EARLIEST_MS else "观测时间晚于当前时间")
        self.rows.append((sensor, at, value, place))
        self.units.append(unit)
        return None

    def refuse(self, place: int, reason: str) -> None:
        self.rejected.append((place, reason))

    def batch(self, *, units: bool = False) -> Batch:
        sensor, at, value, place = zip(*self.rows, strict=True) if self.rows else ((), (), (), ())
        return Batch(
            np.array(sensor, np.int32), np.array(at, np.int64), np.array(value, np.float64), np.array(place, np.int32),
            self.rejected, self.units if units else None,
        )  # fmt: skip


def shown(text: Any, most: int = 40) -> str:
    """What was sent, short and harmless."""
    said = "".join(sign if sign.isprintable() else f"\\x{ord(sign):02x}" for sign in str(text)[:most])
    return said.encode("utf-8", "backslashreplace").decode()
