"""A plan as it was read from its paper: items, what they aim at, by when, and who answers for them."""

from datetime import date
from typing import Any

from django.db import models

from anlan.kernel.indicators.declared import INDICATORS, Indicator
from anlan.kernel.people.scope import Placed


class Plan(Placed):
    """One version of one year's plan, with the text it was read from. The newest version of a year is the one in force."""

    title = models.CharField("标题", max_length=120)
    year = models.PositiveSmallIntegerField("年度")
    version = models.PositiveSmallIntegerField("版次", default=1)
    reason = models.CharField("修订原因", max_length=200, blank=True)
    source = models.TextField("原文")
    taken_at = models.DateTimeField("导入时间")
    taken_by = models.CharField("导入人", max_length=40, blank=True)
    doubts: Any = models.JSONField("存疑", default=list, blank=True)
    current = models.BooleanField("现行", default=True)

    class Meta:
        verbose_name = verbose_name_plural = "工作要点"
        constraints = [
            models.UniqueConstraint("year", "version", name="plan_version_once"),
            models.UniqueConstraint("year", condition=models.Q(current=True), name="plan_one_current"),
        ]

    def __str__(self) -> str:
        return f"{self.title}(第{self.version}版)"


class Item(Placed):
    """One numbered item; ``start`` and ``end`` are its place in the plan's text."""

    plan = models.ForeignKey(Plan, models.PROTECT, verbose_name="工作要点", related_name="items")
    rank = models.PositiveIntegerField("序", editable=False)
    no = models.CharField("编号", max_length=6)
    section = models.CharField("部分", max_length=80, blank=True)
    subsection = models.CharField("小节", max_length=80, blank=True)
    title = models.CharField("事项", max_length=120)
    text = models.TextField("内容")
    documents: Any = models.JSONField("所列文件", default=list, blank=True)
    named: Any = models.JSONField("所列单位", default=list, blank=True)
    owner = models.ForeignKey("people.Unit", models.PROTECT, null=True, blank=True, verbose_name="责任单位", related_name="+")
    start = models.PositiveIntegerField("起", editable=False, default=0)
    end = models.PositiveIntegerField("止", editable=False, default=0)

    class Meta:
        verbose_name = verbose_name_plural = "要点事项"

    def __str__(self) -> str:
        return f"{self.no}.{self.title}"


class Found(Placed):
    """Something that was read out of an item's text and that a person confirms, mends or strikes out."""

    class State(models.TextChoices):
        READ = "read", "待核对"
        CONFIRMED = "confirmed", "已核对"
        STRUCK = "struck", "不是"

    raw = models.CharField("原文", max_length=80)
    state = models.CharField("核对", max_length=10, choices=State, default=State.READ)
    start = models.PositiveIntegerField("起", editable=False, default=0)
    end = models.PositiveIntegerField("止", editable=False, default=0)

    class Meta:
        abstract = True


class Aim(Found):
    """A number that the item must reach. It is measured by an indicator, or reported by its owner and marked so."""

    class Comparator(models.TextChoices):
        EQ = "eq", "等于"
        GE = "ge", "不少于"
        LE = "le", "不超过"
        RANGE = "range", "区间"
        ALL = "all", "全部"
        EACH = "each", "每个单位"

    item = models.ForeignKey(Item, models.CASCADE, verbose_name="事项", related_name="aims")
    value = models.FloatField("目标值")
    value_max = models.FloatField("目标上限", null=True, blank=True)
    unit = models.CharField("单位", max_length=10)
    comparator = models.CharField("要求", max_length=6, choices=Comparator)
    clause = models.CharField("语境", max_length=200, blank=True)
    indicator = models.CharField("指标", max_length=60, blank=True)
    reported = models.FloatField("自报值", null=True, blank=True)
    evidence = models.CharField("自报依据", max_length=200, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "要点目标"

    def __str__(self) -> str:
        return f"{self.item}:{self.raw}"

    @property
    def measure(self) -> Indicator | None:
        """The indicator that measures it, when one is named and still declared."""
        return INDICATORS.get(self.indicator)

    @property
    def reached(self) -> float | None:
        """What stands now: computed where an indicator measures it, else as reported; None when nobody knows."""
        return self.measure.value() if self.measure else self.reported

    @property
    def met(self) -> bool | None:
        """Is it reached? None when nobody knows."""
        now = self.reached
        if now is None:
            return None
        if self.comparator == self.Comparator.LE:
            return now <= self.value
        return now >= self.value


class Node(Found):
    """When something of the item falls due or comes round."""

    class Kind(models.TextChoices):
        DEADLINE = "deadline", "截止"
        RECURRING = "recurring", "周期"
        PERIOD = "period", "时段"
        EVENT = "event", "事件"
        STANDING = "standing", "常态"

    item = models.ForeignKey(Item, models.CASCADE, verbose_name="事项", related_name="nodes")
    kind = models.CharField("类别", max_length=10, choices=Kind)
    norm = models.CharField("规范值", max_length=12, blank=True)
    day = models.DateField("日期", null=True, blank=True)
    done_on = models.DateField("完成日期", null=True, blank=True)
    evidence = models.CharField("完成依据", max_length=200, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "要点节点"

    def __str__(self) -> str:
        return f"{self.item}:{self.raw}"


def day_of(norm: str) -> date | None:
    """The day of a norm that is one."""
    try:
        return date.fromisoformat(norm)
    except ValueError:
        return None
