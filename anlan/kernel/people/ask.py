"""The two questions: what may this person see, and whom do we call."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Q, QuerySet

from anlan.kernel.worlds.models import World

from . import scope
from .models import Grant, Holding, Participant, Person
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
    who = scope.Scope(world, person.pk, person.name, person.unit_id, reaches(person, on))
    return admitted(who, world, parts(person.pk).get(world.pk))


def parts(person_id: int | None) -> dict[int, str]:
    """world → the part that a person takes in that exercise."""
    return dict(Participant.objects.filter(person_id=person_id).values_list("world_id", "part")) if person_id else {}


def admitted(who: scope.Scope, world: World, part: str | None) -> scope.Scope:
    """The asker inside a world. An exercise opens to its participants only, and an observer only looks.

    An observer looks as far as the own grants reach, or over the own area when there are none: nobody sees more of the
    shared registers by watching a drill.
    """
    who = replace(who, world=world)
    if world.kind != World.Kind.EXERCISE or who.reaches is None:
        return who
    if part is None:
        return replace(who, reaches=())
    if part == Participant.Part.OBSERVE:
        seen = {(r.area, r.unit) for r in who.reaches} or {_home(who)}
        return replace(who, reaches=tuple(scope.Reach("observer", *place) for place in sorted(seen)))
    return who


def _home(who: scope.Scope) -> tuple[str, str]:
    return scope.prefix(Person.everywhere.values_list("area_id", flat=True).get(pk=who.person_id or 0)), ""


def called(world: World) -> QuerySet[Participant]:
    """Who is called in an exercise: who plays in it or directs it."""
    return Participant.objects.filter(world=world).exclude(part=Participant.Part.OBSERVE)


def alone(world: World) -> bool:
    """Does an exercise call its participants and nobody else? Otherwise simulated telephones stand for the rest."""
    return world.kind == World.Kind.EXERCISE and not world.switches.get("simulate")


def enterable(rows: QuerySet[World]) -> QuerySet[World]:
    """Of these worlds, those that the present asker may know of."""
    who = scope.current()
    if who.system:
        return rows
    mine = Participant.objects.filter(person_id=who.person_id or 0).values("world")
    return rows.filter(~Q(kind=World.Kind.EXERCISE) | Q(pk__in=mine))


def holders(role: str | tuple[str, ...], area: str, on: date, tiers: tuple[str, ...] = ()) -> QuerySet[Holding]:
    """Who holds a responsible post of this role in this area or below it, A roles before deputies.

    In an exercise that nothing simulates only participants hold posts.
    """
    roles = (role,) if isinstance(role, str) else role
    rows = Holding.everywhere.filter(in_force(on), scope.within("post__area_id", scope.prefix(area)), post__role__in=roles)
    if tiers:
        rows = rows.filter(post__tier__in=tiers)
    if (who := scope.maybe()) and alone(who.world):
        rows = rows.filter(person__in=called(who.world).values("person"))
    return rows.select_related("post", "post__area", "person").order_by("post__area_id", "post_id", "rank")


def sees_personal(who: scope.Scope) -> bool:
    """Telephone numbers are shown in full only where the post must call them."""
    return who.system or any(ROLES[r].personal for r in who.roles if r in ROLES)
