from typing import ClassVar

from django.apps import apps
from django.db import models

from anlan.kernel.people.scope import Scoped

from .flow import Flow


class Case(Scoped):
    """A record that goes through a closed loop. A room's model inherits this and names its ``flow``."""

    flow: ClassVar[Flow]

    state = models.CharField("状态", max_length=20, editable=False)
    entered_at = models.DateTimeField("进入状态时间", editable=False)
    opened_at = models.DateTimeField("立项时间", editable=False)
    closed_at = models.DateTimeField("办结时间", null=True, blank=True, editable=False)
    due_at = models.DateTimeField("时限", null=True, blank=True, editable=False)
    overdue = models.BooleanField("超时", default=False, editable=False)
    turn = models.PositiveIntegerField(default=0, editable=False)
    rule = models.JSONField(default=dict, editable=False)

    class Meta:
        abstract = True
        base_manager_name = "everywhere"

    @property
    def state_label(self) -> str:
        return self.flow.states.get(self.state, self.state)

    @property
    def case_key(self) -> str:
        return f"{self._meta.label_lower}:{self.pk}"


class Remark(models.Model):
    """A limit that was missed: the case, the state, by how much, under which article."""

    world = models.ForeignKey("worlds.World", models.PROTECT, verbose_name="世界", related_name="+")
    case_type = models.CharField("事项类别", max_length=60)
    case_id = models.CharField("事项编号", max_length=60)
    state = models.CharField("超时环节", max_length=20)
    term = models.DateTimeField("时限")
    basis = models.CharField("依据", max_length=300)
    missed_at = models.DateTimeField("记录时间")

    class Meta:
        verbose_name = verbose_name_plural = "超时记录"
        constraints = [models.UniqueConstraint("world", "case_type", "case_id", "state", "term", name="miss_once")]

    def __str__(self) -> str:
        return f"{self.case_label}{self.case_id}「{self.state_label}」超时"

    @property
    def case_model(self) -> type[Case] | None:
        """The kind of case; None when no room has it any more."""
        try:
            return apps.get_model(self.case_type)
        except (LookupError, ValueError):
            return None

    @property
    def case_label(self) -> str:
        return str(self.case_model._meta.verbose_name) if self.case_model else self.case_type

    @property
    def state_label(self) -> str:
        return self.case_model.flow.states.get(self.state, self.state) if self.case_model else self.state


class Series(models.Model):
    """The last number given in a series of a world, such as the events of a year."""

    world = models.ForeignKey("worlds.World", models.CASCADE, verbose_name="世界", related_name="+")
    name = models.CharField("编号系列", max_length=40)
    year = models.PositiveSmallIntegerField("年份", default=0)
    last = models.PositiveIntegerField("最后编号", default=0)

    class Meta:
        verbose_name = verbose_name_plural = "编号系列"
        constraints = [models.UniqueConstraint("world", "name", "year", name="series_once")]

    def __str__(self) -> str:
        return f"{self.name}〔{self.year}〕{self.last}"
