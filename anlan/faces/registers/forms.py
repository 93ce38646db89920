"""The form of a register: the same for a page, a line of a sheet and a call of the interface."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import Q

from anlan.kernel import journal
from anlan.kernel.cases.flow import Move, Refused
from anlan.kernel.cases.models import Case
from anlan.kernel.cases.moves import open_case
from anlan.kernel.columns.column import NO, YES, Column, mask
from anlan.kernel.columns.filters import in_span, sees_full
from anlan.kernel.people import scope
from anlan.kernel.places.check import fault
from anlan.kernel.registers.register import Register, address, of

FEW = 60
LABELS = ("name", "short", "title", "code", "number")


def reachable(model: type[models.Model]) -> models.QuerySet:
    """Rows of any model that the present asker may name in a form."""
    book = of(model)
    return book.reached(scope.current()) if book else model._default_manager.all()


class KeyField(forms.ModelChoiceField):
    """A row of another register: its key, its exact name, or ``name[key]`` as the sheets and the look-up write it."""

    def __init__(self, model: type[models.Model], **more: Any) -> None:
        super().__init__(queryset=model._base_manager.none(), **more)
        self.rows: models.QuerySet = model._base_manager.none()
        self.target = model
        self.known: dict[str, models.Model] = {}

    def open(self) -> None:
        self.rows, self.known = reachable(self.target), {}
        self.queryset = self.rows

    def offer(self) -> None:
        """For a page: a short list is a menu, a long one a look-up."""
        if len(self.rows[: FEW + 1]) > FEW and (book := of(self.target)):
            self.widget = forms.TextInput(
                {
                    "list": f"pick-{book.name}", "hx-get": address("pick", book.name), "hx-trigger": "input changed delay:250ms",
                    "hx-target": f"#pick-{book.name}", "autocomplete": "off", "data-pick": book.name,
                }
            )  # fmt: skip

    def prepare_value(self, value: Any) -> Any:
        if isinstance(self.widget, forms.Select) or value in (None, ""):
            return super().prepare_value(value)
        row = (
            value if isinstance(value, models.Model) else self.rows.filter(pk=value).first() if _plain(value) else None
        )
        return f"{row}[{row.pk}]" if row else value

    def to_python(self, value: Any) -> models.Model | None:
        if value in self.empty_values:
            return None
        if isinstance(value, models.Model):
            return value
        text = str(value).strip()
        if text not in self.known:
            self.known[text] = self._look(text)
        return self.known[text]

    def _look(self, text: str) -> models.Model:
        key = m[1] if (m := re.search(r"\[([^\[\]]+)\]$", text)) else text
        if "\x00" not in key:
            try:
                if row := self.rows.filter(pk=key).first():
                    return row
            except (ValueError, ValidationError, OverflowError):
                pass  # not a key: perhaps a name
            names = [n for n in LABELS if any(f.name == n for f in self.target._meta.concrete_fields)]
            if names and len(rows := list(self.rows.filter(reduce(or_, (Q(**{n: key}) for n in names)))[:2])) == 1:
                return rows[0]
            if names and len(rows) > 1:
                raise ValidationError(f"有多个“{key}”,请填写 名称[代码]")
        raise ValidationError(f"没有“{text[:40]}”,或不在您的管辖范围内")


def _plain(value: Any) -> bool:
    return isinstance(value, int) or ("[" not in str(value) and str(value).isalnum())


def offer(form: forms.BaseForm) -> None:
    """Prepare a form for being drawn."""
    for made in form.fields.values():
        if isinstance(made, KeyField):
            made.offer()


class YesNoField(forms.TypedChoiceField):
    def __init__(self, **more: Any) -> None:
        more.pop("initial", None)
        super().__init__(
            choices=[("False", NO), ("True", YES)], coerce=lambda v: v == "True", **{"empty_value": False, **more}
        )


def field_for(column: Column, required: bool | None = None) -> forms.Field:
    """The form field of one column."""
    made = column.field
    must = (not made.blank and not made.has_default()) if required is None else required
    plain: dict[str, Any] = {"label": column.label, "required": must, "help_text": made.help_text}
    if column.target is not None:
        return KeyField(column.target, **plain)
    if isinstance(made, models.BooleanField):
        return YesNoField(**plain)
    if column.choices and not made.choices:
        return forms.TypedChoiceField(
            choices=[("", "——"), *column.choices.items()], coerce=int, empty_value=None, **plain
        )
    found = made.formfield(**plain)
    if isinstance(made, models.DateField):
        found.validators.append(in_span)
    if isinstance(made, models.DateTimeField):
        found.widget = forms.DateTimeInput({"type": "datetime-local"}, "%Y-%m-%dT%H:%M")
    elif isinstance(made, models.DateField):
        found.widget = forms.DateInput({"type": "date"}, "%Y-%m-%d")
    return found


class RowForm(forms.ModelForm):
    """A ModelForm that knows the register's rules: reach, masks, places."""

    register: Register

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.full = sees_full()
        for name, made in self.fields.items():
            if isinstance(made, KeyField):
                made.open()
            if name in self.hidden:
                self.initial[name] = mask(self.initial.get(name))
        if self.instance.pk is not None and not self.instance._state.adding and (key := self._key) in self.fields:
            self.fields[key].disabled = True

    @property
    def hidden(self) -> tuple[str, ...]:
        return () if self.full else self.register.masked_fields

    @property
    def _key(self) -> str:
        return self.instance._meta.pk.name

    def _clean_fields(self) -> None:
        super()._clean_fields()  # type: ignore[misc]
        for name in self.hidden:
            if (
                name in self.cleaned_data
                and not self.instance._state.adding
                and self.initial.get(name) == self.data.get(name)
            ):
                self.cleaned_data[name] = getattr(self.instance, name)
                self.errors.pop(name, None)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        self._check_place(data)
        return data

    def _check_place(self, data: dict[str, Any]) -> None:
        if not self.register.point or "__" in self.register.point:
            return
        lon, lat = (data.get(n) for n in self.register.lonlat)
        if (lon is None) != (lat is None):
            if not set(self.register.lonlat) & set(self.errors):
                self.add_error(self.register.lonlat[lon is not None], "经度和纬度须同时填写")
        elif lon is not None and lat is not None:
            old = tuple(self.initial.get(n) for n in self.register.lonlat)
            if wrong := fault(lon, lat, old if None not in old else None):  # type: ignore[arg-type]
                self.add_error(self.register.lonlat[0], wrong)

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors or not self.register.area:
            return
        if not scope.current().can(*self.register.write, *self.register.opens, area=self.register.area_of(self.instance)):
            field = self.register.area.partition("__")[0].removesuffix("_id")
            self.add_error(field if field in self.fields else None, "所选区域不在您的管辖范围内")

    def validate_unique(self) -> None:
        """What no two rows may share is taken by a row that the asker does not see, too."""
        with scope.narrowed(reaches=None):
            super().validate_unique()

    def validate_constraints(self) -> None:
        with scope.narrowed(reaches=None):
            super().validate_constraints()

    def _get_validation_exclusions(self) -> set[str]:
        return super()._get_validation_exclusions() | {"world"}  # type: ignore[misc]


