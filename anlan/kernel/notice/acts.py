"""The verbs of a notice: issue, answer, report, close. ``check_`` is asked by a person, ``do_`` is trusted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, models, transaction
from django.db.models import Q, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from anlan.kernel import journal
from anlan.kernel.cases import Refused
from anlan.kernel.cases.moves import check_open
from anlan.kernel.cases.numbers import next_number
from anlan.kernel.clock import due, now
from anlan.kernel.people import ask, scope
from anlan.kernel.people.models import Post
from anlan.kernel.people.roles import ROLES, STAFF

from .channels import VIA
from .ladder import CALL, INFORM, Ladder, restore
from .models import Addressee, Attempt, Notice, Receipt

State, Kind = Addressee.State, Receipt.Kind
MOST_PEOPLE = 200_000


def do_call(
    title: str,
    text: str,
    *,
    level: int | None,
    roles: tuple[str, ...],
    areas: Iterable[str],
    about: models.Model | None = None,
    tiers: tuple[str, ...] = (),
    ladder: Ladder | None = None,
    kind: str = Notice.Kind.CALL,
    wide: bool = False,
) -> Notice:
    """Issue a notice to every post of these roles in these areas: one transaction, one line, its rungs as due rows.

    An earlier notice about the same record is closed by it. Raises ValueError for a role that does not exist.
    """
    check_open()
    if odd := set(roles) - set(ROLES):
        raise ValueError(f"notice 「{title}」: unknown roles {', '.join(sorted(odd))}")
    steps = ladder or (CALL if kind == Notice.Kind.CALL else INFORM)
    codes, moment = list(dict.fromkeys(areas)), now()
    with transaction.atomic():
        if about is not None:
            do_close_about(about, "由新的通知取代")
        notice = Notice(
            number=next_number("notice"), title=title, text=text, kind=kind, level=level, areas=codes, ladder=steps.snapshot(),
            issued_at=moment, wide=wide, area_id=codes[0] if len(codes) == 1 else scope.ROOT,
            about_type=about._meta.label_lower if about else "", about_id=str(about.pk) if about else "",
        )  # fmt: skip
        notice.save()
        people = addressees(notice, roles, codes, tiers)
        Addressee.everywhere.bulk_create(people, batch_size=500)
        _put_rungs(notice, steps)
        label = Notice.Kind(kind).label
        journal.write(
            "notice.issued", notice, text=f"{label}「{title}」发往{len(people)}个岗位", level=level, wide=wide,
            basis=steps.basis,
            after={"addressees": len(people), "vacant": sum(p.person_id is None for p in people), "ladder": steps.name},
        )  # fmt: skip
    return notice


def addressees(notice: Notice, roles: tuple[str, ...], areas: list[str], tiers: tuple[str, ...]) -> list[Addressee]:
    """One row a post, the A role as target and the deputy known; a vacant post is kept, for it is silent too."""
    where = Q(pk__in=())
    for code in areas:
        where |= scope.within("area_id", scope.prefix(code))
    posts = Post.everywhere.filter(where, role__in=roles).order_by("area_id", "pk")
    if tiers:
        posts = posts.filter(tier__in=tiers)
    held = _holders(roles, areas, tiers, notice.issued_at)
    state = State.WAITING if notice.kind == Notice.Kind.CALL else State.TOLD
    few = ask.alone(scope.current().world)
    rows = []
    for post in posts:
        ranks = held.get(post.pk, [])
        if few and not ranks:
            continue  # this post takes no part in the exercise
        first, second = (*ranks, None, None)[:2]
        rows.append(Addressee(
            world_id=notice.world_id, area_id=post.area_id, notice=notice, post=post, title=post.title, role=post.role,
            tier=post.tier, state=state, person_id=first and first[0], name=first[1] if first else "",
            deputy_id=second and second[0],
        ))  # fmt: skip
    return rows


def _holders(
    roles: tuple[str, ...], areas: list[str], tiers: tuple[str, ...], at: datetime
) -> dict[int, list[tuple[int, str]]]:
    """post → its holders (person, name), A role first."""
    held: dict[int, list[tuple[int, str]]] = {}
    for code in areas:
        rows = ask.holders(roles, code, timezone.localdate(at), tiers).values_list("post_id", "person_id", "person__name")
        for post, person, name in rows:
            kept = held.setdefault(post, [])
            if (person, name) not in kept:
                kept.append((person, name))
    return held


def rung_key(notice: Notice, n: int | str) -> str:
    return f"notice:{notice.pk}:{n}"


def _put_rungs(notice: Notice, ladder: Ladder) -> None:
    rows: list[tuple[datetime, str | None, dict]] = [
        (notice.issued_at + timedelta(seconds=rung.after_s), rung_key(notice, n), {"notice": notice.pk, "rung": n})
        for n, rung in enumerate(ladder.rungs)
    ]
    due.put_many("notice.rung", rows)
    if ladder.end_s is not None:
        end = notice.issued_at + timedelta(seconds=ladder.end_s)
        due.put("notice.end", end, key=rung_key(notice, "end"), notice=notice.pk)


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


def do_close(notice: Notice, reason: str) -> bool:
    """End a notice: later rungs fall due no more, who still waited is released. False when it was closed before."""
    check_open()
    with transaction.atomic(), scope.narrowed(person_id=None, name="系统", unit="", reaches=None):
        if not Notice.everywhere.filter(pk=notice.pk, closed_at=None).update(closed_at=now()):
            return False
        ladder = restore(notice.ladder)
        due.drop(*(rung_key(notice, n) for n in range(len(ladder.rungs))), rung_key(notice, "end"))
        waiting = Addressee.everywhere.filter(notice=notice, state=State.WAITING)
        released = waiting.update(state=State.RELEASED)
        journal.write(
            "notice.closed", notice, text=f"「{notice.title}」结束:{reason}", level=notice.level, wide=notice.wide,
            after={"reason": reason, "released": released},
        )  # fmt: skip
    return True


def do_close_about(about: models.Model, reason: str = "响应调整或终止") -> int:
    """Close every open notice about a record; how many."""
    rows = Notice.everywhere.filter(
        world=scope.current().world, about_type=about._meta.label_lower, about_id=str(about.pk), closed_at=None
    )
    return sum(do_close(notice, reason) for notice in rows.order_by("pk"))
