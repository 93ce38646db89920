"""What the system keeper does to the ways out of messages."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import transaction

from anlan.kernel import journal
from anlan.kernel.carriers import CHANNELS
from anlan.kernel.carriers.models import Gateway
from anlan.kernel.carriers.sealed import Unreadable
from anlan.kernel.cases.flow import Refused
from anlan.kernel.clock.models import Beat
from anlan.kernel.dispatch import sending
from anlan.kernel.people import scope
from anlan.kernel.people.models import Person

from .acts import only

FACTS = ("name", "title", "channel", "carrier", "address", "account", "area_id", "site", "enabled")


def facts(gateway: Gateway) -> dict[str, Any]:
    """What of a gateway may stand in the journal: everything but its secret."""
    return {name: getattr(gateway, name) for name in FACTS}


def check_gateway(gateway: Gateway, given: dict[str, Any]) -> Gateway:
    """The gateway with what was typed, or which field is wrong. An empty secret keeps the one that is sealed."""
    only("system_keeper")
    secret, before = given.pop("secret", ""), _server(gateway) if gateway.sealed else None
    for name, value in given.items():
        setattr(gateway, name, value)
    if secret:
        gateway.secret = secret
    try:
        gateway.full_clean(exclude=["address"] if gateway.carrier == "webhook" else [])
    except ValidationError as fault:
        field, words = next(iter(fault.message_dict.items()))
        raise Refused(";".join(words), field=field) from fault
    except Unreadable as fault:
        raise Refused("原密钥已无法解开,请在此重新录入", field="secret") from fault
    if before not in (None, _server(gateway)) and not secret:
        raise Refused("换了服务器或接入方式,原密钥不会发给新的服务器,请重新录入密钥", field="secret")
    return gateway


def _server(gateway: Gateway) -> tuple[str, str, str]:
    """To whom the secret is shown."""
    url = urlsplit(gateway.address)
    return gateway.carrier, url.scheme, url.netloc


def do_save(gateway: Gateway, new_secret: bool) -> None:
    """Enter a gateway or change it. The fault count begins anew, so that waiting calls are tried at once."""
    old = Gateway.everywhere.filter(pk=gateway.pk).first()
    verb, word = ("gateway.changed", "修改") if old else ("gateway.added", "新增")
    gateway.faults, gateway.retry_at = 0, None
    with transaction.atomic():
        gateway.save()
        note = ",密钥已更换" if old and new_secret else ""
        text = f"{word}通信网关 {gateway.title}({gateway.name}){note}"
        journal.write(verb, gateway, text=text, before=facts(old) if old else None, after=facts(gateway), area=scope.ROOT)


def check_switch(gateway: Gateway, on: bool) -> None:
    only("system_keeper")
    if gateway.enabled == on:
        raise Refused(f"{gateway} 已经{'启用' if on else '停用'}。")


def do_switch(gateway: Gateway, on: bool) -> None:
    """Switch a gateway on or off. One that is off carries nothing, also not what was waiting, and has no pulse."""
    verb, word = ("gateway.restored", "启用") if on else ("gateway.closed", "停用")
    with transaction.atomic():
        Gateway.everywhere.filter(pk=gateway.pk).update(enabled=on, faults=0, retry_at=None)
        if not on:
            Beat.objects.filter(name=f"gateway:{gateway.name}").delete()
        journal.write(verb, gateway, text=f"{word}通信网关 {gateway.title}({gateway.name})", area=scope.ROOT)


def own_address(gateway: Gateway) -> str:
    """Where a test may go: to the keeper's own number or mailbox; a robot speaks only in its own group."""
    who = Person.everywhere.select_related("user").filter(pk=scope.current().person_id).first()
    if who is None or gateway.channel == "loudspeaker":
        return ""
    return CHANNELS[gateway.channel].address(who)


def check_test(gateway: Gateway) -> str:
    only("system_keeper")
    if not gateway.enabled:
        raise Refused(f"{gateway} 已停用,请先启用再试发。")
    if gateway.channel == "loudspeaker":
        raise Refused("应急广播会惊动居民,不在这里试发。")
    if not (to := own_address(gateway)):
        what = "邮箱" if gateway.channel == "mail" else "手机号码"
        raise Refused(f"您本人没有登记{what},试发只能发给本人。请先在人员台账或账户页登记。")
    return to


def do_test(gateway: Gateway, to: str) -> str:
    """Send one message to oneself; what went wrong, or nothing. Runs outside a transaction, for the line may hang."""
    fault = sending.try_out(gateway, to)
    with transaction.atomic():
        how = f"失败:{fault}" if fault else "成功"
        text = f"试发通信网关 {gateway.title}({gateway.name}),{how}"
        journal.write("gateway.tested", gateway, text=text, after={"fault": fault}, area=scope.ROOT)
    return fault


def check_rotate(gateway: Gateway, typed: str) -> None:
    """A new secret: typed, or made here where both sides are free to choose it."""
    if typed or gateway.carrier == "http":
        check_gateway(gateway, {"secret": typed or "made below"})
        return
    only("system_keeper")
    raise Refused("请填写新的密钥。", field="secret")


def do_rotate(gateway: Gateway, typed: str) -> str:
    """Returns the secret that was made here, to be shown once; nothing when it was typed."""
    made = "" if typed else secrets.token_urlsafe(32)
    gateway.secret = typed or made
    with transaction.atomic():
        fresh = {"sealed": gateway.sealed, "address": gateway.address, "faults": 0, "retry_at": None}
        Gateway.everywhere.filter(pk=gateway.pk).update(**fresh)
        text = f"更换通信网关 {gateway.title}({gateway.name})的密钥"
        journal.write("gateway.rotated", gateway, text=text, area=scope.ROOT)
    return made
