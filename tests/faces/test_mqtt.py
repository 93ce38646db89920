"""Readings by MQTT through real brokers (NATS' own listener, Mosquitto): what was acknowledged is written, what was not comes again."""

import gzip
import json
import time
from argparse import Namespace

import cbor2
import pytest

from anlan.faces import network
from anlan.kernel import clock
from anlan.kernel.cases import Refused
from anlan.sensing import intake
from anlan.sensing.models import Broker, Traffic

from . import broker
from .broker import NO_FILES, House, added, beat, body, connected, kept, published, told, unpacked, until

server, world, quick, pytestmark = broker.server, broker.world, broker.quick, broker.NEEDED


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
        until(lambda: not connected() and told() == "拒绝连接")
        server.start()
        until(connected, 40)
        published(server, body(5.0))
        until(kept)
        assert unpacked() == [5.0] and connected() and told() == ""
    finally:
        house.close()


@pytest.mark.parametrize("wrong", [{"address": "http://x"}, {"address": "mqtt://"}, {"gateway": "nobody"}, {"ca": "park.pem"}])
def test_what_cannot_be_a_broker_is_refused(world, wrong):
    told = {"action": "add", "name": "park", "address": "mqtt://127.0.0.1:1", "gateway": "园区", "topic": "#", "format": "json", **NO_FILES, **wrong}
    with pytest.raises(Refused):
        network.broker(Namespace(**told))
    with pytest.raises(Refused, match="没有 MQTT"):
        network.broker(Namespace(action="remove", name="park"))
    assert not Broker.objects.exists()


def test_the_password_of_a_broker_stands_nowhere_in_the_clear(world, capsys):
    told = {"action": "add", "name": "park", "address": "mqtts://me:s3cret@10.0.0.1:8883", "gateway": "园区", "topic": "#", "format": "json", **NO_FILES}
    network.broker(Namespace(**told))
    row = Broker.objects.get()
    assert "s3cret" not in f"{row.sealed}{row.place}{capsys.readouterr().out}" and row.place == "mqtts://10.0.0.1:8883"
