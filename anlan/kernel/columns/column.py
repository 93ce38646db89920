"""One column of a register: where its value comes from and how people, sheets and machines read it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from django.db import models
from django.utils import timezone

from anlan.engines.grades import LEVELS
from anlan.kernel.cases.models import Case

from . import Undeclared

YES, NO = "是", "否"


def mask(value: Any) -> Any:
    """13812345678 → 138****5678; anything else keeps its first sign at most."""
    if value in (None, ""):
        return value
    text = str(value) if isinstance(value, (str, int)) else ""
    return text[:3] + "****" + text[-4:] if re.fullmatch(r"\+?\d{8,15}", text) else text[:1] + "****"


class Named(str):
    """Names told in one text, each with the row that bears it, so that a page can make links of them."""

    parts: tuple[str | tuple[str, models.Model], ...]
    """Plain words, and names with their rows, in order."""

    def __new__(cls, *parts: str | tuple[str, models.Model]) -> Named:
        held = tuple(each for part in parts for each in (part.parts if isinstance(part, Named) else (part,)))
        made = super().__new__(cls, "".join(part if isinstance(part, str) else part[0] for part in held))
        made.parts = held
        return made

    @classmethod
    def listed(cls, rows: Iterable[tuple[str, models.Model]], rest: str = "") -> Named:
        """One name after the other, and what follows them."""
        parts = [part for row in rows for part in ("、", row)]
        return cls(*parts[1:], rest)

    @property
    def rows(self) -> list[models.Model]:
        return [part[1] for part in self.parts if not isinstance(part, str)]


@dataclass(frozen=True)
class Column:
    """``path`` is a field, a way through foreign keys (``post__area``) or an attribute of the model."""

    register: str
    model: type[models.Model]
    path: str
    title: str = ""
    masked: bool = False
    worded: str = ""
    """The attribute of the row that says the value to people, where the value itself does not tell its unit."""

    @classmethod
    def read(
        cls, register: str, model: type[models.Model], spec: str, masked: tuple[str, ...] = (), worded: Mapping[str, str] | None = None
    ) -> Column:
        path, _, title = spec.partition(":")
        column = cls(register, model, path, title, path in masked, (worded or {}).get(path, ""))
        column.check()
        return column

    def check(self) -> None:
        if self.field is None and not hasattr(self.owner, self.tail):
            raise Undeclared(f"register {self.register}: {self.model.__name__} has no field {self.path}")
        if self.field is None and not self.title:
            raise Undeclared(f"register {self.register}: {self.path} is no field, give its title as {self.path}:标题")
        if isinstance(self.field, models.FileField):
            raise Undeclared(f"register {self.register}: {self.path} is a file; files are attached by kernel.files, not columns")
        if self.worded and not hasattr(self.model, self.worded):
            raise Undeclared(f"register {self.register}: {self.model.__name__} has no {self.worded} that says {self.path}")

    @cached_property
    def owner(self) -> type[models.Model]:
        """The model that the last part of the path belongs to."""
        owner = self.model
        for part in self.path.split("__")[:-1]:
            field = _field(owner, part)
            if field is None or field.related_model is None:
                raise Undeclared(f"register {self.register}: {owner.__name__} has no relation {part} (in {self.path})")
            owner = field.related_model
        return owner

    @property
    def tail(self) -> str:
        return self.path.rpartition("__")[2]

    @cached_property
    def field(self) -> Any:
        return _field(self.owner, self.tail)

    @cached_property
    def label(self) -> str:
        return self.title or str(self.field.verbose_name)

    @cached_property
    def choices(self) -> dict[Any, str]:
        """Value → label, where the values are counted."""
        if self.tail == "state" and issubclass(self.owner, Case):
            return dict(self.owner.flow.states)
        if self.field is None:
            return {}
        if self.field.choices:
            return {value: str(label) for value, label in self.field.flatchoices}
        return dict(LEVELS) if self.level else {}

    @cached_property
    def level(self) -> bool:
        return self.tail == "level" and isinstance(self.field, models.IntegerField)

    @cached_property
    def target(self) -> type[models.Model] | None:
        """The model that a foreign key points to."""
        return self.field.related_model if isinstance(self.field, models.ForeignKey) else None

    @property
    def sortable(self) -> bool:
        return self.field is not None and not isinstance(self.field, (models.JSONField, models.BinaryField))

    @property
    def joins(self) -> str:
        """What ``select_related`` must fetch so that showing this column asks nothing more."""
        return self.path if self.target else self.path.rpartition("__")[0]

    @cached_property
    def parts(self) -> list[str]:
        return self.path.split("__")

    @cached_property
    def number(self) -> bool:
        """Is it read as a figure, flush right?"""
        kinds = (models.IntegerField, models.FloatField, models.DecimalField)
        return isinstance(self.field, kinds) and not self.choices

    def value(self, row: models.Model) -> Any:
        here: Any = row
        for part in self.parts:
            if here is None:
                return None
            here = getattr(here, part)
        return here() if callable(here) else here

    def raw(self, row: models.Model, full: bool = True) -> Any:
        """What a machine reads: keys for foreign keys, codes for choices."""
        direct = self.target is not None and "__" not in self.path
        value = getattr(row, self.field.attname) if direct else self.value(row)
        if isinstance(value, models.Model):
            value = value.pk
        if self.masked and not full:
            return mask(value)
        return value.hex() if isinstance(value, (bytes, memoryview)) else value

    def text(self, row: models.Model, full: bool = True) -> str:
        """What a person reads."""
        value = self.value(row)
        if self.masked and not full:
            return mask(value) or ""
        if self.worded:
            return written(getattr(row, self.worded))
        if self.choices and value in self.choices:
            return self.choices[value]
        return written(value)

    def cell(self, row: models.Model, full: bool = True) -> Any:
        """What a sheet holds; reading it back gives the same value."""
        value = self.value(row)
        if isinstance(value, models.Model):
            return f"{value}[{value.pk}]"
        if isinstance(value, datetime):
            return timezone.localtime(value).replace(tzinfo=None) if timezone.is_aware(value) else value
        if (
            isinstance(value, (int, float, date))
            and not isinstance(value, bool)
            and not self.choices
            and not self.masked
        ):
            return value
        return self.text(row, full)

    def typed(self, cell: Any) -> Any:
        """A cell of a sheet, or a value of the interface, as the form wants it typed."""
        if cell is None:
            return ""
        if isinstance(cell, str):
            cell = cell.strip()
        if self.choices:
            return next((value for value, label in self.choices.items() if label == str(cell)), cell)
        if isinstance(self.field, models.BooleanField):
            return {YES: True, NO: False, "": False}.get(cell, cell)
        if isinstance(cell, datetime):
            whole = isinstance(self.field, models.DateTimeField)
            return cell.isoformat(" ", "seconds") if whole else cell.date().isoformat()
        if isinstance(cell, float) and cell.is_integer() and not isinstance(self.field, models.FloatField):
            return str(int(cell))
        return str(cell)


def written(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, datetime):
        return (
            timezone.localtime(value).strftime("%Y-%m-%d %H:%M")
            if timezone.is_aware(value)
            else f"{value:%Y-%m-%d %H:%M}"
        )
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    if isinstance(value, (list, tuple)):
        return "、".join(map(str, value))
    if isinstance(value, dict):
        return ";".join(f"{k}:{v}" for k, v in value.items())
    return str(value)


def _field(model: type[models.Model], name: str) -> Any:
    """A concrete field of this name, or None."""
    found = [f for f in model._meta.concrete_fields if name in (f.name, f.attname) or (name == "pk" and f.primary_key)]
    return found[0] if found else None
