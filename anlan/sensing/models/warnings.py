"""Warning signals as issued, and the messages by which they came."""

from __future__ import annotations

from typing import Any

from django.db import models

from anlan.kernel.people.scope import Scoped

from .rules import LEVELS

LONGEST = 200


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
    identifier = models.CharField("编号", max_length=LONGEST, blank=True, db_index=True)
    ending = models.CharField("解除编号", max_length=LONGEST, blank=True, db_index=True)
    """What the message that lifted it is called."""
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


class Message(Scoped):
    """A message of the Common Alerting Protocol as it came, kept whatever stands in it: one row for each alert in a body, or one
    for a body in which none was found."""

    scope_wide = "wide"

    class Fate(models.TextChoices):
        TAKEN = "taken", "已采用"
        KEPT = "kept", "仅留存"
        FAULTY = "faulty", "不能采用"

    at = models.DateTimeField("收到时间")
    source = models.CharField("来源", max_length=120)
    identifier = models.CharField("编号", max_length=LONGEST, blank=True, db_index=True)
    sender = models.CharField("发布者", max_length=LONGEST, blank=True)
    sent = models.DateTimeField("发布时间", null=True, blank=True)
    kind = models.CharField("类型", max_length=12, blank=True)
    status = models.CharField("性质", max_length=12, blank=True)
    headline = models.CharField("标题", max_length=200, blank=True)
    fate = models.CharField("处理", max_length=8, choices=Fate)
    why = models.CharField("说明", max_length=200, blank=True)
    signature = models.CharField("签名", max_length=120, blank=True)
    faults: Any = models.JSONField("问题", default=list)
    """Rows of {place, what, text}."""
    warning = models.ForeignKey(Warning, models.SET_NULL, null=True, blank=True, verbose_name="预警信号", related_name="messages")
    body = models.BinaryField("原文", editable=False)
    wide = models.BooleanField(default=True, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "预警报文"

    def __str__(self) -> str:
        return self.identifier or f"无法识别的报文 {self.pk}"

    @property
    def said(self) -> str:
        """What is wrong with it, in words."""
        return ";".join(f"{f['place']} {f['what']}".strip() for f in self.faults)
