from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anlan.engines import signals as s


def rain(h3=0.0, h6=0.0, h12=0.0):
    return {("rain", 3): h3, ("rain", 6): h6, ("rain", 12): h12}


def test_the_table_has_every_hazard_of_the_order():
    codes = {row.code for row in s.NATIONAL}
    assert codes == {f"{k:02d}" for k in range(1, 15)}
    assert len({(row.code, row.colour) for row in s.NATIONAL}) == len(s.NATIONAL) == 44


@pytest.mark.parametrize(
    ("amounts", "colour"),
    [
        ({"h12": 49.9}, ""),
        ({"h12": 50}, "blue"),
        ({"h6": 50, "h12": 50}, "yellow"),
        ({"h3": 50, "h6": 50, "h12": 50}, "orange"),
        ({"h3": 100, "h6": 100, "h12": 100}, "red"),
    ],
)
def test_rainstorm_colours(amounts, colour):
    assert s.verdict("暴雨", [rain(**amounts)]).colour == colour


def test_one_third_of_the_stations_is_needed_when_the_share_says_so():
    third = s.SHARES["暴雨"]
    assert s.verdict("暴雨", [rain(h3=50)] * 3 + [rain()] * 7, third).colour == ""
    found = s.verdict("暴雨", [rain(h3=50)] * 4 + [rain()] * 7, third)
    assert (found.colour, found.met, found.total) == ("orange", 4, 11)
    assert found.row and found.row.source == "中国气象局令第16号附件"


def test_a_cold_wave_needs_all_of_its_conditions_and_a_gale_any():
    cold = {("drop", 24): 13.0, ("Tmin", 24): -1.0, ("W", 24): 6}
    assert s.verdict("寒潮", [cold]).colour == "orange"
    assert s.verdict("寒潮", [cold | {("W", 24): 5}]).colour == ""
    assert s.verdict("大风", [{("G", 6): 13}]).colour == "red"
    assert s.verdict("台风", [{("W", 24): 6}]).colour == "blue"


def test_a_judged_row_is_never_reached_by_figures_nor_an_absent_value():
    assert s.verdict("雷电", [{("rain", 6): 500}]).colour == ""
    assert s.verdict("大雾", [{}]).colour == ""
    assert s.verdict("大雾", [{("visibility", 2): 49}]).colour == "red"


def test_no_station_no_colour():
    assert s.verdict("暴雨", []).row is None


@given(st.lists(st.tuples(*[st.floats(0, 200)] * 3), max_size=12), st.fractions(0, 1), st.integers(0, 2))
def test_more_rain_never_lowers_and_a_larger_share_never_raises(amounts, part, which):
    level = lambda colour: s.LEVELS.get(colour, 5)  # noqa: E731
    stations = [rain(*a) for a in amounts]
    share = s.Share(part, "", "")
    more = [rain(*[v + 30 * (k == which) for k, v in enumerate(a)]) for a in amounts]
    assert level(s.verdict("暴雨", more, share).colour) <= level(s.verdict("暴雨", stations, share).colour)
    larger = s.Share(min(Fraction(1), part + Fraction(1, 4)), "", "")
    assert level(s.verdict("暴雨", stations, larger).colour) >= level(s.verdict("暴雨", stations, share).colour)


@pytest.mark.parametrize(
    "line", ["02 暴雨 purple 3 rain>=50", "02 暴雨 red 3", "02 暴雨 red 3 rain=50", "02 暴雨 red x rain>=5"]
)
def test_a_bad_line_is_named(line):
    with pytest.raises(ValueError, match="not a"):
        s.read(line, "", "", "")


def test_colours_levels_and_cap_severity():
    assert [s.LEVELS[c] for c in s.COLOURS] == [1, 2, 3, 4]
    assert s.SEVERITY["red"] == "Extreme" and s.SEVERITY_TEXT["blue"] == "一般" and s.LEVEL_CODE["yellow"] == "02"
