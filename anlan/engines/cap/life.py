"""What is in force at a moment, from messages that arrived in any order, some of them twice.

Source: OASIS CAP 1.2, sections 3.2.1 (status, msgType, references) and 3.2.2 (effective, expires). The result depends
on the set of messages alone. What the standard leaves open is decided for the side on which a warning stays:

- Messages of another status are another world: they neither end an alert nor are found by a reference.
- An Update or Cancel ends exactly what it names, by sender, identifier and time; a message of another sender, or one
  that was sent later, it does not end. Both are faults, as is a name that nobody knows (it may yet arrive).
- An Update ends what it names once it takes effect itself, so that no moment between the two is without a warning.
- Two messages sent at the same time that name each other, through whatever chain, end neither.
- Ack and Error answer a message and change nothing of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from anlan.engines.cap.model import Alert, Fault, Info, Reference

ENDS = ("Update", "Cancel")
ANSWERS = ("Ack", "Error")


@dataclass(frozen=True)
class End:
    """An alert that is over: the keys of the messages that ended it, () when it expired by itself."""

    alert: Alert
    by: tuple[Reference, ...]


@dataclass(frozen=True)
class State:
    """Each tuple in the order of (sent, sender, identifier). `pending` was sent and takes effect later."""

    in_force: tuple[Alert, ...]
    pending: tuple[Alert, ...]
    ended: tuple[End, ...]
    answers: tuple[Alert, ...]
    faults: tuple[Fault, ...]


def state(alerts: Iterable[Alert], at: datetime, status: str = "Actual", lifetime: timedelta | None = None) -> State:
    """What holds at `at` (aware) among the messages of `status` that were sent by then.

    `lifetime` counts from effective, else from sent, for an info without expires; None: it holds until it is ended.
    An info holds from effective up to, not including, expires. Raises ValueError when `at` has no zone.
    """
    if at.utcoffset() is None:
        raise ValueError("the moment needs a time zone")
    known, faults = _known(alerts, at, status)
    enders = _enders(known, at, faults)
    in_force, pending, ended, answers = [], [], [], []
    for key, alert in sorted(known.items(), key=lambda item: _order(item[0])):
        if alert.msg_type in ANSWERS:
            answers.append(alert)
        elif alert.msg_type in ("Alert", "Update"):
            if by := enders.get(key):
                ended.append(End(alert, tuple(sorted(by, key=_order))))
            elif current(alert, at, lifetime) or not alert.infos:
                in_force.append(alert)
            elif any(_begins(alert, info) > at for info in alert.infos):
                pending.append(alert)
            else:
                ended.append(End(alert, ()))
        elif alert.msg_type != "Cancel":
            faults.add(Fault(_name(key), "消息类型不认识，未计入", "msgType", alert.msg_type))
    return State(tuple(in_force), tuple(pending), tuple(ended), tuple(answers), tuple(sorted(faults, key=_said)))


def current(alert: Alert, at: datetime, lifetime: timedelta | None = None) -> tuple[Info, ...]:
    """The infos of an alert that hold at `at`, whether or not another message ended it."""
    return tuple(info for info in alert.infos if _begins(alert, info) <= at and not _over(alert, info, at, lifetime))


def _has_begun(alert: Alert, at: datetime) -> bool:
    return alert.msg_type == "Cancel" or not alert.infos or any(_begins(alert, info) <= at for info in alert.infos)


def _begins(alert: Alert, info: Info) -> datetime:
    begins = info.effective or alert.sent
    assert begins is not None, "an alert without a time is not known"
    return begins


def _over(alert: Alert, info: Info, at: datetime, lifetime: timedelta | None) -> bool:
    if info.expires is not None:
        return info.expires <= at
    return lifetime is not None and at - _begins(alert, info) >= lifetime


def _known(alerts: Iterable[Alert], at: datetime, status: str) -> tuple[dict[Reference, Alert], set[Fault]]:
    """One alert for each key. Of different messages under one key the first in the order of their text counts."""
    known: dict[Reference, Alert] = {}
    faults: set[Fault] = set()
    for alert in alerts:
        if alert.status != status:
            continue
        if (key := alert.key) is None:
            faults.add(Fault(f"{alert.sender},{alert.identifier}", "没有可用的发出时间，未计入", "sent"))
        elif key.sent <= at:
            other = known.setdefault(key, alert)
            if other != alert:
                known[key] = min(other, alert, key=repr)
                faults.add(Fault(_name(key), "同一编号、发送者和时间有内容不同的消息", "alert", alert.identifier))
    return known, faults


def _enders(known: dict[Reference, Alert], at: datetime, faults: set[Fault]) -> dict[Reference, set[Reference]]:
    """For each message the messages that end it. Faults of references go into `faults`."""
    enders: dict[Reference, set[Reference]] = {}
    for key, alert in known.items():
        if not alert.references and alert.msg_type in (*ENDS, *ANSWERS):
            faults.add(Fault(_name(key), f"{alert.msg_type}消息没有引用任何消息", "references"))
        for named in alert.references:
            if what := _unfit(key, alert, named, known):
                faults.add(Fault(_name(key), what, "references", _name(named)))
            elif alert.msg_type in ENDS and _has_begun(alert, at):
                enders.setdefault(named, set()).add(key)
    return enders


def _unfit(key: Reference, alert: Alert, named: Reference, known: dict[Reference, Alert]) -> str:
    """Why a reference has no effect, in Chinese; "" when it has."""
    if named == key:
        return "消息引用了自己"
    if named not in known:
        return "引用的消息不在同一状态的已收消息之中"
    if alert.msg_type not in ENDS:
        return ""
    if named.sender != key.sender:
        return "引用了其他发送者的消息，不因此失效"
    if named.sent > key.sent:
        return "引用了在其后发出的消息，不因此失效"
    return "同时发出的消息互相引用，都不因此失效" if named.sent == key.sent and _leads_to(named, key, known) else ""


def _leads_to(start: Reference, goal: Reference, known: dict[Reference, Alert]) -> bool:
    """Whether one message of a moment names the other, directly or through others of that moment and sender."""
    seen, waiting = {start}, [start]
    while waiting:
        alert = known[waiting.pop()]
        for named in alert.references if alert.msg_type in ENDS else ():
            if named == goal:
                return True
            if named in known and named not in seen and (named.sent, named.sender) == (goal.sent, goal.sender):
                seen.add(named)
                waiting.append(named)
    return False


def _order(key: Reference) -> tuple[datetime, str, str]:
    return key.sent, key.sender, key.identifier


def _name(key: Reference) -> str:
    return f"{key.sender},{key.identifier},{key.sent.isoformat()}"


def _said(fault: Fault) -> tuple[str, str, str, str]:
    return fault.place, fault.what, fault.element, fault.text
