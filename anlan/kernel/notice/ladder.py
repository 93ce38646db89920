"""A ladder is data: whom to try, how, how long after the issue, and where these times come from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from django.utils import timezone

from anlan.kernel.carriers import CHANNELS

WHOM = ("self", "deputy", "superior", "neighbour")
NIGHT_FROM, NIGHT_TO = 22, 6


@dataclass(frozen=True)
class Rung:
    """After so many seconds of silence, try this person over these channels at once."""

    after_s: int
    whom: str
    channels: tuple[str, ...]


@dataclass(frozen=True)
class Ladder:
    """The rungs of one kind of notice. Who is silent at ``end_s`` is reported as silent and stays on the duty board."""

    name: str
    rungs: tuple[Rung, ...]
    basis: str
    confidence: str
    end_s: int | None = None
    title: str = ""
    at_night: tuple[str, ...] = ("voice",)
    """Channels that every rung gets besides its own between 22:00 and 06:00."""

    def __post_init__(self) -> None:
        times = [rung.after_s for rung in self.rungs]
        if not self.rungs or times[0] != 0 or any(b <= a for a, b in pairwise(times)):
            raise ValueError(f"ladder {self.name}: rungs begin at 0 s and each is later than the one before")
        if self.end_s is not None and self.end_s <= times[-1]:
            raise ValueError(f"ladder {self.name}: it ends before its last rung")
        if not self.basis or not self.confidence:
            raise ValueError(f"ladder {self.name}: times need a basis and a confidence")
        for rung in self.rungs:
            if rung.whom not in WHOM or not rung.channels or set(rung.channels) - set(CHANNELS):
                raise ValueError(f"ladder {self.name}: unknown person or channel at {rung.after_s} s")

    def channels_at(self, n: int, at: datetime) -> tuple[str, ...]:
        """The channels of a rung; by night a telephone must ring."""
        hour = timezone.localtime(at).hour
        night = self.at_night if hour >= NIGHT_FROM or hour < NIGHT_TO else ()
        return tuple(dict.fromkeys((*self.rungs[n].channels, *night)))

    def snapshot(self) -> dict[str, Any]:
        return asdict(self)


def restore(kept: dict[str, Any]) -> Ladder:
    """The ladder that a notice was issued with."""
    rungs = tuple(Rung(r["after_s"], r["whom"], tuple(r["channels"])) for r in kept["rungs"])
    return Ladder(**{**kept, "rungs": rungs, "at_night": tuple(kept["at_night"])})


CALL = Ladder(
    "call",
    (
        Rung(0, "self", ("voice", "sms")),
        Rung(120, "self", ("voice",)),
        Rung(300, "deputy", ("voice", "sms")),
        Rung(600, "superior", ("voice",)),
        Rung(900, "neighbour", ("voice",)),
    ),
    title="防汛叫应",
    end_s=1200,
    basis="长治、朔州2024年山洪预警叫应:5分钟内叫醒责任人,多渠道并行(V);各阶梯时间为系统缺省,可配置(M)",
    confidence="M",
)
INFORM = Ladder(
    "inform",
    (Rung(0, "self", ("sms",)),),
    title="告知",
    basis="告知类通知不要求应答,系统缺省,可配置",
    confidence="M",
    at_night=(),
)
