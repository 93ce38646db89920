"""Events of the network become alarms and lines of the journal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
from django.db.models import Count, F, Q
from numpy.typing import NDArray

from anlan.engines.sense import net
from anlan.engines.sense.layout import Kind, Mark
from anlan.kernel import journal, rows
from anlan.kernel.clock import now
from anlan.kernel.people import scope

from . import book as books
from . import paging, parts
from .book import Book
from .models import Alarm, Burst, Rule, Sensor, Station

SLOT = {Kind.RATE: books.RATE, Kind.UNMOVED: books.STUCK, Kind.SILENT: books.OFFLINE, Kind.QUALITY: books.QUALITY, Kind.NEIGHBOUR: books.STRAY}
MARK = {Mark.FAST: books.RATE, Mark.STUCK: books.STUCK, Mark.OFFLINE: books.OFFLINE, Mark.BAD: books.QUALITY, Mark.STRAY: books.STRAY}
WATER = (Sensor.Quantity.RAIN, Sensor.Quantity.STAGE)
GRAVE = 2
"""The level of silence in a flood."""
CALM = timedelta(minutes=30)
"""After so long without another alarm a burst is over."""
TOGETHER = timedelta(hours=1)
"""Late readings further apart are told apart."""
NOBODY = 0
"""For a sensor where a rule counts those of an area."""
Key = tuple[int, int]
"""Sensor and rule."""


@dataclass
class Change:
    """What one rule of one sensor came to: when, at which value, furthest so far; ``late`` when it is past already."""

    key: Key
    on: bool
    at: datetime
    value: float
    peak: float
    late: bool = False
    until: datetime | None = None
    """Of what is late: when it was over, where it came several times."""
    retired: bool = False
    goes_on: bool = False
    """Of a count: it stood before, in doubt or not."""
    doubtful: bool = False
    """Of a count: it stands only because sensors that are not heard of any more are not taken to be back."""
    counted: frozenset[int] = frozenset()
    """The sensors that a rule counts, as the machine that counts them has them: their own alarms may be written later."""
    stale: frozenset[int] = frozenset()
    """Those that stood at its level when they were last heard of, too long ago to be counted."""


def settle(told: Iterable[tuple[Book, net.Machine, NDArray[np.void]]]) -> int:
    """Raise and clear what these events say, of each book, told by its machine just now; how many were raised."""
    return _apply([change for book, machine, events in told for event in events for change in changes(book, event, machine)])


def changes(book: Book, event: np.void, machine: net.Machine | None = None) -> Iterable[Change]:
    """What an event says of the rules behind it; the machine knows what was counted."""
    kind, channel, was, now = (int(event[name]) for name in ("kind", "channel", "was", "now"))
    at, value, peak = moment(int(event["at"])), float(event["value"]), event["peak"].tolist()
    if kind == Kind.GROUP:
        counted, stale = _counted(book, machine, channel, int(event["at"]))
        change = Change((NOBODY, int(book.group[channel])), now > 0, at, value, peak[0], counted=counted, stale=stale)
        change.goes_on, change.doubtful = was > 0 and now > 0, now > 1
        yield change
        return
    sensor = book.sensor(channel)
    if kind == Kind.LATE:
        for rule in book.rules_of(channel, now):
            yield Change((sensor, rule), True, at, value, value, late=True)
    elif kind == Kind.LEVEL:
        before, after = book.rules_of(channel, was), book.rules_of(channel, now)
        for rule, k in before.items():
            if rule not in after:
                yield Change((sensor, rule), False, at, value, peak[k])
        for rule, k in after.items():
            if rule not in before:
                yield Change((sensor, rule), True, at, value, peak[k] if was * now >= 0 else value)
    elif rule := book.rule_of(channel, SLOT[Kind(kind)]):
        yield Change((sensor, rule), bool(now), at, value, value)


def _counted(book: Book, machine: net.Machine | None, group: int, at_ms: int) -> tuple[frozenset[int], frozenset[int]]:
    """The sensors that are counted, and the stale ones."""
    fresh, stale = book.plan.counted.reached(machine.state, group, at_ms) if machine else ((), ())
    return frozenset(map(book.sensor, fresh)), frozenset(map(book.sensor, stale))


def reconcile(book: Book, machine: net.Machine, now_ms: int, part: int = parts.WHOLE) -> int:
    """Make the active alarms of a part those that its state asks for, after another plan has judged it; how many were raised."""
    wanted = {c.key: c for c in _wanted(book, machine, moment(now_ms))}
    held = {_key(a): a for a in _of_part(part)}
    gone = [Change(key, False, moment(now_ms), a.peak, a.peak, retired=True) for key, a in held.items() if key not in wanted]
    new = [c for key, c in wanted.items() if (c.doubtful != held[key].doubtful if key in held else not c.doubtful)]  # one in doubt may have been reset
    return _apply([*gone, *new])


def _key(alarm: Alarm) -> Key:
    return alarm.sensor_id or NOBODY, alarm.rule_id


def _of_part(part: int) -> Iterable[Alarm]:
    """The active alarms that a part has to answer for."""
    active = Alarm.objects.filter(active=True)
    if part == parts.WHOLE:
        return active
    if part == parts.ACROSS:
        return active.filter(rule__kind__in=parts.BETWEEN_SITES)
    return active.exclude(rule__kind__in=parts.BETWEEN_SITES).alias(rest=F("sensor__station_id") % parts.PARTS).filter(rest=part - 1)


def _bearing(machine: net.Machine, channel: int, mark: Mark, at: datetime) -> float:
    """What an alarm by this mark tells of a channel that bears it: seconds of silence, bad readings in a row, or its value."""
    if mark == Mark.OFFLINE:
        return at.timestamp() - float(machine.state.heard[channel]) / 1000
    return float(machine.state.hot["bad" if mark == Mark.BAD else "value"][channel])


def _wanted(book: Book, machine: net.Machine, at: datetime) -> Iterable[Change]:
    hot = machine.state.hot
    for channel in np.flatnonzero(hot["level"]).tolist():
        for rule, k in book.rules_of(channel, int(hot["level"][channel])).items():
            yield Change((book.sensor(channel), rule), True, at, float(hot["value"][channel]), float(machine.state.peak[channel, k]))
    for channel in np.flatnonzero(hot["marks"]).tolist():
        for mark, slot in MARK.items():
            if hot["marks"][channel] & mark and (rule := book.rule_of(channel, slot)):
                value = _bearing(machine, channel, mark, at)
                yield Change((book.sensor(channel), rule), True, at, value, value)
    for group in np.flatnonzero(machine.standing["most"]).tolist():
        counted, stale = _counted(book, machine, group, round(at.timestamp() * 1000))
        most, doubtful = float(machine.standing["most"][group]), bool(machine.standing["doubtful"][group])
        yield Change((NOBODY, int(book.group[group])), True, at, float(len(counted)), most, doubtful=doubtful, counted=counted, stale=stale)


def refresh(stand: Iterable[tuple[Book, net.Machine, int]]) -> None:
    """Active alarms of levels show the furthest value so far, those of an area the most that were counted and who is stale at these ms."""
    peaks: dict[Key, float] = {}
    stale: dict[Key, list[int]] = {}
    for book, machine, moment_ms in stand:
        for channel in np.flatnonzero(machine.state.hot["level"]).tolist():
            for rule, k in book.rules_of(channel, int(machine.state.hot["level"][channel])).items():
                peaks[book.sensor(channel), rule] = float(machine.state.peak[channel, k])
        for group in np.flatnonzero(machine.standing["most"]).tolist():
            key = NOBODY, int(book.group[group])
            peaks[key], stale[key] = float(machine.standing["most"][group]), sorted(_counted(book, machine, group, moment_ms)[1])
    if not peaks:
        return
    active = Alarm.objects.filter(active=True, rule__kind__in=(*Rule.LADDER, Rule.Kind.COUNT))
    higher, other = [], []
    for pk, sensor, rule, peak, old in active.values_list("pk", "sensor_id", "rule_id", "peak", "stale"):
        key = sensor or NOBODY, rule
        if peaks.get(key, peak) != peak:
            higher.append(Alarm(pk=pk, peak=peaks[key]))
        if stale.get(key, old) != old:
            other.append(Alarm(pk=pk, stale=stale[key]))
    rows.move(higher, "peak")
    rows.move(other, "stale")


@dataclass
class _Work:
    """The alarms of one batch of changes."""

    sensors: dict[int, Sensor]
    rules: dict[int, Rule]
    active: dict[Key, Alarm]
    known: set[tuple[Key, datetime]]
    resting: set[int]
    """Sensors out of service, where something is counted."""
    raised: list[Alarm] = field(default_factory=list)
    cleared: list[tuple[Alarm, Change]] = field(default_factory=list)
    late: set[int] = field(default_factory=set)
    """Which of those that are raised were over when they came, by what ``id`` says of them."""
    marked: list[tuple[Alarm, Change]] = field(default_factory=list)
    """In doubt now, or no more."""

    def move(self, change: Change) -> None:
        held = self.active.get(change.key)
        if change.on and (held is None or change.late) and not change.doubtful and (change.key, change.at) not in self.known:
            sensor, rule = self.sensors.get(change.key[0]), self.rules[change.key[1]]
            area = sensor.area_id if sensor else rule.area_id
            alarm = Alarm(
                sensor=sensor, rule=rule, level=rule.level, area_id=str(area), at=change.at, value=change.value, peak=change.peak,
                active=not change.late, cleared_at=(change.until or change.at) if change.late else None, world=scope.current().world, latched=rule.latched,
                stale=sorted(change.stale),
            )  # fmt: skip
            if rule.kind == Rule.Kind.OFFLINE:
                self._silence(alarm)
            if sensor and not alarm.held and sensor.rests_until and sensor.rests_until > now():
                alarm.held, alarm.held_why = True, f"{REST}:{sensor.rests_why}"[:60]
            if sensor is None and (resting := len(change.counted & self.resting)) and change.value - resting < rule.amount:
                alarm.held, alarm.held_why = True, f"{REST}:停用的测点不计,不足 {rule.amount:g} 个"
            self.raised.append(alarm)
            self.known.add((change.key, change.at))
            if change.late:
                self.late.add(id(alarm))
            else:
                self.active[change.key] = alarm
        elif not change.on and held is not None:
            held.active, held.cleared_at, held.doubtful, held.stale = False, change.at, False, []
            if held.rule.kind in (*Rule.LADDER, Rule.Kind.COUNT):
                held.peak = change.peak
            self.cleared.append((held, change))
            del self.active[change.key]
        elif change.on and held is not None and change.doubtful != held.doubtful:
            held.doubtful, held.stale = change.doubtful, sorted(change.stale)
            self.marked.append((held, change))

    def _silence(self, alarm: Alarm) -> None:
        """The silence of a station is told once; in a flood that rises around it, it is a grave one."""
        assert alarm.sensor is not None
        offline = {"active": True, "rule__kind": Rule.Kind.OFFLINE, "sensor__station_id": alarm.sensor.station_id}
        if any(a.rule.kind == Rule.Kind.OFFLINE and a.sensor and a.sensor.station_id == alarm.sensor.station_id for a in self.raised) or (
            Alarm.objects.filter(**offline).exists()
        ):
            alarm.held, alarm.held_why = True, "同站其他测点已告警中断"
            return
        near = scope.within("area_id", scope.prefix(f"{str(alarm.area_id)[:6]}000000"))
        water = Alarm.objects.filter(near, active=True, held=False, rule__kind=Rule.Kind.HIGH, sensor__quantity__in=WATER)
        if alarm.sensor.quantity in WATER and water.exists():
            alarm.level = min(alarm.level, GRAVE)


GOING = "world_id = %s and hazard = %s and area_id = %s and last_at > %s order by last_at desc limit 1"


def _gathered(raised: list[Alarm]) -> None:
    """Each joins the burst of its hazard and district, if one is going on."""
    told, world = [a for a in raised if not a.held and a.active], scope.current().world
    for key in sorted({(a.rule.hazard, f"{str(a.area_id)[:6]}000000") for a in told}):  # a replay must come out the same
        mine = [a for a in told if (a.rule.hazard, f"{str(a.area_id)[:6]}000000") == key]
        first, last = min(a.at for a in mine), max(a.at for a in mine)
        going = rows.find(Burst, GOING, world.pk, *key, first - CALM)
        burst = going[0] if going else Burst(hazard=key[0], area_id=key[1], began_at=first, last_at=last, world=world)
        burst.count, burst.last_at = burst.count + len(mine), max(burst.last_at, last)
        rows.move([burst], "count", "last_at") if going else rows.add([burst])
        for alarm in mine:
            alarm.burst = burst


def _apply(changes: list[Change]) -> int:
    if not changes:
        return 0
    sensors, rules = _sensors({c.key[0] for c in changes}), rows.by_key(Rule, {c.key[1] for c in changes})
    held = _held(sensors, rules, {c.at for c in changes if c.on}, any(c.key[0] == NOBODY for c in changes))
    work = _Work(
        sensors, rules, {_key(alarm): alarm for alarm in held if alarm.active}, {(_key(alarm), alarm.at) for alarm in held},
        set(Sensor.everywhere.filter(rests_until__gt=now()).values_list("pk", flat=True)) if any(c.counted for c in changes) else set(),
    )  # fmt: skip
    known = [c for c in changes if (c.key[0] in sensors or c.key[0] == NOBODY) and c.key[1] in rules]
    for change in known:
        if not change.late:
            work.move(change)
    if late := _gravest([change for change in known if change.late], rules):
        mine = [*work.raised, *(alarm for alarm, _ in work.cleared)]
        here = {alarm.pk for alarm in mine}
        for change in _runs(late, [*mine, *(alarm for alarm in _around(late, rules) if alarm.pk not in here)], rules):
            work.move(change)
    fresh = {id(alarm) for alarm in work.raised}
    older = {id(alarm): alarm for alarm, _ in (*work.cleared, *work.marked) if id(alarm) not in fresh}
    # before the new ones, of which one may stand where another of its rule and sensor has stood till now
    rows.move(older.values(), *MOVED)
    _gathered(work.raised)
    rows.add(work.raised)
    with journal.together():
        for alarm in work.raised:
            _tell_raised(alarm, id(alarm) in work.late)
        for alarm, change in work.marked:
            _tell_doubt(alarm, change)
        for alarm, change in work.cleared:
            journal.write("alarm.unheld" if alarm.held else "alarm.cleared", alarm, text=_ended(alarm, change))
    paging.arm(a for a in work.raised if a.active and not a.held)
    paging.quiet((alarm for alarm, _ in work.cleared), "告警已解除")
    return sum(alarm.active and not alarm.held for alarm in work.raised)


def _gravest(late: list[Change], rules: dict[int, Rule]) -> list[Change]:
    """Of what a late reading reached the gravest of each hazard; what must last longer than a moment is not known to have lasted."""
    found: dict[tuple[int, datetime, str, int], Change] = {}
    for change in late:
        rule = rules[change.key[1]]
        same = change.key[0], change.at, rule.hazard, rule.window
        if not rule.hold_up_s and (same not in found or rule.level < rules[found[same].key[1]].level):
            found[same] = change
    return list(found.values())


def _runs(late: list[Change], told: list[Alarm], rules: dict[int, Rule]) -> Iterable[Change]:
    """Late readings at a level that were not told yet, those within an hour of one another as one. A moment within an alarm is told
    by it, and the sum of a storm by the alarm that it soon raised."""
    spans: dict[Key, list[Alarm]] = {}
    for alarm in told:
        spans.setdefault(_key(alarm), []).append(alarm)
    runs: list[list[Change]] = []
    for change in sorted(late, key=lambda c: (c.key, c.at)):
        mine, lead = spans.get(change.key, []), _lead(rules[change.key[1]])
        if any(a.at - lead <= change.at and (a.cleared_at is None or change.at <= a.cleared_at) for a in mine):
            continue
        before = runs[-1][-1] if runs and runs[-1][-1].key == change.key else None
        if before is None or change.at - before.at > TOGETHER or any(before.at < a.at < change.at for a in mine):
            runs.append([])
        runs[-1].append(change)
    for run in runs:
        furthest = min if rules[run[0].key[1]].kind == Rule.Kind.LOW else max
        run[0].until, run[0].peak = run[-1].at, furthest(c.peak for c in run)
        yield run[0]


def _lead(rule: Rule) -> timedelta:
    return timedelta(hours=rule.window)


def _around(late: list[Change], rules: dict[int, Rule]) -> list[Alarm]:
    """The alarms of the same rules and sensors that stood when these came, or soon after."""
    asked = f"rule_id {rows.among()} and sensor_id {rows.among()} and world_id = %s and at <= %s and (active or cleared_at >= %s)"
    given = [list({c.key[1] for c in late}), list({c.key[0] for c in late}), scope.current().world.pk]
    return rows.find(Alarm, asked, *given, max(c.at + _lead(rules[c.key[1]]) for c in late), min(c.at for c in late))


MOVED = ["active", "cleared_at", "peak", "doubtful", "stale"]


def _sensors(keys: set[int]) -> dict[int, Sensor]:
    """With their stations."""
    found = rows.by_key(Sensor, keys)
    stations = rows.by_key(Station, {sensor.station_id for sensor in found.values()})
    there = {key: sensor for key, sensor in found.items() if sensor.station_id in stations}  # it may be deleted at this very moment
    for sensor in there.values():
        sensor.station = stations[sensor.station_id]
    return there


def _held(sensors: dict[int, Sensor], rules: dict[int, Rule], at: set[datetime], over_areas: bool) -> list[Alarm]:
    """The alarms of these rules that stand or were raised at these times, of these sensors or of an area."""
    kept = rows.locked() if over_areas else ""  # one in doubt may be reset by somebody at this very moment
    asked = f"rule_id {rows.among()} and (active or at {rows.among()}) and world_id = %s and sensor_id"
    given = [*rules], at, scope.current().world.pk
    found = rows.find(Alarm, f"{asked} is null{kept}", *given) if over_areas else []
    found += rows.find(Alarm, f"{asked} {rows.among()}{kept}", *given, [*sensors])
    for alarm in found:
        alarm.sensor, alarm.rule = sensors.get(alarm.sensor_id or NOBODY), rules[alarm.rule_id]
    return found


def _tell_doubt(alarm: Alarm, change: Change) -> None:
    if alarm.held:
        return
    if change.doubtful:
        said = f"{len(change.stale)} 个测点读数过时,有效的只有 {change.value:g} 个,不足 {alarm.rule.clear:g} 个;不解除,恢复来数后再判定,或确认后人工复位"
        journal.write("alarm.doubtful", alarm, text=f"{alarm}:{said}", level=alarm.level, basis=alarm.rule.source)
    else:
        journal.write("alarm.certain", alarm, text=f"{alarm}:恢复来数,{change.value:g} 个测点仍在这一级", level=alarm.level)


def _tell_raised(alarm: Alarm, came_late: bool) -> None:
    late = "(迟到的读数,当时已过)" if came_late else ""
    text = f"{alarm.place}{alarm.rule}{alarm.measured}{late}"
    after = {"value": alarm.value, "rule": alarm.rule_id, "version": alarm.rule.version}
    verb = "alarm.late" if late else "alarm.held" if alarm.held else "alarm.raised"
    text += f"({alarm.held_why})" if alarm.held else ""
    journal.write(verb, alarm, text=text, level=alarm.level, basis=alarm.rule.source, after=after)


def _ended(alarm: Alarm, change: Change) -> str:
    if change.retired:
        return f"{alarm}:判定规则已停用或改变,告警解除"
    if alarm.rule.kind in Rule.LADDER:
        way = "回落" if alarm.rule.kind == Rule.Kind.HIGH else "回升"
        return f"{alarm}:{way}至 {alarm.said(change.value)},告警解除"
    if alarm.rule.kind == Rule.Kind.COUNT:
        return f"{alarm}:降至 {alarm.said(change.value)},告警解除"
    return f"{alarm}:已恢复,告警解除"


REST = "停用"
"""How the reason of an alarm begins that is held because its sensor is out of service."""


def release() -> int:
    """Tell the alarms whose reason for being held has gone: their sensor is back in service, or the alarm that told their
    station's silence has ended. How many were told."""
    held = Alarm.objects.filter(active=True, held=True).select_related("sensor__station", "area", "rule")
    told = 0
    for alarm in sorted(held, key=lambda a: a.sensor_id is None):  # those that are counted before those that count them
        if _still_held(alarm):
            continue
        why, alarm.held, alarm.held_why = alarm.held_why, False, ""
        alarm.save(update_fields=["held", "held_why"])
        text = f"{alarm.place}{alarm.rule}{alarm.measured}(此前不告警:{why};现仍在告警)"
        journal.write("alarm.raised", alarm, text=text, level=alarm.level, basis=alarm.rule.source)
        paging.arm([alarm])
        told += 1
    return told


def _still_held(alarm: Alarm) -> bool:
    if alarm.sensor is None:
        there = alarm.members.filter(active=True, held=False).exclude(Q(sensor__rests_until__gt=now()) | Q(sensor__in=alarm.stale))
        return there.aggregate(n=Count("sensor", distinct=True))["n"] < alarm.rule.amount
    if alarm.sensor.rests_until and alarm.sensor.rests_until > now():
        return True
    station = {"active": True, "held": False, "rule__kind": Rule.Kind.OFFLINE, "sensor__station_id": alarm.sensor.station_id}
    return not alarm.held_why.startswith(REST) and Alarm.objects.filter(**station).exists()


def moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
