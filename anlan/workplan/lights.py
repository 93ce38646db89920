"""How far a plan is: each target against its indicator, each node against the day, each item by rule."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.db.models import Count, Prefetch, Q

from anlan.engines.papers.words import day
from anlan.kernel.clock import now
from anlan.kernel.forms import FORMS
from anlan.kernel.indicators.declared import INDICATORS, Indicator
from anlan.kernel.people import scope

from .models import Aim, Item, Measure, Node, Plan
from .turns import SOON, Turn, today, turns_of

LIGHTS = {"red": "滞后", "yellow": "临期", "green": "正常", "done": "已完成", "grey": "无数据"}


@dataclass(frozen=True)
class Progress:
    """A target and what stands now. ``reached`` is None when nobody knows."""

    aim: Aim
    reached: float | None
    href: str

    @property
    def met(self) -> bool | None:
        share = self.aim.share(self.reached)
        return None if share is None else share >= 1

    def met_for_good(self, over: bool) -> bool:
        """A limit that must not be passed is kept only when its time is over."""
        return bool(self.met) and (over or self.aim.comparator != Aim.Comparator.LE)

    @property
    def own(self) -> bool:
        """Reported by its owner, and not computed."""
        return self.aim.meter is None and self.reached is not None


def period_of(plan: Plan) -> tuple[date, date]:
    """The days whose records count: from the first of its year until a later year's plan is in force, and never beyond today."""
    first, end = date(plan.year, 1, 1), today()
    if Plan.everywhere.filter(year__gt=plan.year, year__lte=end.year, current=True).exists():
        end = date(plan.year, 12, 31)
    return first, max(first, end)


def read(aim: Aim, period: tuple[date, date]) -> Progress:
    """A target's stand, counted over the whole city whoever asks."""
    if (one := aim.meter) is None:
        return Progress(aim, aim.reported, "")
    with scope.everyone(scope.current().world):
        return Progress(aim, one.value(period), one.href(period))


def plan_in_force(year: int | None = None) -> Plan | None:
    """The plan of a year; else of the running one, else the newest before it: a plan that was taken early waits for its year."""
    rows = Plan.objects.filter(current=True)
    if year is not None:
        return rows.filter(year=year).first()
    return rows.filter(year__lte=today().year).order_by("-year").first() or rows.order_by("year").first()


def years() -> list[int]:
    """The years of which there is a plan, the newest first."""
    return list(Plan.objects.filter(current=True).order_by("-year").values_list("year", flat=True))


@dataclass(frozen=True)
class Work:
    """What the cases of a form tell of the items that it serves: how many there are, are late, fall due soon."""

    title: str
    total: int
    late: int
    soon: int


def works(period: tuple[date, date], names: Collection[str]) -> dict[str, Work]:
    """By form, of those named, counted over the whole city whoever asks: this year's, and what is open from before; a record only
    tells that there is work at all."""
    found, edge = {}, now() + SOON
    with scope.everyone(scope.current().world):
        for name, form in FORMS.items():
            if name not in names:
                continue
            rows = form.model.objects.filter(Q(made_at__date__gte=period[0]) | (Q(closed_at=None) if form.way else Q(pk__in=()))).order_by()
            late, soon = Q(overdue=True, closed_at=None), Q(overdue=False, closed_at=None, due_at__lte=edge)
            counts = rows.aggregate(n=Count("pk"), **({"late": Count("pk", late), "soon": Count("pk", soon)} if form.way else {}))
            if counts["n"]:
                found[name] = Work("限定查阅事项" if form.city else form.title, counts["n"], counts.get("late", 0), counts.get("soon", 0))
    return found


def items_of(plan: Plan, *, quick: bool = False, **narrow: Any) -> list[Item]:
    """A plan's items in order, each with ``progress``, ``turns``, ``light`` and ``why``; ``quick`` does without their registers."""
    aims = Aim.objects.exclude(state=Aim.State.STRUCK).select_related("item__owner", "measure__owner", "measure__item__owner").order_by("start")
    nodes = Node.objects.exclude(state=Node.State.STRUCK).select_related("item__owner", "measure__owner", "measure__item__owner")
    rows = Item.objects.filter(plan=plan, **narrow).select_related("plan", "owner").order_by("rank").prefetch_related(
        Prefetch("aims", aims), Prefetch("nodes", nodes.order_by("start").prefetch_related("proofs")),
        Prefetch("measures", Measure.objects.select_related("owner", "item__owner").order_by("rank")),
    )  # fmt: skip
    period, on, items = period_of(plan), today(), list(rows)
    known = {} if quick else works(period, {name for item in items for name in item.forms})
    for item in items:
        _lit(item, period, on, [known[name] for name in item.forms if name in known])
    return items


