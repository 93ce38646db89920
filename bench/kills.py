"""100 kills (SIGKILL) at random moments of one replay, resumed after each; then compared with one that ran through.

Nothing may be lost, nothing done twice, the printed object and every record of the two histories must be the same, and
the journal must verify. Against: the seconds of the replay that ran through.
"""

from __future__ import annotations

import time
from pathlib import Path

from . import storm
from .city import City
from .figure import Figure

KILLS, SEED = 100, 100


def measure(planted: City, box: Path, kills: int = KILLS) -> list[Figure]:
    whole, killed = planted.copy(box / "whole"), planted.copy(box / "killed")
    began = time.perf_counter()
    expected = storm.play(whole)
    through = time.perf_counter() - began
    result, came = storm.play_killed(killed, kills, SEED)
    took = time.perf_counter() - began - through
    mine, other = storm.footprint(killed), storm.footprint(whole)
    odd = [name for name in other if mine[name] != other[name]]
    return [
        Figure(f"replay with {kills} kills", took, "s", None, through, "replay without"),
        Figure("different moments killed at", len(set(came)), "moments"),
        Figure("timers lost", result["timers"]["lost"], "timers", 0),
        Figure("things done twice", sum(storm.doubles(killed).values()) + result["timers"]["doubled"], "things", 0),
        Figure("figures that differ", sum(result[name] != expected[name] for name in expected), "figures", 0),
        Figure(" ".join(["tables that differ", *odd]), len(odd), "tables", 0),
        Figure("journals that do not verify", 0 if killed.verify()["ok"] else 1, "journals", 0),
    ]
