"""Warnings as messages of the Common Alerting Protocol: our own go out, others' come in.

What came is kept as it came. An alert of the real world, for an area of this city, whose hazard and colour can be read
becomes a signal as issued; an update replaces, a cancel lifts what it names. Anything else is kept and says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from anlan.engines import bulletins, cap, capid, signals
from anlan.engines.cap import areas, china, document, signatures
from anlan.kernel import journal
from anlan.kernel.clock import now
from anlan.kernel.people import scope
from anlan.kernel.people.models import Area

from . import acts
from .models import Message, Warning

LARGEST = document.LIMIT
TOO_LARGE = f"报文超过 {LARGEST >> 20} MB"
Fate = Message.Fate
ROOT_STEM = scope.prefix(scope.ROOT)
COLOUR = {severity: colour for colour, severity in signals.SEVERITY.items()}
SIGNED = {
    signatures.GOOD: "签名有效", signatures.BAD: "签名不符", signatures.UNKNOWN_KEY: "签名者不在信任名单",
    signatures.UNSUPPORTED: "签名无法核验", signatures.ABSENT: "",
}  # fmt: skip


class Unusable(Exception):
    """Why an alert becomes no signal."""


# ── out ─────────────────────────────────────────────────────────────────────────────────────────────────────


def alert_of(warning: Warning) -> cap.Alert:
    """The message that issued a signal. Raises ValueError for one whose identifier is not of the Chinese form.

    One that follows a message of another form, which cannot be named here, stands alone.
    """
    before = warning.previous.identifier if warning.previous else ""
    return _alert(warning, warning.identifier, *(("Update", [before]) if _ours(before) else ("Alert", [])))


def ending_of(warning: Warning) -> cap.Alert:
    """The message that lifted it. Raises ValueError as `alert_of` does, and for one that follows a message of another form."""
    return _alert(warning, warning.ending, "Cancel", [warning.identifier])


def _ours(identifier: str) -> bool:
    return capid.SHAPE.fullmatch(identifier) is not None


def _alert(warning: Warning, identifier: str, kind: str, named: list[str]) -> cap.Alert:
    key = capid.parse(identifier)
    references = tuple(cap.Reference(of.sender, text, of.at) for text, of in ((text, capid.parse(text)) for text in named))
    said = f"{warning.issuer}{'解除' if kind == 'Cancel' else '发布'}{warning}"
    at = warning.ended_at if kind == "Cancel" else warning.issued_at
    info = cap.Info(
        categories=("Met" if key.agency == capid.WEATHER else "Other",), event=warning.hazard, severity=signals.SEVERITY[warning.colour],
        response_types=("AllClear",) if kind == "Cancel" else (), sender_name=warning.issuer, headline=said,
        description=warning.text or said, effective=at.replace(microsecond=0) if at else None,
    )  # fmt: skip
    return china.compose(key, info, [(str(warning.area_id), str(warning.area))], references, kind)


def entries(warnings: Iterable[Warning]) -> Iterator[tuple[str, datetime, cap.Alert]]:
    """Identifier, time and message of these signals and of their ends, as far as they can be told so."""
    for warning in warnings:
        if _ours(warning.identifier):
            yield warning.identifier, warning.issued_at, alert_of(warning)
            if _ours(warning.ending) and warning.ended_at is not None:
                yield warning.ending, warning.ended_at, ending_of(warning)


def published(identifier: str) -> bytes | None:
    """The message of this name: as it came from elsewhere, or ours; None when there is none."""
    if (came := Message.objects.filter(identifier=identifier, fate=Fate.TAKEN).order_by("pk").first()) is not None:
        return _passed_on(came)
    rows = Warning.objects.select_related("previous", "area").filter(Q(identifier=identifier) | Q(ending=identifier))
    return next((cap.write(alert) for name, _, alert in entries(rows) if name == identifier), None)


def _passed_on(came: Message) -> bytes | None:
    """As it came where it came alone, its signature included; else taken out of what it came in, as far as CAP can hold it."""
    body = bytes(came.body)
    if body.lstrip()[:1] == b"<" and document.local(document.tree(body)) == "alert":
        return body
    try:
        return cap.write(next(alert for alert in read(body).alerts if alert.identifier == came.identifier))
    except ValueError:
        return None


# ── in ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Received:
    """What came of a body."""

    messages: tuple[Message, ...]

    @property
    def taken(self) -> int:
        return sum(m.fate == Fate.TAKEN for m in self.messages)


def read(body: bytes) -> cap.Read:
    """The alerts of a body, which is XML or one of the public feeds' JSON."""
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start == b"<" or not start:
        return cap.read(body)
    found = china.detail(body)
    return found if found.alerts else listed if (listed := china.listing(body)).alerts else found


def do_receive(body: bytes, source: str) -> Received:
    """Keep a body, and take what can be taken of it, all in one transaction. Never raises for what stands in it."""
    verdict = _verdict(body)
    found = read(verdict.signed or body)  # what was signed, and nothing beside it
    signed = f"{SIGNED[verdict.outcome]}{':' + verdict.signer if verdict.signer else ''}"[:120]
    with transaction.atomic():
        kept = []
        for number, alert in enumerate(found.alerts):
            row = _row(alert, body, source, () if number else found.faults, signed)  # the places of a shared body's faults say which
            _settle(row, alert, verdict.outcome)
            kept.append(row)
        if not kept:
            why = found.faults[0].what if found.faults else "其中没有预警"
            kept.append(_row(cap.Alert(), body, source, found.faults, signed, fate=Fate.FAULTY, why=why[:200]))
        for row in kept:
            row.save()
            said = {Fate.TAKEN: "采用", Fate.KEPT: "留存", Fate.FAULTY: "不能采用"}[Fate(row.fate)]
            journal.write(f"message.{row.fate}", row, text=f"收到{source}的预警报文 {row.headline or row},{said}{':' + row.why if row.why else ''}")
    return Received(tuple(kept))


