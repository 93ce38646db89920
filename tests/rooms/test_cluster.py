"""The network in parts: what workers judge is what one process would have judged, whoever looks after which part, and nothing is
taken twice. Without a bus; `test_cluster_real` has nodes, workers and kills."""

import hashlib
import random
import time
from datetime import timedelta

import numpy as np
import pytest
from django.db import OperationalError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anlan.engines.sense import net, wire
from anlan.engines.sense.layout import Fate
from anlan.kernel import clock
from anlan.kernel.clock import beats
from anlan.kernel.journal.models import Line
from anlan.kernel.people import scope
from anlan.sensing import book, history, network, parts, readings, settle
from anlan.sensing import door as direct
from anlan.sensing.cluster import door, judging
from anlan.sensing.cluster.inbox import Item
from anlan.sensing.cluster.worker import Worker
from anlan.sensing.models import Alarm, Batch, Edition, Gateway, Ledger, Rule, Sensor, Snapshot, Station, Traffic
from tests.kernel import city

SITES = 8


@pytest.fixture(autouse=True)
def forgotten():
    """Each test has tables of its own; what a process remembers of them goes with them."""
    network._networks.clear()
    network._gathered.clear()
    door._routes = None


@pytest.fixture
def world(db):
    world = city.build()
    with scope.everyone(world):
        for n in range(SITES):
            place = city.SHAZIKOU if n % 2 else city.AOSHANWEI
            station = Station(code=f"s{n}", name=f"{n}站", kind="river", area_id=place, lon=120, lat=36)
            station.save()
            for quantity in ("stage", "gust"):
                Sensor(station=station, code=f"s{n}.{quantity}", quantity=quantity, unit="m", low=-100, high=100, area_id=place).save()
        rule("stage", 10, clear=9, level=3)
        rule("stage", 20, clear=19, level=2, hold_up_s=1)
        Gateway.objects.create(name="t", token=hashlib.sha256(b"t").hexdigest())
        yield world


def rule(quantity, amount, **more):
    told = {"hazard": "洪水", "hours": 0, "source": "试验", "confidence": "V", "version": "1", "since": city.SINCE, "clear": amount, **more}
    return Rule.objects.create(quantity=quantity, amount=amount, **told)


def sensor(code):
    return Sensor.objects.get(code=code).pk


def flush(number, *rows, door_=5, ms=None):
    """Rows of sensor id, ms, value as a door sends them: what is compared with other sites twice."""
    ids = np.array([row[0] for row in rows])
    twice = np.flatnonzero(door.current().across[ids])
    part = np.concatenate([door.current().part[ids], np.full(len(twice), parts.ACROSS)])
    ids, at, value = (np.array([row[k] for row in (*rows, *(rows[n] for n in twice))]) for k in range(3))
    gateway = Gateway.objects.get()
    return wire.build(
        door_, number, ms or now_ms(), part, np.array([gateway.pk]), at.astype(np.int64), value.astype(float), ids.astype(np.int32),
        np.zeros(len(ids), np.uint16),
    )  # fmt: skip


def now_ms():
    return round(clock.now().timestamp() * 1000)


def told():
    return {(a.sensor_id, a.rule_id, round(a.at.timestamp() * 1000), a.active) for a in Alarm.objects.all()}


# ── parts and workers ───────────────────────────────────────────────────────────────────────────────────────


def test_a_worker_without_parts_lets_go_what_it_hears(world, monkeypatch):
    worker = Worker("w")
    monkeypatch.setattr(worker.members, "mine", frozenset)
    monkeypatch.setattr(worker, "_round", lambda last: worker.stop.set())
    worker.inbox.current = True
    assert worker.inbox.hear(flush(1, (sensor("s1.stage"), now_ms(), 1.0))) and worker.inbox.waiting == 1
    worker._go_on({})
    assert not worker.inbox.waiting and not Batch.objects.exists() and judging.begin(frozenset()) == 0


