from typing import ClassVar

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

    world = models.ForeignKey("worlds.World", models.PROTECT, related_name="+")
    case_type = models.CharField(max_length=60)
    case_id = models.CharField(max_length=60)
    state = models.CharField(max_length=20)
    term = models.DateTimeField()
    basis = models.CharField(max_length=300)
    missed_at = models.DateTimeField()

    class Meta:
        verbose_name = verbose_name_plural = "超时记录"
        constraints = [models.UniqueConstraint("world", "case_type", "case_id", "state", "term", name="miss_once")]
