"""Running numbers: no two alike, none left out, each series for itself; and a number that is sent is worked once."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import transaction

from anlan.kernel.cases.numbers import next_number
from anlan.kernel.people import scope
from anlan.kernel.worlds.models import World
from anlan.response.command.acts import do_open
from anlan.response.command.models import Event

from . import city

ROOT = Path(__file__).resolve().parents[2]
CROWD = '''
import threading
import django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.db import connection, transaction
from anlan.kernel import clock
from anlan.kernel.cases.numbers import next_number
from anlan.kernel.people import scope
from anlan.kernel.replies.once import once
from anlan.response.command.acts import do_open
from anlan.response.command.models import Event
from tests.kernel import city

world, taken = city.build(), []
gate = threading.Barrier(8)

def ask():
    gate.wait()
    for n in range(12):
        with scope.everyone(world), transaction.atomic():
            number = next_number("paper", 2022)
            if n % 3 == 0:
                transaction.set_rollback(True)
            else:
                taken.append(number)
    with scope.everyone(world):
        do_open(Event(area_id=scope.ROOT, title="演示", kind="11B01", occurred_at=clock.now()))
    connection.close()

crowd = [threading.Thread(target=ask) for _ in range(8)]
[t.start() for t in crowd], [t.join() for t in crowd]
assert sorted(taken) == list(range(1, 65)), sorted(taken)
found = sorted(int(n.partition("〕")[2][:-1]) for n in Event.everywhere.values_list("number", flat=True))
assert found == list(range(1, 9)), found

def send():
    gate.wait()
    with scope.entered(scope.Scope(world, who.pk, who.name)):
        answers.append(once("sent-by-8", {"n": 1}, lambda: (201, {"pk": put()})))
    connection.close()

def put():
    return do_open(Event(area_id=scope.ROOT, title="同一件", kind="11B01", occurred_at=clock.now())).pk

who, answers = city.person("张三", "duty_officer"), []
crowd = [threading.Thread(target=send) for _ in range(8)]
[t.start() for t in crowd], [t.join() for t in crowd]
made = Event.everywhere.filter(title="同一件")
assert answers == [(201, {"pk": made.get().pk})] * 8, answers
print("numbered")
'''


@pytest.fixture
def world(db):
    return city.build()


def test_each_world_series_and_year_counts_for_itself_and_what_is_rolled_back_leaves_no_gap(world):
    drill = World.objects.create(kind="exercise", title="演练")
    with scope.everyone(world):
        assert [next_number("a", 2022), next_number("a", 2022), next_number("a", 2023), next_number("b", 2022)] == [1, 2, 1, 1]
        with transaction.atomic():
            assert next_number("a", 2022) == 3
            transaction.set_rollback(True)
        assert next_number("a", 2022) == 3
    with scope.everyone(drill):
        assert next_number("a", 2022) == 1


def test_events_are_numbered_by_the_year_of_their_world(world):
    at = datetime(2022, 12, 31, 15, 59, tzinfo=UTC)
    numbers = []
    for minutes in (0, 1, 2):
        with scope.everyone(world, at + timedelta(minutes=minutes)):
            numbers.append(do_open(Event(area_id=scope.ROOT, title="演示", kind="11B01", occurred_at=at)).number)
    assert numbers == ["青应急事〔2022〕1号", "青应急事〔2023〕1号", "青应急事〔2023〕2号"]


def test_eight_at_once_on_postgresql_get_no_number_twice_leave_none_out_and_work_one_request_once(tmp_path, pg_url):
    env = {**os.environ, "ANLAN_HOME": str(tmp_path), "ANLAN_DB": pg_url, "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    done = subprocess.run([sys.executable, "-c", CROWD], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip().endswith("numbered"), done.stderr[-3000:]
