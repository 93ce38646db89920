"""Warning signals as issued."""

from __future__ import annotations

from django.db import models

from anlan.kernel.people.scope import Scoped

from .rules import LEVELS


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
