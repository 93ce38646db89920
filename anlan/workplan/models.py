"""A plan as it was read from its paper: items, what they aim at, by when, and who answers for them."""

from datetime import date
from hashlib import blake2s
from typing import Any

from django.db import models

from anlan.kernel.cases.models import Case
from anlan.kernel.designs.models import Kept
from anlan.kernel.indicators.declared import INDICATORS, Indicator
from anlan.kernel.people.scope import Placed

from .flows import LETTER, SUPERVISION


class Wide(Placed):
    """A row of the plan, which is the whole city's: who may open its register sees all of it."""

    scope_area = ""

    class Meta:
        abstract = True


class Plan(Wide):
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


class Item(Wide):
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
    forms: Any = models.JSONField("工作台账", default=list, blank=True)
    start = models.PositiveIntegerField("起", editable=False, default=0)
    end = models.PositiveIntegerField("止", editable=False, default=0)

    class Meta:
        verbose_name = verbose_name_plural = "要点事项"

    def __str__(self) -> str:
        return f"{self.no}.{self.title}"


class Measure(Wide):
    """One thing that an item sets out to do: a sentence of its text, which may have an owner of its own."""

    item = models.ForeignKey(Item, models.CASCADE, verbose_name="事项", related_name="measures")
    rank = models.PositiveSmallIntegerField("序", editable=False)
    text = models.TextField("措施", max_length=2000)
    owner = models.ForeignKey("people.Unit", models.PROTECT, null=True, blank=True, verbose_name="责任单位", related_name="+")
    start = models.PositiveIntegerField("起", editable=False, default=0)
    end = models.PositiveIntegerField("止", editable=False, default=0)

    class Meta:
        verbose_name = verbose_name_plural = "要点措施"

    def __str__(self) -> str:
        return f"{self.item.no}.({self.rank}) {self.text[:40]}"

    @property
    def holder(self) -> Any:
        """Who answers for it: its own owner, else the item's."""
        return self.owner or self.item.owner


class Found(Wide):
    """Something that was read out of an item's text and that a person confirms, mends or strikes out."""

    class State(models.TextChoices):
        READ = "read", "待核对"
        CONFIRMED = "confirmed", "已核对"
        STRUCK = "struck", "不是"

    raw = models.CharField("原文", max_length=80)
    measure = models.ForeignKey(Measure, models.SET_NULL, null=True, blank=True, verbose_name="措施", related_name="+")
    state = models.CharField("核对", max_length=10, choices=State, default=State.READ)
    start = models.PositiveIntegerField("起", editable=False, default=0)
    end = models.PositiveIntegerField("止", editable=False, default=0)

    class Meta:
        abstract = True

    @property
    def stamp(self) -> str:
        """Changes with everything that a person may have put right: a page that is older than that is told so."""
        fields = [f for f in self._meta.concrete_fields if not f.is_relation]
        return blake2s(repr([getattr(self, f.attname) for f in fields]).encode(), digest_size=8).hexdigest()

    @property
    def owner(self) -> Any:
        """Who answers for it: the unit of its measure, else of its item."""
        return self.measure.holder if self.measure else self.item.owner  # type: ignore[attr-defined]


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
    def meter(self) -> Indicator | None:
        """The indicator that measures it, when one is named and still declared."""
        return INDICATORS.get(self.indicator)

    @property
    def needed(self) -> float:
        """What must be reached. Where each of a list must have its own, a coverage of 100 per cent."""
        return 100.0 if self.comparator == self.Comparator.EACH and self.meter else self.value

    @property
    def needed_unit(self) -> str:
        return "%" if self.comparator == self.Comparator.EACH and self.meter else self.unit

    def share(self, reached: float | None) -> float | None:
        """How much of it is reached, from 0 to 1; None when nobody knows."""
        if reached is None:
            return None
        if self.comparator == self.Comparator.LE:
            return 1.0 if reached <= self.value else 0.0
        return min(1.0, reached / self.needed) if self.needed else 1.0


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
    until = models.DateField("至", null=True, blank=True)
    indicator = models.CharField("完成情况由指标判断", max_length=60, blank=True)
    least = models.PositiveIntegerField("每期至少", default=1)

    class Meta:
        verbose_name = verbose_name_plural = "要点节点"

    def __str__(self) -> str:
        return f"{self.item}:{self.raw}"