def _lit(item: Any, period: tuple[date, date], on: date, done: list[Work]) -> None:
    item.progress = [read(aim, period) for aim in item.aims.all()]
    item.turns = [_by_aims(turn, item.progress) for node in item.nodes.all() for turn in turns_of(node, item.plan, on)]
    item.light, item.why = light(item.progress, item.turns, done, over=on > date(item.plan.year, 12, 31))


def _by_aims(turn: Turn, progress: list[Progress]) -> Turn:
    """A deadline is kept when the targets of its own measure are reached, without anybody saying so."""
    mine = [p for p in progress if p.aim.meter and p.aim.measure_id == turn.node.measure_id]
    if turn.done or turn.node.kind != Node.Kind.DEADLINE or not mine or not all(p.met for p in mine):
        return turn
    then = [read(p.aim, (turn.first, turn.last)) for p in mine]
    said = "、".join(f"{p.aim.raw}现 {p.reached:g}{p.aim.needed_unit}" for p in mine)
    return replace(turn, state="kept" if all(p.met for p in then) else "late", why=said, href=mine[0].href)


def light(aims: list[Progress], turns: list[Turn], done: Sequence[Work] = (), *, over: bool = False) -> tuple[str, str]:
    """An item's light and the reason: red for what is overdue and not met, yellow for what falls due soon. ``over``: is its year?"""
    met = [a.met for a in aims]
    if aims and all(a.met_for_good(over) for a in aims) and all(t.done for t in turns):
        return "done", "目标全部达到"
    if missed := next((t for t in turns if t.state == "missed"), None):
        return "red", f"“{missed.node.raw}”({day(missed.last)})已过,尚未完成"
    if late := next((w for w in done if w.late), None):
        return "red", f"{late.title}有 {late.late} 件逾期未办"
    if soon := next((t for t in turns if t.state == "soon"), None):
        return "yellow", f"“{soon.node.raw}”({day(soon.last)})将到"
    if near := next((w for w in done if w.soon), None):
        return "yellow", f"{near.title}有 {near.soon} 件将到期"
    if turns and all(t.done for t in turns) and not aims:
        return "done", "节点全部完成"
    if turns or any(m is not None for m in met):
        return "green", f"在期限内,目标达到 {sum(m is True for m in met)}/{len(met)}"
    if done:
        return "green", f"在推进,工作台账登记 {sum(w.total for w in done)} 条"
    return "grey", "没有可计算的目标、节点和台账记录"


@dataclass(frozen=True)
class Zero:
    """A goal of nought: what it says, how many cases break it, and the newest of them by name."""

    said: str
    parts: list[tuple[Indicator, float, str]]
    broken: list[tuple[str, str]]

    @property
    def count(self) -> float:
        return sum(n for _, n, _ in self.parts)


def zeros(plan: Plan) -> list[Zero]:
    """The goals of nought that indicators watch, with the cases that break them. Names only for who may open them."""
    goals: dict[str, list[Indicator]] = {}
    for one in INDICATORS.values():
        if one.zero:
            goals.setdefault(one.zero, []).append(one)
    period = period_of(plan)
    return [_zero(said, ones, period) for said, ones in sorted(goals.items(), key=lambda g: g[0][:2] != "力争")]


def _zero(said: str, ones: list[Indicator], period: tuple[date, date]) -> Zero:
    parts, broken = [], []
    for one in ones:
        with scope.everyone(scope.current().world):
            parts.append((one, one.value(period) or 0, one.href(period)))
        if one.book.visible():
            broken += [(str(row), one.book.link(row)) for row in one.rows(period).order_by("-pk")[:5]]
    return Zero(said, parts, broken)

