"""While no door is open nobody can be heard: that is no sensor's silence."""

import queue
import threading
from contextlib import nullcontext
from datetime import timedelta

import numpy as np
import pytest
from django.db import OperationalError

from anlan.engines.sense import decode
from anlan.faces import ingest
from anlan.kernel import clock
from anlan.kernel.clock import beats
from anlan.kernel.clock.models import Beat
from anlan.sensing import duties, intake, listening, network, parts
from anlan.sensing.models import Alarm, Batch
from tests.rooms.test_intake import body, rule, world  # noqa: F401

MINUTE = timedelta(minutes=1)


@pytest.fixture
def later():
    """Let so much more time pass."""
    passed = timedelta()
    beats._last.clear()

    def pass_(more):
        nonlocal passed
        passed += more
        return clock.travelled(passed)

    yield pass_
    beats._last.clear()


def alarms():
    return [(a.rule.kind, a.active) for a in Alarm.objects.order_by("pk")]


def read(value=3):
    assert ingest.take("t", body(value))[0] == 200


def test_the_time_in_which_no_door_was_open_is_no_silence(world, later):  # noqa: F811
    rule("gust", 0, kind="offline", level=3, hold_up_s=300)
    listening.listen()
    read()
    with later(timedelta(hours=2)):
        listening.listen()
        network.tick()
        read()
    assert alarms() == [], "the city was down for two hours, and the first batch behind that raises nothing"
    with later(4 * MINUTE):
        listening.listen()
        network.tick()
    assert alarms() == []


def test_who_was_silent_before_and_after_it_is_told_by_both_together(world, later):  # noqa: F811
    rule("gust", 0, kind="offline", level=3, hold_up_s=300)
    read()
    with later(3 * MINUTE):
        listening.listen()
    with later(60 * MINUTE):
        listening.listen()
        network.tick()
        assert alarms() == []
    with later(3 * MINUTE):
        network.tick()
    assert alarms() == [("offline", True)]
    assert Alarm.objects.get().value == pytest.approx(66 * 60, abs=20), "and told is how long nothing came in truth"


def test_it_is_in_the_log_and_any_process_finds_it_there(world, later):  # noqa: F811
    rule("gust", 0, kind="offline", level=3, hold_up_s=300)
    listening.listen()
    read()
    with later(60 * MINUTE):
        listening.listen()
        network._networks.clear()
        network.tick()
        assert alarms() == []
        with network.turn([parts.WHOLE]) as mine:
            mine.mark(parts.WHOLE)
        network._networks.clear()
        network.tick()
        assert alarms() == [], "and behind a snapshot"
    assert Batch.objects.filter(count=0).exclude(body=b"").count() == 1


def test_doors_side_by_side_and_a_short_pause_excuse_nothing(world, later):  # noqa: F811
    rule("gust", 0, kind="offline", level=3, hold_up_s=300)
    read()
    for _ in range(20):
        with later(timedelta(seconds=20)):
            beats._last.clear()  # another process
            listening.listen()
    with later(timedelta()):
        network.tick()
    assert alarms() == [("offline", True)]


def test_while_no_door_is_open_time_alone_brings_nothing_about(world, later):  # noqa: F811
    rule("gust", 0, kind="offline", level=3, hold_up_s=300)
    listening.listen()
    read()
    with later(60 * MINUTE):
        assert listening.deaf()
        duties.tick(clock.now())
        assert alarms() == []
        listening.listen()
        assert not listening.deaf()
        duties.tick(clock.now())
        assert alarms() == []
    with later(6 * MINUTE):
        beats._last.clear()
        Beat.objects.filter(name=listening.DOOR).update(last=clock.real())
        duties.tick(clock.now())
    assert alarms() == [("offline", True)]


def test_in_parts_each_part_is_told(world, later, monkeypatch):  # noqa: F811
    with network.turn(parts.ALL) as mine:
        for part in parts.ALL:
            mine.read(part)
            mine.mark(part)
    network._networks.clear()
    monkeypatch.setattr(parts, "apart", lambda: True)
    listening.listen()
    with later(60 * MINUTE):
        listening.listen()
    assert set(Batch.objects.exclude(body=b"").values_list("part", flat=True)) == set(parts.ALL)
    assert not network._networks, "and the door needs to know nothing of them"


def test_pauses_one_upon_another_are_all_excused(world, later):  # noqa: F811
    rule("gust", 0, kind="offline", level=3, hold_up_s=3600)
    listening.listen()
    read()
    for down, up in ((50, 5), (120, 5), (90, 5)):
        with later(down * MINUTE):
            listening.listen()
            network.tick()
        for _ in range(up * 3):
            with later(timedelta(seconds=20)):
                listening.listen()
        with later(timedelta()):
            network.tick()
    assert alarms() == [], "a quarter of an hour was listened to, of five"
    for _ in range(50 * 3):
        with later(timedelta(seconds=20)):
            beats._last.clear()
            listening.listen()
    with later(timedelta()):
        network.tick()
    assert alarms() == [("offline", True)]


def test_while_it_cannot_be_said_batches_are_sent_back(db, monkeypatch):
    def fails():
        raise OperationalError("locked")

    monkeypatch.setattr(intake, "hurry", nullcontext)
    monkeypatch.setattr(listening, "listen", fails)
    written = []
    door = intake.Intake(written.extend)
    sending = intake.Sending("t", decode.Batch(*(np.empty(0, kind) for kind in ("i4", "i8", "f8", "i4"))))
    answer = door.hand_in(sending)
    door.close()
    door.run()
    assert answer.result() == intake.BUSY and not written


@pytest.mark.parametrize(("each", "times"), [(60, 1), (0.02, 3)])
def test_the_writing_thread_says_it_at_once_and_again_when_nothing_comes(monkeypatch, each, times):
    told = queue.Queue()
    monkeypatch.setattr(listening, "EACH_S", each)
    monkeypatch.setattr(intake, "hurry", nullcontext)
    monkeypatch.setattr(listening, "listen", lambda: told.put(True))
    door = intake.Intake(lambda together: None)
    thread = threading.Thread(target=door.run)
    thread.start()
    try:
        assert all(told.get(timeout=5) for _ in range(times))
    finally:
        door.close()
        thread.join(5)
    assert not thread.is_alive()


def test_a_database_that_does_not_answer_does_not_end_the_writing_thread(monkeypatch):
    tries = queue.Queue()

    def fails():
        tries.put(True)
        raise OperationalError("gone")

    monkeypatch.setattr(listening, "EACH_S", 0.02)
    monkeypatch.setattr(intake, "hurry", nullcontext)
    monkeypatch.setattr(listening, "listen", fails)
    door = intake.Intake(lambda together: None)
    thread = threading.Thread(target=door.run)
    thread.start()
    try:
        assert all(tries.get(timeout=5) for _ in range(3)), "and it is tried again"
    finally:
        door.close()
        thread.join(5)
    assert not thread.is_alive()
