"""Verbs of the flood office: propose, confirm, and what a confirmed proposal does."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from anlan.engines.grades import LEVELS
from anlan.kernel import journal
from anlan.kernel.cases import Refused
from anlan.kernel.cases.moves import after, move, open_case
from anlan.kernel.clock import due, now
from anlan.kernel.notice import acts as notice
from anlan.kernel.notice.models import Notice
from anlan.kernel.people import scope
from anlan.kernel.people.models import Area
from anlan.kernel.worlds.models import World

from . import flows
from .models import Proposal, Response

AUTO_AFTER = timedelta(minutes=10)
CALLED = ("flood_office", "district_duty", "town_duty", "village_officer", "reservoir_keeper")


def standing() -> Response | None:
    """The response in force in the present world."""
    return Response.objects.filter(state="active").order_by("-id").first()


def alone() -> None:
    """Until this transaction ends nobody else proposes in this world; the world's row is the lock."""
    World.objects.select_for_update().get(pk=scope.current().world.pk)


def do_propose(kind: str, level: int | None, areas: list[str], *, fired: dict[str, Any], reason: str, at: datetime) -> Proposal:
    """Put a proposal before the duty officer; an older one still waiting lapses."""
    for older in Proposal.objects.filter(state="proposed"):
        do_lapse(older, "已有新的建议")
    proposal = Proposal(
        area_id=scope.ROOT, kind=kind, level=level, areas=areas, fired=fired, reason=reason, signal_at=at, response=standing()
    )
    with transaction.atomic():
        open_case(proposal, text=f"{proposal}。{reason}", level=level, basis=fired.get("source", ""), wide=True)
        if proposal.automatic:
            due.put("flood.confirm", now() + AUTO_AFTER, key=f"flood.confirm:{proposal.pk}", proposal=proposal.pk)
    return proposal


def do_lapse(proposal: Proposal, reason: str) -> None:
    move(proposal, "lapse", line={"text": f"{proposal}:{reason},本条失效"})


@due.handles("flood.confirm")
def _auto_confirm(row: Any) -> None:
    """In a replay the switch stands in for the duty officer, and the record says so."""
    proposal = Proposal.objects.get(pk=row.body["proposal"])
    if proposal.state == "proposed" and proposal.automatic:
        do_confirm(proposal, signer="自动确认(回放)", consult="回放世界自动确认开关")


def do_confirm(proposal: Proposal, *, signer: str, consult: str = "") -> Proposal:
    """Confirm: the level stands and the calls are due, in one transaction."""
    said = {"text": f"{proposal}:{signer}确认", "level": proposal.level, "wide": True}
    return move(proposal, "confirm", signer=signer, consult=consult, line=said)


@after(flows.PROPOSAL, "confirm")
def carry_out(proposal: Proposal) -> None:
    """What a confirmed proposal does, whoever confirmed it and wherever."""
    if proposal.kind == Proposal.Kind.END:
        _stand_down(proposal)
    elif proposal.kind == Proposal.Kind.LOWER:
        _lower(proposal)
    else:
        _start_or_raise(proposal)


def _start_or_raise(proposal: Proposal) -> None:
    response, before = standing(), None
    if response is None:
        response = Response(
            area_id=scope.ROOT, title="防汛防台风", level=proposal.level, areas=proposal.areas, started_at=now()
        )
        open_case(response, text=f"市防指启动{response}", level=response.level, basis=_basis(proposal), wide=True)
    else:
        before = _set(response, proposal)
    Proposal.objects.filter(pk=proposal.pk).update(response=response)
    proposal.response = response
    _told(response, proposal, before)
    call_out(response, proposal)


def _lower(proposal: Proposal) -> None:
    """A lower level stands in the same districts. Those concerned are told; nobody is rung up for less danger."""
    response = standing()
    if response is None:
        raise Refused("当前没有正在进行的响应")
    if proposal.level is None or proposal.level <= response.level:
        raise Refused(f"当前已是{response.get_level_display()}响应,不需要降低")
    before = _set(response, proposal)
    _told(response, proposal, before)
    text = (
        f"青岛市防指将防汛防台风应急响应由{_roman(before)}降低为{response.get_level_display()}。{proposal.reason}。"
        f"请按{response.get_level_display()}要求继续值守;仅为告知,无需应答。"
    )
    notice.do_call(
        title=f"{response}告知", text=text, level=response.level, roles=CALLED, areas=response.areas, about=response,
        kind=Notice.Kind.INFORM, wide=True,
    )  # fmt: skip


def _set(response: Response, proposal: Proposal) -> int:
    """The response takes the proposal's level and reaches its districts too; no district is ever dropped. The old level."""
    before, response.level = response.level, proposal.level
    response.areas = sorted({*response.areas, *proposal.areas})
    response.save()
    return before


def _told(response: Response, proposal: Proposal, before: int | None) -> None:
    done = proposal.get_kind_display()
    said = f"将防汛防台风应急响应由{_roman(before)}{done}为{response.get_level_display()}" if before else f"{done}{response}"
    journal.write(
        "response.changed" if before else "response.started", response, text=f"市防指{said},范围:{area_names(response.areas)}",
        level=response.level, before={"level": before}, after={"level": response.level}, basis=_basis(proposal), wide=True,
    )  # fmt: skip


def _roman(level: int) -> str:
    return LEVELS[level]


def _basis(proposal: Proposal) -> str:
    return f"{proposal.fired.get('rule', '')} {proposal.fired.get('source', '')}".strip()


def call_out(response: Response, proposal: Proposal) -> Any:
    """Call every responsible person of the affected districts, towns and villages."""
    text = (
        f"青岛市防指{proposal.get_kind_display()}防汛防台风{response.get_level_display()}应急响应。{proposal.reason}。"
        "请立即到岗,排查隐患,做好转移准备,并应答。"
    )
    return notice.do_call(
        title=f"{response}叫应", text=text, level=response.level, roles=CALLED, areas=response.areas, about=response, wide=True,
    )  # fmt: skip


def _stand_down(proposal: Proposal) -> None:
    response = standing()
    if response is None:
        raise Refused("当前没有正在进行的响应")
    response.ended_at = now()
    with scope.narrowed(reaches=None):  # who may confirm the end was asked above; the ending follows from it
        move(response, "end", line={"text": f"市防指终止{response}", "level": response.level, "wide": True})
    notice.do_close_about(response)
    text = f"市防指终止{response},历时{_hours(response)}"
    journal.write("response.stood_down", response, text=text, level=response.level, basis=_basis(proposal), wide=True)


def _hours(response: Response) -> str:
    minutes = int(((response.ended_at or now()) - response.started_at).total_seconds() // 60)
    return f"{minutes // 60}小时{minutes % 60}分"


def area_names(codes: list[str]) -> str:
    names = list(Area.objects.filter(code__in=codes).values_list("name", flat=True))
    if names == ["青岛市"] or len(names) == Area.objects.filter(level=Area.Level.DISTRICT).count():
        return "全市"
    return "、".join(names)
