"""A notice, whom it addresses, each attempt to reach them, and what came back."""

from __future__ import annotations

from datetime import timedelta

from django.db import models

from anlan.engines.grades import LEVELS
from anlan.kernel.carriers import VIA
from anlan.kernel.carriers.models import CARRIER_CHOICES, CHANNEL_CHOICES, Gateway
from anlan.kernel.people.models import Area
from anlan.kernel.people.scope import Scoped


class Notice(Scoped):
    """A message with its addressees and the ladder that was in force when it was issued."""

    scope_wide = "wide"

    class Kind(models.TextChoices):
        CALL = "call", "叫应"
        INFORM = "inform", "告知"

    number = models.PositiveIntegerField("编号")
    title = models.CharField("标题", max_length=120)
    text = models.TextField("内容")
    kind = models.CharField("类别", max_length=10, choices=Kind, default=Kind.CALL)
    level = models.PositiveSmallIntegerField("级别", null=True, choices=LEVELS)
    about_type = models.CharField("事由类别", max_length=60, blank=True)
    about_id = models.CharField("事由编号", max_length=60, blank=True)
    areas = models.JSONField("范围", default=list)
    ladder = models.JSONField("阶梯", default=dict)
    issued_at = models.DateTimeField("发出时间")
    closed_at = models.DateTimeField("结束时间", null=True)
    wide = models.BooleanField("全市可见", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "通知"
        base_manager_name = "everywhere"
        constraints = [models.UniqueConstraint("world", "number", name="notice_number_once")]
        indexes = [models.Index("about_type", "about_id", name="notice_about")]

    def __str__(self) -> str:
        return self.title


class Addressee(Scoped):
    """One post that is called, with its holder as of the hour of issue."""

    class State(models.TextChoices):
        WAITING = "waiting", "待应答"
        ANSWERED = "answered", "已应答"
        ON_BEHALF = "on_behalf", "代答"
        SILENT = "silent", "未应答"
        TOLD = "told", "已告知"
        RELEASED = "released", "已解除"

    ANSWERS = (State.ANSWERED, State.ON_BEHALF)

    notice = models.ForeignKey(Notice, models.CASCADE, verbose_name="通知", related_name="addressees")
    post = models.ForeignKey("people.Post", models.PROTECT, verbose_name="岗位", related_name="+")
    title = models.CharField("岗位名称", max_length=40)
    role = models.CharField("角色", max_length=20)
    tier = models.CharField("层级", max_length=10, choices=Area.Level)
    person = models.ForeignKey("people.Person", models.PROTECT, null=True, verbose_name="责任人", related_name="+")
    name = models.CharField("姓名", max_length=20, blank=True)
    deputy = models.ForeignKey("people.Person", models.PROTECT, null=True, verbose_name="B角", related_name="+")
    state = models.CharField("状态", max_length=10, choices=State, default=State.WAITING)
    rung = models.PositiveSmallIntegerField("阶梯", default=0)
    escalated = models.JSONField("升级经过", default=list)
    called_at = models.DateTimeField("首次呼叫", null=True)
    answered_at = models.DateTimeField("应答时间", null=True)
    waited_s = models.FloatField("应答用时(秒)", null=True)
    answered_by = models.ForeignKey("people.Person", models.PROTECT, null=True, verbose_name="应答人", related_name="+")
    answer_channel = models.CharField("应答方式", max_length=20, choices=list(VIA.items()), blank=True)
    silent_at = models.DateTimeField("判定未应答", null=True)
    acted_at = models.DateTimeField("行动时间", null=True)
    households = models.PositiveIntegerField("转移户数", null=True)
    people = models.PositiveIntegerField("转移人数", null=True)
    note = models.CharField("备注", max_length=300, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "叫应对象"
        base_manager_name = "everywhere"
        constraints = [models.UniqueConstraint("notice", "post", name="post_once_a_notice")]
        indexes = [
            models.Index("notice", "state", name="addressee_state"),
            models.Index("world", "area", name="addressee_area"),
        ]

    def __str__(self) -> str:
        return f"{self.area}{self.title} {self.name or '(空岗)'}"

    @property
    def late(self) -> bool:
        """Answered, but only after the ladder had ended."""
        return self.silent_at is not None and self.answered_at is not None

    @property
    def waited(self) -> timedelta | None:
        """From the first call to the answer."""
        return self.answered_at - self.called_at if self.answered_at and self.called_at else None


class Attempt(Scoped):
    """One try to reach one person for one addressee on one channel. Its key is unique: nobody is called twice.

    ``call`` names the physical call: a person who answers for several posts gets one call, not several.
    """

    class State(models.TextChoices):
        PLANNED = "planned", "待发"
        SENDING = "sending", "发送中"
        SENT = "sent", "已发出"
        DELIVERED = "delivered", "已送达"
        FAILED = "failed", "失败"
        ANSWERED = "answered", "已应答"
        SKIPPED = "skipped", "免呼"

    class Whom(models.TextChoices):
        SELF = "self", "本人"
        DEPUTY = "deputy", "B角"
        SUPERIOR = "superior", "上级"
        NEIGHBOUR = "neighbour", "相邻责任人"

    addressee = models.ForeignKey(Addressee, models.CASCADE, verbose_name="叫应对象", related_name="attempts")
    rung = models.PositiveSmallIntegerField("阶梯")
    whom = models.CharField("呼叫谁", max_length=10, choices=Whom)
    person = models.ForeignKey("people.Person", models.PROTECT, verbose_name="被呼叫人", related_name="+")
    name = models.CharField("姓名", max_length=20)
    channel = models.CharField("渠道", max_length=20, choices=CHANNEL_CHOICES)
    address = models.CharField("号码或地址", max_length=120, blank=True)
    call = models.CharField("呼叫", max_length=80)
    key = models.CharField("唯一编号", max_length=80, unique=True)
    state = models.CharField("状态", max_length=10, choices=State, default=State.PLANNED)
    carrier = models.CharField("承载", max_length=20, choices=CARRIER_CHOICES, blank=True)
    gateway = models.ForeignKey(Gateway, models.SET_NULL, null=True, verbose_name="网关", related_name="+")
    provider = models.CharField("网关回执号", max_length=80, blank=True)
    planned_at = models.DateTimeField("计划时间")
    sent_at = models.DateTimeField("发出时间", null=True)
    ended_at = models.DateTimeField("结束时间", null=True)
    tries = models.PositiveIntegerField("发送次数", default=0)
    reason = models.CharField("原因", max_length=200, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "呼叫记录"
        base_manager_name = "everywhere"
        indexes = [
            models.Index("call", name="attempt_call"),
            models.Index("addressee", "rung", name="attempt_rung"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.get_state_display()}"

    @property
    def simulated(self) -> bool:
        return self.carrier == "simulator"


class Receipt(Scoped):
    """What came back from an addressee, of whatever kind; kept even when it came twice or late."""

    class Kind(models.TextChoices):
        DELIVERED = "delivered", "送达"
        READ = "read", "已读"
        ANSWERED = "answered", "应答"
        ON_BEHALF = "on_behalf", "代答"
        ACCEPTED = "accepted", "受理"
        ARRIVED = "arrived", "到位"
        DONE = "done", "办结"
        MOVED = "moved", "转移"

    addressee = models.ForeignKey(Addressee, models.CASCADE, verbose_name="叫应对象", related_name="receipts")
    attempt = models.ForeignKey(Attempt, models.SET_NULL, null=True, verbose_name="呼叫记录", related_name="+")
    kind = models.CharField("类别", max_length=10, choices=Kind)
    at = models.DateTimeField("时间")
    by = models.ForeignKey("people.Person", models.PROTECT, null=True, verbose_name="回执人", related_name="+")
    via = models.CharField("方式", max_length=20, choices=list(VIA.items()))
    text = models.CharField("内容", max_length=300, blank=True)
    client_id = models.CharField("终端编号", max_length=80, null=True)  # noqa: DJ001 (many without, each once)

    class Meta:
        verbose_name = verbose_name_plural = "回执"
        base_manager_name = "everywhere"
        constraints = [models.UniqueConstraint("world", "client_id", name="receipt_client_once")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.text}".strip()
