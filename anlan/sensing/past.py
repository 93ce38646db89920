"""Readings from before the network: taken from files of others into the history, where no rule judges them any more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from django.db import transaction

from anlan.engines.archive import compact, take_in
from anlan.engines.archive.manifest import Overtaken
from anlan.engines.archive.seal import seal
from anlan.kernel import journal
from anlan.kernel.cases import Refused
from anlan.kernel.clock import now
from anlan.kernel.people import scope

from . import history
from .models import Sensor

MOST_FAULTS = 200
SETTLED = timedelta(days=2)
"""Days that are over so long are compacted at once; the night does the others."""


@dataclass
class Taken:
    """What came of a file: readings kept, sensors, the first and the last moment, and the faults by line."""

    rows: int = 0
    sensors: set[int] = field(default_factory=set)
    first_ms: int | None = None
    last_ms: int | None = None
    faults: list[take_in.Fault] = field(default_factory=list)
    wrong: int = 0
    """Lines that were not kept; of more than MOST_FAULTS only the first are told."""

    @property
    def first(self) -> datetime | None:
        return None if self.first_ms is None else datetime.fromtimestamp(self.first_ms / 1000, UTC)

    @property
    def last(self) -> datetime | None:
        return None if self.last_ms is None else datetime.fromtimestamp(self.last_ms / 1000, UTC)


def do_take(path: Path, name: str) -> Taken:
    """Keep the good lines of a CSV or Parquet file of sensors that the asker sees. A line that is there already counts once.

    Raises Refused for a file that cannot be read, and outside the real city.
    """
    world = scope.current().world
    if not world.actual:
        raise Refused("历史读数只导入真实世界")
    sensors = {row[0]: row[1:] for row in Sensor.objects.values_list("pk", "low", "high", "code")}
    index: dict[str, int] = {row[2]: pk for pk, row in sensors.items()}
    taken, days = Taken(), set()
    before = round((now() - history.HELD).timestamp() * 1000)
    for chunk in _chunks(path, name, index):
        use = _judged(chunk, sensors, before, taken)
        if use.any():
            at = chunk.time[use]
            seal(history.folder(world), chunk.sensor[use], at, chunk.value[use])
            _count(taken, chunk.sensor[use], at)
            days |= set(np.unique(at // 86_400_000).tolist())
    _compact(history.folder(world), days)
    with transaction.atomic():
        said = f"导入历史读数 {name[:60]}:{taken.rows} 条,{len(taken.sensors)} 个测点,未采用 {taken.wrong} 行"
        journal.write("history.imported", world, text=said, after={"rows": taken.rows, "wrong": taken.wrong}, area=scope.ROOT)
    return taken


def _chunks(path: Path, name: str, index: dict[str, int]) -> Iterator[take_in.Chunk]:
    kind = Path(name).suffix.lower()
    if kind == ".parquet":
        return take_in.read_parquet(path, index)
    if kind in (".csv", ".txt"):
        return take_in.read_csv(path, index)
    raise Refused("请提供 .csv 或 .parquet 文件", field="file")


def _judged(chunk: take_in.Chunk, sensors: dict[int, Any], before: int, taken: Taken) -> np.ndarray:
    """(n,) which rows are kept: within the sensor's range, and older than what is still in the log."""
    low, high = (np.array([sensors[s][k] for s in chunk.sensor.tolist()]) for k in range(2))
    ranged = (chunk.value >= low) & (chunk.value <= high)
    past = chunk.time < before
    taken.wrong += len(chunk.faults) + int((~(ranged & past)).sum())
    odd = []
    for n in np.flatnonzero(~(ranged & past))[:MOST_FAULTS].tolist():
        why = f"数值 {chunk.value[n]:g} 超出量程 {low[n]:g}–{high[n]:g}" if not ranged[n] else "一小时以内的读数请由网关发送"
        odd.append(take_in.Fault(int(chunk.line[n]), f"测点 {sensors[int(chunk.sensor[n])][2]} {why}"))
    told = sorted([*chunk.faults, *odd], key=lambda fault: fault.line)
    taken.faults = [*taken.faults, *told][:MOST_FAULTS]
    return np.asarray(ranged & past)


def _count(taken: Taken, sensor: np.ndarray, at: np.ndarray) -> None:
    taken.rows += len(at)
    taken.sensors |= set(np.unique(sensor).tolist())
    first, last = int(at.min()), int(at.max())
    taken.first_ms = first if taken.first_ms is None else min(first, taken.first_ms)
    taken.last_ms = last if taken.last_ms is None else max(last, taken.last_ms)


def _compact(home: Path, days: set[int]) -> None:
    for number in sorted(days):
        day = date(1970, 1, 1) + timedelta(days=number)
        if day < (now() - SETTLED).date():
            try:
                compact.compact_day(home, day)
            except Overtaken:  # another process does the same
                continue
