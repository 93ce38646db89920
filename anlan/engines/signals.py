"""Criteria of the weather warning signals as rows, and the colour that a set of stations reaches.

Source: 气象灾害预警信号发布与传播办法 (China Meteorological Administration, order 16 of 2007), annex. Every row means
"within so many hours, or already reached and going on". Provinces re-issue the amounts: load a newer table with `read`
and pass it as `rows`; never edit the old one, because an old signal is judged by the table of its day.

Quantities: W mean wind force and G gust force (Beaufort, `wind.force`), rain and snow (mm of water), drop (fall of
temperature, K), Tmin, Tmax, ground (deg C), visibility (m), Tmax3 (lowest of three daily Tmax in a row, deg C).
`|` is or, `&` is and. A row that begins with `?` needs a forecaster's judgement and is never reached by figures.
"""

import operator
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

COLOURS = ("red", "orange", "yellow", "blue")
LEVELS = {"red": 1, "orange": 2, "yellow": 3, "blue": 4}
COLOUR_TEXT = {"red": "红色", "orange": "橙色", "yellow": "黄色", "blue": "蓝色"}
SEVERITY_TEXT = {"red": "特别严重", "orange": "严重", "yellow": "较重", "blue": "一般"}
SEVERITY = {"red": "Extreme", "orange": "Severe", "yellow": "Moderate", "blue": "Minor"}
LEVEL_CODE = {"blue": "01", "yellow": "02", "orange": "03", "red": "04"}

NATIONAL_TEXT = """
01 台风 blue 24 W>=6 | G>=8
01 台风 yellow 24 W>=8 | G>=10
01 台风 orange 12 W>=10 | G>=12
01 台风 red 6 W>=12 | G>=14
02 暴雨 blue 12 rain>=50
02 暴雨 yellow 6 rain>=50
02 暴雨 orange 3 rain>=50
02 暴雨 red 3 rain>=100
03 暴雪 blue 12 snow>=4
03 暴雪 yellow 12 snow>=6
03 暴雪 orange 6 snow>=10
03 暴雪 red 6 snow>=15
04 寒潮 blue 48 drop>=8 & Tmin<=4 & W>=5
04 寒潮 yellow 24 drop>=10 & Tmin<=4 & W>=6
04 寒潮 orange 24 drop>=12 & Tmin<=0 & W>=6
04 寒潮 red 24 drop>=16 & Tmin<=0 & W>=6
05 大风 blue 24 W>=6 | G>=7
05 大风 yellow 12 W>=8 | G>=9
05 大风 orange 6 W>=10 | G>=11
05 大风 red 6 W>=12 | G>=13
06 沙尘暴 yellow 12 visibility<1000
06 沙尘暴 orange 6 visibility<500
06 沙尘暴 red 6 visibility<50
07 高温 yellow 72 Tmax3>=35
07 高温 orange 24 Tmax>=37
07 高温 red 24 Tmax>=40
08 干旱 orange 168 ? 综合气象干旱指数达重旱一周，或县区四成以上农作物受旱
08 干旱 red 168 ? 综合气象干旱指数达特旱一周，或县区六成以上农作物受旱
09 雷电 yellow 6 ? 可能发生雷电活动
09 雷电 orange 2 ? 发生雷电活动的可能性很大，或已受雷电影响
09 雷电 red 2 ? 发生雷电活动的可能性非常大，或已有强烈雷电活动
10 冰雹 orange 6 ? 可能出现冰雹
10 冰雹 red 2 ? 出现冰雹的可能性极大，可能造成重雹灾
11 霜冻 blue 48 ground<0
11 霜冻 yellow 24 ground<-3
11 霜冻 orange 24 ground<-5
12 大雾 yellow 12 visibility<500
12 大雾 orange 6 visibility<200
12 大雾 red 2 visibility<50
13 霾 yellow 12 visibility<3000
13 霾 orange 6 visibility<2000
14 道路结冰 yellow 12 ? 路表低于0℃并出现降水
14 道路结冰 orange 6 ? 路表低于0℃并出现降水，对交通有较大影响
14 道路结冰 red 2 ? 路表低于0℃并出现降水，对交通有很大影响
"""

