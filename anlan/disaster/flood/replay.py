"""Replay of Typhoon Muifa, 14-16 September 2022: every reading and published fact is a due row of its own world."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

import numpy as np
from django.db import transaction

from anlan.kernel import journal
from anlan.kernel.cases import Refused
from anlan.kernel.clock import due, real
from anlan.kernel.people import scope
from anlan.kernel.people.models import Area
from anlan.kernel.worlds.models import World
from anlan.sensing import acts as sensing
from anlan.sensing import door, network
from anlan.sensing.models import Sensor, Warning

from . import muifa

NAME = "muifa-2022"
TITLE = "台风“梅花”回放(2022年9月14—16日)"
MARK = "【回放】历史重演:信号、响应为公布事实,逐时序列按公布总量重建,人员与应答为模拟"
STARTS = datetime(2022, 9, 14, 8, 0, tzinfo=UTC)
ENDS = datetime(2022, 9, 16, 2, 0, tzinfo=UTC)
QUANTITY = {
    "rain": ("rain", "mm", 0.0, 200.0),
    "wind": ("gust", "m/s", 0.0, 90.0),
    "river": ("stage", "m", -5.0, 100.0),
    "reservoir": ("stage", "m", -5.0, 500.0),
}
"""For each kind of station: what it measures, in which unit, from where to where."""


def begin(speed: float = 600.0, seed: int = 20220914) -> World:
    """Open a replay world and write everything that will happen in it from outside."""
    times, _ = _series()
    if not set(_codes()) <= set(Sensor.everywhere.filter(code__in=_codes()).values_list("code", flat=True)):
        raise Refused("本城市没有回放“梅花”所用的演示监测站,不能开设这场回放")
    with transaction.atomic():
        world = World.objects.create(
            kind=World.Kind.REPLAY, name=NAME, title=TITLE, mark=MARK, seed=seed, speed=speed, stepped=True, guests=True,
            anchor_world=STARTS, anchor_real=real(), step=STARTS, ends=ENDS,
            switches={"auto_confirm": True, "simulate": True},
        )  # fmt: skip
        with scope.everyone(world, at=STARTS):
            _preload()
            steps = [(_moment(t), f"replay:{n}", {"n": n}) for n, t in enumerate(times) if _moment(t) > STARTS]
            due.put_many("replay.readings", steps)
            rows = [(fact.at, f"fact:{n}", {"n": n}) for n, fact in enumerate(muifa.load_facts()) if fact.at >= STARTS]
            due.put_many("replay.fact", rows)
            _before()
            journal.write("replay.begun", world, text=f"{TITLE}开始,{speed:g}倍速", basis=MARK, wide=True)
    return world


@cache
def _series() -> tuple[Any, Any]:
    """Times (epoch s) and values in their units, one column for each station."""
    times, raw = muifa.load_series().grid()
    scale = np.array([muifa.UNITS[s.kind][1] for s in muifa.load_stations()], dtype=float)
    return times, raw / scale


@cache
def _codes() -> tuple[str, ...]:
    """The sensor of each column."""
    return tuple(f"{s.code}.{QUANTITY[s.kind][0]}" for s in muifa.load_stations())


def _moment(epoch: int) -> datetime:
    return datetime.fromtimestamp(int(epoch), UTC)


def _preload() -> None:
    """Readings from before the replay starts, so that its first windows are full."""
    times, values = _series()
    past = times <= STARTS.timestamp()
    known = dict(Sensor.everywhere.values_list("code", "pk"))
    ids = np.array([known[code] for code in _codes()], np.int32)
    moments = times[past].astype(np.int64) * 1000
    network.take(np.tile(ids, len(moments)), np.repeat(moments, len(ids)), values[past].ravel())


def _before() -> None:
    """The blue signal was in force when it was raised at 16:50; when it was issued is not published."""
    text = "台风蓝色预警信号(16时50分升级前已在生效,发布时刻未见公布)"
    sensing.do_issue("台风", "blue", issuer="青岛市气象台", text=text, at=STARTS, source="由16时50分升级的公布推定", reconstructed=True)


@due.handles("replay.readings")
def _readings(row: Any) -> None:
    """One step of the series comes through the door like any other batch."""
    _, values = _series()
    door.take([door.Sample(code, row.at, float(v)) for code, v in zip(_codes(), values[row.body["n"]], strict=True)])


@due.handles("replay.fact")
def _fact(row: Any) -> None:
    """A published fact happens: a signal is issued or lifted; anything else is told as it was published."""
    fact = muifa.load_facts()[row.body["n"]]
    area = fact.area if Area.objects.filter(code=fact.area).exists() else scope.ROOT
    if fact.kind == "signal" and (fact.level_to or fact.level_from):
        _signal(fact, area)
        return
    note = "(重建)" if fact.reconstructed else "(公布)"
    figure = f" {fact.value:g}{fact.unit}" if fact.value is not None and fact.kind == "rain_total" else ""
    world = scope.current().world
    journal.write("fact.published", world, text=f"{fact.text}{figure}{note}", basis=fact.source, area=area, wide=True)


def _signal(fact: muifa.Fact, area: str) -> None:
    """Issue, lift, or turn one hazard's signal into another's. A city-wide end also ends the districts' own signals,
    whose end was not published."""
    told = {"at": fact.at, "source": fact.source, "reconstructed": fact.reconstructed}
    active = Warning.objects.filter(scope.within("area_id", scope.prefix(area)), state=Warning.State.ACTIVE)
    for warning in active:
        lifted = not fact.level_to and warning.hazard == fact.hazard
        turned = warning.hazard != fact.hazard and f"将{warning}" in fact.text
        if lifted or turned:
            sensing.do_lift(warning, **told)
    if fact.level_to:
        sensing.do_issue(fact.hazard, fact.level_to, issuer=fact.actor, text=fact.text, area=area, **told)
