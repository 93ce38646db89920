"""Terms kept and missed, added up from the journal: what is sealed once and for all, what is newer each time it is asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, models, transaction
from django.db.models import Case, Count, F, Q, When
from django.db.models.functions import Substr, TruncQuarter

from anlan.kernel.journal import read
from anlan.kernel.people import scope
from anlan.kernel.worlds.models import ACTUAL

from .models import Counted, Tally

INSTANT = timedelta(seconds=1)
"""What is done in the very second of its term is in time."""
Key = tuple[date, str, str]


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
    """(first day of the quarter, acting unit, six digits of the district) → terms kept and missed, to this moment."""
    upto = catch_up()
    found = _known()
    for key, more in _read(upto, None).items():
        found[key] = found.get(key, Kept()) + more
    return found


def _known() -> dict[Key, Kept]:
    rows = Tally.objects.values_list("quarter", "unit", "district", "kept", "late")
    return {(quarter, unit, district): Kept(kept, late) for quarter, unit, district, kept, late in rows}


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
            [Tally(quarter=q, unit=unit, district=district, kept=n.kept, late=n.late) for (q, unit, district), n in sums.items()],
            batch_size=500, update_conflicts=True, unique_fields=["quarter", "unit", "district"], update_fields=["kept", "late"],
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
    groups = rows.annotate(quarter=_quarter(), district=Substr("area_id", 1, 6)).values_list("quarter", "unit", "district")
    found = groups.annotate(n=Count("id"), late=Count(Case(When(late, then=1))))
    return {(_day(q), unit, district): Kept(n - bad, bad) for q, unit, district, n, bad in found}


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
    rows = read.lines().filter(term__isnull=False, at__date__gte=first, at__date__lt=edge)
    return rows.filter(Q(unit=unit) | Q(unit__startswith=f"{unit}."))
