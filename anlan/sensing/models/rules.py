"""What readings are judged by: thresholds as versioned rows, and the limits of single gauges."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar

from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q

from anlan.engines.papers import words
from anlan.kernel.people import scope
from anlan.kernel.people.scope import Placed, ScopedManager

from .stations import Compiled, Sensor, StageMark, Station

A_DAY = RegexValidator(r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$", "请写作 月-日,例如 06-01")
LEVELS = [(1, "Ⅰ级(红)"), (2, "Ⅱ级(橙)"), (3, "Ⅲ级(黄)"), (4, "Ⅳ级(蓝)")]


DAY_S = 86_400


def _lasting(seconds: int) -> str:
    return f"{seconds}秒" if seconds % 60 else f"{seconds // 60}分钟"


class Rule(Compiled, Placed):
    """A threshold: an amount within a window. A new version is a new row; an alarm keeps the row it fired under.

    It holds for every sensor of its quantity in its area, for those of one station, or for one sensor: a limit of that gauge.
    """

    scope_wide = "wide"

    Mark = StageMark

    class Kind(models.TextChoices):
        HIGH = "high", "上限"
        LOW = "low", "下限"
        RATE = "rate", "变化过快"
        STUCK = "stuck", "数值不变"
        OFFLINE = "offline", "中断"
        QUALITY = "quality", "连续无效"
        STRAY = "stray", "偏离邻站"
        COUNT = "count", "多点同时"

    LADDER = (Kind.HIGH, Kind.LOW)
    """What gives a sensor a level."""
    CLEARS = (*LADDER, Kind.STRAY, Kind.COUNT)
    """What ends at a value of its own; the others end when their cause does."""
    MOST_BAD = 255
    """Bad readings in a row that are counted."""
    FALL = 0.1
    """Metres below a stage limit at which its alarm ends when the row does not say it."""
    FIXED = (
        "kind", "hazard", "quantity", "hours", "sensor_id", "station_id", "mark", "amount", "clear", "hold_up_s", "hold_down_s",
        "fresh_s", "level", "reach", "since", "season_from", "season_until",
    )  # fmt: skip
    """What an alarm was judged by; changed by a new version only."""

    kind = models.CharField("类型", max_length=8, choices=Kind, default=Kind.HIGH)
    hazard = models.CharField("灾种", max_length=12)
    quantity = models.CharField("要素", max_length=8, choices=Sensor.Quantity)
    hours = models.PositiveSmallIntegerField("窗口(小时)", help_text="0 表示瞬时值")
    area = models.ForeignKey("people.Area", models.PROTECT, default=scope.ROOT, verbose_name="适用区域", related_name="+")
    wide = models.BooleanField(default=True, editable=False)
    sensor = models.ForeignKey(
        Sensor, models.PROTECT, null=True, blank=True, verbose_name="测点", related_name="rules", help_text="填写则只对这一测点;水位限值必填"
    )
    station = models.ForeignKey(Station, models.PROTECT, null=True, blank=True, verbose_name="监测站", related_name="rules")
    mark = models.CharField("限值", max_length=10, choices=StageMark)
    amount = models.FloatField(
        "阈值",
        help_text="单位与测点一致,水位为米;变化过快为每分钟的变化量,数值不变为容许的波动,连续无效为条数,偏离邻站为与同区域同类测点中位数之差",
    )
    clear = models.FloatField("解除值", blank=True, help_text="低于此值才解除,避免反复;水位限值不填则为低于限值0.1米")
    hold_up_s = models.PositiveIntegerField(
        "持续才告警(秒)", default=0, help_text="中断、数值不变:持续这么久才告警;偏离邻站:邻站读数在这么久以内才算,0 为 600"
    )
    hold_down_s = models.PositiveIntegerField("持续才解除(秒)", default=0)
    fresh_s = models.PositiveIntegerField(
        "读数有效(秒)", default=0,
        help_text="只用于多点同时:最近一次读数在这么久以内的测点才计入;过时的不使告警发生,也不使告警解除;0 为不限",
    )  # fmt: skip
    level = models.PositiveSmallIntegerField("级别", choices=LEVELS)
    reach = models.PositiveSmallIntegerField(
        "计入级别", choices=LEVELS, null=True, blank=True,
        help_text="只用于多点同时:区域内同灾种、同要素、同窗口的测点,达到这一级或更重的有多少个;阈值和解除值为个数",
    )  # fmt: skip
    page_s = models.PositiveIntegerField(
        "未确认即呼叫(秒)", null=True, blank=True, validators=[MaxValueValidator(DAY_S)], help_text="告警后这么久无人确认即呼叫值班;空为未配置"
    )
    handle_s = models.PositiveIntegerField(
        "处置时限(秒)", null=True, blank=True, validators=[MaxValueValidator(30 * DAY_S)],
        help_text="确认后这么久仍未恢复、也未登记处置,即报告带班领导;空为未配置",
    )  # fmt: skip
    latched = models.BooleanField("须人工复位", default=False, help_text="恢复后仍保留,确认并复位才结束")
    season_from = models.CharField("每年自", max_length=5, blank=True, validators=[A_DAY], help_text="月-日,例如 06-01;空为全年")
    season_until = models.CharField("每年至", max_length=5, blank=True, validators=[A_DAY], help_text="月-日,含当日;可跨年")
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
                condition=Q(kind="low", clear__gte=F("amount")) | (~Q(kind="low") & Q(clear__lte=F("amount"))),
                name="rule_clears_below", violation_error_message="解除值不得高于阈值(下限:不得低于阈值)",
            ),
            models.UniqueConstraint(
                fields=["sensor", "mark", "since"], condition=Q(sensor__isnull=False) & ~Q(mark=""), name="limit_once_a_day",
                violation_error_message="该测点同一限值同一天起已有一行",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        if self.mark:
            return f"{self.get_mark_display()}≥{self.amount:g}m{self.doubt}"
        return f"{self.hazard}{self.said()}"

    def said(self) -> str:
        """What it asks, in words."""
        window = f"{self.hours}小时" if self.hours else "瞬时"
        match self.kind:
            case self.Kind.RATE:
                return f"每分钟变化≥{self.amount:g}"
            case self.Kind.STUCK:
                return f"{_lasting(self.hold_up_s)}数值不变"
            case self.Kind.OFFLINE:
                return f"中断{_lasting(self.hold_up_s)}"
            case self.Kind.QUALITY:
                return f"连续{self.amount:g}条无效"
            case self.Kind.STRAY:
                return f"偏离邻站中位数超过{self.amount:g}"
            case self.Kind.COUNT:
                return f"{window if self.hours else ''}{words.grade(self.reach)}以上测点≥{self.amount:g}个"
        return f"{window}{'≤' if self.kind == self.Kind.LOW else '≥'}{self.amount:g}"

    @property
    def limit(self) -> float | None:
        """The amount that it asks for; None for a kind that asks only how long."""
        return None if self.kind in (self.Kind.OFFLINE, self.Kind.STUCK) else self.amount

    @property
    def clearing(self) -> float | None:
        """The value at which its alarm ends; None for a kind that has none."""
        return self.clear if self.kind in self.CLEARS else None

    @property
    def window(self) -> int:
        """Hours of a rolling sum; of anything but rain the hours are how long a level lasts."""
        return self.hours if self.quantity == Sensor.Quantity.RAIN else 0

    def concerned(self, sensors: models.QuerySet[Sensor]) -> models.QuerySet[Sensor]:
        """Those of these sensors that it judges or counts."""
        alike = sensors.filter(quantity=self.quantity)
        if self.sensor_id is not None:
            return alike.filter(pk=self.sensor_id)
        if self.station_id is not None:
            return alike.filter(station_id=self.station_id)
        return alike.filter(scope.within("area_id", scope.prefix(str(self.area_id))))

    @property
    def doubt(self) -> str:
        """The confidence, wherever the figure stands, unless it was read in its source."""
        return "" if self.confidence == "V" else f"({self.confidence})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.settle()
        super().save(*args, **kwargs)

    def settle(self) -> None:
        """What a rule of one sensor or station leaves open follows from it."""
        if (of := self.sensor or self.station) is not None:
            self.area_id = of.area_id
        if self.sensor is None or not self.mark:
            return
        self.hazard, self.quantity, self.hours = "洪水", self.sensor.quantity, 0
        self.area_id, self.wide = self.sensor.area_id, False
        if self.clear is None and self.amount is not None:
            self.clear = round(self.amount - self.FALL, 3)

    def clean(self) -> None:
        self.settle()
        if self.mark and (self.sensor is None or self.sensor.quantity != Sensor.Quantity.STAGE):
            raise ValidationError({"sensor": "只有水位测点才有水位限值" if self.sensor else "请填写测点"})
        wrong: dict[str, str] = {}
        if self.clear is None:
            wrong["clear"] = "请填写解除值"
        elif self.amount is not None and (self.amount - self.clear) * (-1 if self.kind == self.Kind.LOW else 1) < 0:
            wrong["clear"] = "解除值不得高于阈值(下限:不得低于阈值)"
        if self.sensor and self.station:
            wrong["station"] = "测点和监测站只填一项"
        if self.sensor and self.quantity and self.quantity != self.sensor.quantity:
            wrong["quantity"] = f"与测点的要素“{self.sensor.get_quantity_display()}”不符"
        if bool(self.season_from) != bool(self.season_until):
            wrong["season_from"] = "“每年自”和“每年至”须同时填写"
        if self.until and self.since and self.until < self.since:
            wrong["until"] = "“至”早于“自”"
        if self.kind == self.Kind.COUNT:
            wrong |= self._uncounted()
        elif self.reach is not None:
            wrong["reach"] = "只有“多点同时”才填计入级别"
        elif self.fresh_s:
            wrong["fresh_s"] = "只有“多点同时”才填读数有效时间"
        if not self._used():
            wrong |= self._idle()
        elif self._altered():
            wrong["amount"] = "已有告警按本条判定,不能再改;请填写“至”结束本条,再新增一个版本"
        if self.mark and self.sensor and not wrong and self.amount is not None and self.since:
            wrong = self._misfit(self.sensor)
        if wrong:
            raise ValidationError(wrong)

    def _idle(self) -> dict[str, str]:
        """Why it would never tell anything, or would tell whatever is read."""
        if self.kind == self.Kind.STRAY and (self.sensor or self.station):
            return {"sensor" if self.sensor else "station": "偏离邻站按区域内的测点比对,不填测点和监测站"}
        if self.kind in (self.Kind.OFFLINE, self.Kind.STUCK) and not self.hold_up_s:
            return {"hold_up_s": f"请填写{self.get_kind_display()}持续多少秒才告警,不小于 1"}
        if self.amount is None:
            return {}
        if self.kind == self.Kind.QUALITY and not (1 <= self.amount <= self.MOST_BAD and self.amount == int(self.amount)):
            return {"amount": f"请填写条数,为 1 至 {self.MOST_BAD} 的整数"}
        if self.kind in (self.Kind.RATE, self.Kind.STRAY) and self.amount <= 0:
            return {"amount": "请填写大于 0 的数值"}
        return {"amount": "容许的波动不小于 0"} if self.kind == self.Kind.STUCK and self.amount < 0 else {}

    def _uncounted(self) -> dict[str, str]:
        """Why there is nothing to count."""
        if self.sensor or self.station:
            return {"sensor" if self.sensor else "station": "多点同时按区域判定,不填测点和监测站"}
        if self.reach is None:
            return {"reach": "请填写计入级别"}
        if self.hours and self.quantity and self.quantity != Sensor.Quantity.RAIN:
            return {"hours": "只有降水量按窗口累计,其他要素填 0"}
        if self.amount is None or self.clear is None:
            return {}
        if self.amount != int(self.amount) or self.amount < 1 or self.clear != int(self.clear) or self.clear < 1:
            return {"amount" if self.amount != int(self.amount) or self.amount < 1 else "clear": "请填写测点个数,为不小于 1 的整数"}
        if not self.area_id or not self.quantity:
            return {}
        there = self.concerned(Sensor.everywhere.all()).count()
        return {"amount": f"该区域只有 {there} 个这一要素的测点"} if self.amount > there else {}

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

    def _used(self) -> bool:
        """Has an alarm been judged by this row?"""
        return self.pk is not None and apps.get_model("sensing", "Alarm")._base_manager.filter(rule_id=self.pk).exists()

    def _altered(self) -> bool:
        """Would what it was judged by now read otherwise?"""
        was = Rule.everywhere.values(*self.FIXED).get(pk=self.pk)
        return any(was[name] != getattr(self, name) for name in self.FIXED)

    def holds(self, day: date) -> bool:
        """Is it in force on a day: by its version, and by the season that it holds for each year?"""
        return self.since <= day and (self.until is None or self.until >= day) and self.in_season(day)

    def in_season(self, day: date) -> bool:
        """Does the day lie in the part of each year that it holds for?"""
        if not self.season_from or not self.season_until:
            return True
        first, last, today = self.season_from, self.season_until, f"{day:%m-%d}"
        return first <= today <= last if first <= last else today >= first or today <= last


class OfGauges(ScopedManager):
    def get_queryset(self) -> models.QuerySet:
        return super().get_queryset().exclude(mark="")


class StageLimit(Rule):
    """The rules of single gauges, as a keeper enters them: warning and guaranteed stage, a reservoir's season limit."""

    objects: ClassVar = OfGauges()

    class Meta:
        proxy = True
        base_manager_name = "everywhere"
        verbose_name = verbose_name_plural = "水位限值"

    def __str__(self) -> str:
        return f"{self.sensor.station if self.sensor else ''}{super().__str__()}"
