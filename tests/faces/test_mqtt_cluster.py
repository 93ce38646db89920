"""Devices at the MQTT door of the cluster's own nodes: a node dies, a process of pages ends, and no message is lost."""

import asyncio
import queue
import socket
import threading
import time

import nats
import paho.mqtt.client as paho
import pytest
from django.conf import settings
from django.db import connection
from nats.errors import Error

from anlan.faces import cluster, mqtt
from anlan.kernel.clock import lease, real
from anlan.sensing.cluster import bus
from anlan.sensing.models import Broker
from bench.cluster_ground import free_ports

from . import broker
from .broker import House, added, body, connected, kept, published, told, unpacked, until

world, quick, pytestmark = broker.world, broker.quick, broker.NEEDED


@pytest.fixture
def nodes(tmp_path):
    begun = cluster.nodes(tmp_path / "cluster", free_ports())
    yield begun
    for node in begun:
        node.end()


def everywhere(nodes):
    return {"address": ",".join(f"mqtt://127.0.0.1:{node.devices}" for node in nodes)}


def test_a_device_speaks_to_any_node_and_a_node_may_die(world, nodes, quick):
    added(None, **everywhere(nodes))
    house = House()
    try:
        until(connected, 40)
        published(nodes[1], body(1.0, 9))
        until(kept)
        nodes[0].end()
        published(nodes[2], body(2.0, 6))
        until(lambda: kept() >= 2, 60)
        until(lambda: connected() and told() == "", 40)
        published(nodes[1], body(3.0, 3))
        until(lambda: kept() >= 3, 40)
        assert unpacked() == [1.0, 2.0, 3.0]
    finally:
        house.close()


def test_what_a_device_says_never_comes_into_the_house_s_own_subjects(nodes):
    async def heard():
        line = await nats.connect([node.address for node in nodes])
        found = []

        async def take(message):
            found.append(message.subject)

        await line.subscribe(">", cb=take)
        await line.flush()
        await asyncio.to_thread(published, nodes[0], "x", topic="anlan/readings")
        await asyncio.to_thread(published, nodes[2], "x", topic="anlan/now")
        await asyncio.sleep(0.5)
        await line.close()
        return [subject for subject in found if subject.startswith("anlan")]

    assert asyncio.run(heard()) == []


def test_one_of_several_processes_keeps_the_line_and_another_goes_on_with_it(world, nodes, quick):
    added(None, **everywhere(nodes))
    first = House(name="one")
    until(connected, 40)
    second = House(name="two")
    time.sleep(1)
    assert Broker.objects.get().holder == "one"
    published(nodes[1], body(1.0, 9))
    until(kept)
    first.close()
    published(nodes[1], body(2.0, 6))
    try:
        until(lambda: kept() >= 2, 40)
        assert Broker.objects.get().holder == "two" and unpacked() == [1.0, 2.0]
    finally:
        second.close()
    assert Broker.objects.get().holder == ""


def test_the_line_of_a_process_that_is_not_heard_of_is_taken_and_given_up(world, quick, monkeypatch):
    added(None, address="mqtt://127.0.0.1:9")
    row, stop = Broker.objects.get(), threading.Event()
    Broker.objects.update(holder="elsewhere:1:x", held_until=real() + mqtt.HELD)
    assert not lease.hold(row, "holder", "held_until", mqtt.HELD, "me")
    Broker.objects.update(held_until=real() - mqtt.HELD)
    assert lease.hold(row, "holder", "held_until", mqtt.HELD, "me") and Broker.objects.get().holder == "me"
    thread = threading.Thread(target=lambda: (mqtt.work(None, stop, "me"), connection.close()))
    thread.start()
    try:
        until(lambda: told() == "拒绝连接")
        Broker.objects.update(holder="elsewhere:1:x", held_until=real() + mqtt.HELD)
        until(lambda: not [one for one in threading.enumerate() if one.name.startswith("paho-mqtt-client-anlan")])
    finally:
        stop.set()
        thread.join(20)
    assert Broker.objects.get().holder == "elsewhere:1:x"


def test_with_passwords_nobody_comes_in_without_one(tmp_path, monkeypatch):
    """The files as they are changed for other machines (docs/sensing.md)."""
    plain = "\n".join(line for line in cluster.CONFIG.splitlines() if "no_auth_user" not in line.partition("#")[0])
    assert plain.count("no_auth_user") == 1
    monkeypatch.setattr(cluster, "CONFIG", plain)
    ports = free_ports()
    node, *others = [cluster.Node(tmp_path, ports, number) for number in range(3)]
    secret = (tmp_path / "n1.conf").read_text().split('user: house, password: "')[1].split('"')[0]
    try:
        until(lambda: not socket.socket().connect_ex(("127.0.0.1", node.devices)))
        for who, lets in ((f"house:{secret}@", True), ("", False), (f"device:{secret}@", False)):
            monkeypatch.setattr(settings, "BUS", f"nats://{who}127.0.0.1:{node.port}")
            assert asyncio.run(comes_in()) == lets, who
        for who, lets in (("device", True), ("", False), ("house", False)):
            client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
            if who:
                client.username_pw_set(who, secret)
            answers = queue.Queue()
            client.on_connect = lambda _c, _d, _f, code, _p, answers=answers: answers.put(not code.is_failure)
            client.connect("127.0.0.1", node.devices)
            client.loop_start()
            assert answers.get(timeout=30) == lets, who
            client.loop_stop()
            client.disconnect()
    finally:
        for one in (node, *others):
            one.end()


async def comes_in():
    try:
        line = await bus.connect("x")
    except (Error, TimeoutError):
        return False
    await line.close()
    return True