COMPARE = {">=": operator.ge, "<=": operator.le, "<": operator.lt, ">": operator.gt}
Readings = Mapping[tuple[str, int], float]


@dataclass(frozen=True)
class Test:
    quantity: str
    sign: str
    bound: float

    __test__ = False  # not a pytest class

    def holds(self, value: float | None) -> bool:
        return value is not None and bool(COMPARE[self.sign](value, self.bound))


@dataclass(frozen=True)
class Criterion:
    """One colour of one hazard. `ways` is any-of; the tests inside one way are all-of. No way: judged by a person."""

    code: str
    hazard: str
    colour: str
    hours: int
    ways: tuple[tuple[Test, ...], ...]
    text: str
    version: str
    source: str
    confidence: str

    def met(self, station: Readings) -> bool:
        """`station` maps (quantity, window hours) to a value; an absent value meets nothing."""
        return any(all(t.holds(station.get((t.quantity, self.hours))) for t in way) for way in self.ways)


@dataclass(frozen=True)
class Share:
    """The part of the stations that has to meet a row before a whole city gets the signal."""

    part: Fraction
    source: str
    confidence: str


@dataclass(frozen=True)
class Verdict:
    """Severest colour reached; `met` of `total` stations meet `row`. No colour: `colour` is empty, `row` None."""

    colour: str
    met: int
    total: int
    row: Criterion | None


ANY = Share(Fraction(0), "任一站达到即判定", "setting")
SHARES = {
    "暴雪": Share(Fraction(1, 3), "鲁气办发〔2024〕7号", "V"),
    "寒潮": Share(Fraction(1, 2), "鲁气办发〔2024〕7号", "V"),
    "暴雨": Share(Fraction(1, 3), "鲁气办发〔2024〕7号（按暴雪条款类推，待核原文）", "M-low"),
}


def read(text: str, version: str, source: str, confidence: str) -> tuple[Criterion, ...]:
    """Rows of a criteria table: code, hazard, colour, hours, condition. Raises ValueError naming a bad line."""
    rows = []
    for line in filter(None, map(str.strip, text.splitlines())):
        parts = line.split(maxsplit=4)
        if len(parts) != 5 or parts[2] not in COLOURS or not parts[3].isdigit():
            raise ValueError(f"not a criterion: {line}")
        code, hazard, colour, hours, text_ = parts
        rows.append(
            Criterion(code, hazard, colour, int(hours), _ways(text_), text_.lstrip("? "), version, source, confidence)
        )
    return tuple(rows)


def _ways(text: str) -> tuple[tuple[Test, ...], ...]:
    if text.startswith("?"):
        return ()
    return tuple(tuple(_test(part) for part in way.split("&")) for way in text.split("|"))


def _test(text: str) -> Test:
    found = re.fullmatch(r"\s*(\w+)\s*(>=|<=|<|>)\s*(-?\d+(?:\.\d+)?)\s*", text)
    if not found:
        raise ValueError(f"not a condition: {text}")
    return Test(found[1], found[2], float(found[3]))


NATIONAL = read(NATIONAL_TEXT, "2007", "中国气象局令第16号附件", "V")


def verdict(
    hazard: str, stations: Iterable[Readings], share: Share = ANY, rows: tuple[Criterion, ...] = NATIONAL
) -> Verdict:
    """Severest colour that at least `share` of the stations, and at least one, meets.

    Every station of the set counts, also a silent one: leave it out beforehand if it must not weigh.
    """
    readings = list(stations)
    needed = max(1, ceil(share.part * len(readings)))
    for colour in COLOURS:
        for row in (r for r in rows if r.hazard == hazard and r.colour == colour):
            met = sum(row.met(station) for station in readings)
            if met >= needed:
                return Verdict(colour, met, len(readings), row)
    return Verdict("", 0, len(readings), None)
