"""The least that can be served: one page, and one event a moment to every open stream. The peer of start and screens.

``python -m uvicorn bench.echo:app``. An event's id is its number, its data the time at which it was made.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

EVERY_S = 0.05
PADDING = b"x" * 250
"""About as long as a line of the journal as a screen gets it."""
readers: set[asyncio.Queue[bytes]] = set()


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await _live(receive, send)
    elif scope["path"] == "/live/":
        await _stream(send)
    else:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


async def _live(receive: Any, send: Any) -> None:
    await receive()
    task = asyncio.create_task(_tick())
    await send({"type": "lifespan.startup.complete"})
    await receive()
    task.cancel()
    await send({"type": "lifespan.shutdown.complete"})


async def _tick() -> None:
    number = 0
    while True:
        await asyncio.sleep(EVERY_S)
        number += 1
        event = b"id: %d\ndata: %.6f %s\n\n" % (number, time.time(), PADDING)
        for queue in readers:
            queue.put_nowait(event)


async def _stream(send: Any) -> None:
    queue: asyncio.Queue[bytes] = asyncio.Queue()
    readers.add(queue)
    try:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        while True:
            await send({"type": "http.response.body", "body": await queue.get(), "more_body": True})
    finally:
        readers.discard(queue)
