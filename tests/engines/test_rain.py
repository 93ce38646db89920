import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anlan.engines import rain

steps = st.lists(
    st.tuples(st.integers(1, 5000), st.one_of(st.just(float("nan")), st.integers(0, 400).map(lambda n: n / 10)))
)


@given(steps, st.sampled_from([0.5, 1, 3, 12]), st.one_of(st.none(), st.integers(300, 4000)))
def test_the_fast_sum_equals_the_slow_one(rows, hours, gap):
    times = np.cumsum([r[0] for r in rows]).tolist()
    amounts = [r[1] for r in rows]
    assert np.array_equal(rain.rolling(times, amounts, hours, gap), rain.rolling_slow(times, amounts, hours, gap), True)


def test_a_window_is_open_at_its_start_and_closed_at_its_end():
    assert rain.rolling([0, 1800, 3600], [1, 2, 4], 1).tolist() == [1, 3, 6]


def test_tenths_add_up_exactly():
    assert rain.rolling(range(0, 3600, 600), [49.5, 0.1, 0.1, 0.1, 0.1, 0.1], 1)[-1] == 50.0


def test_a_gap_or_a_missing_value_starts_the_sum_anew():
    times = [0, 600, 1200, 9000, 9600]
    assert rain.rolling(times, [1, 1, 1, 1, 1], 24, 900).tolist() == [1, 2, 3, 1, 2]
    sums = rain.rolling(times, [1, np.nan, 1, 1, 1], 24)
    assert np.array_equal(sums, [1, np.nan, 1, 2, 3], equal_nan=True)


@pytest.mark.parametrize(("times", "amounts"), [([0, 0], [1, 1]), ([2, 1], [1, 1]), ([0, 1], [1])])
def test_bad_rows_are_refused(times, amounts):
    with pytest.raises(ValueError):
        rain.rolling(times, amounts, 1)


@pytest.mark.parametrize(
    ("amount", "hours", "name"),
    [(0.0, 24, ""), (9.9, 24, "小雨"), (10, 24, "中雨"), (25, 24, "大雨"), (50, 24, "暴雨"), (249.9, 24, "大暴雨"),
     (250, 24, "特大暴雨"), (30, 12, "暴雨"), (70, 3, "特大暴雨"), (99, 1, "大暴雨")],
)  # fmt: skip
def test_grades(amount, hours, name):
    assert rain.grade(amount, hours) == name


def test_short_time_heavy_rain_and_the_peak():
    times = [600 * k for k in range(1, 13)]
    amounts = [0, 0, 0, 0, 0, 0, 4, 4, 4, 4, 3.9, 0.1]
    assert np.flatnonzero(rain.short_heavy(times, amounts)).tolist() == [11]
    assert rain.peak(times, amounts, 1) == (20.0, 7200.0)
    with pytest.raises(ValueError):
        rain.peak([1], [np.nan], 1)
