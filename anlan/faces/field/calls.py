"""Calls that wait for the person who looks: their own rows, as holder or deputy, and nobody else's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.decorators.http import require_POST

from anlan.kernel.answers.acts import Kind, State, do_answer, do_receipt, do_report_moved
from anlan.kernel.cases import Refused
from anlan.kernel.clock import now
from anlan.kernel.notice.models import Addressee, Attempt, Notice
from anlan.kernel.people import scope

from .told import client_id, clock_words, count, done, refused

SHOWN = timedelta(hours=48)
COLOURS = {1: "红色", 2: "橙色", 3: "黄色", 4: "蓝色"}
OPEN = (State.WAITING, State.SILENT)
OTHERS = (Attempt.Whom.SUPERIOR, Attempt.Whom.NEIGHBOUR)


@dataclass(frozen=True)
class Call:
    """One notice with the rows of it that are mine."""

    notice: Notice
    rows: list[Addressee]
    newest: bool = True
    """No later call about the same matter has come: what is reported belongs here."""

    @property
    def first(self) -> Addressee:
        return self.rows[0]

    @property
    def waiting(self) -> bool:
        return any(row.state in OPEN for row in self.rows)

    @property
    def answered(self) -> bool:
        return all(row.state in Addressee.ANSWERS for row in self.rows)

    @property
    def level_word(self) -> str:
        return self.notice.get_level_display() if self.notice.level else ""

    @property
    def colour(self) -> str:
        return COLOURS.get(self.notice.level, "")


def mine(person: int | None) -> QuerySet[Addressee]:
    """The rows of a person in this world; nobody's when there is no person, for vacant posts have none either."""
    if person is None:
        return Addressee.everywhere.none()
    rows = Addressee.everywhere.filter(Q(person=person) | Q(deputy=person), world=scope.current().world)
    return rows.select_related("notice", "area").order_by("-notice_id", "pk")


def recent(person: int | None) -> list[Call]:
    """The calls of the last two days, the newest first."""
    rows = mine(person).filter(notice__issued_at__gte=now() - SHOWN)[:60]
    found: list[Call] = []
    for notice, group in groupby(rows, key=lambda row: row.notice):
        found.append(Call(notice, list(group), not any(_same_matter(notice, later.notice) for later in found)))
    return found


def _same_matter(one: Notice, other: Notice) -> bool:
    return bool(one.about_id) and (one.about_type, one.about_id, one.kind) == (other.about_type, other.about_id, other.kind)


def asked_for(person: int | None) -> list[Attempt]:
    """Calls to this person for somebody else who is silent: the newest for each post."""
    if person is None:
        return []
    rows = Attempt.everywhere.filter(
        person=person, whom__in=OTHERS, addressee__state__in=OPEN, world=scope.current().world,
        addressee__notice__issued_at__gte=now() - SHOWN,
    )  # fmt: skip
    newest: dict[int, Attempt] = {}
    for attempt in rows.select_related("addressee__notice", "addressee__area", "addressee__person").order_by("pk"):
        newest[attempt.addressee_id] = attempt
    return list(newest.values())[:20]


def one(pk: int) -> Addressee:
    row = mine(scope.current().person_id).filter(pk=pk).first()
    if row is None:
        raise Http404("没有找到这条叫应,或不是发给您的。")
    return row


@require_POST
def answer(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One tap answers for every post that the person holds in this notice."""
    row = one(pk)
    number = client_id(request)
    rows = [*mine(scope.current().person_id).filter(notice=row.notice)]
    message = do_received(rows, via="app", by=scope.current().person_id, number=number)
    return done(request, message)


def do_received(rows: list[Addressee], *, via: str, by: int | None, number: str | None) -> str:
    """Take the answer for these rows of one notice, and say what was noted."""
    with transaction.atomic():
        for row in rows:
            mark: dict[str, Any] = {"via": via, "by": by, "client_id": number and f"{number}:{row.pk}"}
            if row.state == State.RELEASED:
                do_receipt(row, Kind.READ, text="叫应解除后点了收到", **mark)
            elif row.state != State.TOLD:
                do_answer(row, **mark)
    fresh = Addressee.everywhere.get(pk=rows[0].pk)
    if fresh.state == State.RELEASED:
        return "该叫应已经解除,不用再应答;您看到的时间已记下"
    return f"应答已送达 {clock_words(fresh.answered_at)}"


@require_POST
def moved(request: HttpRequest, pk: int) -> HttpResponseBase:
    """How many have been moved so far."""
    from .home import draw

    row = one(pk)
    try:
        return done(request, take_moved(request, row, via="app", by=scope.current().person_id))
    except Refused as no:
        return refused(no, draw(request, {"pk": pk, "fault": str(no), **request.POST.dict()}), request)


def take_moved(request: HttpRequest, row: Addressee, *, via: str, by: int | None) -> str:
    """Read the two numbers and keep them. More people than live there need a second look."""
    households, people = count(request, "households", "户数"), count(request, "people", "人数")
    if households is None or people is None:
        raise Refused("请填已转移的户数和人数;没有就填 0", field="households" if households is None else "people")
    limit = row.area.population
    if limit and people > limit and not request.POST.get("sure"):
        raise Refused(f"{people} 人超过{row.area}人口({limit} 人)。如属实,请勾选「数字无误」再报", field="people")
    number = client_id(request)
    do_report_moved(row, households, people, via=via, by=by, client_id=number and f"{number}:{row.pk}")
    return f"转移 {households} 户 {people} 人,已送达 {clock_words(now())}"
