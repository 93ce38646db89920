"""Events, the digital plans' task cards, and the orders that they become."""

from django.db import models

from anlan.engines.grades import LEVELS
from anlan.kernel.cases.models import Case
from anlan.kernel.people.models import Area, Unit

from . import flows


class Event(Case):
    """A public emergency being handled."""

    flow = flows.EVENT

    class Kind(models.TextChoices):
        FLOOD = "11B01", "台风"
        RAIN = "11B03", "暴雨"
        WATER = "11A01", "洪水"
        FOREST = "11G01", "森林火灾"
        QUAKE = "11C02", "地震"
        CHEMICAL = "12D99", "危险化学品事故"
        FIRE = "12G99", "火灾"
        OTHER = "11Y00", "其他"

    number = models.CharField("编号", max_length=30, blank=True)
    title = models.CharField("标题", max_length=120)
    kind = models.CharField("类别", max_length=8, choices=Kind)
    level = models.PositiveSmallIntegerField("级别", choices=LEVELS, null=True, blank=True)
    occurred_at = models.DateTimeField("发生时间")
    place = models.CharField("地点", max_length=120, blank=True)
    lon = models.FloatField("经度", null=True, blank=True)
    lat = models.FloatField("纬度", null=True, blank=True)
    summary = models.TextField("概况", blank=True)
    source = models.CharField("信息来源", max_length=80, blank=True)
    reporter = models.CharField("报告人", max_length=40, blank=True)
    dead = models.PositiveIntegerField("死亡(人)", null=True, blank=True)
    missing = models.PositiveIntegerField("失踪(人)", null=True, blank=True)
    injured = models.PositiveIntegerField("受伤(人)", null=True, blank=True)
    commander = models.CharField("指挥长", max_length=40, blank=True)
    outcome = models.TextField("处置结果", blank=True)
    cause_type = models.CharField(max_length=60, blank=True, editable=False)
    cause_id = models.CharField(max_length=60, blank=True, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "突发事件"

    def __str__(self) -> str:
        return self.title


class Plan(models.Model):
    """A digital plan; each activation freezes the version used in its orders."""

    code = models.CharField("代号", max_length=20)
    title = models.CharField("预案", max_length=80)
    kind = models.CharField("适用事件", max_length=8, choices=Event.Kind)
    version = models.CharField("版本", max_length=20)
    source = models.CharField("来源", max_length=160)
    in_force = models.BooleanField("现行", default=True)

    class Meta:
        verbose_name = verbose_name_plural = "数字化预案"
        constraints = [models.UniqueConstraint("code", condition=models.Q(in_force=True), name="one_plan_in_force")]

    def __str__(self) -> str:
        return f"{self.title}({self.version})"


class Task(models.Model):
    """A task card: at which level, which units do what within how many minutes, shown by what."""

    plan = models.ForeignKey(Plan, models.CASCADE, verbose_name="预案", related_name="tasks")
    number = models.PositiveSmallIntegerField("序号")
    level = models.PositiveSmallIntegerField("启动级别", choices=LEVELS, help_text="达到或高于此级别时下达")
    tier = models.CharField("执行层级", max_length=10, choices=Area.Level)
    office = models.CharField("执行单位", max_length=20, help_text="单位类别,如 水务、应急")
    text = models.TextField("任务")
    minutes = models.PositiveIntegerField("时限(分钟)")
    evidence = models.CharField("反馈要求", max_length=80)
    confidence = models.CharField("可信度", max_length=10, default="M-low")

    class Meta:
        verbose_name = verbose_name_plural = "预案任务卡"
        constraints = [models.UniqueConstraint("plan", "number", name="task_number")]

    def __str__(self) -> str:
        return f"{self.number}.{self.text[:20]}"


class Order(Case):
    """A task given to one unit, with its receipt, its result and its times."""

    flow = flows.ORDER

    event = models.ForeignKey(Event, models.PROTECT, verbose_name="事件", related_name="orders")
    task = models.ForeignKey(Task, models.PROTECT, null=True, blank=True, verbose_name="任务卡", related_name="+")
    unit = models.ForeignKey(Unit, models.PROTECT, verbose_name="执行单位", related_name="orders")
    level = models.PositiveSmallIntegerField("响应级别", choices=LEVELS, null=True, blank=True)
    text = models.TextField("指令")
    evidence = models.CharField("反馈要求", max_length=80, blank=True)
    given_at = models.DateTimeField("下达时间")
    finish_by = models.DateTimeField("完成时限")
    received_at = models.DateTimeField("接收时间", null=True, blank=True, editable=False)
    done_at = models.DateTimeField("完成时间", null=True, blank=True, editable=False)
    late = models.BooleanField("逾期", default=False, editable=False)
    result = models.TextField("反馈", blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "调度指令"
        constraints = [
            models.UniqueConstraint("event", "task", "unit", condition=models.Q(task__isnull=False), name="order_once")
        ]

    def __str__(self) -> str:
        return f"{self.unit}:{self.text[:24]}"
