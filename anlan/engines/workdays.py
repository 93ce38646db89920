"""Periods in days, working days and hours, as Chinese administrative law counts them.

Sources: the day of the event is not counted and a last day on a holiday moves to the first working day after it
(民事诉讼法 art. 85, by analogy); working days exclude statutory holidays (行政处罚法 art. 85, 行政许可法 art. 82);
hours run day and night. Which law counts how is the caller's matter. The table is the yearly holiday notice of the
State Council: date -> "holiday" or "makeup" (a weekend day that is worked). A year without any row is counted with
plain weekends; `covers` says whether an answer is safe, and what is not must be shown as provisional.
"""

import csv
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

Table = Mapping[date, str]
HOLIDAY, MAKEUP = "holiday", "makeup"
ONE_DAY = timedelta(days=1)


def read(lines: Iterable[str]) -> dict[date, str]:
    """Table from CSV lines with columns day, kind, name, source. Raises ValueError for a bad kind or a double day."""
    table: dict[date, str] = {}
    for row in csv.DictReader(lines):
        day = date.fromisoformat(row["day"])
        if row["kind"] not in (HOLIDAY, MAKEUP) or day in table:
            raise ValueError(f"bad or double row: {row}")
        table[day] = row["kind"]
    return table


def covers(first: date, last: date, table: Table) -> bool:
    """Whether every year of the span has its holiday notice in the table."""
    return set(range(first.year, last.year + 1)) <= {day.year for day in table}


def is_workday(day: date, table: Table) -> bool:
    kind = table.get(day)
    return kind == MAKEUP or (kind is None and day.weekday() < 5)


def next_workday(day: date, table: Table) -> date:
    """The day itself when it is worked, else the first worked day after it."""
    while not is_workday(day, table):
        day += ONE_DAY
    return day


def add_workdays(start: date, count: int, table: Table) -> date:
    """Last day of a period of `count` >= 1 working days; the start day is not counted."""
    _positive(count)
    day = start
    while count:
        day += ONE_DAY
        count -= is_workday(day, table)
    return day


def add_days(start: date, count: int, table: Table) -> date:
    """Last day of a period of `count` >= 1 calendar days; moved on when it is not a working day."""
    _positive(count)
    return next_workday(start + timedelta(days=count), table)


def add_hours(start: datetime, hours: float) -> datetime:
    """Hours run through nights and holidays. The zone is China's, which has no summer time."""
    return start + timedelta(hours=hours)


def workdays_between(start: date, end: date, table: Table) -> int:
    """Working days after `start` up to and with `end`; negative when `end` lies before `start`."""
    if end < start:
        return -workdays_between(end, start, table)
    return sum(is_workday(start + timedelta(days=k), table) for k in range(1, (end - start).days + 1))


def _positive(count: int) -> None:
    if count < 1:
        raise ValueError(f"a period has at least one day, not {count}")
