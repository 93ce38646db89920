"""Rows of the demo city: monitoring stations of the flood network, threshold rules, start conditions."""

from __future__ import annotations

from datetime import date

from anlan.engines import signals, wind
from anlan.sensing.models import Edition, Rule, Sensor, StageLimit, Station

from . import muifa
from .models import ResponseRule
from .replay import QUANTITY

SINCE = date(2007, 6, 12)
INVENTED = "合成"
INVENTED_LIMIT = "合成:演示数据自拟的限值,不是任何测站的实际限值;实际限值由防办录入"
CALM_S = 1200
"""A gust has passed when twenty minutes have been below; the criteria do not say it."""
STARTING = "启动条件本市预案原文未公开,起始值,可配置"


def plant() -> None:
    """Write the rows once."""
    _stations()
    _rules()
    _limits()
    _conditions()


def _stations() -> None:
    for row in muifa.load_stations():
        station = Station(
            code=row.code, name=row.name, kind=row.kind, area_id=row.town_code, lon=row.lon, lat=row.lat,
            synthetic=row.approx.startswith("合成"), note=row.approx[:80],
        )  # fmt: skip
        station.save()
        quantity, unit, low, high = QUANTITY[row.kind]
        Sensor(
            station=station, code=f"{row.code}.{quantity}", quantity=quantity, unit=unit, low=low, high=high, area_id=row.town_code
        ).save()


def _rules() -> None:
    """The national criteria of rain and typhoon gusts, each as one row; cleared at four fifths of the amount."""
    rows = []
    for row in signals.NATIONAL:
        level = signals.LEVELS[row.colour]
        for way in row.ways:
            if len(way) != 1:
                continue
            test = way[0]
            if row.hazard == "暴雨" and test.quantity == "rain":
                rows.append(_rule("暴雨", "rain", row.hours, test.bound, level, row.source))
            elif row.hazard == "台风" and test.quantity == "G":
                rows.append(_rule("台风", "gust", 0, wind.lower_ms(int(test.bound)), level, row.source))
    Rule.objects.bulk_create(rows)
    Edition.turn()


def _rule(hazard: str, quantity: str, hours: int, amount: float, level: int, source: str) -> Rule:
    return Rule(
        hazard=hazard, quantity=quantity, hours=hours, amount=amount, clear=round(amount * 0.8, 1), level=level,
        hold_down_s=0 if hours else CALM_S, source=source, confidence="V", version="2007", since=SINCE,
    )  # fmt: skip


def _limits() -> None:
    """Invented stages as limits of the invented gauges only, marked so. A gauge that bears a real name has none: its real
    limits are not public, and a figure beside that name would be taken for one."""
    gauge = {"river": (StageLimit.Mark.WARNING, 3), "reservoir": (StageLimit.Mark.SEASON, 4)}
    for row in muifa.load_stations():
        if row.kind in gauge and row.warn_cm is not None and row.approx == INVENTED:
            mark, level = gauge[row.kind]
            StageLimit(
                sensor=Sensor.objects.get(code=f"{row.code}.stage"), mark=mark, amount=row.warn_cm / 100, level=level,
                source=INVENTED_LIMIT, confidence=INVENTED, version="演示", since=SINCE,
            ).save()  # fmt: skip


def _conditions() -> None:
    signal, stations = ResponseRule.Kind.SIGNAL, ResponseRule.Kind.STATIONS
    rows = [(signal, hazard, trigger, None, trigger + 1) for hazard in ("台风", "暴雨") for trigger in (1, 2, 3)]
    rows += [(stations, "暴雨", 2, 0.5, 3), (stations, "暴雨", 1, 0.34, 2)]
    ResponseRule.objects.bulk_create(
        ResponseRule(
            kind=kind, hazard=hazard, trigger=trigger, share=share, level=level, source=STARTING, confidence="M-low",
            version="2023起始值", since=date(2021, 1, 1),
        )
        for kind, hazard, trigger, share, level in rows
    )  # fmt: skip
