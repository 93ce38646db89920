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
from collections.abc import Awaitable, Callable
from concurrent.futures import Future

import nats
from django.conf import settings
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error
from nats.js.api import DiscardPolicy, StreamConfig
from nats.js.errors import NotFoundError

from anlan.engines.sense import wire

log = logging.getLogger(__name__)
STREAM = "READINGS"
SUBJECT, NOW, AGAIN = "anlan.readings", "anlan.now", "anlan.again"
"""The log's; beside it; and by which a worker that missed something there asks for what the log has not got yet."""
NAME = "Nats-Msg-Id"
"""The header by which the stream knows a message that is sent again; the worker knows by it what it has heard."""
LARGEST = 8 * 2**30
"""Bytes that the log may hold; what does not fit is sent back to the gateways."""
TWICE_S = 120.0
"""So long the stream knows a message that is sent again."""
CONNECT_S, FIRST_S = 2, 5.0
ANSWER_S = 1.0
PATIENCE_S = 15.0
"""After so long without an answer the gateway is told to come again; a stream finds another leader within some seconds."""
AGAIN_S = 0.1
FLYING, HEAVY = 512, 2**29
"""Messages of a door that are on their way at most, and the bytes of them."""
CROWD, PACE_S = 32, 0.025
"""Where so many are on their way the stream is slow to answer, or has no leader. Then a message is sent no sooner than so long
after the one before, and holds what has come meanwhile: so they last until there is one again."""
SPARE = 64 * 1024
"""Bytes of a message that are no readings, at most."""


class Unsent(Exception):
    """The bus did not say that it has written a message."""


def addresses() -> list[str]:
    return [address.strip() for address in settings.BUS.split(",") if address.strip()]


async def connect(name: str, back: Callable[[], Awaitable[None]] | None = None) -> Client:
    """A line that comes back by itself, and then calls ``back``. Raises TimeoutError when none of the nodes answers."""
    line = asyncio.ensure_future(nats.connect(
        addresses(), name=name, connect_timeout=CONNECT_S, reconnect_time_wait=AGAIN_S, max_reconnect_attempts=-1, error_cb=_told,
        reconnected_cb=back, ping_interval=2, max_outstanding_pings=2,
    ))  # fmt: skip
    try:
        await asyncio.wait({line}, timeout=FIRST_S)
    finally:
        while not line.done():  # the library may overhear that it is to give up
            line.cancel()
            await asyncio.wait({line}, timeout=0.1)
    if line.cancelled():
        raise TimeoutError
    return line.result()


async def _told(fault: Exception) -> None:
    log.info("bus: %s", why(fault))


def why(fault: Exception) -> str:
    """What a fault says, such as that the disk of the bus is full; its name where it says nothing."""
    return str(fault) or repr(fault)


def named(flush: wire.Flush) -> str:
    """What a message is called in the log."""
    return f"{flush.door}-{flush.number}"


def numbered(name: str) -> tuple[int, int]:
    """Door and number of what is called so; no door's where it is called otherwise."""
    door, _, number = name.partition("-")
    return (int(door), int(number)) if door.isdecimal() and number.isdecimal() else (-1, -1)


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
    """The line of a door, for code that waits; its loop runs in a thread of its own.

    Each message is told to the workers at once, and written to the log when the one before it is written, so that the log has
    them in the order of their numbers.
    """

    def __init__(self) -> None:
        self.door, self.number = secrets.randbits(62), 0
        self.line: Client | None = None
        self._loop = asyncio.new_event_loop()
        self._connects, self._writes = asyncio.Lock(), asyncio.Lock()
        self._flying: dict[str, bytes] = {}
        self._count, self._bytes, self._last = 0, 0, 0.0
        self._room = threading.Condition()
        threading.Thread(target=self._loop.run_forever, name="bus", daemon=True).start()

    def next(self) -> int:
        self.number += 1
        return self.number

    def start(self, flush: wire.Flush) -> Future[None]:
        """Send a message; done when the log has it. Its fault is `Unsent`: it may be there all the same. Waits while too
        many are on their way."""
        body = wire.dump(flush)
        with self._room:
            self._room.wait_for(lambda: self._count == 0 or (self._count < FLYING and self._bytes + len(body) <= HEAVY))
            self._count, self._bytes = self._count + 1, self._bytes + len(body)
            if self._count > CROWD:
                self._room.wait_for(lambda: self._count <= CROWD, self._last + PACE_S - time.monotonic())
            self._last = time.monotonic()
        return asyncio.run_coroutine_threadsafe(self._flown(body, named(flush)), self._loop)

    def room(self) -> int:
        """How many readings fit into a message. Raises Unsent where no node can be reached."""
        line = asyncio.run_coroutine_threadsafe(self._ready(), self._loop).result()
        return max(1, (line.max_payload - SPARE) // wire.A_READING)

    async def _ready(self) -> Client:
        async with self._connects:
            if self.line is None:
                try:
                    line = await connect("door", self._back)
                    await ensure(line)
                    await line.subscribe(AGAIN, cb=self._asked)
                except (Error, OSError, TimeoutError) as fault:
                    raise Unsent(why(fault)) from fault
                self.line = line
            return self.line

    async def _flown(self, body: bytes, name: str) -> None:
        until = time.monotonic() + PATIENCE_S
        try:
            line = await self._ready()
            self._flying[name] = body
            await self._tell(line, [body])
            async with self._writes:  # whoever came first goes first
                await self._write(line, body, name, until)
        except (Error, OSError, TimeoutError) as fault:
            raise Unsent(why(fault)) from fault
        finally:
            self._flying.pop(name, None)
            with self._room:
                self._count, self._bytes = self._count - 1, self._bytes - len(body)
                self._room.notify_all()

    async def _tell(self, line: Client, bodies: list[bytes]) -> None:
        """Beside the log. Who is not reached has to ask, or to wait for the log."""
        try:
            for body in bodies if line.is_connected else ():
                await line.publish(NOW, body)
        except Error as fault:
            log.info("bus: %s", why(fault))

    async def _back(self) -> None:
        """What was told while the line was down was told to nobody."""
        if self.line is not None:
            await self._tell(self.line, list(self._flying.values()))

    async def _asked(self, _: Msg) -> None:
        await self._back()

    async def _write(self, line: Client, body: bytes, name: str, until: float) -> None:
        stream = line.jetstream(timeout=ANSWER_S)
        while True:
            try:
                await stream.publish(SUBJECT, body, timeout=ANSWER_S, headers={NAME: name})
                return
            except (Error, TimeoutError) as fault:
                if time.monotonic() > until:
                    raise
                log.info("bus: %s; %s is sent again", why(fault), name)
            await asyncio.sleep(AGAIN_S)

    def close(self) -> None:
        if self.line is not None:
            with contextlib.suppress(Error, OSError, TimeoutError):
                asyncio.run_coroutine_threadsafe(self.line.close(), self._loop).result(CONNECT_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
