"""What phones and gateways tell us about a call. One door for the real ones and the simulated ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from anlan.kernel.clock import now
from anlan.kernel.notice.models import Addressee, Attempt, Receipt

from .acts import Answer, Kind, State, do_answers, do_receipt

REASONS = {
    "no_answer": "无人接听", "busy": "占线", "off": "关机或不在服务区", "wrong_number": "空号", "refused": "拒接",
    "unsubscribed": "用户退订", "expired": "超时未送达",
}  # fmt: skip
OPEN = (Attempt.State.PLANNED, Attempt.State.SENDING, Attempt.State.SENT)


def delivered(calls: list[str]) -> None:
    """These calls reached their phones."""
    if not calls:
        return
    rows = Attempt.everywhere.filter(call__in=calls, state__in=OPEN).select_for_update()
    reached, moment = list(rows.order_by("pk")), now()
    Attempt.everywhere.filter(pk__in=[a.pk for a in reached]).update(state=Attempt.State.DELIVERED)
    Receipt.everywhere.bulk_create(
        (
            Receipt(
                world_id=a.world_id, area_id=a.area_id, addressee_id=a.addressee_id, attempt=a, kind=Kind.DELIVERED,
                at=moment, by_id=a.person_id, via=a.channel,
            )
            for a in reached
        ),
        batch_size=500,
    )  # fmt: skip


def failed(calls: list[str], reason: str) -> None:
    """These calls came to nothing."""
    rows = Attempt.everywhere.filter(call__in=calls, state__in=(*OPEN, Attempt.State.DELIVERED))
    rows.update(state=Attempt.State.FAILED, ended_at=now(), reason=reason)


@dataclass(frozen=True)
class Press:
    """A key or a reply: 1 received; 2, from a superior or neighbour, passed on."""

    call: str
    digit: str
    via: str
    text: str = ""
    client_id: str | None = None


def pressed(presses: list[Press]) -> list[Addressee]:
    """Take keys and replies; the addressees who have answered by them.

    A superior who only received has taken the matter over, but the post itself has not answered yet.
    """
    known = {p.call: p for p in presses if p.digit in ("1", "2")}
    attempts = Attempt.everywhere.filter(call__in=known).select_related("addressee__notice", "addressee__area")
    answers = []
    with transaction.atomic():
        for attempt in attempts.order_by("pk"):
            press, own = known[attempt.call], attempt.whom in (Attempt.Whom.SELF, Attempt.Whom.DEPUTY)
            number = f"{press.client_id}:{attempt.addressee_id}" if press.client_id else None
            mark: dict[str, Any] = {"via": press.via, "by": attempt.person_id, "text": press.text}
            mark |= {"client_id": number, "attempt": attempt}
            if own or press.digit == "2":
                answers.append(Answer(attempt.addressee, on_behalf=not own, **mark))
            elif attempt.addressee.state in (State.WAITING, State.SILENT):
                do_receipt(attempt.addressee, Kind.ACCEPTED, **mark)
        ringing = Attempt.everywhere.filter(call__in=known).exclude(state=Attempt.State.ANSWERED)
        ringing.update(state=Attempt.State.ANSWERED, ended_at=now())
        return do_answers(answers)
