"""Batches from gateways, gathered: whatever came while the last ones were written is written together, and then answered.

A gateway may number its batches (``Idempotency-Key``): the same number is worked once and answered again as it was.
"""

from __future__ import annotations

import hashlib
import logging
import math
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db import DatabaseError, OperationalError, close_old_connections, connection, transaction
from numpy.typing import NDArray

from anlan.engines.sense import decode
from anlan.engines.sense.layout import Fate
from anlan.kernel import rows
from anlan.kernel.clock import every, now, real
from anlan.kernel.live import feed
from anlan.kernel.people import scope

from . import kept, listening, network
from .door import refusal
from .models import Edition, Gateway, Sensor, Sent, Traffic

log = logging.getLogger(__name__)
TOGETHER = 100_000
"""Readings that are written in one transaction at most."""
WAITING = 400_000
"""Readings that may wait; more are sent back to come again."""
KEPT = timedelta(days=7)
PATIENCE_S = 2.0
"""A gateway can come again, so it is told so sooner than a person at a form."""
LOOK_S = 0.001
CARRIED = 1000
"""Pages of its log that SQLite lets come together before it carries them over (its own default)."""
Answer = tuple[int, dict[str, Any]]
BUSY: Answer = (429, {"error": "暂时无法写入,请稍后重发;本批未入库"})
UNKNOWN: Answer = (401, {"error": "网关令牌无效或已停用"})
REASONS = {Fate.NAN: "数值无效", Fate.RANGE: "超出量程", Fate.FUTURE: "时间超前", Fate.UNKNOWN: "未登记的测点"}
"""By which a refused reading is counted."""

UNREAD = "无法识别的报文"


class Unknown(ValueError):
    """Nobody that may send readings."""


@dataclass
class Sending:
    """One batch on its way: whose, under which number, what it holds."""

    token: str
    batch: decode.Batch
    key: str = ""
    digest: str = ""
    answer: Future[Answer] = field(default_factory=Future)
    fates: NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))


def names() -> decode.Names:
    """The codes of all sensors and their ids."""
    global _names
    edition = Edition.current()
    with _naming:
        if _names is None or _names[0] != edition:
            _names = edition, _names_of(edition)
        return _names[1]


def _names_of(edition: int) -> decode.Names:
    if (known := kept.find("names", edition, _codes)) is not None:
        return decode.Names(known, _unit())
    with connection.cursor() as cursor:
        cursor.execute(f"select code, id from {Sensor._meta.db_table}")
        ids = dict(cursor.fetchall())
    codes = "\0".join(ids)
    if codes.count("\0") == len(ids) - 1:
        numbers = np.fromiter(ids.values(), np.int64, len(ids))
        kept.keep("names", edition, len(ids), {"codes": np.frombuffer(codes.encode(), np.uint8), "ids": numbers})
    return decode.Names(ids, _unit())


def _codes(held: kept.Arrays) -> dict[str, int]:
    return dict(zip(held["codes"].tobytes().decode().split("\0"), held["ids"].tolist(), strict=True))


def _unit() -> Callable[[int], str]:
    """The unit of a sensor; all are read when the first is asked for."""
    units: dict[int, str] = {}

    def unit(sensor: int) -> str:
        if not units:
            units.update(dict(Sensor.everywhere.values_list("pk", "unit")))  # at once, for others ask meanwhile
        return units.get(sensor, "")

    return unit


_naming = threading.Lock()
_names: tuple[int, decode.Names] | None = None


def opened(token: str, body: bytes, *, kind: str = "application/json", packed: bool = False, key: str = "") -> Sending:
    """Read a body of a gateway that is known. Raises Unknown, and `decode.Undecodable`."""
    return opened_for(Gateway.digest(token), body, kind=kind, packed=packed, key=key)


def opened_for(digest: str, body: bytes, *, kind: str = "application/json", packed: bool = False, key: str = "") -> Sending:
    """The same for whoever is known by the digest of its token."""
    if not rows.find(Gateway, "token = %s and enabled", digest):
        raise Unknown("网关令牌无效或已停用")
    try:
        plain = decode.unpacked(body) if packed else body
        batch = decode.read(plain, names(), round(real().timestamp() * 1000), kind)
    except decode.Undecodable:
        _count_unread(digest)
        raise
    return Sending(digest, batch, key[:80], hashlib.sha256(body).hexdigest() if key else "")


