"""Rolling sums, groups, and the whole network as a function of its log."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.engines import rain
from anlan.engines.sense import groups, layout, net, twin, windows
from anlan.engines.sense.compiled import COMPILED
from anlan.engines.sense.layout import Fate, Kind, Mark

MINUTE, HOUR = 60_000, 3_600_000
NOW = 100 * HOUR


def ids(*numbers):
    return np.array(numbers, np.int32)


def keys(*sensors):
    return np.array(sensors, np.int64) << 32


# rolling sums


def sums(samples, hours=(1, 3), room=windows.ROOM):
    """The last sum of each window after these samples of one ring came in one by one."""
    rings, length = windows.empty(1, room), np.array(hours) * HOUR
    last = {}
    for t, v in samples:
        window, when, total = windows.push(rings, np.array([0, len(hours)]), length, np.zeros(1, np.int64), np.array([t]), np.array([v]))
        now = [(w, at, amount) for w, at, amount in zip(window, when, total, strict=True) if at > last.get(w, (0, -1))[1]]
        assert len(now) in (0, len(hours))
        last |= {w: (amount, at) for w, at, amount in now}
    return [last[w][0] for w in range(len(hours))]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), min_size=2, max_size=30, unique_by=lambda s: s[0]), st.data())
def test_a_late_sample_tells_the_largest_sum_that_it_changed_in_the_past(samples, data):
    samples = sorted((NOW + t * MINUTE, v / 10) for t, v in samples)
    late = samples.pop(data.draw(st.integers(0, len(samples) - 2)))
    rings, length = windows.empty(1), np.array([1, 3]) * HOUR
    for t, v in [*samples, late]:
        told = list(zip(*windows.push(rings, np.array([0, 2]), length, np.zeros(1, np.int64), np.array([t]), np.array([v])), strict=True))
    every, newest = sorted([*samples, late]), samples[-1][0]
    past = [(w, at, amount) for w, at, amount in told if at < newest]
    if late[0] <= newest - 3 * HOUR:
        assert not told
        return
    times, amounts = zip(*every, strict=True)
    for w, hours in enumerate((1, 3)):
        end = min(newest, late[0] + hours * HOUR)
        those = [(s, t) for s, t in zip(rain.rolling(np.array(times) / 1000, amounts, hours), times, strict=True) if late[0] <= t < end]
        most = max(s for s, _ in those)
        assert [(n, round(amount, 6)) for n, _, amount in past if n == w] == [(w, round(most, 6))]
        assert next(at for n, at, _ in past if n == w) == min(t for s, t in those if round(s, 6) == round(most, 6))


moments = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), min_size=1, max_size=40, unique_by=lambda s: s[0])


@settings(max_examples=200, deadline=None)
@given(moments, st.randoms(use_true_random=False))
def test_sums_are_those_of_the_rain_engine_in_whatever_order_samples_arrive(samples, random):
    samples = [(NOW + t * MINUTE, v / 10) for t, v in samples]
    newest = max(t for t, _ in samples)
    arrived = samples[:]
    random.shuffle(arrived)
    inside = sorted(s for s in samples if s[0] > newest - 3 * HOUR)
    # what came when the newest sample was not known yet, and is older than the longest window, is no matter
    times, amounts = zip(*inside, strict=True)
    wanted = [rain.rolling(np.array(times) / 1000, amounts, hours)[-1] for hours in (1, 3)]
    assert np.allclose(sums(arrived), wanted, atol=1e-9)


def test_a_repeated_sample_counts_once_and_a_full_ring_keeps_its_sum():
    assert sums([(NOW, 5.0), (NOW, 5.0), (NOW + MINUTE, 1.0)]) == [6.0, 6.0]
    assert sums([(NOW + n * MINUTE, 1.0) for n in range(30)], room=8) == [30.0, 30.0]


def test_what_is_older_than_the_window_has_fallen_out():
    assert sums([(NOW, 49.9), (NOW + HOUR, 0.1)]) == [0.1, 50.0]


# groups


def at_level(*levels):
    state = layout.fresh(len(levels), NOW)
    state.hot["level"] = levels
    return state


def threes(*key, level=1, least=2, clear=1, fresh=0, hold_up=0, hold_down=0):
    """Groups of the first three channels, one for each key."""
    n = len(key)
    of = np.arange(n + 1) * 3, ids(*[0, 1, 2] * n), np.full(n, level, np.int8)
    least, clear, fresh, hold_up, hold_down = (np.full(n, one) for one in (least, clear, fresh, hold_up, hold_down))
    return groups.Counted(*of, least, clear, np.array(key, np.int64), fresh, hold_up, hold_down)


COUNTED = threes(9, level=2)


def test_two_of_three_at_the_level_are_told_once_and_over_when_none_is():
    standing = groups.none_stands(1)
    told, most = [], []
    for levels in ([2, 1, 0], [2, 3, 0], [2, 3, 4], [1, 1, 2], [0, 1, 1]):
        told += COUNTED.settle(at_level(*levels), standing, NOW).tolist()
        most += standing["most"].tolist()
    assert [(kind, was, now, value, peak[0]) for _, kind, was, now, _, value, peak in told] == [(Kind.GROUP, 0, 1, 2, 2), (Kind.GROUP, 1, 0, 0, 3)]
    assert most == [0, 2, 3, 3, 0]


def test_what_has_fallen_below_its_lower_limit_is_counted_too():
    assert [n.tolist() for n in COUNTED.count(at_level(-2, 3, -1), NOW)] == [[2], [2]]


def spoken(found):
    """(seconds after NOW, was, now, fresh) of what was told of groups."""
    return [((e["at"] - NOW) / 1000, int(e["was"]), int(e["now"]), e["value"]) for e in found if e["kind"] == Kind.GROUP]


def counted(rule, *batches):
    """What a network of three sensors with a limit of 20 (over below 19) tells of a group: at so many seconds these values, None for none."""
    machine, told = net.Machine(plan(sensors=(7, 9, 13), counted=rule), NOW), []
    for after, *values in batches:
        rows = [(s, NOW + after * 1000, v) for s, v in zip((7, 9, 13), values, strict=False) if v is not None]
        sensor, at, value = zip(*rows, strict=True) if rows else ((), (), ())
        told += spoken(machine.apply(ids(*sensor), np.array(at, np.int64), np.array(value, float), NOW + after * 1000).events)
    return told


def test_a_count_must_last_before_it_is_told_and_be_left_as_long_before_it_is_over():
    rule = threes(9, hold_up=30_000, hold_down=60_000)
    assert counted(rule, (0, 25, 25), (20, 3), (25, 25), (50,), (54, 25)) == [], "it fell in between"
    assert counted(rule, (0, 25, 25), (29,), (90,)) == [(30, 0, 1, 2)], "told for the moment at which it had lasted, whenever somebody looks"
    assert counted(rule, (0, 25, 25), (30, 3)) == [], "what is read at that very moment is asked first"
    fell = (0, 25, 25), (40, 3, 3)
    assert counted(rule, *fell, (99, 25), (200,)) == [(30, 0, 1, 2)], "one came back in time"
    assert counted(rule, *fell, (101,)) == [(30, 0, 1, 2), (100, 1, 0, 0)]


def test_only_who_was_heard_of_lately_makes_a_group_stand():
    rule = threes(9, fresh=10_000)
    assert counted(rule, (0, 25), (11, None, 25)) == []
    assert counted(rule, (0, 25), (10, None, 25)) == [(10, 0, 1, 2)]
    assert counted(rule, (0, 25), (11, None, 25), (12, 25)) == [(12, 0, 1, 2)], "heard of again at the same level"
    assert counted(threes(9, fresh=10_000, hold_up=11_000), (0, 25, 25), (30,)) == [], "they were silent before it had lasted"
    assert counted(threes(9, fresh=10_000, hold_up=10_000), (0, 25, 25), (30,)) == [(10, 0, 1, 2), (10.001, 1, 2, 0)]


def test_who_falls_silent_ends_no_group_and_leaves_it_in_doubt():
    rule = threes(9, fresh=10_000)
    stood = [(0, 0, 1, 2), (10.001, 1, 2, 0)]
    assert counted(rule, (0, 25, 25), (5, 25), (12, 25), (20,)) == [(0, 0, 1, 2)], "one is fresh, and one is enough"
    assert counted(rule, (0, 25, 25), (5000,)) == stood
    assert counted(rule, (0, 25, 25), (50, 3), (60, None, 25)) == [*stood, (60, 2, 1, 1)], "the other is heard of and still there"
    assert counted(rule, (0, 25, 25), (50, 3), (60, None, 3)) == [*stood, (60, 2, 0, 0)], "both are heard of and back"
    left = threes(9, fresh=10_000, hold_down=5000)
    assert counted(left, (0, 25, 25), (50, 3, 3), (54,)) == stood, "doubtful to its end"
    assert counted(left, (0, 25, 25), (50, 3, 3), (56,)) == [*stood, (55, 2, 0, 0)]


SPAN = 40
walks = st.lists(st.tuples(st.integers(1, 6), st.lists(st.tuples(st.integers(0, 2), st.integers(-3, 0), st.booleans()), max_size=3)), max_size=12)
spans = st.integers(0, 9)


@settings(max_examples=300, deadline=None)
@given(walks, st.integers(1, 3), st.integers(1, 3), spans, spans, spans, st.sets(st.integers(0, SPAN)))
def test_a_group_is_told_as_if_somebody_looked_at_every_millisecond(walk, least, clear, fresh, hold_up, hold_down, looks):
    """Beside it the same said slowly: each tick of the clock one after the other, with plain numbers."""
    clear = min(clear, least)
    rule = threes(9, least=least, clear=clear, fresh=fresh, hold_up=hold_up, hold_down=hold_down)
    batches, now = {}, 0
    for wait, rows in walk:
        now += wait
        batches[now] = [(place, now + age, 25.0 if up else 3.0) for place, age, up in rows]
    end = max([now, *looks], default=0) + 25
    machine, told = net.Machine(plan(sensors=(7, 9, 13), counted=rule), NOW), []
    for tick in sorted({*batches, *looks, end}):
        place, at, value = zip(*batches.get(tick, []), strict=True) if batches.get(tick) else ((), (), ())
        told += machine.apply(ids(*((7, 9, 13)[p] for p in place)), NOW + np.array(at, np.int64), np.array(value, float), NOW + tick).events.tolist()
    assert [(e[4] - NOW, e[2], e[3], e[5], e[6][0]) for e in told if e[1] == Kind.GROUP] == slowly(batches, end, least, clear, fresh, hold_up, hold_down)


def slowly(batches, end, least, clear, fresh, hold_up, hold_down):
    newest, high = {}, {}
    told, stands, doubtful, since, most = [], False, False, None, 0
    for now in range(end + 1):
        for place, at, value in batches.get(now, []):
            if at > newest.get(place, -9):
                newest[place], high[place] = at, value >= 20
        every = [place for place in high if high[place]]
        young = [place for place in every if not fresh or now - newest[place] <= fresh]
        before = stands + doubtful
        best = max(most, len(young))
        if (len(every) >= clear if stands else len(young) >= least) == stands:
            since = None
        else:
            since = now if since is None else since
            if now - since >= (hold_down if stands else hold_up):
                stands, since = not stands, None
        most = best if stands else 0
        doubtful = stands and (len(young) < clear if len(every) >= clear else doubtful)
        if stands + doubtful != before:
            told.append((now, before, stands + doubtful, len(young), best))
    return told


def test_one_strays_from_its_neighbours_and_comes_back_and_a_silent_one_says_nothing():
    state = layout.fresh(4, NOW)
    alike = groups.Neighbours(np.array([0, 4]), ids(0, 1, 2, 3), np.array([5.0]), np.array([4.0]), np.array([HOUR]), np.array([3]))

    def read(*values):
        state.hot["at"], state.hot["value"] = NOW, values
        return [(c, now, v) for c, _, _, now, _, v, _ in alike.compare(state, NOW).tolist()]

    assert read(10, 11, 12, 30) == [(3, 1, 18.5)]
    assert read(10, 11, 12, 16) == []
    assert read(10, 11, 12, 14) == [(3, 0, 2.5)]
    state.hot["marks"][[0, 1]] |= np.uint8(Mark.OFFLINE)
    assert read(10, 11, 12, 90) == []


def test_silence_is_told_once():
    state = layout.fresh(3, NOW)
    wait = np.array([HOUR, 2 * HOUR, 0])
    assert groups.silent(state, wait, NOW + HOUR).tolist() == []
    assert [(e[0], e[5]) for e in groups.silent(state, wait, NOW + HOUR + 1000).tolist()] == [(0, 3601.0)]
    assert groups.silent(state, wait, NOW + HOUR + 2000).tolist() == []


# the network


def plan(up=(20.0, 50.0), sensors=(7, 9, 12), **more):
    """Sensors of values; those of even id also sum an hour of it, judged by the second profile."""
    table = layout.profiles(2)
    table["up"][0, :2], table["up_clear"][0, :2], table["offline_ms"][0] = up, np.array(up) - 1, HOUR
    table["up"][1, 0], table["up_clear"][1, 0] = 60, 48
    table["low"], table["high"] = -100, 200
    summed = [n for n, s in enumerate(sensors) if s % 2 == 0]
    target = np.arange(len(summed)) + len(sensors)
    key = np.concatenate([keys(*sensors), keys(*(sensors[n] for n in summed)) | 1])
    profile = np.array([0] * len(sensors) + [1] * len(summed), np.int32)
    feed = net.Feed(np.array(summed, np.int64), np.arange(len(summed) + 1), target, np.full(len(summed), HOUR))
    return net.Plan(key, len(sensors), profile, layout.sealed(table), sums=feed, **more)


def apply(machine, *readings, now):
    sensor, at, value = zip(*readings, strict=True)
    found = machine.apply(ids(*sensor), np.array(at), np.array(value, float), now)
    told = [(e["kind"], machine.plan.key[e["channel"]] >> 32, e["was"], e["now"]) for e in found.events]
    return found.status.tolist(), [tuple(int(x) for x in one) for one in told]


def test_an_unknown_sensor_is_said_and_the_rest_is_judged():
    status, told = apply(net.Machine(plan(), NOW), (7, NOW, 21), (8, NOW, 99), (-3, NOW, 99), (10**6, NOW, 99), (12, NOW, 1), now=NOW)
    assert status == [Fate.GOOD, Fate.UNKNOWN, Fate.UNKNOWN, Fate.UNKNOWN, Fate.GOOD]
    assert told == [(Kind.LEVEL, 7, 0, 1)]


def test_the_hour_is_judged_beside_the_value():
    machine = net.Machine(plan(), NOW)
    assert apply(machine, (12, NOW, 15), now=NOW)[1] == []
    assert apply(machine, *[(12, NOW + n * MINUTE, 15) for n in (1, 2, 3)], now=NOW + 3 * MINUTE)[1] == [(Kind.LEVEL, 12, 0, 1)]
    late = apply(machine, (12, NOW - MINUTE, 0.5), now=NOW + 4 * MINUTE)
    assert late == ([Fate.OLD], [])


def test_silence_is_found_when_the_log_passes_a_period():
    machine = net.Machine(plan(period_ms=10_000), NOW)
    apply(machine, (7, NOW, 1), (9, NOW, 1), now=NOW)
    told = apply(machine, (7, NOW + HOUR + 15_000, 1), now=NOW + HOUR + 15_000)[1]
    assert told == [(Kind.SILENT, 7, 0, 1), (Kind.SILENT, 9, 0, 1), (Kind.SILENT, 7, 1, 0)], "12 was never connected"
    assert apply(machine, (9, NOW + 1, 1), now=NOW + HOUR + 16_000)[1] == [(Kind.SILENT, 9, 1, 0)]


def test_another_plan_judges_the_present_value_at_once_and_forgets_nothing_else():
    machine = net.Machine(plan(), NOW)
    apply(machine, (7, NOW, 30), (12, NOW, 40), (12, NOW + MINUTE, 10), now=NOW + MINUTE)
    lower = plan(up=(10.0, 25.0), sensors=(12, 7, 30))
    told = machine.replan(lower, NOW + 2 * MINUTE)
    assert [(machine.plan.key[e["channel"]] >> 32, e["was"], e["now"]) for e in told] == [(12, 0, 1), (7, 1, 2)]
    assert apply(machine, (12, NOW + 3 * MINUTE, 12), (30, NOW, 1), now=NOW + 3 * MINUTE)[1] == [(Kind.LEVEL, 12, 0, 1)]


def waiting(hold, sensors=(7, 9, 12)):
    made = plan(sensors=sensors)
    table = made.table.copy()
    table["hold_up"][0, 0] = hold
    return net.Plan(made.key, made.sensors, made.profile, layout.sealed(table), sums=made.sums)


def test_what_waits_for_its_time_waits_on_when_other_limits_change_and_no_longer_than_its_own_say():
    machine = net.Machine(waiting(10_000), NOW)
    assert apply(machine, (7, NOW, 30), now=NOW)[1] == []
    assert not len(machine.replan(waiting(10_000, (12, 7, 30)), NOW + 1_000)), "nobody's limits are others: nothing is judged anew"
    assert apply(machine, (7, NOW + 9_000, 30), now=NOW + 9_000)[1] == []
    assert apply(machine, (7, NOW + 10_000, 30), now=NOW + 10_000)[1] == [(Kind.LEVEL, 7, 0, 1)], "counted from its first reading"
    machine = net.Machine(waiting(10_000), NOW)
    apply(machine, (7, NOW, 30), now=NOW)
    assert [(e["was"], e["now"]) for e in machine.replan(waiting(5_000), NOW + 1_000)] == [(0, 1)], "its own limit is another"


def test_a_group_stands_on_under_another_plan_though_fewer_are_left_than_began_it():
    machine = net.Machine(plan(counted=threes(9)), NOW)
    machine.apply(ids(7, 9), np.full(2, NOW), np.full(2, 21.0), NOW)
    machine.apply(ids(7), np.full(1, NOW + MINUTE), np.zeros(1), NOW + MINUTE)
    assert machine.plan.counted.count(machine.state, NOW)[0].tolist() == [1]
    machine.replan(plan(counted=threes(5, 9)), NOW + 2 * MINUTE)
    assert machine.standing["most"].tolist() == [0, 2], "the one that is known"
    machine.replan(plan(counted=threes(5)), NOW + 3 * MINUTE)
    assert machine.standing["most"].tolist() == [0]


def test_a_group_waits_on_under_another_plan():
    machine = net.Machine(plan(counted=threes(9, hold_up=2 * MINUTE)), NOW)
    machine.apply(ids(7, 9), np.full(2, NOW), np.full(2, 21.0), NOW)
    machine.replan(plan(up=(20.0, 60.0), counted=threes(9, hold_up=2 * MINUTE)), NOW + MINUTE)
    assert not machine.stirs(NOW + MINUTE) and machine.stirs(NOW + 2 * MINUTE)
    assert spoken(machine.apply(ids(), np.empty(0, np.int64), np.empty(0), NOW + 3 * MINUTE).events) == [(120, 0, 1, 2)]


def test_a_plan_that_sums_for_the_first_time_begins_with_the_samples_that_are_held():
    machine = net.Machine(plan(), NOW)
    apply(machine, *[(12, NOW + n * MINUTE, 19) for n in range(3)], now=NOW + 3 * MINUTE)
    wider = plan()
    longer = net.Feed(wider.sums.source, wider.sums.first, wider.sums.target, np.full(1, 2 * HOUR))
    renamed = np.where(wider.key & 1, wider.key + 1, wider.key)
    table = wider.table.copy()
    table["up"][1, 0] = table["up_clear"][1, 0] = 57
    told = machine.replan(net.Plan(renamed, wider.sensors, wider.profile, layout.sealed(table), sums=longer), NOW + 4 * MINUTE)
    assert [(e["kind"], e["now"], e["value"]) for e in told] == [(Kind.LEVEL, 1, 57.0)]


reading = st.tuples(st.sampled_from([7, 9, 12, 13]), st.integers(-5, 5), st.sampled_from([0, 5, 19, 20, 30, 50, 70, 300, np.nan]))
logs = st.lists(st.tuples(st.integers(1, 40), st.lists(reading, min_size=1, max_size=8)), min_size=1, max_size=15)


def fold(machine, log, now=NOW):
    told = []
    for wait, batch in log:
        now += wait * MINUTE
        sensor, at, value = zip(*batch, strict=True)
        at = now + np.array(at) * MINUTE
        told += machine.apply(ids(*sensor), at, np.array(value, float), now).events.tolist()
    return told, now


@settings(max_examples=100, deadline=None)
@given(logs, st.integers(0, 14))
def test_state_and_events_follow_from_the_log_whoever_applies_it(log, cut):
    counted = threes(9, clear=2, fresh=20 * MINUTE, hold_up=3 * MINUTE, hold_down=7 * MINUTE)
    whole = net.Machine(plan(counted=counted), NOW)
    told, _ = fold(whole, log)
    first = net.Machine(plan(counted=counted), NOW)
    before, now = fold(first, log[:cut])
    heir = net.Machine.load(first.dump(), plan(counted=counted))
    after, _ = fold(heir, log[cut:], now)
    assert repr(before + after) == repr(told)
    assert heir.dump() == whole.dump()


def test_a_network_without_a_compiler_says_the_same(monkeypatch):
    log = [(1, [(7, 0, 21), (12, 1, 30)]), (2, [(12, 0, 35), (9, 0, 300)]), (90, [(7, 0, 0)])]
    fast = fold(net.Machine(plan(), NOW), log)[0]
    monkeypatch.setattr(net, "_judge", twin.judge)
    assert repr(fold(net.Machine(plan(), NOW), log)[0]) == repr(fast)
    assert COMPILED, "the compiled loop is what the tests compare with"
