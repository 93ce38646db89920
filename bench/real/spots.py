"""Hot spots that satellites saw over one country in eight months of 2023 (NASA FIRMS: MODIS C6.1 of Terra and Aqua, VIIRS of S-NPP).

A detection is a point of a map and no series. So a gateway watches cells of a quarter of a degree, and each pass of a satellite is
one reading of each cell: the radiative power of what was seen in it, in MW, and 0 where nothing was. Left out are detections of low
confidence, and suspected static sources: steelworks and refineries burn each night, and a place of a hundredth of a degree that was
hot on five earlier days is taken for one of them. The standard product says in its column ``type`` what each was; near-real-time files do not,
so that it is only used to count how many of the alarms had a fire behind them. The limits are of this measurement alone.

The sets may be measured with and not handed on; they stay in the folder of their own.
"""

from __future__ import annotations

import csv
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from .sets import AREA, RULE, Limit, Set, Stood, stood

FILES = {"MODIS": "modis_2023_Germany.csv", "VIIRS": "viirs-snpp_2023_Germany.csv"}
LIMITS = (Limit(4, 5, 5), Limit(3, 50, 40), Limit(2, 100, 80))
"""MW in a cell."""
CELL, SPOT = 4, 100
"""Cells and places to a degree."""
STATIC_DAYS = 5
SURE = 30
"""Confidence of MODIS below which a detection is called low; VIIRS says it by a letter."""
PASS = timedelta(minutes=20)
"""No satellite crosses the country in more, and none comes back within an hour."""
FIRE = "0"


class Spot(NamedTuple):
    """One detection; ``power`` in MW, ``truth`` is empty where the file has no such column."""

    at: datetime
    lat: float
    lon: float
    satellite: str
    power: float
    sure: bool
    truth: str

    @property
    def place(self) -> tuple[int, int]:
        return math.floor(self.lat * SPOT), math.floor(self.lon * SPOT)

    @property
    def cell(self) -> tuple[int, int]:
        return math.floor(self.lat * CELL), math.floor(self.lon * CELL)


def spots(path: Path) -> Iterator[Spot]:
    """Every detection of a FIRMS text. The hour is UTC, HHMM; other downloads leave leading zeros out."""
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            at = datetime.strptime(f"{row['acq_date']} {int(row['acq_time']):04d}", "%Y-%m-%d %H%M").replace(tzinfo=UTC)
            trust = row["confidence"]
            sure = int(trust) >= SURE if trust.isdigit() else trust not in ("l", "low")
            yield Spot(at, float(row["latitude"]), float(row["longitude"]), row["satellite"], float(row["frp"]), sure, row.get("type", ""))


def passes(found: Iterable[Spot]) -> list[tuple[datetime, list[Spot]]]:
    """What each satellite saw on each way across, by its first moment."""
    open_: dict[str, tuple[datetime, list[Spot]]] = {}
    told = []
    for spot in sorted(found, key=lambda one: one.at):
        if spot.satellite not in open_ or spot.at - open_[spot.satellite][0] > PASS:
            open_[spot.satellite] = (spot.at, [])
            told.append(open_[spot.satellite])
        open_[spot.satellite][1].append(spot)
    return told


def fires(ways: list[tuple[datetime, list[Spot]]]) -> Iterator[tuple[datetime, list[Spot]]]:
    """The same without what is unsure or burns on many days. A day counts for a place when it is over."""
    days: dict[tuple[int, int], set[date]] = defaultdict(set)
    for at, seen in ways:
        yield at, [one for one in seen if one.sure and len(days[one.place] - {one.at.date()}) < STATIC_DAYS]
        for one in seen:
            days[one.place].add(one.at.date())


def name(cell: tuple[int, int]) -> str:
    """By the cell's corner in the south-west."""
    lat, lon = cell[0] / CELL, cell[1] / CELL
    return f"{'NS'[lat < 0]}{abs(lat):05.2f}{'EW'[lon < 0]}{abs(lon):06.2f}"


def read(path: Path, title: str) -> Set:
    found = list(spots(path))
    cells = [(lat, lon) for lat in _span(one.cell[0] for one in found) for lon in _span(one.cell[1] for one in found)]
    names = [name(cell) for cell in cells]
    heat: list[tuple[datetime, dict[tuple[int, int], float]]] = []
    for at, seen in fires(passes(found)):
        powers: dict[tuple[int, int], float] = defaultdict(float)
        for one in seen:
            powers[one.cell] = round(powers[one.cell] + one.power, 2)
        heat.append((at, powers))
    wanted = []
    for cell in {cell for _, powers in heat for cell in powers}:
        series = [(at, powers.get(cell, 0.0)) for at, powers in heat]
        wanted += [each for limit in LIMITS for each in stood(name(cell), series, limit)]
    bodies = [{"sensor": names, "time": [at.isoformat()] * len(names), "value": [powers.get(cell, 0.0) for cell in cells]} for at, powers in heat]
    return Set(title, _network(names), bodies, wanted, len(names) * len(bodies))


def true(path: Path, wanted: Sequence[Stood]) -> Counter[bool]:
    """How many alarms of the first limit began with a detection that the product calls a fire, and how many did not."""
    lit = {(name(one.cell), at.timestamp()) for at, seen in fires(passes(spots(path))) for one in seen if one.truth == FIRE}
    return Counter((one.sensor, one.began) in lit for one in wanted if one.level == LIMITS[0].level)


def _span(numbers: Iterable[int]) -> range:
    those = list(numbers)
    return range(min(those), max(those) + 1)


def _network(names: list[str]) -> dict[str, Any]:
    return {
        "sites": [{"code": "sky", "name": "卫星热点", "kind": "forest", "area": AREA, "lon": 120, "lat": 36}],
        "sensors": [{"code": one, "site": "sky", "quantity": "heat", "unit": "MW", "low": 0, "high": 100_000} for one in names],
        "rules": [{**RULE, "site": "sky", "quantity": "heat", "level": one.level, "amount": one.amount, "clear": one.clear} for one in LIMITS],
    }