def test_a_worker_lets_nobody_wait_for_its_locks_whenever_it_begins_anew(world, monkeypatch):
    worker, done = Worker("w"), []

    def go_on(last):
        done.append("goes on")
        if len(done) == 4:
            worker.stop.set()
        raise OperationalError("the line broke")

    monkeypatch.setattr(judging, "alone", lambda: done.append("alone"))
    monkeypatch.setattr(worker, "_go_on", go_on)
    monkeypatch.setattr("anlan.sensing.cluster.worker.close_old_connections", lambda: None)
    worker.work()
    assert done == ["alone", "goes on"] * 2


# ── judged in parts ─────────────────────────────────────────────────────────────────────────────────────────


def test_workers_tell_what_one_process_would_have_told(world):
    """Random readings in random messages, heard and logged, for two workers whose parts change hands: the same alarms as of one
    machine over all of it, the same readings in the log, each once."""
    chance, start = random.Random(3), now_ms()
    ids = list(Sensor.objects.filter(quantity="stage").values_list("pk", flat=True))
    whole = book.compile_book(clock.now().date())
    machine, wanted, count = net.Machine(whole.plan), [], 0
    first, second = frozenset(p for p in parts.ALL if p % 2), frozenset(p for p in parts.ALL if not p % 2)
    for n in range(1, 60):
        ms = start + 1000 * n
        rows = [(pk, ms, chance.choice((3.0, 12.0, 25.0))) for pk in chance.sample(ids, 5)]
        one = flush(n, *rows, ms=ms)
        events = machine.apply(one.sensor, one.at, one.value, ms).events
        wanted += [c for e in events for c in settle.changes(whole, e)]
        for mine in (first, second) if n % 3 else (second, first):
            judging.judge([Item(one)], mine)
            judging.judge([Item(one, n)], mine)  # and as the log brings it
        count += len(rows)
        if n % 20 == 0:
            network._networks.clear()
            first, second = second, first
    assert {(a[0], a[1], a[2]) for a in told()} == {(*c.key, round(c.at.timestamp() * 1000)) for c in wanted if c.on} and len(told()) > 30
    assert {(a[0], a[1]) for a in told() if a[3]} == {c.key for c in settle._wanted(whole, machine, clock.now())}
    assert readings.count(world) == count


def test_a_message_is_taken_once_whoever_takes_it_and_however_often_it_comes(world):
    pk, at = sensor("s1.stage"), now_ms()
    one, two = flush(1, (pk, at, 12.0)), flush(2, (pk, at + 1000, 3.0))
    assert judging.judge([Item(two)], parts.ALL).readings == 1, "the later one was heard first"
    assert judging.judge([Item(one, 1), Item(two, 2)], parts.ALL).readings == 1 and judging.judge([Item(one, 1), Item(two, 2)], parts.ALL).readings == 0
    assert Ledger.objects.get(part=int(door.current().part[pk])).reached == 2
    assert Line.objects.filter(verb="alarm.late").count() == 1, "what comes late is told as late"


def test_the_place_of_the_log_that_nobody_needs_is_the_least_of_all_parts(world):
    judging.begin(parts.ALL)
    assert judging.needless() == 0
    judging.told(parts.ALL[:-1], 9)
    assert judging.needless() == 0
    judging.told(parts.ALL, 7)
    assert judging.needless() == 7 and judging.begin(parts.ALL[:4]) == 9


def test_what_is_old_or_repeated_is_counted_for_its_gateway(world):
    pk, at = sensor("s1.stage"), now_ms()
    judging.judge([Item(flush(1, (pk, at, 3.0), (pk, at, 3.0), (pk, at - 5000, 3.0)))], parts.ALL)
    row = Traffic.objects.get()
    assert (row.late, row.repeated) == (1, 1)


