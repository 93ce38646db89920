"""A flood that comes down a river: stage and discharge of fifteen gauges, every 5 or 15 minutes, 30 June to 7 July 2025.

Credit: U.S. Geological Survey (provisional values). Times bear the label CDT, which is five hours behind UTC. Some gauges fall
silent at the crest, one tells words instead of figures, several measure stage twice. A gauge's stage has a zero of its own, so
that its limits are so many feet above its first reading. The limits are of this measurement alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple

from .sets import AREA, Limit, Set, number, reading, rules, stood, together

LABELS = {"CDT": timezone(timedelta(hours=-5)), "CST": timezone(timedelta(hours=-6))}
"""What the gauges of this river write beside their times: daylight-saving time and standard time."""
STAGE, FLOW = "00065", "00060"
RISES = (Limit(3, 6, 5), Limit(2, 12, 11), Limit(1, 24, 23))
"""Feet above the first reading."""
FLOWS = (Limit(3, 10_000, 9_000), Limit(2, 50_000, 45_000), Limit(1, 100_000, 90_000))
"""Cubic feet a second."""
QUARTER_S = 900


class Channel(NamedTuple):
    """One column of a gauge's file; ``rows`` hold what stands in it, figure or word."""

    gauge: str
    kind: str
    code: str
    rows: list[tuple[datetime, float | str]]

    @property
    def sensor(self) -> str:
        return f"{self.gauge}.{self.code}.{self.kind}"

    @property
    def figures(self) -> list[tuple[datetime, float]]:
        return [(at, value) for at, value in self.rows if isinstance(value, float)]

    @property
    def limits(self) -> list[Limit]:
        if self.kind == FLOW:
            return list(FLOWS)
        base = self.figures[0][1]
        return [Limit(level, round(base + rise, 2), round(base + clear, 2)) for level, rise, clear in RISES]


def channels(folder: Path) -> Iterator[Channel]:
    """Every stage and discharge of the files ``usgs_*.rdb`` of a folder. KeyError for a label of time that is not known."""
    for path in sorted(folder.glob("usgs_*.rdb")):
        head, _, *rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
        for n, name in enumerate(head):
            code, _, kind = name.partition("_")
            if kind in (STAGE, FLOW):
                told = [(datetime.fromisoformat(row[2]).replace(tzinfo=LABELS[row[3]]), number(row[n])) for row in rows]
                yield Channel(rows[0][1], kind, code, told)


def read(folder: Path) -> Set:
    found = list(channels(folder))
    sent = [(at, reading(one.sensor, at, value)) for one in found for at, value in one.rows]
    wanted = [each for one in found for limit in one.limits for each in stood(one.sensor, one.figures, limit)]
    return Set("river flood", _network(found), together(sent, QUARTER_S), wanted, len(sent))


def _network(found: list[Channel]) -> dict[str, Any]:
    gauges = sorted({one.gauge for one in found})
    kinds = {STAGE: ("stage", "ft"), FLOW: ("flow", "ft³/s")}
    return {
        "sites": [{"code": g, "name": f"USGS {g}", "kind": "river", "area": AREA, "lon": 120, "lat": 36} for g in gauges],
        "sensors": [
            {"code": one.sensor, "site": one.gauge, "quantity": kinds[one.kind][0], "unit": kinds[one.kind][1], "low": -100, "high": 1_000_000}
            for one in found
        ],
        "rules": [rule for one in found for rule in rules({one.sensor: one.limits}, kinds[one.kind][0])],
    }
