"""The network that the figures of sensing stand on: its sensors, its limits, and what every sensor reads second by second."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from .city import City

LOW, HIGH = -1000.0, 1000.0
"""The range of the instruments."""
SCRIPT = """
from datetime import date
from anlan.kernel.people import scope
from anlan.sensing.models import Edition, Rule, Sensor, Station
with scope.everyone():
    town = "370212001000"
    station = Station(code="BENCH", name="测", kind="other", area_id=town, lon=120.5, lat=36.1)
    station.save()
    Sensor.everywhere.bulk_create((Sensor(station=station, code=code, quantity="level", unit="m", low={low}, high={high}, area_id=town)
        for code in {codes}), batch_size=5000)
    told = dict(hazard="测", quantity="level", hours=0, source="测", confidence="合成", version="1", since=date(2020, 1, 1), area_id=town, mark="")
    Rule.objects.bulk_create(Rule(**limit, **told) for limit in {limits})
    Edition.turn()
"""


@dataclass(frozen=True)
class Limit:
    """A rule over every sensor, in the words of `sensing.models.Rule`; level 4 is the first to be reached."""

    kind: str
    level: int
    amount: float = 0.0
    clear: float = 0.0
    hold_up_s: int = 0
    hold_down_s: int = 0

    @property
    def name(self) -> str:
        return f"{self.kind}{self.level}"


def limits(hold_up_s: int = 2) -> list[Limit]:
    """Four levels on either side, with deadband and hold times, and one rule of each other kind."""
    steps = [(4 - k, 40.0 + 5 * k, 39.0 + 5 * k) for k in range(4)]
    return [
        *(Limit("high", level, amount, clear, hold_up_s, 10) for level, amount, clear in steps),
        *(Limit("low", level, -amount, -clear, hold_up_s, 10) for level, amount, clear in steps),
        Limit("rate", 3, 1e6, hold_down_s=10),
        Limit("stuck", 4, hold_up_s=600),
        Limit("quality", 4, 3),
        Limit("offline", 4, hold_up_s=120),
    ]


def codes(count: int) -> list[str]:
    return [f"QD-{n % 10:02d}-{n:06d}" for n in range(count)]


def plant(city: City, count: int, rules: list[Limit]) -> str:
    """Give a city so many sensors and these rules; the token of a gateway."""
    script = SCRIPT.format(low=LOW, high=HIGH, codes=codes(count), limits=[asdict(rule) for rule in rules])
    path = city.home / "network.py"
    path.write_text(script, encoding="utf-8")
    city.do("django", "shell", "-v0", "-c", f"exec(open({str(path)!r}, encoding='utf-8').read())")
    return city.do("gateway", "add", "bench").strip()


class Course:
    """Quiet noise; each second some sensors begin to stand beyond a limit, above or below, for one to eight seconds, and
    then for three in the deadband of the first level. What begins ends within the course, and no sensor begins twice."""

    LONGEST, AFTER, REST = 8, 3, 12

    def __init__(self, sensors: int, seconds: int, begun: int = 5, seed: int = 5) -> None:
        self.sensors, self.seconds, self.seed = sensors, seconds, seed
        rng = np.random.default_rng(seed)
        starts = np.repeat(np.arange(2, max(2, seconds - self.LONGEST - self.AFTER - self.REST)), begun)
        self.start, self.who = starts, rng.permutation(sensors)[: len(starts)]
        self.side = rng.choice([-1, 1], len(starts))
        self.height, self.lasts = rng.uniform(40.5, 58, len(starts)).round(2), rng.integers(1, self.LONGEST + 1, len(starts))

    def second(self, k: int) -> NDArray[np.float64]:
        """(sensors,) what each reads in second k, with two decimals."""
        value = np.random.default_rng((self.seed, k)).normal(10, 1.5, self.sensors).round(2)
        since = k - self.start
        beyond = (since >= 0) & (since < self.lasts)
        between = (since >= self.lasts) & (since < self.lasts + self.AFTER)
        value[self.who[beyond]] = (self.side * self.height)[beyond]
        value[self.who[between]] = self.side[between] * 39.5
        return value


def bodies(names: list[str], values: NDArray[np.float64], at: float, size: int) -> list[bytes]:
    """What gateways send of one second: JSON rows, so many in a body."""
    told = [{"sensor": name, "time": round(at, 3), "value": value} for name, value in zip(names, values.tolist(), strict=True)]
    return [orjson.dumps({"readings": told[a : a + size]}) for a in range(0, len(told), size)]


def told(city: City) -> dict[tuple[str, str], tuple[int, int]]:
    """By sensor and rule: how often an alarm was raised, and how often it was cleared again."""
    rows: list[tuple[Any, ...]] = city.ask(
        "select s.code, r.kind || r.level, count(*), count(a.cleared_at) from sensing_alarm a"
        " join sensing_sensor s on s.id = a.sensor_id join sensing_rule r on r.id = a.rule_id where s.code like 'QD-%' group by 1, 2"
    )
    return {(code, rule): (raised, cleared) for code, rule, raised, cleared in rows}
