"""``python -m bench [name …]``: measure the promised figures on this machine and print them as a table.

Ends with 1 when a promise is broken, unless ``--report`` only asks what is so.
"""

from __future__ import annotations

import argparse
import os
import platform
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import orjson

from .city import City
from .figure import Figure

NAMES = (
    "start", "confirm", "clock", "list", "ingest", "journal", "marks", "replay", "screens", "kills", "archive", "sensing",
    "whole", "alarm", "flow", "cluster", "real",
)  # fmt: skip


def machine() -> str:
    """The machine that the figures hold for."""
    cpu = next((line.partition(":")[2].strip() for line in _cpu() if line.startswith("model name")), platform.machine())
    load = os.getloadavg()[0]
    return (
        f"{cpu}, {os.cpu_count()} cores, load {load:.1f} at the start; {platform.system()} {platform.release()}; "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )


def _cpu() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def measured(names: list[str]) -> Iterator[tuple[str, Figure]]:
    """Each figure as soon as it is there."""
    with tempfile.TemporaryDirectory(prefix="anlan-bench-") as folder:
        box = Path(folder)
        planted = City(box / "planted").plant()
        for name in names:
            for figure in import_module(f"bench.{name}").measure(planted, box):
                yield name, figure


def row(name: str, figure: Figure) -> str:
    limit = "" if figure.limit is None else f"≤ {figure.limit:g} {'kept' if figure.kept else 'BROKEN'}"
    ratio = figure.against if figure.ratio is None else f"{figure.ratio:.3g} × {figure.against} ({figure.peer:.4g})"
    return f"{name:<8} {figure.what:<44} {figure.value:>10.4g} {figure.unit:<7} {limit:<16} {ratio}".rstrip()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the promised figures on this machine.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"one or more of {', '.join(NAMES)}; without a name all")
    parser.add_argument("--json", action="store_true", help="print one object instead of a table")
    parser.add_argument("--report", action="store_true", help="end with 0 even when a promise is broken")
    args = parser.parse_args()
    if unknown := set(args.names) - set(NAMES):
        parser.error(f"no figure is called {', '.join(sorted(unknown))}")
    here = machine()
    if not args.json:
        print(here, flush=True)
    found = []
    for name, figure in measured(args.names or list(NAMES)):
        found.append((name, figure))
        if not args.json:
            print(row(name, figure), flush=True)
    kept = all(figure.kept for _, figure in found)
    if args.json:
        told = {"machine": here, "kept": kept, "figures": [{"name": n, **f.told()} for n, f in found]}
        print(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
    return 0 if kept or args.report else 1


if __name__ == "__main__":
    sys.exit(main())
