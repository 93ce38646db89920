"""What the flood office hears: signals and alarms become proposals; a lifted signal makes it consider the end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from anlan.kernel import journal
from anlan.kernel.cases.moves import after
from anlan.kernel.clock import due, now
from anlan.kernel.people import scope
from anlan.kernel.people.models import Area
from anlan.sensing.models import Alarm, Station, Warning

from . import acts, flows, replay
from .models import Proposal, ResponseRule

__all__ = ["replay"]

HAZARDS = ("台风", "暴雨")
LONG_AGO = datetime(1949, 10, 1, tzinfo=UTC)
WHOLE_CITY = 3
"""From so many districts on, a proposal is for the whole city."""
QUIET = timedelta(hours=6)
"""A refusal holds for so long; then the same grounds are weighed again."""


def rules_at(at: datetime, kind: str) -> QuerySet[ResponseRule]:
    day = timezone.localdate(at)
    return ResponseRule.objects.filter(Q(until=None) | Q(until__gte=day), kind=kind, since__lte=day).order_by("level")


@journal.on("warning.issued")
def on_signal(line: Any) -> None:
    """A signal that asks for a higher level than stands becomes a proposal."""
    weigh(Warning.objects.get(pk=line.subject_id), line.at)


def weigh(warning: Warning, at: datetime) -> None:
    rule = rules_at(at, ResponseRule.Kind.SIGNAL).filter(hazard=warning.hazard, trigger=warning.level).first()
    if rule and warning.state == Warning.State.ACTIVE:
        areas = districts() if warning.area_id == scope.ROOT else [warning.area_id]
        propose_up(rule, areas, f"{warning.issuer}{timezone.localtime(warning.issued_at):%d日%H时%M分}{warning}生效", at)


@journal.on("alarm.raised")
def on_alarm(line: Any) -> None:
    """Enough stations of a district in alarm become a proposal for the districts that reached the share."""
    alarm = Alarm.objects.select_related("rule").get(pk=line.subject_id)
    for rule in rules_at(line.at, ResponseRule.Kind.STATIONS).filter(hazard=alarm.rule.hazard, trigger=alarm.level):
        if reached := districts_in_alarm(rule):
            names = acts.area_names(reached)
            propose_up(rule, reached, f"{names}实测{rule.hazard}站点占比达到{rule.share:.0%}", line.at)


def districts_in_alarm(rule: ResponseRule) -> list[str]:
    return [code for code, share in shares(rule).items() if share >= (rule.share or 1)]


def shares(rule: ResponseRule) -> dict[str, float]:
    """For each district, the part of its stations that are in alarm at the rule's level or worse."""
    kind = Station.Kind.RAIN if rule.hazard == "暴雨" else Station.Kind.WIND
    alarms = Alarm.objects.filter(active=True, rule__hazard=rule.hazard, level__lte=rule.trigger)
    hit = _by_district(alarms.values_list("area_id").annotate(n=Count("sensor", distinct=True)))
    total = _by_district(Station.objects.filter(kind=kind).values_list("area_id").annotate(n=Count("id")))
    return {code: hit.get(code, 0) / n for code, n in total.items()}


def _by_district(rows: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for area, n in rows:
        found[area[:6] + "000000"] = found.get(area[:6] + "000000", 0) + n
    return found


def propose_up(rule: ResponseRule, areas: list[str], reason: str, at: datetime) -> None:
    """Propose only what is higher than stands, is waiting, or was refused of late.

    A proposal still waiting is taken up into the new one, so that a weaker ground elsewhere never lapses a stronger.
    """
    acts.alone()
    response = acts.standing()
    if response and response.level <= rule.level and set(areas) <= set(response.areas):
        return
    known = Proposal.objects.exclude(level=None)
    waiting = known.filter(state="proposed").first()
    refused = known.filter(state="declined", opened_at__gte=_since(response), closed_at__gt=now() - QUIET)
    if any(p.level <= rule.level and set(areas) <= set(p.areas) for p in (waiting, *refused) if p):
        return
    fired = _fired(rule)
    if waiting:
        areas, reason = sorted({*areas, *waiting.areas}), f"{waiting.reason};{reason}"
        fired = waiting.fired if waiting.level < rule.level else fired
    level = min(p.level for p in (rule, response, waiting) if p)
    kind = Proposal.Kind.RAISE if response else Proposal.Kind.START
    scope_ = districts() if response or len(areas) >= WHOLE_CITY else sorted(areas)
    acts.do_propose(kind, level, scope_, fired=fired, reason=reason, at=at)


def _since(response: Any) -> datetime:
    return response.started_at if response else LONG_AGO


def _fired(rule: ResponseRule) -> dict[str, Any]:
    """The rule as it read when it fired."""
    return {
        "id": rule.pk, "rule": str(rule), "source": rule.source, "confidence": rule.confidence, "version": rule.version,
    }  # fmt: skip


def districts() -> list[str]:
    return list(Area.objects.filter(level=Area.Level.DISTRICT).values_list("code", flat=True))


@journal.on("warning.lifted", "warning.issued", "alarm.cleared")
def on_easing(line: Any) -> None:
    """When nothing that would start a response is left, propose to stand down; ending stays a person's decision."""
    ease(line.text, line.at)


def ease(reason: str, at: datetime) -> None:
    response = acts.standing()
    if response is None or Proposal.objects.filter(state="proposed").exists():
        return
    if Proposal.objects.filter(kind=Proposal.Kind.END, state="declined", closed_at__gt=now() - QUIET).exists():
        return
    active = Warning.objects.filter(state=Warning.State.ACTIVE, hazard__in=HAZARDS)
    triggers = {(r.hazard, r.trigger) for r in rules_at(at, ResponseRule.Kind.SIGNAL)}
    if any((w.hazard, w.level) in triggers for w in active):
        return
    if any(districts_in_alarm(rule) for rule in rules_at(at, ResponseRule.Kind.STATIONS)):
        return
    fired = {"rule": "触发响应的预警信号和实测告警已全部解除", "source": "终止须经会商研判后单独决定(2022年8月、9月实际)", "confidence": "V"}
    acts.do_propose(Proposal.Kind.END, None, response.areas, fired=fired, reason=reason, at=at)


@after(flows.PROPOSAL, "decline")
def refused(proposal: Proposal) -> None:
    due.put("flood.again", now() + QUIET, key=f"flood.again:{proposal.pk}", proposal=proposal.pk)


@due.handles("flood.again")
def again(row: Any) -> None:
    """A refusal has run out: what is still in force is weighed anew."""
    for warning in Warning.objects.filter(state=Warning.State.ACTIVE, hazard__in=HAZARDS).order_by("level", "pk"):
        weigh(warning, now())
    proposal = Proposal.objects.get(pk=row.body["proposal"])
    if proposal.kind == Proposal.Kind.END:
        ease(proposal.reason, now())
