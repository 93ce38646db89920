"""Thresholds over rolling windows. The present level of each sensor is judged anew at each batch from stored readings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.db.models import Max, Q, QuerySet, Sum
from django.utils import timezone

from anlan.kernel import journal
from anlan.kernel.people import scope

from .models import Alarm, Reading, Rule, Sensor


def judge(sensors: Mapping[int, Sensor], at: datetime | None) -> int:
    """Raise, raise higher and clear the alarms of these sensors as of now; the number raised.

    ``at`` is the newest time of the batch. A batch that comes late is judged at the newest time that is known.
    """
    if at is None:
        return 0
    newer = Reading.objects.filter(world=scope.current().world, sensor_id__in=sensors, at__gt=at)
    at = newer.aggregate(at=Max("at"))["at"] or at
    rules = list(rules_at(at).filter(Q(sensor=None) | Q(sensor__in=sensors)))
    active = {(a.sensor_id, a.rule_id): a for a in Alarm.objects.filter(active=True, sensor_id__in=sensors)}
    raised: list[Alarm] = []
    higher: list[Alarm] = []
    for (quantity, hours), same in _by_window(rules).items():
        mine = {pk: s for pk, s in sensors.items() if s.quantity == quantity}
        for pk, value in values(mine, quantity, hours, at).items():
            for rule in (*same.get(None, ()), *same.get(pk, ())):
                if rule.covers(mine[pk]):
                    _settle(mine[pk], rule, value, at, active.get((pk, rule.pk)), raised, higher)
    Alarm.objects.bulk_update(higher, ["peak"], batch_size=200)
    _end_without(rules, active.values(), at)
    _tell(raised)
    return len(raised)


def rules_at(at: datetime) -> QuerySet[Rule]:
    """The rules in force on a day."""
    day = timezone.localdate(at)
    return Rule.objects.filter(Q(until=None) | Q(until__gte=day), since__lte=day).order_by("level", "pk")


def _end_without(rules: list[Rule], alarms: Iterable[Alarm], at: datetime) -> None:
    """An alarm does not outlive its rule: a limit of the early season says nothing in the late one."""
    known = {rule.pk for rule in rules}
    for alarm in alarms:
        if alarm.active and alarm.rule_id not in known:
            _clear(alarm, at, f"{alarm}:判定规则已停用,告警解除")


def _clear(alarm: Alarm, at: datetime, text: str) -> None:
    alarm.active, alarm.cleared_at = False, at
    alarm.save()
    journal.write("alarm.cleared", alarm, text=text)


def _by_window(rules: list[Rule]) -> dict[tuple[str, int], dict[int | None, list[Rule]]]:
    """By quantity and hours, then by the one gauge that a rule is for; None for a rule of all."""
    found: dict[tuple[str, int], dict[int | None, list[Rule]]] = {}
    for rule in rules:
        found.setdefault((rule.quantity, rule.hours), {}).setdefault(rule.sensor_id, []).append(rule)
    return found


def values(sensors: Mapping[int, Sensor], quantity: str, hours: int, at: datetime) -> dict[int, float]:
    """The amount of each sensor within (at - hours, at]: a sum for rain, else the last value (hours = 0) or maximum."""
    start = at - (timedelta(hours=hours) if hours else timedelta(minutes=30))
    rows = Reading.objects.filter(world=scope.current().world, at__gt=start, at__lte=at, sensor_id__in=sensors)
    amount = Sum("value") if quantity == Sensor.Quantity.RAIN else Max("value")
    return dict(rows.values_list("sensor_id").annotate(amount=amount))


def _settle(
    sensor: Sensor, rule: Rule, value: float, at: datetime, alarm: Alarm | None, raised: list[Alarm], higher: list[Alarm]
) -> None:
    if alarm is None and value >= rule.amount:
        raised.append(_raise(sensor, rule, value, at))
    elif alarm is not None and value < rule.clear:
        _clear(alarm, at, f"{alarm}:回落至 {sensor.said(value)},告警解除")
    elif alarm is not None and value > alarm.peak:
        alarm.peak = value
        higher.append(alarm)


def _raise(sensor: Sensor, rule: Rule, value: float, at: datetime) -> Alarm:
    alarm = Alarm(
        sensor=sensor, rule=rule, level=rule.level, area_id=sensor.area_id, at=at, value=value, peak=value, active=True
    )
    alarm.save()
    return alarm


def _tell(raised: list[Alarm]) -> None:
    for alarm in raised:
        text = f"{alarm.sensor.station}{alarm.rule},实测 {alarm.sensor.said(alarm.value)}"
        after = {"value": alarm.value, "rule": alarm.rule_id, "version": alarm.rule.version}
        journal.write("alarm.raised", alarm, text=text, level=alarm.level, basis=alarm.rule.source, after=after)
