"""Reading the journal. Rooms and faces read through these, never through the table."""

from __future__ import annotations

from functools import reduce
from operator import or_

from django.db import connection, models
from django.db.models import Q

from anlan.kernel.worlds.models import World

from .models import Line, Seal

HOUSE = ("account.", "gateway.", "grant.", "history.imported", "reader.", "sender.", "session.")
"""What the house does for itself: kept and audited like anything else, but no news for a screen."""


UNTOLD = ("before", "after", "basis", "digest", "term", "owed_by", "recorded_at")
"""What no screen is told of a line, and so is not read for the live feed."""


def lines() -> models.QuerySet[Line]:
    """The lines that the present scope may see, newest first."""
    return Line.objects.order_by("-id")


def news() -> models.QuerySet[Line]:
    """Those of them that tell of the city."""
    return lines().exclude(reduce(or_, (Q(verb__startswith=start) for start in HOUSE)))


def history(subject: models.Model) -> models.QuerySet[Line]:
    """Everything that happened to one record, oldest first."""
    return Line.objects.filter(subject_type=subject._meta.label_lower, subject_id=str(subject.pk)).order_by("id")


def since(pk: int, *, also: list[int], limit: int = 500) -> list[Line]:
    """Lines of every world after one id, and those of some ids before it, for the live feed."""
    if not _any_since(pk, also):
        return []
    wanted = Q(pk__gt=pk) | Q(pk__in=also) if also else Q(pk__gt=pk)
    rows = list(Line.everywhere.filter(wanted).defer(*UNTOLD).order_by("pk")[:limit])
    worlds = World.objects.in_bulk({line.world_id for line in rows}) if rows else {}
    for line in rows:
        line.world = worlds[line.world_id]
    return rows


def _any_since(pk: int, also: list[int]) -> bool:
    """Asked many times a second, and so without building a query anew."""
    among = f" or id in ({', '.join(['%s'] * len(also))})" if also else ""
    with connection.cursor() as cursor:
        cursor.execute(f"select 1 from {Line._meta.db_table} where id > %s{among} limit 1", [pk, *also])
        return cursor.fetchone() is not None


def last_id() -> int:
    return Line.everywhere.order_by("-pk").values_list("pk", flat=True).first() or 0


def sealed_id() -> int:
    """The last line that is sealed: no line with a smaller id can still be written."""
    return Seal.objects.order_by("-pk").values_list("last", flat=True).first() or 0
