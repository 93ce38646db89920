"""Real MQTT brokers (NATS' own listener, Eclipse Mosquitto), a house that listens to one, and who publishes."""

import getpass
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from argparse import Namespace
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from django.db import connection

from anlan.faces import mqtt, network
from anlan.kernel import clock
from anlan.kernel.clock.lease import HOLDER
from anlan.kernel.clock.models import Beat
from anlan.kernel.journal import guard
from anlan.kernel.people import scope
from anlan.sensing import intake
from anlan.sensing.logged import counts, unpack
from anlan.sensing.models import Batch, Gateway, Sensor, Station
from tests.kernel import city

SERVER = Path(sys.executable).with_name("nats-server")
NEEDED = pytest.mark.skipif(not SERVER.exists(), reason="no NATS server beside this Python, whose MQTT listener is the broker")
MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
LACKING = pytest.mark.skipif(not MOSQUITTO, reason="no Mosquitto on the PATH (Debian: apt install mosquitto)")
NO_FILES = {"ca": "", "cert": "", "key": ""}


def free():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Server:
    """A broker that can be stopped and begun again where it was: NATS."""

    def __init__(self, folder, tls=""):
        self.port, self.folder, self.process = free(), folder, None
        self.words = self.program()
        (folder / "conf").write_text(self.conf(tls))
        self.start()

    def program(self):
        return [str(SERVER), "-c", str(self.folder / "conf")]

    def conf(self, tls):
        return (
            f'server_name: "broker"\nlisten: "127.0.0.1:{free()}"\njetstream {{ store_dir: "{self.folder}/js" }}\n'
            f'mqtt {{ host: "127.0.0.1", port: {self.port}, ack_wait: "2s"\n{tls} }}\n'
        )

    def start(self):
        self.process = subprocess.Popen(self.words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: not socket.socket().connect_ex(("127.0.0.1", self.port)))

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


class Mosquitto(Server):
    """The one that most sites have."""

    def program(self):
        return [MOSQUITTO, "-c", str(self.folder / "conf")]

    def conf(self, tls):
        return (
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nuser {getpass.getuser()}\n"
            f"persistence true\npersistence_location {self.folder}/\n{tls}"
        )


@pytest.fixture(params=[Server, pytest.param(Mosquitto, marks=LACKING)], ids=["nats", "mosquitto"])
def server(request, tmp_path):
    found = request.param(tmp_path)
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

    def __init__(self, writes=True, name=HOLDER):
        self.writer, self.stop = intake.Intake(), threading.Event()
        self.threads = [threading.Thread(target=mqtt.work, args=(self.writer, self.stop, name))]
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
    address = {"address": f"mqtt://127.0.0.1:{server.port}"} if server else {}
    told = {"action": "add", "name": "park", "gateway": "园区", "topic": "park/#", "format": "json", **address}
    assert network.broker(Namespace(**{**told, **NO_FILES, **more})) == 0


def published(server, *bodies, topic="park/one", context=None):
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
    if context:
        client.tls_set_context(context)
    client.connect("127.0.0.1", getattr(server, "devices", server.port))
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
    parts = [unpack(batch) for batch in Batch.objects.order_by("number")]
    return [v for _, _, value, fate in parts for v in value[counts(fate)].tolist()]


def connected():
    """The line is there, and has had the time to subscribe."""
    there = beat("park")
    time.sleep(0.3 if there else 0)
    return there


def told():
    """What the health page says of the line."""
    return next(iter(Beat.objects.filter(name="mqtt:park").values_list("detail", flat=True)), "")


def beat(name):
    return Beat.objects.filter(name=f"mqtt:{name}", good=True).exists()


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(mqtt, "LOOK_S", 0.1)
    monkeypatch.setattr(mqtt, "AGAIN_S", 0.1)
