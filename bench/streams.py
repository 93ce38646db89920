"""Many open screens in one process: each a raw socket that reads the live feed and notes when an event came.

While it runs nothing is parsed: a chunk and its time are kept, so that the readers cost as little as they can on the
machine that the server runs on too. Written as ``python -m bench.streams PORT PATH COUNT SECONDS``.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time

import orjson

ID = re.compile(rb"^id: (\d+)\n(?:event: \w+\n)?data: (?:(\d+\.\d+) )?", re.M)
Notes = list[tuple[float, bytes]]


async def read(port: int, path: str, came: Notes, opened: list[int]) -> None:
    """One screen, until it is cancelled."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n".encode())
    try:
        if b" 200 " not in await reader.readline():
            raise ConnectionError("the live feed was refused")
        opened.append(1)
        while chunk := await reader.read(1 << 18):
            if b"id: " in chunk:
                came.append((time.time(), chunk))
        raise ConnectionError("the live feed ended")
    finally:
        writer.close()


async def watch(port: int, path: str, count: int, seconds: float) -> dict[str, object]:
    """Open so many screens, say when all are open, read for so long; for each id when it was made and when it came."""
    opened: list[int] = []
    notes: list[Notes] = [[] for _ in range(count)]
    tasks = []
    for came in notes:
        tasks.append(asyncio.create_task(read(port, path, came, opened)))
        if len(tasks) % 25 == 0:
            await asyncio.sleep(0.1)
    while len(opened) < count and not any(task.done() for task in tasks):
        await asyncio.sleep(0.05)
    print("open", flush=True)
    since = time.time()
    ended, _ = await asyncio.wait(tasks, timeout=seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return {"open": len(opened), "broken": len(ended), "since": since, "came": _sorted_out(notes)}


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
    sys.stdout.buffer.write(orjson.dumps(asyncio.run(watch(port, path, count, seconds))) + b"\n")
