"""Many open screens in one process: each a raw socket that reads the live feed and notes when an event came.

While it runs nothing is parsed: a chunk and its time are kept, so that the readers cost as little as they can on the
machine that the server runs on too. Written as ``python -m bench.streams PORT PATH COUNT SECONDS [COOKIE]``.
"""

from __future__ import annotations

import asyncio
import gc
import re
import sys
import time
from typing import Any

import orjson
import uvloop

ID = re.compile(rb"^id: (\d+)\n(?:event: \w+\n)?data: (?:(\d+\.\d+) )?", re.M)
Notes = list[tuple[float, bytes]]
"""When a chunk came, and what it was."""


class Screen(asyncio.Protocol):
    """One screen."""

    def __init__(self, path: str, cookie: str) -> None:
        self.path, self.cookie, self.came, self.open, self.broken = path, cookie, Notes(), False, False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        told = f"Cookie: {self.cookie}\r\n" if self.cookie else ""
        transport.write(f"GET {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n{told}\r\n".encode())

    def data_received(self, chunk: bytes) -> None:
        if not self.open:
            self.open, self.broken = True, b" 200 " not in chunk[:20]
        if b"id: " in chunk:
            self.came.append((time.time(), chunk))

    def connection_lost(self, fault: Exception | None) -> None:
        self.broken = True


async def watch(port: int, path: str, count: int, seconds: float, cookie: str = "") -> dict[str, object]:
    """Open so many screens, say when all are open, read for so long; for each id when it was made and when it came."""
    loop, screens = asyncio.get_running_loop(), [Screen(path, cookie) for _ in range(count)]
    for number, screen in enumerate(screens, 1):
        await loop.create_connection(lambda screen=screen: screen, "127.0.0.1", port)
        if number % 25 == 0:
            await asyncio.sleep(0.1)
    while not all(screen.open or screen.broken for screen in screens):
        await asyncio.sleep(0.05)
    print("open", flush=True)
    since = time.time()
    await asyncio.sleep(seconds)
    broken = sum(screen.broken for screen in screens)
    for screen in screens:
        screen.transport.close()
    return {"open": count - broken, "broken": broken, "since": since, "came": _sorted_out([s.came for s in screens])}


def _sorted_out(notes: list[Notes]) -> dict[str, dict[str, object]]:
    """By id: when it was made, where the event says so, and when it came to each screen."""
    found: dict[str, dict[str, object]] = {}
    for came in notes:
        for at, chunk in came:
            for number, made in ID.findall(chunk):
                kept = found.setdefault(number.decode(), {"made": float(made or 0), "at": []})
                kept["at"].append(at)  # type: ignore[attr-defined]
    return found


if __name__ == "__main__":
    port, path, count, seconds = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    gc.disable()  # a hundred thousand kept chunks are walked through in a time that would count as the server's
    told = uvloop.run(watch(port, path, count, seconds, *sys.argv[5:]))
    with open(sys.stdout.fileno(), "wb", closefd=False) as out:  # buffered whatever Python was told: a pipe takes parts
        out.write(orjson.dumps(told) + b"\n")
