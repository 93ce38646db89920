"""The figures of an event's report, each one query over journal, cases, calls and readings at the hour of writing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from django.apps import apps
from django.db.models import Count, Q, QuerySet

from anlan.faces import summary
from anlan.kernel.cases.flow import FLOWS
from anlan.kernel.cases.models import Remark
from anlan.kernel.notice.models import Addressee
from anlan.kernel.people.models import Area
from anlan.response.command.models import Order
from anlan.sensing import readings
from anlan.sensing.models import Alarm, Sensor, Warning

from .timeline import Story, keys

TIERS = Area.Level
BANDS = (5, 10)


@dataclass(frozen=True)
class Answers:
    """How the posts of one tier answered; waits run from the first call, in seconds of this world."""

    tier: str
    called: int
    answered: int
    on_behalf: int
    silent: int
    waiting: int
    in_5: int
    in_10: int
    median_s: float | None


def answers(story: Story, tier: str = "") -> Answers:
    rows = story.addressees.filter(tier=tier) if tier else story.addressees
    done = rows.filter(state__in=Addressee.ANSWERS)
    waits = sorted((b - a).total_seconds() for a, b in done.exclude(called_at=None).values_list("called_at", "answered_at"))
    in_5, in_10 = (sum(w <= band * 60 for w in waits) for band in BANDS)
    return Answers(
        tier, rows.count(), done.count(), rows.filter(state=Addressee.State.ON_BEHALF).count(),
        rows.filter(state=Addressee.State.SILENT).count(), rows.filter(state=Addressee.State.WAITING).count(), in_5, in_10,
        summary.percentile(waits, 0.5),
    )  # fmt: skip


def silent(story: Story) -> QuerySet[Addressee]:
    rows = story.addressees.filter(state=Addressee.State.SILENT)
    return rows.select_related("area__parent__parent", "notice").order_by("notice_id", "area__rank", "pk")


@dataclass(frozen=True)
class Tally:
    """Orders by what became of them. An order is late when it was finished after its term or missed it unfinished."""

    given: int
    done: int
    late_done: int
    late_open: int
    open: int
    refused: int
    withdrawn: int

    @property
    def in_time(self) -> int:
        return self.done - self.late_done


def orders(story: Story, **where: Any) -> Tally:
    rows = story.event.orders.filter(**where)
    missed = Q(pk__in=[int(k) for k in misses(story).filter(case_type=Order._meta.label_lower).values_list("case_id", flat=True)])
    n = rows.aggregate(
        given=Count("pk"), done=Count("pk", filter=Q(state="done")), late_done=Count("pk", filter=Q(state="done", late=True)),
        late_open=Count("pk", filter=~Q(state="done") & missed), open=Count("pk", filter=Q(closed_at=None)),
        refused=Count("pk", filter=Q(state="refused")), withdrawn=Count("pk", filter=Q(state="withdrawn")),
    )  # fmt: skip
    return Tally(**n)


def late_orders(story: Story) -> QuerySet[Order]:
    """Finished late, or past the term and never finished."""
    missed = [int(k) for k in misses(story).filter(case_type=Order._meta.label_lower).values_list("case_id", flat=True)]
    late = Q(late=True) | (~Q(state="done") & Q(pk__in=missed))
    return story.event.orders.filter(late).select_related("unit").order_by("finish_by", "pk")


def misses(story: Story) -> QuerySet[Remark]:
    """Terms that were missed in this event: its orders and the proposals of its response."""
    mine = Q(case_type=Order._meta.label_lower, case_id__in=keys(story.event.orders.all()))
    mine |= Q(case_type="flood.proposal", case_id__in=keys(story.proposals))
    if story.intake:
        for model in ("duty.phonereport", "duty.writtenreport"):
            mine |= Q(case_type=model, case_id__in=_reports(model, story))
    return Remark.objects.filter(mine, world_id=story.event.world_id).order_by("term", "pk")


def _reports(label: str, story: Story) -> list[str]:
    rows = apps.get_model(label).objects.filter(intake=story.intake)
    return [str(pk) for pk in rows.values_list("pk", flat=True)]


def state_label(remark: Remark) -> tuple[str, str]:
    """The title of the loop and of the state in which the term was missed."""
    model = apps.get_model(remark.case_type)
    return str(model._meta.verbose_name), FLOWS[model.flow.name].states.get(remark.state, remark.state)


def moved(story: Story) -> dict[str, Any]:
    """People moved, by each post's latest report; by district."""
    told = summary.moved(story.addressees)
    table = []
    for area in Area.objects.filter(level=TIERS.DISTRICT).order_by("rank"):
        if part := [row for row in told if row.area_id.startswith(area.code[:6])]:
            table.append((area.name, *_sums(part)))
    villages, households, people = _sums(told)
    return {"households": households, "people": people, "villages": villages, "rows": table}


def _sums(told: list[Addressee]) -> tuple[int, int, int]:
    return len({a.area_id for a in told}), sum(a.households or 0 for a in told), sum(a.people or 0 for a in told)


def signals(story: Story) -> QuerySet[Warning]:
    """Signals that stood at any time within the event's span."""
    if not story.weather:
        return Warning.objects.none()
    rows = Warning.objects.filter(Q(ended_at=None) | Q(ended_at__gte=story.since), issued_at__lte=story.until)
    return rows.select_related("area").order_by("issued_at", "pk")


def alarms(story: Story) -> QuerySet[Alarm]:
    rows = Alarm.objects.filter(at__gte=story.since, at__lte=story.until) if story.weather else Alarm.objects.none()
    return rows.order_by("at")


@dataclass(frozen=True)
class Rain:
    """Rain of one district over the event's span: mean and largest of its gauges, mm."""

    area: str
    gauges: int
    mean: float
    most: float
    where: str


def rain(story: Story) -> list[Rain]:
    """The arithmetic mean of the gauges' totals by district, and the gauge with most."""
    if not story.weather:
        return []
    gauges = readings.of_quantity(Sensor.Quantity.RAIN)
    read = readings.between(story.event.world, story.since, story.until, gauges)
    totals = dict(zip(*(column.tolist() for column in _totals(read)), strict=True))
    by_district: dict[str, list[tuple[float, str]]] = {}
    for pk, total in totals.items():
        by_district.setdefault(gauges[pk].area_id[:6], []).append((total, gauges[pk].station.name))
    found = []
    for area in Area.objects.filter(level=TIERS.DISTRICT).order_by("rank"):
        if rows := by_district.get(area.code[:6]):
            most, where = max(rows)
            found.append(Rain(area.name, len(rows), round(sum(mm for mm, _ in rows) / len(rows), 1), round(most, 1), where))
    return found


def gust(story: Story) -> tuple[float, str, datetime] | None:
    """The strongest gust within the event's span: m/s, station, time."""
    if not story.weather:
        return None
    vanes = readings.of_quantity(Sensor.Quantity.GUST)
    read = readings.between(story.event.world, story.since, story.until, vanes)
    if not len(read.value):
        return None
    best = np.lexsort((read.at, -read.value))[0]
    return float(read.value[best]), vanes[int(read.sensor[best])].station.name, datetime.fromtimestamp(read.at[best] / 1000, UTC)


def _totals(read: readings.Read) -> tuple[Any, Any]:
    """Each gauge and what it measured."""
    gauge, of = np.unique(read.sensor, return_inverse=True)
    return gauge, np.bincount(of, read.value)
