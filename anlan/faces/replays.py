"""What a replay came to: counts and lags, each a query over its own world."""

from __future__ import annotations

from statistics import mean
from typing import Any

from django.db.models import F, Min, Q

from anlan.disaster.flood.models import Proposal
from anlan.faces import summary
from anlan.kernel.clock import now
from anlan.kernel.clock.due import GRACE
from anlan.kernel.clock.models import Due
from anlan.kernel.notice.models import Attempt, Notice
from anlan.kernel.people import scope
from anlan.kernel.people.models import Area
from anlan.kernel.worlds.models import World
from anlan.response.command.models import Order
from anlan.sensing import readings
from anlan.sensing.models import Alarm, Warning


def report(world: World) -> dict[str, Any]:
    """One object, the same for the same seed. Lags are seconds of world time."""
    with scope.everyone(world, at=world.ends or None):
        stats = summary.answer_stats(world)
        return {
            "world": world.name,
            "readings": readings.count(world),
            "alarms": Alarm.objects.count(),
            "warnings": Warning.objects.count(),
            "proposals": Proposal.objects.count(),
            "confirmations": Proposal.objects.filter(state="confirmed").count(),
            "notices": Notice.objects.count(),
            "attempts": Attempt.objects.count(),
            "answered": stats["answered"],
            "silent": stats["silent"],
            "orders": orders(),
            "timers": timers(world),
            "lags_s": {
                "signal_to_proposal": _signal_to_proposal(),
                "confirm_to_first_attempt": _confirm_to_attempt(),
                "answer_p50": stats["answer_p50"],
                "answer_p95": stats["answer_p95"],
            },
        }


def orders() -> dict[str, int]:
    rows = Order.objects.all()
    return {
        "given": rows.count(),
        "done": rows.filter(state="done").count(),
        "late": rows.filter(Q(late=True) | Q(overdue=True)).count(),
    }


def timers(world: World) -> dict[str, int]:
    """Every due row of the world is accounted for: done, done late, lost (past and not done), doubled."""
    rows = Due.objects.filter(world=world, dropped=False)
    past = rows.filter(at__lte=now())
    return {
        "due": past.count(),
        "done": past.exclude(done_at=None).count(),
        "late": past.filter(Q(late=True) | Q(done_at__gt=F("at") + GRACE)).count(),
        "lost": past.filter(done_at=None).count(),
        "doubled": rows.filter(runs__gt=1).count(),
    }


def _signal_to_proposal() -> float | None:
    lags = [(p.opened_at - p.signal_at).total_seconds() for p in Proposal.objects.all()]
    return round(mean(lags), 3) if lags else None


def _confirm_to_attempt() -> float | None:
    lags = []
    for notice in Notice.objects.annotate(first=Min("addressees__attempts__planned_at")).exclude(first=None):
        lags.append((notice.first - notice.issued_at).total_seconds())
    return round(max(lags), 3) if lags else None


def words(result: dict[str, Any], world: World) -> str:
    """The same for people, and who answered in which minute."""
    levels = dict(Area.Level.choices)
    minutes = [f"  {levels[tier]} {' '.join(map(str, of))}" for tier, of in summary.by_minute(world).items()]
    timers_, orders_, lags = result["timers"], result["orders"], result["lags_s"]
    return "\n".join(
        (
            f"读数 {result['readings']}  告警 {result['alarms']}  预警信号 {result['warnings']}",
            f"响应建议 {result['proposals']}  确认 {result['confirmations']}",
            f"通知 {result['notices']} 次  呼叫 {result['attempts']}  应答 {result['answered']}  未应答 {result['silent']}",
            "各层级首呼后逐分钟应答:",
            *minutes,
            f"指令 下达 {orders_['given']}  完成 {orders_['done']}  逾期 {orders_['late']}",
            f"到期事项 应办 {timers_['due']}  已办 {timers_['done']}  迟办 {timers_['late']}  "
            f"遗漏 {timers_['lost']}  重复 {timers_['doubled']}",
            f"时延(秒) 信号→建议 {lags['signal_to_proposal']}  确认→首呼 {lags['confirm_to_first_attempt']}  "
            f"应答中位 {lags['answer_p50']}  95% {lags['answer_p95']}",
        )
    )
