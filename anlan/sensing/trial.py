"""A rule is tried over what was read before it is put in force: it would have fired so often, there and then."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
from django.utils import timezone

from anlan.engines.sense import net
from anlan.kernel.cases import Refused
from anlan.kernel.clock import now
from anlan.kernel.people import scope

from . import readings, settle
from .book import book_of
from .models import Rule, Sensor

MOST_SENSORS = 2000
BUDGET_S = 10.0
"""After so long the trial stops and says how far it has come."""
STEP = timedelta(hours=6)
STEPS_S = (60, 30, 20, 15, 10, 5, 2, 1)
WARM = timedelta(hours=2)
"""Read before the first moment that counts, so that what holds has begun to hold."""


UNTRIED = {Rule.Kind.QUALITY: "历史只保存有效读数", Rule.Kind.STRAY: "邻站之间按收到的先后比对,历史不保存收到的时间"}


@dataclass
class Fired:
    """One alarm that would have been, of an area where there is no sensor; ``until`` is None where it would still stand.
    ``doubtful``: at some time too few of the sensors of the area were heard of."""

    sensor: Sensor | None
    at: datetime
    value: float
    until: datetime | None = None
    doubtful: bool = False

    @property
    def look(self) -> datetime:
        """The end of a day's chart on which it is seen."""
        return self.at + timedelta(hours=12)


@dataclass
class Trial:
    """What came of it, and over what: sensors, readings, and the span that was looked at."""

    since: datetime
    until: datetime
    sensors: int
    of: int
    """Sensors that the rule would hold for; more than MOST_SENSORS are not tried."""
    readings: int = 0
    fired: list[Fired] = field(default_factory=list)
    counted: int = 0
    """Of a rule that counts: the sensors that have limits to be counted by."""
    whole: bool = True

    @property
    def places(self) -> int:
        """Sensors at which it would have fired."""
        return len({one.sensor.pk for one in self.fired if one.sensor})

    @property
    def days(self) -> list[tuple[str, int]]:
        """How often on each day on which it would have."""
        found: dict[str, int] = {}
        for one in self.fired:
            day = f"{timezone.localdate(one.at):%Y-%m-%d}"
            found[day] = found.get(day, 0) + 1
        return sorted(found.items())


def try_rule(rule: Rule, since: datetime, until: datetime) -> Trial:
    """Judge what was read in (since, until] by this rule alone. Raises Refused for a kind that leaves no trace in the history."""
    if rule.kind in UNTRIED:
        raise Refused(f"“{rule.get_kind_display()}”无法试算:{UNTRIED[Rule.Kind(rule.kind)]}")
    concerned = rule.concerned(Sensor.objects.all())
    count = concerned.count()
    sensors = {sensor.pk: sensor for sensor in concerned.select_related("station", "area").order_by("pk")[:MOST_SENSORS]}
    trial = Trial(since, since, len(sensors), count, whole=count <= MOST_SENSORS)
    judge = _gaps if rule.kind == Rule.Kind.OFFLINE else _judged
    open_: dict[int, Fired] = {}
    for change in judge(rule, sensors, trial, until):
        held = open_.pop(change.key[0], None) if not change.on else None
        if held is not None:
            held.until = change.at
        if change.goes_on:
            if change.key[0] in open_ and change.doubtful:
                open_[change.key[0]].doubtful = True
        elif change.on and change.at > since and rule.in_season(timezone.localdate(change.at)):
            open_[change.key[0]] = Fired(sensors.get(change.key[0]), change.at, change.value)
            trial.fired.append(open_[change.key[0]])
    trial.fired.sort(key=lambda one: one.at)
    return trial


def _spans(trial: Trial, start: datetime, until: datetime, sensors: dict[int, Sensor]) -> Iterator[tuple[datetime, readings.Read]]:
    """What was read, step by step, as long as the budget lasts; the trial is told how far it came."""
    began, world = time.perf_counter(), scope.current().world
    while start < until and sensors:
        if time.perf_counter() - began > BUDGET_S:
            trial.whole = False
            return
        end = min(start + STEP, until)
        read = readings.between(world, start, end, sensors)
        trial.readings += len(read.at)
        yield end, read
        trial.until, start = max(trial.until, end), end


