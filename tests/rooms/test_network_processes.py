"""Several processes take batches of one network at once, and one of them is killed again and again: the log is one row of
batches, and the alarms in the table are exactly those that follow from it."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SENSORS, ROUNDS, KILLS = 40, 60, 6

BEGIN = """
import os; os.environ.setdefault("DJANGO_SETTINGS_MODULE", "anlan.settings")
import django; django.setup()
import sys, random
import numpy as np
from django.core.management import call_command
from anlan.kernel.people import scope
from anlan.kernel.worlds.models import World
from anlan.sensing import network
from anlan.sensing.models import Alarm, Batch, Rule, Sensor, Station
"""
BUILD = (
    BEGIN
    + f"""
call_command("migrate", verbosity=0)
from anlan.kernel.forms import tables; tables.sync()
from tests.kernel import city
with scope.everyone(city.build()):
    station = Station(code="s", name="站", kind="river", area_id=city.SHAZIKOU, lon=120, lat=36)
    station.save()
    for n in range({SENSORS}):
        Sensor(station=station, code=f"s{{n}}", quantity="stage", unit="m", low=-100, high=100, area_id=city.SHAZIKOU).save()
    for amount, level in ((10, 3), (20, 2)):
        Rule.objects.create(hazard="洪水", quantity="stage", hours=0, amount=amount, clear=amount - 1, level=level, source="试", confidence="V",
                            version="1", since=city.SINCE, hold_up_s=int(level == 2))
"""
)
WORK = (
    BEGIN
    + """
from itertools import count
from pathlib import Path
from time import sleep
from anlan.kernel.clock import real
chance = random.Random(int(sys.argv[1]))
ids = np.array(list(Sensor.everywhere.order_by("pk").values_list("pk", flat=True)), np.int32)
rounds, over = int(sys.argv[2]), Path(os.environ["ANLAN_HOME"], "over")
for n in count():
    if n >= rounds and over.exists():
        break
    sleep(0.03)
    mine = np.array(chance.sample(ids.tolist(), 12), np.int32)
    at = np.full(12, round(real().timestamp() * 1000)) + np.arange(12)
    value = np.array([chance.choice((3.0, 12.0, 25.0)) for _ in mine])
    with scope.everyone():
        network.take(mine, at, value)
    print("taken", flush=True)
"""
)
CHECK = (
    BEGIN
    + """
from anlan.sensing import settle
from anlan.sensing.book import Book
from anlan.sensing.logged import unpack
from anlan.engines.sense import net
with scope.everyone() as who:
    rows = list(Batch.objects.filter(world=who.world).order_by("number"))
    assert [b.number for b in rows] == list(range(1, len(rows) + 1)), "a batch is missing or doubled"
    machine, book, told = None, None, []
    for batch in rows:
        if book is None or batch.basis_id != book.digest:
            book = Book.load(bytes(batch.basis.body))
            machine = machine or net.Machine(network.empty().plan)
            machine.replan(book.plan, batch.taken_ms)
        events = machine.apply(*unpack(batch)[:3], batch.taken_ms).events
        told += [c for e in events for c in settle.changes(book, e)]
    raised = sorted((c.key, c.at) for c in told if c.on and not c.late)
    late = {(c.key, c.at) for c in told if c.late}
    held = [((s, r), at) for s, r, at in Alarm.objects.values_list("sensor_id", "rule_id", "at")]
    assert len(held) == len(set(held)), "an alarm is told twice"
    assert set(raised) <= set(held) <= set(raised) | late, (len(held), len(raised), len(late))
    lasts = {pk for pk, hold in Rule.objects.values_list("pk", "hold_up_s") if hold}
    spans = list(Alarm.objects.values_list("sensor_id", "rule_id", "at", "cleared_at"))
    for (sensor, rule), at in late:
        if rule not in lasts:
            assert any((s, r) == (sensor, rule) and a <= at and (e is None or at <= e) for s, r, a, e in spans), "a late one is told nowhere"
    from django.db import transaction
    with transaction.atomic():
        assert network.standing(who.world).machine.dump() == machine.dump(), "the state does not follow from the log"
    print("same", len(rows), len(raised), len(late))
"""
)


def run(script, *words, env):
    return subprocess.Popen([sys.executable, "-c", script, *map(str, words)], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def done(process):
    out, err = process.communicate(timeout=180)
    assert process.returncode == 0, err[-3000:]
    return out


def played(env):
    """Build; two processes work through, a third is killed at random moments and begun again: the check's word, batches, alarms."""
    done(run(BUILD, env=env))
    chance = random.Random(5)
    steady = [run(WORK, n, ROUNDS, env=env) for n in (1, 2)]
    for kill in range(KILLS):
        victim = run(WORK, 100 + kill, ROUNDS, env=env)
        assert victim.stdout.readline() == "taken\n", victim.stderr.read()[-2000:]
        time.sleep(chance.uniform(0, 0.4))
        victim.send_signal(signal.SIGKILL)
        victim.communicate()
    assert all(process.poll() is None for process in steady)
    Path(env["ANLAN_HOME"], "over").touch()
    for process in steady:
        done(process)
    word, batches, raised, _ = done(run(CHECK, env=env)).split()
    return word, int(batches), int(raised)


@pytest.fixture
def env(laid_home):
    return {**os.environ, "ANLAN_HOME": str(laid_home), "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}


@pytest.mark.slow
@pytest.mark.faults
def test_killed_and_side_by_side_on_sqlite(env):
    word, batches, raised = played(env)
    assert word == "same" and batches > 2 * ROUNDS and raised > 50


@pytest.mark.slow
@pytest.mark.faults
def test_killed_and_side_by_side_on_postgresql(env, pg_url):
    word, batches, raised = played({**env, "ANLAN_DB": pg_url})
    assert word == "same" and batches > 2 * ROUNDS and raised > 50
