"""Verbs of sensing: warnings are issued and lifted, alarms live their life, sensors rest."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from anlan.engines import capid, signals
from anlan.kernel import journal
from anlan.kernel.cases import Refused
from anlan.kernel.clock import now
from anlan.kernel.people import scope

from . import paging, settle
from .models import Alarm, Sensor, Warning


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
    identifier: str = "",
) -> Warning:
    """Issue a signal; an active one of the same hazard and area is replaced by it, never edited.

    It is given an identifier unless it came with one.
    """
    moment = at or now()
    with transaction.atomic():
        before = Warning.objects.filter(hazard=hazard, area_id=area, state=Warning.State.ACTIVE).first()
        if before:
            _end(before, Warning.State.REPLACED, moment)
        warning = Warning(
            hazard=hazard, colour=colour, level=signals.LEVELS[colour], issuer=issuer, issued_at=moment, text=text,
            area_id=area, previous=before, source=source, reconstructed=reconstructed, identifier=identifier or _identifier(area, moment),
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


def do_lift(
    warning: Warning, *, at: datetime | None = None, source: str = "", reconstructed: bool = False, identifier: str = ""
) -> Warning:
    """Lift a signal. An expiry time alone never lifts one. The lifting has an identifier of its own."""
    with transaction.atomic():
        warning.ending = identifier or _identifier(str(warning.area_id), at or now())
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
        if not Warning.objects.filter(Q(identifier=code) | Q(ending=code)).exists():
            return code
    return ""


# ── the life of an alarm (IEC 62682) ────────────────────────────────────────────────────────────────────────


LONGEST_SHELF = timedelta(hours=24)
"""Nobody puts an alarm out of sight for longer than the next watch can be told."""


def check_acknowledge(alarm: Alarm) -> Alarm:
    """A person says: seen. It stays active until the value falls."""
    if alarm.acknowledged_at:
        raise Refused(f"该告警已由{alarm.acknowledged_by}确认")
    return do_acknowledge(alarm)


def do_acknowledge(alarm: Alarm) -> Alarm:
    alarm.acknowledged_at, alarm.acknowledged_by = now(), scope.current().name[:40]
    with transaction.atomic():
        paging.seen(_told(alarm, "alarm.acknowledged", "已确认", "acknowledged_at", "acknowledged_by"))
    return alarm


def do_shelve(alarm: Alarm, until: datetime, why: str) -> Alarm:
    """Out of sight until an hour, with a reason; it comes back by itself."""
    if not alarm.active:
        raise Refused("告警已恢复,不需要搁置")
    if not now() < until <= now() + LONGEST_SHELF:
        raise Refused(f"搁置须有结束时间,最长 {LONGEST_SHELF // timedelta(hours=1)} 小时", field="until")
    if not why.strip():
        raise Refused("搁置须写明原因", field="why")
    alarm.shelved_until, alarm.shelved_by, alarm.shelved_why = until, scope.current().name[:40], why.strip()[:120]
    said = f"搁置至{timezone.localtime(until):%m-%d %H:%M},原因:{alarm.shelved_why}"
    with transaction.atomic():
        paging.shelved(_told(alarm, "alarm.shelved", said, "shelved_until", "shelved_by", "shelved_why"))
    return alarm


def do_unshelve(alarm: Alarm) -> Alarm:
    if not alarm.shelved_until or alarm.shelved_until <= now():
        raise Refused("该告警没有搁置")
    alarm.shelved_until = now()
    return _told(alarm, "alarm.unshelved", "取消搁置", "shelved_until")


def do_reset(alarm: Alarm) -> Alarm:
    """A latched alarm ends when somebody has looked, and its value is back; one that is in doubt, when somebody has looked."""
    if not alarm.latched and not alarm.doubtful:
        raise Refused("该告警不须复位")
    if (alarm.active and not alarm.doubtful) or not alarm.acknowledged_at:
        raise Refused("恢复正常并确认以后才能复位")
    alarm.latched = False
    if not alarm.active:
        return _told(alarm, "alarm.reset", "已复位", "latched")
    said = f"已复位({len(alarm.stale)} 个测点读数过时,由{scope.current().name}判断已恢复)"
    ended = {"active": False, "cleared_at": now(), "doubtful": False, "latched": False, "stale": []}
    with transaction.atomic():
        if not Alarm.objects.filter(pk=alarm.pk, active=True, doubtful=True).update(**ended):
            raise Refused("测点已恢复来数,请按现有读数处置")
        alarm.refresh_from_db(fields=[*ended])
        journal.write("alarm.reset", alarm, text=f"{alarm}:{said}", level=alarm.level)
    return alarm


def do_handle(alarm: Alarm, said: str) -> Alarm:
    """What was done about it."""
    if not said.strip():
        raise Refused("请写明处置情况", field="handled")
    alarm.handled = said.strip()[:200]
    return _told(alarm, "alarm.handled", f"处置:{alarm.handled}", "handled")


def _told(alarm: Alarm, verb: str, said: str, *fields: str) -> Alarm:
    with transaction.atomic():
        alarm.save(update_fields=fields)
        journal.write(verb, alarm, text=f"{alarm}:{said}", level=alarm.level)
    return alarm


def do_rest(sensor: Sensor, until: datetime | None, why: str) -> Sensor:
    """Put a sensor out of service until an hour, or back into it with None. Its alarms are kept and held meanwhile."""
    if until is not None and (until <= now() or not why.strip()):
        raise Refused("停用须有晚于现在的结束时间并写明原因", field="until")
    with transaction.atomic():
        sensor.rests_until, sensor.rests_why = until, why.strip()[:60]
        Sensor.everywhere.filter(pk=sensor.pk).update(rests_until=sensor.rests_until, rests_why=sensor.rests_why)
        said = f"停用至{timezone.localtime(until):%Y-%m-%d %H:%M},{sensor.rests_why}" if until else "恢复使用"
        journal.write("sensor.rests" if until else "sensor.back", sensor, text=f"{sensor}:{said}")
        if until is None:
            settle.release()
    return sensor
