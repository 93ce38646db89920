"""The verbs of a notice: issue and close. ``do_`` is trusted: who may call is for the room to ask."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from anlan.kernel import journal
from anlan.kernel.cases.moves import check_open
from anlan.kernel.cases.numbers import next_number
from anlan.kernel.clock import due, now
from anlan.kernel.people import ask, scope
from anlan.kernel.people.models import Post
from anlan.kernel.people.roles import ROLES

from .ladder import CALL, INFORM, Ladder, restore
from .models import Addressee, Notice

State = Addressee.State


def do_call(
    title: str,
    text: str,
    *,
    level: int | None,
    roles: tuple[str, ...],
    areas: Iterable[str],
    about: models.Model | None = None,
    tiers: tuple[str, ...] = (),
    units: tuple[str, ...] = (),
    ladder: Ladder | None = None,
    kind: str = Notice.Kind.CALL,
    wide: bool = False,
) -> Notice:
    """Issue a notice to every post of these roles in these areas: one transaction, one line, its rungs as due rows.

    Posts in an area and below it are called; where it has none of these roles, those at the nearest area above that has.
    ``tiers`` and ``units`` narrow the posts further. A call that reaches no post at all stands with nobody in it, and the line
    ``notice.nobody`` says so.

    An earlier notice about the same record is closed by it. Raises ValueError for a role that does not exist.
    """
    check_open()
    if odd := set(roles) - set(ROLES):
        raise ValueError(f"notice 「{title}」: unknown roles {', '.join(sorted(odd))}")
    steps = ladder or (CALL if kind == Notice.Kind.CALL else INFORM)
    codes, moment = list(dict.fromkeys(areas)), now()
    with transaction.atomic():
        if about is not None:
            do_close_about(about, "由新的通知取代")
        notice = Notice(
            number=next_number("notice"), title=title, text=text, kind=kind, level=level, areas=codes, ladder=steps.snapshot(),
            issued_at=moment, wide=wide, area_id=codes[0] if len(codes) == 1 else scope.ROOT,
            about_type=about._meta.label_lower if about else "", about_id=str(about.pk) if about else "",
        )  # fmt: skip
        notice.save()
        people = addressees(notice, roles, codes, tiers, units)
        Addressee.everywhere.bulk_create(people, batch_size=500)
        _put_rungs(notice, steps)
        label = Notice.Kind(kind).label
        journal.write(
            "notice.issued", notice, text=f"{label}「{title}」发往{len(people)}个岗位", level=level, wide=wide,
            basis=steps.basis,
            after={"addressees": len(people), "vacant": sum(p.person_id is None for p in people), "ladder": steps.name},
        )  # fmt: skip
        if not people:
            asked = "、".join(ROLES[role].label for role in roles)
            journal.write("notice.nobody", notice, text=f"{label}「{title}」没有找到可通知的岗位({asked}),无人收到", level=level, wide=wide)
    return notice


def addressees(
    notice: Notice, roles: tuple[str, ...], areas: list[str], tiers: tuple[str, ...], units: tuple[str, ...] = ()
) -> list[Addressee]:
    """One row a post, the A role as target and the deputy known; a vacant post is kept, for it is silent too."""
    posts = Post.everywhere.filter(role__in=roles)
    if tiers:
        posts = posts.filter(tier__in=tiers)
    if units:
        posts = posts.filter(unit_id__in=units)
    found, higher = _posts(posts, areas)
    held = _holders(roles, [*areas, *higher], tiers, notice.issued_at)
    state = State.WAITING if notice.kind == Notice.Kind.CALL else State.TOLD
    few = ask.alone(scope.current().world)
    rows = []
    for post in found:
        ranks = held.get(post.pk, [])
        if few and not ranks:
            continue  # this post takes no part in the exercise
        first, second = (*ranks, None, None)[:2]
        rows.append(Addressee(
            world_id=notice.world_id, area_id=post.area_id, notice=notice, post=post, title=post.title, role=post.role,
            tier=post.tier, state=state, person_id=first and first[0], name=first[1] if first else "",
            deputy_id=second and second[0],
        ))  # fmt: skip
    return rows


def _posts(posts: models.QuerySet[Post], areas: list[str]) -> tuple[list[Post], list[str]]:
    """The posts in these areas and below, and at the areas above that stand in for those without any; the latter also by code."""
    inside = reduce(or_, (scope.within("area_id", scope.prefix(code)) for code in areas), Q(pk__in=()))
    found = {post.pk: post for post in posts.filter(inside)}
    there = {post.area_id[:digits] for post in found.values() for digits in scope.DIGITS.values()}
    bare = [code for code in areas if scope.prefix(code) not in there]
    higher = sorted({_nearest(posts, code) for code in bare} - {""})
    found |= {post.pk: post for post in posts.filter(area_id__in=higher)}
    return sorted(found.values(), key=lambda post: (post.area_id, post.pk)), higher


def _nearest(posts: models.QuerySet[Post], code: str) -> str:
    """The nearest area above at which one of these posts stands; "" when none does."""
    above = scope.above(scope.prefix(code))
    return max(posts.filter(area_id__in=above).values_list("area_id", flat=True), default="")


def _holders(
    roles: tuple[str, ...], areas: list[str], tiers: tuple[str, ...], at: datetime
) -> dict[int, list[tuple[int, str]]]:
    """post → its holders (person, name), A role first."""
    held: dict[int, list[tuple[int, str]]] = {}
    for code in areas:
        rows = ask.holders(roles, code, timezone.localdate(at), tiers).values_list("post_id", "person_id", "person__name")
        for post, person, name in rows:
            kept = held.setdefault(post, [])
            if (person, name) not in kept:
                kept.append((person, name))
    return held


def rung_key(notice: Notice, n: int | str) -> str:
    return f"notice:{notice.pk}:{n}"


def _put_rungs(notice: Notice, ladder: Ladder) -> None:
    rows: list[tuple[datetime, str | None, dict]] = [
        (notice.issued_at + timedelta(seconds=rung.after_s), rung_key(notice, n), {"notice": notice.pk, "rung": n})
        for n, rung in enumerate(ladder.rungs)
    ]
    due.put_many("notice.rung", rows)
    if ladder.end_s is not None:
        end = notice.issued_at + timedelta(seconds=ladder.end_s)
        due.put("notice.end", end, key=rung_key(notice, "end"), notice=notice.pk)


def do_close(notice: Notice, reason: str) -> bool:
    """End a notice: later rungs fall due no more, who still waited is released. False when it was closed before."""
    check_open()
    with transaction.atomic(), scope.narrowed(person_id=None, name="系统", unit="", reaches=None):
        if not Notice.everywhere.filter(pk=notice.pk, closed_at=None).update(closed_at=now()):
            return False
        ladder = restore(notice.ladder)
        due.drop(*(rung_key(notice, n) for n in range(len(ladder.rungs))), rung_key(notice, "end"))
        waiting = Addressee.everywhere.filter(notice=notice, state=State.WAITING)
        released = waiting.update(state=State.RELEASED)
        journal.write(
            "notice.closed", notice, text=f"「{notice.title}」结束:{reason}", level=notice.level, wide=notice.wide,
            after={"reason": reason, "released": released},
        )  # fmt: skip
    return True


def do_close_about(about: models.Model, reason: str = "响应调整或终止") -> int:
    """Close every open notice about a record; how many."""
    rows = Notice.everywhere.filter(
        world=scope.current().world, about_type=about._meta.label_lower, about_id=str(about.pk), closed_at=None
    )
    return sum(do_close(notice, reason) for notice in rows.order_by("pk"))
