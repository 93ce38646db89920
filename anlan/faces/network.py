"""Commands of the sensing network."""

from __future__ import annotations

import sys
from argparse import Namespace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from django.utils import timezone

from anlan.kernel.cases import Refused
from anlan.kernel.people import scope
from anlan.sensing import load as loading
from anlan.sensing import readings
from anlan.sensing.models import Alarm, Sensor

MS = timedelta(milliseconds=1)


def load(args: Namespace) -> int:
    """Declare sites, sensors and rules; every fault on a line of its own."""
    path = Path(args.file)
    if not path.is_file():
        raise Refused(f"没有文件 {path}")
    try:
        with scope.everyone():
            counts = loading.load(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as no:
        raise Refused(f"{path.name} 不是 UTF-8 文本") from no
    except loading.Faulty as wrong:
        print("\n".join(wrong.faults), file=sys.stderr)
        return 2
    _print(counts)
    return 0


def alarms(args: Namespace) -> int:
    with scope.everyone():
        rows = Alarm.objects.select_related("sensor", "rule").order_by("at", "pk")
        if args.sensor:
            rows = rows.filter(sensor=_sensor(args.sensor))
        if args.since:
            rows = rows.filter(at__gte=_moment(args.since))
        found = [_told(alarm) for alarm in rows.iterator(chunk_size=500)]
    if args.json:
        _print({"alarms": found})
    else:
        for one in found:
            print(one["at"], one["sensor"], one["rule"], one["value"], "未解除" if one["active"] else f"{one['cleared_at']} 解除")
    return 0


def _told(alarm: Alarm) -> dict[str, Any]:
    return {
        "id": alarm.pk, "sensor": alarm.sensor.code, "rule": str(alarm.rule), "rule_id": alarm.rule_id, "version": alarm.rule.version,
        "level": alarm.level, "at": alarm.at.isoformat(), "value": alarm.value, "peak": alarm.peak, "active": alarm.active,
        "cleared_at": alarm.cleared_at and alarm.cleared_at.isoformat(),
        "acknowledged_at": alarm.acknowledged_at and alarm.acknowledged_at.isoformat(),
    }  # fmt: skip


def history(args: Namespace) -> int:
    """Readings of one sensor from one moment to another, both included, in order; a gap is a gap."""
    with scope.everyone() as who:
        sensor = _sensor(args.sensor)
        found = readings.between(who.world, _moment(args.first) - MS, _moment(args.last), [sensor.pk])
    rows = [{"time": datetime.fromtimestamp(at / 1000, timezone.get_default_timezone()).isoformat(), "value": v}
            for at, v in zip(found.at.tolist(), found.value.tolist(), strict=True)]  # fmt: skip
    if args.json:
        _print({"sensor": sensor.code, "unit": sensor.unit, "readings": rows})
    else:
        for row in rows:
            print(row["time"], f"{row['value']:g}{sensor.unit}")
    return 0


def _sensor(code: str) -> Sensor:
    if (sensor := Sensor.objects.filter(code=code).first()) is None:
        raise Refused(f"没有测点 {code}")
    return sensor


def _moment(said: str) -> datetime:
    try:
        moment = datetime.fromisoformat(said)
    except ValueError as no:
        raise Refused(f"时刻“{said}”无法识别,应写作 2026-07-01 08:00") from no
    return moment if moment.tzinfo else timezone.make_aware(moment)


def _print(found: Any) -> None:
    print(orjson.dumps(found).decode())
