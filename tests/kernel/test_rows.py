"""Statements that are worded by hand find and keep what Django's own do, on SQLite and on PostgreSQL."""

import gc
import os
import subprocess
import sys
import threading
import weakref
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from anlan.kernel import rows
from anlan.kernel.clock.models import Due
from anlan.kernel.journal import read
from anlan.kernel.journal.models import Line
from anlan.kernel.people import scope
from anlan.kernel.people.models import Area
from anlan.kernel.worlds.models import ACTUAL, World
from anlan.sensing.models import Alarm, Basis, Batch, Ledger, Rule, Sensor, Station
from tests.kernel import city

ROOT = Path(__file__).parents[2]
AT = datetime(2022, 9, 15, 8, 30, 0, 123457, tzinfo=UTC)
PLAY = """
import os; os.environ.setdefault("DJANGO_SETTINGS_MODULE", "anlan.settings")
import django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from tests.kernel import test_rows
test_rows.build()
for name in ("found", "added", "moved", "left", "broken"):
    getattr(test_rows, name)()
print("alike")
"""


def build():
    world = city.build()
    World.objects.create(pk=2, kind="exercise", title="演练", switches={"雨": [1, None, {"深": 2.5}]}, allow=["甲"], anchor_real=AT, speed=6)
    with scope.everyone(world):
        station = Station(code="s", name="站", kind="river", area_id=city.SHAZIKOU, lon=120.25, lat=36)
        station.save()
        Sensor(station=station, code="s1", quantity="stage", unit="m", low=-1, high=100, area_id=city.SHAZIKOU).save()
        told = {"source": "试", "confidence": "V", "version": "1", "since": city.SINCE}
        Rule.objects.create(hazard="洪水", quantity="stage", hours=0, amount=3.5, clear=3, level=2, **told)
    return world


def alarm(**more):
    told = {"sensor": Sensor.everywhere.get(), "rule": Rule.everywhere.get(), "level": 2, "area_id": city.SHAZIKOU, "at": AT, "value": 3,
            "peak": 4.5, "stale": [3, 1], "world_id": ACTUAL}  # fmt: skip
    return Alarm(**{**told, **more})


def examples():
    """Rows of tables of every kind of field that is kept by this way."""
    yield alarm()
    yield alarm(at=AT + timedelta(hours=1), active=False, cleared_at=AT + timedelta(days=1), peak=float("inf"), held_why="停用")
    yield Due(world_id=ACTUAL, at=AT, run_at=AT, kind="a", body={"中": ["%s", "'", '"', None, -0.5]})
    yield Line(world_id=ACTUAL, area_id=scope.ROOT, at=AT, recorded_at=AT, who="甲", verb="v", subject_type="t", subject_id="7", before=None,
               after={"x": [1]}, digest=b"\x00\xff" * 16)  # fmt: skip
    yield Ledger(world_id=ACTUAL, part=3, stamp=2**61, heard={"4": [[[1, 9]], 5]})


def held(row):
    """What a row holds, but for its key."""
    told = {name: value for name, value in row.__dict__.items() if name not in ("_state", "id") and not name.endswith("_cache")}
    return {name: bytes(value) if isinstance(value, memoryview) else value for name, value in told.items()}


def found():
    assert {model: len(rows.find(model, "1 = 1")) for model in (World, Area, Sensor, Station, Rule)} == {World: 2, Area: 5, Sensor: 1, Station: 1, Rule: 1}
    for model in (World, Area, Sensor, Station, Rule):
        by_hand = {row.pk: row.__dict__ | {"_state": 0} for row in rows.find(model, "1 = 1")}
        assert by_hand == {row.pk: row.__dict__ | {"_state": 0} for row in model._base_manager.all()}
    drill = rows.find(World, f"title {rows.among()} and anchor_real {rows.among()} and id > %s", ["演练", "无"], {AT}, ACTUAL)
    assert [world.switches for world in drill] == [{"雨": [1, None, {"深": 2.5}]}]
    assert rows.find(World, f"id {rows.among()}", []) == [] == rows.find(World, "title = %s", "'; drop table worlds_world; --")
    assert sorted(rows.by_key(Area, {scope.ROOT, city.LAOSHAN, "999999999999"})) == [scope.ROOT, city.LAOSHAN]
    assert rows.one(World, ACTUAL).title == "青岛市"
    (short,) = rows.find(Sensor, "code = %s", "s1", without=("low", "high"))
    assert short.get_deferred_fields() == {"low", "high"} and short.low == -1, "it is read when it is asked for"


def added():
    for row in examples():
        by_django = type(row)(**held(row))
        with transaction.atomic():
            by_django.save_base(force_insert=True)
            kept = held(type(row)._base_manager.get(pk=by_django.pk))
            transaction.set_rollback(True)
        rows.add([row])
        assert held(type(row)._base_manager.get(pk=row.pk)) == kept == held(rows.one(type(row), row.pk))
    many = [Due(world_id=ACTUAL, at=AT + timedelta(seconds=n), run_at=AT, kind="many", key=f"many:{n}") for n in range(2 * rows.TOGETHER + 7)]
    rows.add(many)
    assert all(Due.objects.get(pk=many[n].pk).key == f"many:{n}" for n in (0, 1, rows.TOGETHER - 1, rows.TOGETHER, len(many) - 1))
    assert not many[0]._state.adding and rows.add([]) is None


