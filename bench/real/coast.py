"""Rain, tide and wind at a beach on the Korea Strait, half-hourly, 19 June to 1 July 2018, with four days missing.

The set may be measured with and not handed on; it stays in the folder of its own. With it stands a list of the moments at
which the rolling sums of the rain pass the amounts of the Chinese rainstorm signals (50 mm in 12, 6 and 3 hours: blue, yellow,
orange), worked out from the rows without this program: what is found here must be that list.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

from .sets import AREA, RULE, Limit, Series, Set, Stood, reading, rules, stood, together

KST = timezone(timedelta(hours=9))
FILE, LIST = "busan_2018.csv", "expected_rain_signal_crossings_derived.csv"
SIGNALS = {12: Limit(4, 50, 50), 6: Limit(3, 50, 50), 3: Limit(2, 50, 50)}
"""By the hours of the sum."""
RAIN = "coast.rain"
COLUMNS = {"rain": "pcp_mm", "stage": "tide_cm", "gust": "wind_speed_mps"}
UNITS = {"rain": "mm", "stage": "cm", "gust": "m/s"}
LIMITS = {"coast.stage": (Limit(3, 30, 20), Limit(2, 38, 36)), "coast.gust": (Limit(3, 10.8, 9), Limit(2, 17.2, 15))}
"""Of this measurement alone; the wind's are where forces 6 and 8 begin."""
HALF_S = 1800


def read(folder: Path) -> Set:
    told = series(folder)
    wanted = [each for sensor, limits in LIMITS.items() for limit in limits for each in stood(sensor, told[sensor], limit)]
    for hours, limit in SIGNALS.items():
        wanted += stood(RAIN, sums(told[RAIN], hours), limit)
    sent = [(at, reading(sensor, at, value)) for sensor, rows in told.items() for at, value in rows]
    return Set("coastal rain", _network(), together(sent, HALF_S), wanted, len(sent))


def series(folder: Path) -> dict[str, Series]:
    """What each sensor told; a field that is empty is no reading."""
    with (folder / FILE).open(encoding="utf-8", newline="") as file:
        rows = [(datetime.strptime(row["local_time"], "%m/%d/%Y %H:%M").replace(tzinfo=KST), row) for row in csv.DictReader(file)]
    return {f"coast.{kind}": [(at, float(row[column])) for at, row in rows if row[column]] for kind, column in COLUMNS.items()}


def sums(rain: Series, hours: int) -> list[tuple[datetime, float]]:
    """What fell in (t - hours, t], for each t; in whole tenths of a millimetre."""
    span = timedelta(hours=hours)
    return [(t, sum(round(10 * fell) for at, fell in rain if t - span < at <= t) / 10) for t, _ in rain]


def unlike(folder: Path, wanted: Sequence[Stood]) -> int:
    """Moments at which a sum passes its amount by this program or by the list that stands beside the set, and not by the other."""
    rain, found = series(folder)[RAIN], set()
    for one in wanted:
        if one.sensor == RAIN:
            hours = next(h for h, limit in SIGNALS.items() if limit.level == one.level)
            fell = {at.timestamp(): mm for at, mm in sums(rain, hours)}
            found |= {(hours, at, way, fell[at]) for at, way in ((one.began, "up"), (one.ended, "down")) if at is not None}
    with (folder / LIST).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    moments = [datetime.fromisoformat(row["local_time"]).replace(tzinfo=KST).timestamp() for row in rows]
    listed = {(int(row["window_h"]), at, row["direction"], float(row["window_sum_mm"])) for at, row in zip(moments, rows, strict=True)}
    return len(found ^ listed)


def _network() -> dict[str, list[dict[str, object]]]:
    return {
        "sites": [{"code": "coast", "name": "海滨", "kind": "weather", "area": AREA, "lon": 120, "lat": 36}],
        "sensors": [{"code": f"coast.{kind}", "site": "coast", "quantity": kind, "unit": UNITS[kind], "low": -300, "high": 300} for kind in COLUMNS],
        "rules": [
            *({**RULE, "sensor": "coast.rain", "hours": h, "level": s.level, "amount": s.amount, "clear": s.clear} for h, s in SIGNALS.items()),
            *(rule for sensor, limits in LIMITS.items() for rule in rules({sensor: limits}, sensor.partition(".")[2])),
        ],
    }  # fmt: skip
