"""Readings from MQTT 3.1.1 brokers: a message is told to have come only when it is written, so that none is lost.

One line to each broker, with a session that the broker keeps: what was not acknowledged when the line or this process
broke is sent again, and what is read twice counts once. What is no body of readings is acknowledged, counted and logged:
sent again it would be no better.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future
from typing import Any
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from django.db import DatabaseError, close_old_connections

from anlan.engines.sense.decode import Undecodable
from anlan.kernel.carriers.sealed import Unreadable, unseal
from anlan.kernel.clock import beats
from anlan.sensing import intake
from anlan.sensing.intake import Answer, Intake
from anlan.sensing.models import Broker

log = logging.getLogger(__name__)
LOOK_S = 5.0
"""So often is looked whether a broker was added, changed or taken away."""
AGAIN_S = 1.0
SILENCE_S = 30
KEEP_ALIVE_S = 30
GZIP = b"\x1f\x8b"
KIND = {Broker.Format.PLAIN: "application/json", Broker.Format.SENML: "application/senml+json", Broker.Format.CBOR: "application/senml+cbor"}


class Line:
    """The line to one broker."""

    def __init__(self, broker: Broker, writer: Intake) -> None:
        url = urlsplit(unseal(broker.sealed))
        self.token, self.kind, self.topic, self.name, self.writer = broker.gateway.token, KIND[Broker.Format(broker.format)], broker.topic, broker.name, writer
        self.closed = threading.Event()
        self.client = paho.Client(
            paho.CallbackAPIVersion.VERSION2, client_id=f"anlan-{broker.name}", clean_session=False, protocol=paho.MQTTv311, manual_ack=True
        )
        if url.username:
            self.client.username_pw_set(unquote(url.username), unquote(url.password or ""))
        if url.scheme == "mqtts":
            self.client.tls_set()
        self.client.on_connect = self._connected
        self.client.on_message = self._came
        self.client.reconnect_delay_set(1, 30)
        self.client.connect_async(url.hostname or "", url.port or (8883 if url.scheme == "mqtts" else 1883), KEEP_ALIVE_S)
        self.client.loop_start()

    def _connected(self, client: paho.Client, _data: Any, _flags: Any, code: Any, _properties: Any) -> None:
        if code.is_failure:
            log.error("broker %s refuses: %s", self.name, code)
        else:
            client.subscribe(self.topic, qos=1)

    def _came(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        try:
            sending = intake.opened_for(self.token, message.payload, kind=self.kind, packed=message.payload[:2] == GZIP)
        except (Undecodable, intake.Unknown) as no:
            log.warning("broker %s, topic %s: %s", self.name, message.topic[:80], no)
            self._answer(message)
        except (DatabaseError, OSError):
            log.exception("broker %s: a message could not be read and is waited for again", self.name)
            self._later(message)
        else:
            self.writer.hand_in(sending).add_done_callback(lambda done: self._written(message, done))
        finally:
            close_old_connections()

    def _written(self, message: paho.MQTTMessage, done: Future[Answer]) -> None:
        if done.result()[0] == 429:
            self._later(message)
        else:
            self._answer(message)

    def _later(self, message: paho.MQTTMessage) -> None:
        """Try once more; not acknowledged, it also holds the broker back."""
        if not self.closed.is_set():
            timer = threading.Timer(AGAIN_S, self._came, (self.client, None, message))
            timer.daemon = True
            timer.start()

    def _answer(self, message: paho.MQTTMessage) -> None:
        self.client.ack(message.mid, message.qos)

    def beat(self) -> None:
        beats.beat(f"mqtt:{self.name}", good=self.client.is_connected(), silence_s=SILENCE_S, essential=False)

    def close(self, leave: bool = False) -> None:
        """End the line; ``leave`` tells the broker to keep nothing more for it, else what comes meanwhile waits there."""
        self.closed.set()
        if leave:
            self.client.unsubscribe(self.topic)
        self.client.disconnect()
        self.client.loop_stop()


def work(writer: Intake, stop: threading.Event) -> None:
    """Keep a line to each broker that is in use, until the end."""
    lines: dict[tuple[Any, ...], Line] = {}
    while True:
        try:
            _follow(lines, writer)
        except DatabaseError:  # the tables are not there yet, or it is busy
            log.debug("the brokers could not be read", exc_info=True)
        finally:
            close_old_connections()
        if stop.wait(LOOK_S):
            break
    for line in lines.values():
        line.close()


def _follow(lines: dict[tuple[Any, ...], Line], writer: Intake) -> None:
    rows = {_facts(row): row for row in Broker.objects.filter(enabled=True, gateway__enabled=True).select_related("gateway")}
    for gone in set(lines) - set(rows):
        lines.pop(gone).close(leave=True)
    for facts, row in rows.items():
        if facts not in lines:
            try:
                lines[facts] = Line(row, writer)
            except (Unreadable, ValueError, OSError) as fault:
                log.error("broker %s: %s", row.name, fault)
                beats.beat(f"mqtt:{row.name}", good=False, silence_s=SILENCE_S, essential=False)
    for line in lines.values():
        line.beat()


def _facts(row: Broker) -> tuple[Any, ...]:
    """What a line is made from."""
    return row.pk, row.name, row.sealed, row.topic, row.format, row.gateway.token
