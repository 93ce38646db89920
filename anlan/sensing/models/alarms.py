"""Alarms, with the life of IEC 62682."""

from __future__ import annotations

from django.db import models

from anlan.kernel.people.scope import Scoped

from .rules import LEVELS, Rule
from .stations import Sensor


class Alarm(Scoped):
    """A rule that a sensor has reached. Active and acknowledged are two things (IEC 62682)."""

    sensor = models.ForeignKey(Sensor, models.PROTECT, verbose_name="测点", related_name="alarms")
    rule = models.ForeignKey(Rule, models.PROTECT, verbose_name="规则", related_name="+")
    level = models.PositiveSmallIntegerField("级别", choices=LEVELS)
    at = models.DateTimeField("发生时间")
    value = models.FloatField("触发值")
    peak = models.FloatField("最大值")
    active = models.BooleanField("未解除", default=True)
    cleared_at = models.DateTimeField("解除时间", null=True, blank=True)
    acknowledged_at = models.DateTimeField("确认时间", null=True, blank=True)
    acknowledged_by = models.CharField("确认人", max_length=40, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "监测告警"
        constraints = [
            models.UniqueConstraint("world", "sensor", "rule", "at", name="alarm_once"),
            models.UniqueConstraint("world", "sensor", "rule", condition=models.Q(active=True), name="alarm_one_active"),
        ]

    def __str__(self) -> str:
        return f"{self.sensor.station} {self.rule}"

    @property
    def measured(self) -> str:
        """What was measured, in words; nothing for what is no measure."""
        if self.rule.kind not in (Rule.Kind.HIGH, Rule.Kind.LOW, Rule.Kind.RATE):
            return ""
        return f",实测 {self.sensor.said(self.value)}"
