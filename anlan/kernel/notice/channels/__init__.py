"""Channels (how a person is reached) and carriers (what carries them out).

A carrier is one class in one file here: ``@carrier`` registers it under its name. A carrier that talks to the outside
gives ``send``; it may raise ``Down`` (try again later, same key) or ``Rejected`` (this one will never go).
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

from django.core.exceptions import ValidationError

if TYPE_CHECKING:
    from anlan.kernel.notice.models import Gateway
    from anlan.kernel.people.models import Person


@dataclass(frozen=True)
class Channel:
    name: str
    label: str
    address: Callable[[Person], str]


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
        Channel("loudspeaker", "应急广播", _area),
        Channel("mail", "电子邮件", _mail),
        Channel("group", "工作群", _area),
    )
}
VIA = {
    **{c.name: c.label for c in CHANNELS.values()},
    "link": "短信链接", "app": "移动端", "desk": "值班台代答", "foot": "派人上门",
}  # fmt: skip


class Down(Exception):
    """The gateway cannot be reached or asks to wait; the same call is tried again with the same key."""


class Rejected(Exception):
    """The gateway refuses this call for good; the message says why."""


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

    def send(self, gateway: Gateway, call: Call) -> Sent:
        """Hand one call over. Runs in a thread and must not touch the database."""
        raise Rejected(f"{self.label}不外发")


CARRIERS: dict[str, Carrier] = {}


def carrier(kind: type[Carrier]) -> type[Carrier]:
    """Register a carrier under its name."""
    CARRIERS[kind.name] = kind()
    return kind


def load() -> None:
    """Import every carrier of this folder."""
    for module in pkgutil.iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")


def check_gateway(gateway: Gateway) -> None:
    """A gateway names a carrier that exists, talks to the outside, and carries the channel."""
    kind = CARRIERS.get(gateway.carrier)
    if kind is None or not kind.outside:
        known = "、".join(c.name for c in CARRIERS.values() if c.outside)
        raise ValidationError({"carrier": f"接入方式须为 {known} 之一"})
    if gateway.channel not in kind.channels:
        carried = "、".join(CHANNELS[c].label for c in kind.channels)
        raise ValidationError({"channel": f"{kind.label}只能承载 {carried}"})
    if kind.name == "http" and not gateway.secret:
        raise ValidationError({"secret": "短信语音网关须设密钥,用于双向签名"})
