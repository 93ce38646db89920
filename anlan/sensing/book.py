"""Rules, as rows, become the plan that readings are judged by.

Of several rules for the same level of the same series the nearest holds: the sensor's own, then its station's, then the
one for the smallest area. A rain rule over hours judges the rolling sum; any other rule over hours lasts so much longer
before it ends. Series of one value that have limits for several hazards are judged once for each.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from functools import cached_property
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from anlan.engines.sense import groups, layout, net
from anlan.kernel.people import scope

from . import parts
from .models import Rule, Sensor

UP, DOWN, RATE, STUCK, OFFLINE, QUALITY, STRAY = 0, 4, 8, 9, 10, 11, 12
SLOTS = 13
"""A profile has a rule, or none, in each: four upper levels, four lower ones, and the marks."""
SINGLE = {
    Rule.Kind.RATE: RATE, Rule.Kind.STUCK: STUCK, Rule.Kind.OFFLINE: OFFLINE, Rule.Kind.QUALITY: QUALITY, Rule.Kind.STRAY: STRAY,
}  # fmt: skip
FRESH_S = 600
"""How old a neighbour's value may be when its rule does not say it."""
NEIGHBOURS = 3
"""Fewer fresh neighbours, itself among them, say nothing of one that strays."""
ROW = ("pk", "quantity", "area_id", "station_id", "low", "high")
STATION = ROW.index("station_id")
Ladder = dict[int, Rule]
"""By slot."""


