"""Numbers kept as spans are what a set of them would be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anlan.engines.sense import spans

numbers = st.lists(st.integers(0, 40), max_size=60)


def inside(found):
    return {n for first, last in zip(found[::2], found[1::2], strict=True) for n in range(first, last + 1)}


@given(numbers)
def test_they_are_a_set(given):
    found, twin = [], set()
    for number in given:
        assert spans.add(found, number) == (number not in twin)
        twin.add(number)
        assert inside(found) == twin
        assert all(after - before > 1 for before, after in zip(found[1::2], found[2::2], strict=False)), "two that touch are one"


@given(numbers, st.integers(1, 4))
def test_what_is_forgotten_counts_as_seen_and_only_between_the_lowest(given, most):
    found = []
    for number in given:
        spans.add(found, number)
    before, gaps = list(found), len(found) // 2 - most
    spans.shorten(found, most)
    assert len(found) // 2 == min(most, len(before) // 2)
    if gaps > 0:
        assert found[:2] == [before[0], before[2 * gaps + 1]] and found[2:] == before[2 * gaps + 2 :]
    else:
        assert found == before


BY_HAND = [([], [3, 3]), ([1, 2, 4, 5], [1, 5]), ([4, 5], [3, 5]), ([1, 2], [1, 3]), ([1, 1, 5, 5], [1, 1, 3, 3, 5, 5])]


@pytest.mark.parametrize(("begun", "ends"), BY_HAND)
def test_a_three_by_hand(begun, ends):
    assert spans.add(begun, 3) and begun == ends
