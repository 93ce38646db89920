"""What the flood office hears: signals and alarms become proposals; what eases makes it consider a lower level or the end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from anlan.kernel import journal
from anlan.kernel.cases.moves import after
from anlan.kernel.clock import due, now
from anlan.kernel.journal import read
from anlan.kernel.people import scope
from anlan.kernel.people.models import Area
from anlan.sensing.models import Alarm, Station, Warning

from . import acts, flows, replay
from .models import Proposal, Response, ResponseRule

__all__ = ["replay"]

LONG_AGO = datetime(1949, 10, 1, tzinfo=UTC)
WHOLE_CITY = 3
"""From so many districts on, a proposal is for the whole city."""
QUIET = timedelta(hours=6)
"""A refusal holds for so long; then the same grounds are weighed again."""
MEASURED = {
    "暴雨": (Station.Kind.RAIN,), "台风": (Station.Kind.WIND,), "洪水": (Station.Kind.RIVER, Station.Kind.RESERVOIR),
}  # fmt: skip
"""Which stations a share is a share of."""
Kind = Proposal.Kind


@dataclass(frozen=True)
class Ground:
    """A rule that holds now, where, and what made it hold."""

    rule: ResponseRule
    areas: tuple[str, ...]
    text: str

    def snapshot(self) -> dict[str, Any]:
        """The rule as it read when it fired."""
        rule = self.rule
        return {
            "id": rule.pk, "rule": str(rule), "source": rule.source, "confidence": rule.confidence, "version": rule.version,
            "level": rule.level, "areas": list(self.areas), "text": self.text,
        }  # fmt: skip


def rules_at(at: datetime, kind: str) -> QuerySet[ResponseRule]:
    day = timezone.localdate(at)
    return ResponseRule.objects.filter(Q(until=None) | Q(until__gte=day), kind=kind, since__lte=day).order_by("level")


@journal.on("warning.issued")
def on_signal(line: Any) -> None:
    """A signal that asks for a higher level than stands becomes a proposal."""
    if ground := of_signal(Warning.objects.get(pk=line.subject_id), line.at):
        propose_up(ground, line.at)


@journal.on("alarm.raised", at_once=True)
def on_alarm(lines: list[Any]) -> None:
    """Enough stations of a district in alarm become a proposal for the districts that reached the share."""
    said = Alarm.objects.select_related("rule").in_bulk(int(line.subject_id) for line in lines)
    worst: dict[str, tuple[int, datetime]] = {}
    for line in lines:
        if (alarm := said.get(int(line.subject_id))) is None:  # one line does not hold up the others
            continue
        mine = (alarm.level, line.at)
        worst[alarm.rule.hazard] = min(mine, worst.get(alarm.rule.hazard, mine))
    for hazard, (level, at) in worst.items():
        for rule in rules_at(at, ResponseRule.Kind.STATIONS).filter(hazard=hazard, trigger__gte=level):
            if ground := of_stations(rule):
                propose_up(ground, at)


def of_signal(warning: Warning, at: datetime) -> Ground | None:
    rule = rules_at(at, ResponseRule.Kind.SIGNAL).filter(hazard=warning.hazard, trigger=warning.level).first()
    if rule is None or warning.state != Warning.State.ACTIVE:
        return None
    areas = districts() if warning.area_id == scope.ROOT else [warning.area_id]
    return Ground(rule, tuple(areas), f"{warning.issuer}{timezone.localtime(warning.issued_at):%d日%H时%M分}{warning}生效")


def of_stations(rule: ResponseRule) -> Ground | None:
    reached = [code for code, share in shares(rule).items() if share >= (rule.share or 1)]
    if not reached:
        return None
    text = f"{acts.area_names(reached)}实测{rule.hazard}{'红橙黄蓝'[rule.trigger - 1]}级站点占比达到{rule.share or 1:.0%}"
    return Ground(rule, tuple(sorted(reached)), text)


def grounds(at: datetime) -> list[Ground]:
    """Everything in force that would start a response now, the strongest first."""
    signals = (of_signal(w, at) for w in Warning.objects.filter(state=Warning.State.ACTIVE).order_by("level", "pk"))
    stations = (of_stations(rule) for rule in rules_at(at, ResponseRule.Kind.STATIONS))
    return sorted(filter(None, (*signals, *stations)), key=lambda g: g.rule.level)


def shares(rule: ResponseRule) -> dict[str, float]:
    """For each district, the part of its stations that are in alarm at the rule's level or worse."""
    alarms = Alarm.objects.filter(active=True, held=False, rule__kind="high", rule__hazard=rule.hazard, level__lte=rule.trigger)
    hit = _by_district(alarms.values_list("area_id").annotate(n=Count("sensor", distinct=True)))
    stations = Station.objects.filter(kind__in=MEASURED.get(rule.hazard, ()))
    total = _by_district(stations.values_list("area_id").annotate(n=Count("id")))
    return {code: hit.get(code, 0) / n for code, n in total.items()}


