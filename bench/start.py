"""From the command to the first page: the very first time with the demo city to be written, then a second time.

Against: a bare uvicorn with one page, started by the same interpreter.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from .city import ROOT, City, free_port
from .figure import Figure
from .screens import answering


def measure(planted: City, box: Path) -> list[Figure]:
    city = City(box / "start")
    first, second = _to_first_page(city), _to_first_page(city)
    bare, against = _bare(), "bare uvicorn"
    return [
        Figure("first start, the city is written", first, "s", 60, bare, against),
        Figure("second start", second, "s", 3, bare, against),
    ]


def _to_first_page(city: City) -> float:
    began = time.perf_counter()
    with city.open() as server, server.visitor() as client:
        client.get("/").raise_for_status()
        return time.perf_counter() - began


def _bare() -> float:
    port, began = free_port(), time.perf_counter()
    words = [sys.executable, "-m", "uvicorn", "bench.echo:app", "--port", str(port), "--log-level", "warning"]
    server = subprocess.Popen(words, cwd=ROOT)
    try:
        answering(port)
        return time.perf_counter() - began
    finally:
        server.terminate()
        server.wait(10)