def work(sendings: list[Sending]) -> None:
    """Write and judge these batches in one transaction in the real city, and answer each."""
    try:
        with hurry(), scope.everyone(), transaction.atomic():
            sorting = sorted_out(sendings, {})
            _take(list(sorting.fresh.values()))
            answers = _worked(sorting)
    except DatabaseError:
        log.exception("%d batches could not be written", len(sendings))
        answers = [BUSY] * len(sendings)
    for sending, answer in zip(sendings, answers, strict=True):
        sending.answer.set_result(answer)


@contextmanager
def hurry() -> Iterator[None]:
    """Wait for the database no longer than a gateway would.

    SQLite itself looks for its lock at ever longer pauses, and a reading would wait many times as long as it is held; and who
    commits much carries it over from its log, for which a reading would wait too: it is left to the next who writes.
    """
    if connection.vendor != "sqlite":
        _say(f"SET lock_timeout = {PATIENCE_S * 1000:.0f}")
        yield
        return
    _say("PRAGMA busy_timeout = 1", f"PRAGMA wal_autocheckpoint = {20 * CARRIED}")
    try:
        with connection.execute_wrapper(_soon):
            yield
    finally:
        if (raw := connection.connection) is not None:  # past Django, which says nothing in a transaction that is broken
            raw.execute(f"PRAGMA busy_timeout = {connection.settings_dict['OPTIONS']['timeout'] * 1000}")
            raw.execute(f"PRAGMA wal_autocheckpoint = {CARRIED}")


