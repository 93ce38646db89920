"""One function opens any case and one moves it; the clock watches the limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import F
from django.utils import timezone

from anlan.kernel import journal
from anlan.kernel.clock import due, now
from anlan.kernel.clock.calendar import holidays
from anlan.kernel.clock.models import Due
from anlan.kernel.journal import read
from anlan.kernel.people import scope

from .flow import Flow, Limit, Move, Refused
from .models import Case, Remark

LAST_INSTANT = timedelta(seconds=1)
"""A case that moves at the very end of its term is in time."""
AFTER: dict[tuple[str, str], Callable[[Any], Any]] = {}


def check_open() -> None:
    """Refused in a drill or replay that has ended: its records stand as they are."""
    if (world := scope.current().world).closed:
        raise Refused(f"「{world.title}」已经结束,记录保留,不能再办理")


def open_case(
    case: Case, *, state: str = "", text: str = "", level: int | None = None, basis: str = "", wide: bool = False
) -> Case:
    """Start a case in its flow's first state, or in the one it is known in: validate, save, one journal line, its clocks."""
    check_open()
    moment = now()
    case.state, case.entered_at, case.opened_at = state or case.flow.start, moment, moment
    case.closed_at = moment if case.flow.ended(case.state) else None
    case.rule = case.flow.snapshot()
    with transaction.atomic():
        case.full_clean(exclude=["world"])
        case.save()
        _watch(case)
        verb = f"{case.flow.name}.{case.state}"
        journal.write(verb, case, text=text or str(case), level=level, basis=basis, after=_facts(case), wide=wide)
    return case


def after(flow: Flow, name: str) -> Callable:
    """Declare what one move of a flow carries out. It runs inside the move's transaction, whoever moved the case."""

    def wrap(work: Callable[[Any], Any]) -> Callable[[Any], Any]:
        if name not in {m.name for m in flow.moves}:
            raise ValueError(f"{flow.name} has no move {name}")
        if (other := AFTER.get((flow.name, name))) and other.__qualname__ != work.__qualname__:
            raise ValueError(f"{flow.name}: move {name} is carried out twice")
        AFTER[flow.name, name] = work
        return work

    return wrap


def move(case: Any, name: str, *, line: Mapping[str, Any] | None = None, **given: Any) -> Any:
    """Move a case: flow, scope, needed fields, compare-and-set, journal line, clocks, and what the move carries out.

    ``given`` are fields that the move asks for; ``line`` is what the journal line says beyond the usual
    (text, level, basis, wide). Raises Refused with the reason.
    """
    check_open()
    step = case.flow.find(case.state, name)
    who = scope.current()
    if step.roles and not who.can(*step.roles, area=case.area_id):
        raise Refused(f"您没有办理「{step.label}」的权限")
    if not _theirs(case, step, who):
        raise Refused(f"「{step.label}」须由{getattr(case, step.owner)}办理")
    if step.apart and _own(case, who):
        raise Refused(f"「{step.label}」须由提交人以外的人办理")
    before = _facts(case)
    _fill(case, step, given)
    seen = case.turn
    with transaction.atomic():
        won = type(case).objects.filter(pk=case.pk, turn=seen, state=case.state).update(turn=F("turn") + 1)
        if won != 1:
            raise Refused("该事项刚被他人办理,请刷新后再试")
        old, moment = case.state, now()
        term = None if case.due_at and moment <= case.due_at + LAST_INSTANT and _kept_before(case, old) else case.due_at
        owner = case.flow.owner_in(old)
        case.turn, case.state, case.entered_at = seen + 1, step.target, moment
        case.closed_at = (case.closed_at or moment) if case.flow.ended(step.target) else None
        _unwatch(case, old)
        _watch(case)
        case.save()
        changed = {k: v for k, v in _facts(case).items() if before.get(k) != v}
        said = {"text": f"{case}:{step.label}", "before": {k: before.get(k) for k in changed}, "after": changed, "term": term,
                "owed_by": (getattr(case, f"{owner}_id") or "") if owner else "", **(line or {})}
        journal.write(f"{case.flow.name}.{step.target}", case, **said)
        if carry_out := AFTER.get((case.flow.name, name)):
            carry_out(case)
    return case


def _own(case: Case, who: scope.Scope) -> bool:
    """Did the asker bring the case to where it stands?"""
    last = read.history(case).filter(verb=f"{case.flow.name}.{case.state}").last()
    return who.person_id is not None and last is not None and last.actor_id == who.person_id


def _kept_before(case: Case, state: str) -> bool:
    """Was a term of this state ended before? That a case is sent back and handed in again is no second merit."""
    return read.history(case).filter(term__isnull=False, before__state=state).exists()


def _theirs(case: Case, step: Move, who: scope.Scope) -> bool:
    """Does the asker belong to the unit whose step this is?"""
    return not step.owner or who.acts_for(getattr(case, f"{step.owner}_id"))


def open_moves(case: Case) -> list[Move]:
    """The moves that the present asker may take now."""
    who = scope.current()
    steps = () if who.world.closed else case.flow.from_state(case.state)
    found = [m for m in steps if (not m.roles or who.can(*m.roles, area=case.area_id)) and _theirs(case, m, who)]
    return [m for m in found if not m.apart] if any(m.apart for m in found) and _own(case, who) else found


