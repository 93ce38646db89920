"""One port: Django in a pool of threads; only the live feed, the ingest door and the health page are raw ASGI."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

import orjson
from a2wsgi import WSGIMiddleware
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connection
from django.http import parse_cookie

from anlan import __version__
from anlan.kernel.clock import beats
from anlan.kernel.live import feed
from anlan.kernel.people import scope
from anlan.kernel.people.roles import READERS

from . import gate, ingest, mqtt
from .screen import state as _state  # noqa: F401  declares what is pushed, also to screens that come back before any page

log = logging.getLogger(__name__)
THREADS = 8
LOOK_AGAIN_S = 60.0
SEND_S = 30.0
SWITCH_S = 0.0002
"""How long a busy thread may keep the others waiting: live events and pages come before throughput."""
LONG_S = 0.01
"""A collection stops every thread; one that takes longer than this is felt by who watches."""
Send = Callable[[dict[str, Any]], Awaitable[None]]
pages = WSGIMiddleware(get_wsgi_application(), workers=THREADS)


async def app(scope_: dict[str, Any], receive: Any, send: Send) -> None:
    """The ASGI application."""
    if scope_["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    path = scope_["path"]
    if path == "/health":
        await _health(send)
    elif path == "/live/" or (path.startswith("/w/") and path.endswith("/live/")):
        await _live(scope_, receive, send)
    elif path == "/ingest/":
        await ingest.door(scope_, receive, send)
    else:
        await pages(scope_, receive, send)


async def _lifespan(receive: Any, send: Send) -> None:
    stop = threading.Event()
    threads = [
        threading.Thread(target=feed.pump, args=(stop,), name="live", daemon=True),
        threading.Thread(target=feed.states, args=(stop,), name="states", daemon=True),
        threading.Thread(target=ingest.work, name="intake", daemon=True),
        threading.Thread(target=mqtt.work, args=(ingest.INTAKE, stop), name="mqtt", daemon=True),
    ]
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            sys.setswitchinterval(SWITCH_S)
            gc.collect()
            gc.freeze()  # a collection that walks through all of the loaded house stops every thread for a tenth of a second
            gc.callbacks.append(_rest)
            feed.HUB.loop = asyncio.get_running_loop()
            for thread in threads:
                thread.start()
            await send({"type": "lifespan.startup.complete"})
        else:
            stop.set()
            feed.HUB.close()
            ingest.INTAKE.close()
            for thread in threads:
                await asyncio.to_thread(thread.join, 3)
            await send({"type": "lifespan.shutdown.complete"})
            return


_collecting = [0.0]


def _rest(phase: str, info: dict[str, int]) -> None:
    """What has survived a full collection that took long is not walked through again: much of the house is loaded only
    when it is first asked for."""
    if info["generation"] < 2:
        return
    if phase == "start":
        _collecting[0] = time.perf_counter()
    elif time.perf_counter() - _collecting[0] > LONG_S:
        gc.freeze()


async def answer(send: Send, status: int, body: bytes, kind: str = "application/json", **headers: str) -> None:
    """One whole response."""
    head = {"content-type": kind, "content-length": str(len(body)), "cache-control": "no-store", **headers}
    pairs = [(k.replace("_", "-").encode(), v.encode()) for k, v in head.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})


async def _health(send: Send) -> None:
    """The last beat of every loop; 503 when something essential is silent."""

    def look() -> dict[str, Any]:
        try:
            return beats.health()
        except Exception as fault:
            return {"status": "down", "beats": {"database": {"last": None, "ok": False, "detail": type(fault).__name__}}}
        finally:
            close_old_connections()

    found = await asyncio.to_thread(look)
    body = {"status": found["status"], "version": __version__, "beats": found["beats"]}
    await answer(send, 503 if found["status"] == "down" else 200, orjson.dumps(body))


async def _live(scope_: dict[str, Any], receive: Any, send: Send) -> None:
    """The event stream of one screen: what it missed since Last-Event-ID, then whatever happens."""
    headers = {name: value.decode("latin-1") for name, value in scope_["headers"]}
    session = parse_cookie(headers.get(b"cookie", "")).get("sessionid", "")
    watching = parse_qs(scope_["query_string"].decode("latin-1")).get("watch", [])
    after = headers.get(b"last-event-id", "")

    def look() -> scope.Scope | None:
        try:
            return gate.scope_of_stream(scope_["path"], session)
        finally:
            connection.close()

    def begin(reader: feed.Reader) -> list[bytes]:
        try:
            missed = feed.missed(reader.who, int(after)) if after.isdecimal() and len(after) < 19 else []
            return missed + feed.begun(reader)
        finally:
            connection.close()

    who = await asyncio.to_thread(look)
    if who is None:
        await answer(send, 403, orjson.dumps({"error": "请先登录"}))
        return
    views = tuple(name for name in watching if name in feed.VIEWS and who.roles & set(READERS))
    reader = feed.HUB.join(who, views)  # before the past is read, so that nothing falls in between
    try:
        missed = await asyncio.to_thread(begin, reader)
        await send({"type": "http.response.start", "status": 200, "headers": SSE})
        await _pour(reader, missed, receive, send, look)
    finally:
        feed.HUB.leave(reader)


async def _barred(reader: feed.Reader, look: Callable[[], scope.Scope | None]) -> None:
    """Ends when the reader takes nothing any more, or may no longer see what it saw: signed out, locked, other grants,
    world closed to guests."""
    while True:
        await asyncio.sleep(LOOK_AGAIN_S)
        if reader.sending and asyncio.get_running_loop().time() - reader.sending > SEND_S:
            return
        now = await asyncio.to_thread(look)
        if now is None or now.key() != reader.who.key():
            return


SSE = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no")]


async def _pour(reader: feed.Reader, missed: list[bytes], receive: Any, send: Send, look: Callable[[], Any]) -> None:
    """Send events until the reader hangs up, takes nothing any more or may not see them any longer."""
    clock, events = asyncio.get_running_loop().time, feed.stream(reader, missed)

    async def hung_up() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async def pour() -> None:
        async for event in events:
            reader.sending = clock()
            await send({"type": "http.response.body", "body": event, "more_body": True})
            reader.sending = None

    tasks = [asyncio.ensure_future(one) for one in (hung_up(), pour(), _barred(reader, look))]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    gone = tasks[0].done() or reader.sending is not None
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await events.aclose()
    if not gone:
        await send({"type": "http.response.body", "body": b""})
