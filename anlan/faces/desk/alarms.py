"""The alarm console: what is unacknowledged first, floods of alarms folded into one, everything by keyboard; and a sensor's page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from anlan.faces.gate import require
from anlan.kernel.cases import Refused
from anlan.kernel.clock import now
from anlan.kernel.columns.filters import in_span
from anlan.kernel.people import scope
from anlan.kernel.people.models import Area
from anlan.kernel.people.roles import COMMAND, READERS, STAFF
from anlan.sensing import acts, readings
from anlan.sensing.models import LEVELS, Alarm, Burst, Rule, Sensor

MOST = 300
"""Alarms that the console draws at once; the register has the others."""
FOLDED = 5
"""A burst of more alarms than these is drawn as one line that opens."""
OPEN = ("new", "seen", "back", "latched", "shelved", "held")
USUAL = ("acknowledge", "shelve", "handle")
OFFERED = {
    "seen": ("shelve", "handle"), "back": ("acknowledge", "handle"), "latched": ("reset", "handle"),
    "shelved": ("acknowledge", "unshelve", "handle"), "held": ("acknowledge", "handle"),
}  # fmt: skip
"""The steps that the console offers for alarms of a stage, where they are not the usual ones."""
SPANS = {"hour": ("小时", timedelta(hours=1)), "day": ("天", timedelta(days=1)), "week": ("周", timedelta(days=7)), "year": ("年", timedelta(days=366))}
JOINED = ("sensor__station", "rule", "area", "burst__area")
POINTS = 2000
"""Points that a chart draws; more are drawn as the range of each stretch."""


@dataclass
class Group:
    """Alarms that are read as one: a burst, or one alarm alone."""

    burst: Burst | None
    alarms: list[Alarm] = field(default_factory=list)

    @property
    def folded(self) -> bool:
        return self.burst is not None and len(self.alarms) > FOLDED

    @property
    def level(self) -> int:
        return min(a.level for a in self.alarms)

    @property
    def unseen(self) -> int:
        return sum(a.stage == Alarm.Stage.NEW for a in self.alarms)


def open_alarms() -> QuerySet[Alarm]:
    """What does not rest yet."""
    waits = Q(active=True) | Q(acknowledged_at=None, held=False) | Q(latched=True)
    return Alarm.objects.filter(waits).select_related(*JOINED)


@require(*STAFF, "inspector")
@require_safe
def console(request: HttpRequest) -> HttpResponse:
    return render(request, "desk/alarms.html", _context(request))


def _context(request: HttpRequest) -> dict[str, Any]:
    given = request.GET
    rows = open_alarms()
    of = _counting(given.get("of", ""))
    if of:
        rows = of.members.select_related(*JOINED)
    if level := given.get("level", ""):
        rows = rows.filter(level=int(level)) if level in ("1", "2", "3", "4") else rows.none()
    if area := given.get("area", ""):
        rows = rows.filter(scope.within("area_id", scope.prefix(area)) if area.isdigit() and len(area) == 12 else Q(pk__in=()))
    if words := given.get("q", "").strip()[:40].replace("\0", ""):
        named = Q(sensor__station__name__icontains=words) | Q(sensor__code__icontains=words) | Q(sensor=None, area__name__icontains=words)
        rows = rows.filter(named | Q(rule__hazard__icontains=words))
    found = list(rows.order_by("-at", "-id")[: MOST * 3])
    stages = [*((name, Alarm.Stage(name).label, sum(a.stage == name for a in found)) for name in OPEN), ("", "全部", len(found))]
    wanted = given.get("stage", "" if of else "new")
    wanted = wanted if wanted in (*OPEN, "") else "new"
    shown = [a for a in found if not wanted or a.stage == wanted][:MOST]
    return {
        "groups": _groups(shown, fold=of is None), "stages": stages, "wanted": wanted, "places": len({a.sensor_id for a in found}),
        "narrowed": urlencode([(name, given[name]) for name in ("of", "level", "area", "q") if given.get(name)]),
        "more": len(found) >= MOST * 3, "levels": LEVELS, "areas": Area.objects.filter(level="district").order_by("rank"), "given": given, "of": of,
        "steps": OFFERED.get(wanted, USUAL) if scope.current().can(*COMMAND, area=scope.ROOT) else (), "hours": (1, 4, 8, 24),
    }  # fmt: skip


def _counting(typed: str) -> Alarm | None:
    """The alarm of an area whose members are asked for."""
    if not typed:
        return None
    return get_object_or_404(Alarm.objects.filter(sensor=None).select_related("rule", "area"), pk=int(typed) if typed.isdecimal() else 0)


def _groups(alarms: list[Alarm], fold: bool) -> list[Group]:
    """The gravest first, then the newest; the alarms of a burst of many stay together, an area's before those of its level."""
    found: dict[int | None, Group] = {}
    for alarm in alarms:
        found.setdefault(alarm.burst_id if fold else None, Group(alarm.burst if fold else None)).alarms.append(alarm)
    folded = [g for g in found.values() if g.folded]
    alone = [Group(None, [a]) for g in found.values() if not g.folded for a in g.alarms]
    for group in folded:
        group.alarms.sort(key=lambda a: (a.level, a.sensor_id is not None, -a.at.timestamp()))
    return sorted(folded + alone, key=lambda g: (g.level, -max(a.at.timestamp() for a in g.alarms)))


