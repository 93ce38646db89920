"""Readings by MQTT through a real broker (NATS' own listener): what was acknowledged is written, what was not comes again."""

import gzip
import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from argparse import Namespace
from pathlib import Path

import cbor2
import numpy as np
import paho.mqtt.client as paho
import pytest
from django.db import connection

from anlan.faces import mqtt, network
from anlan.kernel import clock
from anlan.kernel.cases import Refused
from anlan.kernel.journal import guard
from anlan.kernel.people import scope
from anlan.sensing import intake
from anlan.sensing import network as network_of
from anlan.sensing.models import Batch, Broker, Gateway, Sensor, Station, Traffic
from tests.kernel import city

SERVER = Path(sys.executable).with_name("nats-server")
pytestmark = pytest.mark.skipif(not SERVER.exists(), reason="no NATS server beside this Python, whose MQTT listener is the broker")


def free():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Server:
    """A broker that can be stopped and begun again where it was."""

    def __init__(self, folder):
        self.port, self.folder, self.process = free(), folder, None
        (folder / "conf").write_text(
            f'server_name: "broker"\nlisten: "127.0.0.1:{free()}"\njetstream {{ store_dir: "{folder}/js" }}\n'
            f'mqtt {{ host: "127.0.0.1", port: {self.port}, ack_wait: "2s" }}\n'
        )
        self.start()

    def start(self):
        self.process = subprocess.Popen([str(SERVER), "-c", str(self.folder / "conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: not socket.socket().connect_ex(("127.0.0.1", self.port)))

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture
def server(tmp_path):
    found = Server(tmp_path)
    yield found
    found.stop()
    shutil.rmtree(found.folder, ignore_errors=True)


@pytest.fixture
def world(guarded_again, transactional_db):
    world = city.build()
    with scope.everyone(world):
        station = Station(code="T", name="罐区", kind="chemical", area_id=city.SHAZIKOU, lon=120.4, lat=36.1)
        station.save()
        Sensor(station=station, code="T.level", quantity="level", unit="m", low=0, high=20, area_id=city.SHAZIKOU).save()
    Gateway.objects.create(name="园区", token="d" * 64)
    intake._names = None
    yield world
    intake._names = None
    with connection.schema_editor() as editor:
        guard.take_down(None, editor)  # the tables are emptied after this


def until(holds, seconds=20.0):
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, "not so in time"
        time.sleep(0.05)
    return found


class House:
    """The two threads of the server that matter here: the one that writes and the one that keeps the lines."""

    def __init__(self, writes=True):
        self.writer, self.stop = intake.Intake(), threading.Event()
        self.threads = [threading.Thread(target=mqtt.work, args=(self.writer, self.stop))]
        if writes:
            self.threads.append(threading.Thread(target=self._write))
        for thread in self.threads:
            thread.start()

    def _write(self):
        self.writer.run()
        connection.close()

    def close(self):
        self.stop.set()
        self.writer.close()
        for thread in self.threads:
            thread.join(20)


def added(server, **more):
    told = {"action": "add", "name": "park", "address": f"mqtt://127.0.0.1:{server.port}", "gateway": "园区", "topic": "park/#", "format": "json", **more}
    assert network.broker(Namespace(**told)) == 0


def published(server, *bodies, topic="park/one"):
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
    client.connect("127.0.0.1", server.port)
    client.loop_start()
    for body in bodies:
        client.publish(topic, body, qos=1).wait_for_publish(10)
    client.loop_stop()
    client.disconnect()


def body(value, ago=0.0):
    return json.dumps({"readings": [{"sensor": "T.level", "time": clock.real().timestamp() - ago, "value": value}]})


def kept():
    return sum(Batch.objects.values_list("kept", flat=True))


def unpacked():
    """The values that count, in the order in which they were written."""
    parts = [network_of.unpack(batch) for batch in Batch.objects.order_by("number")]
    return [v for _, _, value, fate in parts for v in value[np.isin(fate, network_of.KEPT)].tolist()]


def connected():
    """The line is there, and has had the time to subscribe."""
    from anlan.kernel.clock.models import Beat

    there = Beat.objects.filter(name="mqtt:park", good=True).exists()
    time.sleep(0.3 if there else 0)
    return there


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(mqtt, "LOOK_S", 0.1)
    monkeypatch.setattr(mqtt, "AGAIN_S", 0.1)


def test_messages_become_readings_packed_or_not_and_what_is_none_is_passed_over(world, server, quick):
    added(server)
    house = House()
    try:
        until(connected)
        published(server, body(1.0, 9), "no body of readings", gzip.compress(body(2.0, 6).encode()), body(3.0, 3))
        until(lambda: kept() >= 3)
        row = Traffic.objects.get()
        assert (row.accepted, row.rejected, row.reasons) == (3, 1, {intake.UNREAD: 1}) and unpacked() == [1.0, 2.0, 3.0]
        network.broker(Namespace(action="remove", name="park", address="", gateway="", topic="", format="json"))
        time.sleep(0.5)
        published(server, body(4.0))
        time.sleep(0.5)
        assert kept() == 3, "the line was taken away"
        added(server)
        until(connected)
        published(server, body(5.0))
        until(lambda: kept() >= 4)
        assert kept() == 4, "and the broker kept nothing for it meanwhile"
    finally:
        house.close()


def test_senml_comes_in_both_its_forms(world, server, quick):
    added(server, name="senml", format="senml+json", topic="senml/#")
    added(server, name="cbor", format="senml+cbor", topic="cbor/#")
    house = House()
    try:
        until(lambda: len([1 for name in ("senml", "cbor") if beat(name)]) == 2)
        time.sleep(0.3)
        now = clock.real().timestamp()
        published(server, json.dumps([{"bn": "T.", "n": "level", "bt": now - 5, "v": 1.5}]), topic="senml/x")
        published(server, cbor2.dumps([{-2: "T.", 0: "level", -3: now - 2, 2: 2.5}]), topic="cbor/x")
        until(lambda: kept() >= 2)
        assert sorted(unpacked()) == [1.5, 2.5]
    finally:
        house.close()


def beat(name):
    from anlan.kernel.clock.models import Beat

    return Beat.objects.filter(name=f"mqtt:{name}", good=True).exists()


def test_what_was_not_written_when_the_house_died_comes_again(world, server, quick):
    """Nothing writes in the first house: its messages are not acknowledged, and the next one is given them."""
    added(server)
    deaf = House(writes=False)
    try:
        until(connected)
        published(server, *(body(float(n), 60 - n) for n in range(10)))
        until(lambda: deaf.writer._count)
        assert kept() == 0
    finally:
        deaf.close()
    house = House()
    try:
        until(lambda: kept() >= 10)
        published(server, body(11.0, 1))
        until(lambda: kept() >= 11)
        assert sorted(unpacked()) == [*(float(n) for n in range(10)), 11.0]
    finally:
        house.close()


def test_while_too_much_waits_nothing_is_lost(world, server, quick, monkeypatch):
    monkeypatch.setattr(intake, "WAITING", 2)
    added(server)
    house = House()
    try:
        until(connected)
        published(server, *(body(float(n % 9), 60 - n) for n in range(20)))
        until(lambda: kept() >= 20)
        assert sorted(unpacked()) == sorted(float(n % 9) for n in range(20))
    finally:
        house.close()


def test_a_broker_that_goes_away_is_seen_and_come_back_to(world, server, quick):
    added(server)
    house = House()
    try:
        until(connected)
        server.stop()
        until(lambda: not connected())
        server.start()
        until(connected, 40)
        published(server, body(5.0))
        until(kept)
        assert unpacked() == [5.0] and connected()
    finally:
        house.close()


@pytest.mark.parametrize("wrong", [{"address": "http://x"}, {"address": "mqtt://"}, {"gateway": "nobody"}])
def test_what_cannot_be_a_broker_is_refused(world, wrong):
    told = {"action": "add", "name": "park", "address": "mqtt://127.0.0.1:1", "gateway": "园区", "topic": "#", "format": "json", **wrong}
    with pytest.raises(Refused):
        network.broker(Namespace(**told))
    with pytest.raises(Refused, match="没有 MQTT"):
        network.broker(Namespace(action="remove", name="park"))
    assert not Broker.objects.exists()


def test_the_password_of_a_broker_stands_nowhere_in_the_clear(world, capsys):
    told = {"action": "add", "name": "park", "address": "mqtts://me:s3cret@10.0.0.1:8883", "gateway": "园区", "topic": "#", "format": "json"}
    network.broker(Namespace(**told))
    row = Broker.objects.get()
    assert "s3cret" not in f"{row.sealed}{row.place}{capsys.readouterr().out}" and row.place == "mqtts://10.0.0.1:8883"
