"""A world is a clock, a seed and a set of records that never mix with another world's."""

from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import models

ACTUAL = 1
AHEAD = timedelta(seconds=0.5)
"""So long, in real time, a stepped world's clock runs on beyond the last row worked."""


class World(models.Model):
    """One world. The row with key 1 is the real city.

    A *stepped* world is driven from due row to due row by one driver, so that the same seed gives the same
    records whatever the machine; other worlds follow the real clock by offset and speed.
    """

    class Kind(models.TextChoices):
        ACTUAL = "actual", "实战"
        EXERCISE = "exercise", "演练"
        REPLAY = "replay", "回放"

    kind = models.CharField("类别", max_length=10, choices=Kind)
    title = models.CharField("名称", max_length=80)
    mark = models.CharField("标识", max_length=80, blank=True)
    name = models.SlugField("代号", max_length=40, blank=True)
    seed = models.BigIntegerField("种子", default=0)
    anchor_real = models.DateTimeField("锚点(真实时间)", null=True)
    anchor_world = models.DateTimeField("锚点(世界时间)", null=True)
    speed = models.FloatField("倍速", default=1.0)
    paused = models.BooleanField("暂停", default=False)
    stepped = models.BooleanField("逐步推进", default=False)
    step = models.DateTimeField("已推进到", null=True)
    ends = models.DateTimeField("结束于", null=True)
    closed = models.BooleanField("已结束", default=False)
    guests = models.BooleanField("访客可看", default=False)
    switches = models.JSONField("开关", default=dict, blank=True)
    allow = models.JSONField("可通知名单", default=list, blank=True)
    driver = models.CharField("推进进程", max_length=60, blank=True)
    driver_until = models.DateTimeField("推进占用至", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "世界"

    def __str__(self) -> str:
        return self.title

    def clean(self) -> None:
        if self.speed <= 0:
            raise ValidationError({"speed": "倍速须大于 0"})

    @property
    def actual(self) -> bool:
        return self.kind == self.Kind.ACTUAL

    @property
    def prefix(self) -> str:
        """The path under which this world's pages stand; empty for the real city."""
        return "" if self.actual else f"/w/{self.pk}"

    def at(self, real: datetime) -> datetime:
        """World time at a real instant."""
        if self.anchor_real is None or self.anchor_world is None:
            return real
        if self.paused or self.closed:
            return self.step or self.anchor_world
        paced = self.paced(real)
        if self.stepped and self.step:
            return max(self.step, min(paced, self.step + AHEAD * self.speed))
        return paced

    def paced(self, real: datetime) -> datetime:
        """Where the pace would have the world by now, whether or not its rows are worked that far."""
        if self.anchor_real is None or self.anchor_world is None:
            return real
        return self.anchor_world + (real - self.anchor_real) * self.speed

    def real(self, at: datetime) -> datetime:
        """The real instant at which world time reaches ``at`` (inverse of :meth:`at` while running)."""
        if self.anchor_real is None or self.anchor_world is None:
            return at
        return self.anchor_real + (at - self.anchor_world) / self.speed

    def pause(self, real: datetime) -> None:
        self.step = self.anchor_world = self.at(real)
        self.anchor_real, self.paused = real, True

    def resume(self, real: datetime, speed: float | None = None) -> None:
        here = self.step if self.stepped and self.step else self.at(real)
        self.anchor_world, self.anchor_real, self.paused = here, real, False
        self.speed = speed or self.speed
        self.clean()