def moved():
    late = AT + timedelta(days=3)
    first, second = Due.objects.filter(kind="many").order_by("pk")[:2]
    first.done_at, first.body, first.fault, second.done_at = late, {"n": 1}, "没有说要改", late
    rows.move([first, second], "done_at", "body")
    assert [(d.done_at, d.body, d.fault) for d in Due.objects.filter(kind="many").order_by("pk")[:3]] == [(late, {"n": 1}, ""), (late, {}, ""), (None, {}, "")]
    rows.move([first])
    assert Due.objects.get(pk=first.pk).fault == "没有说要改"
    rows.move([])


def left():
    twice = [Due(world_id=ACTUAL, at=AT, run_at=AT, kind="left", key=key) for key in ("many:1", "new", "new")]
    rows.add(twice, unless_there=True)
    assert [due.key for due in Due.objects.filter(kind="left")] == ["new"]
    with pytest.raises(World.DoesNotExist):
        rows.one(World, 999)
    with pytest.raises(AssertionError):
        rows.move([Alarm.everywhere.first()], "peak", "rule")


def broken():
    """Whoever asks in no transaction is given all or nothing."""
    assert not connection.in_atomic_block
    many = [Due(world_id=ACTUAL, at=AT, run_at=AT, kind="broken", key=f"broken:{n}") for n in range(rows.TOGETHER)]
    with pytest.raises(IntegrityError):
        rows.add([*many, many[0]])
    assert not Due.objects.filter(kind="broken").exists()
    rows.add(many)
    many[0].kind, many[1].key = "moved", "broken:5"
    with pytest.raises(IntegrityError):
        rows.move(many, "kind", "key")
    assert not Due.objects.filter(kind="moved").exists()


@pytest.mark.django_db
def test_rows_are_found_added_and_moved_as_by_django():
    build()
    for check in (found, added, moved, left):
        check()
    assert Due.objects.filter(kind="many").count() == 2 * rows.TOGETHER + 7


@pytest.mark.django_db(transaction=True)
def test_all_rows_are_kept_or_none():
    build()
    broken()
    assert Due.objects.count() == Due.objects.filter(kind="broken").count() == rows.TOGETHER


@pytest.mark.django_db(transaction=True)
def test_a_thread_s_connection_ends_with_it():
    """What is remembered of a table keeps nobody's connection."""
    build()
    ended = []

    def ask():
        rows.find(World, "id = %s", ACTUAL, without=("seed",))
        ended.append(weakref.ref(connections["default"]))
        connections["default"].close()

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    gc.collect()
    assert ended[0]() is None


@pytest.mark.django_db
def test_lines_that_were_passed_over_are_found_without_looking_through_the_journal():
    build()
    with scope.everyone():
        rows.add([Line(world_id=ACTUAL, area_id=scope.ROOT, at=AT, recorded_at=AT, who="甲", verb="v", subject_type="t", subject_id=str(n), digest=b"")
                  for n in range(9)])  # fmt: skip
    first = Line.everywhere.order_by("pk").first().pk
    told = read.since(first + 6, also=[first + 1, first + 4, first + 99])
    assert [line.pk - first for line in told] == [1, 4, 7, 8] and told[0].get_deferred_fields() == set(read.UNTOLD)
    with CaptureQueriesContext(connection) as asked:
        read.since(first + 6, also=[first + 1])
    for one in asked:
        with connection.cursor() as cursor:
            plan = " ".join(row[-1] for row in cursor.execute(f"explain query plan {one['sql']}").fetchall())
        assert "SCAN journal_line" not in plan and "SCAN worlds_world" not in plan, plan


@pytest.mark.django_db
def test_a_body_of_bytes_comes_back_as_it_was():
    build()
    basis, told = Basis.objects.create(digest="x", body=b""), dict.fromkeys(("number", "stamp", "taken_ms", "count", "kept", "first_ms", "last_ms"), 1)
    batch = Batch(world_id=ACTUAL, part=0, basis=basis, body=bytes(range(256)), **told)
    rows.add([batch])
    assert bytes(rows.one(Batch, batch.pk).body) == bytes(range(256))


@pytest.mark.django_db
def test_to_find_a_row_takes_one_statement(django_assert_num_queries):
    build()
    with django_assert_num_queries(1):
        rows.find(World, "id = %s", ACTUAL)
    with django_assert_num_queries(1):
        rows.add([Due(world_id=ACTUAL, at=AT, run_at=AT, kind="x") for _ in range(9)])
    assert connection.vendor == "sqlite"


def test_the_same_on_postgresql(tmp_path, pg_url):
    env = {**os.environ, "ANLAN_HOME": str(tmp_path), "ANLAN_DB": pg_url, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", PLAY], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip().endswith("alike"), done.stderr[-3000:]
