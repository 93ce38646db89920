"""What was read: the log of a world, as arrays."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import numpy as np
from django.db.models import QuerySet, Sum
from numpy.typing import NDArray

from anlan.kernel.worlds.models import World

from . import history
from .logged import counts, unpack
from .models import Batch, Sensor
from .parts import ACROSS


class Read(NamedTuple):
    """Readings (n,) sorted by sensor id and time; each moment of a sensor once, as it came first."""

    sensor: NDArray[np.int32]
    at: NDArray[np.int64]
    """ms since 1970 UTC"""
    value: NDArray[np.float64]


def between(world: World, since: datetime, until: datetime, sensors: Iterable[int] | None = None) -> Read:
    """What was observed in (since, until], of these sensors or of all."""
    start, end = _ms(since), _ms(until)
    wanted = None if sensors is None else np.fromiter(sensors, np.int32)
    parts = []
    for batch in _logged(world).filter(last_ms__gt=start, first_ms__lte=end).order_by("part", "number").iterator(100):
        sensor, at, value, fate = unpack(batch)
        use = (at > start) & (at <= end) & counts(fate)
        if wanted is not None:
            use &= np.isin(sensor, wanted)
        parts.append((sensor[use], at[use], value[use]))
    ids = (0, 2**31 - 1) if wanted is None else (int(wanted.min(initial=2**31 - 1)), int(wanted.max(initial=0)))
    sensor, at, value = history.between(world, start + 1, end + 1, ids)
    use = np.ones(len(at), bool) if wanted is None else np.isin(sensor, wanted)
    parts.insert(0, (sensor[use], at[use], value[use]))
    if not any(len(at) for _, at, _ in parts):
        return Read(np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0))
    return _in_order(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _logged(world: World) -> QuerySet[Batch]:
    """The log of a world. What sites are compared by is there a second time, and left out."""
    return Batch.objects.filter(world=world, count__gt=0).exclude(part=ACROSS)


def span(world: World, sensor: int) -> tuple[int, int] | None:
    """When the first and the newest reading of a sensor were made, ms; None before the first."""
    found = list(history.span(world, sensor) or ())
    for batch in _logged(world).order_by("part", "number").iterator(100):
        ids, at, _, fate = unpack(batch)
        mine = at[(ids == sensor) & counts(fate)]
        found += [int(mine.min()), int(mine.max())] if len(mine) else []
    return (min(found), max(found)) if found else None


def _in_order(sensor: NDArray[np.int32], at: NDArray[np.int64], value: NDArray[np.float64]) -> Read:
    order = np.lexsort((at, sensor))
    sensor, at, value = sensor[order], at[order], value[order]
    first = np.ones(len(at), bool)
    first[1:] = (sensor[1:] != sensor[:-1]) | (at[1:] != at[:-1])
    return Read(sensor[first], at[first], value[first])


def of_quantity(quantity: str) -> dict[int, Sensor]:
    """All sensors of a quantity, by id: what the gauges of a city read is shown to everybody in it."""
    return Sensor.everywhere.filter(quantity=quantity).select_related("station").in_bulk()


def count(world: World) -> int:
    """How many readings the log holds."""
    return _logged(world).aggregate(n=Sum("kept"))["n"] or 0


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
