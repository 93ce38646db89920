"""Stations and their sensors, rules as versioned rows, readings, alarms and warnings."""

from django.db import models

from anlan.kernel.people.scope import Placed, Scoped

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


class Rule(models.Model):
    """A threshold: an amount within a window. A new version is a new row; an alarm keeps the row it fired under."""

    hazard = models.CharField("灾种", max_length=12)
    quantity = models.CharField("要素", max_length=8, choices=Sensor.Quantity)
    hours = models.PositiveSmallIntegerField("窗口(小时)", help_text="0 表示瞬时值")
    amount = models.FloatField("阈值")
    clear = models.FloatField("解除值", help_text="低于此值才解除,避免反复")
    level = models.PositiveSmallIntegerField("级别", choices=LEVELS)
    source = models.CharField("依据", max_length=120)
    confidence = models.CharField("可信度", max_length=10)
    version = models.CharField("版本", max_length=20)
    since = models.DateField("自")
    until = models.DateField("至", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "阈值规则"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(clear__lte=models.F("amount")), name="rule_clears_below",
                violation_error_message="解除值不得高于阈值",
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        window = f"{self.hours}小时" if self.hours else "瞬时"
        return f"{self.hazard}{window}≥{self.amount:g}"


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
