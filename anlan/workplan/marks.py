"""Offices and districts marked by the plan in force: facts from nodes, targets, terms and supervision, weighed by a scheme."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Max, Q
from django.urls import reverse

from anlan.engines.marks import Fact, Mark, mark, rank
from anlan.engines.papers.words import day
from anlan.kernel import journal
from anlan.kernel.cases import Refused
from anlan.kernel.clock import now
from anlan.kernel.indicators.declared import Indicator, quarter_of
from anlan.kernel.indicators.measures import covering
from anlan.kernel.journal import read
from anlan.kernel.people import scope
from anlan.kernel.people.models import Area, Unit
from anlan.kernel.registers import ALL

from .lights import Progress, items_of, period_of
from .models import Aim, Plan, Scheme, Supervision
from .take import check_real
from .tally import Kept, counted, district_of
from .turns import today

DIMENSIONS = {"nodes": "节点", "aims": "指标", "timely": "时效", "supervision": "督办"}
RULES = {
    "late": "逾期完成得分比例", "late_proof": "按时完成、登记较晚得分比例", "urged": "每次催办扣减比例", "supervised": "每次督办扣减比例",
}  # fmt: skip
PACES = {"linear": "按时间进度折算目标", "end": "到年末才考核目标"}
NAME = "assessment"


@cache
def demo() -> dict[str, Any]:
    """The scheme that a new city begins with: an example, and it says so."""
    found: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "scheme.json").read_text(encoding="utf-8"))
    return found


def scheme() -> dict[str, Any]:
    """The scheme in force."""
    newest = Scheme.objects.filter(name=NAME).order_by("-version").first()
    return newest.body if newest else demo()


def version() -> int:
    """The version of the scheme in force; 0 for the one that a new city begins with."""
    return Scheme.objects.filter(name=NAME).aggregate(v=Max("version"))["v"] or 0


def check_scheme(body: dict[str, Any], reason: str) -> None:
    check_real()
    if not scope.current().can("leader", area=scope.ROOT):
        raise Refused("考核方案由局领导修订")
    if not reason.strip():
        raise Refused("修订考核方案须写明原因", field="reason")
    for group in body["groups"]:
        weights = group["weights"]
        if set(weights) != set(DIMENSIONS) or any(not 0 <= w <= 100 for w in weights.values()):
            raise Refused(f"{group['name']}:每项权重须为 0 至 100", field="weights")
        if abs(sum(weights.values()) - 100) > 0.01:
            raise Refused(f"{group['name']}:四项权重合计须为 100,现为 {sum(weights.values()):g}", field="weights")
    if any(not 0 <= body["rules"][name] <= 1 for name in RULES):
        raise Refused("规则比例须为 0 至 1", field="rules")
    if body["rules"]["pace"] not in PACES:
        raise Refused("请选择目标进度的算法", field="pace")


def do_scheme(body: dict[str, Any], reason: str) -> Scheme:
    """The next version of the scheme; earlier ones stay."""
    row = Scheme(name=NAME, version=version() + 1, title="考核方案", reason=reason.strip()[:200], body=body, made_at=now(), made_by=scope.current().name[:40])
    with transaction.atomic():
        row.save()
        journal.write("workplan.scheme", row, text=f"考核方案第{version}版:{reason.strip()[:100]}", after=body, area=scope.ROOT)
    return row


# ── who is marked in which group ────────────────────────────────────────────────────────────────────────────


def members(group: dict[str, Any]) -> list[Unit]:
    """The units of a group: named one by one, of a kind below the bureau, or the emergency bureau of each district."""
    rows = Unit.everywhere.order_by("code")
    if group.get("districts"):
        codes = Area.objects.filter(level="district").values_list("code", flat=True)
        return list(rows.filter(code__in=[f"{code[:6]}.yj" for code in codes]).select_related("area"))
    wanted = Q(code__in=group.get("units", [])) | Q(kind__in=group.get("kinds", []), area_id=scope.ROOT)
    return list(rows.filter(wanted).exclude(code__in=group.get("but", [])).select_related("area"))


# ── facts ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Span:
    """The days that are marked."""

    first: date
    last: date

    def holds(self, day: date) -> bool:
        return self.first <= day <= self.last


def facts(plan: Plan, span: Span, rules: dict[str, Any]) -> list[Fact]:
    """Every fact of the plan in a span of days, computed over the whole city whoever asks."""
    with scope.everyone(scope.current().world):
        items, first = items_of(plan, quick=True), period_of(plan)[0]
        found = [fact for item in items for fact in (*_nodes(item, span, rules), *_aims(item, first, span, rules))]
        return [*found, *_timely(span), *_supervision(plan, span, rules)]


def _nodes(item: Any, span: Span, rules: dict[str, Any]) -> Iterator[Fact]:
    """A node counts once, however often it comes round in the span."""
    worth = {"kept": 1.0, "late_proof": rules["late_proof"], "late": rules["late"], "missed": 0.0}
    judged = [turn for turn in item.turns if turn.state in worth and span.holds(turn.last)]
    often = Counter(turn.node.pk for turn in judged)
    for turn in judged:
        if owner := turn.node.owner:
            said = f"{item.no}.{item.title}:{turn.node.raw}({day(turn.last)})"
            yield Fact(owner.pk, "nodes", worth[turn.state], said, f"{turn.said}。{turn.why}", turn.href or _item(item),
                       1 / often[turn.node.pk])  # fmt: skip


def _item(item: Any) -> str:
    return reverse("desk:workplan-item", args=[item.pk])


def _aims(item: Any, first: date, span: Span, rules: dict[str, Any]) -> Iterator[Fact]:
    end = min(span.last, today())
    elapsed = min(1.0, max(0, (end - first).days + 1) / 365)
    if not elapsed or (rules["pace"] == "end" and elapsed < 1):
        return
    for progress in item.progress:
        then = _then(progress, first, end)
        if (fact := _aim(item, then, elapsed)) is not None:
            yield fact
        if then.aim.meter and then.aim.meter.of and then.aim.meter.list_register.model is Area:
            yield from _districts(item, then.aim, then.aim.meter, (first, end), elapsed)


def _then(progress: Progress, first: date, end: date) -> Progress:
    """A target as it stood at the end of the span, where an indicator can tell that."""
    one = progress.aim.meter
    if one is None or not one.when or end >= today() or end < first:
        return progress
    return Progress(progress.aim, one.value((first, end)), one.href((first, end)))


def _aim(item: Any, progress: Progress, elapsed: float) -> Fact | None:
    aim, owner = progress.aim, progress.aim.owner
    if owner is None:
        return None
    share = aim.share(progress.reached)
    paced = _paced(share or 0.0, aim, elapsed)
    now_ = "无数据" if progress.reached is None else f"现 {progress.reached:g}{aim.needed_unit}{'(自报)' if progress.own else ''}"
    return Fact(owner.pk, "aims", paced, f"{item.no}.{item.title}:{aim.raw}", f"{now_},目标 {aim.needed:g}{aim.needed_unit}"
                + (f",时间进度 {elapsed:.0%}" if elapsed < 1 else ""), progress.href or _item(item))  # fmt: skip


def _paced(share: float, aim: Aim, elapsed: float) -> float:
    """Before the year's end so much is asked as of the year is gone; a limit that must not be passed is never paced."""
    return share if aim.comparator == Aim.Comparator.LE else min(1.0, share / elapsed)


