"""Verbs of sensing: issue and lift a warning, acknowledge an alarm."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from anlan.engines import capid, signals
from anlan.kernel import journal
from anlan.kernel.cases import Refused
from anlan.kernel.clock import now
from anlan.kernel.people import scope

from .models import Alarm, Warning


def do_issue(
    hazard: str,
    colour: str,
    *,
    issuer: str,
    text: str,
    area: str = scope.ROOT,
    at: datetime | None = None,
    source: str = "",
    reconstructed: bool = False,
) -> Warning:
    """Issue a signal; an active one of the same hazard and area is replaced by it, never edited."""
    moment = at or now()
    with transaction.atomic():
        before = Warning.objects.filter(hazard=hazard, area_id=area, state=Warning.State.ACTIVE).first()
        if before:
            _end(before, Warning.State.REPLACED, moment)
        warning = Warning(
            hazard=hazard, colour=colour, level=signals.LEVELS[colour], issuer=issuer, issued_at=moment, text=text,
            area_id=area, previous=before, source=source, reconstructed=reconstructed, identifier=_identifier(area, moment),
        )  # fmt: skip
        warning.full_clean(exclude=["world"])
        warning.save()
        action = _action(before, warning)
        note = "(重建)" if reconstructed else ""
        journal.write(
            "warning.issued", warning, text=f"{issuer}{action}{warning}{note}", level=warning.level, basis=source,
            before={"colour": before.colour} if before else None, after={"colour": colour}, area=area, wide=True,
        )  # fmt: skip
    return warning


def _action(before: Warning | None, warning: Warning) -> str:
    if before is None:
        return "发布"
    if before.level == warning.level:
        return "继续发布"
    return f"将{before.get_colour_display()}{'升级为' if warning.level < before.level else '降级为'}"


def do_lift(warning: Warning, *, at: datetime | None = None, source: str = "", reconstructed: bool = False) -> Warning:
    """Lift a signal. An expiry time alone never lifts one."""
    with transaction.atomic():
        _end(warning, Warning.State.LIFTED, at or now())
        note = "(重建)" if reconstructed else ""
        text = f"{warning.issuer}解除{warning}{note}"
        journal.write("warning.lifted", warning, text=text, level=warning.level, basis=source, wide=True)
    return warning


def _end(warning: Warning, state: str, at: datetime) -> None:
    warning.state, warning.ended_at = state, at
    warning.save()


def _identifier(area: str, at: datetime) -> str:
    """The 31 characters of GB/T 35965.1; agency 416 is the weather office."""
    for serial in range(10):
        code = capid.build(capid.Identifier(area=area[:6], agency="416", unit="000", reserve="00", at=at, serial=serial))
        if not Warning.objects.filter(identifier=code).exists():
            return code
    return ""


def check_acknowledge(alarm: Alarm) -> Alarm:
    """A person says: seen. It stays active until the value falls."""
    if alarm.acknowledged_at:
        raise Refused(f"该告警已由{alarm.acknowledged_by}确认")
    return do_acknowledge(alarm)


def do_acknowledge(alarm: Alarm) -> Alarm:
    alarm.acknowledged_at, alarm.acknowledged_by = now(), scope.current().name
    with transaction.atomic():
        alarm.save()
        journal.write("alarm.acknowledged", alarm, text=f"{alarm}:已确认")
    return alarm