@dataclass(frozen=True)
class Book:
    """A plan, and which rule stands behind each limit of its profiles: ``rule`` (profiles, SLOTS), 0 for none. A group that is
    counted has its rule for a key."""

    plan: net.Plan
    rule: NDArray[np.int64]

    @cached_property
    def digest(self) -> str:
        told = hashlib.sha256()
        for name, array in sorted(self.arrays().items()):
            told.update(f"{name}{array.dtype.str}{array.shape}".encode())
            told.update(np.ascontiguousarray(array).tobytes())
        return told.hexdigest()

    def dump(self) -> bytes:
        out = io.BytesIO()
        np.savez_compressed(out, **self.arrays())  # type: ignore[arg-type]
        return out.getvalue()

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What it is made of, by name."""
        plan = self.plan
        feeds = {f"{name}_{f.name}": getattr(getattr(plan, name), f.name) for name in ("sums", "copies") for f in fields(net.Feed)}
        own = {"key": plan.key, "sensors": np.array(plan.sensors), "profile": plan.profile, "table": plan.table, "rule": self.rule,
               "ladder": plan.ladder, "limits": plan.rule}  # fmt: skip
        near = {f"near_{f.name}": getattr(plan.neighbours, f.name) for f in fields(groups.Neighbours)}
        counted = {f"counted_{f.name}": getattr(plan.counted, f.name) for f in fields(groups.Counted)}
        return {**own, **feeds, **near, **counted}

    @classmethod
    def load(cls, data: bytes) -> Book:
        with np.load(io.BytesIO(data), allow_pickle=False) as held:
            return cls.of(held)

    @classmethod
    def of(cls, held: Mapping[str, NDArray[Any]]) -> Book:
        """The book that is made of these `arrays`."""
        sums, copies = (net.Feed(*(held[f"{name}_{f.name}"] for f in fields(net.Feed))) for name in ("sums", "copies"))
        near = groups.Neighbours(*(held[f"near_{f.name}"] for f in fields(groups.Neighbours)))
        counted = groups.Counted(*(held[f"counted_{f.name}"] for f in fields(groups.Counted)))
        plan = net.Plan(
            held["key"], int(held["sensors"]), held["profile"], layout.table_of(held["table"]), sums=sums, copies=copies, neighbours=near, counted=counted,
            ladder=held.get("ladder", np.empty(0, np.int64)), rule=held.get("limits", np.empty((0, RATE), np.int64)),
        )  # fmt: skip
        return cls(plan, held["rule"])

    @property
    def group(self) -> NDArray[np.int64]:
        """(groups,) the rule that counts each."""
        return self.plan.counted.key

    def rules_of(self, channel: int, level: int) -> dict[int, int]:
        """The rules of a channel that hold at a signed level, each with its place among the levels, from 0."""
        side, first = abs(level), UP if level > 0 else DOWN
        return {int(pk): k for k, pk in enumerate(self.rule[self.plan.profile[channel], first : first + side]) if pk}

    def rule_of(self, channel: int, slot: int) -> int:
        return int(self.rule[self.plan.profile[channel], slot])

    def compared(self) -> NDArray[np.int64]:
        """The ids of the sensors that are compared with one another."""
        return np.unique(self.plan.key[np.concatenate([self.plan.neighbours.member, self.plan.counted.member])] >> 32)

    def sensor(self, channel: int) -> int:
        return int(self.plan.key[channel] >> 32)


def empty() -> Book:
    """Of a network without sensors."""
    return _Press([], date.min).book([])


def compile_book(day: date) -> Book:
    """What holds on a day."""
    rules = [rule for rule in Rule.everywhere.order_by("pk") if rule.holds(day)]
    rows = Sensor.everywhere.order_by("pk").values_list(*ROW)
    return _Press(rules, day).book(rows.iterator(chunk_size=10_000))


def compile_parts(day: date) -> dict[int, Book]:
    """What holds on a day in each part of the network."""
    rules = [rule for rule in Rule.everywhere.order_by("pk") if rule.holds(day)]
    rows = list(Sensor.everywhere.order_by("pk").values_list(*ROW))
    between = [rule for rule in rules if rule.kind in parts.BETWEEN_SITES]
    own: list[list[Any]] = [[] for _ in range(parts.PARTS)]
    for row in rows:
        own[parts.of(row[STATION]) - 1].append(row)
    inside = [rule for rule in rules if rule not in between]
    made = {n + 1: _Press(inside, day).book(mine) for n, mine in enumerate(own)}
    return {**made, parts.ACROSS: _across(rules, rows, day) if between else empty()}


def compared(day: date) -> list[int]:
    """The ids of the sensors that are compared over several sites."""
    rules = [rule for rule in Rule.everywhere.order_by("pk") if rule.holds(day)]
    if not any(rule.kind in parts.BETWEEN_SITES for rule in rules):
        return []
    return _Press(rules, day).book(Sensor.everywhere.order_by("pk").values_list(*ROW).iterator(chunk_size=10_000)).compared().tolist()


def _across(rules: list[Rule], rows: list[Any], day: date) -> Book:
    """These sensors, judged by everything and told only by what compares them."""
    compared = set(_Press(rules, day).book(rows).compared().tolist())
    book = _Press(rules, day).book([row for row in rows if row[0] in compared])
    tells = np.isin(book.rule, [rule.pk for rule in rules if rule.kind in parts.BETWEEN_SITES])
    return Book(book.plan, np.where(tells, book.rule, 0))


def book_of(rules: Sequence[Rule], sensors: Iterable[tuple[int, str, str, int, float, float]]) -> Book:
    """Of these rules and sensors alone: (id, quantity, area, station, low, high)."""
    return _Press(rules, date.min).book(sensors)


@dataclass(frozen=True)
class Cut:
    """What one kind of sensor becomes: the profile of its value, and (code, window ms, profile) of what follows from it;
    (rule, code) of what counts it, by its value (code 0) or by what follows."""

    profile: int
    sums: tuple[tuple[int, int, int], ...]
    copies: tuple[tuple[int, int, int], ...]
    counts: tuple[tuple[int, int], ...] = ()


@dataclass
class _Press:
    rules: Sequence[Rule]
    day: date
    table: list[tuple[float, float, Ladder]] = field(default_factory=list)
    known: dict[Any, int] = field(default_factory=dict)
    cuts: dict[Any, Cut] = field(default_factory=dict)

    def book(self, sensors: Iterable[tuple[int, str, str, int, float, float]]) -> Book:
        own = {r.sensor_id for r in self.rules} | {-r.station_id for r in self.rules if r.station_id}
        ids: list[int] = []
        found: list[Cut] = []
        for pk, quantity, area, station, low, high in sensors:
            alone = (pk if pk in own else 0, station if -station in own else 0)
            same = (quantity, area, low, high, *alone)
            cut = self.cuts.get(same)
            if cut is None:
                cut = self.cuts[same] = self.cut(quantity, area, low, high, *alone)
            ids.append(pk)
            found.append(cut)
        counting = [rule for rule in self.rules if rule.kind == Rule.Kind.COUNT]
        return Book(self.plan(np.array(ids, np.int64), found, counting), self.rule_table())

    def plan(self, ids: NDArray[np.int64], cuts: list[Cut], counting: list[Rule]) -> net.Plan:
        key, profile = [ids << 32], [np.array([c.profile for c in cuts], np.int32)]
        feeds = {}
        for name in ("sums", "copies"):
            rows = [(n, row) for n, cut in enumerate(cuts) for row in getattr(cut, name)]
            source = np.array([n for n, _ in rows], np.int64)
            codes, lengths, profiles = (np.array([row[k] for _, row in rows], np.int64) for k in range(3))
            start = sum(map(len, key))
            at, first = np.unique(source, return_index=True)
            feeds[name] = net.Feed(at, np.append(first, len(rows)).astype(np.int64), np.arange(len(rows)) + start, lengths)
            key.append((ids[source] << 32) | codes)
            profile.append(profiles.astype(np.int32))
        return net.Plan(
            np.concatenate(key), len(ids), np.concatenate(profile), self.profile_table(), sums=feeds["sums"], copies=feeds["copies"],
            neighbours=self.neighbours(cuts), counted=self.counted(np.concatenate(key), ids, cuts, counting),
            ladder=self.ladders(), rule=self.rule_table()[:, :RATE],
        )  # fmt: skip

    def counted(self, key: NDArray[np.int64], ids: NDArray[np.int64], cuts: list[Cut], counting: list[Rule]) -> groups.Counted:
        """The channels whose levels each rule counts: one of each sensor that has limits of its kind."""
        place = {int(one): n for n, one in enumerate(key)} if counting else {}
        members: dict[int, list[int]] = {rule.pk: [] for rule in counting}
        for pk, cut in zip(ids.tolist(), cuts, strict=True) if counting else ():
            for rule, code in cut.counts:
                members[rule].append(place[(pk << 32) | code])
        return groups.Counted(
            np.cumsum([0, *map(len, members.values())]).astype(np.int64), np.array([n for mine in members.values() for n in mine], np.int32),
            np.array([layout.LEVELS + 1 - (r.reach or 1) for r in counting], np.int8), np.array([int(r.amount) for r in counting], np.int64),
            np.array([int(r.clear) for r in counting], np.int64), np.array([r.pk for r in counting], np.int64),
            *(np.array([getattr(r, name) * 1000 for r in counting], np.int64) for name in ("fresh_s", "hold_up_s", "hold_down_s")),
        )  # fmt: skip

    def neighbours(self, cuts: list[Cut]) -> groups.Neighbours:
        """The sensors that one rule compares with one another."""
        found: dict[int, tuple[Rule, list[int]]] = {}
        for n, cut in enumerate(cuts):
            if (rule := self.table[cut.profile][2].get(STRAY)) is not None:
                found.setdefault(rule.pk, (rule, []))[1].append(n)
        rules, members = [rule for rule, _ in found.values()], [mine for _, mine in found.values()]
        return groups.Neighbours(
            np.cumsum([0, *map(len, members)]).astype(np.int64), np.array([n for mine in members for n in mine], np.int32),
            np.array([r.amount for r in rules], float), np.array([r.clear for r in rules], float),
            np.array([(r.hold_up_s or FRESH_S) * 1000 for r in rules], np.int64), np.full(len(rules), NEIGHBOURS, np.int64),
        )  # fmt: skip

    def cut(self, quantity: str, area: str, low: float, high: float, sensor: int, station: int) -> Cut:
        ladders: dict[tuple[int, str], Ladder] = {}
        marks: Ladder = {}
        for rule in self.rules:
            if rule.quantity != quantity or rule.kind == Rule.Kind.COUNT or not _applies(rule, area, sensor, station):
                continue
            if rule.kind in SINGLE:
                _place(marks, SINGLE[Rule.Kind(rule.kind)], rule)
            else:
                hours = rule.window
                slot = (UP if rule.kind == Rule.Kind.HIGH else DOWN) + layout.LEVELS - rule.level
                _place(ladders.setdefault((hours, rule.hazard), {}), slot, rule)
        values = sorted(key for key in ladders if key[0] == 0)
        codes = {key: _code(*key) for key in ladders} | dict.fromkeys(values[:1], 0)
        first = ladders.pop(values[0]) if values else {}
        main = self.profile(low, high, {**marks, **first})
        derived = [(_code(hours, hazard), hours * 3_600_000, ladder) for (hours, hazard), ladder in ladders.items()]
        rows = [(code, length, self.profile(-np.inf, np.inf, ladder)) for code, length, ladder in sorted(derived, key=lambda d: d[0])]
        counting = [rule for rule in self.rules if rule.kind == Rule.Kind.COUNT and rule.quantity == quantity and _applies(rule, area, sensor, station)]
        counts = tuple((r.pk, codes[key]) for r in counting if (key := (r.window, r.hazard)) in codes)
        return Cut(main, tuple(r for r in rows if r[1]), tuple(r for r in rows if not r[1]), counts)

    def profile(self, low: float, high: float, ladder: Ladder) -> int:
        same = (low, high, tuple(sorted((slot, rule.pk) for slot, rule in ladder.items())))
        if same not in self.known:
            self.known[same] = len(self.table)
            self.table.append((low, high, ladder))
        return self.known[same]

    def rule_table(self) -> NDArray[np.int64]:
        table = np.zeros((max(len(self.table), 1), SLOTS), np.int64)
        for n, (_, _, ladder) in enumerate(self.table):
            for slot, rule in ladder.items():
                table[n, slot] = rule.pk
        return table

    def ladders(self) -> NDArray[np.int64]:
        """(profiles,) of which hazard the limits of each are, 0 for none."""
        hazards = [next((rule.hazard for slot, rule in sorted(ladder.items()) if slot < RATE), "") for _, _, ladder in self.table]
        return np.array([_code(0, hazard) if hazard else 0 for hazard in hazards or [""]], np.int64)

    def profile_table(self) -> NDArray[np.void]:
        table = layout.profiles(max(len(self.table), 1))
        for row, (low, high, ladder) in zip(table, self.table, strict=False):
            row["low"], row["high"] = low, high
            for slot, rule in ladder.items():
                _write(row, slot, rule)
        return layout.sealed(table)


def _code(hours: int, hazard: str) -> int:
    """Of a series that follows from a sensor's value, among its own."""
    return (hours << 16) | (crc32(hazard.encode()) & 0xFFFF)


