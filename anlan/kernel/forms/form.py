"""The declaration of a form, and what it is compiled into: a table, a register and, for a case, a flow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

from django.apps import apps
from django.db import models
from django.utils import timezone

from anlan.kernel.cases import Flow, Limit
from anlan.kernel.cases.flow import FLOWS
from anlan.kernel.cases.models import Case
from anlan.kernel.cases.numbers import next_number
from anlan.kernel.clock import now
from anlan.kernel.columns import Undeclared
from anlan.kernel.people import scope
from anlan.kernel.people.roles import READERS, ROLES
from anlan.kernel.people.scope import READ_BY, Placed, ReadBy, few_of
from anlan.kernel.places import near
from anlan.kernel.registers import ALL, Register

from .fields import NAME, Field, model_name
from .loops import WAYS, Plan
from .told import hear

HEADINGS = frozenset("系统编号 编号 状态 时限 办理时限 是否超时 超时 表单版次 填写时间 填写人 总分 区域 所在区域".split())
"""What the columns of every form are called."""
OF_A_CASE = frozenset("办理结果 意见".split()) | {str(f.verbose_name) for f in Case._meta.get_fields() if hasattr(f, "verbose_name")}
"""And those of a form whose rows are cases."""
NARROWS = 6
"""Of a form's fields, as many are filters of its list."""
FORMS: dict[str, Form] = {}
GROUPS = ("大安全", "大减灾", "大应急", "党建与内控", "工作要点")


@dataclass(eq=False)
class Form:
    """``Form("lesson", "安全第一课", "committee:专委会:unit! held_on:开课日期:date! topic:主题", items="2", write="office")``

    Without ``way`` it is a record that ``write`` keep. With one it is a case that ``write`` open and carry on and
    ``decides`` approve or accept. A field of points makes it a score sheet with a total.
    """

    name: str
    title: str
    fields: str | tuple[Field, ...]
    group: str = "工作要点"
    write: str = ""
    see: str = " ".join(READERS)
    way: str = ""
    decides: str = ""
    steps: str = ""
    """The steps of a chain: ``name:what is done:the state after it:write|decides``."""
    within: str = ""
    """How long the first state may last: ``5 workdays``, ``30 days``, or ``due_on``, a date-time field of the form."""
    basis: str = ""
    """The article or rule that the time rests on."""
    raises: str = ""
    """Roles that are told, one after another, when the time is over."""
    items: str = ""
    """The numbered items of the plan that it serves."""
    prefix: str = ""
    """The word before 〔year〕number; the title when empty."""
    owner: str = ""
    """The unit field whose people alone hand in what was done."""
    city: bool = False
    """Only who holds one of the roles over the whole city sees it: for what is not for everybody's reading."""
    version: int = 1
    own: bool = False
    """Declared by a keeper in the browser."""
    trial: bool = False
    """Only checked, and not put in force."""

    def __post_init__(self) -> None:
        if isinstance(self.fields, str):
            self.fields = tuple(Field.read(word) for word in self.fields.split())
        self._check()
        if self.trial:
            return
        if (old := FORMS.get(self.name)) is not None:
            old.retire()
        self.model = _table(self)
        self.register = self._register()
        READ_BY[self.model._meta.label_lower] = ReadBy(frozenset((*self.readers, "audit_keeper")), self.city)
        FORMS[self.name] = self
        hear(self)

    def _check(self) -> None:
        """Everything that can be wrong in a declaration, said in the keeper's language."""
        if not NAME.fullmatch(self.name):
            raise Undeclared(f"表单代号“{self.name}”须为小写字母开头的字母、数字、下划线,不超过 30 字")
        if not 0 < len(self.title) <= 40:
            raise Undeclared("表单须有不超过 40 字的名称")
        old = FORMS.get(self.name)
        if (self.name in ALL or f"form_{self.name}" in FLOWS) and old is None:
            raise Undeclared(f"代号“{self.name}”已被其他台账使用")
        if old and (old.own != self.own or old.version >= self.version):
            raise Undeclared(f"代号“{self.name}”已被其他表单使用")
        names = [f.name for f in self.asked]
        if not names or len(names) > 60:
            raise Undeclared("表单须有 1 至 60 个字段")
        if lost := [f.label for f in self.asked if f.kind == "of" and (f.detail not in FORMS or FORMS[f.detail].own)]:
            raise Undeclared(f"字段“{'、'.join(lost)}”所指的表单不存在,或不是系统自带的表单")
        if twice := {n for n in names if names.count(n) > 1}:
            raise Undeclared(f"字段名重复:{'、'.join(sorted(twice))}")
        keys = {f"{f.name}_id" for f in self.asked if f.kind in ("unit", "person", "of")}
        if clash := keys & set(names):
            raise Undeclared(f"字段名与系统列重名:{'、'.join(sorted(clash))}")
        labels = [f.label for f in self.asked]
        if twice := {label for label in labels if labels.count(label) > 1 or label in (HEADINGS | OF_A_CASE if self.way else HEADINGS)}:
            raise Undeclared(f"字段名称重复,或与系统列同名:{'、'.join(sorted(twice))}")
        if self.group not in GROUPS:
            raise Undeclared(f"分组须为{'、'.join(GROUPS)}之一")
        if self.way and self.way not in WAYS:
            raise Undeclared(f"办理方式须为{'、'.join(WAYS)}之一")
        if bool(self.steps) != (self.way == "chain"):
            raise Undeclared("逐步办理的表单须写明步骤,其他表单不写")
        if self.way and not self.decides.split():
            raise Undeclared("须写明由哪些岗位审批或验收")
        if not self.write.split():
            raise Undeclared("须写明由哪些岗位填写")
        if odd := set(f"{self.write} {self.see} {self.decides} {self.raises}".split()) - set(ROLES):
            raise Undeclared(f"没有这些岗位:{'、'.join(sorted(odd))}")
        if self.owner and self.owner not in {f.name for f in self.asked if f.kind == "unit"}:
            raise Undeclared("由哪个单位提交须指表单中的单位字段")
        self._check_limit()

    def _check_limit(self) -> None:
        if not self.within:
            return
        if not self.way:
            raise Undeclared("只有审批或办理的表单才有时限")
        if not self.basis:
            raise Undeclared("时限须写明依据")
        count, _, unit = self.within.partition(" ")
        by = {f.name for f in self.asked if f.kind == "time"}
        if self.within not in by and not (count.isdigit() and 0 < int(count) < 1000 and unit in ("days", "workdays")):
            raise Undeclared("时限写作“5 workdays”“30 days”,或一个“日期和时间”字段的名称")

    @property
    def asked(self) -> tuple[Field, ...]:
        assert isinstance(self.fields, tuple)
        return self.fields

    @cached_property
    def points(self) -> tuple[Field, ...]:
        return tuple(f for f in self.asked if f.kind == "points")

    @cached_property
    def narrows(self) -> tuple[str, ...]:
        """The fields that are filters of its list."""
        return tuple(f.name for f in self.asked if f.kind in ("choice", "yes", "unit", "date", "time"))[:NARROWS]

    @cached_property
    def flow(self) -> Flow | None:
        """The loop of its cases; None for a record."""
        if not self.way:
            return None
        limits: tuple[Limit, ...] = ()
        if self.within:
            count, _, unit = self.within.partition(" ")
            length: dict[str, Any] = {unit: int(count)} if unit else {"by": count}
            limits = (Limit(WAYS[self.way].first, self.basis, remind=(0.3,), raise_to=self.raises, **length),)
        return WAYS[self.way].make(Plan(f"form_{self.name}", self.title, self.write, self.decides, limits, self.steps, self.owner))

    @property
    def readers(self) -> tuple[str, ...]:
        """The roles that may read its rows."""
        return tuple(dict.fromkeys((*self.see.split(), *self.write.split(), *self.decides.split())))

    def retire(self) -> None:
        """Take the compiled form out of the house, to make room for its next version."""
        for known in (FORMS, ALL, near.SOURCES):
            known.pop(self.name, None)
        FLOWS.pop(f"form_{self.name}", None)
        apps.all_models["made"].pop(str(self.model._meta.model_name), None)
        apps.clear_cache()

    def _register(self) -> Register:
        heads = [f for f in self.asked if f.kind not in ("long", "points")][:6]
        words = [f.name for f in self.asked if f.kind in ("line", "long")]
        columns = ["no", *(f.name for f in heads), *(["total"] if self.points else []), *(["state", "due_at", "overdue"] if self.way else []), "area"]
        filters = ["area", *(["state", "overdue", "opened_at", "closed_at"] if self.way else []), *self.narrows, "made_at"]
        form = " ".join(["area", *(f.name for f in self.asked)])
        who: dict[str, Any] = {"opens": self.write} if self.way else {"write": self.write}
        return Register(
            self.model, columns=" ".join(columns), filters=" ".join(filters), search=" ".join(["no", *words]), group=self.group,
            see=self.readers, order="-made_at -id", form=form,
            city=self.city, name=self.name, **who,
        )  # fmt: skip

    def next(self, **changes: Any) -> Form:
        """The next version, compiled in place of this one."""
        return replace(self, version=self.version + 1, **changes)


