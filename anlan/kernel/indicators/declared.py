"""A number on a screen is a register and a filter: it opens the very rows that it counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db.models import Sum

from anlan.kernel.columns.column import Column, Undeclared
from anlan.kernel.registers.register import Register, find

INDICATORS: dict[str, Indicator] = {}


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
    """("sum", field) adds a field of the rows up instead of counting them."""
    state: str = ""

    def __post_init__(self) -> None:
        if self.name in INDICATORS:
            raise Undeclared(f"indicator {self.name} is declared twice")
        if not self.definition:
            raise Undeclared(f"indicator {self.name} has no definition (口径)")
        INDICATORS[self.name] = self

    @property
    def book(self) -> Register:
        return find(self.register)

    def params(self) -> dict[str, Any]:
        return {name: value() if callable(value) else value for name, value in self.where.items()}

    def check(self) -> None:
        """Everything named must exist: called when all declarations are read."""
        known = self.book._sets[True].base_filters
        if odd := [n for n in self.where if n not in known]:
            raise Undeclared(
                f"indicator {self.name}: {', '.join(odd)} is no filter of register {self.register} ({', '.join(known)})"
            )
        kind, name = self.measure
        if kind not in ("count", "sum") or (kind == "sum") != bool(name):
            raise Undeclared(f"indicator {self.name}: measure is ('count', '') or ('sum', field)")
        if name:
            Column.read(self.register, self.book.model, name)

    def value(self) -> int | float:
        rows, narrowed = self.book.narrow(self.params())
        if narrowed.errors:
            raise ValueError(f"indicator {self.name}: {narrowed.errors.as_text()}")
        if self.measure[0] == "count":
            return rows.order_by().count()
        return rows.order_by().aggregate(total=Sum(self.measure[1]))["total"] or 0

    def href(self) -> str:
        return self.book.url(self.params())

    def number(self) -> dict[str, Any]:
        """The figure as every screen shows it."""
        return {
            "name": self.name, "label": self.label, "value": self.value(), "unit": self.unit,
            "href": self.href(), "definition": self.definition, "state": self.state,
        }  # fmt: skip


def indicator(name: str) -> Indicator:
    if name not in INDICATORS:
        raise Undeclared(f"no indicator is called {name!r}")
    return INDICATORS[name]


def seen() -> list[Indicator]:
    """The indicators whose registers the present asker may open."""
    return [one for one in INDICATORS.values() if one.book.visible()]
