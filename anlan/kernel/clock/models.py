from django.db import models
from django.db.models import Q


class Due(models.Model):
    """Something that must happen by a time. Written in the transaction of the change that caused it.

    ``at`` is the time that was promised and never changes; ``run_at`` is when it is tried (again).
    """

    world = models.ForeignKey("worlds.World", models.CASCADE, verbose_name="世界", related_name="+")
    at = models.DateTimeField("到期时间")
    run_at = models.DateTimeField("执行时间")
    kind = models.CharField("事项", max_length=60)
    key = models.CharField("编号", max_length=160, null=True)  # noqa: DJ001  no key is not the key ""
    body = models.JSONField("内容", default=dict)
    tries = models.PositiveIntegerField("失败次数", default=0)
    runs = models.PositiveSmallIntegerField("办理次数", default=0)
    holder = models.CharField("办理进程", max_length=80, blank=True)
    leased_until = models.DateTimeField("占用至", null=True)
    done_at = models.DateTimeField("办结时间", null=True)
    late = models.BooleanField("迟办", default=False)
    dropped = models.BooleanField("已撤销", default=False)
    fault = models.TextField("故障", blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "到期事项"
        constraints = [models.UniqueConstraint("world", "key", name="due_key_once")]
        indexes = [
            models.Index("world", "run_at", "id", condition=Q(done_at=None, dropped=False), name="due_open"),
            models.Index("kind", name="due_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%m-%d %H:%M}"


class Beat(models.Model):
    """The last sign of life of a loop or a gateway."""

    name = models.CharField("循环或网关", max_length=60, primary_key=True)
    last = models.DateTimeField("最近一次", null=True)
    good = models.BooleanField("正常", default=True)
    detail = models.CharField("说明", max_length=200, blank=True)
    silence_s = models.FloatField("静默上限(秒)", default=30.0)
    essential = models.BooleanField("关键", default=True)

    class Meta:
        verbose_name = verbose_name_plural = "运行状态"

    def __str__(self) -> str:
        return self.name
