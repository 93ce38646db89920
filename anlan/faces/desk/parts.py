"""The sections of the desk's home: each a query over the present scope, drawn alone or with the others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.db.models import Q
from django.utils import timezone

from anlan.disaster.flood import acts as flood
from anlan.disaster.flood.models import Proposal
from anlan.faces import summary
from anlan.kernel.cases.models import Case
from anlan.kernel.clock import now
from anlan.kernel.journal import read
from anlan.kernel.notice.models import Notice
from anlan.kernel.people import scope
from anlan.kernel.people.models import Area
from anlan.kernel.people.roles import COMMAND
from anlan.kernel.registers import find, of
from anlan.response.command import acts as command
from anlan.response.command.models import Event, Order
from anlan.response.duty import acts as duty
from anlan.response.duty import handover as watches
from anlan.response.duty.models import Intake, PhoneCall, PhoneReport, Shift, WrittenReport
from anlan.sensing.models import Alarm, Warning

from .figures import counted, shown

Part = Callable[[], dict[str, Any]]
PARTS: dict[str, tuple[Part, str]] = {}
ROWS = 8
MISSED, URGENT = 4, 6


def part(name: str, hears: str) -> Callable[[Part], Part]:
    """Declare a section; ``hears`` are the nouns of the journal's verbs that make it stale."""

    def wrap(ask: Part) -> Part:
        PARTS[name] = (ask, hears)
        return ask

    return wrap


def ask(name: str) -> dict[str, Any]:
    """One section's name, what it hears and its data."""
    query, hears = PARTS[name]
    return {"part": name, "hears": hears, "may": may(), **query()}


def may() -> bool:
    """Does this asker command at the desk (confirm, order, acknowledge)?"""
    return scope.current().can(*COMMAND, area=scope.ROOT)


def leader() -> str:
    """The name of the leader on duty now, who usually signs."""
    return next((s.person.name for s in duty.on_duty() if s.post == Shift.Post.LEAD), "")


@part("watch", "response shift city replay exercise")
def watch() -> dict[str, Any]:
    response = flood.standing()
    event = command.of_cause(response._meta.label_lower, str(response.pk)) if response else None
    return {"shifts": duty.on_duty(), "response": response, "event": event, "where": flood.area_names(response.areas) if response else ""}


@part("proposals", "proposal")
def proposals() -> dict[str, Any]:
    rows = list(Proposal.objects.filter(state="proposed").order_by("due_at"))
    for row in rows:
        row.where = flood.area_names(row.areas)
    return {"rows": rows, "signer": leader(), "auto": scope.current().world.switches.get("auto_confirm"), "total": shown("flood.proposals", alert=True)}


@part("events", "event order plan")
def events() -> dict[str, Any]:
    rows = list(Event.objects.filter(state="open").order_by("level", "-id")[:ROWS])
    for row in rows:
        where = {"event": row.pk}
        row.figures = [
            counted("order", where, "指令", "条", "本事件下达的调度指令数"),
            counted("order", {**where, "state": "done"}, "完成", "条", "本事件已报告完成的调度指令数"),
            counted("order", {**where, "overdue": True}, "超时", "条", "本事件超过时限仍未完成的调度指令数", alert=True),
        ]
    return {"rows": rows, "total": shown("command.events")}


@part("warnings", "warning alarm")
def warnings() -> dict[str, Any]:
    open_ = Alarm.objects.filter(Q(shelved_until=None) | Q(shelved_until__lte=now()), active=True, held=False, acknowledged_at=None)
    alarms = open_.select_related("sensor__station", "rule", "area").alias(single=Q(sensor__isnull=False)).order_by("level", "single", "-at", "-id")
    return {
        "signals": Warning.objects.filter(state="active").select_related("area").order_by("level", "-issued_at"),
        "alarms": alarms[:ROWS], "unseen": open_.count(), "more": max(0, open_.count() - ROWS),
        "total": shown("sensing.warnings"), "active": shown("sensing.alarms"),
    }  # fmt: skip


@part("calls", "notice")
def calls() -> dict[str, Any]:
    """The newest call by district, the silent first."""
    notice = Notice.objects.filter(kind=Notice.Kind.CALL).order_by("-id").first()
    branches = summary.tree(notice) if notice else []
    ranks = dict(Area.objects.filter(code__in=[b["code"] for b in branches]).values_list("code", "rank"))
    for branch in branches:
        where = {"notice": notice.pk, "area": branch["code"]} if branch["code"] != scope.ROOT else {"notice": notice.pk, "tier": "city"}
        branch["href"] = find("addressee").url(where)
        branch["silent_href"] = find("addressee").url({**where, "state": ["silent", "waiting"]})
        branch["share"] = round(100 * branch["answered"] / branch["total"])
    branches.sort(key=lambda b: (-b["silent"], -b["waiting"], ranks.get(b["code"], 0)))
    return {
        "notice": notice, "branches": branches, "silent": shown("desk.silent", alert=True), "waiting": shown("desk.waiting"),
    }  # fmt: skip


@part("orders", "order case")
def orders() -> dict[str, Any]:
    rows = Order.objects.filter(closed_at=None).select_related("unit", "event").order_by("-overdue", "finish_by", "pk")
    return {"rows": rows[:ROWS], "total": shown("desk.orders"), "late": shown("command.overdue", alert=True)}


@part("reports", "phone_report written_report intake case")
def reports() -> dict[str, Any]:
    rows: list[Case] = []
    for model in (PhoneReport, WrittenReport):
        rows += model.objects.filter(closed_at=None).select_related("intake")
    rows.sort(key=lambda r: (not r.overdue, r.due_at or now()))
    return {"rows": rows, "phone": shown("duty.reports", alert=True), "written": shown("desk.written", alert=True)}


@part("intakes", "intake")
def intakes() -> dict[str, Any]:
    """What came in, reports from the field that nobody has received first."""
    rows = Intake.objects.select_related("area").order_by("-unseen", "-id")[:4]
    return {"rows": rows, "total": shown("duty.intakes"), "unseen": shown("duty.unseen", alert=True)}


@part("phone", "phone_call case")
def phone() -> dict[str, Any]:
    """Who rang and was not heard, the longest first."""
    missed = PhoneCall.objects.filter(state="missed").order_by("at", "pk")
    return {"rows": missed[:MISSED], "missed": shown("duty.missed", alert=True), "watch": watches.may(), "log": find("phonecall").url()}


@part("handover", "handover case event order notice warning intake phone_call phone_report written_report")
def handover() -> dict[str, Any]:
    """The newest hand-over of one's own watch, and what would be carried over now."""
    row = watches.latest()
    open_ = [item for item in watches.items() if item.value] if row is None or row.state == "offered" else []
    mine = bool(row and row.giver_id == scope.current().person_id)
    return {"row": row, "items": open_, "watch": watches.may(), "mine": mine}


@part("today", "case order proposal phone_report written_report")
def today() -> dict[str, Any]:
    rows = must_do()
    return {"rows": rows[:URGENT], "count": len(rows), "late_count": sum(r.overdue for r in rows)}


def must_do() -> list[Case]:
    """Everything that falls due today or is late already, the late first."""
    midnight = timezone.localtime(now()).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    rows: list[Case] = []
    for model in apps.get_models():
        if issubclass(model, Case) and (book := of(model)) and book.visible():
            rows += book.seen().filter(closed_at=None, due_at__lt=midnight).select_related("area", *book.joins)
    return sorted(rows, key=lambda r: (not r.overdue, r.due_at))


@part("lines", "*")
def lines() -> dict[str, Any]:
    return {"rows": read.news()[:9]}
