"""Reading the journal. Rooms and faces read through these, never through the table."""

from __future__ import annotations

from django.db import models

from .models import Line


def lines() -> models.QuerySet[Line]:
    """The lines that the present scope may see, newest first."""
    return Line.objects.order_by("-id")


def history(subject: models.Model) -> models.QuerySet[Line]:
    """Everything that happened to one record, oldest first."""
    return Line.objects.filter(subject_type=subject._meta.label_lower, subject_id=str(subject.pk)).order_by("id")


def since(pk: int, *, without: list[int], limit: int = 500) -> list[Line]:
    """Lines of every world after one id except those known already, for the live feed."""
    return list(Line.everywhere.filter(pk__gt=pk).exclude(pk__in=without).order_by("pk")[:limit])


def last_id() -> int:
    return Line.everywhere.order_by("-pk").values_list("pk", flat=True).first() or 0
