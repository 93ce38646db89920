"""The door of readings: each is checked, all are logged, the good part is judged in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from anlan.engines.sense.layout import Fate

from . import network
from .models import Sensor

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
    faults = {index: fault for index, sample in enumerate(samples) if (fault := _fault(sample, sensors))}
    sound = [index for index in range(len(samples)) if index not in faults]
    taken = network.take(
        np.array([sensors[samples[n].sensor].pk for n in sound], np.int32),
        np.array([round(samples[n].at.timestamp() * 1000) for n in sound], np.int64),
        np.array([float(samples[n].value) for n in sound], np.float64),
    )
    for n, fate in zip(sound, taken.status.tolist(), strict=True):
        if reason := refusal(fate, sensors[samples[n].sensor]):
            faults[n] = reason
    rejected = [{"index": index, "reason": faults[index]} for index in sorted(faults)]
    return {"accepted": len(samples) - len(rejected), "rejected": rejected, "alarms": taken.raised}


def _fault(sample: Sample, sensors: Mapping[str, Sensor]) -> str:
    """Why a sample cannot be logged; empty when it can."""
    if sample.sensor not in sensors:
        return f"未登记的测点 {sample.sensor}"
    if not isinstance(sample.value, int | float):
        return "数值无效"
    if sample.at.tzinfo is None:
        return "时间缺少时区"
    if sample.at < EARLIEST:
        return f"观测时间早于{EARLIEST.year}年"
    if sample.at.year > 2100:
        return "观测时间晚于当前时间"
    return ""


def refusal(fate: int, sensor: Sensor) -> str:
    """Why a logged reading is not judged; empty for one that is, or that is only late or repeated."""
    if fate == Fate.NAN:
        return "数值无效"
    if fate == Fate.RANGE:
        return f"超出量程 {sensor.low:g}–{sensor.high:g}{sensor.unit}"
    if fate == Fate.FUTURE:
        return "观测时间晚于当前时间"
    return f"未登记的测点 {sensor.code}" if fate == Fate.UNKNOWN else ""
