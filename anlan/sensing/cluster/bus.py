"""The bus: a NATS stream that holds what the doors have taken in until the workers have judged it.

A message is answered for when most of the stream's nodes have written it. The workers also listen beside the log, so that
they judge at once while the stream has no leader.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import threading
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

import nats
from django.conf import settings
from nats.aio.client import Client
from nats.errors import Error
from nats.js.api import DiscardPolicy, StreamConfig
from nats.js.errors import NotFoundError

from anlan.engines.sense import wire

log = logging.getLogger(__name__)
STREAM = "READINGS"
SUBJECT = "anlan.readings"
LARGEST = 8 * 2**30
"""Bytes that the log may hold; what does not fit is sent back to the gateways."""
TWICE_S = 120.0
"""So long the stream knows a message that is sent again."""
CONNECT_S = 2
ANSWER_S = 2.0
PATIENCE_S = 15.0
"""After so long without an answer the gateway is told to come again; a stream finds another leader within some seconds."""
AGAIN_S = 0.1
Result = TypeVar("Result")


class Unsent(Exception):
    """The bus did not say that it has written a message."""


def addresses() -> list[str]:
    return [address.strip() for address in settings.BUS.split(",") if address.strip()]


def in_use() -> bool:
    """Is this one house of several, with ANLAN_BUS between them?"""
    return bool(addresses())


async def connect(name: str) -> Client:
    """A line that comes back by itself. Raises what NATS does when none of the nodes answers."""
    return await nats.connect(
        addresses(), name=name, connect_timeout=CONNECT_S, reconnect_time_wait=AGAIN_S, max_reconnect_attempts=-1, error_cb=_told,
        ping_interval=2, max_outstanding_pings=2,
    )  # fmt: skip


async def _told(fault: Exception) -> None:
    log.info("bus: %r", fault)


async def ensure(line: Client) -> None:
    """Declare the stream: on three nodes where there are three."""
    stream = line.jetstream(timeout=ANSWER_S)
    try:
        await stream.stream_info(STREAM)
    except NotFoundError:
        await stream.add_stream(StreamConfig(
            STREAM, subjects=[SUBJECT], num_replicas=3 if len(addresses()) >= 3 else 1, max_bytes=LARGEST,
            discard=DiscardPolicy.NEW, duplicate_window=TWICE_S,
        ))  # fmt: skip


class Sender:
    """The line of a door, for code that waits; its loop runs in a thread of its own. One message is on its way at a time."""

    def __init__(self) -> None:
        self.door, self.number = secrets.randbits(62), 0
        self.line: Client | None = None
        self._loop = asyncio.new_event_loop()
        self._one = threading.Lock()
        threading.Thread(target=self._loop.run_forever, name="bus", daemon=True).start()

    def send(self, flush: wire.Flush) -> None:
        """Returns when the stream has it. Raises Unsent: it may be there all the same."""
        with self._one:
            self._wait(self._send(wire.dump(flush), f"{flush.door}-{flush.number}"), PATIENCE_S + 2 * CONNECT_S)

    def next(self) -> int:
        self.number += 1
        return self.number

    def room(self) -> int:
        """How many readings fit into a message."""
        with self._one:
            line = self._wait(self._ready(), PATIENCE_S)
        return max(1, (line.max_payload - 64 * 1024) // wire.A_READING)

    def _wait(self, work: Coroutine[Any, Any, Result], seconds: float) -> Result:
        running = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return running.result(seconds)
        except (Error, OSError, TimeoutError) as fault:
            running.cancel()
            raise Unsent(str(fault) or type(fault).__name__) from fault

    async def _ready(self) -> Client:
        if self.line is None:
            line = await connect("door")
            try:
                await ensure(line)
            except BaseException:
                await line.close()
                raise
            self.line = line
        return self.line

    async def _send(self, body: bytes, name: str) -> None:
        line, until = await self._ready(), time.monotonic() + PATIENCE_S
        stream = line.jetstream(timeout=ANSWER_S)
        while True:
            try:
                await stream.publish(SUBJECT, body, timeout=ANSWER_S, headers={"Nats-Msg-Id": name})
                return
            except (TimeoutError, Error) as fault:
                if time.monotonic() > until:
                    raise
                log.warning("bus: %r; sent again", fault)
            await asyncio.sleep(AGAIN_S)

    def close(self) -> None:
        if self.line is not None:
            with contextlib.suppress(Exception):
                self._wait(self.line.close(), CONNECT_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
