"""Who is on duty, what was taken in, and the statutory reports with their clocks."""

from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

from anlan.engines.papers import words
from anlan.kernel.cases.models import Case
from anlan.kernel.clock import now
from anlan.kernel.people.models import Area
from anlan.kernel.people.scope import Scoped

from . import flows

AHEAD = timedelta(minutes=5)
"""How far the clocks of two machines may differ before a time counts as one to come."""


class Shift(Scoped):
    """One person on one duty post for one stretch of time."""

    class Post(models.TextChoices):
        LEAD = "lead", "带班领导"
        CHIEF = "chief", "值班长"
        OFFICER = "officer", "值班员"
        LIAISON = "liaison", "联合值守"

    post = models.CharField("岗位", max_length=10, choices=Post)
    person = models.ForeignKey("people.Person", models.PROTECT, verbose_name="人员", related_name="+")
    since = models.DateTimeField("自")
    until = models.DateTimeField("至")
    note = models.CharField("备注", max_length=80, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "值班安排"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(until__gt=models.F("since")), name="shift_times", violation_error_message="值班止时须晚于起时"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_post_display()}{self.person}"


class Intake(Scoped):
    """What came in by telephone, network or paper; the first record of an event."""

    class Way(models.TextChoices):
        PHONE = "phone", "电话"
        FIELD = "field", "现场上报"
        SENSOR = "sensor", "监测"
        PAPER = "paper", "文电"

    way = models.CharField("方式", max_length=8, choices=Way, default=Way.PHONE)
    received_at = models.DateTimeField("接报时间")
    occurred_at = models.DateTimeField("发生时间", null=True, blank=True)
    caller = models.CharField("来电单位和姓名", max_length=80, blank=True)
    caller_phone = models.CharField("来电号码", max_length=20, blank=True)
    place = models.CharField("地点", max_length=120, blank=True)
    lon = models.FloatField("经度", null=True, blank=True)
    lat = models.FloatField("纬度", null=True, blank=True)
    kind = models.CharField("事件种类", max_length=40, blank=True)
    summary = models.TextField("内容")
    loss = models.TextField("财产损失", blank=True)
    reach = models.TextField("影响范围", blank=True)
    trend = models.TextField("发展趋势", blank=True)
    leaders = models.CharField("现场领导", max_length=120, blank=True)
    measures = models.TextField("已采取措施", blank=True)
    requests = models.TextField("请求事项", blank=True)
    accident = models.BooleanField("生产安全事故", default=False)
    dead = models.PositiveIntegerField("死亡(人)", null=True, blank=True)
    missing = models.PositiveIntegerField("失踪(人)", null=True, blank=True)
    injured = models.PositiveIntegerField("受伤(人)", null=True, blank=True)
    recorder = models.CharField("记录人", max_length=40, blank=True)
    client_id = models.CharField("幂等编号", max_length=64, null=True, blank=True, editable=False)  # noqa: DJ001  none is not ""
    issue = models.PositiveIntegerField("快报期号", null=True, editable=False)
    event_number = models.CharField("转为事件", max_length=30, blank=True, editable=False)
    reporter = models.ForeignKey(
        "people.Person", models.PROTECT, null=True, blank=True, verbose_name="上报人", related_name="+", editable=False
    )
    unseen = models.BooleanField("待签收", default=False, editable=False)
    seen_at = models.DateTimeField("收悉时间", null=True, blank=True, editable=False)
    seen_by = models.CharField("收悉人", max_length=40, blank=True, editable=False)
    seen_tier = models.CharField("收悉层级", max_length=10, blank=True, choices=Area.Level, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "接报记录"
        constraints = [models.UniqueConstraint("world", "client_id", name="intake_once")]

    def __str__(self) -> str:
        return self.summary[:30]


class PhoneReport(Case):
    """Tell the province by telephone; the clock runs from the time of receipt."""

    flow = flows.PHONE

    intake = models.ForeignKey(Intake, models.PROTECT, verbose_name="接报记录", related_name="+")
    told = models.CharField("对方单位和姓名", max_length=80, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "电话快报"

    def __str__(self) -> str:
        return f"电话快报:{self.intake}"

    @property
    def received_at(self) -> datetime:
        return self.intake.received_at


class WrittenReport(Case):
    """The written report, drafted, signed and sent; follow-ups are new reports, never edits."""

    flow = flows.WRITTEN

    intake = models.ForeignKey(Intake, models.PROTECT, verbose_name="接报记录", related_name="+")
    issue = models.PositiveSmallIntegerField("期号", default=1)
    text = models.TextField("正文", blank=True)
    remark = models.CharField("修改意见", max_length=200, blank=True)
    signer = models.CharField("签发人", max_length=20, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "书面报告"

    def __str__(self) -> str:
        return f"书面报告:{self.intake}"

    @property
    def received_at(self) -> datetime:
        return self.intake.received_at


class PhoneCall(Case):
    """A call of the duty room's telephones. One that nobody picked up stands open until somebody has called back."""

    flow = flows.PHONE_CALL

    class Way(models.TextChoices):
        IN = "in", "呼入"
        OUT = "out", "呼出"

    at = models.DateTimeField("通话时间")
    way = models.CharField("方向", max_length=3, choices=Way, default=Way.IN)
    answered = models.BooleanField("接通", default=False)
    number = models.CharField(
        "对方号码", max_length=20, blank=True, help_text="未显示号码的留空",
        validators=[RegexValidator(r"^\+?[0-9][0-9-]{2,18}$", "电话号码只含数字和“-”,例如 0532-12345678")],
    )  # fmt: skip
    party = models.CharField("对方单位和姓名", max_length=80, blank=True)
    about = models.CharField("事由", max_length=200, blank=True)
    result = models.CharField("回电情况", max_length=200, blank=True)
    returned_by = models.CharField("回电人", max_length=40, blank=True, editable=False)
    serial = models.CharField("话务流水号", max_length=64, null=True, blank=True)  # noqa: DJ001  none is not ""

    class Meta:
        verbose_name = verbose_name_plural = "通话记录"
        constraints = [models.UniqueConstraint("world", "serial", name="call_once")]

    def __str__(self) -> str:
        kind = "未接来电" if self.way == self.Way.IN and not self.answered else f"{self.get_way_display()}电话"
        return f"{kind} {self.party or words.mask_phone(self.number) or '号码未显示'}"

    def clean(self) -> None:
        if self.at and self.at > now() + AHEAD:
            raise ValidationError({"at": "通话时间晚于当前时间"})


class Handover(Case):
    """One watch gives over to the next. What is open is a query until it is taken over; then it is kept as it stood."""

    flow = flows.HANDOVER

    giver = models.ForeignKey("people.Person", models.PROTECT, verbose_name="交班人", related_name="+", editable=False)
    taker = models.ForeignKey(
        "people.Person", models.PROTECT, null=True, blank=True, verbose_name="接班人", related_name="+", editable=False
    )
    remarks = models.TextField("交班事项", blank=True)
    reply = models.TextField("接班意见", blank=True)
    carried: Any = models.JSONField("移交的未办事项", default=dict, blank=True, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "交接班记录"

    def __str__(self) -> str:
        return f"{self.giver}交班"
