"""A filter over columns of plain values: the observed properties, and readings, of which there may be millions."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .entities import BY_NAME, field_of
from .tree import Both, Call, Literal, Many, Node, Not, Path, is_void, parts_of

PLAIN: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq, "ne": operator.ne, "gt": operator.gt, "ge": operator.ge, "lt": operator.lt, "le": operator.le,
    "add": operator.add, "sub": operator.sub, "mul": operator.mul,
}  # fmt: skip
Columns = Mapping[str, NDArray[Any]]
Beyond = Callable[[Node], "NDArray[np.bool_] | None"]


def mask(node: Node, kind: str, columns: Columns, count: int, beyond: Beyond = lambda node: None) -> NDArray[np.bool_]:
    """(count,): where the condition holds. ``beyond`` answers what is asked of linked entities."""
    if (known := beyond(node)) is not None:
        return known
    match node:
        case Many():
            parts = [mask(part, kind, columns, count, beyond) for part in node.parts]
            return (np.logical_and if node.name == "and" else np.logical_or).reduce(parts)
        case Not():
            return ~mask(node.part, kind, columns, count, beyond)
    if any(map(is_void, parts_of(node))):
        both = isinstance(node, Both) and all(map(is_void, parts_of(node)))
        return np.full(count, isinstance(node, Both) and both == (node.name == "eq") and node.name in ("eq", "ne"))
    return np.broadcast_to(np.asarray(_value(node, kind, columns), bool), (count,))


def _value(node: Node, kind: str, columns: Columns) -> Any:
    match node:
        case Literal():
            return _ms(node.value) if isinstance(node.value, datetime) else node.value
        case Path():
            field = field_of(BY_NAME[kind], node.parts)
            assert field is not None
            return columns[field.reads]
        case Both():
            left, right = _value(node.left, kind, columns), _value(node.right, kind, columns)
            if node.name == "div":
                with np.errstate(divide="ignore", invalid="ignore"):
                    return np.divide(left, np.where(np.asarray(right) == 0, np.nan, right))
            return PLAIN[node.name](left, right)
        case Call():
            return CALLS[node.name](*(_value(part, kind, columns) for part in node.given))
    raise AssertionError(node)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _each(work: Callable[..., Any], count: int) -> Callable[..., Any]:
    return np.frompyfunc(work, count, 1)


def _of_day(unit_ms: int, whole: int) -> Callable[[Any], Any]:
    return lambda at: np.asarray(at) // unit_ms % whole


def _calendar(at: Any, unit: str) -> Any:
    return np.asarray(at, "datetime64[ms]").astype(f"datetime64[{unit}]")


CALLS: dict[str, Callable[..., Any]] = {
    "contains": _each(lambda hay, needle: needle in hay, 2), "substringof": _each(lambda needle, hay: needle in hay, 2),
    "startswith": _each(str.startswith, 2), "endswith": _each(str.endswith, 2), "tolower": _each(str.lower, 1), "toupper": _each(str.upper, 1),
    "trim": _each(str.strip, 1), "length": _each(len, 1), "concat": _each(operator.add, 2),
    "year": lambda at: _calendar(at, "Y").astype(int) + 1970, "month": lambda at: _calendar(at, "M").astype(int) % 12 + 1,
    "day": lambda at: (_calendar(at, "D") - _calendar(at, "M")).astype(int) + 1,
    "hour": _of_day(3_600_000, 24), "minute": _of_day(60_000, 60), "second": _of_day(1000, 60),
    "round": lambda value: np.floor(np.abs(value) + 0.5) * np.sign(value), "floor": np.floor, "ceiling": np.ceil,
}  # fmt: skip
