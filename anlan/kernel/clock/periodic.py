"""Periodic duties: each occurrence is a due row; the row that runs writes the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.db import transaction

from anlan.kernel.people import scope
from anlan.kernel.worlds.models import World

from . import calendar
from .due import handles, put
from .models import Due
from .time import now

Worlds = Literal["actual", "all"]


@dataclass(frozen=True)
class Periodic:
    name: str
    rhythm: dict[str, Any]
    """What was declared: ``{"minutes": 1}``, ``{"daily": "08:00"}``."""
    next: calendar.Next
    each: bool
    """Each missed occurrence is worked (and marked late); otherwise the first, once, for all of them."""
    worlds: Worlds

    def in_world(self, world: World) -> bool:
        return self.worlds == "all" or world.actual


PERIODIC: dict[str, Periodic] = {}


def every(name: str, *, each: bool = False, worlds: Worlds = "actual", **rhythm: Any) -> Callable:
    """Declare a duty that comes round, in the real city only or in all worlds; the function is given its time.

    ``seconds=5`` and the like, or one of ``daily="08:00"``, ``weekly=(0, "08:00")`` (Monday), ``monthly=(31, "08:00")``
    (or the month's last day), ``workdays="08:00"``, in the city's time zone.
    """

    def wrap(work: Callable[[datetime], Any]) -> Callable[[datetime], Any]:
        duty = PERIODIC[name] = Periodic(name, rhythm, _next_of(name, rhythm), each, worlds)

        @handles(f"every:{name}")
        def run(row: Due) -> None:
            work(row.at)
            at = duty.next(row.at)
            _put(duty, at if each or at >= now() else duty.next(now()))

        run.__module__, run.__qualname__ = work.__module__, work.__qualname__
        return work

    return wrap


def _next_of(name: str, rhythm: dict[str, Any]) -> calendar.Next:
    kinds: dict[str, Callable[..., calendar.Next]] = {
        "daily": calendar.daily, "weekly": calendar.weekly, "monthly": calendar.monthly, "workdays": calendar.on_workdays,
    }  # fmt: skip
    if not rhythm or (len(rhythm) > 1 and set(rhythm) & set(kinds)):
        raise ValueError(f"{name}: say either a length of time or one of {', '.join(kinds)}")
    (kind, given), *_ = rhythm.items()
    if kind in kinds:
        return kinds[kind](*((given,) if isinstance(given, str) else given))
    step = timedelta(**rhythm)
    return lambda moment: moment + step


def _put(duty: Periodic, at: datetime, first: str = "") -> None:
    put(f"every:{duty.name}", at, key=f"every:{duty.name}:{first}{at.timestamp():.0f}")


def start(world: World) -> None:
    """Make sure that each periodic duty of this world stands in the table."""
    duties = [duty for duty in PERIODIC.values() if duty.in_world(world)]
    if not duties:
        return
    with scope.everyone(world), transaction.atomic():
        World.objects.select_for_update().get(pk=world.pk)  # two processes that start together begin each duty once
        rows = Due.objects.filter(world=world, done_at=None, dropped=False, kind__startswith="every:")
        standing = set(rows.values_list("kind", flat=True))
        for duty in duties:
            if f"every:{duty.name}" not in standing:
                here = (world.step if world.stepped else None) or now()
                _put(duty, duty.next(here), f"start:{here.timestamp():.0f}:")
