"""Periodic duties: each occurrence is a due row; the row that runs writes the next."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from anlan.kernel.people import scope
from anlan.kernel.worlds.models import World

from .due import handles, put
from .models import Due
from .time import now


@dataclass(frozen=True)
class Periodic:
    name: str
    step: timedelta
    each: bool
    """Each missed occurrence is worked (and marked late); otherwise only the latest counts."""


PERIODIC: dict[str, Periodic] = {}


def every(name: str, *, each: bool = False, **step: float) -> Callable:
    """Declare a duty that comes round: ``@every("journal.seal", seconds=5)``."""

    def wrap(work: Callable[[datetime], Any]) -> Callable[[datetime], Any]:
        duty = PERIODIC[name] = Periodic(name, timedelta(**step), each)

        @handles(f"every:{name}")
        def run(row: Due) -> None:
            work(row.at)
            _next(duty, row.at)

        run.__module__, run.__qualname__ = work.__module__, work.__qualname__
        return work

    return wrap


def _next(duty: Periodic, last: datetime) -> None:
    at = last + duty.step
    if not duty.each and at < now():
        at = now() + duty.step
    put(f"every:{duty.name}", at, key=f"every:{duty.name}:{at.timestamp():.0f}")


def start(world: World) -> None:
    """Make sure that each periodic duty stands in the table; a first start begins it now."""
    with scope.everyone(world), transaction.atomic():
        World.objects.select_for_update().get(pk=world.pk)  # two processes that start together begin each duty once
        for duty in PERIODIC.values():
            if not Due.objects.filter(world=world, kind=f"every:{duty.name}", done_at=None, dropped=False).exists():
                put(f"every:{duty.name}", now() + duty.step, key=f"every:{duty.name}:start:{now().timestamp():.0f}")
