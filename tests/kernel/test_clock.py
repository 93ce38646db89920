"""What falls due is worked once, by whoever is alive, and never forgotten."""

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from anlan.kernel import clock
from anlan.kernel.clock import beats, due, loop, periodic
from anlan.kernel.clock.models import Beat, Due
from anlan.kernel.people import scope
from anlan.kernel.people.models import Holding
from anlan.kernel.worlds.models import World

from . import city

WORKER = Path(__file__).with_name("clock_worker.py")
SEEN: list = []


@due.handles("test.note")
def note(row: Due) -> None:
    SEEN.append((row.body.get("n"), clock.now()))


@due.handles("test.fail")
def fail(row: Due) -> None:
    Beat.objects.create(name=f"half {row.pk}")
    if row.tries < 2:
        raise ConnectionError("通道不可用")


@due.handles("test.outside", outside=True, lease_s=5)
def outside(row: Due) -> None:
    SEEN.append(row.body["n"])


HELD = threading.Event()


@due.handles("test.slow", outside=True)
def slow(row: Due) -> None:
    HELD.wait(10)


@due.handles("test.broken")
def broken(row: Due) -> None:
    Holding(post_id=10**6, person_id=10**6, since=city.SINCE, area_id=scope.ROOT).save()


@pytest.fixture
def declared():
    """What a test declares is taken back after it."""
    before = dict(periodic.PERIODIC), dict(due.HANDLERS)
    yield
    for table, rows in zip((periodic.PERIODIC, due.HANDLERS), before, strict=True):
        table.clear()
        table.update(rows)


@pytest.fixture
def world(db) -> World:
    SEEN.clear()
    return city.build()


def test_a_row_is_worked_when_its_time_has_come_and_not_before(world):
    with scope.everyone(world):
        due.put("test.note", clock.now() + timedelta(minutes=5), n=1)
        assert loop.drain(world) == 0
        with clock.travelled(timedelta(minutes=6)):
            assert loop.drain(world) == 1
            assert loop.drain(world) == 0
    row = Due.objects.get()
    assert row.done_at - row.at >= timedelta(seconds=55) and row.runs == 1


def test_a_key_is_written_once(world):
    with scope.everyone(world):
        for _ in range(3):
            due.put("test.note", clock.now(), key="once")
        loop.drain(world)
    assert Due.objects.count() == 1 and len(SEEN) == 1


def test_what_is_put_in_a_transaction_that_fails_is_not_due(world):
    with scope.everyone(world), pytest.raises(RuntimeError), transaction.atomic():
        due.put("test.note", clock.now())
        raise RuntimeError
    assert not Due.objects.exists()


def test_after_a_pause_everything_is_caught_up_and_marked_late(world):
    with scope.everyone(world):
        for n in range(5):
            due.put("test.note", clock.now() + timedelta(minutes=n), n=n)
        with clock.travelled(timedelta(hours=3)):
            assert loop.drain(world) == 5
    assert [n for n, _ in SEEN] == [0, 1, 2, 3, 4]
    assert Due.objects.filter(late=True).count() == 5


def test_a_fault_leaves_no_half_work_and_is_tried_again_with_growing_waits(world):
    with scope.everyone(world):
        due.put("test.fail", clock.now())
        loop.drain(world)
        row = Due.objects.get()
        assert row.done_at is None and "通道不可用" in row.fault and row.tries == 1
        assert not Beat.objects.filter(name__startswith="half").exists()
        with clock.travelled(timedelta(minutes=1)):
            loop.drain(world)
        with clock.travelled(timedelta(minutes=5)):
            loop.drain(world)
    row.refresh_from_db()
    assert row.done_at and row.runs == 1 and row.tries == 2 and row.late


def test_outside_work_is_leased_and_a_dead_holders_lease_is_given_back(world):
    with scope.everyone(world):
        row = due.put("test.outside", clock.now(), n=7)
        Due.objects.filter(pk=row.pk).update(leased_until=clock.real() + timedelta(minutes=5), holder="elsewhere:1:x")
        assert loop.drain(world) == 0
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        host = due.HOLDER.split(":")[0]
        Due.objects.filter(pk=row.pk).update(holder=f"{host}:{gone.pid}:x")
        assert due.free_dead() == 1
        assert loop.drain(world) == 1
    assert SEEN == [7]


def test_a_dropped_row_is_not_worked_and_stays(world):
    with scope.everyone(world):
        due.put("test.note", clock.now(), key="gone")
        assert due.drop("gone") == 1
        assert loop.drain(world) == 0
    assert Due.objects.get().dropped