class Proof(Wide):
    """What was reported of a node: for a deadline once, for what comes round once a turn. ``happened_on`` is when it was
    done and ``told_on`` when it was said, so that a paper that comes late does not make the work late."""

    node = models.ForeignKey(Node, models.CASCADE, verbose_name="节点", related_name="proofs")
    last = models.DateField("所属期末", null=True, blank=True)
    happened_on = models.DateField("完成日期")
    told_on = models.DateField("登记日期")
    text = models.CharField("完成依据", max_length=200)
    by = models.CharField("登记人", max_length=40)

    class Meta:
        verbose_name = verbose_name_plural = "节点完成登记"
        constraints = [
            models.UniqueConstraint("node", "last", name="proof_once_a_turn"),
            models.UniqueConstraint("node", condition=models.Q(last=None), name="proof_once"),
        ]

    def __str__(self) -> str:
        return f"{self.node}:{self.happened_on}完成"


class Letter(Case):
    """The task letter of one unit: what a plan asks of it, as it stood when the letter was issued."""

    flow = LETTER

    plan = models.ForeignKey(Plan, models.PROTECT, verbose_name="工作要点", related_name="letters")
    unit = models.ForeignKey("people.Unit", models.PROTECT, verbose_name="责任单位", related_name="+")
    number = models.PositiveIntegerField("编号")
    body: Any = models.JSONField("任务", default=list)
    opinion = models.CharField("意见", max_length=400, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "任务书"
        constraints = [models.UniqueConstraint("plan", "unit", name="letter_once")]

    def __str__(self) -> str:
        return f"{self.plan.year}年任务书第{self.number}号({self.unit})"


class Supervision(Case):
    """A late matter is urged, then supervised, until its answer is accepted."""

    flow = SUPERVISION

    item = models.ForeignKey(Item, models.PROTECT, verbose_name="事项", related_name="supervisions")
    node = models.ForeignKey(Node, models.SET_NULL, null=True, blank=True, verbose_name="节点", related_name="supervisions")
    unit = models.ForeignKey("people.Unit", models.PROTECT, verbose_name="责任单位", related_name="+")
    demand = models.TextField("要求", max_length=1000)
    due_by = models.DateTimeField("反馈时限")
    turn_last = models.DateField("所属期末", null=True, blank=True, editable=False)
    reply = models.TextField("反馈", max_length=2000, blank=True)
    opinion = models.TextField("意见", max_length=1000, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "催办督办"

    def __str__(self) -> str:
        return f"{self.unit}:{self.item}"


class Scheme(Kept):
    """One version of how offices and districts are marked: groups, weights and rules. The newest is in force."""

    body: Any = models.JSONField("方案", default=dict)

    class Meta:
        verbose_name = verbose_name_plural = "考核方案"
        constraints = [models.UniqueConstraint("name", "version", name="scheme_once")]


class Tally(models.Model):
    """Terms kept and missed, added up from the journal by quarter and by the unit that had to keep them."""

    quarter = models.DateField("季度")
    unit = models.CharField("单位", max_length=60, blank=True)
    kept = models.PositiveIntegerField("按时")
    late = models.PositiveIntegerField("逾期")

    class Meta:
        verbose_name = verbose_name_plural = "时效统计"
        constraints = [models.UniqueConstraint("quarter", "unit", name="tally_once")]


class Counted(models.Model):
    """Up to which journal line the tally has come."""

    upto = models.BigIntegerField("已计至", default=0)


def day_of(norm: str) -> date | None:
    """The day of a norm that is one."""
    try:
        return date.fromisoformat(norm)
    except ValueError:
        return None
