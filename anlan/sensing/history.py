"""The readings of the real city when they have left the log: sealed each hour, compacted each night."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from anlan.engines.archive import compact, read
from anlan.engines.archive.rows import HOUR, RAW, STEP_MS
from anlan.engines.archive.seal import seal
from anlan.kernel.clock import now
from anlan.kernel.worlds.models import World

from . import network
from .logged import counts, unpack
from .models import Batch, Snapshot
from .parts import ACROSS, WHOLE

HELD, LONGEST = timedelta(hours=1), timedelta(hours=2)
"""How long readings stay in the log at least, and at most."""
AT_ONCE = 4_000_000
"""Readings of one file: so many are sealed in less than a second, while nothing else is written."""
EVERY_SENSOR = (0, 2**31 - 1)
EVER = (-(2**62), 2**62)


def folder(world: World) -> Path:
    return Path(settings.HOME) / "history" / str(world.pk)


def seal_some(world: World) -> int:
    """Move a file's worth of what has left its hour from the log into a file; how many readings.

    The file is written first and the log is shortened after: what is sealed again after a crash is listed once.
    """
    if (part := _part(world)) is None:
        return 0
    last, sensor, at, value = part
    if len(at):
        seal(folder(world), sensor, at, value)
    with transaction.atomic():
        if WHOLE in last:
            network.standing(world)
            network.keep_snapshot(world)
        for number, newest in last.items():
            Batch.objects.filter(world=world, part=number, number__lte=newest).delete()
    return len(at)


def _part(world: World) -> tuple[dict[int, int], np.ndarray, np.ndarray, np.ndarray] | None:
    """The oldest batches that fill a file, or that may not wait longer: by part the number of the last, and their kept readings."""
    free, columns, count, last, oldest = _free(world), [], 0, {}, _ms(timedelta(0))
    for batch in Batch.objects.filter(world=world, taken_ms__lt=_ms(HELD)).order_by("part", "number").iterator(chunk_size=50):
        if batch.number >= free.get(batch.part, 0):
            continue
        last[batch.part] = batch.number
        if batch.part == ACROSS or not batch.count:
            continue
        oldest = min(oldest, batch.taken_ms)
        sensor, at, value, fate = unpack(batch)
        use = counts(fate)
        columns.append((sensor[use], at[use], value[use]))
        count += int(use.sum())
        if count >= AT_ONCE:
            break
    if not columns or (count < AT_ONCE and oldest >= _ms(LONGEST)):
        return None
    sensor, at, value = (np.concatenate(column) for column in zip(*columns, strict=True))
    return last, sensor, at, value


def _free(world: World) -> dict[int, int]:
    """By part, the batch before which the log may be shortened: its newest, or for what workers judge the newest of which
    they have kept a snapshot."""
    newest = dict(Batch.objects.filter(world=world, part=WHOLE).values_list("part").annotate(n=Max("number")))
    return dict(Snapshot.objects.filter(world=world).exclude(part=WHOLE).values_list("part").annotate(n=Max("number"))) | newest


def _ms(ago: timedelta) -> int:
    return round((now() - ago).timestamp() * 1000)


def compact_days(world: World) -> None:
    """One file for yesterday, and one for last month's minutes."""
    home = folder(world)
    if not home.exists():
        return
    yesterday = (now() - timedelta(days=1)).date()
    for back in range(7):
        compact.compact_day(home, yesterday - timedelta(days=back))
    month = timezone.localdate(now()).replace(day=1) - timedelta(days=1)
    compact.compact_month(home, month.year, month.month)


def between(world: World, start_ms: int, end_ms: int, sensors: tuple[int, int] = EVERY_SENSOR) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sealed readings of the sensors low to high in [start, end), ms: ids, times, values."""
    home = folder(world)
    if not home.exists():
        none = np.empty(0, np.int64)
        return none.astype(np.int32), none, none.astype(float)
    rows = read.of_many(home, RAW, sensors, start_ms, end_ms)
    return rows["sensor"], rows["time"], rows["value"]


def span(world: World, sensor: int) -> tuple[int, int] | None:
    """When the first and the newest sealed reading of a sensor were made, ms; None where there is none."""
    home = folder(world)
    slots = read.hours(home, sensor, *EVER).time if home.exists() else np.empty(0, np.int64)
    if not len(slots):
        return None
    first, last = (read.raw(home, sensor, hour, hour + STEP_MS[HOUR])[0] for hour in (int(slots[0]), int(slots[-1])))
    return int(first[0] if len(first) else slots[0]), int(last[-1] if len(last) else slots[-1])
