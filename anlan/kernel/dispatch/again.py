"""Calling again by hand: the duty officer wants one more call to one post, outside the ladder."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Max

from anlan.kernel import journal
from anlan.kernel.carriers import CHANNELS, VIA, call_name
from anlan.kernel.cases import Refused
from anlan.kernel.clock import now
from anlan.kernel.notice.models import Addressee, Attempt
from anlan.kernel.people import scope
from anlan.kernel.people.models import Person
from anlan.kernel.people.roles import STAFF
from anlan.kernel.worlds.models import World

from . import sending

BY_HAND = 100
"""Calls by hand are numbered from here within their notice, above every rung of a ladder."""


def check_again(addressee: Addressee, whom: str, channel: str) -> int:
    """May this asker call this post once more? The rung number of the call that was made."""
    if not scope.current().can(*STAFF, area=addressee.area_id):
        raise Refused("您没有呼叫该岗位的权限")
    if addressee.state in Addressee.ANSWERS:
        raise Refused(f"{addressee}已应答,无需再呼")
    if channel not in CHANNELS:
        raise Refused("请选择呼叫方式", field="channel")
    person = {Attempt.Whom.SELF: addressee.person, Attempt.Whom.DEPUTY: addressee.deputy}.get(whom)  # type: ignore[call-overload]
    if person is None:
        raise Refused("该岗位没有登记这一责任人,请改呼其他人", field="whom")
    return do_again(addressee, person, whom, channel)


def do_again(addressee: Addressee, person: Person, whom: str, channel: str) -> int:
    """Plan one attempt and hand it to its carrier."""
    with transaction.atomic():
        World.objects.select_for_update().get(pk=addressee.world_id)
        last = Attempt.everywhere.filter(addressee__notice=addressee.notice_id, rung__gte=BY_HAND).aggregate(
            n=Max("rung")
        )["n"]
        n = BY_HAND if last is None else last + 1
        Attempt(
            world_id=addressee.world_id, area_id=addressee.area_id, addressee=addressee, rung=n, whom=whom, person=person,
            name=person.name, channel=channel, address=CHANNELS[channel].address(person), planned_at=now(),
            call=call_name(addressee.notice_id, n, person, channel),
            key=f"{addressee.notice_id}:{addressee.pk}:{n}:{person.pk}:{channel}",
        ).save()  # fmt: skip
        with scope.narrowed(reaches=None):  # carriers and their due rows belong to the system
            sending.route(addressee.notice, n)
        text = f"人工再次呼叫{addressee}({Attempt.Whom(whom).label}{person.name},{VIA[channel]})"
        journal.write(
            "notice.again", addressee, text=text, level=addressee.notice.level, after={"rung": n, "channel": channel}
        )
    return n
