"""Makes stations.csv and series.npz of the Muifa replay: python -m tools.make_muifa [folder]

A development tool, deterministic: same seed, same bytes. What is published and what is invented, and by which formula,
stands in README.md beside the result. The totals of the districts and of the named gauges are met to 0.1 mm.
"""

import csv
import json
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from math import exp, pi, sin
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

from anlan.disaster.flood import muifa
from anlan.engines import geodesy
from tools import muifa_names as names

SEED = 20220914
KERNEL = Path(__file__).parents[1] / "anlan/kernel"
STEP_S = 600
FIRST = int(datetime.fromisoformat("2022-09-14T02:10:00+08:00").timestamp())
STEPS = 336
RAIN_STEPS = 312
LAOSHAN_TOP = (120.62, 36.17)

MEANS = muifa.DISTRICT_MEANS
FIXED = {"蔚竹庵": 5180, "崂顶": 4829, "北九水": 4709, "柳树台": 3826}
LABEL_FIXED = "名称与雨量见公开报道，位置概位"
LABEL_KNOWN = "名称见公开报道，位置概位，数据合成"
LABEL_MADE = "合成"
GUST_CURVE_H = (0, 14, 18, 24, 31, 36, 39.5, 42, 46, 49, 53, 56)
GUST_CURVE_MS = (9, 13, 17, 20, 23, 27, 31.2, 29.5, 28, 25, 22, 19)
GUST_TOP_MS, GUST_TOP_STEP = 33.0, 236  # (17:20, 17:30] on 15 September


@dataclass
class Station:
    code: str
    name: str
    kind: str
    town: str
    lon: float
    lat: float
    note: str = LABEL_MADE
    warn_cm: int | None = None
    top_cm: int | None = None
    factor: float = 0.0
    values: NDArray[np.int32] = field(default_factory=lambda: np.zeros(STEPS, np.int32))

    @property
    def district(self) -> str:
        return self.town[:6]

    def dice(self, what: str) -> Random:
        return Random(f"{SEED}:{self.code}:{what}")


def main(folder: Path = muifa.FOLDER) -> None:
    towns, cells = read_towns(), read_cells()
    stations = [*rain_gauges(towns, cells), *wind_masts(towns), *river_gauges(towns), *reservoir_gauges(towns)]
    gauges = [s for s in stations if s.kind == "rain"]
    fall(gauges)
    for station in stations:
        if station.kind == "wind":
            blow(station)
        elif station.kind != "rain":
            rise(station, nearby(station, gauges))
    write(folder, stations)


# Places


def read_towns() -> dict[str, dict[str, str]]:
    with (KERNEL / "demo/data/qingdao_towns.csv").open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["code"])
    return {short(row["name"]): row for row in rows}


def short(name: str) -> str:
    if name.startswith("灵山岛"):
        return "灵山岛"
    if name == "惜福镇街道":
        return "惜福镇"
    return name.removesuffix("街道").removesuffix("镇")


def read_cells() -> dict[str, dict]:
    rows = json.loads((KERNEL / "places/data/schematic.geojson").read_text(encoding="utf-8"))["features"]
    return {row["properties"]["code"]: row["geometry"] for row in rows}


def seat(row: dict[str, str], dice: Random) -> tuple[float, float]:
    return float(row["lon"]) + dice.uniform(-0.004, 0.004), float(row["lat"]) + dice.uniform(-0.003, 0.003)


def rain_gauges(towns: dict, cells: dict) -> list[Station]:
    rows: list[tuple[str, str, float, float, str]] = []
    for name, row in towns.items():
        note = LABEL_KNOWN if name in names.PUBLISHED_TOWNS else LABEL_MADE
        rows.append((name, row["code"], *seat(row, Random(f"{SEED}:{name}")), note))
    for name, town, lon, lat in names.rows(names.PUBLISHED_RAIN):
        note = LABEL_FIXED if name in FIXED else LABEL_KNOWN
        rows.append((name, towns[town]["code"], float(lon), float(lat), note))
    for district, count in names.EXTRA_RAIN.items():
        rows += extra(district, count, towns, cells)
    return [
        Station(f"R{k:03d}", name, "rain", town + "000", lon, lat, note)
        for k, (name, town, lon, lat, note) in enumerate(rows, 1)
    ]


