"""What a door does where workers judge: look at each reading, sort by part, and hand all to the bus."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np
from django.utils import timezone
from numpy.typing import NDArray

from anlan.engines.sense import wire
from anlan.engines.sense.layout import AHEAD_MS, Fate
from anlan.kernel.clock import now

from .. import book, parts
from ..models import Edition, Sensor
from . import bus

_sender: bus.Sender | None = None


@dataclass(frozen=True)
class Routes:
    """By sensor id: its part (0 where there is none), whether it is compared with other sites, its range."""

    part: NDArray[np.int64]
    across: NDArray[np.bool_]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def send(
    sensor: NDArray[np.int32], at: NDArray[np.int64], value: NDArray[np.float64], whence: NDArray[np.uint16], gateways: list[int]
) -> tuple[NDArray[np.uint8], list[Future[None]]]:
    """Hand readings (n,) to the bus: sensor ids, ms, values, which of the gateways each came from. The fate (n,) of each as
    far as it can be told here (what is old or repeated is found when it is judged), and what is done when the bus has them.
    Raises `bus.Unsent`."""
    global _sender
    _sender = _sender or bus.Sender()
    moment, routes = round(now().timestamp() * 1000), current()
    twice = np.flatnonzero(routes.across[sensor])
    part = np.concatenate([routes.part[sensor], np.full(len(twice), parts.ACROSS)])
    order = np.concatenate([np.arange(len(sensor)), twice])
    room, flying = _sender.room(), []
    for start in range(0, len(order), room):
        piece = order[start : start + room]
        flying.append(_sender.start(wire.build(
            _sender.door, _sender.next(), moment, part[start : start + room], np.array(gateways, np.int64), at[piece], value[piece],
            sensor[piece], whence[piece],
        )))  # fmt: skip
    return _fates(routes, sensor, at, value, moment), flying


def _fates(routes: Routes, sensor: NDArray[np.int32], at: NDArray[np.int64], value: NDArray[np.float64], moment: int) -> NDArray[np.uint8]:
    """As the judge says it (`twin.Round.quality`)."""
    fate = np.where(at > moment + AHEAD_MS, Fate.FUTURE, Fate.GOOD).astype(np.uint8)
    fate[(value < routes.low[sensor]) | (value > routes.high[sensor])] = Fate.RANGE
    fate[~np.isfinite(value)] = Fate.NAN
    return fate


def current() -> Routes:
    """The routes of today."""
    global _routes
    same = Edition.current(), timezone.localdate(now())
    if _routes is None or _routes[0] != same:
        rows = list(Sensor.everywhere.values_list("pk", "station_id", "low", "high"))
        size = max((row[0] for row in rows), default=0) + 1
        made = Routes(np.zeros(size, np.int64), np.zeros(size, bool), np.full(size, -np.inf), np.full(size, np.inf))
        if rows:
            ids, stations, low, high = (np.array(column) for column in zip(*rows, strict=True))
            made.part[ids], made.low[ids], made.high[ids] = parts.of(stations), low, high
        made.across[book.compared(same[1])] = True
        _routes = same, made
    return _routes[1]


_routes: tuple[tuple[int, object], Routes] | None = None
