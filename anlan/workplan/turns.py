"""When a plan's nodes fall due, and whether each time was kept. A node that comes round has one turn for each period."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from django.utils import timezone

from anlan.engines.papers.words import day
from anlan.engines.workdays import add_workdays
from anlan.kernel.clock import now
from anlan.kernel.clock.calendar import holidays
from anlan.kernel.indicators.declared import INDICATORS
from anlan.kernel.people import scope

from .models import Node, Plan, Proof

RHYTHM = re.compile(r"P(\d{1,2})([YMWD])")
RHYTHMS = {"P1W": "每周", "P1M": "每月", "P2M": "每两月", "P3M": "每季度", "P6M": "每半年", "P1Y": "每年"}
SOON = timedelta(days=30)
STATES = {
    "kept": "按时完成", "late_proof": "按时完成,登记较晚", "late": "逾期完成", "missed": "逾期未完成", "soon": "临期", "open": "进行中", "ahead": "未开始",
}  # fmt: skip
"""How a turn can stand."""
GRACE = 10
"""Working days after the end within which a paper about work done in time still counts as in time."""


@dataclass(frozen=True)
class Turn:
    """One time that a node falls due: the first and last day, how it stands, and by what it is known."""

    node: Node
    first: date
    last: date
    state: str
    why: str
    href: str = ""

    @property
    def said(self) -> str:
        return STATES[self.state]

    @property
    def done(self) -> bool:
        return self.state in ("kept", "late_proof", "late")


def periods(norm: str, year: int) -> list[tuple[date, date]]:
    """The turns of a rhythm in a year: ``P3M`` gives four quarters. Empty when it is not known, or comes round oftener than weekly:
    such a duty is kept in its register and not judged turn by turn."""
    found = RHYTHM.fullmatch(norm)
    if not found or not int(found[1]) or (found[2] == "D" and int(found[1]) < 7):
        return []
    count, kind = int(found[1]), found[2]
    starts = _by_months(year, count * (12 if kind == "Y" else 1)) if kind in "YM" else _by_days(year, count * (7 if kind == "W" else 1))
    edges = [*starts, date(year + 1, 1, 1)]
    return [(a, b - timedelta(days=1)) for a, b in pairwise(edges)]


def _by_months(year: int, step: int) -> list[date]:
    return [date(year, month, 1) for month in range(1, 13, min(step, 12))]


def _by_days(year: int, step: int) -> list[date]:
    """Weeks begin on Mondays; the days before the first Monday belong to no turn."""
    first = date(year, 1, 1)
    if step % 7 == 0:
        first += timedelta(days=-first.weekday() % 7)
    return [first + timedelta(days=n) for n in range(0, 366, step) if (first + timedelta(days=n)).year == year]


def turns_of(node: Node, plan: Plan, today: date) -> list[Turn]:
    """The turns of a node that can be judged: a deadline has one, a rhythm one for each period, anything else none."""
    proofs = {p.last: p for p in node.proofs.all()}
    if node.kind == Node.Kind.DEADLINE and node.day:
        return [_turn(node, date(plan.year, 1, 1), node.day, proofs.get(None), today)]
    if node.kind == Node.Kind.RECURRING:
        return [_turn(node, first, last, proofs.get(last), today) for first, last in periods(node.norm, plan.year)]
    return []


def _turn(node: Node, first: date, last: date, proof: Proof | None, today: date) -> Turn:
    if proof:
        return Turn(node, first, last, *_proved(proof, last))
    if (one := INDICATORS.get(node.indicator)) and first <= today:
        with scope.everyone(scope.current().world):
            n = one.value((first, last)) or 0
            later = 0 if n >= node.least else one.value((first, today)) or 0
        href, said = one.href((first, last)), f"{one.label} {n:g}/{node.least}{one.unit}"
        if n >= node.least:
            return Turn(node, first, last, "kept", said, href)
        if today > last and node.kind == Node.Kind.DEADLINE and later >= node.least:
            return Turn(node, first, last, "late", f"{one.label} {later:g}{one.unit},期后达到", one.href((first, today)))
        return Turn(node, first, last, _waiting(first, last, today), said, href)
    return Turn(node, first, last, _waiting(first, last, today), "未登记完成")


def _proved(proof: Proof, last: date) -> tuple[str, str]:
    said = f"{day(proof.happened_on)}完成,{day(proof.told_on)}登记:{proof.text}"
    if proof.happened_on > last:
        return "late", said
    return ("kept" if proof.told_on <= _grace(last) else "late_proof"), said


def _grace(last: date) -> date:
    """Until when a paper about work done in time counts as in time."""
    return add_workdays(last, GRACE, holidays())


def _waiting(first: date, last: date, today: date) -> str:
    if today < first:
        return "ahead"
    if today > last:
        return "missed"
    return "soon" if last <= today + SOON else "open"


def today() -> date:
    return timezone.localdate(now())


def days_of(node: Node, plan: Plan, on: date) -> Iterator[tuple[date, str, str]]:
    """What of a node stands in the calendar: (day, state, said)."""
    for turn in turns_of(node, plan, on):
        yield turn.last, turn.state, turn.said
    if node.kind == Node.Kind.EVENT and node.day:
        yield node.day, "event", "固定日"
    if node.kind == Node.Kind.PERIOD and node.day:
        yield node.day, "event", f"开始,至{day(node.until)}" if node.until else "开始"
        if node.until:
            yield node.until, "event", "结束"
