"""What keepers declare in the browser: forms, with their versions."""

from __future__ import annotations

from typing import Any

from django.db import models

from anlan.kernel.indicators.models import Kept


class Design(Kept):
    """A form. ``body`` holds the declaration as ``Form`` takes it."""

    body: Any = models.JSONField("声明")

    class Meta:
        verbose_name = verbose_name_plural = "表单声明"
        constraints = [models.UniqueConstraint("name", "version", name="design_once")]
