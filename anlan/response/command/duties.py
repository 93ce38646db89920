"""What command hears from the flood office: a response opens the event, a change gives more orders, the end closes it."""

from __future__ import annotations

from typing import Any

from django.apps import apps

from anlan.kernel import journal

from . import acts, simulate
from .models import Event

__all__ = ["simulate"]


def response_of(line: Any) -> Any:
    """The record of another room that a line is about; rooms meet by label, not by import."""
    return apps.get_model(line.subject_type)._default_manager.get(pk=line.subject_id)


@journal.on("response.started")
def on_started(line: Any) -> None:
    response = response_of(line)
    if acts.of_cause(line.subject_type, line.subject_id):
        return
    event = Event(
        title=f"{response.title}{line.at.year}年第{response.pk}次响应", kind=Event.Kind.FLOOD, level=response.level,
        area_id=response.area_id, occurred_at=line.at, place="全市", summary=line.text, source="市防汛抗旱指挥部",
    )  # fmt: skip
    world = line.world
    if world.name:
        event.title = f"{world.title.split('(')[0]}防汛防台风"
    acts.do_open(event, cause=response)
    acts.do_activate(event, response.level, response.areas)


@journal.on("response.changed")
def on_changed(line: Any) -> None:
    response, event = response_of(line), acts.of_cause(line.subject_type, line.subject_id)
    if event is None or event.state != "open":
        return
    acts.do_level(event, response.level)
    acts.do_activate(event, response.level, response.areas)


@journal.on("response.stood_down")
def on_stood_down(line: Any) -> None:
    event = acts.of_cause(line.subject_type, line.subject_id)
    if event and event.state == "open":
        acts.do_close(event, line.text)