STEPS: dict[str, tuple[str, Callable[[Alarm, Any], Alarm]]] = {
    "acknowledge": ("已确认", lambda a, given: acts.check_acknowledge(a)),
    "shelve": ("已搁置", lambda a, given: acts.do_shelve(a, now() + timedelta(hours=_hours(given)), given.get("why", ""))),
    "unshelve": ("已取消搁置", lambda a, given: acts.do_unshelve(a)),
    "reset": ("已复位", lambda a, given: acts.do_reset(a)),
    "handle": ("已登记处置", lambda a, given: acts.do_handle(a, given.get("handled", ""))),
}


def _hours(given: Any) -> float:
    typed = given.get("hours", "")
    if not typed.isdigit():
        raise Refused("请选择搁置的时长", field="hours")
    return float(typed)


@require_POST
@require(*COMMAND)
def step(request: HttpRequest, name: str) -> HttpResponseBase:
    """One step for all alarms that were picked; what cannot take it is told by name, the others take it."""
    if name not in STEPS:
        raise Http404("没有这个步骤")
    keys = [int(k) for k in request.POST.getlist("alarm") if k.isdigit()][:MOST]
    alarms = list(Alarm.objects.filter(pk__in=keys).select_related("sensor__station", "rule"))
    if not alarms:
        messages.error(request, "请先选择告警")
    said, work = STEPS[name]
    done, refused = 0, []
    for alarm in alarms:
        try:
            work(alarm, request.POST)
            done += 1
        except Refused as no:
            refused.append(f"{alarm}:{no}")
    if done:
        messages.success(request, f"{said} {done} 条")
    if refused:
        messages.error(request, ";".join(refused[:5]) + (f";另有 {len(refused) - 5} 条" if len(refused) > 5 else ""))
    response = redirect("desk:alarms")
    if (query := request.POST.get("back", "")).startswith("?"):
        response["Location"] += query
    return response


# ── one sensor ──────────────────────────────────────────────────────────────────────────────────────────────


@require(*READERS)
@require_safe
def sensor(request: HttpRequest, pk: int) -> HttpResponse:
    """What a sensor read, against its limits, with its alarms."""
    row, span = get_object_or_404(Sensor.objects.select_related("station", "area"), pk=pk), _span(request)
    rules = [r for r in Rule.objects.filter(Q(sensor=row) | Q(station=row.station) | Q(sensor=None, station=None, quantity=row.quantity))
             if r.holds(timezone.localdate(now())) and (r.kind != Rule.Kind.COUNT or r.concerned(Sensor.objects.filter(pk=pk)).exists())]  # fmt: skip
    context = {
        "sensor": row, "until": _until(request), "span": span, "spans": [(name, said) for name, (said, _) in SPANS.items()], "rules": rules,
        "alarms": Alarm.objects.filter(sensor=row).select_related("rule", "sensor__station").order_by("-at", "-id")[:50],
        "may": scope.current().can(*COMMAND, area=scope.ROOT),
    }  # fmt: skip
    return render(request, "desk/sensor.html", context)


