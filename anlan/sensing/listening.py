"""Is a door open? While none is, after a power cut, during an update or where the database does not answer, nobody can be heard:
that time is no sensor's silence, and nothing is judged by time alone."""

from __future__ import annotations

from datetime import datetime, timedelta

from anlan.kernel.clock import beats, real
from anlan.kernel.clock.models import Beat
from anlan.kernel.people import scope

from . import network, parts

DOOR = "door"
EACH_S = 5.0
DEAF = timedelta(seconds=30)
"""Without a sign of any door for so long, there was none."""


def listen() -> None:
    """A door is open. Where none was for a while, what is silent since then has been silent for so much less."""
    last, moment = _last(), real()
    if last is not None and moment - last > DEAF:
        with scope.everyone():
            network.excuse(parts.ALL if parts.apart() else [parts.WHOLE], last, moment)
    beats.beat(DOOR, silence_s=DEAF.total_seconds(), essential=False)


def deaf() -> bool:
    """Has there been a door, and is none open now?"""
    last = _last()
    return last is not None and real() - last > DEAF


def _last() -> datetime | None:
    return Beat.objects.filter(name=DOOR).values_list("last", flat=True).first()
