"""When what comes round comes next: after a length of time, or at an hour of certain days in the city's time zone."""

from __future__ import annotations

import calendar
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path

from django.utils import timezone

from anlan.engines import workdays

Next = Callable[[datetime], datetime]
HOLIDAYS = Path(__file__).parent / "data" / "holidays.csv"
ONE_DAY = timedelta(days=1)


@cache
def holidays() -> workdays.Table:
    return workdays.read(HOLIDAYS.read_text(encoding="utf-8").splitlines())


def at_hour(hour: str, falls: Callable[[date], bool]) -> Next:
    """The next moment at this hour ("08:00") of a day that ``falls``."""
    clock = time.fromisoformat(hour)

    def after(moment: datetime) -> datetime:
        zone = timezone.get_default_timezone()
        day = timezone.localtime(moment, zone).date()
        while (at := datetime.combine(day, clock, zone)) <= moment or not falls(day):
            day += ONE_DAY
        return at

    return after


def daily(hour: str) -> Next:
    return at_hour(hour, lambda day: True)


def weekly(weekday: int, hour: str) -> Next:
    """Monday is 0."""
    if weekday not in range(7):
        raise ValueError(f"weekday {weekday} is none of 0 (Monday) to 6")
    return at_hour(hour, lambda day: day.weekday() == weekday)


def monthly(number: int, hour: str) -> Next:
    """In a month without the 31st it is its last day."""
    if number not in range(1, 32):
        raise ValueError(f"day {number} is none of 1 to 31")
    return at_hour(hour, lambda day: day.day == min(number, calendar.monthrange(day.year, day.month)[1]))


def on_workdays(hour: str) -> Next:
    """Days that are worked by the holiday table: make-up days too, holidays not."""
    return at_hour(hour, lambda day: workdays.is_workday(day, holidays()))
