"""What the duty room hears: a term that was missed; a replay or an exercise needs its own people on duty."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from anlan.kernel import journal
from anlan.kernel.notice import acts as notice
from anlan.kernel.notice.models import Notice
from anlan.kernel.people import scope
from anlan.kernel.people.ask import holders
from anlan.kernel.people.models import Area, Post

from .models import Shift

PATTERN = ((Shift.Post.LEAD, "leader"), (Shift.Post.CHIEF, "duty_lead"), (Shift.Post.OFFICER, "duty_officer"))


@journal.on("replay.begun", "exercise.begun", "city.seeded")
def on_begun(line: Any) -> None:
    """Twelve-hour shifts for the length of the replay (or the next three days), from the holders of the city's posts."""
    world = scope.current().world
    start = timezone.localtime(line.at).replace(hour=8, minute=0, second=0, microsecond=0) - timedelta(hours=24)
    last = world.ends or line.at + timedelta(days=3)
    for post, role in PATTERN:
        people = list(holders(role, scope.ROOT, timezone.localdate(line.at), tiers=("city",)))
        since, n = start, 0
        while people and since < last:
            person = people[n % len(people)].person
            Shift(area_id=scope.ROOT, post=post, person=person, since=since, until=since + timedelta(hours=12), note="演示").save()
            since, n = since + timedelta(hours=12), n + 1


@journal.on("case.overdue")
def on_overdue(line: Any) -> None:
    """A message to the posts that the limit names, nearest above the matter; the case says by which article."""
    role, post = line.after["raise_to"], None
    if role:
        post = Post.everywhere.filter(role=role, area__in=_up(line.area)).order_by("-area_id").first()
    if post:
        notice.do_call(
            title="超时提醒", text=_text(line), kind="inform", level=None, roles=(role,), areas=[post.area_id],
            tiers=(post.tier,),
        )  # fmt: skip


@journal.on("notice.nobody")
def on_nobody(line: Any) -> None:
    """A call without anybody to hear it is told to the city's duty officers; theirs goes no further."""
    call = Notice.objects.get(pk=line.subject_id)
    if call.about_type != Notice._meta.label_lower:
        notice.do_call(title="通知无人收到", text=line.text, kind="inform", level=None, roles=("duty_officer", "duty_lead"),
                       areas=[scope.ROOT], tiers=("city",), about=call)  # fmt: skip


def _text(line: Any) -> str:
    """What is not for everybody's reading is not named in a message either."""
    if line.few or not scope.common(line.subject_type):
        return "您负责的一件限定查阅的事项超过时限,请登录后在台账中查看。"
    return f"{line.text}。依据:{line.basis}"


def _up(area: Area) -> list[Area]:
    return [area, *(_up(area.parent) if area.parent else [])]