def _districts(item: Any, aim: Aim, one: Indicator, period: tuple[date, date], elapsed: float) -> Iterator[Fact]:
    """A coverage of areas is also each district's own: how many of its areas are covered."""
    whole = one.masters()
    covered = covering(one, one.rows(period), whole)
    for code in sorted({pk[:6] for pk in whole}):
        mine = {pk for pk in whole if pk[:6] == code}
        share = len(covered & mine) / len(mine)
        yield Fact(f"{code}.yj", "aims", min(1.0, share / elapsed), f"{item.no}.{item.title}:{aim.raw}",
                   f"{one.label} {len(covered & mine)}/{len(mine)}", one.href(period, f"{code}000000"))  # fmt: skip


def _timely(span: Span) -> Iterator[Fact]:
    """Terms kept, by the unit that had to keep them; a district answers for all units of its own."""
    sums: dict[str, Kept] = {}
    for (quarter, unit), n in counted().items():
        if quarter >= span.first and quarter_of(quarter)[1] <= max(span.last, quarter_of(span.last)[1]):
            district = district_of(unit)
            for name in {unit, f"{district}.yj" if district else ""} - {""}:
                sums[name] = sums.get(name, Kept()) + n
    for name, n in sorted(sums.items()):
        if n.share is not None:
            yield Fact(name, "timely", n.share, "办理时限", f"按时 {n.kept} 次,逾期 {n.late} 次",
                       f"{reverse('desk:marks-terms', args=[name])}?first={span.first}&last={span.last}")  # fmt: skip
    yield from _still_open(span)


