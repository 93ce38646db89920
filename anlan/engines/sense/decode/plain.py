"""Plain JSON: ``{"readings": [{"sensor", "time", "value"}]}``, the bare list, or ``{"sensor": [], "time": [], "value": []}``.

Times are ISO 8601 with an offset, or seconds since 1970; they are kept to the nearest millisecond.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson

from .batch import MOST, Batch, Collected, Names, Undecodable, shown

COLUMNS = ("sensor", "time", "value")


class Wrong(ValueError):
    """One reading that cannot be read."""


def read(body: bytes, names: Names) -> Batch:
    found = Collected(names)
    for place, row in enumerate(_rows(loaded(body))):
        try:
            _take(found, place, row)
        except Wrong as wrong:
            found.refuse(place, str(wrong))
    return found.batch()


def loaded(body: bytes) -> Any:
    """JSON, or Undecodable with the line and column. NaN, infinities and figures beyond all bounds, which are none and which many
    programs write, spoil only themselves."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as fault:
        try:
            return json.loads(body.decode())
        except (ValueError, RecursionError):
            raise Undecodable(f"不是有效的 JSON(第 {fault.lineno} 行第 {fault.colno} 列)") from fault


def check_count(count: int) -> None:
    if count > MOST:
        raise Undecodable(f"单批不得超过 {MOST} 条读数,请分批提交")


def _rows(data: Any) -> Iterator[Any]:
    if isinstance(data, dict) and "readings" not in data:
        columns = [data.get(name) for name in COLUMNS]
        if not all(isinstance(c, list) for c in columns) or len({len(c) for c in columns if isinstance(c, list)}) != 1:
            raise Undecodable("批次应含 readings 数组,或 sensor、time、value 三个等长数组")
        check_count(len(columns[0] or ()))
        return (dict(zip(COLUMNS, row, strict=True)) for row in zip(*columns, strict=True))
    rows = data.get("readings") if isinstance(data, dict) else data
    if not isinstance(rows, list):
        raise Undecodable("readings 应为数组" if isinstance(data, dict) else "批次应为 JSON 对象,含 readings 数组或 sensor、time、value 三列")
    check_count(len(rows))
    return iter(rows)


def _take(found: Collected, place: int, row: Any) -> None:
    if not isinstance(row, dict):
        raise Wrong("应为对象")
    sensor, value = row.get("sensor"), row.get("value")
    if not isinstance(sensor, str):
        raise Wrong("缺少测点 sensor")
    try:
        figure = number(value)
    except Wrong as wrong:
        found.spoil(place, sensor, time_of(row.get("time")), str(wrong))
    else:
        found.add(place, sensor, time_of(row.get("time")), figure)


def number(value: Any) -> float:
    """A finite figure; Wrong for anything else."""
    if value is None:
        raise Wrong("缺少数值 value")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Wrong(f"数值不是数字:{shown(value)}")
    try:
        found = float(value)
    except OverflowError as fault:
        raise Wrong("数值无效") from fault
    if not math.isfinite(found):
        raise Wrong("数值无效")
    return found


def time_of(at: Any) -> int:
    """Milliseconds."""
    try:
        if isinstance(at, int | float) and not isinstance(at, bool):
            return round(at * 1000)
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise Wrong(f"时间缺少时区:{shown(at)}")
        return round(moment.timestamp() * 1000)
    except (TypeError, OverflowError, ValueError) as fault:
        raise fault if isinstance(fault, Wrong) else Wrong(f"时间无法识别:{shown(at)}") from fault
