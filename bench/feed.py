"""A course handed to the ingest door at its own pace, each gateway on a connection of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection

import orjson

from .network import Course, bodies, codes


@dataclass
class Fed:
    """Which time the first readings bear, seconds since 1970, and by second when the sending of each body began."""

    began: float
    sent: list[list[float]] = field(default_factory=list)

    def second_of(self, at: str) -> int:
        """The second whose readings bear a time, as the database writes it."""
        return round(datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp() - self.began)


def send(port: int, token: str, course: Course, size: int, watch: Callable[[int], None] = lambda _: None) -> Fed:
    """Each second's bodies of ``size`` readings, spread evenly over it; what does not fit in is sent as soon as it can be.

    All are written before the first is sent, so that the readings are some seconds old. ``watch`` is called before every
    second and in the end.
    """
    names, fed = codes(course.sensors), Fed(round(time.time(), 3))
    written = [bodies(names, course.second(k), fed.began + k, size) for k in range(course.seconds)]
    lines = [HTTPConnection("127.0.0.1", port, timeout=60) for _ in written[0]]
    start = time.time()
    with ThreadPoolExecutor(len(lines)) as pool:
        for k, parts in enumerate(written):
            time.sleep(max(0.0, start + k - time.time()))
            watch(k)
            due = [start + k + n / len(lines) for n in range(len(lines))]
            fed.sent.append(list(pool.map(_post, lines, [token] * len(lines), parts, due)))
        watch(course.seconds)
    for line in lines:
        line.close()
    return fed


def _post(line: HTTPConnection, token: str, body: bytes, due: float) -> float:
    """Send a body when it is due; when that was. RuntimeError when any of it is refused."""
    time.sleep(max(0.0, due - time.time()))
    at = time.time()
    line.request("POST", "/ingest/", body, {"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
    answer = line.getresponse()
    said = answer.read()
    if answer.status != 200 or orjson.loads(said)["rejected"]:
        raise RuntimeError(f"{answer.status}: {said[:200]!r}")
    return at