def _say(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _soon(execute: Callable[..., Any], sql: str, *told: Any) -> Any:
    """Carry a statement out as soon as the database is free; a transaction that has begun has it for itself."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            return execute(sql, *told)
        except OperationalError as fault:
            if connection.in_atomic_block or "locked" not in str(fault) or time.monotonic() > end:
                raise
            time.sleep(LOOK_S)


@dataclass
class Sorting:
    """Batches that came together: by place what is answered already, or by which twin it will be, and what is new."""

    gateways: dict[str, Gateway]
    answers: dict[int, Answer | Sending]
    fresh: dict[int, Sending]


def sorted_out(sendings: list[Sending], flying: dict[Any, Sending]) -> Sorting:
    """``flying``: by gateway and number, what is on its way and not answered yet."""
    gateways = {g.token: g for g in rows.find(Gateway, f"token {rows.among()} and enabled", {s.token for s in sendings})}
    known = {**flying, **_known(sendings, gateways)}
    sorting = Sorting(gateways, {}, {})
    for n, sending in enumerate(sendings):
        gateway = gateways.get(sending.token)
        mark = (gateway.pk, sending.key) if gateway and sending.key else None
        if gateway is None:
            sorting.answers[n] = UNKNOWN
        elif mark in known:
            sorting.answers[n] = _again(known[mark], sending)
        else:
            sorting.fresh[n] = sending
            if mark:
                known[mark] = sending
    return sorting


def _worked(sorting: Sorting) -> list[Answer]:
    """A batch that came twice at once is answered as its twin is."""
    answers: dict[int, Answer | Sending] = dict(sorting.answers)
    for n, sending in sorted(sorting.fresh.items(), key=lambda told: sorting.gateways[told[1].token].pk):  # locked in one order by all
        answers[n] = answered(sending, sorting.gateways[sending.token])
    return [_final(answers[n], answers, sorting.fresh) for n in range(len(answers))]


def _final(answer: Answer | Sending, answers: dict[int, Answer | Sending], fresh: dict[int, Sending]) -> Answer:
    if isinstance(answer, Sending):
        answer = answers[next(n for n, sending in fresh.items() if sending is answer)]
    assert isinstance(answer, tuple)
    return answer


def _known(sendings: list[Sending], gateways: dict[str, Gateway]) -> dict[Any, Any]:
    """By gateway and number, what was answered before."""
    keys = {s.key for s in sendings if s.key}
    if not keys:
        return {}
    return {(row.gateway_id, row.key): row for row in Sent.objects.filter(gateway__in=gateways.values(), key__in=keys)}


def _again(row: Sent | Sending, sending: Sending) -> Answer | Sending:
    if row.digest != sending.digest:
        return 409, {"error": "这个批次编号已用于另一批读数,内容不同,没有入库;请换一个编号"}
    return (200, row.answer) if isinstance(row, Sent) else row


def _take(fresh: list[Sending]) -> None:
    if any(len(s.batch.sensor) for s in fresh):
        share_out(fresh, network.take(*columns(fresh)).status)


def columns(fresh: list[Sending]) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.float64]]:
    """Sensor ids, ms and values of all of them."""
    parts = [s.batch for s in fresh]
    return np.concatenate([p.sensor for p in parts]), np.concatenate([p.at for p in parts]), np.concatenate([p.value for p in parts])


def share_out(fresh: list[Sending], status: NDArray[np.uint8]) -> None:
    """Tell each its own of the fates of all."""
    place = 0
    for sending in fresh:
        count = len(sending.batch.sensor)
        sending.fates = status[place : place + count]
        place += count


def answered(sending: Sending, gateway: Gateway) -> Answer:
    """Count a batch whose fates are known, remember its number, and say what it is answered."""
    rejected, reasons = list(sending.batch.rejected), Counter(_sort(reason) for _, reason in sending.batch.rejected)
    bad = np.flatnonzero((sending.fates != Fate.GOOD) & (sending.fates != Fate.OLD) & (sending.fates != Fate.REPEAT))
    if len(bad):
        sensors = Sensor.everywhere.in_bulk(set(sending.batch.sensor[bad].tolist()))
        for n in bad.tolist():
            fate, sensor = int(sending.fates[n]), sensors[int(sending.batch.sensor[n])]
            place = int(sending.batch.place[n])
            rejected.append((place, sending.batch.spoilt.get(place) or refusal(fate, sensor)))
            reasons[REASONS[Fate(fate)]] += 1
    accepted = len(sending.fates) - len(bad)
    answer = {"accepted": accepted, "rejected": [{"index": place, "reason": reason} for place, reason in sorted(rejected)]}
    _count(sending, gateway, accepted, reasons)
    if sending.key:
        Sent.objects.create(gateway=gateway, key=sending.key, digest=sending.digest, answer=answer, at=real())
    return 200, answer


def _sort(reason: str) -> str:
    """Under which word a refusal is counted: what it says without what was sent."""
    return REASONS[Fate.UNKNOWN] if reason.startswith(REASONS[Fate.UNKNOWN]) else reason.split(":")[0].split(",")[0]


def _count_unread(digest: str) -> None:
    """A body that could not be read at all is counted too; while the database is busy it is only answered."""
    try:
        with scope.everyone(), transaction.atomic():
            gateway = Gateway.objects.get(token=digest)
            row = _row(gateway)
            row.batches, row.rejected = row.batches + 1, row.rejected + 1
            row.reasons = dict(Counter(row.reasons) + Counter([UNREAD]))
            row.save()
    except (DatabaseError, Gateway.DoesNotExist):
        log.warning("a body that could not be read was not counted", exc_info=True)


def _row(gateway: Gateway) -> Traffic:
    """The gateway's present hour, which nobody else writes meanwhile."""
    hour = now().replace(minute=0, second=0, microsecond=0)
    asked = Traffic, f"gateway_id = %s and hour = %s{rows.locked()}", gateway.pk, hour
    if not (found := rows.find(*asked)):
        Traffic.objects.get_or_create(gateway=gateway, hour=hour)
        found = rows.find(*asked)
    return found[0]


def _count(sending: Sending, gateway: Gateway, accepted: int, reasons: Counter[str]) -> None:
    """What came of the gateway's batches in this hour."""
    moment = now()
    row = _row(gateway)
    lag = moment.timestamp() * 1000 - sending.batch.at
    row.batches, row.accepted, row.rejected = row.batches + 1, row.accepted + accepted, row.rejected + sum(reasons.values())
    row.late += int((sending.fates == Fate.OLD).sum())
    row.repeated += int((sending.fates == Fate.REPEAT).sum())
    row.reasons = dict(Counter(row.reasons) + reasons)
    if len(lag):
        row.lag_ms = round((row.lag_ms * (row.batches - 1) + float(np.median(lag))) / row.batches)
        row.ahead_ms = max(row.ahead_ms, int(-lag.min()))
    gateway.heard_at = moment
    rows.move([row])
    rows.move([gateway], "heard_at")


@every("sensing.forget", daily="03:20")
def forget(at: datetime) -> None:
    """A number is answered again for seven days."""
    Sent.objects.filter(at__lt=real() - KEPT).delete()


class Intake:
    """One thread that writes; whoever hands in waits for the answer."""

    def __init__(self, elsewhere: Callable[[list[Sending]], None] | None = None) -> None:
        self._elsewhere = elsewhere
        """Answers each of what it is handed, now or later; without it they are worked here."""
        self._waiting: queue.SimpleQueue[Sending | None] = queue.SimpleQueue()
        self._count = 0
        self._lock = threading.Lock()
        self._listened = -math.inf
        """By the clock on the wall, which goes on while a machine sleeps."""

    def hand_in(self, sending: Sending) -> Future[Answer]:
        """Queue a batch; answered at once with 429 when too much waits already."""
        count = len(sending.batch.sensor) + 1
        with self._lock:
            if self._count + count > WAITING and self._count:
                sending.answer.set_result(BUSY)
                return sending.answer
            self._count += count
        self._waiting.put(sending)
        return sending.answer

    def run(self) -> None:
        """Write until `close`."""
        self._listen(0)
        while True:
            try:
                first = self._waiting.get(timeout=listening.EACH_S)
            except queue.Empty:
                self._listen(listening.EACH_S / 2)
                close_old_connections()
                continue
            if first is None:
                return
            open_ = self._listen(2 * listening.EACH_S)
            together, ended = self._gather(first)
            try:
                if open_:
                    self._write(together)
                    feed.poke()
                else:  # what was silent meanwhile would be told as if somebody had listened
                    for sending in together:
                        sending.answer.set_result(BUSY)
            finally:
                with self._lock:
                    self._count -= sum(len(s.batch.sensor) + 1 for s in together)
            if ended:
                return close_old_connections()
            self._listen(listening.EACH_S)
            close_old_connections()

    def _listen(self, after_s: float) -> bool:
        """Say that the door is open, so long after it was said last: before a batch only where it must be, for somebody waits.
        False where the database did not let it be said."""
        moment = real().timestamp()
        if 0 <= moment - self._listened < after_s:
            return True
        try:
            with hurry():
                listening.listen()
            self._listened = moment
        except Exception as fault:
            log.warning("it could not be said that the door is open", exc_info=True)
            return not isinstance(fault, DatabaseError)
        return True

    def _gather(self, first: Sending) -> tuple[list[Sending], bool]:
        together, readings = [first], len(first.batch.sensor)
        while readings < TOGETHER:
            try:
                more = self._waiting.get_nowait()
            except queue.Empty:
                break
            if more is None:
                return together, True
            together.append(more)
            readings += len(more.batch.sensor)
        return together, False

    def _write(self, together: list[Sending]) -> None:
        """All at once; when one of them breaks it, one by one, so that only that one is refused."""
        try:
            (self._elsewhere or work)(together)
        except Exception:
            log.exception("a batch broke the writing of %d", len(together))
            for sending in together:
                self._write_alone(sending)

    def _write_alone(self, sending: Sending) -> None:
        try:
            if not sending.answer.done():
                (self._elsewhere or work)([sending])
        except Exception:
            log.exception("a batch could not be worked")
            sending.answer.set_result((503, {"error": "本批处理失败,已记录,请联系系统管理员;本批未入库"}))

    def close(self) -> None:
        self._waiting.put(None)
