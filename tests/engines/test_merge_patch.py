"""RFC 7396: the examples of its appendix, and that a difference laid over the old gives the new."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anlan.engines.merge_patch import diff, merge

OBJECTS = st.dictionaries(st.text(max_size=2), st.recursive(
    st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2),
    lambda inner: st.dictionaries(st.text(max_size=2), inner, max_size=3), max_leaves=8,
), max_size=4)  # fmt: skip


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_the_examples_of_the_standard(target, patch, result):
    assert merge(target, patch) == result


@given(OBJECTS, OBJECTS)
def test_the_difference_laid_over_the_old_is_the_new(old, new):
    assert merge(old, diff(old, new)) == new


def test_equal_parts_are_not_said_again():
    old = {"a": {"x": 1, "y": [1]}, "b": 2, "c": None}
    assert diff(old, {"a": {"x": 1, "y": [1, 2]}, "b": 2}) == {"a": {"y": [1, 2]}}
    assert diff(old, old) == {}
