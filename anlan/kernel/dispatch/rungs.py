"""What a rung does when it falls due: find who is still silent, whom to try for them, and plan the attempts at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.utils import timezone

from anlan.kernel import journal
from anlan.kernel.carriers import CHANNELS, call_name
from anlan.kernel.clock import due, now
from anlan.kernel.clock.models import Due
from anlan.kernel.notice.acts import State, do_close
from anlan.kernel.notice.ladder import restore
from anlan.kernel.notice.models import Addressee, Attempt, Notice
from anlan.kernel.people import ask
from anlan.kernel.people.models import Area, Person

from . import sending

SUPERIORS = {
    "village": ("town", ("town_duty",)),
    "town": ("district", ("district_duty",)),
    "district": ("city", ("flood_office", "duty_officer")),
    "city": ("city", ("duty_lead", "leader")),
}
Targets = dict[int, int]
"""addressee → the person to try for it"""


@due.handles("notice.rung")
def work_rung(row: Due) -> None:
    """Plan every attempt of one rung and hand them to their carriers."""
    notice, n = Notice.everywhere.get(pk=row.body["notice"]), row.body["rung"]
    if notice.closed_at is not None:
        return
    ladder = restore(notice.ladder)
    whom, moment = ladder.rungs[n].whom, now()
    pending = Addressee.everywhere.filter(notice=notice, state__in=(State.WAITING, State.TOLD))
    waiting = list(pending.order_by("pk"))
    targets = TARGETS[whom](notice, waiting)
    people = Person.everywhere.select_related("user").in_bulk(set(targets.values()))
    plan = [
        _attempt(notice, n, addressee, people[targets[addressee.pk]], channel)
        for addressee in waiting
        if addressee.pk in targets
        for channel in ladder.channels_at(n, moment)
    ]
    _insert(Attempt(world_id=notice.world_id, rung=n, whom=whom, planned_at=moment), plan)
    pending.update(rung=n)
    if whom != "self":
        _note(waiting, targets, people, whom)
    routed = sending.route(notice, n)
    told = {"rung": n, "whom": whom, "attempts": len(plan), "silent": len(waiting)}
    text = f"「{notice.title}」第{n + 1}级呼叫{Attempt.Whom(whom).label}:{len(waiting)}个岗位待应答,发起{len(plan)}次"
    told |= {"nobody": len(waiting) - len(targets), **routed}
    journal.write("notice.rung", notice, text=text, level=notice.level, wide=notice.wide, after=told)
    if ladder.end_s is None and n == len(ladder.rungs) - 1:
        do_close(notice, "已发出")


def _attempt(notice: Notice, n: int, addressee: Addressee, person: Person, channel: str) -> dict[str, Any]:
    """What one attempt of a rung has of its own."""
    return {
        "area_id": addressee.area_id, "addressee_id": addressee.pk, "person_id": person.pk, "name": person.name,
        "channel": channel, "address": CHANNELS[channel].address(person),
        "call": call_name(notice.pk, n, person, channel),
        "key": f"{notice.pk}:{addressee.pk}:{n}:{person.pk}:{channel}",
    }  # fmt: skip


def _insert(shared: Attempt, plan: list[dict[str, Any]]) -> None:
    """Write the attempts that do not stand yet. A whole city is called within a second or two this way, not ten."""
    fields = [f for f in Attempt._meta.local_concrete_fields if not f.primary_key]
    same = {f.column: f.get_db_prep_save(getattr(shared, f.attname), connection) for f in fields}
    columns, marks = ", ".join(f'"{column}"' for column in same), ", ".join(["%s"] * len(same))
    table = Attempt._meta.db_table
    with connection.cursor() as cursor:
        cursor.executemany(
            f'INSERT INTO "{table}" ({columns}) VALUES ({marks}) ON CONFLICT ("key") DO NOTHING',
            [list((same | own).values()) for own in plan],
        )


def _note(waiting: list[Addressee], targets: Targets, people: dict[int, Person], whom: str) -> None:
    """Keep on each addressee whom it was raised to."""
    clock = timezone.localtime(now()).strftime("%H:%M:%S")
    raised = []
    for addressee in waiting:
        person = people.get(targets.get(addressee.pk, 0))
        name = person.name if person else "无人可呼"
        addressee.escalated = [*addressee.escalated, f"{clock} {Attempt.Whom(whom).label} {name}"]
        raised.append(addressee)
    Addressee.everywhere.bulk_update(raised, ["escalated"], batch_size=200)


def holder(notice: Notice, waiting: list[Addressee]) -> Targets:
    return {a.pk: a.person_id for a in waiting if a.person_id}


def deputy(notice: Notice, waiting: list[Addressee]) -> Targets:
    return {a.pk: a.deputy_id for a in waiting if a.deputy_id}


def superior(notice: Notice, waiting: list[Addressee]) -> Targets:
    """Who holds the duty post of the next tier up, over the addressee's own area."""
    found, day = {}, timezone.localdate(now())
    seats: dict[tuple[str, str], list[int]] = {}
    for addressee in waiting:
        tier, roles = SUPERIORS[addressee.tier]
        area = _up(addressee.area_id, tier)
        if (area, tier) not in seats:
            rows = ask.holders(roles, area, day, (tier,)).filter(post__area_id=area).order_by("rank", "post_id")
            seats[area, tier] = list(rows.values_list("person_id", flat=True)[:3])
        others = [p for p in seats[area, tier] if p not in (addressee.person_id, addressee.deputy_id)]
        if others:
            found[addressee.pk] = others[0]
    return found


