"""The ingest door: readings as JSON batches from gateways that hold a token. Answered after the durable write."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from datetime import UTC, datetime
from typing import Any

import orjson
from django.db import OperationalError, close_old_connections, connection

from anlan.kernel.people import scope
from anlan.sensing import door as sensing
from anlan.sensing.models import Gateway

log = logging.getLogger(__name__)
LARGEST = 10 * 1024 * 1024
MOST = 50_000
PATIENCE = {"sqlite": "PRAGMA busy_timeout = 2000", "postgresql": "SET lock_timeout = 2000"}
"""A gateway can come again, so it is told so sooner than a person at a form, and holds no thread meanwhile."""


class Bad(ValueError):
    """A batch that cannot be read; the message names the place."""


async def door(scope_: dict[str, Any], receive: Any, send: Any) -> None:
    """POST /ingest/ with a bearer token; 401, 413, 400, 429 or 200 with what was accepted and rejected."""
    from .server import answer

    if scope_["method"] != "POST":
        await answer(send, 405, orjson.dumps({"error": "请用 POST 提交读数"}), allow="POST")
        return
    body = await _read(receive)
    if body is None:
        await answer(send, 413, orjson.dumps({"error": f"单批不得超过 {LARGEST // 1048576} MB,请分批提交"}))
        return
    token = dict(scope_["headers"]).get(b"authorization", b"").removeprefix(b"Bearer ").decode("latin-1")
    status, found = await asyncio.to_thread(take, token, body)
    await answer(send, status, orjson.dumps(found), **({"retry_after": "2"} if status == 429 else {}))


async def _read(receive: Any) -> bytes | None:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > LARGEST:
            return None
        if not message.get("more_body"):
            return bytes(body)


def take(token: str, body: bytes) -> tuple[int, dict[str, Any]]:
    """Check the gateway, read the batch, store and judge it in the real city."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(PATIENCE[connection.vendor])
        if not Gateway.objects.filter(token=hashlib.sha256(token.encode()).hexdigest(), enabled=True).exists():
            return 401, {"error": "网关令牌无效或已停用"}
        samples, broken = parse(body)
        with scope.everyone():
            found = sensing.take([sample for _, sample in samples])
        places = [index for index, _ in samples]
        rejected = [{"index": places[r["index"]], "reason": r["reason"]} for r in found["rejected"]]
        return 200, {"accepted": found["accepted"], "rejected": sorted(broken + rejected, key=lambda r: r["index"])}
    except Bad as fault:
        return 400, {"error": str(fault)}
    except OperationalError:
        log.exception("ingest could not write")
        return 429, {"error": "暂时无法写入,请稍后重发;本批未入库"}
    finally:
        close_old_connections()


def parse(body: bytes) -> tuple[list[tuple[int, sensing.Sample]], list[dict[str, Any]]]:
    """Samples with their place in the batch, and what is broken in it. Rows or columns."""
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as fault:
        raise Bad(f"不是有效的 JSON(第 {fault.lineno} 行第 {fault.colno} 列)") from fault
    if not isinstance(data, dict):
        raise Bad("批次应为 JSON 对象,含 readings 数组或 sensor、time、value 三列")
    rows = data.get("readings")
    if rows is None:
        columns = [data.get(name) for name in ("sensor", "time", "value")]
        if not all(isinstance(c, list) for c in columns) or len({len(c) for c in columns if isinstance(c, list)}) != 1:
            raise Bad("sensor、time、value 三列须为等长数组")
        rows = [dict(zip(("sensor", "time", "value"), row, strict=True)) for row in zip(*columns, strict=True)]
    if not isinstance(rows, list):
        raise Bad("readings 应为数组")
    if len(rows) > MOST:
        raise Bad(f"单批不得超过 {MOST} 条读数,请分批提交")
    good: list[tuple[int, sensing.Sample]] = []
    broken = []
    for index, row in enumerate(rows):
        try:
            good.append((index, _sample(row)))
        except Bad as fault:
            broken.append({"index": index, "reason": str(fault)})
    return good, broken


def _sample(row: Any) -> sensing.Sample:
    if not isinstance(row, dict):
        raise Bad("应为对象")
    sensor, at, value = row.get("sensor"), row.get("time"), row.get("value")
    if not isinstance(sensor, str) or "\0" in sensor:
        raise Bad("缺少测点 sensor")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Bad("缺少数值 value")
    return sensing.Sample(sensor, _time(at), float(value))


def _time(at: Any) -> datetime:
    try:
        if isinstance(at, int | float) and not isinstance(at, bool):
            return datetime.fromtimestamp(at, UTC)
        moment = datetime.fromisoformat(at)
    except (TypeError, ValueError, OverflowError, OSError) as fault:
        raise Bad(f"时间无法识别:{str(at)[:40]}") from fault
    if moment.tzinfo is None:
        raise Bad(f"时间缺少时区:{at}")
    return moment