def test_periodic_duties_do_each_missed_occurrence_or_only_the_latest(world, declared):
    each: list = []
    latest: list = []
    clock.every("test.each", each=True, hours=1)(each.append)
    clock.every("test.latest", hours=1)(latest.append)
    with scope.everyone(world):
        periodic.start(world)
        Due.objects.exclude(kind__startswith="every:test.").update(dropped=True)
        with clock.travelled(timedelta(hours=5, minutes=30)):
            loop.drain(world)
    assert len(each) == 5 and len(latest) == 1


@pytest.mark.parametrize(
    ("rhythm", "after", "next_"),
    [
        ({"daily": "08:00"}, "2022-09-14 07:59", "2022-09-14 08:00"),
        ({"daily": "08:00"}, "2022-09-14 08:00", "2022-09-15 08:00"),
        ({"daily": "00:00"}, "2022-09-14 23:59", "2022-09-15 00:00"),
        ({"daily": "23:59"}, "2022-12-31 23:59", "2023-01-01 23:59"),
        ({"daily": "06:00"}, "2022-09-14 00:30", "2022-09-14 06:00"),  # in UTC it is still the day before
        ({"weekly": (0, "08:00")}, "2022-09-14 12:00", "2022-09-19 08:00"),
        ({"weekly": (0, "08:00")}, "2022-09-19 08:00", "2022-09-26 08:00"),
        ({"weekly": (6, "00:00")}, "2022-09-17 23:59", "2022-09-18 00:00"),
        ({"monthly": (1, "08:00")}, "2022-09-30 23:59", "2022-10-01 08:00"),
        ({"monthly": (31, "08:00")}, "2022-09-14 08:00", "2022-09-30 08:00"),
        ({"monthly": (31, "08:00")}, "2022-09-30 08:00", "2022-10-31 08:00"),
        ({"monthly": (31, "08:00")}, "2024-02-01 08:00", "2024-02-29 08:00"),
        ({"workdays": "08:00"}, "2022-09-09 08:00", "2022-09-13 08:00"),  # Mid-Autumn: Monday the 12th is off
        ({"workdays": "08:00"}, "2022-09-30 08:00", "2022-10-08 08:00"),  # National Day; the 8th is a make-up Saturday
        ({"workdays": "08:00"}, "2022-10-08 08:00", "2022-10-09 08:00"),
        ({"seconds": 10}, "2022-09-14 07:59", "2022-09-14 07:59:10"),
    ],
)
def test_what_comes_round_comes_next_at_the_city_s_own_hour(declared, rhythm, after, next_):
    clock.every("test.round", **rhythm)(print)
    following = periodic.PERIODIC["test.round"].next
    assert following(qingdao(after).astimezone(UTC)) == qingdao(next_)


def qingdao(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone(timedelta(hours=8)))


NONE = [{}, {"daily": "8:00"}, {"daily": "25:00"}, {"weekly": (7, "08:00")}, {"monthly": (0, "08:00")}, {"daily": "08:00", "hours": 1}]


@pytest.mark.parametrize("rhythm", NONE)
def test_a_rhythm_that_is_none_is_said_when_it_is_declared(rhythm):
    with pytest.raises(ValueError):
        clock.every("test.none", **rhythm)(print)
    assert "test.none" not in periodic.PERIODIC


def test_a_daily_duty_missed_while_down_is_worked_once_and_marked_late(world, declared):
    seen: list = []
    clock.every("test.daily", daily="08:00")(seen.append)
    with scope.everyone(world):
        periodic.start(world)
        Due.objects.exclude(kind="every:test.daily").update(dropped=True)
        first = Due.objects.get(kind="every:test.daily")
        with clock.travelled(first.at - clock.real() + timedelta(days=3, hours=1)):
            periodic.start(world)
            loop.drain(world)
            following = Due.objects.get(kind="every:test.daily", done_at=None)
            assert timedelta(0) < following.at - clock.now() < timedelta(days=1)
    assert seen == [first.at] and Due.objects.get(pk=first.pk).late


def test_a_duty_comes_round_in_the_real_city_only_unless_it_says_all_worlds(world, declared):
    seen: dict = {"actual": [], "all": []}
    clock.every("test.actual", hours=1)(seen["actual"].append)
    clock.every("test.all", worlds="all", daily="12:00")(seen["all"].append)
    replay = stepped(speed=1e9, ends=datetime(2022, 9, 16, tzinfo=UTC))
    for _ in range(3):
        loop.turn()
    assert {d.kind for d in Due.objects.filter(world=replay)} == {"every:test.all"}
    assert seen == {"actual": [], "all": [datetime(2022, 9, 14, 4, tzinfo=UTC), datetime(2022, 9, 15, 4, tzinfo=UTC)]}
    assert World.objects.get(pk=replay.pk).closed


