"""Channels (how a person is reached) and carriers (what carries them out).

A carrier is one class in one file here: ``@carrier`` registers it under its name. A carrier that talks to the outside
gives ``send``; it may raise ``Down`` (the gateway fails: try again later, same key), ``Later`` (only this call has to
wait), ``Unsure`` (nobody knows whether it went: never repeated) or ``Rejected`` (this one will never go). The words of
these faults are read on pages: they never quote an address or what the far end said, for both may carry a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError

if TYPE_CHECKING:
    from anlan.kernel.people.models import Person

    from .models import Gateway


@dataclass(frozen=True)
class Channel:
    name: str
    label: str
    address: Callable[[Person], str]
    shared: bool = False
    """Its address belongs to an area: one call there reaches all, and no key or link in it can be one person's answer."""


def _phone(person: Person) -> str:
    return person.phone


def _mail(person: Person) -> str:
    return person.user.email if person.user else ""


def _area(person: Person) -> str:
    return person.area_id


CHANNELS = {
    channel.name: channel
    for channel in (
        Channel("voice", "语音电话", _phone),
        Channel("sms", "短信", _phone),
        Channel("loudspeaker", "应急广播", _area, shared=True),
        Channel("mail", "电子邮件", _mail),
        Channel("group", "工作群", _area, shared=True),
    )
}
VIA = {
    **{c.name: c.label for c in CHANNELS.values()},
    "link": "短信链接", "app": "移动端", "desk": "值班台代答", "foot": "派人上门",
}  # fmt: skip


def call_name(notice: int, n: int, person: Person, channel: str) -> str:
    """Names one physical call: of a person, or of an area where the channel is shared."""
    way = CHANNELS[channel]
    return f"{notice}:{n}:{way.address(person) if way.shared else person.pk}:{channel}"


class Down(Exception):
    """The gateway cannot be reached or asks to wait; the same call is tried again with the same key."""


class Later(Down):
    """Only this call has to wait, such as for a full mailbox; the gateway itself is well."""


class Rejected(Exception):
    """The gateway refuses this call for good; the message says why."""


class Unsure(Rejected):
    """The line broke after the call was handed over: it may have gone, so it is not repeated."""


@dataclass(frozen=True)
class Call:
    """One physical call: what is said to whom. ``key`` stays the same however often it is tried."""

    key: str
    channel: str
    to: str
    text: str
    level: int | None = None


@dataclass(frozen=True)
class Sent:
    """The gateway has taken it; its own number for it, if it gives one."""

    provider: str = ""


class Carrier:
    """What carries calls of some channels out."""

    name: ClassVar[str]
    label: ClassVar[str]
    outside: ClassVar[bool] = True
    channels: ClassVar[tuple[str, ...]]
    idempotent: ClassVar[bool] = False
    """Does the far end know a call again by its key? If not, a call whose fate a crash left open is not repeated."""

    def check(self, gateway: Gateway) -> None:
        """Could this gateway work at all? Raises ValidationError with the field that is wrong."""

    def send(self, gateway: Gateway, call: Call) -> Sent:
        """Hand one call over. Runs in a thread and must not touch the database."""
        raise Rejected(f"{self.label}不外发")


CARRIERS: dict[str, Carrier] = {}
FILES = ("http_gateway", "mail", "webhook")


def carrier(kind: type[Carrier]) -> type[Carrier]:
    """Register a carrier under its name."""
    CARRIERS[kind.name] = kind()
    return kind


def load() -> None:
    """Import every carrier of this folder."""
    for name in FILES:
        import_module(f"{__name__}.{name}")


def check_gateway(gateway: Gateway) -> None:
    """A gateway names a carrier that exists, talks to the outside, and carries the channel."""
    kind = CARRIERS.get(gateway.carrier)
    if kind is None or not kind.outside:
        known = "、".join(c.name for c in CARRIERS.values() if c.outside)
        raise ValidationError({"carrier": f"接入方式须为 {known} 之一"})
    if gateway.channel not in kind.channels:
        carried = "、".join(CHANNELS[c].label for c in kind.channels)
        raise ValidationError({"channel": f"{kind.label}只能承载 {carried}"})
    kind.check(gateway)


def check_address(address: str, schemes: tuple[str, ...]) -> None:
    """A scheme, a host, perhaps a port and a path; nothing in it that should be secret."""
    shape = "、".join(f"{s}://" for s in schemes)
    try:
        url = urlsplit(address)
        host, _ = url.hostname, url.port
        (host or "").encode("idna")
    except ValueError as fault:
        raise ValidationError({"address": f"地址无法识别,应以 {shape} 开头"}) from fault
    if url.scheme not in schemes or not host or not re.fullmatch(r"[!-~]+", address):
        raise ValidationError({"address": f"地址应为 {shape} 加主机名,可带端口,只含英文字符"})
    if url.username or url.password or url.query or url.fragment:
        raise ValidationError({"address": "地址里不能写用户名、密码或参数;密钥请填在密钥栏"})
