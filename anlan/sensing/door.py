"""The door of readings: check each, keep the good part durably, judge it in the same transaction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

from anlan.kernel.clock import now
from anlan.kernel.people import scope

from . import judge
from .models import Reading, Sensor

AHEAD = timedelta(minutes=10)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Sample:
    """A value as it arrived: sensor code, aware time, number."""

    sensor: str
    at: datetime
    value: float


def take(samples: Sequence[Sample]) -> dict[str, Any]:
    """Store and judge a batch: ``{"accepted": n, "rejected": [{"index", "reason"}], "alarms": n}``.

    Runs in the present world. A repeated reading is accepted and changes nothing.
    """
    sensors = {s.code: s for s in Sensor.everywhere.filter(code__in={x.sensor for x in samples})}
    good: list[Reading] = []
    rejected = []
    latest = now() + AHEAD
    for index, sample in enumerate(samples):
        if reason := _fault(sample, sensors.get(sample.sensor), latest):
            rejected.append({"index": index, "reason": reason})
        else:
            sensor = sensors[sample.sensor]
            good.append(Reading(world=scope.current().world, sensor=sensor, at=sample.at, value=sample.value))
    with transaction.atomic():
        _alone({r.sensor_id for r in good})
        Reading.objects.bulk_create(good, batch_size=400, ignore_conflicts=True)
        raised = judge.judge({r.sensor_id: r.sensor for r in good}, max((r.at for r in good), default=None))
    return {"accepted": len(good), "rejected": rejected, "alarms": raised}


def _alone(sensors: set[int]) -> None:
    """Two batches of one sensor are judged one after the other, where the database writes side by side."""
    rows = Sensor.everywhere.select_for_update(no_key=True).filter(pk__in=sensors).order_by("pk")
    list(rows.values_list("pk", flat=True))


def _fault(sample: Sample, sensor: Sensor | None, latest: datetime) -> str:
    """Why a sample is refused; empty when it is good."""
    if sensor is None:
        return f"未登记的测点 {sample.sensor}"
    if not isinstance(sample.value, int | float) or not math.isfinite(sample.value):
        return "数值无效"
    if not sensor.low <= sample.value <= sensor.high:
        return f"超出量程 {sensor.low:g}–{sensor.high:g}{sensor.unit}"
    if sample.at.tzinfo is None:
        return "时间缺少时区"
    if sample.at > latest:
        return "观测时间晚于当前时间"
    if sample.at < EARLIEST:
        return f"观测时间早于{EARLIEST.year}年"
    return ""
