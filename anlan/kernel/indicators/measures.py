"""The ways an indicator reads its rows. Each takes the indicator and its rows and gives a number, or None when there is nothing to judge."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Count, Max, Q, Sum
from django.db.models.functions import Cast
from django.utils import timezone

from anlan.kernel.cases.models import Remark
from anlan.kernel.clock import now
from anlan.kernel.people import scope
from anlan.kernel.people.models import Area

if TYPE_CHECKING:
    from .declared import Indicator

Number = int | float | None


@dataclass(frozen=True)
class Measure:
    label: str
    read: Callable[[Indicator, models.QuerySet], Number]
    field: bool = False
    """It reads a field of the rows."""
    list: bool = False
    """It compares with a master list."""
    cases: bool = False
    """It reads cases only."""


def _count(one: Indicator, rows: models.QuerySet) -> Number:
    return rows.count()


def _sum(one: Indicator, rows: models.QuerySet) -> Number:
    return rows.aggregate(total=Sum(one.path))["total"] or 0


def _distinct(one: Indicator, rows: models.QuerySet) -> Number:
    """How many different values a field has; an empty one is none."""
    return rows.exclude(**{one.path: None}).values(one.path).distinct().count()


def _share(one: Indicator, rows: models.QuerySet) -> Number:
    """Rows per hundred of the master list."""
    whole = one.listed().count()
    return round(100 * rows.count() / whole, 2) if whole else None


def _covered(one: Indicator, rows: models.QuerySet) -> Number:
    """How many per hundred of the master list have ``least`` rows of their own."""
    whole = one.masters()
    return round(100 * len(covering(one, rows, whole)) / len(whole), 2) if whole else None


def covering(one: Indicator, rows: models.QuerySet, whole: Collection[Any]) -> set[Any]:
    """Which of the master list have ``least`` rows. A row in a village counts for its town and district as well."""
    counts: dict[Any, int] = {}
    by_area = one.list_register.model is Area
    for key, n in rows.exclude(**{one.path: None}).values_list(one.path).annotate(n=Count("pk")):
        for above in ancestors(key) if by_area else (key,):
            counts[above] = counts.get(above, 0) + n
    return {key for key in whole if counts.get(key, 0) >= one.least}


def ancestors(code: str) -> set[str]:
    return {code, code[:9] + "000", code[:6] + "000000", scope.ROOT}


def _kept(one: Indicator, rows: models.QuerySet) -> Number:
    """Of the cases that ended or missed a term, how many per hundred never missed one."""
    missed = missed_of(rows)
    judged = rows.filter(Q(closed_at__isnull=False) | Q(pk__in=missed)).count()
    return round(100 * (judged - rows.filter(pk__in=missed).count()) / judged, 2) if judged else None


def missed_of(rows: models.QuerySet) -> models.QuerySet:
    """The keys of the cases of this kind and world that missed a term."""
    marks = Remark.objects.filter(world_id=scope.current().world.pk, case_type=rows.model._meta.label_lower)
    return marks.annotate(key=Cast("case_id", models.BigIntegerField())).values("key")


def _days(one: Indicator, rows: models.QuerySet) -> Number:
    """Whole days since the newest row; None before there was one."""
    last = rows.aggregate(last=Max(one.path))["last"]
    if isinstance(last, datetime):
        last = timezone.localtime(last).date()
    return (timezone.localdate(now()) - last).days if isinstance(last, date) else None


def _model(one: Indicator, rows: models.QuerySet) -> Number:
    """What a model makes of the rows."""
    assert one.model is not None
    return one.model(rows)


MEASURES = {
    "count": Measure("记录数", _count),
    "sum": Measure("合计", _sum, field=True),
    "distinct": Measure("不同值个数", _distinct, field=True),
    "share": Measure("占名录的百分比", _share, list=True),
    "covered": Measure("名录覆盖率", _covered, field=True, list=True),
    "kept": Measure("按期办结率", _kept, cases=True),
    "days": Measure("距上次天数", _days, field=True),
    "model": Measure("模型结果", _model),
}
