"""Stations and their sensors, rules as versioned rows, readings, alarms and warnings."""

from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from anlan.kernel.clock import now
from anlan.kernel.people import scope
from anlan.kernel.people.scope import Placed, Scoped, ScopedManager

LEVELS = [(1, "Ⅰ级(红)"), (2, "Ⅱ级(橙)"), (3, "Ⅲ级(黄)"), (4, "Ⅳ级(蓝)")]


class Station(Placed):
    """A place where something is measured."""

    class Kind(models.TextChoices):
        RAIN = "rain", "雨量站"
        WIND = "wind", "风力站"
        RIVER = "river", "河道水位站"
        RESERVOIR = "reservoir", "水库水位站"

    code = models.CharField("站码", max_length=20, unique=True)
    name = models.CharField("站名", max_length=40)
    kind = models.CharField("类别", max_length=12, choices=Kind)
    lon = models.FloatField("经度")
    lat = models.FloatField("纬度")
    synthetic = models.BooleanField("合成", default=False)
    note = models.CharField("备注", max_length=80, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "监测站"

    def __str__(self) -> str:
        return self.name

    @property
    def limits(self) -> str:
        """What its stage is judged by; empty where no stage is measured."""
        return ";".join(filter(None, (sensor.limits_at(self.kind) for sensor in self.sensors.all())))


class Sensor(Placed):
    """One measured quantity of a station."""

    class Quantity(models.TextChoices):
        RAIN = "rain", "降水量"
        GUST = "gust", "阵风风速"
        STAGE = "stage", "水位"

    station = models.ForeignKey(Station, models.PROTECT, verbose_name="监测站", related_name="sensors")
    code = models.CharField("测点码", max_length=24, unique=True)
    quantity = models.CharField("要素", max_length=8, choices=Quantity)
    unit = models.CharField("单位", max_length=8)
    low = models.FloatField("量程下限")
    high = models.FloatField("量程上限")

    class Meta:
        verbose_name = verbose_name_plural = "测点"

    def __str__(self) -> str:
        return f"{self.station}{self.get_quantity_display()}"

    def said(self, value: float) -> str:
        """A value as it is read: a stage to the centimetre, anything else to a tenth."""
        return f"{value:.{2 if self.quantity == self.Quantity.STAGE else 1}f}{self.unit}"

    @property
    def limits(self) -> str:
        return self.limits_at(self.station.kind)

    def limits_at(self, kind: str) -> str:
        """Each limit that a stage at this kind of station has by its nature, 未配置 where nobody has entered it."""
        if self.quantity != self.Quantity.STAGE:
            return ""
        today = timezone.localdate(now())
        held = {r.mark: f"{self.said(r.amount)}{r.doubt}" for r in self.rules.all() if r.holds(today)}
        marks = dict.fromkeys((*Rule.MARKS_OF.get(kind, ()), *held))
        return "、".join(f"{Rule.Mark(m).label} {held.get(m, '未配置')}" for m in marks)


class Rule(Placed):
    """A threshold: an amount within a window. A new version is a new row; an alarm keeps the row it fired under.

    It holds for every sensor of its quantity in its area, or for one sensor: a limit of that gauge.
    """

    scope_wide = "wide"

    class Mark(models.TextChoices):
        WARNING = "warning", "警戒水位"
        GUARANTEED = "guaranteed", "保证水位"
        SEASON = "season", "汛限水位"

    MARKS_OF: Mapping[str, tuple[str, ...]] = {
        Station.Kind.RIVER: (Mark.WARNING, Mark.GUARANTEED),
        Station.Kind.RESERVOIR: (Mark.SEASON,),
    }
    FALL = 0.1
    """Metres below a stage limit at which its alarm ends when the row does not say it."""
    FIXED = ("hazard", "quantity", "hours", "sensor_id", "mark", "amount", "clear", "level", "since")
    """What an alarm was judged by; changed by a new version only."""

    hazard = models.CharField("灾种", max_length=12)
    quantity = models.CharField("要素", max_length=8, choices=Sensor.Quantity)
    hours = models.PositiveSmallIntegerField("窗口(小时)", help_text="0 表示瞬时值")
    area = models.ForeignKey("people.Area", models.PROTECT, default=scope.ROOT, verbose_name="适用区域", related_name="+")
    wide = models.BooleanField(default=True, editable=False)
    sensor = models.ForeignKey(
        Sensor, models.PROTECT, null=True, blank=True, verbose_name="测点", related_name="rules",
        limit_choices_to={"quantity": Sensor.Quantity.STAGE}, error_messages={"invalid": "只有水位测点才有水位限值"}, help_text="水位限值必填,须为水位测点",
    )  # fmt: skip
    mark = models.CharField("限值", max_length=10, choices=Mark)
    amount = models.FloatField("阈值", help_text="单位与测点一致,水位为米")
    clear = models.FloatField("解除值", blank=True, help_text="低于此值才解除,避免反复;水位限值不填则为低于限值0.1米")
    level = models.PositiveSmallIntegerField("级别", choices=LEVELS)
    source = models.CharField("依据", max_length=120)
    confidence = models.CharField("可信度", max_length=10)
    version = models.CharField("版本", max_length=20)
    since = models.DateField("自")
    until = models.DateField("至", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "阈值规则"
        base_manager_name = "everywhere"
        constraints = [
            models.CheckConstraint(
                condition=Q(clear__lte=F("amount")), name="rule_clears_below", violation_error_message="解除值不得高于阈值"
            ),
            models.UniqueConstraint(
                fields=["sensor", "mark", "since"], condition=Q(sensor__isnull=False), name="limit_once_a_day",
                violation_error_message="该测点同一限值同一天起已有一行",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        if self.mark:
            return f"{self.get_mark_display()}≥{self.amount:g}m{self.doubt}"
        window = f"{self.hours}小时" if self.hours else "瞬时"
        return f"{self.hazard}{window}≥{self.amount:g}"

    @property
    def doubt(self) -> str:
        """The confidence, wherever the figure stands, unless it was read in its source."""
        return "" if self.confidence == "V" else f"({self.confidence})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.settle()
        super().save(*args, **kwargs)

    def settle(self) -> None:
        """What a limit of one gauge leaves open follows from its gauge."""
        if self.sensor is None:
            return
        self.hazard, self.quantity, self.hours = "洪水", self.sensor.quantity, 0
        self.area_id, self.wide = self.sensor.area_id, False
        if self.clear is None and self.amount is not None:
            self.clear = round(self.amount - self.FALL, 3)

    def clean(self) -> None:
        self.settle()
        wrong: dict[str, str] = {}
        if self.clear is None:
            wrong["clear"] = "请填写解除值"
        if self.until and self.since and self.until < self.since:
            wrong["until"] = "“至”早于“自”"
        if self._spent():
            wrong["amount"] = "已有告警按本条判定,不能再改;请填写“至”结束本条,再新增一个版本"
        if wrong:
            raise ValidationError(wrong)

    def _spent(self) -> bool:
        """Has an alarm been judged by this row, and would it now read otherwise?"""
        if self.pk is None or not Alarm.everywhere.filter(rule_id=self.pk).exists():
            return False
        was = Rule.everywhere.values(*self.FIXED).get(pk=self.pk)
        return any(was[name] != getattr(self, name) for name in self.FIXED)

    def holds(self, day: date) -> bool:
        return self.since <= day and (self.until is None or self.until >= day)

    def covers(self, sensor: Sensor) -> bool:
        """Is this sensor judged by this rule?"""
        if self.sensor_id is not None:
            return self.sensor_id == sensor.pk
        return self.quantity == sensor.quantity and str(sensor.area_id).startswith(scope.prefix(str(self.area_id)))


class OfGauges(ScopedManager):
    def get_queryset(self) -> models.QuerySet:
        return super().get_queryset().exclude(sensor=None)


class StageLimit(Rule):
    """The rules of single gauges, as a keeper enters them: warning and guaranteed stage, a reservoir's season limit."""

    objects: ClassVar = OfGauges()

    class Meta:
        proxy = True
        base_manager_name = "everywhere"
        verbose_name = verbose_name_plural = "水位限值"

    def __str__(self) -> str:
        return f"{self.sensor.station if self.sensor else ''}{super().__str__()}"

    def clean(self) -> None:
        if self.sensor is None:
            raise ValidationError({"sensor": "请填写测点"})
        super().clean()
        if self.sensor and self.amount is not None and self.since and (wrong := self._misfit(self.sensor)):
            raise ValidationError(wrong)

    def _misfit(self, sensor: Sensor) -> dict[str, str]:
        """What does not go with the gauge or with its other limits."""
        if sensor.low < sensor.high and not sensor.low <= self.amount <= sensor.high:
            return {"amount": f"超出该测点量程 {sensor.low:g}–{sensor.high:g}{sensor.unit},单位为{sensor.unit}"}
        meanwhile = Q(until=None) | Q(until__gte=self.since)
        if self.until:
            meanwhile &= Q(since__lte=self.until)
        for other in StageLimit.everywhere.filter(meanwhile, sensor=sensor).exclude(pk=self.pk):
            if other.mark == self.mark:
                until = other.until or "今"
                return {"since": f"与版本“{other.version}”({other.since}至{until})的时段重叠,请先填写那一条的“至”"}
            if {self.mark, other.mark} == {self.Mark.WARNING, self.Mark.GUARANTEED}:
                low, high = sorted((self, other), key=lambda r: r.mark == self.Mark.GUARANTEED)
                if low.amount > high.amount:
                    return {"amount": f"保证水位 {high.amount:g} 低于警戒水位 {low.amount:g}"}
        return {}


class Reading(models.Model):
    """One value. The unique key makes a repeated delivery harmless."""

    world = models.ForeignKey("worlds.World", models.CASCADE, related_name="+", db_index=False)
    sensor = models.ForeignKey(Sensor, models.CASCADE, related_name="readings", db_index=False)
    at = models.DateTimeField("观测时间")
    value = models.FloatField("数值")

    class Meta:
        verbose_name = verbose_name_plural = "读数"
        constraints = [models.UniqueConstraint("world", "sensor", "at", name="reading_once")]
        indexes = [models.Index("world", "at", name="reading_by_time")]


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


class Warning(Scoped):
    """A warning signal as issued. It is never edited: a change is a new one that refers to the one before."""

    scope_wide = "wide"

    class State(models.TextChoices):
        ACTIVE = "active", "生效中"
        REPLACED = "replaced", "已变更"
        LIFTED = "lifted", "已解除"

    hazard = models.CharField("灾种", max_length=12)
    colour = models.CharField(
        "颜色", max_length=8, choices=[("red", "红色"), ("orange", "橙色"), ("yellow", "黄色"), ("blue", "蓝色")]
    )
    level = models.PositiveSmallIntegerField("级别", choices=LEVELS)
    state = models.CharField("状态", max_length=10, choices=State, default=State.ACTIVE)
    issuer = models.CharField("发布单位", max_length=40)
    issued_at = models.DateTimeField("发布时间")
    ended_at = models.DateTimeField("结束时间", null=True, blank=True)
    text = models.TextField("内容", blank=True)
    identifier = models.CharField("编号", max_length=40, blank=True)
    previous = models.ForeignKey("self", models.PROTECT, null=True, blank=True, verbose_name="前一信号", related_name="+")
    source = models.CharField("来源", max_length=200, blank=True)
    reconstructed = models.BooleanField("重建", default=False)
    wide = models.BooleanField(default=True, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "预警信号"
        constraints = [
            models.UniqueConstraint(
                "world", "hazard", "area", condition=models.Q(state="active"), name="one_signal_a_hazard"
            )
        ]

    def __str__(self) -> str:
        return f"{self.hazard}{self.get_colour_display()}预警"


class Gateway(models.Model):
    """A sender of readings. Only the SHA-256 of its token is kept; the token is shown once."""

    name = models.CharField("名称", max_length=40, unique=True)
    token = models.CharField(max_length=64, unique=True, editable=False)
    enabled = models.BooleanField("启用", default=True)

    class Meta:
        verbose_name = verbose_name_plural = "感知网关"

    def __str__(self) -> str:
        return self.name
