"""Who answered, when, and who has not: the figures of a notice, every one a query over its addressees."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from django.db.models import Max, Q, QuerySet

from anlan.kernel.notice.acts import State
from anlan.kernel.notice.models import Addressee, Attempt, Notice, Receipt
from anlan.kernel.people.models import Area
from anlan.kernel.people.scope import DIGITS, prefix, within
from anlan.kernel.worlds.models import World

TIERS = ("city", "district", "town", "village")
FAST, FAIR = timedelta(minutes=5), timedelta(minutes=10)


def percentile(sorted_s: list[float], share: float) -> float | None:
    """The nearest-rank percentile of values already sorted; None when there are none."""
    return sorted_s[max(0, ceil(share * len(sorted_s)) - 1)] if sorted_s else None


def summary(notice: Notice) -> dict[str, Any]:
    """The figures by tier and the silent posts first, as far as the present asker may see them."""
    rows = Addressee.objects.filter(notice=notice)
    told = list(rows.values_list("tier", "state", "called_at", "answered_at"))
    tiers = [{"tier": t, **_figures([r for r in told if r[0] == t])} for t in TIERS if any(r[0] == t for r in told)]
    return {"notice": notice, **_figures(told), "tiers": tiers, "silent_list": silent(notice), "tree": tree(notice)}


def _figures(told: list[tuple[str, str, datetime | None, datetime | None]]) -> dict[str, Any]:
    waits = sorted(b - a for _, _, a, b in told if a and b)
    seconds = [w.total_seconds() for w in waits]
    states = [state for _, state, _, _ in told]
    return {
        "total": len(told), "answered": sum(s in Addressee.ANSWERS for s in states),
        "waiting": states.count(State.WAITING), "silent": states.count(State.SILENT),
        "on_behalf": states.count(State.ON_BEHALF),
        "in_5": sum(w <= FAST for w in waits), "in_10": sum(w <= FAIR for w in waits),
        "median_s": percentile(seconds, 0.5),
    }  # fmt: skip


def silent(notice: Notice) -> QuerySet[Addressee]:
    """Who has not answered: the silent first, then who still waits, highest rung first."""
    rows = Addressee.objects.filter(notice=notice, state__in=(State.SILENT, State.WAITING))
    return rows.select_related("area", "person").order_by("state", "-rung", "area_id", "pk")


def board() -> QuerySet[Addressee]:
    """Everybody who is silent in this world, for the duty board and the hand-over sheet; the newest notice first."""
    rows = Addressee.objects.filter(state=State.SILENT).select_related("area", "notice")
    return rows.order_by("-notice_id", "area_id", "pk")


def tree(notice: Notice, under: str = "") -> list[dict[str, Any]]:
    """Districts, or below ``under`` its towns or villages: for each how many answered, wait and are silent."""
    start = prefix(under) if under else ""
    digits = next(d for d in (*DIGITS.values(), 12) if d > max(len(start), 4))
    rows = Addressee.objects.filter(within("area_id", start), notice=notice).order_by("area_id")
    nodes: dict[str, dict[str, Any]] = {}
    for code, state in rows.values_list("area_id", "state"):
        branch = code[:digits].ljust(12, "0")
        node = nodes.setdefault(branch, {"code": branch, "total": 0, "answered": 0, "waiting": 0, "silent": 0})
        node["total"] += 1
        kind = "answered" if state in Addressee.ANSWERS else state
        node[kind] = node.get(kind, 0) + 1
    names = dict(Area.objects.filter(code__in=nodes).values_list("code", "name"))
    return [{**node, "name": names.get(code, code)} for code, node in nodes.items()]


def moved(rows: QuerySet[Addressee]) -> list[Addressee]:
    """Each post's row with its last report, as ``told_at``: a later report corrects an earlier one, also under an earlier call."""
    dated = rows.exclude(people=None).annotate(told_at=Max("receipts__at", filter=Q(receipts__kind=Receipt.Kind.MOVED)))
    return list({row.post_id: row for row in dated.order_by("told_at", "pk")}.values())


def answer_stats(world: World) -> dict[str, Any]:
    """The counts and lags of a whole world: seconds of its own time from the first call to the answer."""
    rows = Addressee.everywhere.filter(world=world, notice__kind=Notice.Kind.CALL)
    waits = _waits(rows)
    return {
        "notices": Notice.everywhere.filter(world=world).count(),
        "addressees": rows.count(),
        "attempts": Attempt.everywhere.filter(world=world).count(),
        "answered": rows.filter(state__in=Addressee.ANSWERS).count(),
        "on_behalf": rows.filter(state=State.ON_BEHALF).count(),
        "late": rows.exclude(silent_at=None).exclude(answered_at=None).count(),
        "silent": rows.filter(state=State.SILENT).count(),
        "ended_silent": rows.exclude(silent_at=None).count(),
        "answer_p50": percentile(waits, 0.5),
        "answer_p95": percentile(waits, 0.95),
    }


def by_minute(world: World) -> dict[str, list[int]]:
    """For each tier, how many answered in the first, second, … minute after they were first called."""
    rows = Addressee.everywhere.filter(world=world, notice__kind=Notice.Kind.CALL)
    return {tier: _minutes(_waits(rows.filter(tier=tier))) for tier in TIERS if rows.filter(tier=tier).exists()}


def _minutes(waits: list[float]) -> list[int]:
    counts = Counter(int(wait // 60) for wait in waits)
    return [counts[m] for m in range(max(counts, default=-1) + 1)]


def _waits(rows: QuerySet[Addressee]) -> list[float]:
    """Seconds from the first call to the answer, sorted."""
    pairs = rows.values_list("called_at", "answered_at")
    return sorted((answered - called).total_seconds() for called, answered in pairs if called and answered)
