"""What command hears from the flood office: a response opens the event, a change gives more orders, the end closes it."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.utils import timezone

from anlan.kernel import journal
from anlan.kernel.clock import due, now

from . import acts, simulate
from .models import Event, Task

__all__ = ["simulate"]


def response_of(line: Any) -> Any:
    """The record of another room that a line is about; rooms meet by label, not by import."""
    return apps.get_model(line.subject_type)._default_manager.get(pk=line.subject_id)


@journal.on("response.started")
def on_started(line: Any) -> None:
    response = response_of(line)
    if acts.of_cause(line.subject_type, line.subject_id):
        return
    began = f"{timezone.localtime(line.at):%Y年%m月%d日}启动"
    event = Event(
        title=f"{response.title}应急响应({began})", kind=Event.Kind.FLOOD, level=response.level,
        area_id=response.area_id, occurred_at=line.at, place="全市", summary=line.text, source="市防汛抗旱指挥部",
    )  # fmt: skip
    if not line.world.actual:
        event.title = f"{line.world.title.split('(')[0]}防汛防台风"
    acts.do_open(event, cause=response)
    _activate(event, response)


@journal.on("response.changed")
def on_changed(line: Any) -> None:
    response, event = response_of(line), acts.of_cause(line.subject_type, line.subject_id)
    if event is None or event.state != "open":
        return
    acts.do_level(event, response.level)
    if line.after["level"] <= line.before["level"]:  # a lower level orders nothing more and takes no order back
        _activate(event, response)


def _activate(event: Event, response: Any) -> None:
    """Orders wait for the calls: hundreds of them in one piece would hold up the first ring."""
    key = f"activate:{event.pk}:{response.level}:{len(response.areas)}"
    due.put("command.activate", now(), key=key, event=event.pk, level=response.level, areas=response.areas)


@due.handles("command.activate")
def on_activate(row: Any) -> None:
    event = Event.objects.get(pk=row.body["event"])
    if event.state == "open":
        acts.do_activate(event, row.body["level"], row.body["areas"])


@due.handles("command.card")
def on_card(row: Any) -> None:
    event = Event.objects.get(pk=row.body["event"])
    if event.state == "open":
        acts.do_card(event, Task.objects.get(pk=row.body["task"]), row.body["level"], row.body["areas"])


@journal.on("response.stood_down")
def on_stood_down(line: Any) -> None:
    event = acts.of_cause(line.subject_type, line.subject_id)
    if event and event.state == "open":
        acts.do_close(event, line.text)
