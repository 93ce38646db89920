"""Rows for any register, made from its model alone: a new register needs nothing written for its tests."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from django.contrib.auth.models import User
from django.db import models

from anlan.kernel.cases.models import Case
from anlan.kernel.people import scope
from anlan.kernel.people.models import Area
from anlan.kernel.worlds.models import World

START = datetime(2022, 9, 14, 0, 0, tzinfo=UTC)

OF_A_GAUGE = {"kind": "high", "quantity": "stage", "station": None, "reach": None, "fresh_s": 0, "season_from": "06-01", "season_until": "09-30"}
TOLD = {"sensing.rule": OF_A_GAUGE, "sensing.stagelimit": OF_A_GAUGE}
"""Fields of a model that only go together."""
NEEDED = {name: {"sensor": {"quantity": "stage"}} for name in TOLD}
"""What a row that is named must be."""


def names(constraint):
    return constraint.fields or [e.name for e in constraint.expressions]


class Filler:
    """Makes rows in one area of one world; their words carry ``mark``, so that they are found wherever they leak."""

    def __init__(self, world: World, area: str, mark: str, count: int = 0) -> None:
        self.world, self.area, self.mark = world, area, mark
        self.count = count
        self.made: dict[type[models.Model], models.Model] = {}

    def make(self, model, save=True, area_path="", **given):
        """One row of a model with every field filled that can be."""
        self.count += 1
        n, row = self.count, model()
        for at, field in enumerate(model._meta.concrete_fields):
            if field.name in given:
                setattr(row, field.name, given[field.name])
            elif field.name == area_path and not isinstance(field, models.ForeignKey):
                setattr(row, field.name, self.area[:9] + f"{100 + n % 900}")
            elif not isinstance(field, models.AutoField):
                value = self.value(model, field, n, at)
                if value is not None:
                    setattr(row, field.name, value)
        if save:
            with scope.everyone(self.world):
                row.save(force_insert=True)
        return row

    def value(self, model, field, n, at):
        if field.name in TOLD.get(model._meta.label_lower, {}):
            return TOLD[model._meta.label_lower][field.name]
        if isinstance(field, models.ForeignKey):
            return self.related(model, field)
        if field.name == "state" and issubclass(model, Case):
            return model.flow.start
        if field.name == getattr(model, "scope_few", ""):
            return ""  # what only few may read has tests of its own
        if model is World and field.name == "kind":
            return "replay"  # an exercise is seen only by who takes part in it
        if model is Area and field.name == "level":
            return "village"  # which the digits of its code say
        if field.choices:
            flat = [value for value, _ in field.flatchoices]
            return flat[n % len(flat)]
        return self.plain(field, n, at)

    def related(self, model, field):
        target = field.related_model
        if target is Area:
            return Area.objects.get(pk=self.area)
        if target is World:
            return self.world
        if target is User or target is model:
            return None
        single = {name for c in model._meta.constraints if isinstance(c, models.UniqueConstraint) for name in names(c)}
        if target not in self.made or field.unique or field.name in single:
            self.made[target] = self.make(target, **NEEDED.get(model._meta.label_lower, {}).get(field.name, {}))
        return self.made[target]

    def plain(self, field, n, at):
        if field.name in ("lon", "lat"):
            return {"lon": 120.4, "lat": 36.2}[field.name] + n % 100 / 1000
        if isinstance(field, models.BooleanField):
            return field.name not in ("synthetic", "wide") and n % 2 == 1
        if isinstance(field, models.DateTimeField):
            return START + timedelta(hours=at, days=n % 999)
        if isinstance(field, models.DateField):
            return date(2022, 9, 1) + timedelta(days=n % 999 + at)
        if isinstance(field, models.IntegerField):
            return n
        if isinstance(field, (models.FloatField, models.DecimalField)):
            return 5 + n % 50 / 10
        if isinstance(field, models.JSONField):
            return field.get_default()
        if isinstance(field, models.BinaryField):
            return bytes([n % 256]) * 32
        return self.text(field, n)

    def text(self, field, n):
        if "phone" in field.name or field.name == "address":
            return f"138{self.area[4:6]}{n:06d}"
        if isinstance(field, models.URLField):
            return f"https://example.org/{self.mark}/{n}"
        return f"{self.mark}-{field.name[:6]}-{n}"[: field.max_length or 60]
