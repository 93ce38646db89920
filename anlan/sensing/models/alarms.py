"""Alarms, with the life of IEC 62682."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models

from anlan.engines.papers import words
from anlan.kernel.clock import now
from anlan.kernel.columns.column import Named
from anlan.kernel.people import scope
from anlan.kernel.people.scope import Scoped

from .rules import LEVELS, Rule
from .stations import Sensor

NAMED = 20
"""Places that are named; of more the number is."""


def _places(sensors: Iterable[Sensor]) -> Named:
    """The stations by name, each with the first of its sensors."""
    found: dict[str, Sensor] = {}
    for sensor in sensors:
        found.setdefault(sensor.station.name, sensor)
    return Named.listed(list(found.items())[:NAMED], f"等 {len(found)} 处" if len(found) > NAMED else "")


class Burst(Scoped):
    """Alarms of one hazard in one district that came one upon another: read as one, each kept (IEC 62682, alarm flood)."""

    hazard = models.CharField("灾种", max_length=12)
    began_at = models.DateTimeField("开始")
    last_at = models.DateTimeField("最近一条")
    count = models.PositiveIntegerField("告警数", default=0)

    class Meta:
        verbose_name = verbose_name_plural = "告警群"
        indexes = [models.Index("world", "hazard", "area", "last_at", name="burst_newest")]

    def __str__(self) -> str:
        return f"{self.area}{self.hazard}告警 {self.count} 条"


class Alarm(Scoped):
    """A rule that a sensor has reached. Active and acknowledged are two things (IEC 62682); it rests when it is neither
    active nor unacknowledged, nor latched. Shelved, it is out of sight until an hour that is said; held, it counts nowhere
    because its sensor is out of service or a wider alarm tells it already; doubtful, it stands because too many sensors of
    its area are not heard of any more: it ends by what they read when they are, or when somebody who has seen it resets it."""

    class Stage(models.TextChoices):
        NEW = "new", "未确认"
        SEEN = "seen", "已确认"
        BACK = "back", "已恢复未确认"
        LATCHED = "latched", "待复位"
        SHELVED = "shelved", "已搁置"
        HELD = "held", "不告警"
        RESTS = "rests", "已结束"

    sensor = models.ForeignKey(Sensor, models.PROTECT, null=True, blank=True, verbose_name="测点", related_name="alarms")
    """None where a rule counts the sensors of an area."""
    rule = models.ForeignKey(Rule, models.PROTECT, verbose_name="规则", related_name="+")
    level = models.PositiveSmallIntegerField("级别", choices=LEVELS)
    at = models.DateTimeField("发生时间")
    value = models.FloatField("触发值")
    peak = models.FloatField("最大值")
    active = models.BooleanField("未解除", default=True)
    cleared_at = models.DateTimeField("解除时间", null=True, blank=True)
    acknowledged_at = models.DateTimeField("确认时间", null=True, blank=True)
    acknowledged_by = models.CharField("确认人", max_length=40, blank=True)
    held = models.BooleanField("不告警", default=False)
    held_why = models.CharField("不告警原因", max_length=60, blank=True)
    latched = models.BooleanField("须复位", default=False)
    doubtful = models.BooleanField("存疑", default=False)
    stale: Any = models.JSONField("过时测点", default=list, editable=False)
    """Of an area: the sensors that stood at its level when they were last heard of, and are not counted."""
    shelved_until = models.DateTimeField("搁置至", null=True, blank=True)
    shelved_by = models.CharField("搁置人", max_length=40, blank=True)
    shelved_why = models.CharField("搁置原因", max_length=120, blank=True)
    paged_at = models.DateTimeField("呼叫时间", null=True, blank=True)
    overdue = models.BooleanField("处置超时", default=False)
    handled = models.CharField("处置", max_length=200, blank=True)
    burst = models.ForeignKey(Burst, models.SET_NULL, null=True, blank=True, verbose_name="告警群", related_name="alarms")

    class Meta:
        verbose_name = verbose_name_plural = "监测告警"
        constraints = [
            models.UniqueConstraint("world", "sensor", "rule", "at", name="alarm_once"),
            models.UniqueConstraint("world", "sensor", "rule", condition=models.Q(active=True), name="alarm_one_active"),
            models.UniqueConstraint("world", "rule", "at", condition=models.Q(sensor=None), name="alarm_of_area_once"),
            models.UniqueConstraint("world", "rule", condition=models.Q(active=True, sensor=None), name="alarm_of_area_one_active"),
        ]

    def __str__(self) -> str:
        return f"{self.place} {self.rule}"

    @property
    def place(self) -> str:
        """The station, or the area whose sensors are counted."""
        return str(self.sensor.station if self.sensor else self.area)

    def said(self, value: float) -> str:
        """A value of this alarm with its unit: what is measured, how long nothing came, or how many."""
        if self.sensor is None:
            return f"{value:g} 个测点"
        if self.rule.kind == Rule.Kind.OFFLINE:
            return words.span(value)
        return f"{value:g} 条" if self.rule.kind == Rule.Kind.QUALITY else self.sensor.said(value)

    @property
    def first(self) -> str:
        """By what it was raised."""
        return self.said(self.value)

    @property
    def most(self) -> str:
        """How far it went; nothing for what only stands or does not."""
        return self.said(self.peak) if self.rule.kind in (*Rule.LADDER, Rule.Kind.COUNT) else ""

    @property
    def members(self) -> models.QuerySet[Alarm]:
        """The alarms of those that its rule counts, that stood while it did."""
        rule, ended = self.rule, models.Q(at__lte=self.cleared_at) if self.cleared_at else models.Q()
        alike = {"rule__kind__in": Rule.LADDER, "rule__quantity": rule.quantity, "rule__hazard": rule.hazard, "rule__level__lte": rule.reach or 0}
        window = {"rule__hours": rule.window} if rule.window else {}
        stood = models.Q(active=True) | models.Q(cleared_at__gt=self.at)
        return Alarm.objects.filter(ended & stood, scope.within("area_id", scope.prefix(str(rule.area_id))), **alike, **window)

    @property
    def counted(self) -> Named:
        """Where those stand or stood that its rule counts; empty where it counts nothing."""
        if self.sensor_id:
            return Named()
        apart = models.Q(sensor__in=self.stale) | models.Q(sensor__rests_until__gt=now()) if self.active else models.Q(pk__in=())
        mine = self.members.exclude(apart).values("sensor")
        return _places(Sensor.everywhere.filter(pk__in=mine).select_related("station").order_by("pk"))

    @property
    def uncounted(self) -> Named:
        """Of one that stands for an area: who is at its level and not counted, because it was not heard of lately or is out of service."""
        if self.sensor_id or not self.active:
            return Named()
        rows = Sensor.objects.select_related("station").order_by("pk")
        rest = self.members.filter(sensor__rests_until__gt=now()).exclude(sensor__in=self.stale)
        found = {"读数过时": rows.filter(pk__in=self.stale), "停用": rows.filter(pk__in=rest.values("sensor"))}
        told = [part for why, those in found.items() if those for part in (";", f"{why} {len(those)} 个:", _places(those))]
        return Named(*told[1:])

    @property
    def stage(self) -> str:
        """Where it stands in its life."""
        if self.held and self.active:
            return self.Stage.HELD
        if self.active and self.shelved_until and self.shelved_until > now():
            return self.Stage.SHELVED
        if self.active and self.doubtful and self.acknowledged_at:
            return self.Stage.LATCHED
        if self.active:
            return self.Stage.SEEN if self.acknowledged_at else self.Stage.NEW
        if not self.acknowledged_at and not self.held:
            return self.Stage.BACK
        return self.Stage.LATCHED if self.latched else self.Stage.RESTS

    @property
    def stage_label(self) -> str:
        stale = f"({len(self.stale)} 个测点读数过时{',有效的不足' if self.doubtful else ''})" if self.stale and self.active else ""
        return f"{self.Stage(self.stage).label}{stale}"

    @property
    def measured(self) -> str:
        """What was measured, in words; nothing for what is no measure."""
        if self.rule.kind == Rule.Kind.COUNT:
            stale = f",另有 {len(self.stale)} 个读数过时未计" if self.stale else ""
            return f",现有 {self.said(self.value)}{stale},共 {self.rule.concerned(Sensor.everywhere.all()).count()} 个"
        if self.rule.kind not in (Rule.Kind.HIGH, Rule.Kind.LOW, Rule.Kind.RATE):
            return ""
        return f",实测 {self.said(self.value)}"
