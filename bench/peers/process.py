"""A server of somebody else's: begun, looked at, ended."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

END_S = 20
PROC = Path("/proc")


@contextmanager
def running(words: list[str], log: Path, folder: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """The program, what it says going into a file; ended in the end, whatever happened."""
    with log.open("ab") as out:
        process = subprocess.Popen(words, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=folder)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def cpu(pid: int) -> float:
    """Processor seconds of a process and of whatever it began: what has ended and was waited for, and what is alive."""
    stats = _stats()
    family, found = {pid}, True
    while found:
        found = {child for child, (parent, _) in stats.items() if parent in family} - family
        family |= found
    return sum(stats[one][1] for one in family if one in stats) / os.sysconf("SC_CLK_TCK")


def _stats() -> dict[int, tuple[int, int]]:
    """By process: its parent, and ticks of its own and of its ended children."""
    found = {}
    for path in PROC.glob("[0-9]*/stat"):
        try:
            parts = path.read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            continue
        found[int(path.parent.name)] = int(parts[1]), sum(map(int, parts[11:15]))
    return found