def test_sites_are_compared_over_their_parts(world):
    """Three gusts alike and one that strays: told once, by the part that has them all; the readings are in the history once."""
    rule("gust", 5, kind="stray", clear=4, level=4, hazard="大风")
    ids, at = [sensor(f"s{n}.gust") for n in range(4)], now_ms()
    assert door.current().across[ids].all() and not door.current().across[sensor("s1.stage")]
    rows = [(pk, at, value) for pk, value in zip(ids, (3.0, 3.5, 4.0, 30.0), strict=True)]
    judging.judge([Item(flush(1, *rows), 1)], parts.ALL)
    with clock.travelled(timedelta(seconds=11)):
        judging.tick(parts.ALL, now_ms())
    assert [(a.sensor_id, a.rule.kind) for a in Alarm.objects.all()] == [(ids[3], "stray")]
    assert readings.count(world) == 4 and len(readings.between(world, clock.now() - timedelta(hours=1), clock.now()).at) == 4


# ── from one process to many, and back ──────────────────────────────────────────────────────────────────────


def test_a_network_that_grows_goes_on_where_it_stood_and_so_does_one_that_shrinks(world):
    moment = clock.now()
    direct.take([direct.Sample("s1.stage", moment, 15.0)])
    before = told()
    assert len(before) == 1
    judging.begin(parts.ALL)
    assert told() == before and Line.objects.filter(verb__startswith="alarm").count() == 1, "nothing ended, nothing was told again"
    pk = sensor("s1.stage")
    judging.judge([Item(flush(1, (pk, now_ms() + 2000, 16.0), (sensor("s2.stage"), now_ms(), 11.0)), 1)], parts.ALL)
    assert {a[0] for a in told()} == {pk, sensor("s2.stage")}
    network._networks.clear()
    with scope.everyone(world):
        network.gather()
    assert len(told()) == 2 and not Snapshot.objects.exclude(part=0).exists()
    network._networks.clear()
    direct.take([direct.Sample("s1.stage", moment + timedelta(seconds=30), 3.0), direct.Sample("s2.stage", moment + timedelta(seconds=30), 12.0)])
    assert {a[0] for a in told() if a[3]} == {sensor("s2.stage")}
    judging.begin(parts.ALL)
    judging.judge([Item(flush(2, (sensor("s2.stage"), now_ms() + 60_000, 1.0)), 2)], parts.ALL)
    assert not any(a[3] for a in told()), "and once more"


def test_what_counts_the_sensors_of_an_area_stands_on_from_one_process_to_many_and_back(world):
    rule("gust", 20, level=3, hazard="大风")
    mine = rule("gust", 3, clear=2, level=1, reach=3, kind="count", hazard="大风", area_id=city.LAOSHAN)
    later = rule("gust", 4, clear=1, level=1, reach=3, kind="count", hazard="大风", area_id=city.LAOSHAN, version="2")

    def area():
        return list(Alarm.objects.filter(sensor=None).order_by("pk").values_list("rule_id", "active"))

    def judge(number, wait_s, **values):
        rows = [(sensor(f"{code}.gust"), now_ms() + wait_s * 1000, value) for code, value in values.items()]
        judging.judge([Item(flush(number, *rows), number)], parts.ALL)

    moment = clock.now()
    direct.take([direct.Sample(f"s{n}.gust", moment, 25.0) for n in (1, 3, 5)])
    direct.take([direct.Sample("s1.gust", moment + timedelta(seconds=1), 3.0)])
    assert area() == [(mine.pk, True)], "two are left of three"
    judging.begin(parts.ALL)
    assert area() == [(mine.pk, True)]
    judge(1, 5, s1=25.0, s7=25.0)
    judge(2, 6, s1=3.0, s3=3.0)
    assert area() == [(mine.pk, True), (later.pk, True)], "two of four: neither is over"
    judge(3, 7, s5=3.0)
    assert area() == [(mine.pk, False), (later.pk, True)]
    network._networks.clear()
    with scope.everyone(world):
        network.gather()
    assert area() == [(mine.pk, False), (later.pk, True)], "one is left of four"
    direct.take([direct.Sample("s7.gust", moment + timedelta(seconds=60), 3.0)])
    assert area() == [(mine.pk, False), (later.pk, False)]
    assert Line.objects.filter(verb="alarm.raised", subject_id__in=Alarm.objects.filter(sensor=None).values("pk")).count() == 2


