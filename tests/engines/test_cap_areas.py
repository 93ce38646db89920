"""Area codes whose prefix is the ancestor, and whom an alert concerns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anlan.engines.cap import areas
from anlan.engines.cap.model import Alert, Area, Info


@pytest.mark.parametrize(
    ("code", "stem"),
    [
        ("370000", "37"),
        ("370200", "3702"),
        ("370202", "370202"),
        ("370202001000", "370202001"),
        ("370202001003", "370202001003"),
        ("370200000000", "3702"),
        ("441900003000", "441900003"),
        ("000000", ""),
        ("000000000000", ""),
        ("371000", "3710"),
        ("500100", "5001"),
    ],
)
def test_trailing_zeros_are_levels(code, stem):
    assert areas.stem(code) == stem


def test_who_covers_whom():
    assert areas.covers("370200", "370212") and areas.covers("370200000000", "370202001003")
    assert areas.covers("370200", "370200000000") and areas.covers("370200000000", "370200")
    assert not areas.covers("370212", "370200") and not areas.covers("370200", "370100")
    assert areas.covers("370000", "371000") and not areas.covers("371000", "370100")
    assert areas.covers("441900", "441900003000") and areas.covers("000000", "659001")


@pytest.mark.parametrize("wrong", ["", "3702", "37020", "3702000", "072001", "37020a", "３７０２００", "370200 "])
def test_what_is_no_area_code(wrong):
    with pytest.raises(ValueError):
        areas.covers(wrong, "370200")


codes = st.sampled_from(
    "000000 370000 370200 371000 370202 370202000000 370202001000 370202001003 370212 441900003000".split()
)


@given(codes, codes, codes)
def test_covering_is_an_order(a, b, c):
    assert areas.covers(a, a)
    assert not (areas.covers(a, b) and areas.covers(b, c)) or areas.covers(a, c)
    assert not (areas.covers(a, b) and areas.covers(b, a)) or areas.stem(a) == areas.stem(b)


def named(*pairs: tuple[str, str]) -> Alert:
    return Alert(infos=(Info(areas=(Area(geocodes=pairs),)),))


def test_whom_an_alert_concerns():
    districts = ["370200", "370202", "370212", "370100", "370202001000"]
    assert areas.concerned(named((areas.CPEAS, "370202000000")), districts) == ("370200", "370202", "370202001000")
    assert areas.concerned(named((areas.CPEAS, "370000000000")), districts) == tuple(districts)
    assert areas.concerned(named(("FIPS6", "370200"), (areas.CPEAS, "072001")), districts) == ()
    assert areas.concerned(named(("GB", "370212")), districts, names=["GB"]) == ("370200", "370212")
    assert areas.concerned(Alert(), districts) == ()
