"""The verbs of whoever was called: answer, accept, report. ``check_`` is asked by a person, ``do_`` is trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Value
from django.db.models.functions import Coalesce

from anlan.kernel import journal
from anlan.kernel.carriers import VIA
from anlan.kernel.cases import Refused
from anlan.kernel.cases.moves import check_open
from anlan.kernel.clock import now
from anlan.kernel.notice.acts import do_close
from anlan.kernel.notice.models import Addressee, Attempt, Notice, Receipt
from anlan.kernel.people import scope
from anlan.kernel.people.roles import STAFF

State, Kind = Addressee.State, Receipt.Kind
MOST_PEOPLE = 200_000


def check_answer(addressee: Addressee, text: str = "") -> bool:
    """May this asker answer? True when it would be on behalf of the holder; then a reason is needed."""
    who = scope.current()
    if who.system or who.person_id in {addressee.person_id, addressee.deputy_id} - {None}:
        return False
    if not who.can(*STAFF, area=addressee.area_id):
        raise Refused("只有责任人本人、B角或本区域值班人员可以应答")
    if not text.strip():
        raise Refused("代答须写明情况(谁、以何种方式确认)", field="text")
    return True


@dataclass(frozen=True)
class Answer:
    """One answer of one addressee; ``addressee`` comes with its notice and area."""

    addressee: Addressee
    via: str
    by: int | None = None
    on_behalf: bool = False
    text: str = ""
    client_id: str | None = None
    attempt: Attempt | None = None

    @property
    def kind(self) -> Receipt.Kind:
        return Kind.ON_BEHALF if self.on_behalf else Kind.ANSWERED


def do_answer(addressee: Addressee, *, via: str, **given: Any) -> bool:
    """Take an answer; the same answer twice counts once, a late one is kept as late. True when it was news."""
    return bool(do_answers([Answer(addressee, via, **given)]))


def do_answers(answers: list[Answer]) -> list[Addressee]:
    """Take many answers in one transaction, one line each; the addressees for whom it was news."""
    check_open()
    with transaction.atomic():
        fresh = _receive_many(answers)
        pks = [a.addressee.pk for a in fresh]
        rows = Addressee.everywhere.select_for_update().filter(pk__in=pks).exclude(state__in=Addressee.ANSWERS)
        open_ = dict(rows.values_list("pk", "silent_at"))
        news = []
        for answer in fresh:
            if answer.addressee.pk in open_:
                answer.addressee.silent_at = open_.pop(answer.addressee.pk)
                news.append(_answered(answer))
        for notice in {a.notice_id: a.notice for a in news}.values():
            _close_if_done(notice)
    return news


def _answered(answer: Answer) -> Addressee:
    addressee = answer.addressee
    addressee.state = State.ON_BEHALF if answer.on_behalf else State.ANSWERED
    addressee.answered_at, addressee.answered_by_id, addressee.answer_channel = now(), answer.by, answer.via
    addressee.waited_s = addressee.waited.total_seconds() if addressee.waited else None
    addressee.note = answer.text[:300] or addressee.note
    Addressee.everywhere.filter(pk=addressee.pk).update(
        state=addressee.state, answered_at=addressee.answered_at, answered_by=answer.by, answer_channel=answer.via,
        waited_s=addressee.waited_s, note=addressee.note,
    )  # fmt: skip
    late = ",迟到" if addressee.late else ""
    how = f"{answer.kind.label}({VIA.get(answer.via, answer.via)}{late})"
    journal.write(
        "notice.answered", addressee, text=f"{addressee}{how}", level=addressee.notice.level,
        after={"notice": addressee.notice_id, "state": addressee.state, "via": answer.via, "late": bool(late)},
    )  # fmt: skip
    return addressee


def _receive_many(answers: list[Answer]) -> list[Answer]:
    """Write the receipts of answers whose client numbers are new; these answers."""
    fresh, plain = [], []
    for a in answers:
        if a.client_id is None:
            plain.append(a)
        elif _receive(a.addressee, a.kind, via=a.via, by=a.by, text=a.text, client_id=a.client_id, attempt=a.attempt):
            fresh.append(a)
    Receipt.everywhere.bulk_create(
        _receipt(a.addressee, a.kind, via=a.via, by=a.by, text=a.text, attempt=a.attempt) for a in plain
    )
    return [*plain, *fresh]


def do_receipt(
    addressee: Addressee, kind: str, *, via: str, by: int | None = None, text: str = "", client_id: str | None = None,
    attempt: Attempt | None = None,
) -> bool:  # fmt: skip
    """Keep a receipt that is no answer: read, accepted, arrived, done. True when it was news."""
    check_open()
    with transaction.atomic():
        if not _receive(addressee, kind, via=via, by=by, text=text, client_id=client_id, attempt=attempt):
            return False
        if kind in (Kind.ARRIVED, Kind.DONE):
            Addressee.everywhere.filter(pk=addressee.pk, acted_at=None).update(acted_at=now())
        if kind != Kind.READ:
            said = f":{text}" if text else ""
            journal.write(
                f"notice.{kind}", addressee, text=f"{addressee}{Kind(kind).label}({VIA.get(via, via)}){said}",
                level=addressee.notice.level, after={"notice": addressee.notice_id, "via": via, "by": by},
            )  # fmt: skip
    return True


def do_report_moved(
    addressee: Addressee, households: int, people: int, *, via: str = "app", by: int | None = None, text: str = "",
    client_id: str | None = None,
) -> bool:  # fmt: skip
    """How many have been moved so far. A later report corrects an earlier one; each is kept as a receipt."""
    check_open()
    if min(households, people) < 0 or max(households, people) > MOST_PEOPLE:
        raise Refused(f"转移户数、人数须在 0 到 {MOST_PEOPLE} 之间", field="households")
    if people < households:
        raise Refused("转移人数不应少于户数", field="people")
    with transaction.atomic():
        said = text or f"已转移{households}户{people}人"
        if not _receive(addressee, Kind.MOVED, via=via, by=by, text=said, client_id=client_id):
            return False
        before = {"households": addressee.households, "people": addressee.people}
        Addressee.everywhere.filter(pk=addressee.pk).update(
            households=households, people=people, acted_at=Coalesce("acted_at", Value(now()))
        )
        addressee.households, addressee.people = households, people
        journal.write(
            "notice.moved", addressee, text=f"{addressee.area}报告{said}", level=addressee.notice.level, before=before,
            after={"notice": addressee.notice_id, "households": households, "people": people},
        )  # fmt: skip
    return True


def _receipt(
    addressee: Addressee, kind: str, *, via: str, by: int | None, text: str, client_id: str | None = None,
    attempt: Attempt | None = None,
) -> Receipt:  # fmt: skip
    return Receipt(
        world_id=addressee.world_id, area_id=addressee.area_id, addressee=addressee, attempt=attempt, kind=kind,
        at=now(), by_id=by, via=via, text=text[:300], client_id=client_id or None,
    )  # fmt: skip


def _receive(addressee: Addressee, kind: str, **given: Any) -> bool:
    """Write a receipt; False when a receipt with this client's number stands already."""
    receipt = _receipt(addressee, kind, **given)
    same = Receipt.everywhere.filter(world_id=addressee.world_id, client_id=receipt.client_id)
    if receipt.client_id and same.exists():
        return False
    try:
        with transaction.atomic():
            receipt.save()
    except IntegrityError:
        if receipt.client_id and same.exists():
            return False
        raise
    return True


def _close_if_done(notice: Notice) -> None:
    if not Addressee.everywhere.filter(notice=notice, state=State.WAITING).exists():
        do_close(notice, "全部应答")