class Row(models.Model):
    """What every row of a form has: its number, when and by whom it was made, and under which version."""

    form: ClassVar[Form]

    no = models.CharField("编号", max_length=80, editable=False, db_index=True)
    version = models.PositiveSmallIntegerField("表单版次", editable=False)
    made_at = models.DateTimeField("填写时间", editable=False)
    made_by = models.CharField("填写人", max_length=40, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        first = next((f for f in self.form.asked if f.kind == "line"), None)
        said = getattr(self, first.name) if first else ""
        return f"{self.no} {said}" if said else self.no

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.no:
            moment = timezone.localtime(now())
            self.no = f"{self.form.prefix or self.form.title}〔{moment.year}〕{next_number(f'form.{self.form.name}', moment.year)}号"
            self.made_at, self.made_by = moment, scope.current().name[:40]
            self.version = self.form.version
        if self.form.points:
            given = [getattr(self, f.name) for f in self.form.points]
            self.total = None if None in given else round(sum(given), 2)
        super().save(*args, **kwargs)


def _table(form: Form) -> type[models.Model]:
    """The model of a form's rows."""
    meta: Any = type("Meta", (), {"app_label": "made", "db_table": f"made_{form.name}", "verbose_name": form.title,
                                  "verbose_name_plural": form.title, "base_manager_name": "everywhere"})  # fmt: skip
    body: dict[str, Any] = {f.name: f.column() for f in form.asked}
    if form.points:
        most = sum(float(f.detail) for f in form.points)
        body["total"] = models.FloatField(f"总分(满分{most:g})", null=True, blank=True, editable=False)
    if form.city:
        body["few"] = few_of([*form.readers, "audit_keeper"])
    if form.way:
        body["outcome"] = models.TextField("办理结果", max_length=4000, null=True, blank=True)
        body["opinion"] = models.TextField("意见", max_length=4000, null=True, blank=True)
        body["flow"] = form.flow
    return type(model_name(form.name), (Row, Case if form.way else Placed), {**body, "form": form, "Meta": meta, "__module__": __name__})