def test_a_stepped_world_stands_at_each_rows_own_time(world):
    start = datetime(2022, 9, 14, tzinfo=UTC)
    replay = World.objects.create(
        kind="replay", title="回放", stepped=True, speed=1e9, anchor_world=start, anchor_real=clock.real(), step=start
    )
    with scope.everyone(replay):
        for hours in (3, 1, 2):
            due.put("test.note", start + timedelta(hours=hours), n=hours)
    time.sleep(0.01)
    assert loop.advance(replay) == 3
    assert [(n, start + timedelta(hours=n)) for n in (1, 2, 3)] == SEEN
    assert World.objects.get(pk=replay.pk).step == start + timedelta(hours=3)


def test_a_paced_world_does_not_run_ahead(world):
    start = datetime(2022, 9, 14, tzinfo=UTC)
    replay = World.objects.create(
        kind="replay", title="回放", stepped=True, speed=60, anchor_world=start, anchor_real=clock.real(), step=start
    )
    with scope.everyone(replay):
        due.put("test.note", start + timedelta(minutes=10), n=1)
    assert loop.advance(replay) == 0
    with clock.travelled(timedelta(seconds=11)):
        assert loop.advance(replay) == 1


def stepped(**more) -> World:
    start = datetime(2022, 9, 14, tzinfo=UTC)
    return World.objects.create(
        kind="replay", title="回放", stepped=True, anchor_world=start, anchor_real=clock.real(), step=start, **more
    )


def test_a_replay_whose_last_row_lies_before_its_end_is_closed_at_its_end(world):
    replay = stepped(speed=1, ends=datetime(2022, 9, 14, 1, tzinfo=UTC))
    with scope.everyone(replay):
        due.put("test.note", replay.step + timedelta(minutes=1))
    with clock.travelled(timedelta(minutes=30)):
        assert loop.advance(replay) == 1
        loop.finish(replay)
        assert not World.objects.get(pk=replay.pk).closed
    with clock.travelled(timedelta(minutes=61)):
        loop.finish(replay)
    replay.refresh_from_db()
    assert replay.closed and replay.step == replay.ends


def test_a_stepped_world_waits_for_a_row_that_another_holds_and_does_not_spin(world):
    replay = stepped(speed=1e9)
    with scope.everyone(replay):
        row = due.put("test.outside", replay.step + timedelta(minutes=1), n=1)
    Due.objects.filter(pk=row.pk).update(leased_until=clock.real() + timedelta(minutes=5), holder="elsewhere:1:x")
    asked = CaptureQueriesContext(connection)
    with asked, clock.travelled(timedelta(seconds=1)):
        assert loop.advance(replay, time.monotonic() + 1) == 0
    assert len(asked) < 10


def test_who_lost_a_lease_does_not_touch_the_row_of_who_holds_it_now(world):
    with scope.everyone(world):
        row = due.put("test.outside", clock.now(), n=1)
    Due.objects.filter(pk=row.pk).update(leased_until=clock.real() + timedelta(minutes=5), holder="elsewhere:1:x")
    due._work_outside(Due.objects.get(pk=row.pk), world, None)
    row = Due.objects.get(pk=row.pk)
    assert row.holder == "elsewhere:1:x" and row.leased_until and row.done_at is None and row.tries == 0


@pytest.mark.parametrize("outside", [None, False, True])
def test_whether_anything_waits_is_what_the_rows_say(world, outside):
    """The round asks by a statement of its own (`due._waits`), row by row as the query has it."""
    moment, said = clock.real(), []
    for kind in ("test.note", "test.outside"):
        for more in ({}, {"run_at": moment + timedelta(hours=1)}, {"done_at": moment}, {"dropped": True},
                     {"leased_until": moment + timedelta(hours=1)}, {"leased_until": moment - timedelta(hours=1)}):  # fmt: skip
            Due.objects.all().delete()
            Due.objects.create(**{"world": world, "at": moment, "run_at": moment, "kind": kind, **more})
            said.append(due._waits(world, moment, outside))
            assert said[-1] == due._open(world, moment, outside).exists(), (kind, more)
    assert sum(said) == (4 if outside is None else 2)


def test_outside_rows_are_leased_one_by_one_so_that_no_lease_ends_before_its_turn(world):
    with scope.everyone(world):
        for n in range(3):
            due.put("test.outside", clock.now(), n=n)
    due.work_some(world, clock.real())
    assert Due.objects.exclude(leased_until=None).count() == 0 and len(SEEN) == 1
    loop.drain(world)
    assert sorted(SEEN) == [0, 1, 2]


