"""The declaration. A room says what its register is; everything else is compiled from that, once, when first needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from operator import or_
from typing import Any

import django_filters
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import models
from django.http import Http404
from django.urls import reverse

from anlan.kernel.cases.flow import Move
from anlan.kernel.cases.models import Case
from anlan.kernel.columns import Undeclared
from anlan.kernel.columns.column import Column
from anlan.kernel.columns.filters import asked, compile_set, sees_full
from anlan.kernel.people import scope
from anlan.kernel.people.roles import READERS, ROLES
from anlan.kernel.places import near

ALL: dict[str, Register] = {}
PER_PAGE = 50
MANY = 10_000
PAGES = ("indicators", "near")
"""Addresses beside the registers' own."""
PLUMBING = ("world", "rule", "turn", "digest", "token", "user", "sealed", "wide", "cause_type", "cause_id", "stale")


@dataclass(eq=False)
class Register:
    """``Register(Enterprise, columns="name area kind", filters="area kind", search="name", write=("flood_office",))``"""

    model: type[models.Model]
    columns: str
    filters: str = ""
    search: str = ""
    point: str = ""
    """Two fields, longitude and latitude: the register is a layer of the map."""
    group: str = "其他"
    see: str | tuple[str, ...] = READERS
    write: str | tuple[str, ...] = ()
    """Roles, as a tuple or as words."""
    opens: str | tuple[str, ...] = ()
    """Roles that open a case by its form; ``form`` then names what they fill in. Afterwards only its moves change it."""
    papers: str | tuple[str, ...] = ()
    """Roles that add attachments to rows which no form writes."""
    act: Callable[[Any], Any] | None = None
    """The act that opens a case from the form, where more belongs to it than the opening; it gives back the row that stands."""
    masked: str = ""
    order: str = ""
    title: str = ""
    name: str = ""
    family: str = ""
    """The family of the map's layers that this register stands in."""
    form: str = ""
    """Fields of the form and the sheet, when not every editable field is meant."""
    sums: str = ""
    """Columns whose sum over all rows found stands in the foot of the list."""
    unsummed: str = ""
    """Columns of numbers that are never added up, for the sum would say nothing; nor are places and what is worded."""
    worded: Mapping[str, str] = field(default_factory=dict)
    """Column → the attribute of a row that says it to people, where each row has a unit of its own. Machines read the number, sheets have both."""
    value: str = ""
    """The column that a marker on the map shows as its figure."""
    standing: Mapping[str, Any] = field(default_factory=dict)
    """A filter: what of the register the wall's map shows, where not all of it stands."""
    join: str = ""
    """More relations to fetch with each row, such as what ``__str__`` of a column's row needs."""
    tries: str = ""
    """The page that tries what stands in the form before it is saved, by its name: it is given the form as it was filled in."""
    face: str = ""
    """The page on which a row is looked at, by its name, where its page in the register tells less: names of rows lead there."""
    gather: str = ""
    """Relations to many rows that a column reads, fetched once for all rows of a page or sheet."""
    area: str = field(default="area_id", kw_only=True)
    """The way to the 12-digit area code; "" where rows belong to no area."""
    city: bool = field(default=False, kw_only=True)
    """Only roles that reach over the whole city open it."""

    def __post_init__(self) -> None:
        self.see, self.write, self.opens, self.papers = _words(self.see), _words(self.write), _words(self.opens), _words(self.papers)
        self.name = self.name or str(self.model._meta.model_name)
        self.title = self.title or str(self.model._meta.verbose_name)
        if self.area == "area_id":
            has = any(f.attname == "area_id" for f in self.model._meta.concrete_fields)
            self.area = getattr(self.model, "scope_area", "area_id" if has else "")
        self._check()
        ALL[self.name] = self
        if self.point:
            near.SOURCES[self.name] = self

    def _check(self) -> None:
        if self.name in PAGES:
            raise Undeclared(f"register {self.name}: that is the address of a page; give it name=…")
        if ALL.get(self.name, self).model is not self.model:
            raise Undeclared(f"register {self.name} is declared twice; give one of them name=…")
        if odd := {*self.see, *self.write, *self.opens, *self.papers} - set(ROLES):
            raise Undeclared(f"register {self.name}: unknown roles {sorted(odd)}")
        if self.write and issubclass(self.model, scope.Scoped):
            raise Undeclared(f"register {self.name}: an operating record is written by its acts, not by a form")
        if self.is_case and not hasattr(self.model, "flow"):
            raise Undeclared(f"register {self.name}: {self.model.__name__} is a case, but names no flow")
        if self.opens and not (self.is_case and self.form):
            raise Undeclared(f"register {self.name}: only a case is opened, by the fields that form=… names")
        if self.point and len(self.point.split()) != 2:
            raise Undeclared(f"register {self.name}: point names two fields, not {self.point!r}")
        single = (self.search, self.point, self.order.replace("-", ""), self.masked, self.form, self.value, self.sums, self.unsummed, *self.worded)
        for path in " ".join(single).split():
            if Column.read(self.name, self.model, path).field is None:
                raise Undeclared(f"register {self.name}: {path} is no field")
        for move in self.model.flow.moves if issubclass(self.model, Case) else ():
            for path in move.asked:
                if Column.read(self.name, self.model, path).field is None:
                    raise Undeclared(f"register {self.name}: move {move.name} asks for {path}, which is no field")
            if move.owner and not hasattr(self.model, f"{move.owner}_id"):
                raise Undeclared(f"register {self.name}: the unit of move {move.name}, {move.owner}, is no field that names one")
        for limit in self.model.flow.limits if issubclass(self.model, Case) else ():
            if lost := [name for name in (limit.by, limit.since) if name and not hasattr(self.model, name)]:
                raise Undeclared(f"register {self.name}: the limit on {limit.state} reads {lost[0]}, which is no field")
        self.heads  # noqa: B018  reads and checks every column
        compile_set(self, True)

    # what it is made of

    @cached_property
    def masked_fields(self) -> tuple[str, ...]:
        return tuple(self.masked.split())

    @cached_property
    def heads(self) -> tuple[Column, ...]:
        return tuple(Column.read(self.name, self.model, spec, self.masked_fields, self.worded) for spec in self.columns.split())

    @property
    def summed(self) -> tuple[Column, ...]:
        """The columns whose numbers may be added up."""
        apart = {*self.unsummed.split(), *self.point.split(), *self.worded}
        return tuple(c for c in self.heads if c.number and not c.masked and c.path not in apart)

    @cached_property
    def fields(self) -> tuple[Column, ...]:
        """Every field of a row, for its own page."""
        names = [f.name for f in self.model._meta.concrete_fields if f.name not in PLUMBING]
        own = [Column.read(self.name, self.model, n, self.masked_fields, self.worded) for n in names]
        return (*own, *(c for c in self.heads if c.path not in names))

    @cached_property
    def inputs(self) -> tuple[Column, ...]:
        """The fields that a person may fill in."""
        plain = [
            f.name
            for f in self.model._meta.concrete_fields
            if f.editable
            and not isinstance(f, (models.AutoField, models.JSONField, models.BinaryField, models.FileField))
        ]
        return tuple(Column.read(self.name, self.model, n, self.masked_fields) for n in self.form.split() or plain)

    @cached_property
    def lonlat(self) -> tuple[str, str]:
        lon, lat = self.point.split()
        return lon, lat

    @cached_property
    def _sets(self) -> dict[bool, type[django_filters.FilterSet]]:
        return {full: compile_set(self, full) for full in (True, False)}

    @property
    def filterset(self) -> type[django_filters.FilterSet]:
        """The filter set for the present asker."""
        return self._sets[sees_full()]

    def counting(self, names: tuple[str, ...]) -> type[django_filters.FilterSet]:
        """The filter set with these filters alone: what is only counted needs no form of all of them."""
        whole = self.filterset
        if (known := self._parts.get((whole, names))) is None:
            known = type("Part", (whole,), {})
            known.base_filters = {name: made for name, made in whole.base_filters.items() if name in names}
            self._parts[whole, names] = known
        return known

    @cached_property
    def _parts(self) -> dict[tuple[type[django_filters.FilterSet], tuple[str, ...]], type[django_filters.FilterSet]]:
        return {}

    @cached_property
    def joins(self) -> tuple[str, ...]:
        points = {path.rpartition("__")[0] for path in self.point.split()}
        return tuple(sorted(({c.joins for c in self.heads} | points | set(self.join.split())) - {""}))

    @property
    def is_case(self) -> bool:
        return issubclass(self.model, Case)

    @property
    def steps(self) -> tuple[Move, ...]:
        """The moves of its cases that people take; what only the clock does is left out."""
        moves = self.model.flow.moves if self.is_case else ()  # type: ignore[attr-defined]
        return tuple(m for m in moves if not m.roles or set(m.roles) & set(ROLES))

    # who may

    def visible(self) -> bool:
        """May the present asker open this register at all?"""
        return self._held(scope.current(), _words(self.see))

    def _held(self, who: scope.Scope, roles: tuple[str, ...]) -> bool:
        return who.can(*roles, area=scope.ROOT) if self.city or who.system else bool(who.roles & set(roles))

    def writable(self) -> bool:
        """May the present asker write rows here? Never inside a drill, and never into operating records.

        Rows that belong to no area are the whole city's: a role over a part of it does not write them.
        """
        who, roles = scope.current(), _words(self.write)
        return bool(roles) and who.world.actual and (self._held(who, roles) if self.area else who.can(*roles, area=scope.ROOT))

    def openable(self) -> bool:
        """May the present asker open a case here? In a drill too: a case belongs to its world."""
        who = scope.current()
        return bool(self.opens) and not who.world.closed and self._held(who, _words(self.opens))

    def may_write(self, row: models.Model) -> bool:
        return self.writable() and (not self.area or scope.current().can(*self.write, area=self.area_of(row)))

    def area_of(self, row: models.Model) -> str:
        value: Any = row
        for part in self.area.split("__") if self.area else ():
            value = getattr(value, part)
        return str(value) if self.area else scope.ROOT

    # rows

    def seen(self) -> models.QuerySet:
        """The rows that the present asker sees here: by world, and by the areas of the roles that open this register."""
        who = scope.current()
        if not self.visible():
            return self.model._base_manager.none()
        return self.reached(who.by(self.see))

    def reached(self, who: scope.Scope) -> models.QuerySet:
        """The rows in the reach of an asker, whichever roles the reach comes from.

        Who reaches over the whole city is not asked for the area of each row: the range would only mislead the planner.
        """
        few = scope.for_few(self.model, who)
        if any(r.area in ("", scope.prefix(scope.ROOT)) and not r.unit for r in who.reaches or ()):
            who = replace(who, reaches=None)
        with scope.entered(who):
            rows = self.model._default_manager.filter(few)
        if issubclass(self.model, scope.Placed):
            return rows
        if any(f.name == "world" for f in self.model._meta.concrete_fields):
            rows = rows.filter(world_id=who.world.pk)
        if self.area and who.reaches is not None:
            rows = rows.filter(reduce(or_, [scope.within(self.area, r.area) for r in who.reaches], models.Q(pk__in=())))
        return rows

    def narrow(self, params: Any) -> tuple[models.QuerySet, django_filters.FilterSet]:
        """The rows under these parameters, and the filters with what was wrong in them."""
        narrowed = self.filterset(asked(params), self.seen())
        order = asked(params).get("order", "")
        return narrowed.qs.order_by(*self.ordering(order)), narrowed

    def rows(self, params: Any = None) -> models.QuerySet:
        """The one query behind list, sheet, layer, interface and indicators."""
        return self.narrow(params)[0]

    def ordering(self, asked_for: str = "") -> tuple[str, ...]:
        """The order asked for, if a column of the register can be sorted by; ends with the key, so that pages hold still."""
        full = sees_full()
        allowed = {c.path for c in self.heads if c.sortable and (full or not c.masked)}
        given = (
            (asked_for,)
            if asked_for.lstrip("-") in allowed and not asked_for.startswith("--")
            else tuple(self.order.split())
        )
        given = tuple(o for o in given if full or o.lstrip("-") not in self.masked_fields)
        return (*given, "-pk" if given and given[-1].startswith("-") else "pk")

    def page(self, rows: models.QuerySet, number: Any, exact: bool = True, size: int = PER_PAGE) -> tuple[list[models.Model], Any]:
        """One page: keys first, so that joins touch fifty rows and not all; a long search is counted up to a limit."""
        keys = Capped(rows.values_list("pk", flat=True), size, exact=exact).get_page(number)
        return self.fetch(rows, list(keys)), keys

    def fetch(self, rows: models.QuerySet, keys: list[Any]) -> list[models.Model]:
        found = rows.order_by().select_related(*self.joins).prefetch_related(*self.gather.split()).in_bulk(keys) if keys else {}
        return [found[key] for key in keys if key in found]

    def totals(self, rows: models.QuerySet) -> dict[str, Any]:
        """The declared sums over all of these rows."""
        return rows.order_by().aggregate(**{path: models.Sum(path) for path in self.sums.split()}) if self.sums else {}

    def find(self, pk: Any) -> models.Model:
        """One row, or 404: what is not there, not mine or not of this world looks the same."""
        try:
            key = self.model._meta.pk.to_python(pk)
            row = self.seen().select_related(*self.joins).filter(pk=key).first()
        except (ValidationError, ValueError, OverflowError):
            row = None
        if row is None:
            raise Http404(f"没有找到这条{self.title}记录,或不在您的查看范围内")
        return row

    # addresses

    def url(self, params: Mapping[str, Any] | None = None) -> str:
        query = asked(params).urlencode()
        return address("list", self.name) + (f"?{query}" if query else "")

    def link(self, row: models.Model | Any) -> str:
        return address("detail", self.name, getattr(row, "pk", row))


