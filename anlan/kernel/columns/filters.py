"""The narrowing of a register: one django-filter set for list, export, layer, interface and indicators."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import reduce
from operator import or_
from typing import Any, Protocol

import django_filters as df
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from anlan.kernel.people import ask, scope
from anlan.kernel.people.models import Area

from . import Undeclared
from .column import NO, YES, Column

FAR = {"min_value": -(10**15), "max_value": 10**15}
LONG = 200


class Declared(Protocol):
    """What a register says of itself that matters here."""

    name: str
    model: type[models.Model]
    search: str
    filters: str
    area: str

    @property
    def masked_fields(self) -> tuple[str, ...]: ...


def in_span(typed: date) -> None:
    """A date that somebody types lies where calendars and databases agree."""
    if not 1900 <= typed.year <= 2199:
        raise ValidationError(f"{typed.year}年不在1900年至2199年之间")


def bounded(form: forms.BaseForm) -> None:
    """Refuse, at its field, every date of a form that is out of all bounds."""
    for made in form.fields.values():
        if isinstance(made, (forms.DateField, forms.DateTimeField)):
            made.validators.append(in_span)


class Tree(forms.Select):
    """Districts and towns in the asker's reach, drawn in one go because the stock widget is slow with hundreds."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        rows = [("", "全部区域"), *((a.code, ("　" if a.level == "town" else "") + a.name) for a in areas())]
        options = ((c, " selected" if c == value else "", n) for c, n in rows)
        return format_html(
            '<select name="{}">{}</select>', name, format_html_join("", '<option value="{}"{}>{}</option>', options)
        )


def areas() -> models.QuerySet[Area]:
    reach = [scope.within("code", r.area) for r in scope.current().reaches or (scope.Reach("", ""),)]
    rows = Area.objects.filter(reduce(or_, reach), level__in=("district", "town"))
    return rows.only("code", "name", "level").order_by("code")


class InArea(df.Filter):
    """A district's filter holds its towns and villages."""

    field_class = forms.CharField

    def __init__(self, column: str, label: str = "区域") -> None:
        super().__init__(
            column, label=label, widget=Tree, validators=[RegexValidator(r"^\d{12}$", "区划代码为 12 位数字")]
        )

    def filter(self, rows: models.QuerySet, value: str) -> models.QuerySet:
        return rows.filter(scope.within(self.field_name, scope.prefix(value))) if value else rows


class AnyOf(df.MultipleChoiceFilter):
    def filter(self, rows: models.QuerySet, value: list) -> models.QuerySet:
        return rows.filter(**{f"{self.field_name}__in": value}) if value else rows


class YesNo(df.ChoiceFilter):
    def __init__(self, column: str, **more: Any) -> None:
        super().__init__(column, choices=[("true", YES), ("false", NO)], empty_label="全部", **more)

    def filter(self, rows: models.QuerySet, value: str) -> models.QuerySet:
        return rows.filter(**{self.field_name: value == "true"}) if value else rows


class Day(df.Filter):
    """From or up to a day of the city's calendar, the day itself included."""

    field_class = forms.DateField

    def __init__(self, column: str, end: bool, moment: bool, **more: Any) -> None:
        super().__init__(column, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"), validators=[in_span], **more)
        self.end, self.moment = end, moment

    def filter(self, rows: models.QuerySet, value: date | None) -> models.QuerySet:
        if value is None:
            return rows
        edge: Any = value + timedelta(days=1) if self.end else value
        if self.moment:
            edge = timezone.make_aware(datetime.combine(edge, time()))
        return rows.filter(**{f"{self.field_name}__{'lt' if self.end else 'gte'}": edge})


class Words(df.CharFilter):
    """Every word must be found in one of the searched fields."""

    def __init__(self, paths: tuple[str, ...], **more: Any) -> None:
        super().__init__(label="搜索", max_length=LONG, **more)
        self.paths = paths

    def filter(self, rows: models.QuerySet, value: str) -> models.QuerySet:
        for word in (value or "").split()[:8]:
            rows = rows.filter(reduce(or_, (Q(**{f"{p}__icontains": word}) for p in self.paths)))
        return rows


def for_column(column: Column) -> dict[str, df.Filter]:
    """The filters of one declared column, by the parameter that sets each."""
    name, field, label = column.path, column.field, {"label": column.label}
    if field is None:
        raise Undeclared(f"register {column.register}: cannot filter by {name}, which is no field")
    if column.choices:
        return {name: AnyOf(name, choices=list(column.choices.items()), **label)}
    if isinstance(field, models.BooleanField):
        return {name: YesNo(name, **label)}
    if isinstance(field, models.DateField):
        moment = isinstance(field, models.DateTimeField)
        since, until = {"label": f"{column.label}自"}, {"label": f"{column.label}至"}
        return {f"{name}_after": Day(name, False, moment, **since), f"{name}_before": Day(name, True, moment, **until)}
    if column.target is Area:
        return {name: InArea(name, column.label)}
    if isinstance(field, models.ForeignKey):
        whole = isinstance(field.target_field, models.IntegerField)
        return {name: df.NumberFilter(name, **FAR, **label) if whole else df.CharFilter(name, max_length=LONG, **label)}
    if isinstance(field, (models.IntegerField, models.FloatField, models.DecimalField)):
        low, high = {"label": f"{column.label}不低于"}, {"label": f"{column.label}不高于"}
        return {
            name: df.NumberFilter(name, **FAR, **label),
            f"{name}_min": df.NumberFilter(name, "gte", **FAR, **low),
            f"{name}_max": df.NumberFilter(name, "lte", **FAR, **high),
        }
    return {name: df.CharFilter(name, "iexact", max_length=LONG, **label)}


def compile_set(register: Declared, full: bool) -> type[df.FilterSet]:
    """The filter set of a register; masked fields answer nobody who may not read them."""
    hidden = () if full else register.masked_fields
    made: dict[str, Any] = {}
    if paths := tuple(p for p in register.search.split() if p not in hidden):
        made["q"] = Words(paths)
    for name in register.filters.split():
        if name == "area" and register.area:
            made["area"] = InArea(register.area)
        elif name not in hidden:
            made |= for_column(Column.read(register.name, register.model, name))
    return type("Narrow", (df.FilterSet,), made)


def asked(params: Any) -> QueryDict:
    """Parameters as an address carries them, from a request or from a plain mapping."""
    if isinstance(params, QueryDict):
        return params
    found = QueryDict(mutable=True)
    for name, value in (params or {}).items():
        values = value if isinstance(value, (list, tuple, set, frozenset)) else [value]
        found.setlist(name, [_typed(v) for v in values])
    return found


def _typed(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return timezone.localtime(value).date().isoformat()
    return value.isoformat() if isinstance(value, date) else str(getattr(value, "pk", value))


def sees_full() -> bool:
    return ask.sees_personal(scope.current())