def _judged(rule: Rule, sensors: dict[int, Sensor], trial: Trial, until: datetime) -> Iterator[settle.Change]:
    """By the loop that judges what comes in; of what is counted, minute by minute and as long as it lasts after the last."""
    one = copy.copy(rule)
    one.pk = rule.pk or -1
    ladder = _ladder(rule)
    warm = WARM + max(timedelta(hours=r.hours, seconds=r.hold_up_s + r.hold_down_s + r.fresh_s) for r in (rule, *ladder))
    rows = Sensor.everywhere.filter(pk__in=sensors).order_by("pk").values_list("pk", "quantity", "area_id", "station_id", "low", "high")
    book = book_of([one, *ladder], rows)
    trial.counted = len(book.plan.counted.member)
    machine = net.Machine(book.plan, _ms(trial.since - warm))
    for end, read in _spans(trial, trial.since - warm, until, sensors):
        for part, taken in _steps(read, rule, _ms(end)) if rule.kind == Rule.Kind.COUNT else [(read, _ms(end))]:
            for event in machine.apply(part.sensor, part.at, part.value, taken).events:
                yield from (c for c in settle.changes(book, event) if not c.late and c.key[1] == one.pk)


def _ladder(rule: Rule) -> list[Rule]:
    """The rules in force by which its sensors reach the levels that it counts."""
    if rule.kind != Rule.Kind.COUNT:
        return []
    alike = Rule.everywhere.filter(kind__in=Rule.LADDER, quantity=rule.quantity, hazard=rule.hazard)
    return [r for r in alike.order_by("pk") if r.window == rule.window and r.holds(timezone.localdate(now()))]


def _steps(read: readings.Read, rule: Rule, end_ms: int) -> Iterator[tuple[readings.Read, int]]:
    """What was read in each minute, and its end: what stands together must have come together. Where a time of the rule is less than
    two minutes, in shorter steps. At the end nothing, for time alone goes on."""
    shortest = min(filter(None, (rule.fresh_s, rule.hold_up_s, rule.hold_down_s)), default=2 * STEPS_S[0])
    step = 1000 * next((s for s in STEPS_S if 2 * s <= shortest), STEPS_S[-1])
    order = np.argsort(read.at, kind="stable")
    number = read.at[order] // step
    for rows in np.split(order, np.flatnonzero(np.diff(number)) + 1) if len(order) else ():
        yield readings.Read(read.sensor[rows], read.at[rows], read.value[rows]), int(read.at[rows[0]] // step + 1) * step
    yield readings.Read(read.sensor[:0], read.at[:0], read.value[:0]), end_ms


def _gaps(rule: Rule, sensors: dict[int, Sensor], trial: Trial, until: datetime) -> Iterator[settle.Change]:
    """By the time between one reading and the next, for when each was received is not kept in the history."""
    limit = rule.hold_up_s * 1000
    last: dict[int, int] = {}
    for _, read in _spans(trial, trial.since - timedelta(milliseconds=limit), until, sensors):
        starts = np.flatnonzero(np.diff(read.sensor, prepend=-1) != 0)
        for first, end in pairwise([*starts.tolist(), len(read.at)]):
            sensor, at = int(read.sensor[first]), read.at[first:end]
            before = np.concatenate(([last.get(sensor, at[0])], at[:-1]))
            for n in np.flatnonzero(at - before > limit).tolist():
                yield settle.Change((sensor, 0), True, settle.moment(int(before[n]) + limit), limit / 1000, 0.0)
                yield settle.Change((sensor, 0), False, settle.moment(int(at[n])), 0.0, 0.0)
            last[sensor] = int(at[-1])
    for sensor, at_ms in last.items():
        if _ms(trial.until) - at_ms > limit:
            yield settle.Change((sensor, 0), True, settle.moment(at_ms + limit), limit / 1000, 0.0)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