def extra(district: str, count: int, towns: dict, cells: dict) -> list[tuple[str, str, float, float, str]]:
    """Second and third gauges, in turn for the largest cells of a district, at a random point of the cell."""
    dice = Random(f"{SEED}:{district}:extra")
    own = [(name, row["code"]) for name, row in towns.items() if row["district_code"] == district and name != "灵山岛"]
    own.sort(key=lambda pair: -geodesy.area_km2(cells[pair[1] + "000"]))
    rows = []
    for k in range(count):
        name, code = own[k % len(own)]
        lon, lat = point_in(cells[code + "000"], dice)
        rows.append((name + "二三四"[k // len(own)] + "站", code, lon, lat, LABEL_MADE))
    return rows


def point_in(geometry: dict, dice: Random) -> tuple[float, float]:
    west, south, east, north = geodesy.bounds(geodesy.polygons(geometry)[0][0])
    while True:
        lon, lat = dice.uniform(west, east), dice.uniform(south, north)
        if geodesy.inside(lon, lat, geometry):
            return lon, lat


def wind_masts(towns: dict) -> list[Station]:
    found = []
    for name, town, lon, lat, open_ in names.rows(names.SEA_WIND):
        note = LABEL_FIXED.replace("雨量", "阵风") if name == "大公岛" else LABEL_KNOWN
        found.append(Station("", name, "wind", towns[town]["code"] + "000", float(lon), float(lat), note))
        found[-1].factor = float(open_)
    for name in names.COAST_WIND:
        dice, row = Random(f"{SEED}:{name}:wind"), towns[name]
        found.append(Station("", name, "wind", row["code"] + "000", *seat(row, dice)))
        found[-1].factor = dice.uniform(0.6, 0.8)
    return numbered(found, "W")


def river_gauges(towns: dict) -> list[Station]:
    known = names.rows(names.PUBLISHED_RIVER)
    rows = [(r, p, t, float(x), float(y), float(lag), LABEL_KNOWN) for r, p, t, x, y, lag in known]
    for river, town, lag in names.rows(names.OTHER_RIVER):
        place = seat(towns[town], Random(f"{SEED}:{river}{town}"))
        rows.append((river, town, town, *place, float(lag), LABEL_MADE))
    found = []
    for river, place, town, lon, lat, lag, note in rows:
        found.append(Station("", f"{river}{place}", "river", towns[town]["code"] + "000", lon, lat, note, factor=lag))
    return numbered(found, "S")


def reservoir_gauges(towns: dict) -> list[Station]:
    with (KERNEL / "places/data/reservoirs.csv").open(encoding="utf-8", newline="") as file:
        rows = [
            (r["name"], r["town_code"], float(r["lon"]), float(r["lat"]), LABEL_KNOWN) for r in csv.DictReader(file)
        ]
    spring = next(r for r in names.rows(names.PUBLISHED_RAIN) if r[0] == "泉心河水库")
    rows.append((spring[0], towns[spring[1]]["code"] + "000", float(spring[2]), float(spring[3]), LABEL_KNOWN))
    for name in names.OTHER_RESERVOIRS:
        place = seat(towns[name], Random(f"{SEED}:{name}:reservoir"))
        rows.append((f"{name}一号水库", towns[name]["code"] + "000", *place, LABEL_MADE))
    return numbered([Station("", n, "reservoir", t, x, y, note) for n, t, x, y, note in rows], "L")


def numbered(stations: list[Station], letter: str) -> list[Station]:
    for k, station in enumerate(stations, 1):
        station.code = f"{letter}{k:03d}"
    return stations


# Rain


def fall(gauges: list[Station]) -> None:
    """Totals first, so that each published mean is met exactly; then each total is spread over the hours."""
    groups = defaultdict(list)
    for gauge in gauges:
        groups[muifa.GROUP_OF[gauge.district]].append(gauge)
    for group, members in groups.items():
        for gauge, total in zip(members, totals(members, round(MEANS[group] * 10) * len(members)), strict=True):
            gauge.values[:RAIN_STEPS] = share(total, hours_weights(gauge))


def totals(members: list[Station], whole: int) -> list[int]:
    """Tenths of mm of each gauge: fixed ones as published, the others by relief and chance."""
    free = [gauge for gauge in members if gauge.name not in FIXED]
    rest = whole - sum(FIXED[gauge.name] for gauge in members if gauge.name in FIXED)
    drawn = iter(share(rest, np.array([relief(gauge) for gauge in free])))
    return [FIXED[gauge.name] if gauge.name in FIXED else int(next(drawn)) for gauge in members]


def relief(gauge: Station) -> float:
    return exp(gauge.dice("total").gauss(0, 0.16)) * (1 + 0.7 * hill(gauge))


def hill(gauge: Station) -> float:
    """1 on the top of 崂山, 0 in the plain."""
    return exp(-((geodesy.distance_km(gauge.lon, gauge.lat, *LAOSHAN_TOP) / 12) ** 2))


def hours_weights(gauge: Station) -> NDArray[np.float64]:
    """Two bands ahead of the storm, its core (later in the north), the wrap behind landfall; gamma noise.
    The hills stretch each of them: rain that they lift goes on between the bands."""
    hours = (np.arange(RAIN_STEPS) + 1) * STEP_S / 3600
    lag = 3.3 * (gauge.lat - 36.1)
    parts = ((0.08, 22, 3.2), (0.20, 33, 3.2), (0.52, 40.8 + lag, 3.2), (0.20, 45.5 + lag / 2, 2.4))
    stretch = 1 + 0.5 * hill(gauge)
    shape = sum(w / width * np.exp(-(((hours - at) / width / stretch) ** 2) / 2) for w, at, width in parts)
    dice, cells = gauge.dice("hours"), Random(f"{SEED}:{gauge.district}:cells")
    wide = np.repeat([cells.gammavariate(12, 1 / 12) for _ in range(RAIN_STEPS // 3)], 3)
    own = np.array([dice.gammavariate(3, 1 / 3) for _ in range(RAIN_STEPS)])
    ending = np.clip((52 - hours) / 2, 0, 1)
    return np.where(hours > 4, shape * wide * own * ending, 0)


def share(whole: int, weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """Whole units by weight, the largest remainders first: the parts always add up."""
    exact = weights / weights.sum() * whole
    parts = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - parts), kind="stable")
    parts[order[: whole - int(parts.sum())]] += 1
    return parts


# Wind


def blow(mast: Station) -> None:
    """Gust of each 10 min: one curve of the storm, exposure of the mast, slow and fast noise; 大公岛 is the peak."""
    hours, dice = (np.arange(STEPS) + 1) * STEP_S / 3600, mast.dice("gust")
    curve = np.interp(hours - (mast.lat - 36.0) * 2, GUST_CURVE_H, GUST_CURVE_MS)
    turn = dice.uniform(0, 2 * pi)
    slow = np.array([1 + 0.03 * sin(h / 2.7 + turn) for h in hours])
    fast = np.array([dice.gauss(1, 0.04) for _ in hours])
    speed = np.clip(curve * mast.factor * slow * fast, 0.5, GUST_TOP_MS - 0.4)
    mast.values = np.rint(speed * 10).astype(np.int32)
    if mast.name == "大公岛":
        mast.values[GUST_TOP_STEP] = round(GUST_TOP_MS * 10)


# Water


def nearby(station: Station, gauges: list[Station]) -> NDArray[np.float64]:
    """mm in each step over the catchment: the mean of the five nearest gauges."""
    near = sorted(gauges, key=lambda g: (geodesy.distance_km(station.lon, station.lat, g.lon, g.lat), g.code))[:5]
    return np.mean([gauge.values for gauge in near], axis=0) / 10


def rise(station: Station, rain: NDArray[np.float64]) -> None:
    dice = station.dice("stage")
    if station.kind == "river":
        base = dice.randrange(60, 200)
        flow = linear_reservoir(linear_reservoir(excess(rain), station.factor), station.factor / 2)
        stage = base + 85 * (flow * 3600 / STEP_S) ** 0.6
        station.warn_cm, station.top_cm = base + 240, base + 340
    else:
        limit = dice.randrange(800, 1800)
        inflow = linear_reservoir(excess(rain), 6) * dice.uniform(6, 14) / 10
        if station.name in names.RING_DAMS:
            inflow = rain / 10
        stage = stored(limit - dice.randrange(10, 110), inflow, limit)
        station.warn_cm, station.top_cm = limit, limit + 180
    station.values = np.rint(stage).astype(np.int32)


def excess(rain: NDArray[np.float64]) -> NDArray[np.float64]:
    """Runoff by the curve-number method (USDA NEH-4, S = 60 mm): the ground takes the first rain."""
    fallen = np.cumsum(rain)
    wet = np.maximum(fallen - 12, 0)
    return np.diff(wet**2 / (wet + 60), prepend=0.0)


def linear_reservoir(inflow: NDArray[np.float64], lag_h: float) -> NDArray[np.float64]:
    keep = exp(-STEP_S / 3600 / lag_h)
    out, flow = np.zeros(len(inflow)), 0.0
    for k, amount in enumerate(inflow):
        flow = keep * flow + (1 - keep) * amount
        out[k] = flow
    return out


def stored(start: float, inflow: NDArray[np.float64], limit: float) -> NDArray[np.float64]:
    """Level in cm; above the limit the gates let out 1.5 % of the surplus each step."""
    out, level = np.zeros(len(inflow)), start
    for k, amount in enumerate(inflow):
        level += amount - 0.015 * max(0.0, level - limit)
        out[k] = level
    return out


# Files


def write(folder: Path, stations: list[Station]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "stations.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(muifa.STATION_COLUMNS)
        for s in stations:
            out.writerow((s.code, s.name, s.kind, s.town, f"{s.lon:.4f}", f"{s.lat:.4f}", s.note, s.warn_cm, s.top_cm))
    times = FIRST + STEP_S * np.arange(STEPS, dtype=np.int64)
    np.savez_compressed(
        folder / "series.npz",
        time=np.repeat(times, len(stations)),
        station=np.tile(np.arange(len(stations), dtype=np.int16), STEPS),
        value=np.stack([s.values for s in stations], axis=1).astype(np.int16).ravel(),
    )


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