@pytest.mark.parametrize("seed", range(3))
def test_what_counts_the_sensors_of_an_area_tells_in_parts_what_it_tells_in_one(world, seed):
    """Random gusts, some sensors falling silent, for one process and for two workers that look at the clock at other moments: the same
    alarms of the areas, with the moments at which they came, ended, and who was not heard of."""
    chance, start = random.Random(seed), now_ms()
    rule("gust", 20, clear=18, level=3, hazard="大风")
    for n, times in enumerate(({"fresh_s": 20}, {"hold_up_s": 15, "hold_down_s": 25}, {"fresh_s": 30, "hold_up_s": 10, "hold_down_s": 10}, {})):
        rule("gust", 2, clear=1 + n % 2, level=1, reach=3, kind="count", hazard="大风", area_id=city.LAOSHAN, version=str(n), **times)
    ids = [sensor(f"s{n}.gust") for n in (1, 3, 5, 7)]
    rests("s7.gust", timedelta(hours=2))
    moves, ms = [], start
    for n in range(1, 80):
        ms += chance.choice((700, 3000, 9000, 21_000))
        moves.append((n, ms, [(chance.choice(ids if n < 70 else ids[2:]), ms - chance.randrange(500), chance.choice((3.0, 3.0, 19.0, 25.0)))]))
    end = ms + 15_000

    for n, ms, rows in moves:
        one = flush(n, *rows, ms=ms)
        mine = one.slices()[int(door.current().part[rows[0][0]])]
        with network.turn([parts.WHOLE]) as turn:
            turn.tick(parts.WHOLE, ms - 350) if n % 3 else None
            turn.take(parts.WHOLE, one.sensor[mine], one.at[mine], one.value[mine], ms)
    with network.turn([parts.WHOLE]) as turn:
        turn.tick(parts.WHOLE, end)
    wanted = areas()
    lines = Line.objects.filter(verb__startswith="alarm.", text__startswith="崂山区").order_by("pk")
    said, last = list(lines.values_list("verb", "text")), lines.last().pk
    assert len(wanted) > 8 and {"alarm.raised", "alarm.held", "alarm.doubtful", "alarm.certain", "alarm.cleared"} <= {verb for verb, _ in said}
    for model in (Alarm, Batch, Snapshot, Ledger):
        model.objects.all().delete()
    network._networks.clear()

    sites, across = [p for p in parts.ALL if p != parts.ACROSS], [parts.ACROSS]
    for n, ms, rows in moves:
        for mine in (sites, across) if chance.random() < 0.5 else (across, sites):
            judging.judge([Item(flush(n, *rows, ms=ms), n)], mine)
        if chance.random() < 0.4:
            judging.tick(parts.ALL, ms + chance.randrange(600))
        if chance.random() < 0.1:
            network._networks.clear()
    judging.tick(parts.ALL, end)
    assert areas() == wanted and list(lines.filter(pk__gt=last).values_list("verb", "text")) == said


def areas():
    ms = lambda at: at and round(at.timestamp() * 1000)  # noqa: E731
    found = Alarm.objects.filter(sensor=None).select_related("rule").order_by("at", "rule")
    return [(a.rule.version, ms(a.at), a.value, a.peak, a.held, a.active, ms(a.cleared_at), a.doubtful, a.stale) for a in found]


