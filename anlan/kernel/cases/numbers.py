"""Running numbers of papers and records."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F

from anlan.kernel.people import scope

from .models import Series


def next_number(series: str, year: int = 0) -> int:
    """The next number of a series of the present world: 1, 2, 3 …; year 0 is for a series that runs on through the years.

    It is taken in the act's own transaction: who else asks waits for that, and what is rolled back leaves no gap.
    """
    key = {"world_id": scope.current().world.pk, "name": series, "year": year}
    with transaction.atomic():
        if not (rows := Series.objects.filter(**key)).update(last=F("last") + 1):
            Series.objects.bulk_create([Series(**key)], ignore_conflicts=True)
            rows.update(last=F("last") + 1)
        return rows.values_list("last", flat=True).get()
