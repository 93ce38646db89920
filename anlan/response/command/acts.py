"""Verbs of command: open an event, turn a plan into orders, receive and finish an order, close."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import models, transaction
from django.db.models import Count, Q
from django.utils import timezone

from anlan.kernel import journal
from anlan.kernel.cases import Refused
from anlan.kernel.cases.moves import after, move, open_case
from anlan.kernel.cases.numbers import next_number
from anlan.kernel.clock import due, now
from anlan.kernel.people import scope
from anlan.kernel.people.models import Area, Unit

from . import flows
from .models import Event, Order, Plan, Task


def do_open(event: Event, cause: models.Model | None = None) -> Event:
    """Open an event; a cause opens at most one."""
    if cause is not None:
        event.cause_type, event.cause_id = cause._meta.label_lower, str(cause.pk)
    with transaction.atomic():
        event.number = event.number or number()
        open_case(event, text=f"{event.title}:事件立项", level=event.level, wide=event.area_id == scope.ROOT)
    return event


def number() -> str:
    """Running number within the year: 青应急事〔2022〕3号."""
    year = timezone.localtime(now()).year
    return f"青应急事〔{year}〕{next_number('event', year)}号"


def of_cause(kind: str, pk: str) -> Event | None:
    return Event.objects.filter(cause_type=kind, cause_id=pk).order_by("-id").first()


def do_activate(event: Event, level: int, areas: list[str]) -> None:
    """Take the plan up at this level: one due row for each task card of it and of the lower ones, so that no screen and
    no call waits for hundreds of orders written in one piece."""
    plan = Plan.objects.filter(kind=event.kind, in_force=True).first()
    if plan is None:
        journal.write("plan.missing", event, text=f"{event}:没有适用的数字化预案,指令须人工下达", level=level)
        return
    cards = list(plan.tasks.filter(level__gte=level).order_by("level", "number"))
    orders = sum(len(still_to_order(event, card, areas)) for card in cards)
    if not orders:
        return
    with transaction.atomic():
        for card in cards:
            key = f"card:{event.pk}:{level}:{len(areas)}:{card.pk}"
            due.put("command.card", now(), key=key, event=event.pk, task=card.pk, level=level, areas=areas)
        text = f"{event}:按{plan}下达指令 {orders} 条"
        journal.write("plan.activated", event, text=text, level=level, after={"plan": str(plan), "orders": orders}, wide=True)


def do_card(event: Event, card: Task, level: int, areas: list[str]) -> list[Order]:
    """Give one task card to the units that have not got it yet."""
    with transaction.atomic():
        return [
            do_order(event, unit, card.text, card.minutes, task=card, level=level)
            for unit in still_to_order(event, card, areas)
        ]


def still_to_order(event: Event, card: Task, areas: list[str]) -> list[Unit]:
    given = set(event.orders.filter(task=card).values_list("unit_id", flat=True))
    return [unit for unit in units_for(card, areas) if unit.pk not in given]


def units_for(task: Task, areas: list[str]) -> list[Unit]:
    """The units that a task card means, within these areas."""
    where = Q(kind=task.office, area__level=task.tier)
    if task.tier != Area.Level.CITY:
        reach = Q(pk__in=())
        for code in areas:
            reach |= scope.within("area_id", scope.prefix(code))
        where &= reach
    return list(Unit.everywhere.filter(where).order_by("area_id", "code"))


def do_order(
    event: Event, unit: Unit, text: str, minutes: int, *, task: Task | None = None, level: int | None = None
) -> Order:
    """Give one order with its time limit."""
    moment = now()
    order = Order(
        event=event, task=task, unit=unit, level=level, text=text, area_id=unit.area_id, given_at=moment,
        finish_by=moment + timedelta(minutes=minutes), evidence=task.evidence if task else "",
    )  # fmt: skip
    open_case(order, text=f"指令下达{unit}:{text}", level=level)
    return order


def check_order(event: Event, unit: Unit, text: str, minutes: int) -> Order:
    """An order written by hand at the desk."""
    if not scope.current().can("duty_officer", "duty_lead", "leader", "flood_office", area=event.area_id):
        raise Refused("您没有下达指令的权限")
    if event.state != "open":
        raise Refused("事件已终止,不能再下达指令")
    if not text.strip():
        raise Refused("请填写指令内容", field="text")
    if not 1 <= minutes <= 7 * 24 * 60:
        raise Refused("完成时限须在 1 分钟至 7 天之间", field="minutes")
    return do_order(event, unit, text.strip(), minutes, level=event.level)


@after(flows.ORDER, "receive")
def received(order: Order) -> None:
    order.received_at = now()
    Order.objects.filter(pk=order.pk).update(received_at=order.received_at)


@after(flows.ORDER, "finish")
def finished(order: Order) -> None:
    """The time and whether it was late belong to the order, however it was reported."""
    order.done_at, order.late = now(), now() > order.finish_by
    Order.objects.filter(pk=order.pk).update(done_at=order.done_at, late=order.late)


def do_receive(order: Order) -> Order:
    return move(order, "receive", line={"text": f"{order.unit}已接收:{order.text[:40]}"})


def do_finish(order: Order, result: str) -> Order:
    late = "(逾期)" if now() > order.finish_by else ""
    return move(order, "finish", result=result, line={"text": f"{order.unit}完成{late}:{order.text[:40]}。{result}"})


def do_level(event: Event, level: int) -> None:
    """The event follows the response's level."""
    before, event.level = event.level, level
    with transaction.atomic():
        Event.objects.filter(pk=event.pk).update(level=level)
        text = f"{event}:响应级别{event.get_level_display()}"
        journal.write("event.levelled", event, text=text, level=level, before={"level": before}, after={"level": level}, wide=True)


def do_close(event: Event, outcome: str) -> Event:
    wide = event.area_id == scope.ROOT
    return move(event, "close", outcome=outcome, line={"text": f"{event}:处置终止。{outcome}", "wide": wide})


@after(flows.EVENT, "close")
def closed(event: Event) -> None:
    """Orders still open are withdrawn and say why."""
    for order in event.orders.filter(state__in=("given", "received")):
        move(order, "withdraw", line={"text": f"{order}:事件终止,指令撤回"})


def tally(event: Event) -> dict[str, Any]:
    """Counts of the event's orders."""
    return event.orders.aggregate(
        given=Count("pk"), done=Count("pk", filter=Q(state="done")), late=Count("pk", filter=Q(late=True) | Q(overdue=True)),
        overdue=Count("pk", filter=Q(overdue=True)), open=Count("pk", filter=Q(state__in=("given", "received"))),
    )  # fmt: skip
