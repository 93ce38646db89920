"""Commands of the sensing network."""

from __future__ import annotations

import sys
from argparse import Namespace
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
from django.db import transaction
from django.utils import timezone

from anlan.kernel import journal
from anlan.kernel.carriers.sealed import seal
from anlan.kernel.cases import Refused
from anlan.kernel.people import scope
from anlan.sensing import load as loading
from anlan.sensing import messages, past, readings
from anlan.sensing.models import Alarm, Broker, Gateway, Sensor

from .tls import Files, Unfit

MS = timedelta(milliseconds=1)


def load(args: Namespace) -> int:
    """Declare sites, sensors and rules; every fault on a line of its own."""
    path = Path(args.file)
    if not path.is_file():
        raise Refused(f"没有文件 {path}")
    if args.action == "import":
        return _past(path)
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


def _past(path: Path) -> int:
    """Readings from before the network; what was not kept is told by line, and then it is no success."""
    with scope.everyone():
        taken = past.do_take(path, path.name)
    for fault in taken.faults:
        print(f"第 {fault.line} 行:{fault.reason}", file=sys.stderr)
    _print({"readings": taken.rows, "sensors": len(taken.sensors), "wrong": taken.wrong, "first": taken.first, "last": taken.last})
    return 1 if taken.wrong else 0


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
            print(one["at"], one["sensor"] or one["area"], one["rule"], one["value"], "未解除" if one["active"] else f"{one['cleared_at']} 解除")
    return 0


def _told(alarm: Alarm) -> dict[str, Any]:
    return {
        "id": alarm.pk, "sensor": alarm.sensor.code if alarm.sensor else "", "area": alarm.area_id,
        "rule": str(alarm.rule), "rule_id": alarm.rule_id, "version": alarm.rule.version,
        "level": alarm.level, "at": alarm.at.isoformat(), "value": alarm.value, "peak": alarm.peak, "active": alarm.active,
        "doubtful": alarm.doubtful, "stale": len(alarm.stale),
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


def cap_(args: Namespace) -> int:
    """Read a file of messages and say what is in it; or print the message of one identifier."""
    if args.action == "show":
        with scope.everyone():
            body = messages.published(args.what)
        if body is None:
            raise Refused(f"没有编号为 {args.what} 的预警报文")
        print(body.decode("utf-8"))
        return 0
    path = Path(args.what)
    if not path.is_file():
        raise Refused(f"没有文件 {path}")
    found = messages.read(path.read_bytes())
    if args.json:
        _print({"alerts": [asdict(alert) for alert in found.alerts], "faults": [asdict(fault) for fault in found.faults]})
        return 0
    for alert in found.alerts:
        info = alert.infos[0] if alert.infos else None
        print(alert.identifier, alert.sent or "", alert.status, alert.msg_type, (info.headline or info.event) if info else "")
    for fault in found.faults:
        print(f"问题 {fault.place} {fault.what} {fault.text}".rstrip())
    return 0


def broker(args: Namespace) -> int:
    """Take readings from an MQTT broker in a gateway's name, or no longer."""
    with scope.everyone(), transaction.atomic():
        row = Broker.objects.filter(name=args.name).first()
        if args.action == "remove":
            if row is None:
                raise Refused(f"没有 MQTT 服务器 {args.name}")
            journal.write("gateway.removed", row.gateway, text=f"不再从 MQTT 服务器 {row} 接收读数", area=scope.ROOT)
            row.delete()
            return 0
        row = _broker(args, row or Broker(name=args.name))
        row.full_clean()
        row.save()
        journal.write("gateway.saved", row.gateway, text=f"从 MQTT 服务器 {row}({row.place},{row.topic})接收读数,记在 {row.gateway} 名下", area=scope.ROOT)
    print(f"{row.name} {row.place} {row.topic} {row.format}")
    return 0


def _broker(args: Namespace, row: Broker) -> Broker:
    urls = [urlsplit(one.strip()) for one in args.address.split(",")]
    if any(url.scheme not in ("mqtt", "mqtts") or not url.hostname for url in urls):
        raise Refused("地址写作 mqtt://主机:1883 或 mqtts://用户:口令@主机:8883;同一服务器有几个节点的,以逗号分开")
    if len({url.scheme for url in urls}) > 1:
        raise Refused("几个节点要么都用 mqtt://,要么都用 mqtts://")
    gateway = Gateway.objects.filter(name=args.gateway).first()
    if gateway is None:
        raise Refused(f"没有感知网关 {args.gateway},请先 anlan gateway add")
    row.gateway, row.sealed, row.topic, row.format = gateway, seal(args.address), args.topic, args.format
    files = Files(*(str(Path(name).absolute()) if name else "" for name in (args.ca, args.cert, args.key)))
    if urls[0].scheme == "mqtts":
        _check(files)
    elif files != Files():
        raise Refused("证书只用于 mqtts:// 的地址")
    row.ca, row.certificate, row.key = files.ca, files.certificate, files.key
    row.place = ",".join(f"{url.scheme}://{url.hostname}:{url.port or Broker.PORTS[url.scheme]}" for url in urls)
    return row


def _check(files: Files) -> None:
    try:
        files.context()
    except Unfit as no:
        raise Refused(str(no)) from no


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
