"""Batches from gateways where workers judge: handed to the bus as they come, answered when it has written them."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait

import numpy as np
from django.db import DatabaseError, close_old_connections, transaction

from anlan.kernel.people import scope

from .. import intake
from ..intake import Answer, Sending, Sorting
from . import bus, door

log = logging.getLogger(__name__)
UNSURE: Answer = (429, {"error": "暂时无法确认写入,请稍后原样重发;已收到的读数不会重复"})


class Outgoing:
    """What is on its way. `send` returns as soon as all of it is."""

    def __init__(self) -> None:
        self._flying: dict[tuple[int, str], Sending] = {}
        self._one = threading.Lock()
        self._ends = ThreadPoolExecutor(1, "answers")

    def send(self, sendings: list[Sending]) -> None:
        """Hand the new of these batches to the bus; each is answered when the bus has it, or says why not."""
        try:
            with intake.hurry(), scope.everyone(), self._one:
                sorting = intake.sorted_out(sendings, self._flying)
                self._flying |= {(sorting.gateways[s.token].pk, s.key): s for s in sorting.fresh.values() if s.key}
        except DatabaseError:
            log.exception("%d batches could not be looked at", len(sendings))
            for sending in sendings:
                sending.answer.set_result(intake.BUSY)
            return
        self._tell_known(sendings, sorting)
        fresh = list(sorting.fresh.values())
        try:
            flying = self._handed(fresh, sorting)
        except (bus.Unsent, DatabaseError):
            log.exception("%d batches were not sent", len(fresh))
            self._answered(fresh, sorting, [UNSURE] * len(fresh))
            return
        self._ends.submit(self._end, fresh, sorting, flying)

    def _tell_known(self, sendings: list[Sending], sorting: Sorting) -> None:
        for n, answer in sorting.answers.items():
            if isinstance(answer, Sending):
                _as(answer.answer, sendings[n].answer)
            else:
                sendings[n].answer.set_result(answer)

    def _handed(self, fresh: list[Sending], sorting: Sorting) -> list[Future[None]]:
        if not any(len(s.batch.sensor) for s in fresh):
            return []
        known = sorted({sorting.gateways[s.token].pk for s in fresh})
        whence = [known.index(sorting.gateways[s.token].pk) for s in fresh]
        each = np.repeat(whence, [len(s.batch.sensor) for s in fresh]).astype(np.uint16)
        with scope.everyone():
            status, flying = door.send(*intake.columns(fresh), each, known)
        intake.share_out(fresh, status)
        return flying

    def _end(self, fresh: list[Sending], sorting: Sorting, flying: list[Future[None]]) -> None:
        """Wait for the bus, count, answer. A batch is answered well only when that is written, too."""
        fresh = sorted(fresh, key=lambda sending: sorting.gateways[sending.token].pk)  # all doors lock what they count in one order
        answers: list[Answer] = [UNSURE] * len(fresh)
        try:
            wait(flying)
            for one in flying:
                one.result()
            with scope.everyone(), transaction.atomic():
                answers = [intake.answered(s, sorting.gateways[s.token]) for s in fresh]
        except (bus.Unsent, DatabaseError):
            answers = [UNSURE] * len(fresh)
            log.exception("%d batches are not known to be written", len(fresh))
        except Exception:
            log.exception("%d batches could not be answered", len(fresh))
        finally:
            self._answered(fresh, sorting, answers)
            close_old_connections()

    def _answered(self, fresh: list[Sending], sorting: Sorting, answers: list[Answer]) -> None:
        with self._one:
            for sending in fresh:
                self._flying.pop((sorting.gateways[sending.token].pk, sending.key), None)
        for sending, answer in zip(fresh, answers, strict=True):
            sending.answer.set_result(answer)


def _as(twin: Future[Answer], mine: Future[Answer]) -> None:
    twin.add_done_callback(lambda done: mine.set_result(done.result()))


OUTGOING = Outgoing()