def _up(code: str, tier: str) -> str:
    return code[: {"town": 9, "district": 6, "city": 4}[tier]].ljust(12, "0")


def neighbour(notice: Notice, waiting: list[Addressee]) -> Targets:
    """The nearest colleague of the same role under the same parent who has answered: awake, and close by."""
    awake = Addressee.everywhere.filter(notice=notice, state=State.ANSWERED).exclude(answered_by=None)
    colleagues: dict[tuple[str, str], list[Any]] = {}
    parents = {_parent(a) for a in waiting}
    for area, tier, role, person in awake.order_by("pk").values_list("area_id", "tier", "role", "answered_by"):
        if (parent := _parent_of(area, tier)) in parents:
            colleagues.setdefault((parent, role), []).append((area, person))
    places = _places(waiting, colleagues)
    found = {}
    for addressee in waiting:
        near = colleagues.get((_parent(addressee), addressee.role), [])
        if near:
            here = places.get(addressee.area_id)
            found[addressee.pk] = min(near, key=lambda c: (_apart(here, places.get(c[0])), c[0]))[1]
    return found


def _places(waiting: list[Addressee], colleagues: dict[tuple[str, str], list[Any]]) -> dict[str, tuple]:
    codes = {a.area_id for a in waiting} | {area for near in colleagues.values() for area, _ in near}
    return {area.code: (area.lon, area.lat) for area in Area.objects.in_bulk(codes).values()}


def _apart(a: tuple | None, b: tuple | None) -> float:
    """A squared distance in degrees, good enough to rank villages of one town; unknown places come last."""
    if a is None or b is None or None in a or None in b:
        return float("inf")
    return float(((a[0] - b[0]) * 0.8) ** 2 + (a[1] - b[1]) ** 2)


def _parent(addressee: Addressee) -> str:
    return _parent_of(addressee.area_id, addressee.tier)


def _parent_of(code: str, tier: str) -> str:
    return _up(code, SUPERIORS[tier][0])


TARGETS: dict[str, Callable[[Notice, list[Addressee]], Targets]] = {
    "self": holder,
    "deputy": deputy,
    "superior": superior,
    "neighbour": neighbour,
}


@due.handles("notice.end")
def work_end(row: Due) -> None:
    """The ladder is over: who has not answered is silent, by name, and stays on the duty board."""
    notice = Notice.everywhere.get(pk=row.body["notice"])
    if notice.closed_at is not None:
        return
    waiting = Addressee.everywhere.filter(notice=notice, state=State.WAITING)
    silent = list(waiting.select_for_update(of=("self",)).select_related("area", "notice").order_by("pk"))
    waiting.update(state=State.SILENT, silent_at=now())
    for addressee in silent:
        addressee.state, addressee.silent_at = State.SILENT, now()
        journal.write(
            "notice.silent", addressee, text=f"{addressee}未应答,已升级到顶", level=notice.level,
            after={"notice": notice.pk, "escalated": addressee.escalated},
        )  # fmt: skip
    do_close(notice, f"阶梯已到顶,{len(silent)}个岗位未应答")
