"""The cluster as it runs: PostgreSQL, NATS nodes and workers are real processes here, and some of them are killed."""

import asyncio
import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from django.db import connection
from nats.js.client import JetStreamContext

from anlan.engines.sense import wire
from anlan.faces import ingest
from anlan.kernel import clock
from anlan.kernel.journal import guard
from anlan.kernel.people import scope
from anlan.sensing import intake, readings
from anlan.sensing.cluster import bus, door, judging, sending
from anlan.sensing.cluster.inbox import Item
from anlan.sensing.cluster.worker import Worker
from anlan.sensing.models import Alarm, Gateway, Sensor, Sent, Station
from bench.cluster_ground import free_ports
from tests.kernel import city
from tests.rooms.test_cluster import rule
from tests.rooms.test_cluster_members import message

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.postgres, pytest.mark.nats]


def env(home, **more):
    return {**os.environ, "ANLAN_HOME": str(home), "PYTHONUNBUFFERED": "1", **more}


@pytest.mark.faults
@pytest.mark.slow
def test_whatever_is_killed_no_alarm_is_lost_or_told_twice(nats_url, tmp_path):
    """What must come out is reckoned by one machine over all that was sent (`bench.cluster_play`)."""
    server = os.environ.get("ANLAN_TEST_PG") or pytest.skip("ANLAN_TEST_PG names no PostgreSQL server")
    words = [sys.executable, "-m", "bench.cluster_play", str(tmp_path / "home"), server, "all", "--sensors", "5000"]
    for _ in range(3):
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300)
        if "已被占用" not in done.stderr:  # another test took the port meanwhile
            break
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["drained"] and found["stored"] == found["readings"] == 5000 * 32, found
    assert found["alarms"] > 20 and (found["lost"], found["doubled"], found["unexpected"]) == (0, 0, 0), found


@pytest.mark.slow
def test_one_command_starts_a_cluster_and_ends_it(pg_url, nats_url, tmp_path):
    """From a gateway's batch over HTTP and the bus to the alarm; a killed worker is begun again; in the end nothing is left."""
    ports, port = free_ports(), free_ports()[0]
    told = env(tmp_path / "home", ANLAN_DB=pg_url, ANLAN_PORT=str(port), ANLAN_BUS="")
    log = (tmp_path / "log").open("w")
    cluster = subprocess.Popen([sys.executable, "-m", "anlan.cli", "cluster", "--bus-port", str(ports[0])], cwd=ROOT, env=told, stdout=log, stderr=log)
    try:
        assert until(lambda: health(port).get("status") == "ok", 150), (tmp_path / "log").read_text()[-3000:]
        pids = {line.split(":")[0].strip(): int(line.split(":")[1]) for line in (tmp_path / "log").read_text().splitlines() if is_process(line)}
        assert set(pids) == {"n1", "n2", "n3", "w1", "w2", "pages"}
        token = anlan(told, "gateway", "add", "t1").strip()
        at = round(time.time())
        assert post(port, token, 60, at, key="1") == post(port, token, 60, at, key="1") == (200, {"accepted": 1, "rejected": []})
        assert until(lambda: len(alarms(told)) == 3, 20), "three limits of rain are reached at once"
        os.kill(pids["w1"], signal.SIGKILL)
        assert post(port, token, 60, at - 1)[0] == 200
        assert until(lambda: len(alarms(told)) == 4, 20), "the late reading adds to the sum"
        assert until(lambda: "w1: -9" in (tmp_path / "log").read_text(), 10)
        assert until(lambda: set(health(port)["beats"]) >= {"sense", "sense:w1", "sense:w2"}, 30)
    finally:
        cluster.terminate()
        cluster.wait(60)
        log.close()
    assert not [pid for pid in pids.values() if alive(pid)]


def is_process(line):
    name, _, pid = line.strip().partition(": ")
    return line.startswith("  ") and name in {"n1", "n2", "n3", "w1", "w2", "pages"} and pid.isdigit()


def alive(pid):
    with contextlib.suppress(FileNotFoundError):
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    return False


