"""The two questions: what may this person see, and whom do we call."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Q, QuerySet

from anlan.kernel.worlds.models import World

from . import scope
from .models import Grant, Holding, Person
from .roles import ROLES


def in_force(on: date) -> Q:
    return Q(since__lte=on) & (Q(until=None) | Q(until__gte=on))


def reaches(person: Person, on: date) -> tuple[scope.Reach, ...]:
    grants = Grant.objects.filter(in_force(on), person=person).select_related("area")
    return tuple(sorted((scope.Reach(g.role, g.prefix, g.unit) for g in grants), key=lambda r: (r.role, r.area)))


def scope_of(user: AbstractBaseUser | Any, world: World, on: date) -> scope.Scope:
    """The scope of a signed-in user; a user without a person sees nothing."""
    person = Person.everywhere.filter(user_id=user.pk).first() if user.pk else None
    if person is None:
        return scope.Scope(world, name="未登录", reaches=())
    return scope.Scope(world, person.pk, person.name, person.unit_id, reaches(person, on))


def visible_to(user: AbstractBaseUser | Any, rows: QuerySet, world: World, on: date) -> QuerySet:
    """Narrow any query over a scoped model to what the user may see."""
    return rows.filter(scope.reach_of(rows.model, scope_of(user, world, on)))


def holders(role: str | tuple[str, ...], area: str, on: date, tiers: tuple[str, ...] = ()) -> QuerySet[Holding]:
    """Who holds a responsible post of this role in this area or below it, A roles before deputies."""
    roles = (role,) if isinstance(role, str) else role
    rows = Holding.everywhere.filter(in_force(on), scope.within("post__area_id", scope.prefix(area)), post__role__in=roles)
    if tiers:
        rows = rows.filter(post__tier__in=tiers)
    return rows.select_related("post", "post__area", "person").order_by("post__area_id", "post_id", "rank")


def sees_personal(who: scope.Scope) -> bool:
    """Telephone numbers are shown in full only where the post must call them."""
    return who.system or any(ROLES[r].personal for r in who.roles if r in ROLES)
