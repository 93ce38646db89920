"""A set of real readings as gateways would send it, and the alarms that it must raise, found by the plainest reading of its limits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

AREA = "370212001000"
"""The town under which everything here is declared; the demo city has no rivers of Texas."""
VERSION = "real"
"""Of the rules here; the demo city has rules of its own for rain and wind."""
RULE = {"hazard": "实测", "source": "测量程序", "confidence": "试验", "version": VERSION, "since": "2010-01-01"}

Series = Sequence[tuple[datetime, float]]


class Limit(NamedTuple):
    """Reached at ``amount``, over below ``clear``."""

    level: int
    amount: float
    clear: float


class Stood(NamedTuple):
    """That a limit was reached; ``ended`` is None when it still stands. Times are epoch seconds."""

    sensor: str
    level: int
    began: float
    ended: float | None
    first: float
    peak: float


@dataclass
class Set:
    """``network`` is what ``anlan sensing load`` takes; each of ``bodies`` is what a gateway sends at once, in order."""

    name: str
    network: dict[str, Any]
    bodies: list[Any]
    wanted: list[Stood]
    readings: int


def words(body: Any) -> set[int]:
    """The places of a body where no figure stands: they must be refused, and nothing else."""
    values = body["value"] if isinstance(body, dict) else [one["value"] for one in body]
    return {place for place, value in enumerate(values) if not isinstance(value, float)}


def stood(sensor: str, series: Series, limit: Limit) -> list[Stood]:
    """Each time that a series stood at a limit, whatever it is at others: a graver one must not end below a lighter one."""
    found: list[Stood] = []
    began: datetime | None = None
    first = peak = 0.0
    for at, value in series:
        if began is None and value >= limit.amount:
            began, first, peak = at, value, value
        elif began is not None and value < limit.clear:
            found.append(Stood(sensor, limit.level, began.timestamp(), at.timestamp(), first, peak))
            began = None
        peak = max(peak, value)
    if began is not None:
        found.append(Stood(sensor, limit.level, began.timestamp(), None, first, peak))
    return found


def number(text: str) -> float | str:
    """What stands there; words stay words."""
    try:
        return float(text)
    except ValueError:
        return text


def together(rows: Iterable[tuple[datetime, dict[str, Any]]], seconds: int) -> list[list[dict[str, Any]]]:
    """Readings by the stretches of so many seconds in which they came; those at its end belong to it."""
    found: dict[float, list[dict[str, Any]]] = defaultdict(list)
    for at, one in sorted(rows, key=lambda row: row[0]):
        found[-(-at.timestamp() // seconds)].append(one)
    return list(found.values())


def reading(sensor: str, at: datetime, value: float | str) -> dict[str, Any]:
    return {"sensor": sensor, "time": at.isoformat(), "value": value}


def rules(limits: Mapping[str, Sequence[Limit]], quantity: str, **more: Any) -> list[dict[str, Any]]:
    """Limits of single sensors, as rules of a file."""
    return [
        {**RULE, "sensor": sensor, "quantity": quantity, "level": limit.level, "amount": limit.amount, "clear": limit.clear, **more}
        for sensor, those in limits.items()
        for limit in those
    ]
