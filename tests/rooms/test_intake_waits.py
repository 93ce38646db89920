"""The writing thread and others that write: how long it waits for them, and that none undoes what another has counted."""

import os
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connection

from anlan.sensing import intake
from anlan.sensing.models import Gateway, Traffic
from tests.kernel import city

ROOT = Path(__file__).parents[2]
HELD_S = 0.195
"""SQLite itself would look 0.178 s and 0.228 s after it found the lock held."""
DOORS = """
import os; os.environ.setdefault("DJANGO_SETTINGS_MODULE", "anlan.settings")
import django; django.setup()
import threading
import numpy as np
from concurrent.futures import wait, Future
from django.core.management import call_command
from django.db import connection
from anlan.engines.sense import decode
from anlan.kernel.people import scope
from anlan.sensing import intake
from anlan.sensing.cluster.sending import Outgoing
from anlan.sensing.models import Gateway, Traffic
from tests.kernel import city
call_command("migrate", verbosity=0)
world, names = city.build(), ("a", "b", "c")
for name in names:
    Gateway.objects.create(name=name, token=name)
gateways = {g.token: g for g in Gateway.objects.all()}
none = decode.Batch(np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0), np.empty(0, np.int32))

def door(way):
    mine, sorting = Outgoing(), intake.Sorting(gateways, {}, {})
    for n in range(40):
        fresh = [intake.Sending(name, none) for name in names[::way] for _ in range(2)]
        mine._end(fresh, sorting, [])
        for sending in fresh:
            assert sending.answer.result()[0] == 200, sending.answer.result()
    connection.close()

doors = [threading.Thread(target=door, args=(way,)) for way in (1, -1, 1, -1)]
[d.start() for d in doors], [d.join() for d in doors]
print("counted", sorted(Traffic.objects.values_list("gateway__name", "batches")))
"""


def held(seconds):
    """Somebody else writes for so long; when he has begun."""
    begun, path = threading.Event(), connection.settings_dict["NAME"]

    def write():
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("begin immediate")
            begun.set()
            time.sleep(seconds)
            other.execute("commit")

    thread = threading.Thread(target=write)
    thread.start()
    begun.wait(5)
    return thread


@pytest.mark.django_db(transaction=True)
def test_a_reading_goes_on_as_soon_as_another_has_written_and_is_sent_back_where_it_takes_long(monkeypatch):
    city.build()
    Gateway.objects.create(name="t", token=Gateway.digest("t"))
    late = []
    for n in range(4):
        sending, began = intake.opened("t", b"[]", key=str(n)), time.perf_counter()
        other = held(HELD_S)
        intake.work([sending])
        late.append(time.perf_counter() - began - HELD_S)
        other.join()
        assert sending.answer.result()[0] == 200
    assert min(late) < 0.02, late
    monkeypatch.setattr(intake, "PATIENCE_S", 0.05)
    other, sending = held(0.3), intake.opened("t", b"[]")
    intake.work([sending])
    assert sending.answer.result() == intake.BUSY and other.is_alive()
    other.join()
    assert Traffic.objects.get().batches == 4
    with connection.cursor() as cursor:
        asked = [cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in ("busy_timeout", "wal_autocheckpoint")]
    assert asked == [20_000, 1000], "who comes behind waits as long as before"


def test_doors_side_by_side_count_every_batch_of_a_gateway_and_wait_for_each_other_in_one_order(tmp_path, pg_url):
    env = {**os.environ, "ANLAN_HOME": str(tmp_path), "ANLAN_DB": pg_url, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", DOORS], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "counted [('a', 320), ('b', 320), ('c', 320)]", done.stdout + done.stderr[-3000:]
