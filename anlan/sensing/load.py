"""Declare sites, sensors and rules from a file: what is there already is changed, and nothing is written with faults.

    sites:   [{code, name, kind, area, lon, lat}]
    sensors: [{code, site, quantity, unit, low, high}]
    profiles: {name: [rule, …]}            # rules that several sensors share
    rules:   [{kind, hazard, quantity, hours, amount, clear, level, reach, hold_up, hold_down, fresh, sensor | site | area | profile with sensors,
               season: "06-01/09-30", since, until, source, confidence, version}]
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import yaml
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models, transaction

from anlan.kernel import journal
from anlan.kernel.cases import Refused
from anlan.kernel.clock import now
from anlan.kernel.people import scope
from anlan.kernel.people.models import Area

from .models import Edition, Rule, Sensor, Station

SECTIONS = {"sites": "监测站", "sensors": "测点", "rules": "规则", "profiles": "规则组"}
SITE = {"code", "name", "kind", "area", "lon", "lat", "note", "synthetic"}
SENSOR = {"code", "site", "quantity", "unit", "low", "high", "area"}
GROUPED = {
    "kind", "hazard", "quantity", "hours", "amount", "clear", "level", "reach", "hold_up", "hold_down", "fresh", "page", "handle",
    "site", "area", "season", "since", "until", "source", "confidence", "version",
}  # fmt: skip
"""What a rule of a profile may say; for which sensors, says whoever names the profile."""
RULE = GROUPED | {"sensor", "sensors", "profile"}
MEASURED = {str(kind) for kind in Rule.Kind} - {Rule.Kind.OFFLINE, Rule.Kind.STUCK}
"""Kinds that must say their amount."""
WRITTEN = {
    "station": "site", "hold_up_s": "hold_up", "hold_down_s": "hold_down", "fresh_s": "fresh", "page_s": "page", "handle_s": "handle",
    "season_from": "season", "season_until": "season",
}  # fmt: skip
"""Fields that a file names otherwise."""
UNCHOSEN = ("invalid_choice", "blank", "null")
MOST_FAULTS = 200


class Faulty(Refused):
    """What is wrong in a file, each with its place."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__(";".join(faults[:MOST_FAULTS]))
        self.faults = faults


