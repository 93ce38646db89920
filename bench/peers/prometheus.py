"""Prometheus does the whole job: it scrapes a page of every sensor each second, stores it, and works the same limits.

The page of a second is the answer to one scrape, so that every value is seen once whatever the scrapes' phase. What fires
and ends goes to a receiver in the form of an Alertmanager. Only Prometheus' own processor time is counted.
"""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import orjson

from ..city import free_port
from ..network import Course, codes
from . import promql
from .process import cpu, running

MISSING = "prometheus is not on the PATH (Debian: apt install prometheus), so it is not compared"
PATIENCE_S = 180


@dataclass
class Ran:
    """What a run came to. ``told`` by sensor and rule: how often an alert fired, and how often it ended again."""

    cpu: float
    """Processor seconds of a million readings that it took."""
    missed: float
    """Share of the rounds of its rules that were left out because the round before was not done."""
    told: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Look:
    """What it has come to at a moment: processor seconds, samples kept, rounds of rules done or left out."""

    cpu: float
    kept: float
    rounds: float
    missed: float


def version() -> str:
    """As it tells it itself; empty where it is not on the machine."""
    path = shutil.which("prometheus")
    if path is None:
        return ""
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
    return (said.stdout + said.stderr).split("version ", 1)[1].split("+")[0].split(" ")[0]


def cost(course: Course, rules: promql.Groups, warm: int, box: Path) -> Ran:
    """Run a course through it; the first seconds, ``warm`` of them, are not counted.

    One that cannot follow is given half as long again, and what it took until then is what counts.
    """
    box.mkdir(parents=True)
    with _feeder(course, warm) as feeder:
        port = free_port()
        with running(_words(box, port, feeder.server_address[1], rules), box / "log") as process:
            if not feeder.warmed.wait(PATIENCE_S):
                raise TimeoutError(f"{feeder.page} pages were scraped; its log ends:\n{_end(box)}")
            first = _look(process.pid, port)
            feeder.over.wait((course.seconds - warm) * 1.5)
            last = _look(process.pid, port)
            time.sleep(2)  # the alerts of the last second are on their way
    missed = (last.missed - first.missed) / max(1.0, last.rounds - first.rounds)
    return Ran((last.cpu - first.cpu) / (last.kept - first.kept) * 1e6, missed, feeder.told())


def _words(box: Path, port: int, pages: int, rules: promql.Groups) -> list[str]:
    target = [{"targets": [f"127.0.0.1:{pages}"]}]
    second = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    config = {
        "global": second,
        "rule_files": [str(box / "rules.json")],
        "scrape_configs": [{"job_name": "network", "static_configs": target}],
        "alerting": {"alertmanagers": [{"static_configs": target, "api_version": "v2"}]},
    }
    (box / "rules.json").write_bytes(orjson.dumps(rules))  # JSON is YAML
    (box / "prometheus.json").write_bytes(orjson.dumps(config))
    files = [f"--config.file={box / 'prometheus.json'}", f"--storage.tsdb.path={box / 'data'}"]
    path = shutil.which("prometheus")
    assert path
    return [path, *files, f"--web.listen-address=127.0.0.1:{port}", "--alertmanager.notification-queue-capacity=1000000"]


class _Feeder(ThreadingHTTPServer):
    """Serves the pages, and takes what Prometheus tells."""

    daemon_threads = True
    page = 0

    def __init__(self, course: Course, warm: int) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.warm, self.warmed, self.over = warm, threading.Event(), threading.Event()
        heads = [f'{promql.SERIES}{{sensor="{code}"}} ' for code in codes(course.sensors)]
        self.pages = [_page(heads, course.second(k).tolist()) for k in range(course.seconds)]
        self.alerts: dict[tuple[str, str, str], bool] = {}
        self.lock = threading.Lock()

    def next_page(self) -> bytes:
        """The page of the next second; after the last one the last again."""
        with self.lock:
            if self.page == self.warm:
                self.warmed.set()
            if self.page == len(self.pages):
                self.over.set()
            self.page += 1
            return self.pages[min(self.page, len(self.pages)) - 1]

    def hear(self, alerts: list[dict[str, Any]]) -> None:
        """Note what fires, and what has ended."""
        now = datetime.now(UTC)
        with self.lock:
            for alert in alerts:
                labels = alert["labels"]
                ended = datetime.fromisoformat(alert["endsAt"]) <= now
                key = labels["sensor"], labels["alertname"], alert["startsAt"]
                self.alerts[key] = self.alerts.get(key, False) or ended

    def told(self) -> dict[tuple[str, str], tuple[int, int]]:
        found: dict[tuple[str, str], tuple[int, int]] = {}
        with self.lock:
            for (sensor, rule, _), ended in self.alerts.items():
                raised, cleared = found.get((sensor, rule), (0, 0))
                found[sensor, rule] = raised + 1, cleared + ended
        return found


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Feeder

    def do_GET(self) -> None:
        self.give(self.server.next_page())

    def do_POST(self) -> None:
        self.server.hear(orjson.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.give(b"")

    def give(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing is said of each request."""


def _page(heads: list[str], values: list[float]) -> bytes:
    return "".join([f"{head}{value}\n" for head, value in zip(heads, values, strict=True)]).encode()


@contextmanager
def _feeder(course: Course, warm: int) -> Iterator[_Feeder]:
    with _Feeder(course, warm) as feeder:
        thread = threading.Thread(target=feeder.serve_forever, daemon=True)
        thread.start()
        try:
            yield feeder
        finally:
            feeder.shutdown()
            thread.join()


def _look(pid: int, port: int) -> _Look:
    lines = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=60).text.splitlines()
    names = ("tsdb_head_samples_appended_total", "rule_group_iterations_total", "rule_group_iterations_missed_total")
    return _Look(cpu(pid), *(_sum(lines, f"prometheus_{name}") for name in names))


def _sum(lines: list[str], name: str) -> float:
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


def _end(box: Path) -> str:
    return (box / "log").read_text(errors="replace")[-2000:]
