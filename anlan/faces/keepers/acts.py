"""What the keepers of the system do. Accounts and grants are in different hands, and each act leaves a line."""

from __future__ import annotations

from datetime import date, timedelta

from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from anlan.faces import gate
from anlan.kernel import clock, journal
from anlan.kernel.cases.flow import Refused
from anlan.kernel.demo.accounts import password
from anlan.kernel.people import scope
from anlan.kernel.people.models import Area, Grant, Person
from anlan.kernel.people.roles import GRANTED, ROLES


def today() -> date:
    return timezone.localdate(clock.real())


def only(role: str) -> scope.Scope:
    """The acts of one keeper are his alone, in the real city, and never upon himself."""
    who = scope.current()
    if not who.world.actual:
        raise Refused("演练和回放中不办理账户和授权,请回到实战世界。")
    if not who.can(role, area=scope.ROOT):
        raise Refused(f"只有{ROLES[role].label}能办理。")
    return who


def area_of(text: str) -> Area:
    """The area of this code or name."""
    found = list(Area.objects.filter(Q(code=text.strip()) | Q(name=text.strip()))[:2])
    if len(found) != 1:
        raise Refused("没有这个区域" if not found else "有同名区域,请填 12 位代码", field="area")
    return found[0]


def not_self(who: scope.Scope, person: Person, what: str) -> None:
    if who.person_id == person.pk:
        raise Refused(f"不能给自己{what},请由另一位管理员办理。")



def check_account(person: Person, name: str) -> None:
    only("system_keeper")
    if person.user_id:
        raise Refused(f"{person} 已有账户 {person.user.get_username()}。", field="person")
    try:
        UnicodeUsernameValidator()(name)
    except ValidationError as fault:
        raise Refused("用户名只能用字母、数字和 @ . + - _。", field="username") from fault
    if not 3 <= len(name) <= 40:
        raise Refused("用户名须为 3 到 40 个字符。", field="username")
    if User.objects.filter(username__iexact=name).exists():
        raise Refused(f"用户名 {name} 已被使用。", field="username")


def do_account(person: Person, name: str) -> str:
    """A new account; returns its first password, which is shown once and must be changed at the first sign-in."""
    clear = password()
    with transaction.atomic():
        user = User.objects.create_user(name, password=clear)
        if Person.everywhere.filter(pk=person.pk, user=None).update(user=user) != 1:
            raise Refused(f"{person} 刚被他人开户,请刷新。", field="person")
        text = f"为{person}开户 {name}"
        journal.write("account.opened", person, text=text, after={"username": name}, area=scope.ROOT)
    return clear


def check_reset(person: Person) -> None:
    not_self(only("system_keeper"), person, "重置密码")
    if not person.user_id:
        raise Refused(f"{person} 没有账户。")


def do_reset(person: Person) -> str:
    """A new first password; all open sessions of the account end."""
    clear = password()
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=person.user_id)
        user.set_password(clear)
        user.last_login = None
        user.save(update_fields=["password", "last_login"])
        journal.write("account.reset", person, text=f"重置{person}的密码", area=scope.ROOT)
    return clear


def check_mail(person: Person, address: str) -> None:
    only("system_keeper")
    if not person.user_id:
        raise Refused(f"{person} 没有账户。")
    try:
        if address:
            validate_email(address)
        if not address.isascii():
            raise ValidationError("mail servers take only ASCII addresses")
    except ValidationError as fault:
        raise Refused("邮箱地址无法识别,请核对。", field="email") from fault


def do_mail(person: Person, address: str) -> None:
    """The mailbox that notices by mail go to; empty takes it away."""
    with transaction.atomic():
        User.objects.filter(pk=person.user_id).update(email=address)
        journal.write("account.mailbox", person, text=f"登记{person}的邮箱" if address else f"取消{person}的邮箱", area=scope.ROOT)


