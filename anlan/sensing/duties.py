"""What comes round in the network of the real city."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from anlan.kernel.clock import every
from anlan.kernel.people import scope

from . import history, intake, listening, network, settle
from .parts import apart

__all__ = ["intake"]


@every("sensing.tick", seconds=5)
def tick(at: datetime) -> None:
    """Silence, and rules that have changed. While readings come in, whoever takes them sees to both; of a cluster the workers."""
    if apart() or network.flows() or listening.deaf():
        with transaction.atomic():
            settle.release()
    else:
        network.tick()


@every("sensing.seal", minutes=1)
def seal(at: datetime) -> None:
    history.seal_some(scope.current().world)


@every("sensing.compact", daily="02:30")
def compact(at: datetime) -> None:
    history.compact_days(scope.current().world)