def until(true, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(httpx.HTTPError, KeyError):
            if true():
                return True
        time.sleep(0.3)
    return False


def health(port):
    return httpx.get(f"http://127.0.0.1:{port}/health").json()


def anlan(told, *words):
    done = subprocess.run([sys.executable, "-m", "anlan.cli", *words], cwd=ROOT, env=told, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def alarms(told):
    return json.loads(anlan(told, "alarms", "--json", "--sensor", "R001.rain"))["alarms"]


def post(port, token, value, at, key=""):
    body = json.dumps([{"sensor": "R001.rain", "time": at, "value": value}])
    answer = httpx.post(f"http://127.0.0.1:{port}/ingest/", content=body, headers={"Authorization": f"Bearer {token}", "Idempotency-Key": key})
    return answer.status_code, answer.json()


@pytest.mark.parametrize(("told", "said"), [({"ANLAN_BUS": ""}, "ANLAN_BUS"), ({"ANLAN_BUS": "nats://127.0.0.1:1", "ANLAN_DB": ""}, "PostgreSQL")])
def test_a_worker_says_what_it_lacks(told, said, tmp_path):
    done = subprocess.run([sys.executable, "-m", "anlan.cli", "sense"], cwd=ROOT, env=env(tmp_path, **told), capture_output=True, text=True)
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr


# ── the log beside what is heard ────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def apart(nats_url, settings, monkeypatch):
    """A log of this test's own."""
    settings.BUS = nats_url
    for name in ("STREAM", "SUBJECT", "NOW", "AGAIN"):
        monkeypatch.setattr(bus, name, f"{getattr(bus, name)}-{time.time_ns()}")


async def following():
    """A worker without its thread, its line, and its reading of the log."""
    worker = Worker("reads")
    worker._again = asyncio.Event()
    line = worker._line = await worker._connected()
    await line.subscribe(bus.NOW, cb=worker._came)
    return worker, line, asyncio.ensure_future(worker._follow(line))


async def ended(line, follows):
    follows.cancel()
    await asyncio.gather(follows, return_exceptions=True)
    await line.jetstream().delete_stream(bus.STREAM)
    await line.close()


async def logged_as(line, flush):
    await line.jetstream().publish(bus.SUBJECT, wire.dump(flush), headers={bus.NAME: bus.named(flush)})


async def eventually(true):
    for _ in range(400):
        if true():
            return
        await asyncio.sleep(0.02)
    raise AssertionError


def test_a_worker_reads_of_the_log_only_what_it_did_not_hear(apart, monkeypatch):
    """The third of eight messages is not heard: the log brings it, and after it again only what the others are called."""
    read = []
    real = Worker._logged
    monkeypatch.setattr(Worker, "_logged", lambda self, message, epoch: (read.append(message.headers[bus.NAME]), real(self, message, epoch)))

    async def play():
        worker, line, follows = await following()
        found = []
        for n in range(1, 9):
            if n in (1, 4, 8):
                await eventually(lambda n=n: worker.inbox.current and len(found_in(found, worker.inbox)) == n - 1)
                await asyncio.sleep(0.3)  # by then the log is read to its end
            await told(line, n, heard=n != 3)
        await eventually(lambda: len(found_in(found, worker.inbox)) == 8 and worker.inbox.place == 8)
        await ended(line, follows)
        return found

    async def told(line, n, heard):
        if heard:
            await line.publish(bus.NOW, wire.dump(message(n)))
        await logged_as(line, message(n))

    def found_in(found, inbox):
        found += [item.flush.number for item in inbox.take(100, 10**9, 0) if item.flush is not None]
        return found

    assert asyncio.run(play()) == list(range(1, 9)) and "5-3" in read and not {"5-1", "5-2", "5-8"} & set(read)


@pytest.mark.parametrize("lost", [0, 4], ids=["one of them", "the last of all"])
def test_what_was_sent_into_a_line_that_broke_is_read_again(apart, monkeypatch, lost):
    """For the bus it is delivered. Nothing is heard beside the log here."""
    fetch, gone = JetStreamContext.PullSubscription.fetch, []

    async def broken(self, *given, **more):
        messages = await fetch(self, *given, **more)
        if not gone and len(messages) > lost:
            gone.append(messages.pop(lost))
        return messages

    monkeypatch.setattr(JetStreamContext.PullSubscription, "fetch", broken)

    async def play():
        before = await bus.connect("before")
        await bus.ensure(before)
        for n in range(1, 6):
            await logged_as(before, message(n))
        await before.close()
        worker, line, follows = await following()
        await eventually(lambda: worker.inbox.place == 5 and worker.inbox.current)
        await ended(line, follows)
        return sorted(item.flush.number for item in worker.inbox.take(100, 10**9, 0) if item.flush is not None)

    assert asyncio.run(play()) == [1, 2, 3, 4, 5] and len(gone) == 1


@pytest.mark.parametrize("lost", [2, 4], ids=["one of them", "the last of all"])
def test_a_name_that_was_sent_into_a_line_that_broke_is_read_again(apart, monkeypatch, lost):
    """A message of another door is neither heard beside the log nor named by it: only the count of what came tells."""
    next_name, gone = JetStreamContext.PushSubscription.next_msg, []

    async def broken(self, *given, **more):
        came = await next_name(self, *given, **more)
        if gone or came.headers[bus.NAME] != "6-1":
            return came
        gone.append(came)
        return await next_name(self, *given, **more)

    monkeypatch.setattr(JetStreamContext.PushSubscription, "next_msg", broken)
    sent = [message(n) for n in range(1, 5)]
    sent.insert(lost, message(1, door_=6))

    async def play():
        worker, line, follows = await following()
        await eventually(lambda: worker.inbox.current)
        await asyncio.sleep(0.3)  # by then the log is read to its end
        for one in sent:
            if one.door == 5:
                await line.publish(bus.NOW, wire.dump(one))
            await logged_as(line, one)
        await eventually(lambda: worker.inbox.place == 5 and sum(item.flush is not None for item in worker.inbox.items) == 5)
        await ended(line, follows)
        return sorted((item.flush.door, item.flush.number) for item in worker.inbox.take(100, 10**9, 0) if item.flush is not None)

    assert asyncio.run(play()) == [(5, 1), (5, 2), (5, 3), (5, 4), (6, 1)] and len(gone) == 1


# ── doors ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def world(guarded_again, transactional_db, settings, nats_url):
    settings.BUS = nats_url
    door._sender, door._routes = None, None
    world = city.build()
    with scope.everyone(world):
        station = Station(code="s1", name="站", kind="river", area_id=city.SHAZIKOU, lon=120, lat=36)
        station.save()
        Sensor(station=station, code="s1.stage", quantity="stage", unit="m", low=0, high=100, area_id=city.SHAZIKOU).save()
        rule("stage", 10, level=3)
        Gateway.objects.create(name="t", token=hashlib.sha256(b"t").hexdigest())
        yield world
    if door._sender is not None:
        door._sender.close()
        door._sender = None
    with connection.schema_editor() as editor:
        guard.take_down(None, editor)  # the tables are emptied after this


def body(value):
    return json.dumps([{"sensor": "s1.stage", "time": (clock.now() - timedelta(seconds=9)).isoformat(), "value": value}]).encode()


@pytest.fixture
def logged(world):
    """What the bus has got from this test's door."""
    async def read():
        line = await bus.connect("test")
        try:
            await bus.ensure(line)
            stream = line.jetstream()
            state = (await stream.stream_info(bus.STREAM)).state
            found = [wire.load((await stream.get_msg(bus.STREAM, n)).data) for n in range(max(1, state.last_seq - 9), state.last_seq + 1)]
            return [one for one in found if door._sender is not None and one.door == door._sender.door]
        finally:
            await line.close()

    return lambda: asyncio.run(read())


def test_a_numbered_batch_goes_to_the_bus_once_and_is_answered_alike(world, logged):
    sent = body(12.0)
    first = ingest.take("t", sent, key="n1")
    assert first == (200, {"accepted": 1, "rejected": []}) and ingest.take("t", sent, key="n1") == first and Sent.objects.count() == 1
    assert ingest.take("t", body(999.0))[1]["rejected"][0]["reason"] == "超出量程 0–100m"
    found = logged()
    assert [one.value.tolist() for one in found] == [[12.0], [999.0]], "what is out of range is handed on: bad readings in a row are a rule"
    assert judging.judge([Item(one, n) for n, one in enumerate(found, 1)], found[0].slices()).readings == 2
    assert Alarm.objects.count() == 1 and readings.count(world) == 1


def test_twins_on_their_way_at_once_are_sent_once(world, logged):
    sent = body(12.0)
    twins = [intake.opened("t", sent, key="n2") for _ in range(3)]
    other = intake.opened("t", body(13.0), key="n2")
    threads = [threading.Thread(target=sending.OUTGOING.send, args=([one],)) for one in (*twins, other)]
    for thread in threads:
        thread.start()
    answers = [one.answer.result(20) for one in (*twins, other)]
    assert sorted(status for status, _ in answers) in ([200, 200, 200, 409], [200, 409, 409, 409])
    assert len(logged()) == 1
    for thread in threads:
        thread.join()


def test_a_bus_that_is_down_is_told_and_the_same_batch_taken_later(world, settings, nats_url, logged):
    settings.BUS = "nats://127.0.0.1:1"
    sent = body(12.0)
    assert ingest.take("t", sent, key="n3") == sending.UNSURE and not Sent.objects.exists()
    door._sender.close()
    door._sender, settings.BUS = None, nats_url
    assert ingest.take("t", sent, key="n3")[0] == 200 and len(logged()) == 1
