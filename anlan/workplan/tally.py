"""Terms kept and missed by unit, added up from the journal: what is sealed once and for all, what is newer each time it is asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, models, transaction
from django.db.models import Case, Count, F, Q, When
from django.db.models.functions import TruncQuarter

from anlan.kernel.journal import read
from anlan.kernel.people import scope
from anlan.kernel.worlds.models import ACTUAL

from .models import Counted, Tally

INSTANT = timedelta(seconds=1)
"""What is done in the very second of its term is in time."""
Key = tuple[date, str]
"""The first day of a quarter, and the unit that had to keep the terms."""
OWED = models.functions.Coalesce(models.functions.NullIf("owed_by", models.Value("")), "unit")


@dataclass(frozen=True)
class Kept:
    """How many terms were kept and how many were missed."""

    kept: int = 0
    late: int = 0

    def __add__(self, other: Kept) -> Kept:
        return Kept(self.kept + other.kept, self.late + other.late)

    @property
    def share(self) -> float | None:
        whole = self.kept + self.late
        return self.kept / whole if whole else None


def counted() -> dict[Key, Kept]:
    """Terms kept and missed, to this moment."""
    upto = catch_up()
    found = _known()
    for key, more in _read(upto, None).items():
        found[key] = found.get(key, Kept()) + more
    return found


def _known() -> dict[Key, Kept]:
    return {(quarter, unit): Kept(kept, late) for quarter, unit, kept, late in Tally.objects.values_list("quarter", "unit", "kept", "late")}


def catch_up() -> int:
    """Add the newly sealed lines to the table; the last line that it holds. Two processes never add the same line: who
    moves the mark adds, in one transaction."""
    sealed = read.sealed_id()
    row, _ = Counted.objects.get_or_create(pk=1)
    if sealed <= row.upto:
        return row.upto
    with transaction.atomic():
        if not Counted.objects.filter(pk=1, upto=row.upto).update(upto=sealed):
            return Counted.objects.get(pk=1).upto
        known, more = _known(), _read(row.upto, sealed)
        sums = {key: known.get(key, Kept()) + n for key, n in more.items()}
        Tally.objects.bulk_create(
            [Tally(quarter=q, unit=unit, kept=n.kept, late=n.late) for (q, unit), n in sums.items()],
            batch_size=500, update_conflicts=True, unique_fields=["quarter", "unit"], update_fields=["kept", "late"],
        )  # fmt: skip
    return sealed


def begin_again() -> None:
    """Forget the table, so that it is added up anew from the first line."""
    with transaction.atomic():
        Tally.objects.all().delete()
        Counted.objects.filter(pk=1).update(upto=0)


def _read(after: int, upto: int | None) -> dict[Key, Kept]:
    """The lines of the real city that had a term, after one line and up to another, added up by the database."""
    with scope.everyone():
        rows = read.lines().order_by().filter(term__isnull=False, id__gt=after, world_id=ACTUAL)
    rows = rows.filter(id__lte=upto) if upto is not None else rows
    late = _late()
    groups = rows.annotate(quarter=_quarter(), owed=OWED).values_list("quarter", "owed")
    found = groups.annotate(n=Count("id"), late=Count(Case(When(late, then=1))))
    return {(_day(q), unit): Kept(n - bad, bad) for q, unit, n, bad in found}


def _late() -> Q:
    return Q(at__gt=F("term") + INSTANT)


def _quarter() -> Any:
    """SQLite counts the quarter from the text of the time in UTC, which is right but for eight hours at each quarter's end; so it is
    told in the city's zone by adding them first."""
    if connection.vendor != "sqlite":
        return TruncQuarter("at")
    return models.Func(F("at"), template=QUARTER, output_field=models.CharField())


LOCAL = "substr(datetime(%(expressions)s, '+8 hours'), {}, {})"
QUARTER = f"({LOCAL.format(1, 4)} || '-' || ((CAST({LOCAL.format(6, 2)} AS INTEGER) - 1) / 3))"


def _day(quarter: Any) -> date:
    if isinstance(quarter, datetime):
        return quarter.date()
    year, n = str(quarter).split("-")
    return date(int(year), 3 * int(n) + 1, 1)


def late_lines(unit: str, first: date, last: date) -> models.QuerySet:
    """The lines of a unit that came after their term, newest first; as far as the asker may see them."""
    return with_term(unit, first, last).filter(_late())


def with_term(unit: str, first: date, last: date) -> models.QuerySet:
    edge = last + timedelta(days=1)
    rows = read.lines().filter(term__isnull=False, at__date__gte=first, at__date__lt=edge).annotate(owed=OWED)
    if district := district_of(unit):
        return rows.filter(owed__startswith=district)
    return rows.filter(Q(owed=unit) | Q(owed__startswith=f"{unit}."))


def district_of(unit: str) -> str:
    """The six digits of the district that a unit belongs to; empty for a unit of the city."""
    return unit[:6] if unit[:6].isdigit() else ""

