"""Who is asking, in which world. Every scoped table is read through this, or not at all."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db import models
from django.db.models import Q

from anlan.kernel import rows
from anlan.kernel.worlds.models import ACTUAL, World

from .roles import READERS

ROOT = "370200000000"
DIGITS = {"city": 4, "district": 6, "town": 9, "village": 12}


class NoScope(RuntimeError):
    """A scoped table was touched without saying who asks and in which world."""


@dataclass(frozen=True)
class Reach:
    """One grant in force: a role over an area prefix and a unit prefix (empty = all)."""

    role: str
    area: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Scope:
    """The asker. ``reaches`` is None for the system itself, which sees its whole world."""

    world: World
    person_id: int | None = None
    name: str = "系统"
    unit: str = ""
    reaches: tuple[Reach, ...] | None = None
    at: datetime | None = None

    @property
    def system(self) -> bool:
        return self.reaches is None

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(r.role for r in self.reaches or ())

    @property
    def city_roles(self) -> frozenset[str]:
        """The roles held over the whole city."""
        return frozenset(r.role for r in self.reaches or () if ROOT.startswith(r.area))

    def among(self, few: str) -> bool:
        """May the asker read what only these few roles may? Everybody, when none is named."""
        return not few or self.reaches is None or any(f" {role} " in few for role in self.city_roles)

    def reads(self, subject_type: str) -> bool:
        """May the asker read what is said of records of this kind? As their kind is declared now, not as it was when it was said."""
        return self.reaches is None or subject_type not in self.closed_kinds()

    def closed_kinds(self) -> list[str]:
        """The kinds of record of which the asker holds no role to read."""
        return [kind for kind, read in READ_BY.items() if not read.roles & (self.city_roles if read.city else self.roles)]

    def can(self, *roles: str, area: str = "") -> bool:
        """Does a grant give one of these roles over this area? The system may do everything."""
        if self.reaches is None:
            return True
        return any(r.role in roles and area.startswith(r.area) for r in self.reaches)

    def acts_for(self, unit: str | None) -> bool:
        """Is this unit's work the asker's? A unit acts for itself and for those below it; what names no unit is anybody's."""
        if self.reaches is None or not unit:
            return True
        return bool(self.unit) and (unit == self.unit or unit.startswith(f"{self.unit}."))

    def by(self, roles: Container[str]) -> Scope:
        """The same asker, who sees by grants of these roles and by no others."""
        return self if self.reaches is None else replace(self, reaches=tuple(r for r in self.reaches if r.role in roles))

    def inside(self, area: str) -> Scope:
        """Who sees what this asker sees by grants, no further than the areas that begin with these digits."""
        met = (r for r in self.reaches or () if r.area.startswith(area) or area.startswith(r.area))
        return replace(self, reaches=tuple(replace(r, area=max(r.area, area, key=len)) for r in met))

    def key(self) -> tuple:
        """Askers with the same key see the same rows."""
        return (self.world.pk, self.reaches)


@dataclass(frozen=True)
class ReadBy:
    """The roles that read a kind of record; with ``city`` they must be held over the whole city."""

    roles: frozenset[str]
    city: bool = False


READ_BY: dict[str, ReadBy] = {}
"""By the label of the model. A kind that is not listed says nothing beyond its area."""


def common(subject_type: str) -> bool:
    """Is a kind of record for everybody who reads registers, so that a message may name what it tells of?"""
    read = READ_BY.get(subject_type)
    return read is None or (not read.city and read.roles.issuperset(READERS))


_scope: ContextVar[Scope | None] = ContextVar("anlan_scope", default=None)


def current() -> Scope:
    if (scope := _scope.get()) is None:
        raise NoScope("touched without a scope: wrap it in scope.everyone(world) or scope.entered(...)")
    return scope


def maybe() -> Scope | None:
    return _scope.get()


@contextmanager
def entered(scope: Scope) -> Iterator[Scope]:
    token = _scope.set(scope)
    try:
        yield scope
    finally:
        _scope.reset(token)


