"""What a form asks. A field is a word such as ``held_on:开课日期:date!``: name, label, kind; ``!`` says that it must be filled."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from pydantic import BaseModel

from anlan.kernel.cases.models import Case
from anlan.kernel.columns import Undeclared

LINE, LONG = 200, 4000
FAR = 10**12
NAME = re.compile(r"[a-z][a-z0-9_]{0,29}")
PAGE = frozenset("q page order sheet seen once limit offset format href csrfmiddlewaretoken".split())
"""What the pages and the interface of a register ask by these names."""
SYSTEM = frozenset("oid tableoid xmin cmin xmax cmax ctid rowid".split())
"""Columns that a table of PostgreSQL or SQLite has by itself."""
TAKEN = (
    frozenset("id pk no version made_at made_by total outcome opinion few form flow scope_few scope_area scope_unit scope_wide scope_above".split())
    | PAGE | SYSTEM | {name for kind in (Case, models.Model, BaseModel) for name in dir(kind)}
)  # fmt: skip
"""Names that every row, its table, its page or its interface has already."""
ENDINGS = ("_", "_id", "_label", "_after", "_before", "_min", "_max")
"""Of the columns, labels and filters that are made of another field."""


@dataclass(frozen=True)
class Kind:
    label: str
    make: Callable[[Field, dict[str, Any]], models.Field]


def _number(made: type[models.Field]) -> Callable[[Field, dict[str, Any]], models.Field]:
    return lambda field, plain: made(validators=[MinValueValidator(-FAR), MaxValueValidator(FAR)], **plain)


def _points(field: Field, plain: dict[str, Any]) -> models.Field:
    most = float(field.detail)
    return models.FloatField(validators=[MinValueValidator(0), MaxValueValidator(most)], help_text=f"满分 {most:g}", **plain)


def _row(field: Field, plain: dict[str, Any]) -> models.Field:
    return models.ForeignKey(f"made.{model_name(field.detail)}", models.PROTECT, related_name="+", **plain)


def model_name(form: str) -> str:
    """The class of a form's rows."""
    return "Form" + "".join(part.capitalize() for part in form.split("_"))


def _key(target: str) -> Callable[[Field, dict[str, Any]], models.Field]:
    return lambda field, plain: models.ForeignKey(target, models.PROTECT, related_name="+", **plain)


KINDS: dict[str, Kind] = {
    "line": Kind("一行文字", lambda f, plain: models.CharField(max_length=LINE, **plain)),
    "long": Kind("长文字", lambda f, plain: models.TextField(max_length=LONG, **plain)),
    "int": Kind("整数", _number(models.BigIntegerField)),
    "number": Kind("数", _number(models.FloatField)),
    "date": Kind("日期", lambda f, plain: models.DateField(**plain)),
    "time": Kind("日期和时间", lambda f, plain: models.DateTimeField(**plain)),
    "yes": Kind("是否", lambda f, plain: models.BooleanField(**plain)),
    "choice": Kind("选项", lambda f, plain: models.CharField(max_length=40, choices=[(c, c) for c in f.choices], **plain)),
    "points": Kind("评分", _points),
    "unit": Kind("单位", _key("people.Unit")),
    "person": Kind("人员", _key("people.Person")),
    "of": Kind("另一表单的记录", _row),
}


@dataclass(frozen=True)
class Field:
    """One field. ``detail`` holds the choices (``甲|乙``), the most points, or the form whose rows it names.

    ``must`` says that it must be filled.
    """

    name: str
    label: str
    kind: str = "line"
    must: bool = False
    detail: str = ""

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name) or self.name in TAKEN or "__" in self.name or self.name.endswith(ENDINGS) or self.name.startswith("model_"):
            raise Undeclared(f"字段名“{self.name}”不能用:须为小写字母开头的字母、数字、下划线,且不与系统所用的名称重名")
        if not 0 < len(self.label) <= 40:
            raise Undeclared(f"字段 {self.name} 须有不超过 40 字的名称")
        if self.kind not in KINDS:
            raise Undeclared(f"字段“{self.label}”的类型“{self.kind}”不存在,可用:{'、'.join(KINDS)}")
        if self.kind == "choice" and not (len(set(self.choices)) == len(self.choices) > 1 and max(map(len, self.choices)) <= 40):
            raise Undeclared(f"字段“{self.label}”须有两个以上互不相同的选项,用 | 隔开,每项不超过 40 字")
        if self.kind == "points" and not (re.fullmatch(r"\d{1,4}(\.\d)?", self.detail) and float(self.detail) > 0):
            raise Undeclared(f"字段“{self.label}”须写明满分,例如 points(10)")

    @classmethod
    def read(cls, word: str) -> Field:
        """From a word such as ``topic:主题``, ``result:结论:好|坏!`` or ``care:管理:points(20)``."""
        name, _, rest = word.partition(":")
        label, _, kind = rest.partition(":")
        must, kind = kind.endswith("!") or label.endswith("!"), kind.removesuffix("!") or "line"
        if "|" in kind:
            return cls(name, label.removesuffix("!"), "choice", must, kind)
        if found := re.fullmatch(r"(points|of)\(([\w.]+)\)", kind):
            return cls(name, label.removesuffix("!"), found[1], must, found[2])
        return cls(name, label.removesuffix("!"), kind, must)

    @property
    def choices(self) -> tuple[str, ...]:
        return tuple(c.strip() for c in self.detail.split("|") if c.strip()) if self.kind == "choice" else ()

    def column(self) -> models.Field:
        """The column of the table. It may be empty there, so that a field that a later version drops costs no row."""
        return KINDS[self.kind].make(self, {"verbose_name": self.label, "null": True, "blank": not self.must})
