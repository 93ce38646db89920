"""The two clocks of an alarm. Nobody says that he has seen it: the duty is called. It is seen and not ended: the lead is told.

Both times are the rule's own (``page_s``, ``handle_s``); a rule that names none has no such clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import QuerySet

from anlan.kernel import journal
from anlan.kernel.clock import due, now
from anlan.kernel.clock.models import Due
from anlan.kernel.notice import acts as notice
from anlan.kernel.notice.models import Notice

from .models import Alarm, Burst

CALLED, TOLD = ("district_duty",), ("duty_lead",)


def arm(alarms: Iterable[Alarm]) -> None:
    """The first clock of alarms just told."""
    rows: list[tuple[datetime, str | None, dict]] = [
        (now() + timedelta(seconds=a.rule.page_s), _key("page", a), {"alarm": a.pk}) for a in alarms if a.rule.page_s is not None
    ]
    if rows:
        due.put_many("alarm.page", rows)


def seen(alarm: Alarm) -> None:
    """Somebody has seen it: nobody is called any more, and the second clock begins."""
    quiet([alarm], "告警已确认")
    if alarm.active and alarm.rule.handle_s is not None:
        due.put("alarm.handle", now() + timedelta(seconds=alarm.rule.handle_s), key=_key("handle", alarm), alarm=alarm.pk)


def quiet(alarms: Iterable[Alarm], why: str) -> None:
    """No call is made for these any more, and one that was made ends when it holds for no other alarm."""
    rows = [alarm for alarm in alarms if alarm.rule.page_s is not None]
    if not rows:
        return
    due.drop(*(_key("page", alarm) for alarm in rows))
    for about in {(type(about), about.pk): about for about in map(_about, (a for a in rows if a.paged_at))}.values():
        if not _unseen(about).exists():
            notice.do_close_about(about, why)


def shelved(alarm: Alarm) -> None:
    """Out of sight it calls nobody; when it comes back unseen it does."""
    quiet([alarm], "告警已搁置")
    if alarm.rule.page_s is not None and alarm.shelved_until and not alarm.acknowledged_at:
        due.put("alarm.page", alarm.shelved_until, key=f"{_key('page', alarm)}:{alarm.shelved_until:%y%m%d%H%M%S}", alarm=alarm.pk)


def _key(clock: str, alarm: Alarm) -> str:
    return f"alarm.{clock}:{alarm.pk}"


def _about(alarm: Alarm) -> Alarm | Burst:
    """What is called about: the burst, so that a flood of alarms rings once."""
    return alarm.burst or alarm


def _unseen(about: Alarm | Burst) -> QuerySet[Alarm]:
    """The alarms called about that nobody has seen and that still stand."""
    mine = {"burst": about} if isinstance(about, Burst) else {"pk": about.pk}
    return Alarm.objects.filter(**mine, active=True, acknowledged_at=None, held=False).exclude(paged_at=None).exclude(shelved_until__gt=now())


@due.handles("alarm.page")
def page(row: Due) -> None:
    """Call whoever is on duty where it is, unless it was seen or ended meanwhile, or the same burst is being called about."""
    alarm = Alarm.objects.select_related("sensor__station", "rule", "burst__area", "area").filter(pk=row.body["alarm"]).first()
    if alarm is None or alarm.stage != Alarm.Stage.NEW:
        return
    Alarm.objects.filter(pk=alarm.pk).update(paged_at=now())
    about = _about(alarm)
    if Notice.objects.filter(about_type=about._meta.label_lower, about_id=str(about.pk), closed_at=None).exists():
        return
    others = Alarm.objects.filter(burst=alarm.burst, active=True, acknowledged_at=None).count() - 1 if alarm.burst else 0
    more = f"同一过程另有 {others} 条告警未确认。" if others > 0 else ""
    where = f"{alarm.area}{alarm.place}" if alarm.sensor else alarm.place
    text = f"{where}:{alarm.rule}{alarm.measured},{_span(alarm.rule.page_s)}内无人确认。{more}请立即查看并在告警台确认。"
    notice.do_call(title=f"告警未确认:{alarm}"[:80], text=text, level=alarm.level, roles=CALLED, areas=[alarm.area_id],
                   tiers=("district", "city"), about=about)  # fmt: skip


@due.handles("alarm.handle")
def overdue(row: Due) -> None:
    """It was seen, and neither ended nor was anything done that somebody wrote down."""
    alarm = Alarm.objects.select_related("sensor__station", "rule", "area").filter(pk=row.body["alarm"]).first()
    if alarm is None or not alarm.active or alarm.held or alarm.handled:
        return
    Alarm.objects.filter(pk=alarm.pk).update(overdue=True)
    text = f"{alarm}:{alarm.acknowledged_by}确认后 {_span(alarm.rule.handle_s)}仍未恢复,也未登记处置"
    journal.write("alarm.overdue", alarm, text=text, level=alarm.level, basis=alarm.rule.source)
    notice.do_call(title=f"告警未处置:{alarm}"[:80], text=text, kind="inform", level=None, roles=TOLD, areas=[alarm.area_id], tiers=("city",))


def _span(seconds: int | None) -> str:
    seconds = seconds or 0
    return f"{seconds // 60} 分钟" if seconds >= 60 and seconds % 60 == 0 else f"{seconds} 秒"