def check_switch(person: Person) -> None:
    not_self(only("system_keeper"), person, "停用或启用账户")
    if not person.user_id:
        raise Refused(f"{person} 没有账户。")


def do_switch(person: Person, active: bool) -> None:
    """Close or reopen an account; a closed one is out at its next request."""
    with transaction.atomic():
        User.objects.filter(pk=person.user_id).update(is_active=active)
        verb, word = ("account.restored", "启用") if active else ("account.closed", "停用")
        journal.write(verb, person, text=f"{word}{person}的账户", after={"active": active}, area=scope.ROOT)



def check_grant(person: Person, role: str, area: Area, unit: str, since: date, until: date | None) -> Grant:
    """The grant that would be made, or why not."""
    not_self(only("security_keeper"), person, "授权")
    if role not in GRANTED:
        raise Refused("请从列表中选择角色。", field="role")
    if ROLES[role].keeper and area.level != "city":
        raise Refused("三类管理员只在全市范围授权。", field="area")
    if until and until < since:
        raise Refused("结束日期早于开始日期。", field="until")
    if until and until < today():
        raise Refused("结束日期已过。", field="until")
    grant = Grant(person=person, role=role, area=area, unit=unit.strip(), since=since, until=until)
    try:
        grant.full_clean()
    except ValidationError as fault:
        raise Refused(";".join(fault.messages), field=next(iter(fault.message_dict), "")) from fault
    return grant


def do_grant(grant: Grant) -> None:
    with transaction.atomic():
        grant.save()
        text = f"授予{grant.person}:{grant.get_role_display()}({grant.area}{',' + grant.unit if grant.unit else ''})"
        journal.write("grant.given", grant.person, text=text, after=_facts(grant), area=scope.ROOT)
    gate.forget(grant.person.user_id)


def check_end(grant: Grant) -> None:
    not_self(only("security_keeper"), grant.person, "收回授权")
    if grant.until and grant.until < today():
        raise Refused("该授权已经结束。")


def do_end(grant: Grant) -> None:
    """A grant ends at once. One that never had a whole day is struck out; the journal keeps both."""
    before, yesterday = _facts(grant), today() - timedelta(days=1)
    with transaction.atomic():
        if grant.since > yesterday:
            Grant.objects.filter(pk=grant.pk).delete()
        else:
            Grant.objects.filter(pk=grant.pk).update(until=yesterday)
        text = f"收回{grant.person}:{grant.get_role_display()}({grant.area})"
        journal.write("grant.ended", grant.person, text=text, before=before, area=scope.ROOT)
    gate.forget(grant.person.user_id)


def check_unlock(person: Person) -> None:
    only("security_keeper")
    if not person.user_id:
        raise Refused(f"{person} 没有账户。")


def do_unlock(person: Person) -> int:
    """Forget the wrong passwords of an account, so that it may try again now; the number forgotten."""
    with transaction.atomic():
        count, _ = AccessAttempt.objects.filter(username=person.user.get_username()).delete()
        journal.write("account.unlocked", person, text=f"解除{person}账户的锁定", area=scope.ROOT)
    return count


def check_device(person: Person) -> None:
    not_self(only("security_keeper"), person, "注销动态口令")
    if not person.user_id or not TOTPDevice.objects.filter(user=person.user).exists():
        raise Refused(f"{person} 没有绑定动态口令。")


def do_device(person: Person) -> None:
    """The telephone is lost: the authenticator and its recovery codes are void."""
    with transaction.atomic():
        TOTPDevice.objects.filter(user=person.user).delete()
        StaticDevice.objects.filter(user=person.user).delete()
        journal.write("account.unenrolled", person, text=f"注销{person}的动态口令", area=scope.ROOT)


def _facts(grant: Grant) -> dict[str, object]:
    return {
        "role": grant.role, "area": grant.area_id, "unit": grant.unit, "since": grant.since.isoformat(),
        "until": grant.until.isoformat() if grant.until else None,
    }  # fmt: skip