@pytest.mark.django_db(transaction=True)
class TestWithRealCommits:
    @pytest.fixture
    def world(self, transactional_db) -> World:
        SEEN.clear()
        return city.build()

    def test_a_row_that_breaks_only_at_the_commit_takes_no_other_along(self, world):
        with scope.everyone(world):
            due.put("test.note", clock.now(), n=1)
            due.put("test.broken", clock.now())
            due.put("test.note", clock.now(), n=2)
        loop.drain(world)
        assert {n for n, _ in SEEN} == {1, 2}
        assert Due.objects.filter(kind="test.note").exclude(done_at=None).count() == 2
        row = Due.objects.get(kind="test.broken")
        assert row.done_at is None and row.tries == 1 and "FOREIGN KEY" in row.fault.upper()

    def test_what_waits_for_the_outside_does_not_hold_up_what_is_due(self, world):
        HELD.clear()
        with scope.everyone(world):
            due.put("test.slow", clock.now())
        stop = threading.Event()
        thread = threading.Thread(target=loop.run, args=(stop,))
        thread.start()
        try:
            until = time.monotonic() + 5
            while not Due.objects.filter(kind="test.slow").exclude(leased_until=None).exists() and time.monotonic() < until:
                time.sleep(0.02)
            with scope.everyone(world):
                due.put("test.note", clock.now(), n=1)
            while not SEEN and time.monotonic() < until:
                time.sleep(0.02)
            assert SEEN and not Due.objects.get(kind="test.slow").done_at
        finally:
            HELD.set()
            stop.set()
            thread.join(10)
        assert not thread.is_alive()


def test_only_one_process_drives_a_stepped_world(world):
    replay = World.objects.create(kind="replay", title="回放", stepped=True, driver="elsewhere:1:x")
    replay.driver_until = clock.real() + timedelta(seconds=5)
    replay.save()
    assert not loop.drives(replay)
    with clock.travelled(timedelta(seconds=6)):
        assert loop.drives(replay)


def test_news_of_a_beat_is_kept_at_once_also_when_it_is_the_news_before_last(world):
    for good, detail in ((True, ""), (False, "连接失败"), (True, "")):
        beats.beat("test gateway", good=good, detail=detail, essential=False)
        assert beats.health()["beats"]["test gateway"]["ok"] == good


def test_health_goes_red_when_a_loop_falls_silent(world):
    beats.beat("test loop", silence_s=30)
    assert beats.health()["beats"]["test loop"]["ok"]
    with clock.travelled(timedelta(seconds=31)):
        assert beats.health()["status"] == "down"


def _workers(env: dict, count: int, rows: int) -> dict:
    """Start workers on one database and wait until all rows are done; what the table says then."""
    run = [sys.executable, str(WORKER)]
    subprocess.run([*run, "make", str(rows)], env=env, check=True)
    crowd = [subprocess.Popen([*run, "work"], env=env) for _ in range(count)]
    for worker in crowd:
        worker.wait(timeout=240)
    out = subprocess.run([*run, "tell"], env=env, check=True, capture_output=True, text=True).stdout
    return dict(zip(("rows", "done", "ran", "doubled"), map(int, out.split()), strict=True))


@pytest.mark.slow
def test_four_workers_do_no_row_twice_on_sqlite(laid_home):
    """In small; `python -m bench clock` has them work 10 000 rows."""
    env = {**os.environ, "ANLAN_HOME": str(laid_home), "ANLAN_DB": ""}
    assert _workers(env, 4, 600) == {"rows": 600, "done": 600, "ran": 600, "doubled": 0}


@pytest.mark.slow
def test_four_workers_do_no_row_twice_on_postgresql(tmp_path, pg_url):
    env = {**os.environ, "ANLAN_HOME": str(tmp_path), "ANLAN_DB": pg_url}
    assert _workers(env, 4, 600) == {"rows": 600, "done": 600, "ran": 600, "doubled": 0}


@pytest.mark.slow
def test_a_killed_worker_leaves_nothing_half_done(laid_home):
    env = {**os.environ, "ANLAN_HOME": str(laid_home), "ANLAN_DB": ""}
    run = [sys.executable, str(WORKER)]
    subprocess.run([*run, "make", "600"], env=env, check=True)
    for _ in range(2):
        worker = subprocess.Popen([*run, "work"], env=env)
        time.sleep(1.5)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    subprocess.run([*run, "work"], env=env, check=True, timeout=120)
    out = subprocess.run([*run, "tell"], env=env, check=True, capture_output=True, text=True).stdout
    assert out.split() == ["600", "600", "600", "0"]


def test_between_two_rows_a_slow_replay_goes_on(world):
    start = datetime(2022, 9, 14, tzinfo=UTC)
    replay = World.objects.create(
        kind="replay", title="回放", stepped=True, speed=10, anchor_world=start, anchor_real=clock.real(), step=start
    )
    with scope.everyone(replay):
        due.put("test.note", start + timedelta(hours=1), n=1)
    with clock.travelled(timedelta(minutes=3)):
        assert loop.advance(replay) == 0
        assert timedelta(minutes=29) < World.objects.get(pk=replay.pk).at(clock.real()) - start < timedelta(minutes=31)
