"""Reading the journal. Rooms and faces read through these, never through the table."""

from __future__ import annotations

from functools import reduce
from operator import or_

from django.db import models
from django.db.models import Q

from anlan.kernel import rows
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
    found = rows.find(Line, f"id {rows.among()} order by id limit {limit}", also, without=UNTOLD) if also else []
    found += rows.find(Line, f"id > %s order by id limit {limit}", pk, without=UNTOLD)
    worlds = rows.by_key(World, {line.world_id for line in found})
    for line in found:
        line.world = worlds[line.world_id]
    return found


def last_id() -> int:
    return Line.everywhere.order_by("-pk").values_list("pk", flat=True).first() or 0


def sealed_id() -> int:
    """The last line that is sealed: no line with a smaller id can still be written."""
    return Seal.objects.order_by("-pk").values_list("last", flat=True).first() or 0
