"""Columns in few bytes: what comes back is bit by bit what was put in, and nothing else is read."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anlan.engines.sense import narrow

INTS = {np.int64: (-(2**63), 2**63 - 1), np.int32: (-(2**31), 2**31 - 1), np.uint16: (0, 2**16 - 1), np.uint8: (0, 255)}


@st.composite
def columns(draw):
    kind = draw(st.sampled_from(list(INTS)))
    low, high = INTS[kind]
    span = draw(st.sampled_from([0, 1, 255, 256, 65535, 65536, 2**32 - 1, 2**32, high - low]))
    least = draw(st.integers(low, high))
    return np.array(draw(st.lists(st.integers(least, min(high, least + span)), max_size=80)), kind)


@given(columns(), st.binary(max_size=9))
def test_whole_numbers_come_back(column, before):
    data = before + narrow.whole(column)
    read, end = narrow.wholes(data, len(before), len(column))
    assert read.tolist() == column.tolist() and end == len(data)


told = st.integers(-(10**6), 10**6).flatmap(lambda n: st.integers(0, 7).map(lambda places: n / 10**places))


@given(st.lists(told | st.floats() | st.sampled_from([-0.0, np.nan, np.inf, 1e300, 5e-324, 2.0**53, 1e16]), max_size=90))
def test_doubles_come_back_bit_by_bit(values):
    column = np.array(values, np.float64)
    data = narrow.decimal(column)
    read, end = narrow.decimals(data, 0, len(column))
    assert read.view(np.int64).tolist() == column.view(np.int64).tolist() and end == len(data)


def test_a_signalling_nan_keeps_its_bits():
    column = np.array([0x7FF0000000000001, 0x3FF0000000000000], np.int64).view(np.float64)
    assert narrow.decimals(narrow.decimal(column), 0, 2)[0].view(np.int64).tolist() == column.view(np.int64).tolist()


@pytest.mark.parametrize(("make", "a_value"), [
    (lambda n: np.round(20 + np.arange(n) % 97 / 100, 2), 1), (lambda n: np.round(np.arange(n) / 10, 1), 2),
    (lambda n: np.full(n, 4.25), 0), (lambda n: np.arange(n) * np.pi, 8),
])  # fmt: skip
def test_a_value_takes_as_few_bytes_as_tell_it_apart(make, a_value):
    assert len(narrow.decimal(make(5000))) == narrow.HEAD.size + 5000 * a_value


def test_a_few_that_stand_apart_do_not_widen_the_others():
    column = np.round(20 + np.arange(5000) % 97 / 100, 2)
    column[[7, 99, 4000]] = np.nan, 1e300, -0.0
    data = narrow.decimal(column)
    assert len(data) == narrow.HEAD.size + 5000 + 3 * narrow.APART
    assert narrow.decimals(data, 0, 5000)[0].view(np.int64).tolist() == column.view(np.int64).tolist()


@given(st.binary(max_size=80), st.integers(0, 40), st.integers(0, 90))
def test_other_bytes_are_refused_or_hold_what_was_asked_for(data, n, place):
    for read in (narrow.wholes, narrow.decimals):
        try:
            column, end = read(data, place, n)
        except narrow.Unreadable:
            continue
        assert len(column) == n and end <= len(data)


def test_a_place_outside_of_the_column_is_refused():
    column = np.round(np.arange(40) / 4, 2)
    column[3] = np.nan
    data = bytearray(narrow.decimal(column))
    data[-12:-8] = (40).to_bytes(4, "little")
    with pytest.raises(narrow.Unreadable):
        narrow.decimals(bytes(data), 0, 40)
