"""A number on a screen is a register and a filter: it opens the very rows that it counts."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from django.db import models

from anlan.kernel.columns import Undeclared
from anlan.kernel.columns.column import Column
from anlan.kernel.columns.filters import asked
from anlan.kernel.registers.register import ALL, Register, address, find

from .measures import MEASURES, Number, covering

log = logging.getLogger(__name__)
INDICATORS: dict[str, Indicator] = {}
Period = tuple[date, date]
"""The first and the last day, both included."""


@dataclass(eq=False)
class Indicator:
    """``Indicator("flood.silent", "未应答", register="addressee", where={"state": "waiting"}, unit="人", definition="…")``"""

    name: str
    label: str
    register: str
    where: dict[str, Any] = field(default_factory=dict)
    """Filters of the register, as its page takes them; a callable is asked when the number is read."""
    unit: str = ""
    definition: str = ""
    measure: tuple[str, str] = ("count", "")
    """A way of ``MEASURES`` and the field that it reads: ("sum", "people") adds up, ("distinct", "unit") tells how many
    different ones, ("covered", "area") how many per hundred of the master list have a row, ("kept", "") how many per
    hundred of the cases kept their terms, ("days", "held_on") how long ago the newest was."""
    model: Callable[[models.QuerySet], Number] | None = None
    """What makes the number of the rows, where ``measure`` is ("model", "")."""
    of: tuple[str, dict[str, Any]] | None = None
    """The master list of a share: a register and its filters."""
    least: int = 1
    """How many rows each of the master list must have."""
    when: str = ""
    """The date field by which a period narrows the rows; without one they count whenever they were made."""
    per: str = ""
    """``quarter``: only the rows of the running quarter count."""
    aim: str = ""
    """The words of a plan's target that it measures, ``*`` standing for the number: ``*地震应急避难场所``; several with |."""
    turn: str = ""
    """The words of a plan's measure whose turns it judges, such as what must be done each quarter."""
    zero: str = ""
    """The goal that is broken as soon as it counts one."""
    state: str = ""

    def __post_init__(self) -> None:
        if self.name in INDICATORS:
            raise Undeclared(f"indicator {self.name} is declared twice")
        if not self.definition:
            raise Undeclared(f"indicator {self.name} has no definition (口径)")
        kind, name = self.measure
        way = MEASURES.get(kind)
        if (kind == "model") != (self.model is not None):
            raise Undeclared(f"indicator {self.name}: ('model', '') needs model=…, and nothing else takes it")
        if way is None or way.field != bool(name) or way.list != bool(self.of):
            raise Undeclared(f"indicator {self.name}: measure is one of {', '.join(MEASURES)}, each with the field and the list that it needs")
        INDICATORS[self.name] = self

    @property
    def book(self) -> Register:
        return find(self.register)

    @property
    def list_register(self) -> Register:
        return find(self.of[0] if self.of else "")

    @property
    def path(self) -> str:
        """The field that it reads."""
        return self.measure[1]

    def params(self, period: Period | None = None, area: str = "") -> dict[str, Any]:
        """The filters of the page that shows exactly the rows counted."""
        found = _called(self.where)
        if self.per == "quarter" and period:
            period = (quarter_of(period[1])[0], period[1])
        if self.when and period:
            found |= {f"{self.when}_after": period[0], f"{self.when}_before": period[1]}
        return found | ({"area": area} if area else {})

    def check(self) -> None:
        """Everything named must exist: called when all declarations are read."""
        self._known(self.book, [*self.where, *([f"{self.when}_after", f"{self.when}_before"] if self.when else [])])
        kind, name = self.measure
        if name:
            self._readable(kind, Column.read(self.register, self.book.model, name))
        if MEASURES[kind].cases and not self.book.is_case:
            raise Undeclared(f"indicator {self.name}: register {self.register} holds no cases, so that nothing is kept in time")
        if self.of:
            self._known(self.list_register, list(self.of[1]))
        if self.turn and not self.when:
            raise Undeclared(f"indicator {self.name}: a turn is judged by its days, so that it needs when=…")
        for book, where in ((self.book, self.where), *([(self.list_register, self.of[1])] if self.of else [])):
            self._fits(book, {k: v for k, v in where.items() if not callable(v)})
        if self.per not in ("", "quarter") or (self.per and not self.when):
            raise Undeclared(f"indicator {self.name}: per is 'quarter', and needs when=…")

    def _readable(self, kind: str, column: Column) -> None:
        if column.field is None or (kind == "sum" and not column.number) or (kind == "days" and not isinstance(column.field, models.DateField)):
            raise Undeclared(f"indicator {self.name}: {kind} cannot read {column.path} of register {self.register}")

    def _known(self, book: Register, names: list[str]) -> None:
        known = book._sets[True].base_filters
        if odd := [n for n in names if n not in known]:
            raise Undeclared(f"indicator {self.name}: {', '.join(odd)} is no filter of register {book.name} ({', '.join(known)})")

    def _fits(self, book: Register, where: dict[str, Any]) -> None:
        """A filter takes only what its field can hold, such as a choice that exists."""
        narrowed = book._sets[True](asked(where), book.model._base_manager.none())
        if narrowed.errors:
            said = "; ".join(f"{k}={where.get(k)!r}: {'、'.join(map(str, v))}" for k, v in narrowed.errors.items())
            raise Undeclared(f"indicator {self.name}: register {book.name} cannot be narrowed by {said}")

    def rows(self, period: Period | None = None, area: str = "") -> models.QuerySet:
        return self._narrowed(self.book, self.params(period, area))

    def _narrowed(self, book: Register, params: dict[str, Any]) -> models.QuerySet:
        if unknown := set(params) - set(book.filterset.base_filters):
            raise ValueError(f"indicator {self.name}: {', '.join(sorted(unknown))} is no filter of register {book.name}")
        narrowed = book.counting(tuple(sorted(params)))(asked(params), book.seen())
        if narrowed.errors:
            raise ValueError(f"indicator {self.name}: {narrowed.errors.as_text()}")
        return narrowed.qs.order_by()

    def listed(self, area: str = "") -> models.QuerySet:
        """The rows of the master list."""
        return self._narrowed(self.list_register, _called(self.of[1] if self.of else {}) | ({"area": area} if area else {}))

    def masters(self, area: str = "") -> set[Any]:
        return set(self.listed(area).values_list("pk", flat=True))

    def missing(self, period: Period | None = None) -> set[Any]:
        """The keys of the master list that have too few rows."""
        whole = self.masters()
        return whole - covering(self, self.rows(period), whole)

    def value(self, period: Period | None = None, area: str = "") -> Number:
        """The number, or None where there is nothing to judge (an empty master list, no case ended yet)."""
        return MEASURES[self.measure[0]].read(self, self.rows(period, area))

    @cached_property
    def by_area(self) -> bool:
        """Can it be told for one district?"""
        return "area" in self.book._sets[True].base_filters and not self.of

    def href(self, period: Period | None = None, area: str = "") -> str:
        return self.book.url(self.params(period, area))

    @property
    def page(self) -> str:
        """Its own page: definition, parts, and what is missing."""
        return address("indicator", self.name)

    def number(self) -> dict[str, Any]:
        """The figure as every screen shows it; None where its filters no longer fit its register."""
        try:
            value = self.value()
        except (ValueError, Undeclared):
            log.exception("indicator %s cannot be computed", self.name)
            value = None
        return {
            "name": self.name, "label": self.label, "value": value, "unit": self.unit,
            "href": self.href(), "definition": self.definition, "state": self.state,
        }  # fmt: skip


def _called(where: dict[str, Any]) -> dict[str, Any]:
    return {name: value() if callable(value) else value for name, value in where.items()}


def quarter_of(day: date) -> Period:
    """The first and the last day of the day's quarter."""
    first = date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)
    after = date(first.year + first.month // 10, (first.month + 2) % 12 + 1, 1)
    return first, after - timedelta(days=1)


def indicator(name: str) -> Indicator:
    if name not in INDICATORS:
        raise Undeclared(f"no indicator is called {name!r}")
    return INDICATORS[name]


def seen() -> list[Indicator]:
    """The indicators whose registers the present asker may open."""
    return [one for one in list(INDICATORS.values()) if one.register in ALL and one.book.visible()]