def everyone(world: World | None = None, at: datetime | None = None) -> Any:
    """The system's own view of one world (the real city when none is named)."""
    return entered(Scope(world or rows.one(World, ACTUAL), at=at))


def narrowed(**changes: Any) -> Any:
    """The present scope with some fields changed."""
    return entered(replace(current(), **changes))


def prefix(code: str) -> str:
    """The digits of an area code that its descendants share: 370212000000 → 370212."""
    if code.endswith("00000000"):
        return code[:4]
    if code.endswith("000000"):
        return code[:6]
    return code[:9] if code.endswith("000") else code


def above(start: str) -> list[str]:
    """The codes of the areas that hold this one: 370212 → the city."""
    return [start[:digits].ljust(12, "0") for digits in DIGITS.values() if digits < len(start)]


def within(column: str, start: str) -> Q:
    """Rows whose area code begins with ``start``; a range, so that an index serves it."""
    return Q(**{f"{column}__gte": start.ljust(12, "0"), f"{column}__lte": start.ljust(12, "9")}) if start else Q()


def reach_of(model: type[models.Model], scope: Scope) -> Q:
    """The rows of ``model`` that this asker may see, by area and by unit."""
    if scope.reaches is None:
        return Q()
    column, unit = getattr(model, "scope_area", "area_id"), getattr(model, "scope_unit", "")
    if not column:
        return Q()
    seen = Q(pk__in=())
    for reach in set(scope.reaches):
        part = within(column, reach.area)
        if unit and reach.unit:
            part &= Q(**{f"{unit}__startswith": reach.unit})
        seen |= part if part else Q(pk__isnull=False)
        if reach.area and getattr(model, "scope_above", False):
            seen |= Q(**{f"{column}__in": above(reach.area)})
    if wide := getattr(model, "scope_wide", ""):
        seen |= Q(**{wide: True})
    return seen & for_few(model, scope)


def for_few(model: type[models.Model], scope: Scope) -> Q:
    """Of rows that only few roles may read, and of those that tell of such a kind of record, those that the asker may."""
    few = getattr(model, "scope_few", "")
    if not few or scope.reaches is None:
        return Q()
    mine = reduce(or_, (Q(**{f"{few}__contains": f" {role} "}) for role in scope.city_roles), Q(**{few: ""}))
    closed = scope.closed_kinds()
    return mine & ~Q(subject_type__in=closed) if closed else mine


def few_of(roles: Iterable[str]) -> str:
    """How a row names the roles that alone may read it: those words, between blanks."""
    return f" {' '.join(roles)} "


class ScopedManager(models.Manager):
    """Reads only what the present scope may see."""

    def get_queryset(self) -> models.QuerySet:
        scope = current()
        rows = super().get_queryset()
        if any(f.name == "world" for f in self.model._meta.fields):
            rows = rows.filter(world_id=scope.world.pk)
        return rows if scope.system else rows.filter(reach_of(self.model, scope))


class Placed(models.Model):
    """A row of a shared register: it belongs to an area and is the same in every world."""

    scope_area = "area_id"
    area = models.ForeignKey("people.Area", models.PROTECT, verbose_name="所在区域", related_name="+")

    objects = ScopedManager()
    everywhere = models.Manager()

    class Meta:
        abstract = True
        base_manager_name = "everywhere"

    def save(self, *args: Any, **kwargs: Any) -> None:
        scope = maybe()
        if scope and not scope.world.actual and not isinstance(self, Scoped):
            raise ReadOnly(f"{scope.world.title}中不能修改台账")
        super().save(*args, **kwargs)


class Scoped(Placed):
    """An operating record: it belongs to a world and an area."""

    world = models.ForeignKey("worlds.World", models.PROTECT, verbose_name="世界", related_name="+")

    class Meta:
        abstract = True
        base_manager_name = "everywhere"

    def save(self, *args: Any, **kwargs: Any) -> None:
        scope = current()
        if self.world_id is None:
            self.world_id = scope.world.pk
        if self.world_id != scope.world.pk:
            raise ReadOnly("不能跨世界写入")
        super().save(*args, **kwargs)


class ReadOnly(RuntimeError):
    """A register was written from inside a drill, or a row of one world from another."""
