"""What happened about one event: the journal's lines on it, its response, proposals, calls, signals and orders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import CharField, Min, Q, QuerySet
from django.db.models.functions import Cast

from anlan.disaster.flood.models import Proposal, Response
from anlan.kernel.clock import now
from anlan.kernel.journal import read
from anlan.kernel.notice.models import Addressee, Notice
from anlan.kernel.people import scope
from anlan.response.command.models import Event
from anlan.response.duty.models import Intake

BEFORE = timedelta(hours=24)
WEATHER = ("warning.issued", "warning.lifted", "fact.published")
DETAIL = ("order.given", "order.received", "order.done", "order.refused", "order.withdrawn", "notice.answered", "notice.silent",
          "notice.moved", "notice.accepted", "notice.arrived", "notice.again", "proposal.lapsed", "case.reminded")  # fmt: skip
"""Lines of single units and persons: in the full list, not in the chronicle."""


@dataclass(frozen=True)
class Story:
    """One event and the records that belong to it, found by reference."""

    event: Event

    @property
    def response(self) -> Response | None:
        if self.event.cause_type != Response._meta.label_lower:
            return None
        return Response.objects.filter(pk=self.event.cause_id).first()

    @property
    def intake(self) -> Intake | None:
        if self.event.cause_type != Intake._meta.label_lower:
            return None
        return Intake.objects.filter(pk=self.event.cause_id).first()

    @property
    def proposals(self) -> QuerySet[Proposal]:
        response = self.response
        return Proposal.objects.filter(response=response).order_by("id") if response else Proposal.objects.none()

    @property
    def notices(self) -> QuerySet[Notice]:
        """Calls about the event itself or about its response."""
        about = Q(about_type=self.event._meta.label_lower, about_id=str(self.event.pk))
        if self.event.cause_type:
            about |= Q(about_type=self.event.cause_type, about_id=self.event.cause_id)
        return Notice.objects.filter(about).order_by("id")

    @property
    def addressees(self) -> QuerySet[Addressee]:
        return Addressee.objects.filter(notice__in=self.notices.values("pk"))

    @property
    def weather(self) -> bool:
        """Is this event one that warning signals and rain belong to?"""
        return self.event.kind in (Event.Kind.FLOOD, Event.Kind.RAIN, Event.Kind.WATER)

    @property
    def since(self) -> datetime:
        """A day before the first signal that led to the response, or before the event."""
        first = self.proposals.aggregate(at=Min("signal_at"))["at"]
        return min(filter(None, (first, self.event.occurred_at))) - BEFORE

    @property
    def closed_at(self) -> datetime | None:
        """When the handling ended; a later review does not move it."""
        return read.history(self.event).filter(verb="event.closed").values_list("at", flat=True).first()

    @property
    def until(self) -> datetime:
        return self.closed_at or now()

    def lines(self, *, full: bool = False) -> QuerySet[Any]:
        """The journal's lines about this event, oldest first; ``full`` with every order and every answer."""
        about = self._is(self.event._meta.label_lower, [str(self.event.pk)])
        if self.event.cause_type:
            about |= self._is(self.event.cause_type, [self.event.cause_id])
        about |= self._is(Proposal._meta.label_lower, keys(self.proposals))
        about |= self._is(Notice._meta.label_lower, keys(self.notices))
        about |= self._is("command.order", keys(self.event.orders.all()))
        if full:
            about |= self._is(Addressee._meta.label_lower, keys(self.addressees))
        if self.weather:
            about |= Q(verb__in=WEATHER, at__gte=self.since, at__lte=self.until)
        rows = read.lines().filter(about)
        return (rows if full else rows.exclude(verb__in=DETAIL)).order_by("at", "id")

    @staticmethod
    def _is(kind: str, keys: Any) -> Q:
        return Q(subject_type=kind, subject_id__in=keys)


def keys(rows: QuerySet[Any]) -> Any:
    """Keys as the journal writes them, as a subquery."""
    return rows.order_by().annotate(said=Cast("pk", CharField())).values("said")


def mark() -> str:
    """What a paper of this world carries on each page; empty in the real city."""
    world = scope.current().world
    if world.actual:
        return ""
    return {"exercise": "【演练】", "replay": "【回放】"}[world.kind] + world.title
