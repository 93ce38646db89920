import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anlan.engines import wind


@pytest.mark.parametrize(
    ("speed", "force"), [(0, 0), (0.2, 0), (0.3, 1), (10.7, 5), (10.8, 6), (17.2, 8), (23.0, 9), (33.0, 12), (60, 17)]
)
def test_force_of_the_table_and_of_published_gusts(speed, force):
    assert wind.force(speed) == force


@given(st.floats(0, 90))
def test_force_and_its_array_form_agree_and_bound_the_speed(speed):
    force = wind.force(speed)
    assert force == wind.forces([speed])[0]
    assert wind.lower_ms(force) <= speed and (force == 17 or speed < wind.lower_ms(force + 1))


def test_a_missing_speed_has_no_force():
    assert wind.forces([np.nan, -1, 5.5]).tolist() == [-1, -1, 4]
    for bad in (float("nan"), -0.1):
        with pytest.raises(ValueError):
            wind.force(bad)
    with pytest.raises(ValueError):
        wind.lower_ms(-1)


@pytest.mark.parametrize(
    ("speed", "name"),
    [
        (10.7, ""),
        (10.8, "热带低压"),
        (23, "热带风暴"),
        (24.5, "强热带风暴"),
        (41.4, "台风"),
        (42, "强台风"),
        (51, "超强台风"),
    ],
)
def test_grades_of_tropical_cyclones(speed, name):
    assert wind.grade(speed) == name


def test_knots():
    assert wind.from_knots(64) == pytest.approx(32.92, abs=0.01)