def _still_open(span: Span) -> Iterator[Fact]:
    """Cases that name their unit, whose term was in the span, and that stand overdue now: nobody gains by not acting at all."""
    for register in ALL.values():
        if register.is_case and any(f.attname == "unit_id" for f in register.model._meta.concrete_fields):
            for unit, n in _overdue(register.model, span).items():
                title, href = ("限定查阅事项", "") if register.city else (register.title, register.url({"overdue": True}))
                yield Fact(unit, "timely", 0.0, f"{title}逾期未办", f"{n} 件", href, float(n))


def _overdue(model: Any, span: Span) -> dict[str, int]:
    found: dict[str, int] = {}
    rows = model.objects.filter(overdue=True, unit__isnull=False, due_at__date__gte=span.first, due_at__date__lte=span.last)
    for unit in rows.values_list("unit_id", flat=True):
        found[unit] = found.get(unit, 0) + 1
    return found


def _supervision(plan: Plan, span: Span, rules: dict[str, Any]) -> Iterator[Fact]:
    """Each unit of which something is asked begins with the whole; urging and supervision take from it."""
    edge = {"opened_at__date__gte": span.first, "opened_at__date__lte": span.last}
    for row in Supervision.objects.filter(item__plan=plan, **edge).exclude(state="dropped").select_related("item", "unit"):
        cost = rules["supervised"] if _was_supervised(row) else rules["urged"]
        yield Fact(row.unit_id, "supervision", 1 - cost, f"{row.item}", f"{row.state_label},{day(row.opened_at)}立项",
                   ALL["plansupervision"].link(row))  # fmt: skip


def _was_supervised(row: Supervision) -> bool:
    return row.state == "supervised" or bool(read.history(row).filter(verb="plan_supervision.supervised").exists())


# ── the ranking ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Row:
    """A unit's place in its group."""

    unit: Unit
    mark: Mark


@dataclass(frozen=True)
class Group:
    name: str
    weights: dict[str, float]
    rows: list[Row]


def ranking(plan: Plan, span: Span, body: dict[str, Any] | None = None, known: list[Fact] | None = None) -> list[Group]:
    """Every group from best to worst. ``body`` is a scheme to try instead of the one in force, ``known`` facts already gathered."""
    body = body or scheme()
    found = known if known is not None else facts(plan, span, body["rules"])
    by_unit: dict[str, list[Fact]] = {}
    for fact in found:
        by_unit.setdefault(fact.unit, []).append(fact)
    groups = []
    for group in body["groups"]:
        units = {u.pk: u for u in members(group)}
        marks = rank([mark(code, by_unit.get(code, []), group["weights"]) for code in units])
        groups.append(Group(group["name"], group["weights"], [Row(units[m.unit], m) for m in marks]))
    return groups


def span_of(plan: Plan, quarter: int = 0) -> Span:
    """A quarter of the plan's year, or all of it."""
    if quarter:
        return Span(*quarter_of(date(plan.year, 3 * quarter - 2, 1)))
    return Span(date(plan.year, 1, 1), max(date(plan.year, 12, 31), period_of(plan)[1]))

