"""Replay of Typhoon Muifa, 14-16 September 2022: every reading and published fact is a due row of its own world."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from django.db import transaction

from anlan.kernel import journal
from anlan.kernel.clock import due, real
from anlan.kernel.people import scope
from anlan.kernel.worlds.models import World
from anlan.sensing import acts as sensing
from anlan.sensing import door
from anlan.sensing.models import Reading, Sensor, Station, Warning

from . import muifa

NAME = "muifa-2022"
TITLE = "台风“梅花”回放(2022年9月14—16日)"
MARK = "【回放】历史重演:信号、响应为公布事实,逐时序列按公布总量重建,人员与应答为模拟"
STARTS = datetime(2022, 9, 14, 8, 0, tzinfo=UTC)
ENDS = datetime(2022, 9, 16, 2, 0, tzinfo=UTC)
COLOUR = {"蓝": "blue", "黄": "yellow", "橙": "orange", "红": "red"}


def begin(speed: float = 600.0, seed: int = 20220914) -> World:
    """Open a replay world and write everything that will happen in it from outside."""
    with transaction.atomic():
        world = World.objects.create(
            kind=World.Kind.REPLAY, name=NAME, title=TITLE, mark=MARK, seed=seed, speed=speed, stepped=True, guests=True,
            anchor_world=STARTS, anchor_real=real(), step=STARTS, ends=ENDS,
            switches={"auto_confirm": True, "simulate": True},
        )  # fmt: skip
        with scope.everyone(world, at=STARTS):
            _preload()
            due.put_many("replay.readings", [(at, f"replay:{n}", {"n": n}) for n, at in _steps() if at > STARTS])
            rows = [(fact.at, f"fact:{n}", {"n": n}) for n, fact in enumerate(muifa.load_facts()) if fact.at >= STARTS]
            due.put_many("replay.fact", rows)
            journal.write("replay.begun", world, text=f"{TITLE}开始,{speed:g}倍速", basis=MARK, wide=True)
    return world


@cache
def _series() -> Any:
    return muifa.load_series()


@cache
def _sensors() -> dict[str, int]:
    return dict(Sensor.everywhere.values_list("station__code", "pk"))


def _steps() -> list[tuple[int, datetime]]:
    """The times of the reconstructed series, numbered."""
    return [(n, datetime.fromtimestamp(int(t), UTC)) for n, t in enumerate(_series().times)]


def _preload() -> None:
    """Readings from before the replay starts, so that its first windows are full."""
    world, steps = scope.current().world, _steps()
    rows = [
        Reading(world=world, sensor_id=_sensors()[code], at=at, value=value)
        for n, at in steps
        if at <= STARTS
        for code, value in _series().at(n)
    ]
    Reading.objects.bulk_create(rows, batch_size=2000)


@due.handles("replay.readings")
def _readings(row: Any) -> None:
    n = row.body["n"]
    codes = {pk: code for code, pk in Sensor.everywhere.values_list("code", "station__code")}
    door.take([door.Sample(codes[station], row.at, value) for station, value in _series().at(n)])


@due.handles("replay.fact")
def _fact(row: Any) -> None:
    """A published fact happens: a signal is issued or lifted; anything else is told as it was published."""
    fact = muifa.load_facts()[row.body["n"]]
    if fact.kind == "signal":
        _signal(fact)
    else:
        text = f"{fact.actor}:{fact.text}" if fact.actor else fact.text
        world = scope.current().world
        journal.write("fact.published", world, text=text, basis=fact.source, area=fact.area or None, wide=True)


def _signal(fact: Any) -> None:
    area = fact.area or scope.ROOT
    if fact.level_to:
        sensing.do_issue(
            fact.hazard, fact.level_to, issuer=fact.actor, text=fact.text, area=area, at=fact.at,
            source=fact.source, reconstructed=fact.reconstructed,
        )  # fmt: skip
        return
    for warning in Warning.objects.filter(hazard=fact.hazard, area_id=area, state=Warning.State.ACTIVE):
        sensing.do_lift(warning, at=fact.at, source=fact.source, reconstructed=fact.reconstructed)


