"""Messages between doors and workers: what is read is what was written, and nothing else is read."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anlan.engines.sense import wire


def flush(parts, number=7):
    n = len(parts)
    at, value = np.arange(n, dtype=np.int64) + 1_790_000_000_000, np.arange(n) / 4
    sensor, whence = np.arange(n, dtype=np.int32), (np.arange(n) % 3).astype(np.uint16)
    return wire.build(2**61 + 5, number, 1_790_000_000_123, np.array(parts, np.int64), np.array([4, 5, 9]), at, value, sensor, whence)


@given(st.lists(st.integers(1, 6), max_size=60))
def test_each_part_finds_its_own_in_the_order_it_came(parts):
    read = wire.load(wire.dump(flush(parts)))
    assert (read.door, read.number, read.taken_ms) == (2**61 + 5, 7, 1_790_000_000_123) and read.gateways.tolist() == [4, 5, 9]
    assert set(read.slices()) == set(parts)
    for part, mine in read.slices().items():
        own = [n for n, p in enumerate(parts) if p == part]
        assert read.sensor[mine].tolist() == own and read.value[mine].tolist() == [n / 4 for n in own]
        assert read.at[mine].tolist() == [1_790_000_000_000 + n for n in own] and read.whence[mine].tolist() == [n % 3 for n in own]


@given(st.binary(max_size=200))
def test_other_bytes_are_refused(data):
    with pytest.raises(wire.Unreadable):
        wire.load(data)


@given(st.data())
def test_a_message_cut_or_lengthened_is_refused(data):
    whole = wire.dump(flush([1, 1, 2]))
    cut = data.draw(st.integers(0, len(whole) - 1))
    for broken in (whole[:cut], whole + b"x"):
        with pytest.raises(wire.Unreadable):
            wire.load(broken)


def test_parts_that_do_not_make_up_the_readings_are_refused():
    good = flush([1, 1, 2])
    for parts in ([[1, 2], [2, 2]], [[1, 4], [2, -1]]):
        with pytest.raises(wire.Unreadable):
            wire.load(wire.dump(wire.Flush(good.door, 1, 0, np.array(parts), good.gateways, good.at, good.value, good.sensor, good.whence)))


def test_no_room_is_made_for_more_readings_than_a_message_may_hold():
    """A column of one value takes no bytes: else a few of them would ask for any amount of memory."""
    none = flush([])
    data = bytearray(wire.dump(none))
    data[wire.HEAD.size - 8 : wire.HEAD.size] = (2**40).to_bytes(8, "little")
    with pytest.raises(wire.Unreadable):
        wire.load(bytes(data))


def test_a_message_of_one_moment_takes_few_bytes():
    n = 5000
    whole = wire.build(
        1, 1, 1, np.ones(n, np.int64), np.array([4]), np.full(n, 1_790_000_000_000), np.round(np.arange(n) % 300 / 100, 2),
        np.arange(n, dtype=np.int32), np.zeros(n, np.uint16),
    )  # fmt: skip
    assert len(wire.dump(whole)) < 4.1 * n


def test_readings_of_no_gateway_or_no_sensor_are_refused():
    good = flush([1, 1, 2])
    for change in ({"gateways": good.gateways[:1]}, {"sensor": good.sensor - 5}):
        with pytest.raises(wire.Unreadable):
            wire.load(wire.dump(replace(good, **change)))
