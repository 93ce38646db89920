"""The ingest door: readings from gateways that hold a token, answered after the durable write."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import orjson
from django.db import DatabaseError, close_old_connections

from anlan.engines.sense.decode import Undecodable
from anlan.sensing import intake, network
from anlan.sensing.intake import Answer, Intake
from anlan.sensing.parts import apart

log = logging.getLogger(__name__)
LARGEST = 10 * 1024 * 1024
SLOWEST_S = 30.0
"""How long a client may take to send its body."""


def _sent_on(sendings: list[intake.Sending]) -> None:
    from anlan.sensing.cluster.sending import OUTGOING

    OUTGOING.send(sendings)


INTAKE = Intake(_sent_on) if apart() else Intake()


def work() -> None:
    """What the writing thread does: compile what it needs, then write until the end."""
    network.warm()
    close_old_connections()
    INTAKE.run()


async def door(scope_: dict[str, Any], receive: Any, send: Any) -> None:
    """POST /ingest/ with a bearer token: 200 with what was accepted and rejected, or 400, 401, 408, 409, 413, 415, 429."""
    from .server import answer

    if scope_["method"] != "POST":
        await answer(send, 405, orjson.dumps({"error": "请用 POST 提交读数"}), allow="POST")
        return
    try:
        body = await asyncio.wait_for(_read(receive), SLOWEST_S)
    except TimeoutError:
        await answer(send, 408, orjson.dumps({"error": f"{SLOWEST_S:g} 秒内没有收完,请重发"}))
        return
    if body is None:
        await answer(send, 413, orjson.dumps({"error": f"单批不得超过 {LARGEST // 1048576} MB,请分批提交"}))
        return
    told = {name: value.decode("latin-1") for name, value in scope_["headers"]}
    status, found = await _take(told, body)
    await answer(send, status, orjson.dumps(found), **({"retry_after": "2"} if status == 429 else {}))


async def _take(told: dict[bytes, str], body: bytes) -> Answer:
    try:
        sending = await asyncio.to_thread(_opened, told, body)
    except intake.Unknown:
        return intake.UNKNOWN
    except Undecodable as no:
        return 400, {"error": str(no)}
    except (DatabaseError, OSError):  # without room on the disk the compiler cannot keep what it made either
        log.exception("a body could not be read")
        return intake.BUSY
    if isinstance(sending, tuple):
        return sending
    return await asyncio.wrap_future(INTAKE.hand_in(sending))


def _opened(told: dict[bytes, str], body: bytes) -> intake.Sending | Answer:
    packing = told.get(b"content-encoding", "").strip().lower()
    if packing not in ("", "identity", "gzip"):
        return 415, {"error": f"不支持的压缩方式 {packing[:20]},请用 gzip 或不压缩"}
    try:
        return intake.opened(
            told.get(b"authorization", "").removeprefix("Bearer "), body, kind=told.get(b"content-type", "application/json"),
            packed=packing == "gzip", key=told.get(b"idempotency-key", "").strip(),
        )  # fmt: skip
    finally:
        close_old_connections()


async def _read(receive: Any) -> bytes | None:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > LARGEST:
            return None
        if not message.get("more_body"):
            return bytes(body)


def take(token: str, body: bytes, **how: Any) -> Answer:
    """Read, write and judge a body here and now; what `door` does over its thread."""
    try:
        sending = intake.opened(token, body, **how)
    except intake.Unknown:
        return intake.UNKNOWN
    except Undecodable as no:
        return 400, {"error": str(no)}
    (_sent_on if apart() else intake.work)([sending])
    return sending.answer.result()
