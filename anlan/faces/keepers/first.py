"""The first holder of a keeper's role, made at the command line, where nobody can sign in yet."""

from __future__ import annotations

from django.db import transaction

from anlan.kernel.cases.flow import Refused
from anlan.kernel.people import scope
from anlan.kernel.people.ask import in_force
from anlan.kernel.people.models import Area, Grant, Person, Unit
from anlan.kernel.people.roles import ROLES
from anlan.kernel.worlds.models import ACTUAL, World

from . import acts

HAND = "命令行"
KEEPERS = tuple(role.name for role in ROLES.values() if role.keeper)


def appoint(role: str, name: str, login: str, city: str = "", unit: str = "") -> str:
    """Person, account and grant in one act; returns the first password. Refused when the role is held."""
    world = World.objects.get(pk=ACTUAL)
    with transaction.atomic(), scope.entered(scope.Scope(world, name=HAND)):
        _check_free(role, name)
        root, _ = Area.objects.get_or_create(code=scope.ROOT, defaults={"name": city or world.title, "level": "city"})
        person = _person(name, root, _office(root, unit))
        acts.check_account(person, login)
        clear = acts.do_account(person, login)
        acts.do_grant(acts.check_grant(person, role, root, "", acts.today(), None))
    return clear


def _check_free(role: str, name: str) -> None:
    held = Grant.objects.filter(in_force(acts.today()), role__in=KEEPERS, person__user__is_active=True)
    if holder := held.filter(role=role).select_related("person").first():
        opens = "更多账户由系统管理员登录后在“账户”页开立,再由安全管理员在“授权”页授权"
        raise Refused(f"已有{ROLES[role].label}:{holder.person}。{opens}。")
    if other := held.filter(person__name=name).first():
        raise Refused(f"{name}已是{other.get_role_display()}。系统、安全、审计三类管理员须由不同的人担任。")


def _office(root: Area, code: str) -> Unit:
    """The unit of this code; without one the bureau itself, which is made when it is missing."""
    if code:
        if found := Unit.everywhere.filter(code=code).first():
            return found
        raise Refused(f"没有代码为 {code} 的单位。不填单位时记入{root}应急管理局。")
    about = {"name": f"{root}应急管理局", "short": "应急局", "kind": "应急", "area": root}
    return Unit.everywhere.get_or_create(code=f"{root.prefix}.yj", defaults=about)[0]


def _person(name: str, root: Area, office: Unit) -> Person:
    """The one of this name in the unit, else somebody new."""
    found = list(Person.everywhere.filter(name=name, unit=office)[:2])
    if len(found) > 1:
        raise Refused(f"{office}有多个“{name}”,请由管理员在页面上开户。")
    return found[0] if found else Person.everywhere.create(name=name, unit=office, area=root)
