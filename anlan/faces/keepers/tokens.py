"""What the system keeper does to tokens: of the gateways that send readings, and of the machines that read them."""

from __future__ import annotations

import secrets
from typing import Any

from django.db import transaction

from anlan.kernel import journal
from anlan.kernel.cases.flow import Refused
from anlan.kernel.people import ask, scope
from anlan.kernel.people.models import Person
from anlan.kernel.people.roles import READERS
from anlan.sensing.models import Bearer, Gateway, Reader

from .acts import area_of, not_self, only, today

VERB: dict[type[Bearer], str] = {Gateway: "sender", Reader: "reader"}


def check_gateway(name: str) -> Gateway:
    """The gateway that would be made, or why not."""
    _check_name(Gateway, name)
    return Gateway(name=name)


def check_reader(name: str, login: str, place: str) -> Reader:
    """The reader that would be made, or why not. It sees nothing that its account does not, so the account must see something."""
    _check_name(Reader, name)
    area = area_of(place)
    person = Person.everywhere.select_related("user").filter(user__username=login, user__is_active=True).first()
    if person is None:
        raise Refused(f"所属账户须填启用中的用户名,没有“{login}”。", field="account")
    not_self(scope.current(), person, "发放读取令牌")
    who = ask.scope_of(person.user, scope.current().world, today())
    if not who.by(READERS).inside(area.prefix).reaches:
        raise Refused(f"{person}({login})在{area}没有查看监测数据的有效授权,请先由安全管理员授权。", field="account")
    return Reader(name=name, person=person, area=area)


def _check_name(kind: type[Bearer], name: str) -> None:
    only("system_keeper")
    if not 2 <= len(name) <= 40 or not name.isprintable():
        raise Refused("名称须为 2 到 40 个字。", field="name")
    if kind.objects.filter(name=name).exists():
        raise Refused(f"已有名为 {name} 的{_title(kind)}。", field="name")


def do_make(bearer: Bearer) -> str:
    """Enter it; returns its token, which is shown once."""
    clear, bearer.token = _token()
    with transaction.atomic():
        bearer.save()
        facts = _facts(bearer)
        bound = f",所属{facts['person']},限{facts['area']}" if facts else ""
        _note(bearer, "added", f"新增{_title(type(bearer))} {bearer}{bound}", after=facts)
    return clear


def check_act(bearer: Bearer, on: bool | None = None) -> None:
    only("system_keeper")
    if on is not None and bearer.enabled == on:
        raise Refused(f"{bearer} 已经{'启用' if on else '停用'}。")


def do_rotate(bearer: Bearer) -> str:
    """A new token; the old one is void at once."""
    clear, digest = _token()
    with transaction.atomic():
        type(bearer).objects.filter(pk=bearer.pk).update(token=digest)
        _note(bearer, "rotated", f"更换{_title(type(bearer))} {bearer} 的令牌,旧令牌作废")
    return clear


def do_switch(bearer: Bearer, on: bool) -> None:
    """Open or closed; what is closed neither sends nor reads, with whatever token."""
    word, said = ("restored", "启用") if on else ("closed", "停用")
    with transaction.atomic():
        type(bearer).objects.filter(pk=bearer.pk).update(enabled=on)
        _note(bearer, word, f"{said}{_title(type(bearer))} {bearer}")


def _token() -> tuple[str, str]:
    clear = secrets.token_urlsafe(32)
    return clear, Bearer.digest(clear)


def _title(kind: type[Bearer]) -> str:
    return str(kind._meta.verbose_name)


def _facts(bearer: Bearer) -> dict[str, Any] | None:
    """Whose eyes a reader has, and how far they go."""
    return {"person": str(bearer.person), "area": str(bearer.area), "area_id": bearer.area_id} if isinstance(bearer, Reader) else None


def _note(bearer: Bearer, word: str, text: str, **more: Any) -> None:
    journal.write(f"{VERB[type(bearer)]}.{word}", bearer, text=text, area=scope.ROOT, **more)