def _applies(rule: Rule, area: str, sensor: int, station: int) -> bool:
    if rule.sensor_id:
        return rule.sensor_id == sensor
    if rule.station_id:
        return rule.station_id == station
    return area.startswith(scope.prefix(str(rule.area_id)))


def _place(ladder: Ladder, slot: int, rule: Rule) -> None:
    """The nearest rule holds; of two that are equally near the one that warns sooner."""
    held = ladder.get(slot)
    if held is None or _nearness(rule) > _nearness(held):
        ladder[slot] = rule
    elif _nearness(rule) == _nearness(held):
        sooner = max if slot >= DOWN and slot < RATE else min
        ladder[slot] = sooner(held, rule, key=lambda r: r.amount)


def _nearness(rule: Rule) -> tuple[bool, bool, int]:
    return rule.sensor_id is not None, rule.station_id is not None, len(scope.prefix(str(rule.area_id)))


def _write(row: NDArray[np.void], slot: int, rule: Rule) -> None:
    longer = rule.hours * 3600 if rule.quantity != Sensor.Quantity.RAIN else 0
    up, down = rule.hold_up_s * 1000, (rule.hold_down_s + longer) * 1000
    if slot < RATE:
        side, k = ("up", slot) if slot < DOWN else ("down", slot - DOWN)
        row[side][k], row[f"{side}_clear"][k] = rule.amount, rule.clear
        row["hold_up"][slot], row["hold_down"][slot] = up, down
    elif slot == RATE:
        row["rate"], row["rate_hold"] = rule.amount / 60, down
    elif slot == STUCK:
        row["stuck_band"], row["stuck_ms"] = rule.amount, up
    elif slot == OFFLINE:
        row["offline_ms"] = up
    elif slot == QUALITY:
        row["bad_n"] = min(int(rule.amount), 255)
