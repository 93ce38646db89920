"""A figure on the desk is a register and a filter: counted here, opened there, the same rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from anlan.kernel.indicators import indicator
from anlan.kernel.registers import find


@dataclass(frozen=True)
class Figure:
    """A number, its words, and the address of exactly the rows that it counts."""

    label: str
    value: int | str
    unit: str
    href: str
    definition: str
    alert: bool = False


def counted(register: str, where: dict[str, Any], label: str, unit: str, definition: str, *, alert: bool = False) -> Figure:
    """The rows of a register under these filters."""
    book = find(register)
    n = book.rows(where).order_by().count()
    return Figure(label, n, unit, book.url(where), definition, alert and n > 0)


def shown(name: str, *, alert: bool = False) -> Figure:
    """A declared indicator."""
    number = indicator(name).number()
    value = number["value"]
    return Figure(number["label"], value, number["unit"], number["href"], number["definition"], alert and value > 0)
