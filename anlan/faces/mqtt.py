"""Readings from MQTT 3.1.1 brokers: a message is told to have come only when it is written, so that none is lost.

One line to each broker, with a session that the broker keeps: what was not acknowledged when the line or this process
broke is sent again, and what is read twice counts once. What is no body of readings is acknowledged, counted and logged:
sent again it would be no better. Of several processes one keeps the line, for a lease that it renews; a broker of several
nodes is gone on with at the next of them.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from collections import deque
from concurrent.futures import Future
from datetime import timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from django.db import DatabaseError, close_old_connections

from anlan.engines.sense.decode import Undecodable
from anlan.kernel.carriers.sealed import Unreadable, unseal
from anlan.kernel.clock import beats, lease
from anlan.kernel.clock.lease import HOLDER
from anlan.sensing import intake
from anlan.sensing.intake import Answer, Intake
from anlan.sensing.models import Broker

from .tls import Files

log = logging.getLogger(__name__)
LOOK_S = 5.0
"""So often is looked whether a broker was added, changed or taken away."""
HELD = timedelta(seconds=15)
"""A process that was not heard of for so long has lost its lines to another."""
AGAIN_S = 1.0
SILENCE_S = 30
KEEP_ALIVE_S = 30
GZIP = b"\x1f\x8b"
KIND = {Broker.Format.PLAIN: "application/json", Broker.Format.SENML: "application/senml+json", Broker.Format.CBOR: "application/senml+cbor"}


class Line:
    """The line to one broker."""

    def __init__(self, broker: Broker, writer: Intake, before: Line | None = None) -> None:
        """``before`` is the line to the same broker that this one replaces; it goes on when this one cannot be made."""
        self.made_of, self.session = _facts(broker), (broker.name, broker.place, broker.topic)
        self.urls, self.files = deque(urlsplit(one.strip()) for one in unseal(broker.sealed).split(",")), files_of(broker)
        self.token, self.kind, self.topic, self.name, self.writer = broker.gateway.token, KIND[Broker.Format(broker.format)], broker.topic, broker.name, writer
        self.fault, self.closed = "", threading.Event()
        self.client = paho.Client(
            paho.CallbackAPIVersion.VERSION2, client_id=f"anlan-{broker.name}", clean_session=False, protocol=paho.MQTTv311, manual_ack=True
        )
        if self.urls[0].scheme == "mqtts":
            self.client.tls_set_context(self.files.context())
        self.client.on_connect, self.client.on_message, self.client.on_disconnect = self._connected, self._came, self._next
        self.client.on_connect_fail, self.client.on_log = self._unreached, self._logged
        self.client.reconnect_delay_set(1, 30)
        if before:
            before.close(leave=before.session != self.session)
        self._aim()
        self.client.loop_start()

    def _aim(self) -> None:
        url = self.urls[0]
        if url.username:
            self.client.username_pw_set(unquote(url.username), unquote(url.password or ""))
        self.client.connect_async(url.hostname or "", url.port or Broker.PORTS[url.scheme], KEEP_ALIVE_S)

    def _next(self, *_: Any) -> None:
        """After a line that broke, or was never made, the library waits a while and comes again: to the next node, if there are several."""
        if len(self.urls) > 1 and not self.closed.is_set():
            self.urls.rotate(-1)
            self._aim()

    def _unreached(self, *_: Any) -> None:
        self._failed()
        self._next()

    def _connected(self, client: paho.Client, _data: Any, _flags: Any, code: Any, _properties: Any) -> None:
        if code.is_failure:
            self.tell(f"服务器不让接入:{code}")
        else:
            self.fault = ""
            client.subscribe(self.topic, qos=1)

    def _failed(self, *_: Any) -> None:
        """The library tells this of an error while it handles it, and not which."""
        self.tell(self.files.why(sys.exception()))

    def _logged(self, _client: paho.Client, _data: Any, level: int, _text: str) -> None:
        """A client that is turned away by its certificate learns it only when it reads, which the library tells its log alone."""
        if level == paho.MQTT_LOG_ERR and isinstance(sys.exception(), OSError):
            self._failed()

    def tell(self, fault: str) -> None:
        if fault != self.fault:
            log.error("broker %s: %s", self.name, fault)
        self.fault = fault

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
        detail = self.fault or self.files.soon()
        beats.beat(f"mqtt:{self.name}", good=self.client.is_connected(), detail=detail, silence_s=SILENCE_S, essential=False)

    def close(self, leave: bool = False) -> None:
        """End the line; ``leave`` tells the broker to keep nothing more for it, else what comes meanwhile waits there."""
        self.closed.set()
        if leave:
            self.client.unsubscribe(self.topic)
        self.client.disconnect()
        self.client.loop_stop()


def work(writer: Intake, stop: threading.Event, me: str = HOLDER) -> None:
    """Keep a line to each broker that is in use and that no other process keeps, until the end."""
    lines: dict[int, Line] = {}
    while True:
        try:
            _follow(lines, writer, me)
        except DatabaseError:  # the tables are not there yet, or it is busy
            log.debug("the brokers could not be read", exc_info=True)
        finally:
            close_old_connections()
        if stop.wait(LOOK_S):
            break
    for line in lines.values():
        line.close()
    with contextlib.suppress(DatabaseError):  # then the lease ends by itself
        Broker.objects.filter(holder=me).update(holder="", held_until=None)
    close_old_connections()


def _follow(lines: dict[int, Line], writer: Intake, me: str) -> None:
    rows = {row.pk: row for row in Broker.objects.filter(enabled=True, gateway__enabled=True).select_related("gateway")}
    mine = {pk: row for pk, row in rows.items() if lease.hold(row, "holder", "held_until", HELD, me)}
    for gone in set(lines) - set(mine):
        lines.pop(gone).close(leave=gone not in rows)
    for pk, row in mine.items():
        old = lines.get(pk)
        if old is None or old.made_of != _facts(row):
            try:
                lines[pk] = Line(row, writer, old)
            except (Unreadable, ValueError, OSError) as fault:
                _unfit(row, old, str(fault))
    for line in lines.values():
        line.beat()


def _unfit(row: Broker, old: Line | None, fault: str) -> None:
    """A line that cannot be made; the one that it would replace goes on and says why it was not replaced."""
    if old:
        old.tell(fault)
        return
    log.error("broker %s: %s", row.name, fault)
    beats.beat(f"mqtt:{row.name}", good=False, detail=fault, silence_s=SILENCE_S, essential=False)


def files_of(row: Broker) -> Files:
    return Files(row.ca, row.certificate, row.key)


def _facts(row: Broker) -> tuple[Any, ...]:
    """What a line is made from; certificates that are exchanged in their place make a new one too."""
    files = files_of(row)
    return row.name, row.sealed, row.topic, row.format, row.gateway.token, files, files.stamp()
