"""One of the workers of a cluster. Its line to the bus lives in the loop, its work on the database in a thread."""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
import time
from collections.abc import Collection
from typing import Any

import orjson
from django.db import InterfaceError, OperationalError, close_old_connections
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from anlan.engines.sense import wire
from anlan.kernel.clock import beats, real
from anlan.kernel.people import scope

from .. import listening, network, parts
from . import bus, judging
from .inbox import Inbox, Item
from .members import BEAT_S, Members

log = logging.getLogger(__name__)
ALIVE = "anlan.alive"
TOGETHER = 100_000
SPAN_MS = 2_000
"""Readings that are judged together were taken in within so long."""
WAIT_S = 0.1
TICK_S, LOOK_S = 5.0, 0.5
TOLD_S = 2.0
CLEAN_S = 60.0
FETCH, FETCH_S = 32, 1.0
SILENCE_S = 15.0
AGAIN_S = 0.2
HEARD_S = 0.05
"""So long after the log has a message it may still be on its way beside it."""


class Taken(RuntimeError):
    """A worker of this name is at work already."""


class Worker:
    """`run` in the loop, `work` in a thread, until `stop`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.members = Members(name, round(real().timestamp() * 1000), secrets.randbits(62))
        self.inbox = Inbox()
        self.stop = threading.Event()
        self.mine: frozenset[int] = frozenset()
        self.judged = 0
        self.place = 0
        """Up to where in the log everything of my parts is taken."""
        self.broken: set[int] = set()
        """Parts in which something cannot be judged; they stand still until somebody has looked."""
        self._judged: dict[int, float] = {}
        """By part, when it was judged last: what time alone brings about was seen to then, too."""
        self._reached: dict[int, int] = {}
        """By part, up to which place its ledger has it taken."""
        self._asked = 0.0
        self._another = False
        self._line: Client | None = None
        self._again: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    # ── in the loop ─────────────────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Raises Taken."""
        self._loop, self._again = asyncio.get_running_loop(), asyncio.Event()
        line = self._line = await self._connected()
        await line.subscribe(ALIVE, cb=self._heard)
        await line.subscribe(bus.NOW, cb=self._came, pending_bytes_limit=2**30)
        thread = threading.Thread(target=self.work, name="judge", daemon=True)
        thread.start()
        tasks = [asyncio.ensure_future(work) for work in (self._beat(line), self._follow(line))]
        try:
            while not self.stop.is_set() and not self._another and thread.is_alive():
                await asyncio.sleep(BEAT_S)
        finally:
            self.stop.set()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.to_thread(thread.join, 10)
            await line.close()
        if self._another:
            raise Taken(self.name)

    async def _connected(self) -> Client:
        while True:
            try:
                line = await bus.connect(f"sense {self.name}", self._ask_again)
                await bus.ensure(line)
                return line
            except (Error, OSError, TimeoutError) as fault:
                log.warning("the bus cannot be reached: %s", bus.why(fault))
                await asyncio.sleep(1)

    async def _heard(self, message: Msg) -> None:
        told = orjson.loads(message.data)
        if told["name"] != self.name:
            self.members.hear(told["name"])
        elif (told["since"], told["key"]) < (self.members.since, self.members.key):  # of two the one that came later goes
            self._another = True

    async def _beat(self, line: Client) -> None:
        body = orjson.dumps({"name": self.name, "since": self.members.since, "key": self.members.key})
        while True:
            self.members.beat()
            try:
                await line.publish(ALIVE, body)
            except Error as fault:
                log.info("bus: %s", bus.why(fault))
            await asyncio.sleep(BEAT_S)

    async def _came(self, message: Msg) -> None:
        try:
            missed = not self.inbox.hear(wire.load(message.data))
        except wire.Unreadable as no:
            log.error("a message on the bus is not readable: %s", no)
            return
        if missed and time.monotonic() - self._asked > AGAIN_S:
            await self._ask_again()

    async def _ask_again(self) -> None:
        """For what came by beside the log and was not heard here."""
        if self._line is not None:
            self._asked = time.monotonic()
            await self._line.publish(bus.AGAIN, b"")

    async def _follow(self, line: Client) -> None:
        """Read the log behind the inbox's place, again and again from there whatever breaks."""
        assert self._again is not None
        while True:
            self._again.clear()
            try:
                await self._read(line)
            except (Error, OSError, TimeoutError) as fault:
                log.info("the log is read again: %s", bus.why(fault))
                await asyncio.sleep(AGAIN_S)

    async def _read(self, line: Client) -> None:
        """To the end of the log; from there on only what its messages are called, as long as each was heard beside it."""
        assert self._again is not None
        while not self._again.is_set():
            await self._through(line)
            await self._through(line, names=True)

    async def _through(self, line: Client, names: bool = False) -> None:
        assert self._again is not None
        stream, (epoch, place) = line.jetstream(timeout=2), self.inbox.start()
        how = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=place + 1, ack_policy=AckPolicy.NONE, inactive_threshold=30,
            mem_storage=True, num_replicas=1, headers_only=names,
        )  # fmt: skip
        sent: Any
        if names:  # they are small, and come by themselves
            sent = await stream.subscribe(bus.SUBJECT, stream=bus.STREAM, config=how, manual_ack=True)
        else:
            sent = await stream.pull_subscribe(bus.SUBJECT, stream=bus.STREAM, config=how, pending_bytes_limit=2**30)
        came = 0
        try:
            while not self._again.is_set():
                if self.inbox.full:
                    await asyncio.sleep(0.02)
                    continue
                try:
                    messages = [await sent.next_msg(FETCH_S)] if names else await sent.fetch(FETCH, timeout=FETCH_S)
                except TimeoutError:
                    messages = []
                for message in messages:
                    came += 1
                    if message.metadata.sequence.consumer != came:  # another was sent into a line that broke, and is read again
                        return
                    if not names:
                        self._logged(message, epoch)
                    elif not await self._named(message, epoch):
                        return
                if messages:
                    left = messages[-1].metadata.num_pending
                else:
                    stands = await sent.consumer_info()  # raises where it is gone
                    left = stands.num_pending or 0
                    if (stands.delivered.consumer_seq if stands.delivered else 0) != came:
                        return
                if not left:
                    self.inbox.ended(epoch)
                    if not names:
                        return
        finally:
            await self._let_go(sent)

    async def _let_go(self, sent: Any) -> None:
        try:
            await sent.unsubscribe()
        except Error:
            log.debug("a subscription was gone already", exc_info=True)

    def _logged(self, message: Msg, epoch: int) -> None:
        place = message.metadata.sequence.stream
        try:
            self.inbox.read(wire.load(message.data), place, epoch)
        except wire.Unreadable as no:
            log.error("place %d of the log is not readable: %s", place, no)
            self.inbox.read(None, place, epoch)

    async def _named(self, message: Msg, epoch: int) -> bool:
        """Was this message of the log heard beside it, or is just now? Else it has to be read."""
        name, place = (message.headers or {}).get(bus.NAME, ""), message.metadata.sequence.stream
        until = time.monotonic() + HEARD_S
        while not (known := self.inbox.pass_by(bus.numbered(name), place, epoch)) and time.monotonic() < until:
            await asyncio.sleep(HEARD_S / 10)
        return known

    async def _clean(self, place: int) -> None:
        """What every part has taken needs no room on the bus."""
        assert self._line is not None
        try:
            await self._line.jetstream(timeout=5).purge_stream(bus.STREAM, seq=place)
        except (Error, TimeoutError) as fault:
            log.info("the log was not shortened: %s", bus.why(fault))

    # ── in the thread ───────────────────────────────────────────────────────────────────────────────────────

    def work(self) -> None:
        """Judge what comes for the parts that are this worker's."""
        network.warm(parts.ACROSS)
        last = {"tick": 0.0, "told": 0.0, "clean": time.monotonic()}
        while not self.stop.is_set():
            try:
                judging.alone()
                with scope.everyone():
                    self._go_on(last)
            except Exception:
                log.exception("worker %s begins again", self.name)
                self.mine = frozenset()
                close_old_connections()
                self.stop.wait(AGAIN_S)
        beats.end(f"sense:{self.name}")

    def _go_on(self, last: dict[str, float]) -> None:
        while not self.stop.is_set():
            mine = self._share()
            items = self.inbox.take(TOGETHER, SPAN_MS, WAIT_S)
            if items and mine:  # who has no parts lets them go: with its first it reads the log from where they stand
                self._judge(items)
            self._round(last)

    def _share(self) -> bool:
        """Take over or leave parts; False while this worker has none."""
        mine = self.members.mine()
        if mine is not None and (mine := mine - self.broken) != self.mine:
            began = time.monotonic()
            network.leave(self.mine - mine)
            self.place, self._judged, self._reached = 0, {}, {}
            self.inbox.begin(judging.begin(mine))
            log.info(
                "worker %s: %d parts, beside %s; read in %.2f s", self.name, len(mine), self.members.alive(), time.monotonic() - began
            )
            self.mine = mine
            assert self._loop is not None and self._again is not None
            self._loop.call_soon_threadsafe(self._again.set)
        return bool(self.mine)

    def _judge(self, items: list[Item]) -> None:
        """All parts together; when that breaks, each alone, so that what cannot be judged holds up its own part only."""
        try:
            self._take(items, self.mine)
        except (OperationalError, InterfaceError):  # the database is busy or away: no part's fault
            raise
        except Exception:
            log.exception("worker %s: each part alone", self.name)
            self._judge_alone(items)
        self.place = max([self.place, *(item.place for item in items)])

    def _take(self, items: list[Item], mine: Collection[int]) -> None:
        taken = judging.judge(items, mine, self.place)
        self.judged += taken.readings
        self._judged |= dict.fromkeys(taken.judged, time.monotonic())
        self._reached |= dict.fromkeys(taken.parts, taken.reached)

    def _quiet(self, seconds: float) -> list[int]:
        """My parts of which nothing was judged for so long."""
        moment = time.monotonic()
        return [part for part in self.mine if moment - self._judged.get(part, 0.0) > seconds]

    def _judge_alone(self, items: list[Item]) -> None:
        for part in self.mine:
            try:
                self._take(items, [part])
            except (OperationalError, InterfaceError):
                raise
            except Exception:
                log.exception("worker %s: part %d stands still", self.name, part)
                self.broken.add(part)
        self.mine -= self.broken

    def _round(self, last: dict[str, float]) -> None:
        moment = time.monotonic()
        if moment - last["told"] > TOLD_S:
            if behind := [part for part in self._quiet(TOLD_S) if self._reached.get(part, 0) < self.place]:
                judging.told(behind, self.place)
                self._reached |= dict.fromkeys(behind, self.place)
            last["told"] = moment
        if moment - last["tick"] > LOOK_S and self.inbox.current and not self.inbox.items:  # else what is silent may wait to be read
            if (quiet := self._quiet(TICK_S)) and not listening.deaf():
                judging.tick(quiet, round(real().timestamp() * 1000))
                self._judged |= dict.fromkeys(quiet, moment)
            last["tick"] = moment
        if moment - last["clean"] > CLEAN_S and parts.ACROSS in self.mine:
            last["clean"] = moment
            if place := judging.needless():
                assert self._loop is not None
                asyncio.run_coroutine_threadsafe(self._clean(place), self._loop)
        detail = f"{len(self.mine)} / {len(parts.ALL)} 个分区,待判 {self.inbox.waiting} 条"
        if self.broken:
            detail += f",停判分区 {sorted(self.broken)}"
        beats.beat(f"sense:{self.name}", good=not self.broken, detail=detail, silence_s=SILENCE_S, essential=False)
        if self.mine:
            beats.beat("sense", silence_s=SILENCE_S)
