"""What a body becomes, and the table of names that it is read with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled

MOST = 100_000
"""Readings of one body."""
SAME = {
    "Cel": "℃", "°C": "℃", "degC": "℃", "%RH": "%", "m3": "m³", "m2": "m²", "m3/s": "m³/s", "ft3/s": "ft³/s", "m/s2": "m/s²", "l": "L",
}  # fmt: skip
"""Units that are spelt in several ways, among them those of SenML (RFC 8428, 12.1)."""
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
    spoilt: dict[int, str] = field(default_factory=dict)
    """By place, why a reading stands here as NaN: no figure was sent. It is refused, and counts as a bad one of its sensor."""

    def in_order(self) -> Batch:
        """The same readings by their times: who writes them down in another order has measured them in this one."""
        if (self.at[1:] >= self.at[:-1]).all():
            return self
        order = np.argsort(self.at, kind="stable")
        return Batch(self.sensor[order], self.at[order], self.value[order], self.place[order], self.rejected, self.spoilt)


@dataclass(frozen=True)
class Names:
    """Codes of sensors and their ids. Also as an open hash table over UTF-8 (FNV-1a), which compiled code can ask."""

    ids: dict[str, int]
    unit: Callable[[int], str] = lambda _: ""
    """The unit of a sensor; empty where nobody knows it."""

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
        self.spoilt: dict[int, str] = {}

    def spoil(self, place: int, code: Any, at: int, reason: str) -> None:
        """A reading without a figure."""
        before = len(self.rows)
        self.add(place, code, at, float("nan"))
        if len(self.rows) > before:
            self.spoilt[place] = reason

    def add(self, place: int, code: Any, at: int, value: float, unit: str = "") -> None:
        """Keep a reading whose parts are sound; a name or time that is not known, or another unit, is a refusal."""
        if (sensor := self.names.ids.get(code)) is None:
            return self.refuse(place, f"未登记的测点 {shown(code)}")
        if not EARLIEST_MS <= at <= LATEST_MS:
            return self.refuse(place, "观测时间早于2000年" if at < EARLIEST_MS else "观测时间晚于当前时间")
        if unit and (mine := self.names.unit(sensor)) and SAME.get(unit, unit) != SAME.get(mine, mine):
            return self.refuse(place, f"单位不符:{shown(unit)},测点 {shown(code)} 的单位为 {mine}")
        self.rows.append((sensor, at, value, place))
        return None

    def refuse(self, place: int, reason: str) -> None:
        self.rejected.append((place, reason))

    def batch(self) -> Batch:
        sensor, at, value, place = zip(*self.rows, strict=True) if self.rows else ((), (), (), ())
        return Batch(
            np.array(sensor, np.int32), np.array(at, np.int64), np.array(value, np.float64), np.array(place, np.int32),
            self.rejected, self.spoilt,
        )  # fmt: skip


def shown(text: Any, most: int = 40) -> str:
    """What was sent, short and harmless."""
    said = "".join(sign if sign.isprintable() else f"\\x{ord(sign):02x}" for sign in str(text)[:most])
    return said.encode("utf-8", "backslashreplace").decode()