def form_of(register: Register) -> type[RowForm]:
    """The form class of a register, compiled once for each declaration."""
    if (known := _FORMS.get(register.name)) is None or known.register is not register:
        made = {c.path: field_for(c) for c in register.inputs}
        meta = type("Meta", (), {"model": register.model, "fields": list(made)})
        _FORMS[register.name] = type("Form", (RowForm,), {**made, "Meta": meta, "register": register})
    return _FORMS[register.name]


_FORMS: dict[str, type[RowForm]] = {}


def move_form(columns: Iterable[tuple[Column, bool]]) -> type[forms.Form]:
    """The form of one move of a case: the fields it needs, and those it also asks."""
    return type("MoveForm", (forms.Form,), {c.path: field_for(c, must) for c, must in columns})


def form_for(step: Move, row: Case, data: Any = None) -> forms.Form:
    """The fields that a move needs and asks."""
    columns = [(Column.read(step.name, type(row), name), name in step.needed) for name in step.asked]
    form = move_form(columns)(data, prefix=step.name, initial={c.path: c.raw(row) for c, _ in columns})
    for made in form.fields.values():
        if hasattr(made, "open"):
            made.open()
    return form


def facts(register: Register, row: models.Model) -> dict[str, Any]:
    return {c.path: c.raw(row) for c in register.inputs}


def same(old: Any, new: Any) -> bool:
    """A sheet keeps 16 digits of a number, which is not a change."""
    if isinstance(old, float) and isinstance(new, float):
        return math.isclose(old, new, rel_tol=1e-12)
    return old == new


def save(form: RowForm, before: dict[str, Any] | None) -> bool:
    """Save a checked form with one journal line, or open its case; False when nothing was changed."""
    register, row = form.register, form.instance
    if before is None and isinstance(row, Case):
        form.instance = (register.act or open_case)(row)
        return True
    after = facts(register, row)
    changed = {k: v for k, v in after.items() if before is None or not same(before.get(k), v)}
    if not changed:
        return False
    with transaction.atomic():
        _store(form, new=before is None)
        old = {k: before[k] for k in changed} if before is not None else None
        verb, word = ("created", "新增") if before is None else ("changed", "修改")
        text = f"{word}{register.title}:{row}"
        journal.write(f"{register.name}.{verb}", row, text=text, before=old, after=changed, area=register.area_of(row))
    return True


def _store(form: RowForm, new: bool) -> None:
    """A new row is only ever added: it never takes the place of one that has its key."""
    try:
        with transaction.atomic():
            form.instance.save(force_insert=new)
    except IntegrityError as fault:
        raise Refused("相同编号或相同内容的记录已存在,没有保存") from fault