def test_a_count_waits_on_from_one_process_to_many_and_back(world):
    rule("gust", 20, level=3, hazard="大风")
    rule("gust", 2, level=1, reach=3, kind="count", hazard="大风", area_id=city.LAOSHAN, hold_up_s=60, hold_down_s=60, fresh_s=600)
    start = clock.now()
    direct.take([direct.Sample(f"s{n}.gust", start, 25.0) for n in (1, 3)])
    judging.begin(parts.ALL)
    with clock.travelled(timedelta(seconds=30)):
        network._networks.clear()
        with scope.everyone(world):
            network.gather()
            network.tick()
        network._networks.clear()
        judging.begin(parts.ALL)
    judging.tick(parts.ALL, now_ms() + 70_000)
    (alarm,) = Alarm.objects.filter(sensor=None)
    assert round((alarm.at - start).total_seconds()) == 60
    judging.tick(parts.ALL, now_ms() + 700_000)
    network._networks.clear()
    network._gathered.clear()
    with clock.travelled(timedelta(seconds=720)), scope.everyone(world):
        network.gather()
        alarm.refresh_from_db()
        assert alarm.active and alarm.doubtful and len(alarm.stale) == 2
        direct.take([direct.Sample("s1.gust", clock.now(), 25.0), direct.Sample("s3.gust", clock.now(), 25.0)])
        alarm.refresh_from_db()
        assert alarm.active and not alarm.doubtful
    verbs = Line.objects.filter(subject_id=alarm.pk, verb__startswith="alarm.").order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["alarm.raised", "alarm.doubtful", "alarm.certain"]


SITES_FIRST, AREA_FIRST = (parts.ALL[:-1], [parts.ACROSS]), ([parts.ACROSS], parts.ALL[:-1])


@pytest.mark.parametrize("workers", [SITES_FIRST, AREA_FIRST], ids=["sites first", "area first"])
def test_a_sensor_out_of_service_makes_no_alarm_of_its_area_whichever_worker_is_first(world, workers):
    """The part that counts may be judged before the part of the sensor has written that sensor's own alarm as held."""
    rule("gust", 20, level=3, hazard="大风")
    rule("gust", 3, level=1, reach=3, kind="count", hazard="大风", area_id=city.LAOSHAN)
    rests("s3.gust", timedelta(hours=1))
    rows = [(sensor(f"s{n}.gust"), now_ms(), 25.0) for n in (1, 3, 5)]
    for mine in workers:
        judging.judge([Item(flush(1, *rows), 1)], mine)
    alarm = Alarm.objects.get(sensor=None)
    assert alarm.held and "停用" in alarm.held_why and not Line.objects.filter(verb="alarm.raised", subject_id=alarm.pk).exists()
    settle.release()
    alarm.refresh_from_db()
    assert alarm.held
    for mine in workers:
        judging.judge([Item(flush(2, (sensor("s7.gust"), now_ms(), 25.0)), 2)], mine)
    settle.release()
    alarm.refresh_from_db()
    assert not alarm.held, "three others stand"


def test_a_sensor_that_was_told_before_it_was_put_out_of_service_makes_none_either(world):
    rule("gust", 20, level=3, hazard="大风")
    rule("gust", 2, level=1, reach=3, kind="count", hazard="大风", area_id=city.LAOSHAN)
    judging.judge([Item(flush(1, (sensor("s3.gust"), now_ms(), 25.0)), 1)], parts.ALL)
    rests("s3.gust", timedelta(hours=1))
    judging.judge([Item(flush(2, (sensor("s5.gust"), now_ms(), 25.0)), 2)], parts.ALL)
    settle.release()
    assert Alarm.objects.get(sensor=None).held
    with clock.travelled(timedelta(hours=2)):
        settle.release()
    assert not Alarm.objects.get(sensor=None).held, "it is back in service"


def rests(code, span):
    Sensor.everywhere.filter(code=code).update(rests_until=clock.now() + span, rests_why="检修")


def test_a_worker_lets_no_time_pass_before_it_has_read_what_waits_for_it(world):
    """After all workers were away a sensor is not silent whose readings are in the log of the bus."""
    rule("gust", 0, kind="offline", level=3, hold_up_s=60, hazard="大风")
    judging.judge([Item(flush(1, (sensor("s1.gust"), now_ms() - 120_000, 3.0), ms=now_ms() - 120_000))], parts.ALL)
    worker = Worker("w")
    worker.mine = frozenset(parts.ALL)
    worker._round({"tick": -99.0, "told": 0.0, "clean": time.monotonic()})
    assert not told()
    worker.inbox.ended(worker.inbox.epoch)
    worker._round({"tick": -99.0, "told": 0.0, "clean": time.monotonic()})
    assert len(told()) == 1


