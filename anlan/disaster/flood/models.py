"""Response rules as rows, proposals that await a person, and the response that stands."""

from datetime import datetime, timedelta

from django.db import models

from anlan.engines.grades import LEVELS
from anlan.kernel.cases.models import Case

from . import flows


class ResponseRule(models.Model):
    """Which signal, or which share of stations in alarm, makes the office propose which level."""

    class Kind(models.TextChoices):
        SIGNAL = "signal", "预警信号"
        STATIONS = "stations", "实测站点"

    kind = models.CharField("依据类别", max_length=10, choices=Kind)
    hazard = models.CharField("灾种", max_length=12)
    trigger = models.PositiveSmallIntegerField("信号或告警级别", choices=LEVELS)
    share = models.FloatField("站点占比", null=True, blank=True, help_text="实测类:达到该告警级别的站点占区(市)内同类站点的比例")
    level = models.PositiveSmallIntegerField("建议响应级别", choices=LEVELS)
    source = models.CharField("依据", max_length=160)
    confidence = models.CharField("可信度", max_length=10)
    version = models.CharField("版本", max_length=20)
    since = models.DateField("自")
    until = models.DateField("至", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "响应启动条件"

    def __str__(self) -> str:
        if self.kind == self.Kind.SIGNAL:
            return f"{self.hazard}{'红橙黄蓝'[self.trigger - 1]}色预警→{self.get_level_display()}"
        return f"{self.hazard}{'红橙黄蓝'[self.trigger - 1]}级实测站点≥{self.share:.0%}→{self.get_level_display()}"


class Response(Case):
    """A flood and typhoon response of the city's headquarters, from start to stand-down."""

    flow = flows.RESPONSE
    scope_area = ""

    title = models.CharField("名称", max_length=80)
    level = models.PositiveSmallIntegerField("级别", choices=LEVELS)
    areas = models.JSONField("范围", default=list)
    started_at = models.DateTimeField("启动时间")
    ended_at = models.DateTimeField("终止时间", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "防汛防台风应急响应"

    def __str__(self) -> str:
        return f"{self.title}{self.get_level_display()}应急响应"


class Proposal(Case):
    """A proposed change of level, with the rule that fired as it read then. A person confirms it."""

    flow = flows.PROPOSAL
    scope_area = ""

    class Kind(models.TextChoices):
        START = "start", "启动"
        RAISE = "raise", "提升"
        LOWER = "lower", "降低"
        END = "end", "终止"

    UP = (Kind.START, Kind.RAISE)
    AUTO = (Kind.START, Kind.RAISE, Kind.END)
    """What a world's automatic confirmation may confirm. Lowering is a person's decision: none was published of Muifa."""
    TERM = timedelta(minutes=10)

    kind = models.CharField("建议", max_length=8, choices=Kind)
    level = models.PositiveSmallIntegerField("建议级别", choices=LEVELS, null=True, blank=True)
    areas = models.JSONField("范围", default=list)
    fired = models.JSONField("触发规则", default=dict)
    reason = models.TextField("触发情况")
    signal_at = models.DateTimeField("触发时间")
    response = models.ForeignKey(Response, models.PROTECT, null=True, blank=True, verbose_name="响应", related_name="proposals")
    consult = models.TextField("会商意见", blank=True)
    signer = models.CharField("签发人", max_length=20, blank=True)
    refusal = models.TextField("不采纳理由", blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "响应级别建议"

    def __str__(self) -> str:
        if self.kind in (self.Kind.RAISE, self.Kind.LOWER):
            return f"建议将防汛防台风应急响应{self.get_kind_display()}为{self.get_level_display()}"
        level = self.get_level_display() if self.level else ""
        return f"建议{self.get_kind_display()}防汛防台风{level}应急响应"

    @property
    def confirm_by(self) -> datetime | None:
        """Going up is urgent; going down or ending waits for the consultation, however long."""
        return self.entered_at + self.TERM if self.kind in self.UP else None

    @property
    def automatic(self) -> bool:
        """Will the world's switch confirm it?"""
        return self.kind in self.AUTO and bool(self.world.switches.get("auto_confirm"))
