"""A city in a data folder of its own, driven as an operator drives it: by the command line, by HTTP, by signals.

It is read from outside, with plain SQL, so that no code of the product vouches for itself.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 180.0
ACCOUNT = re.compile(r"^ {2}(\w+) +(\w{4}(?:-\w{4}){3}) ", re.M)


class City:
    """One data folder. ``passwords`` are those that the first set-up printed."""

    def __init__(self, home: Path, passwords: dict[str, str] | None = None) -> None:
        self.home, self.passwords = home, passwords or {}

    def start(self, *words: str, **pipes: Any) -> subprocess.Popen[str]:
        """Begin a command of ``anlan`` in this city."""
        environment = {**os.environ, "ANLAN_HOME": str(self.home), "PYTHONUNBUFFERED": "1"}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **pipes}
        return subprocess.Popen([sys.executable, "-m", "anlan.cli", *words], cwd=ROOT, env=environment, text=True, **pipes)

    def do(self, *words: str) -> str:
        """Carry a command of ``anlan`` out; what it printed."""
        process = self.start(*words)
        out, err = process.communicate(timeout=900)
        if process.returncode:
            raise RuntimeError(f"anlan {' '.join(words)} ended with {process.returncode}:\n{err[-2000:]}")
        return out

    def plant(self) -> City:
        """Write the demo city."""
        self.passwords = dict(ACCOUNT.findall(self.do("setup")))
        return self

    def copy(self, home: Path) -> City:
        """The same city, to be used up elsewhere; nothing may be running in this one."""
        shutil.copytree(self.home, home)
        return City(home, self.passwords)

    def ask(self, sql: str, *given: Any) -> list[tuple[Any, ...]]:
        """Rows of a query of this city's database, read only."""
        with closing(sqlite3.connect(f"file:{self.home / 'anlan.sqlite3'}?mode=ro", uri=True, timeout=30)) as database:
            return database.execute(sql, given).fetchall()

    def one(self, sql: str, *given: Any) -> Any:
        """The first value of the first row."""
        return self.ask(sql, *given)[0][0]

    def verify(self) -> dict[str, Any]:
        """What the journal's checker says, whether it is content or not."""
        out, _ = self.start("journal", "verify", "--json").communicate(timeout=300)
        return orjson.loads(out)

    @contextmanager
    def open(self, *words: str, speed: float = 600) -> Iterator[Server]:
        """The running city; it is closed in the end, whatever happened."""
        server = Server(self, words, speed)
        try:
            server.start()
            yield server
        finally:
            server.close()


class Server:
    """``anlan run`` on a free port of this machine."""

    def __init__(self, city: City, words: tuple[str, ...], speed: float) -> None:
        self.city, self.words, self.speed = city, words, speed
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.log = city.home.with_suffix(".log")
        self.process: subprocess.Popen[str] | None = None
        self.asker = httpx.Client(base_url=self.address, timeout=5, verify=False)  # nothing here is sealed: no authorities to read

    def start(self) -> float:
        """Begin, and wait until it says that it is well; the seconds that this took."""
        began = time.perf_counter()
        with self.log.open("a") as log:
            words = ("run", "--port", str(self.port), "--speed", str(self.speed), *self.words)
            self.process = self.city.start(*words, stdout=log, stderr=log)
        self.until(self.healthy)
        return time.perf_counter() - began

    def healthy(self) -> bool:
        """Does it answer, and is every loop well?"""
        try:
            answer = self.asker.get("/health")
        except httpx.TransportError:
            return False
        return answer.status_code == 200 and answer.json()["status"] == "ok"

    def until(self, true: Any, seconds: float = PATIENCE_S) -> None:
        """Wait until it is true; if the server ended or time is over, say so with the end of its log."""
        end = time.monotonic() + seconds
        while not true():
            if self.ended() or time.monotonic() > end:
                raise TimeoutError(f"not so within {seconds:g} s; the server's log ends:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.02)

    def ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    @contextmanager
    def visitor(self, role: str = "") -> Iterator[httpx.Client]:
        """A browser's session: a visitor without account, or the demo account of a role, signed in."""
        with httpx.Client(base_url=self.address, timeout=30, follow_redirects=True, verify=False) as client:
            if role:
                client.get("/sign-in/").raise_for_status()
                form = {"username": role, "password": self.city.passwords[role]}
                post(client, "/sign-in/", form).raise_for_status()
            yield client

    def kill(self) -> None:
        """As a power cut ends a process."""
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def close(self) -> None:
        if self.process and not self.ended():
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
        self.asker.close()


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def post(client: httpx.Client, path: str, form: dict[str, Any]) -> httpx.Response:
    """Send a form as a page does."""
    return client.post(path, data={**form, "csrfmiddlewaretoken": client.cookies.get("csrftoken", "")})
