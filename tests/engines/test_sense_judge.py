"""The judging loop: by worked example, and equal to its twin on anything."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.engines.sense import judge, layout, twin
from anlan.engines.sense.layout import LEVELS, Fate, Kind, Mark

S = 1000
HOUR = 3_600_000
NOW = 10 * HOUR


def profile(**given):
    """One profile; a figure given for a level array stands for all four unless it is a list, of which holds take the upper four."""
    table = layout.profiles(1)
    for name, amount in given.items():
        four = name.startswith("hold") and np.ndim(amount) and len(amount) == LEVELS
        table[name] = [*amount, *amount] if four else amount
    for clear, limit in (("up_clear", "up"), ("down_clear", "down")):
        if clear not in given:
            table[clear] = table[limit]
    return layout.sealed(table)


def run(table, values, step=S, start=NOW, way=judge.judge, state=None, **told):
    """Events of one channel that reads these values, one batch each."""
    state = layout.fresh(1) if state is None else state
    events = []
    for n, v in enumerate(values):
        t = start + n * step
        _, found = way(state, table, np.zeros(1, np.int32), np.array([t]), np.array([float(v)]), told.get("now", t))
        events += found.tolist()
    return [(kind, was, now, (t - start) // step) for _, kind, was, now, t, *_ in events]


STAGES = profile(up=[10, 20, 30, 40], up_clear=[8, 18, 28, 38])


def test_each_limit_is_reached_at_its_amount_and_left_below_its_clear_value():
    told = run(STAGES, [9.99, 10, 25, 19, 18, 17.9, 8, 7.9])
    assert told == [(Kind.LEVEL, 0, 1, 1), (Kind.LEVEL, 1, 2, 2), (Kind.LEVEL, 2, 1, 5), (Kind.LEVEL, 1, 0, 7)]


@pytest.mark.parametrize("way", [judge.judge, twin.judge])
@pytest.mark.parametrize("side", [1, -1])
def test_an_event_bears_how_far_each_level_went_since_it_was_reached(way, side):
    table = STAGES if side > 0 else profile(down=[-10, -20, -30, -40], down_clear=[-8, -18, -28, -38])
    state, told = layout.fresh(1), []
    for n, v in enumerate([25, 37, 15, 22, 24, 19, 5, 12]):
        _, events = way(state, table, np.zeros(1, np.int32), np.array([NOW + n]), np.array([float(side * v)]), NOW)
        told += [(side * int(e["was"]), side * int(e["now"]), (side * e["peak"]).tolist()) for e in events]
    assert told == [
        (0, 2, [25, 25, 0, 0]), (2, 3, [37, 37, 37, 0]), (3, 1, [37, 37, 37, 0]), (1, 2, [37, 22, 0, 0]), (2, 0, [37, 24, 0, 0]), (0, 1, [12, 0, 0, 0]),
    ], "the second level was reached twice, and the second time it did not go as far"  # fmt: skip


@pytest.mark.parametrize("way", [judge.judge, twin.judge])
def test_what_swings_from_one_side_to_the_other_leaves_the_one_with_its_own_peak_and_begins_the_other(way):
    table = profile(up=[10, np.inf, np.inf, np.inf], up_clear=[8, np.inf, np.inf, np.inf], down=[-10, -20, -np.inf, -np.inf],
                    down_clear=[-8, -18, -np.inf, -np.inf])  # fmt: skip
    state, told = layout.fresh(1), []
    for n, v in enumerate([17, 12, -25, -21, 11]):
        _, events = way(state, table, np.zeros(1, np.int32), np.array([NOW + n]), np.array([float(v)]), NOW)
        told += [(e["was"], e["now"], e["peak"].tolist()) for e in events]
    assert told == [(0, 1, [17, 0, 0, 0]), (1, -2, [17, 0, 0, 0]), (-2, 1, [-25, -25, 0, 0])]
    assert state.peak[0, 0] == 11


values = st.lists(st.tuples(st.sampled_from([500, 1000, 3000]), st.integers(-45, 45).map(float)), min_size=1, max_size=40)
holds = st.lists(st.sampled_from([0, 1000, 4000]), min_size=LEVELS, max_size=LEVELS)


@pytest.mark.parametrize("way", [judge.judge, twin.judge])
@given(told=values, hold_up=holds, hold_down=holds)
@settings(max_examples=150, deadline=None)
def test_a_level_is_left_with_the_furthest_value_since_it_stood_beyond_it(way, told, hold_up, hold_down):
    """Looked up in the readings: from the first of those, one after the other, by which the level waited and was confirmed."""
    steps = np.array([10, 20, 30, 40.0])
    table = profile(up=steps, up_clear=steps - 2, down=-steps, down_clear=2 - steps, hold_up=hold_up, hold_down=hold_down)
    state, now, seen, reached = layout.fresh(1), NOW, [], {}
    for wait, value in told:
        now += wait
        _, events = way(state, table, np.zeros(1, np.int32), np.array([now]), np.array([value]), now)
        seen.append(value)
        for event in events[events["kind"] == Kind.LEVEL]:
            was, to = int(event["was"]), int(event["now"])
            for side in (1, -1):
                before, after = max(0, was * side), max(0, to * side)
                for k in range(before, after):
                    first = len(seen) - 1
                    while first and seen[first - 1] * side >= steps[k]:
                        first -= 1
                    reached[side, k] = first
                for k in range(after, before):
                    assert event["peak"][k] * side == max(v * side for v in seen[reached.pop((side, k)) :][: None if to * was >= 0 else -1])


@pytest.mark.parametrize("way", [judge.judge, twin.judge])
def test_what_waits_above_and_swings_below_waits_there_anew(way):
    table = profile(up=[10, np.inf, np.inf, np.inf], up_clear=[8, np.inf, np.inf, np.inf], down=[-10, -np.inf, -np.inf, -np.inf],
                    down_clear=[-8, -np.inf, -np.inf, -np.inf], hold_up=[10 * S] * 4)  # fmt: skip
    assert run(table, [12, -12, -12, -12], way=way, step=6 * S) == [(Kind.LEVEL, 0, -1, 3)], "twelve seconds below, and not six"


def test_lower_limits_are_the_same_upside_down():
    table = profile(down=[-10, -20, -np.inf, -np.inf], down_clear=[-8, -18, -np.inf, -np.inf])
    assert run(table, [-9, -10, -20, -9, -7]) == [(Kind.LEVEL, 0, -1, 1), (Kind.LEVEL, -1, -2, 2), (Kind.LEVEL, -2, -1, 3), (Kind.LEVEL, -1, 0, 4)]


def test_a_level_that_swings_with_the_next_one_is_still_told_after_its_own_hold_time():
    table = profile(up=[10, 20, np.inf, np.inf], hold_up=5 * S)
    assert run(table, [15, 25, 15, 25, 15, 25]) == [(Kind.LEVEL, 0, 1, 5)]


def test_leaving_the_graver_level_may_take_longer():
    table = profile(up=[10, 20, np.inf, np.inf], hold_down=[2 * S, 4 * S, 0, 0])
    assert run(table, [25, 5, 5, 5, 5, 5]) == [(Kind.LEVEL, 0, 2, 0), (Kind.LEVEL, 2, 0, 5)], "the lighter one lasts as long as the graver"
    assert run(table, [25, 15, 15, 15, 15, 15]) == [(Kind.LEVEL, 0, 2, 0), (Kind.LEVEL, 2, 1, 5)]
    lone = profile(up=[np.inf, 20, np.inf, np.inf], hold_down=[0, 4 * S, 0, 0])
    assert [told for told in run(lone, [25, 5, 5, 5, 5, 5]) if told[1] > 1] == [(Kind.LEVEL, 2, 0, 5)], "where no lighter level is"


@pytest.mark.parametrize("way", [judge.judge, twin.judge])
def test_upper_and_lower_limits_of_a_level_have_times_of_their_own(way):
    none = [np.inf] * 3
    table = profile(up=[10, *none], up_clear=[9, *none], down=[-10, *np.negative(none)], down_clear=[-9, *np.negative(none)],
                    hold_up=[0, 0, 0, 0, 3 * S, 0, 0, 0], hold_down=[2 * S, 0, 0, 0, 0, 0, 0, 0])  # fmt: skip
    assert run(table, [12, 5, 5, 5], way=way) == [(Kind.LEVEL, 0, 1, 0), (Kind.LEVEL, 1, 0, 3)]
    assert run(table, [-12, -12, -12, -12, -5], way=way) == [(Kind.LEVEL, 0, -1, 3), (Kind.LEVEL, -1, 0, 4)]


def test_from_too_high_to_too_low_at_once():
    table = profile(up=[10, np.inf, np.inf, np.inf], down=[0, -np.inf, -np.inf, -np.inf], hold_down=60 * S)
    assert run(table, [12, -1]) == [(Kind.LEVEL, 0, 1, 0), (Kind.LEVEL, 1, -1, 1)]


def test_a_profile_without_the_lowest_level_judges_the_higher_one():
    assert (Kind.LEVEL, 0, 2, 0) in run(profile(up=[np.inf, 20, np.inf, np.inf]), [21])


def test_too_fast_begins_with_the_change_and_ends_after_its_hold():
    table = profile(rate=2.0, rate_hold=3 * S)
    assert run(table, [0, 1, 3, 3, 3, 3]) == [(Kind.RATE, 0, 1, 2), (Kind.RATE, 1, 0, 5)]


def test_a_value_that_does_not_move_for_its_time_and_moves_again():
    table = profile(stuck_ms=3 * S, stuck_band=0.05)
    assert run(table, [1, 1.04, 0.97, 1, 1.01, 1.1]) == [(Kind.UNMOVED, 0, 1, 3), (Kind.UNMOVED, 1, 0, 5)]


def test_bad_readings_in_a_row_are_told_once_and_never_judged():
    table = profile(low=-50, high=60, up=[10, 20, 30, 40], bad_n=2)
    told = run(table, [1, np.nan, 1e9, np.inf, 2])
    assert told == [(Kind.QUALITY, 0, 1, 2), (Kind.QUALITY, 1, 0, 4)]


WRONG = [(np.nan, 0, Fate.NAN), (-np.inf, 0, Fate.NAN), (61, 0, Fate.RANGE), (5, 600_001, Fate.FUTURE), (5, 600_000, Fate.GOOD)]


@pytest.mark.parametrize(("v", "ahead", "why"), WRONG)
def test_what_is_wrong_with_a_reading_is_said(v, ahead, why):
    table, state = profile(low=-50, high=60), layout.fresh(1)
    status, _ = judge.judge(state, table, np.zeros(1, np.int32), np.array([NOW + ahead]), np.array([v]), NOW)
    assert status.tolist() == [why]


def test_an_older_reading_at_a_level_is_told_as_late_and_changes_nothing():
    state = layout.fresh(1)
    assert run(STAGES, [5], state=state) == []
    before = state.copy()
    where, late = np.zeros(3, np.int32), np.array([NOW - HOUR, NOW - HOUR, NOW])
    status, told = judge.judge(state, STAGES, where, late, np.array([35.0, 5.0, 35.0]), NOW)
    assert status.tolist() == [Fate.OLD, Fate.OLD, Fate.REPEAT]
    assert [(e["kind"], e["now"], e["at"]) for e in told] == [(Kind.LATE, 3, NOW - HOUR)]
    assert (state.hot == before.hot).all()


def test_the_first_word_after_silence_ends_it():
    state = layout.fresh(1)
    state.hot["marks"] = Mark.OFFLINE
    assert run(STAGES, [5], state=state) == [(Kind.SILENT, 1, 0, 0)]


def test_a_snapshot_is_the_state():
    state = layout.fresh(3, heard=NOW)
    run(profile(up=[10, 20, 30, 40], hold_up=5 * S), [11, 12, 35], state=state)
    again = layout.load(state.dump())
    assert same(again, state)
    state.peak = state.peak[:, 0]  # as it was once kept
    assert layout.load(state.dump()).peak.shape == (3, LEVELS)


def test_profiles_of_an_older_program_are_read():
    new = profile(up=[10, 20, 30, 40], hold_up=[1, 2, 3, 4], hold_down=7)
    kinds = [(name, "f8" if kind[0].base == np.float64 else kind[0].base, LEVELS if name.startswith("hold") else kind[0].shape)
             for name, kind in new.dtype.fields.items()]  # fmt: skip
    older = np.zeros(1, kinds)
    for name in new.dtype.names:
        older[name] = new[name][..., :LEVELS] if name.startswith("hold") else new[name]
    assert layout.table_of(older).tobytes() == new.tobytes() and layout.table_of(new) is new


@pytest.mark.parametrize("wrong", [{"up": 10.0, "up_clear": 11.0}, {"down": 1.0, "down_clear": 0.0}, {"rate": np.nan}])
def test_a_profile_that_contradicts_itself_is_refused(wrong):
    table = layout.profiles(1)
    for name, amount in wrong.items():
        table[name] = amount
    with pytest.raises(ValueError):
        layout.sealed(table)


def same(a, b):
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ("since", "fast_at", "peak", "heard")) and (
        a.hot.tobytes() == b.hot.tobytes()
    )


ladder = st.lists(st.sampled_from([0, 1, 2, 3, 5, 8, np.inf]), min_size=LEVELS, max_size=LEVELS).map(np.array)
hold = st.lists(st.sampled_from([0, 500, 1000, 2500]), min_size=2 * LEVELS, max_size=2 * LEVELS)


@st.composite
def tables(draw):
    table = layout.profiles(3)
    for n in range(3):
        up, down = draw(ladder), -draw(ladder) - 1
        margin = draw(st.sampled_from([0, 0.5, 3]))
        table[n] = layout.profiles(1)[0]
        table["up"][n], table["up_clear"][n], table["down"][n], table["down_clear"][n] = up, up - margin, down, down + margin
        table["hold_up"][n], table["hold_down"][n] = draw(hold), draw(hold)
        table["rate"][n] = draw(st.sampled_from([np.inf, 0.0, 2.0, 5.0]))
        table["rate_hold"][n], table["stuck_ms"][n] = draw(st.sampled_from([0, 1500])), draw(st.sampled_from([0, 1000, 2000]))
        table["stuck_band"][n], table["bad_n"][n] = draw(st.sampled_from([0.0, 0.5])), draw(st.sampled_from([0, 1, 3]))
        table["low"][n], table["high"][n] = -20, 20
    return layout.sealed(table)


values = st.sampled_from([-9.0, -4, -2, -1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 7, 8, 9, 25, -25, np.nan, np.inf, -np.inf])
reading = st.tuples(st.integers(0, 3), st.integers(-3, 3), values)
batches = st.lists(st.lists(reading, min_size=1, max_size=20), min_size=1, max_size=12)


@settings(max_examples=300, deadline=None)
@given(tables(), batches)
def test_the_loop_and_its_twin_agree_on_anything(table, given_batches):
    fast, slow = layout.fresh(4, heard=NOW), layout.fresh(4, heard=NOW)
    fast.hot["profile"] = slow.hot["profile"] = [0, 1, 2, 0]
    now = NOW
    for batch in given_batches:
        channel = np.array([c for c, _, _ in batch], np.int32)
        at = now + np.array([dt for _, dt, _ in batch]) * 500
        value = np.array([v for _, _, v in batch])
        one, two = judge.judge(fast, table, channel, at, value, now), twin.judge(slow, table, channel, at, value, now)
        assert one[0].tolist() == two[0].tolist()
        assert repr(one[1].tolist()) == repr(two[1].tolist())
        assert same(fast, slow)
        now += 1000