def _words(given: str | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(given.split()) if isinstance(given, str) else tuple(given)


class Capped(Paginator):
    """A paginator that stops counting a search after a while: nobody reads page two hundred of a search."""

    def __init__(self, rows: models.QuerySet, size: int, *, exact: bool) -> None:
        super().__init__(rows, size)
        self.exact = exact

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        rows = rows.order_by()
        return rows.count() if self.exact else rows[: MANY + 1].count()

    @property
    def more(self) -> bool:
        return not self.exact and self.count > MANY


def address(view: str, *parts: Any) -> str:
    """The address of a page in the present world, also where no request has set the world's prefix."""
    path, here = reverse(f"registers:{view}", args=parts), scope.maybe()
    prefix = here.world.prefix if here else ""
    return path if not prefix or path.startswith(prefix + "/") else prefix + path


def find(name: str) -> Register:
    if name not in ALL:
        raise Undeclared(f"no register is called {name!r}; there are {', '.join(sorted(ALL))}")
    return ALL[name]


def of(model: type[models.Model]) -> Register | None:
    """The first register declared over a model."""
    return next((r for r in ALL.values() if r.model is model), None)


def href_of(label: str, pk: str) -> str:
    """Where a journal subject opens, for the live feed; "" when it has no page."""
    book = _first.get(label)
    if book is None or ALL.get(book.name) is not book:
        book = next((r for r in list(ALL.values()) if r.model._meta.label_lower == label), None)
        if book is not None:
            _first[label] = book
    return book.link(pk) if book is not None and pk else ""


_first: dict[str, Register] = {}