def _verdict(body: bytes) -> signatures.Verdict:
    if body.lstrip()[:1] != b"<":
        return signatures.Verdict(signatures.ABSENT)
    try:
        return signatures.verify(body, trusted(), now())
    except ValueError:  # a certificate that is none
        return signatures.Verdict(signatures.UNSUPPORTED, signer="信任的证书无法读取")


def _row(alert: cap.Alert, body: bytes, source: str, faults: Iterable[cap.Fault], signed: str, **more: str) -> Message:
    info = alert.infos[0] if alert.infos else cap.Info()
    return Message(
        at=now(), source=source[:120], identifier=alert.identifier[:200], sender=alert.sender[:200], sent=alert.sent, kind=alert.msg_type[:12],
        status=alert.status[:12], headline=(_chinese(alert).headline or info.event)[:200], signature=signed, body=body, area_id=scope.ROOT,
        faults=[{"place": f.place, "what": f.what, "text": f.text[:200]} for f in faults][:100], **more,
    )  # fmt: skip


def _settle(row: Message, alert: cap.Alert, signed: str) -> None:
    try:
        if signed == signatures.BAD:
            raise Unusable("签名不符")
        if alert.status != "Actual":
            raise Unusable(f"性质为 {alert.status or '空'},不是实况")
        if Message.objects.filter(identifier=row.identifier, sender=row.sender, sent=row.sent, fate=Fate.TAKEN).exists():
            raise Unusable("此前已收到")
        if alert.msg_type == "Cancel":
            row.warning = _lift(alert, row.source)
        elif alert.msg_type in ("Alert", "Update"):
            row.warning = _issue(alert, row.source)
        else:
            raise Unusable(f"{alert.msg_type or '空'} 类报文不改变预警")
    except Unusable as no:
        row.fate, row.why = Fate.KEPT, str(no)[:200]
    except ValidationError as no:
        row.fate, row.why = Fate.FAULTY, ";".join(no.messages)[:200]
    else:
        row.fate = Fate.TAKEN
        row.area_id = row.warning.area_id


def _issue(alert: cap.Alert, source: str) -> Warning:
    info = _chinese(alert)
    if not alert.identifier or alert.sent is None:
        raise Unusable("没有编号或发布时间")
    hazard, colour = _kind(info)
    area, at = _area(alert), info.effective or alert.sent
    if at > now():
        raise Unusable("生效时间晚于当前时间")
    standing = Warning.objects.filter(hazard=hazard, area_id=area, state=Warning.State.ACTIVE).first()
    if standing and standing.issued_at > at:
        raise Unusable(f"已有更新的{standing}")
    text = info.description or info.headline
    issuer = (info.sender_name or alert.sender)[:40]
    return acts.do_issue(hazard, colour, issuer=issuer, text=text, area=area, at=at, source=source, identifier=alert.identifier[:200])


def _lift(alert: cap.Alert, source: str) -> Warning:
    named = [reference.identifier for reference in alert.references]
    standing = Warning.objects.filter(identifier__in=named, state=Warning.State.ACTIVE).first() if named else None
    if standing is None:
        raise Unusable("所引用的预警不在生效中" if named else "没有写明解除哪一条预警")
    return acts.do_lift(standing, at=min(alert.sent or now(), now()), source=source, identifier=alert.identifier[:200])


def _chinese(alert: cap.Alert) -> cap.Info:
    chosen = next((info for info in alert.infos if info.language.lower().startswith("zh")), None)
    return chosen or (alert.infos[0] if alert.infos else cap.Info())


def _kind(info: cap.Info) -> tuple[str, str]:
    """Hazard and colour: by the fixed wording of the headline or the text, else by event and severity."""
    for text in (info.headline, info.description):
        try:
            told = bulletins.read(text, now().year)
        except ValueError:
            continue
        return told.hazard[:12], told.colour
    colour = COLOUR.get(info.severity)
    if not info.event or colour is None:
        raise Unusable("读不出灾种或级别")
    if len(info.event) > 12:
        raise Unusable(f"灾种“{info.event[:30]}”过长,请人工录入")
    return info.event, colour


def _area(alert: cap.Alert) -> str:
    """The smallest area of this city that holds all that is meant here."""
    mine = [stem for stem in (areas.stem(code) for code in areas.codes(alert)) if stem.startswith(ROOT_STEM) or ROOT_STEM.startswith(stem)]
    if not mine:
        raise Unusable("没有本市的区划代码")
    inside = [stem for stem in mine if stem.startswith(ROOT_STEM)] or [ROOT_STEM]
    common = inside[0]
    while not all(stem.startswith(common) for stem in inside):
        common = common[:-1]
    for digits in (9, 6, 4):
        code = common[:digits].ljust(12, "0")
        if len(common) >= digits and Area.objects.filter(pk=code).exists():
            return code
    return scope.ROOT


def trusted() -> list[bytes]:
    """The certificates, PEM, that a signature is checked against: those in ``cap/trusted`` of the data folder."""
    folder = Path(settings.HOME) / "cap" / "trusted"
    return [path.read_bytes() for path in sorted(folder.glob("*.pem"))] if folder.is_dir() else []

