"""What keepers declare in the browser: forms and indicators, each with its versions."""

from __future__ import annotations

from typing import Any

from django.db import models


class Kept(models.Model):
    """One version of a declaration. Versions are added and not changed; the newest one is in force.

    One that no table could be made for is taken back before anybody has used it.
    """

    name = models.CharField("代号", max_length=60)
    version = models.PositiveSmallIntegerField("版次")
    title = models.CharField("名称", max_length=40)
    reason = models.CharField("原因", max_length=200, blank=True)
    made_at = models.DateTimeField("时间")
    made_by = models.CharField("声明人", max_length=40)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.title}(第{self.version}版)"


class Figure(Kept):
    """An indicator. ``body`` holds the declaration as ``Indicator`` takes it."""

    body: Any = models.JSONField("声明")

    class Meta:
        verbose_name = verbose_name_plural = "指标声明"
        constraints = [models.UniqueConstraint("name", "version", name="figure_once")]


class Design(Kept):
    """A form. ``body`` holds the declaration as ``Form`` takes it."""

    body: Any = models.JSONField("声明")

    class Meta:
        verbose_name = verbose_name_plural = "表单声明"
        constraints = [models.UniqueConstraint("name", "version", name="design_once")]
