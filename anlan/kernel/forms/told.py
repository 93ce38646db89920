"""Who is told of a form's case: the head of the office that it names, and whoever must decide on what was handed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps

from anlan.kernel import journal
from anlan.kernel.journal.entry import HEARERS
from anlan.kernel.notice import acts as notice
from anlan.kernel.people.models import Post, Unit
from anlan.kernel.people.scope import above, common, prefix

if TYPE_CHECKING:
    from .form import Form

HEAD = "office_head"


def hear(form: Form) -> None:
    """Hear the states of a form's cases in which somebody has something to do."""
    if form.flow is None:
        return
    for state in form.flow.states:
        verb = f"{form.flow.name}.{state}"
        if (state == form.flow.start or _decided(form, state)) and on_state not in HEARERS.get(verb, ()):
            journal.on(verb)(on_state)


def _decided(form: Form, state: str) -> bool:
    """Does somebody decide here on what another handed in?"""
    assert form.flow is not None
    return any(move.apart for move in form.flow.from_state(state))


def on_state(line: Any) -> None:
    """The case may have moved on meanwhile; then nobody need be told."""
    model: Any = apps.get_model(line.subject_type)
    row = model.objects.filter(pk=line.subject_id).first()
    if row is None or f"{row.flow.name}.{row.state}" != line.verb:
        return
    post = _decider(row, line.unit) if _decided(row.form, row.state) else _named(row, line.unit)
    if post is None:
        return
    quiet = bool(line.few) or not common(line.subject_type)
    said = "一件限定查阅的事项待您办理,请登录后在台账中查看。" if quiet else f"{row.form.title}“{row}”当前为“{row.state_label}”,请办理。"
    notice.do_call(title="待办事项" if quiet else f"待办:{row.form.title}", text=said, kind="inform", level=None, roles=(post.role,),
                   areas=[post.area_id], tiers=(post.tier,), units=(post.unit_id,) if post.role == HEAD else (), about=row)  # fmt: skip


def _decider(row: Any, unit: str) -> Post | None:
    """The nearest post of a role that decides: the head of the office that handed in, else upwards from the case's area."""
    roles = row.form.decides.split()
    if HEAD in roles and (own := Post.everywhere.filter(role=HEAD, unit_id=unit).first()):
        return own
    areas = [row.area_id, *above(prefix(row.area_id))]
    return Post.everywhere.filter(role__in=[r for r in roles if r != HEAD], area_id__in=areas).order_by("-area_id", "pk").first()


def _named(row: Any, unit: str) -> Post | None:
    """The head of the office that the case names, unless it was he or his office that opened it."""
    named = next((getattr(row, f"{f.name}_id") for f in row.form.asked if f.kind == "unit" and getattr(row, f"{f.name}_id")), "")
    if not named or named == unit or not Unit.everywhere.filter(pk=named, kind="内设").exists():
        return None
    return Post.everywhere.filter(role=HEAD, unit_id=named).first()