@require(*READERS)
@require_safe
def series(request: HttpRequest, pk: int) -> HttpResponse:
    """The chart of a sensor: ``{"unit", "span": [ms, ms], "points": [[ms, low, high]], "gap_ms", "limits": [[label, value]]}``. Where
    there are more readings than a chart can draw, each point is the range of a stretch; a gap stays a gap."""
    row = get_object_or_404(Sensor.objects, pk=pk)
    found, until = _read(request, row), _until(request) or now()
    span = [round(at.timestamp() * 1000) for at in (until - SPANS[_span(request)][1], until)]
    times, low, high = _thinned(found.at, found.value)
    usual = int(np.median(np.diff(times))) if len(times) > 2 else 0
    limits = [[str(r), r.amount] for r in Rule.objects.filter(Q(sensor=row) | Q(sensor=None, station=None, quantity=row.quantity), hours=0)
              if r.kind in ("high", "low") and r.holds(timezone.localdate(until))]  # fmt: skip
    points = [[int(t), float(a), float(b)] for t, a, b in zip(times, low, high, strict=True)]
    return JsonResponse({"unit": row.unit, "span": span, "points": points, "gap_ms": usual * 3, "limits": limits, "count": len(found.at)})


@require(*READERS)
@require_safe
def sheet(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """The readings behind the chart, every one, as CSV with the city's time."""
    row = get_object_or_404(Sensor.objects, pk=pk)
    found = _read(request, row)
    zone = timezone.get_default_timezone()

    def lines() -> Iterator[str]:
        yield "\ufeffsensor,time,value\r\n"
        for at, value in zip(found.at.tolist(), found.value.tolist(), strict=True):
            yield f"{row.code},{datetime.fromtimestamp(at / 1000, zone).isoformat()},{value:.12g}\r\n"

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(f'{row.code}-{_span(request)}.csv')}"
    return response


def _span(request: HttpRequest) -> str:
    span = request.GET.get("span", "day")
    if span not in SPANS:
        raise Http404("没有这个时段")
    return span


def _read(request: HttpRequest, row: Sensor) -> readings.Read:
    """What the sensor read in the span that is asked for."""
    until = _until(request) or now()
    return readings.between(scope.current().world, until - SPANS[_span(request)][1], until, [row.pk])


def _until(request: HttpRequest) -> datetime | None:
    """The end of the chart where it is not now."""
    try:
        typed = datetime.fromisoformat(request.GET["until"])
        in_span(typed)
    except (KeyError, ValueError, ValidationError):
        return None
    return typed if typed.tzinfo else timezone.make_aware(typed)


def _thinned(at: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(times, lowest, highest): readings as they are, or the range of each of POINTS stretches."""
    if len(at) <= POINTS:
        return at, value, value
    edges = np.linspace(at[0], at[-1] + 1, POINTS + 1)
    starts = np.unique(np.searchsorted(at, edges[:-1]))
    starts = starts[starts < len(at)]
    return at[starts], np.minimum.reduceat(value, starts), np.maximum.reduceat(value, starts)


@require_POST
@require(*COMMAND)
def rest(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Out of service until an hour, or back."""
    row = get_object_or_404(Sensor.objects, pk=pk)
    typed = request.POST.get("until", "")
    try:
        until = timezone.make_aware(datetime.fromisoformat(typed)) if typed else None
        acts.do_rest(row, until, request.POST.get("why", ""))
    except (Refused, ValueError) as no:
        messages.error(request, str(no) if isinstance(no, Refused) else "停用结束时间无法识别")
    else:
        messages.success(request, f"{row}已停用" if until else f"{row}已恢复使用")
    return redirect("desk:sensor", pk=pk)
