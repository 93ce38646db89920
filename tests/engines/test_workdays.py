from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anlan.engines import workdays as w

HOLIDAYS = Path(w.__file__).parents[1] / "kernel/clock/data/holidays.csv"
TABLE = w.read(HOLIDAYS.read_text(encoding="utf-8").splitlines())
days = st.dates(date(2022, 1, 1), date(2026, 9, 30))


def test_the_table_holds_five_years():
    assert w.covers(date(2022, 1, 1), date(2026, 12, 31), TABLE)
    assert not w.covers(date(2026, 12, 31), date(2027, 1, 4), TABLE)


@pytest.mark.parametrize("year", range(2022, 2027))
def test_every_makeup_day_is_a_weekend_and_every_year_has_its_feasts(year):
    rows = {day: kind for day, kind in TABLE.items() if day.year == year}
    assert all(day.weekday() >= 5 for day, kind in rows.items() if kind == w.MAKEUP)
    for fixed in (date(year, 1, 1), date(year, 5, 1), date(year, 10, 1)):
        assert rows[fixed] == w.HOLIDAY


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [
        (date(2022, 9, 30), 1, date(2022, 10, 8)),  # National Day week, then a Saturday that is worked
        (date(2023, 4, 28), 5, date(2023, 5, 9)),
        (date(2023, 2, 24), 5, date(2023, 3, 3)),
        (date(2024, 2, 9), 7, date(2024, 2, 26)),
    ],
)
def test_working_days(start, count, end):
    assert w.add_workdays(start, count, TABLE) == end


def test_the_start_day_is_not_counted_and_a_last_day_on_a_holiday_moves_on():
    assert w.add_days(date(2022, 9, 14), 15, TABLE) == date(2022, 9, 29)
    assert w.add_days(date(2022, 9, 14), 17, TABLE) == date(2022, 10, 8)
    assert w.add_days(date(2023, 9, 14), 15, TABLE) == date(2023, 10, 7)


def test_hours_run_through_holidays():
    assert w.add_hours(datetime(2022, 9, 30, 23, 30), 2) == datetime(2022, 10, 1, 1, 30)


@given(days, st.integers(1, 60))
def test_a_period_of_working_days_counts_back_to_itself(start, count):
    end = w.add_workdays(start, count, TABLE)
    assert w.is_workday(end, TABLE)
    assert w.workdays_between(start, end, TABLE) == count == -w.workdays_between(end, start, TABLE)


@given(days, st.integers(1, 60))
def test_calendar_days_end_on_the_day_or_behind_a_run_of_holidays(start, count):
    end, plain = w.add_days(start, count, TABLE), start + timedelta(days=count)
    assert w.is_workday(end, TABLE)
    assert all(not w.is_workday(plain + timedelta(days=k), TABLE) for k in range((end - plain).days))


def test_without_a_table_only_weekends_are_free():
    assert w.add_workdays(date(2030, 1, 4), 1, {}) == date(2030, 1, 7)


def test_bad_rows_and_periods_are_refused():
    with pytest.raises(ValueError, match="bad or double"):
        w.read(["day,kind", "2022-01-01,holiday", "2022-01-01,makeup"])
    with pytest.raises(ValueError, match="bad or double"):
        w.read(["day,kind", "2022-01-01,feast"])
    with pytest.raises(ValueError, match="at least one day"):
        w.add_days(date(2022, 1, 1), 0, TABLE)