def test_nothing_is_gathered_while_workers_live(world):
    judging.begin(parts.ALL)
    beats._last.clear()
    beats.beat("sense")
    with scope.everyone(world):
        network.gather()
    assert Snapshot.objects.exclude(part=0).exists()


def test_a_changed_rule_ends_only_the_alarms_of_the_parts_that_see_it(world):
    one, two = sensor("s1.stage"), sensor("s2.stage")
    judging.judge([Item(flush(1, (one, now_ms(), 15.0), (two, now_ms(), 15.0)), 1)], parts.ALL)
    assert len(told()) == 2
    Rule.objects.filter(amount=10).update(until=clock.now().date() - timedelta(days=1))
    Edition.turn()
    judging.tick([int(door.current().part[one])], now_ms())
    assert {a[0] for a in told() if a[3]} == {two}
    judging.tick(parts.ALL, now_ms())
    assert not any(a[3] for a in told())


# ── history and doors ───────────────────────────────────────────────────────────────────────────────────────


def test_the_log_of_a_part_is_sealed_up_to_its_snapshot(world, settings, tmp_path, monkeypatch):
    settings.HOME = tmp_path
    monkeypatch.setattr(network, "BATCHES", 1)
    pk = sensor("s1.stage")
    for n in range(1, 7):
        judging.judge([Item(flush(n, (pk, now_ms() + n, float(n))), n)], parts.ALL)
    before = readings.between(world, clock.now() - timedelta(days=1), clock.now() + timedelta(days=1))
    newest = Snapshot.objects.filter(part=int(door.current().part[pk])).latest("number").number
    with clock.travelled(timedelta(hours=3)):
        assert 0 < history.seal_some(world) < 6
    assert min(Batch.objects.filter(part=int(door.current().part[pk])).values_list("number", flat=True)) == newest
    after = readings.between(world, clock.now() - timedelta(days=1), clock.now() + timedelta(days=1))
    assert [c.tolist() for c in after] == [c.tolist() for c in before]
    network._networks.clear()
    assert judging.judge([Item(flush(9, (pk, now_ms() + 900, 15.0)), 9)], parts.ALL).readings == 1


VALUES = st.sampled_from([float("nan"), float("inf"), -float("inf"), -100.0, -100.5, 0.0, 100.0, 100.5])


@pytest.mark.django_db
def test_a_door_refuses_what_the_judge_refuses(world):
    """It answers before anything is judged, so it must say the same."""

    @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.tuples(VALUES, st.integers(-700_000, 700_000)), min_size=1, max_size=20))
    def same(rows):
        moment, pk = now_ms(), sensor("s1.stage")
        ids = np.full(len(rows), pk, np.int32)
        value, at = np.array([v for v, _ in rows]), np.array([moment + d for _, d in rows])
        mine = door._fates(door.current(), ids, at, value, moment)
        judged = net.Machine(book.compile_book(clock.now().date()).plan).apply(ids, at, value, moment).status
        bad = (Fate.NAN, Fate.RANGE, Fate.FUTURE)
        assert [f if f in bad else 0 for f in judged.tolist()] == mine.tolist()

    same()


def test_a_part_remembers_messages_as_one_span_though_some_hold_nothing_for_it(world):
    one, two = sensor("s1.stage"), sensor("s2.stage")
    part = int(door.current().part[one])
    assert part != int(door.current().part[two])
    messages = [flush(n, (one if n % 3 else two, now_ms() + n, 1.0)) for n in range(1, 30)]
    for few in (messages[:10], messages[12:20], messages[10:12]):
        judging.judge([Item(message) for message in few], parts.ALL)
    seen, _ = Ledger.objects.get(part=part).heard[str(messages[0].door)]
    assert seen == [1, 20]
    assert judging.judge([Item(message) for message in messages], parts.ALL).readings == 9, "what was taken is not taken again"