def _by_district(rows: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for area, n in rows:
        found[area[:6] + "000000"] = found.get(area[:6] + "000000", 0) + n
    return found


def propose_up(ground: Ground, at: datetime) -> None:
    """Propose only what is higher than stands, is waiting, or was refused of late; any other ground is noted beside that.

    A proposal still waiting is taken up into the new one, so that a weaker ground elsewhere never lapses a stronger.
    """
    acts.alone()
    response, level = acts.standing(), ground.rule.level
    if _lapse_down(ground):
        ease(ground.text, at)
    if response and response.level <= level and set(ground.areas) <= set(response.areas):
        return note(response, ground)
    known = Proposal.objects.filter(kind__in=Proposal.UP)
    waiting = known.filter(state="proposed").first()
    refused = known.filter(state="declined", opened_at__gte=_since(response), closed_at__gt=now() - QUIET)
    for older in (waiting, *refused):
        if older and older.level <= level and set(ground.areas) <= set(older.areas):
            return note(older, ground)
    areas, reason, fired = list(ground.areas), ground.text, ground.snapshot()
    if waiting:
        areas, reason = sorted({*areas, *waiting.areas}), f"{waiting.reason};{reason}"
        fired = waiting.fired if waiting.level < level else fired
    scope_ = districts() if response or len(areas) >= WHOLE_CITY else sorted(areas)
    acts.do_propose(
        Kind.RAISE if response else Kind.START, min(p.level for p in (ground.rule, response, waiting) if p), scope_,
        fired={**fired, "also": _others(fired, at)}, reason=reason, at=at,
    )  # fmt: skip
    return None


def _lapse_down(ground: Ground) -> bool:
    """A lower level or the end, still waiting, rests on grounds that are no longer all: this one is stronger."""
    older = Proposal.objects.filter(state="proposed", kind__in=(Kind.LOWER, Kind.END)).first()
    if older is None or (older.level is not None and older.level <= ground.rule.level):
        return False
    acts.do_lapse(older, f"已有更强的依据({ground.text})")
    return True


def _others(fired: dict[str, Any], at: datetime) -> list[dict[str, Any]]:
    """What else holds at that moment, so that the record of a signal also shows what the stations measured."""
    held = [g.snapshot() for g in grounds(at)]
    return [other for other in held if other["rule"] != fired["rule"]]


def note(subject: Response | Proposal, ground: Ground) -> None:
    """A ground that asks for no more than stands, waits or was refused: one line beside it, once for each rule and reach."""
    told = {"rule": ground.rule.pk, "areas": list(ground.areas)}
    if any({k: line.after.get(k) for k in told} == told for line in read.history(subject).filter(verb="ground.held")):
        return
    text = f"{subject}:依据成立,{ground.text}({ground.rule})"
    journal.write("ground.held", subject, text=text, level=ground.rule.level, basis=ground.rule.source, after=told, wide=True)


def _changed(response: Response) -> datetime:
    """Since when it stands at its level; a refusal from before says nothing about it."""
    last = response.proposals.filter(state="confirmed").order_by("-closed_at").first()
    return last.closed_at if last and last.closed_at else response.started_at


def _since(response: Response | None) -> datetime:
    return response.started_at if response else LONG_AGO


def districts() -> list[str]:
    return list(Area.objects.filter(level=Area.Level.DISTRICT).values_list("code", flat=True))


@journal.on("warning.lifted", "warning.issued", "alarm.cleared", at_once=True)
def on_easing(lines: list[Any]) -> None:
    """When less is in force than the response stands for, propose so; lowering and ending stay a person's decision."""
    ease(lines[0].text, lines[0].at)


def ease(reason: str, at: datetime) -> None:
    """Propose the level that would start now, or the end when nothing would; not what waits already or was just refused."""
    if acts.standing() is None:
        return  # as on most days; nobody is held up for it
    acts.alone()
    response, waiting = acts.standing(), Proposal.objects.filter(state="proposed").first()
    if response is None or (waiting and waiting.kind in Proposal.UP):
        return
    held = grounds(at)
    level = held[0].rule.level if held else None
    if level is not None and level <= response.level:
        return
    kind = Kind.LOWER if level else Kind.END
    if waiting and (waiting.kind, waiting.level) == (kind, level):
        return
    weighed = max(now() - QUIET, _changed(response))
    if Proposal.objects.filter(kind=kind, level=level, state="declined", closed_at__gt=weighed).exists():
        return
    fired = _still(held) if level else dict(END)
    acts.do_propose(kind, level, response.areas, fired=fired, reason=_eased(reason, held), at=at)


END = {"rule": "触发响应的预警信号和实测告警已全部解除", "source": "终止须经会商研判后单独决定(2022年8月、9月实际)", "confidence": "V"}


def _still(held: list[Ground]) -> dict[str, Any]:
    """The rules that hold on: those of the level to lower to by name, weaker ones beside them."""
    first = [g for g in held if g.rule.level == held[0].rule.level]
    names = "、".join(dict.fromkeys(str(g.rule) for g in first))
    return {**first[0].snapshot(), "rule": names, "also": [g.snapshot() for g in held[1:]]}


def _eased(reason: str, held: list[Ground]) -> str:
    if not held:
        return f"{END['rule']};最后一项:{reason}"
    return f"{reason};仍成立的依据:{'、'.join(dict.fromkeys(g.text for g in held))}"


@after(flows.PROPOSAL, "decline")
def refused(proposal: Proposal) -> None:
    due.put("flood.again", now() + QUIET, key=f"flood.again:{proposal.pk}", proposal=proposal.pk)


@due.handles("flood.again")
def again(row: Any) -> None:
    """A refusal has run out: what is still in force is weighed anew."""
    proposal = Proposal.objects.get(pk=row.body["proposal"])
    if proposal.kind in Proposal.UP:
        for ground in grounds(now()):
            propose_up(ground, now())
    else:
        ease("不采纳满6小时再次研判", now())