def _fill(case: Case, step: Move, given: dict[str, Any]) -> None:
    if odd := set(given) - set(step.asked):
        raise Refused(f"「{step.label}」不接受字段 {'、'.join(sorted(odd))}")
    for field, value in given.items():
        setattr(case, field, value)
    empty = [f for f in step.needed if getattr(case, f, None) in (None, "")]
    if empty:
        labels = "、".join(_label(case, f) for f in empty)
        raise Refused(f"办理「{step.label}」前须填写:{labels}", field=empty[0])
    try:
        case.clean_fields(exclude=[f.name for f in case._meta.fields if f.name not in given])
    except ValidationError as fault:
        field, messages = next(iter(fault.message_dict.items()))
        raise Refused(f"{_label(case, field)}:{messages[0]}", field=field) from fault


def _label(case: Case, field: str) -> str:
    return str(getattr(case._meta.get_field(field), "verbose_name", field))


def _facts(case: Case) -> dict[str, Any]:
    """The case's own fields as the journal keeps them."""
    skip = {"rule", "turn", "world", "id"}
    return {f.name: f.value_from_object(case) for f in case._meta.concrete_fields if f.name not in skip}


def limits_of(case: Case) -> list[Limit]:
    """The limits that were in force when the case began."""
    known = {f.name for f in fields(Limit)}
    rows: list[dict[str, Any]] = case.rule.get("limits", [])
    kept = [{k: tuple(v) if isinstance(v, list) else v for k, v in row.items() if k in known} for row in rows]
    return [Limit(**row) for row in kept]  # type: ignore[arg-type]


def _watch(case: Case) -> None:
    """Write the clocks of the state just entered."""
    case.due_at, case.overdue = None, False
    for n, limit in enumerate(limits_of(case)):
        if limit.state != case.state:
            continue
        term = limit.term(case.entered_at, holidays(), case)
        if term is None:
            continue
        case.due_at = min(case.due_at or term, term)
        body = {"model": case._meta.label_lower, "pk": case.pk, "state": case.state, "limit": n, "turn": case.turn}
        due.put("case.limit", term, key=_key(case, n), wait=LAST_INSTANT, **body)
        for share in limit.remind if term > case.entered_at else ():
            at = term - (term - case.entered_at) * share
            due.put("case.remind", at, key=f"{_key(case, n)}:r{share}", **body)
    type(case).objects.filter(pk=case.pk).update(due_at=case.due_at, overdue=False)


def _key(case: Case, limit: int, turn: int | None = None) -> str:
    return f"case:{case.case_key}:{case.turn if turn is None else turn}:{limit}"


def _unwatch(case: Case, state: str) -> None:
    keys = []
    for n, limit in enumerate(limits_of(case)):
        if limit.state == state:
            key = _key(case, n, case.turn - 1)
            keys += [key, *(f"{key}:r{share}" for share in limit.remind)]
            keys += [f"{key}:up{rung}" for rung in range(len(limit.raise_to.split()) + 1)]
    due.drop(*keys)


def _standing(row: Due) -> tuple[Case, Limit] | None:
    """The case that a clock row watches, if it still stands where it stood."""
    model: type[models.Model] = apps.get_model(row.body["model"])
    case = model.objects.filter(pk=row.body["pk"]).first()  # type: ignore[attr-defined]
    if case is None or case.state != row.body["state"] or case.turn != row.body["turn"]:
        return None
    return case, limits_of(case)[row.body["limit"]]


@due.handles("case.limit")
def _missed(row: Due) -> None:
    """The term is over and the case still stands: mark it, say so, tell those above."""
    if (standing := _standing(row)) is None:
        return
    case, limit = standing
    rung, roles = row.body.get("rung", 0), limit.raise_to.split()
    term = datetime.fromisoformat(row.body["term"]) if rung else row.at
    if rung == 0:
        type(case).objects.filter(pk=case.pk).update(overdue=True)
        Remark.objects.get_or_create(
            world=scope.current().world, case_type=case._meta.label_lower, case_id=str(case.pk), state=case.state,
            term=term, defaults={"basis": limit.basis, "missed_at": now()},
        )  # fmt: skip
    tell = roles[rung] if rung < len(roles) else ""
    journal.write(
        "case.overdue",
        case,
        text=f"{case}:「{case.state_label}」超过时限 {_local(term)}",
        basis=limit.basis,
        after={"state": case.state, "term": term, "rung": rung, "raise_to": tell},
    )
    if rung + 1 < len(roles):
        length = max(row.at - case.entered_at, timedelta(minutes=10))
        above = {**row.body, "rung": rung + 1, "term": term.isoformat()}
        due.put("case.limit", row.at + length, key=f"{_key(case, row.body['limit'])}:up{rung + 1}", **above)


@due.handles("case.remind")
def _remind(row: Due) -> None:
    if (standing := _standing(row)) is None:
        return
    case, limit = standing
    text = f"{case}:「{case.state_label}」时限 {_local(case.due_at)},请抓紧办理"
    journal.write("case.reminded", case, text=text, basis=limit.basis)


def _local(at: datetime | None) -> str:
    return timezone.localtime(at).strftime("%m月%d日%H:%M") if at else "未配置"