@dataclass
class Work:
    """One run over a file."""

    counts: dict[str, int] = field(default_factory=lambda: {"sites": 0, "sensors": 0, "rules": 0})
    faults: list[str] = field(default_factory=list)
    sites: dict[str, Station] = field(default_factory=dict)
    sensors: dict[str, Sensor] = field(default_factory=dict)
    areas: set[str] = field(default_factory=set)
    broken: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Codes of the rows with faults by section: what names them has no fault of its own."""

    def fault(self, section: str, number: int, what: str, code: Any = None, within: str = "") -> None:
        """Told once, though a rule stand for many sensors."""
        said = f"{SECTIONS.get(section, section)}第 {number} 项{within and f'({within})'}:{what}"
        if said not in self.faults[-MOST_FAULTS:]:
            self.faults.append(said)
        if code is not None:
            self.broken[section].add(str(code))


def load(text: str) -> dict[str, int]:
    """How many sites, sensors and rules were written. Raises Faulty with every fault, and then writes nothing."""
    try:
        data = yaml.load(text, yaml.BaseLoader)  # every scalar a text: no, on and 1e3 mean what they say
    except yaml.YAMLError as fault:
        mark = getattr(fault, "problem_mark", None)
        raise Faulty([f"不是有效的 YAML{f'(第 {mark.line + 1} 行第 {mark.column + 1} 列)' if mark else ''}"]) from fault
    if not isinstance(data, dict) or not data:
        raise Faulty(["文件应含 sites、sensors、rules 中的一节或几节"])
    work = Work(areas=set(Area.objects.values_list("code", flat=True)))
    if odd := set(data) - set(SECTIONS):
        work.faults.append(f"不认识的一节 {'、'.join(sorted(map(str, odd)))},可用 {'、'.join(SECTIONS)}")
    with transaction.atomic():
        _sites(work, data.get("sites") or [])
        _sensors(work, data.get("sensors") or [])
        _rules(work, data.get("rules") or [], data.get("profiles") or {})
        if work.faults:
            raise Faulty(work.faults)
        Edition.turn()
        world = scope.current().world
        said = "、".join(f"{SECTIONS[name]} {n}" for name, n in work.counts.items() if n)
        journal.write("sensing.loaded", world, text=f"载入感知网配置:{said}", after=dict(work.counts), area=scope.ROOT, wide=True)
    return work.counts


def _each(work: Work, section: str, rows: Any, known: set[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    if not isinstance(rows, list):
        work.faults.append(f"{SECTIONS.get(section, section)}应为列表")
        return
    first: dict[str, int] = {}
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            work.fault(section, number, "应为键值")
        elif odd := set(row) - known:
            work.fault(section, number, f"不认识的键 {'、'.join(sorted(map(str, odd)))}", row.get("code"))
        elif (code := row.get("code")) and first.setdefault(str(code), number) != number:
            work.fault(section, number, f"代码 {code} 与第 {first[str(code)]} 项重复", code)
        else:
            yield number, row


def _sites(work: Work, rows: Any) -> None:
    have = Station.everywhere.in_bulk(field_name="code")
    made = []
    for number, row in _each(work, "sites", rows, SITE):
        code, area = str(row.get("code", "")), str(row.get("area", ""))
        if area not in work.areas:
            work.fault("sites", number, f"没有区划 {area or '(未写)'}", code)
            continue
        site = have.get(code) or Station(code=code, kind=Station.Kind.OTHER)
        _fill(site, {**row, "area": None, "code": code}, area)
        if _sound(work, "sites", number, site):
            made.append(site)
    _write(Station, made, work, "sites")
    work.sites = Station.everywhere.in_bulk(field_name="code")


def _sensors(work: Work, rows: Any) -> None:
    have = Sensor.everywhere.in_bulk(field_name="code")
    made = []
    for number, row in _each(work, "sensors", rows, SENSOR):
        code, site = str(row.get("code", "")), work.sites.get(str(row.get("site", "")))
        if str(row.get("site")) in work.broken["sites"]:
            work.broken["sensors"].add(code)
            continue
        if site is None:
            work.fault("sensors", number, f"没有监测站 {row.get('site', '(未写)')}", code)
            continue
        area = str(row.get("area") or site.area_id)
        if area not in work.areas:
            work.fault("sensors", number, f"没有区划 {area}", code)
            continue
        sensor = have.get(code) or Sensor(code=code, low=-1e9, high=1e9)
        sensor.station = site
        _fill(sensor, {**row, "site": None, "area": None, "code": code}, area)
        if _sound(work, "sensors", number, sensor):
            made.append(sensor)
    _write(Sensor, made, work, "sensors")
    work.sensors = Sensor.everywhere.in_bulk(field_name="code")


def _fill(row: models.Model, given: Mapping[str, Any], area: str) -> None:
    for name, value in given.items():
        if value is not None:
            setattr(row, name, value)
    row.area_id = area  # type: ignore[attr-defined]


def _sound(work: Work, section: str, number: int, row: Station | Sensor) -> bool:
    """Its own fields; keys were looked up already, and looking them up again would take a query each."""
    keys = [f.name for f in row._meta.concrete_fields if f.is_relation]
    try:
        row.clean_fields(exclude=keys)
    except ValidationError as wrong:
        for name, said in _said(type(row), wrong):
            work.fault(section, number, f"{row._meta.get_field(name).verbose_name}:{said}", row.code)  # type: ignore[union-attr]
        return False
    return True


def _said(model: type[models.Model], wrong: ValidationError) -> Iterator[tuple[str, str]]:
    """Each field with a fault and what it is; where one must be chosen, with what there is."""
    for name, faults in wrong.error_dict.items():
        said = faults[0].messages[0]
        if faults[0].code in UNCHOSEN and (choices := getattr(model._meta.get_field(name), "choices", None)):
            said = f"{said.rstrip('。')},可用 {'、'.join(str(key) for key, _ in choices)}"
        yield name, said


def _write(model: Any, rows: list[Any], work: Work, section: str) -> None:
    """The sound ones, also beside faults: what names them is looked at too, and then all is undone."""
    fields = [f.name for f in model._meta.concrete_fields if not f.primary_key and f.name != "code"]
    model.everywhere.bulk_create([row for row in rows if row.pk is None], batch_size=500)
    model.everywhere.bulk_update([row for row in rows if row.pk is not None], fields, batch_size=200)
    work.counts[section] += len(rows)


def _rules(work: Work, rows: Any, given: Any) -> None:
    profiles = _profiles(work, given)
    for number, row in _each(work, "rules", rows, RULE):
        try:
            spread = list(_spread(row, profiles))
        except Refused as no:
            work.fault("rules", number, str(no))
            continue
        for within, one in spread:
            if not (str(one["sensor"]) in work.broken["sensors"] or str(one.get("site")) in work.broken["sites"]):
                _try(work, number, within, one)


def _try(work: Work, number: int, within: str, row: dict[str, Any]) -> None:
    try:
        _rule(work, row)
    except Refused as no:
        work.fault("rules", number, str(no), within=within)
    except ValidationError as wrong:
        for name, said in _said(Rule, wrong):
            work.fault("rules", number, said if name == NON_FIELD_ERRORS else f"{WRITTEN.get(name, name)}:{said}", within=within)


def _profiles(work: Work, given: Any) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """The rules of each group, each with its place."""
    if not isinstance(given, dict):
        work.faults.append("规则组应为键值:名称和规则的列表")
        return {}
    named = {name: f"规则组“{name}”" for name in given}
    return {name: [(f"{said}第 {n} 项", row) for n, row in _each(work, said, given[name], GROUPED)] for name, said in named.items()}


def _spread(row: dict[str, Any], profiles: Mapping[str, list[tuple[str, dict[str, Any]]]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """A row for a group of rules or for several sensors is a rule for each, with its place in the group."""
    name = row.get("profile")
    if name is not None and str(name) not in profiles:
        raise Refused(f"没有规则组 {name}")
    sensors = row.get("sensors", [row.get("sensor")])
    if not isinstance(sensors, list) or not sensors:
        raise Refused("sensors 应为测点码的列表")
    own = {k: v for k, v in row.items() if k not in ("profile", "sensors", "sensor")}
    for within, base in profiles[str(name)] if name is not None else [("", {})]:
        for sensor in sensors:
            yield within, {**base, **own, "sensor": sensor}


def _rule(work: Work, row: dict[str, Any]) -> None:
    sensor = _named(work.sensors, row.get("sensor"), "测点")
    site = _named(work.sites, row.get("site"), "监测站")
    area = str(row.get("area") or getattr(sensor or site, "area_id", scope.ROOT))
    if area not in work.areas:
        raise Refused(f"没有区划 {area}")
    kind = str(row.get("kind", Rule.Kind.HIGH))
    if kind not in Rule.Kind.values:
        raise Refused(f"kind:没有“{kind}”这一类,可用 {'、'.join(Rule.Kind.values)}")
    if kind in MEASURED and "amount" not in row:
        raise Refused(f"缺少 amount,“{Rule.Kind(kind).label}”须写明")
    first, _, last = str(row.get("season") or "").partition("/")
    amount = _number(row, "amount", 0)
    rule = Rule(
        kind=kind, hazard=str(row.get("hazard", "监测")), quantity=str(row.get("quantity") or getattr(sensor, "quantity", "")),
        hours=_whole(row, "hours"), amount=amount, clear=_number(row, "clear", amount), level=_whole(row, "level", 3),
        reach=_whole(row, "reach") if "reach" in row else None, hold_up_s=_whole(row, "hold_up"), hold_down_s=_whole(row, "hold_down"),
        fresh_s=_whole(row, "fresh"),
        page_s=_whole(row, "page") if "page" in row else None, handle_s=_whole(row, "handle") if "handle" in row else None,
        sensor=sensor, station=site, area_id=area,
        season_from=first, season_until=last, since=_day(row.get("since")) or now().date(), until=_day(row.get("until")),
        source=str(row.get("source", "")), confidence=str(row.get("confidence", "")), version=str(row.get("version", "1")), mark="",
    )  # fmt: skip
    same = Rule.everywhere.filter(
        kind=rule.kind, hazard=rule.hazard, quantity=rule.quantity, hours=rule.hours, level=rule.level, reach=rule.reach,
        sensor=sensor, station=site, area_id=area, since=rule.since, version=rule.version,
    )  # fmt: skip
    if (old := same.first()) is not None:
        rule.pk = old.pk
        rule._state.adding = False
    rule.full_clean(exclude=["mark", "sensor", "station", "area"])
    rule.save()
    work.counts["rules"] += 1


def _named(known: Mapping[str, Any], code: Any, what: str) -> Any:
    if code is None:
        return None
    if str(code) not in known:
        raise Refused(f"没有{what} {code}")
    return known[str(code)]


def _number(row: dict[str, Any], name: str, otherwise: float) -> float:
    try:
        value = float(row.get(name, otherwise))
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise Refused(f"{name} 应为数值,现为 {row[name]}")
    return value


def _whole(row: dict[str, Any], name: str, otherwise: int = 0) -> int:
    value = _number(row, name, otherwise)
    if value != int(value) or not 0 <= value < 2**31:
        raise Refused(f"{name} 应为不小于 0 的整数,现为 {row[name]}")
    return int(value)


def _day(given: Any) -> date | None:
    try:
        return date.fromisoformat(str(given)) if given else None
    except ValueError as no:
        raise Refused(f"日期“{given}”无法识别,应写作 2026-06-01") from no
