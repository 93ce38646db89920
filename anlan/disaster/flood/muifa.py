"""The replay data of typhoon Muifa (2212), 14-16 September 2022: plain functions over the files in data/muifa_2022.

Facts are published unless a row says reconstructed. The series are reconstructed from the published totals and must
be shown with LABEL. README.md beside the files tells how.
"""

import csv
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anlan.engines import geodesy

FOLDER = Path(__file__).parent / "data/muifa_2022"
LABEL = "重建序列（按公布总量反推）"
STARTS_AT = datetime.fromisoformat("2022-09-14T02:00:00+08:00")
ENDS_AT = datetime.fromisoformat("2022-09-16T10:00:00+08:00")
RAIN_ENDS_AT = datetime.fromisoformat("2022-09-16T06:00:00+08:00")

STATION_COLUMNS = ("code", "name", "kind", "town_code", "lon", "lat", "approx", "warn_cm", "top_cm")
UNITS = {"rain": ("mm", 10), "wind": ("m/s", 10), "river": ("m", 100), "reservoir": ("m", 100)}

# Published means, mm, 14 September 02:00 to 16 September 06:00; the reports merge the three inner districts.
DISTRICT_MEANS = {
    "崂山": 243.4,
    "城阳": 194.2,
    "市区": 189.5,
    "莱西": 170.5,
    "即墨": 161.3,
    "西海岸": 125.6,
    "胶州": 114.1,
    "平度": 96.7,
}
CITY_MEAN = 136.2
GROUP_OF = {
    "370202": "市区",
    "370203": "市区",
    "370213": "市区",
    "370211": "西海岸",
    "370212": "崂山",
    "370214": "城阳",
    "370215": "即墨",
    "370281": "胶州",
    "370283": "平度",
    "370285": "莱西",
}


@dataclass(frozen=True)
class Fact:
    """`levels` are colours for a signal and Roman numerals for a response; empty where there was none."""

    at: datetime
    kind: str
    actor: str
    hazard: str
    text: str
    level_from: str
    level_to: str
    value: float | None
    unit: str
    area: str
    source: str
    confidence: str
    reconstructed: bool


@dataclass(frozen=True)
class Station:
    """`warn_cm` is the warning stage of a river or the flood-season limit of a reservoir, on the gauge's own zero."""

    code: str
    name: str
    kind: str
    town_code: str
    lon: float
    lat: float
    approx: str
    warn_cm: int | None
    top_cm: int | None


@dataclass(frozen=True)
class Series:
    """Three columns of equal length, by time, then station. `time` epoch s at the end of a 10 min step, `station` the
    row number in `load_stations()`, `value` 0.1 mm in the step, 0.1 m/s strongest gust of the step, or cm of stage."""

    time: NDArray[np.int64]
    station: NDArray[np.int16]
    value: NDArray[np.int16]

    def grid(self) -> tuple[NDArray[np.int64], NDArray[np.int16]]:
        """(times, values) with values[time, station]."""
        times = np.unique(self.time)
        return times, self.value.reshape(len(times), -1)


@dataclass(frozen=True)
class Fix:
    at: datetime
    lon: float
    lat: float
    wind_ms: float | None
    pressure_hpa: float | None
    place: str
    source: str
    confidence: str


def load_facts() -> list[Fact]:
    """All facts by time."""
    return [
        Fact(
            datetime.fromisoformat(row["at"]),
            **{name: row[name] for name in ("kind", "actor", "hazard", "text", "level_from", "level_to")},
            value=_number(row["value"]),
            **{name: row[name] for name in ("unit", "area", "source", "confidence")},
            reconstructed=row["reconstructed"] == "yes",
        )
        for row in _rows("facts.csv")
    ]


def load_stations() -> list[Station]:
    return [
        Station(
            row["code"],
            row["name"],
            row["kind"],
            row["town_code"],
            float(row["lon"]),
            float(row["lat"]),
            row["approx"],
            int(row["warn_cm"]) if row["warn_cm"] else None,
            int(row["top_cm"]) if row["top_cm"] else None,
        )
        for row in _rows("stations.csv")
    ]


def load_series() -> Series:
    with np.load(FOLDER / "series.npz", allow_pickle=False) as file:
        return Series(file["time"], file["station"], file["value"])


def load_track() -> list[Fix]:
    """The published landfalls: times are facts, positions approximate."""
    return [
        Fix(
            datetime.fromisoformat(row["at"]),
            float(row["lon"]),
            float(row["lat"]),
            _number(row["wind_ms"]),
            _number(row["pressure_hpa"]),
            row["place"],
            row["source"],
            row["confidence"],
        )
        for row in _rows("track.csv")
    ]


def storm_at(at: datetime) -> tuple[float, float]:
    """(lon, lat) interpolated between the landfalls. Before the first or after the last: ValueError."""
    fixes = load_track()
    when = [fix.at.timestamp() for fix in fixes]
    return geodesy.position_at(at.timestamp(), when, [fix.lon for fix in fixes], [fix.lat for fix in fixes])


def _rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _number(text: str) -> float | None:
    return float(text) if text else None
