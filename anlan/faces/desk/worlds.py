"""The worlds: start a replay or an exercise, hold it, set its pace, switch automatic confirmation."""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_POST, require_safe

from anlan.disaster.flood import replay as muifa
from anlan.faces import gate
from anlan.faces.gate import require
from anlan.kernel import journal
from anlan.kernel.cases import Refused
from anlan.kernel.clock import real
from anlan.kernel.people import ask, scope
from anlan.kernel.people.models import Participant
from anlan.kernel.people.roles import COMMAND
from anlan.kernel.worlds.models import World

from . import drill

FASTEST = 3600.0
PACES = (1, 10, 60, 600, 3600)
ADDRESS = re.compile(r"[\w.+@-]{3,60}")
KEPT = ("anchor_real", "anchor_world", "paused", "speed", "step", "switches", "closed")


@require(*COMMAND)
@require_safe
def many(request: HttpRequest) -> HttpResponse:
    return draw(request)


def draw(request: HttpRequest, refused: dict[str, Any] | None = None) -> HttpResponse:
    rows = list(ask.enterable(World.objects.order_by("closed", "-pk"))[:60])
    taking_part = drill.counted(rows)
    for row in rows:
        row.now, row.people, row.mine = row.at(real()), taking_part.get(row.pk, []), drill.directs(row)
    context = {"rows": rows, "paces": PACES, "refused": refused or {}, "may": may(), "start": real(), "fastest": FASTEST}
    return render(request, "desk/worlds.html", context, status=409 if refused else 200)


def may() -> bool:
    return scope.current().can(*COMMAND, area=scope.ROOT)


def check_may() -> None:
    if not may():
        raise PermissionDenied("开设、控制演练和回放须有全市指挥权限")


@gate.lasting
@require_POST
@require(*COMMAND)
def replay(request: HttpRequest) -> HttpResponseBase:
    """Start a replay of the typhoon in a world of its own."""
    check_may()
    try:
        world = muifa.begin(speed=(speed := pace(request.POST.get("speed", ""))))
    except Refused as no:
        return draw(request, {"form": "replay", "message": str(no), **request.POST.dict()})
    messages.success(request, f"已开始:{world.title},{speed:g}倍速")
    return redirect(f"{world.prefix}/desk/")


@gate.lasting
@require_POST
@require(*COMMAND)
def exercise(request: HttpRequest) -> HttpResponseBase:
    """Open an exercise: its own records, clock and people; messages to the allow-list and nobody else."""
    check_may()
    try:
        world = _exercise(request.POST)
    except Refused as no:
        return draw(request, {"form": "exercise", "field": no.field, "message": str(no), **request.POST.dict()})
    messages.success(request, f"演练世界已开设:{world.title}")
    return redirect(f"{world.prefix}/desk/")


def _exercise(typed: Any) -> World:
    title = typed.get("title", "").strip()
    if not title:
        raise Refused("请填写演练名称", field="title")
    if len(title) > 60:
        raise Refused("演练名称不超过 60 字", field="title")
    allow = re.split(r"[\s,;、,;]+", typed.get("allow", "").strip())
    if odd := [a for a in allow if a and not ADDRESS.fullmatch(a)]:
        raise Refused(f"名单中“{odd[0][:40]}”不是电话号码或邮箱地址", field="allow")
    world = World(
        kind=World.Kind.EXERCISE, title=title, mark=f"【演练】{title}", name="exercise", speed=pace(typed.get("speed", "")),
        anchor_real=real(), anchor_world=moment(typed.get("start", "")), allow=list(filter(None, allow)),
        switches={"simulate": typed.get("simulate") == "on", "auto_confirm": False},
    )  # fmt: skip
    people = drill.read(typed.get("people", ""))
    if me := scope.current().person_id:
        people[me] = Participant.Part.DIRECT
    with transaction.atomic():
        world.save()
        drill.do_join(world, people)
        with scope.narrowed(world=world):
            journal.write("exercise.begun", world, text=f"演练“{title}”开始,可外发名单 {len(world.allow)} 个", wide=True)
    return world


def pace(typed: str) -> float:
    try:
        speed = float(typed or 1)
    except ValueError:
        speed = math.nan
    if not 0 < speed <= FASTEST:
        raise Refused(f"倍速须在 0 到 {FASTEST:g} 之间", field="speed")
    return speed


def moment(typed: str) -> datetime:
    """The world time at which an exercise begins; now when nothing is given."""
    if not typed.strip():
        return real()
    try:
        found = parse_datetime(typed.strip())
    except ValueError:
        found = None
    if found is None or not 2000 <= found.year <= 2100:
        raise Refused("演练起始时间无效", field="start")
    return found if timezone.is_aware(found) else timezone.make_aware(found)


@gate.lasting
@require_POST
@require(*COMMAND)
def change(request: HttpRequest, pk: int, act: str) -> HttpResponseBase:
    """Hold, go on, set the pace, switch, or end a drill or replay."""
    check_may()
    if act not in ACTS:
        raise Http404("没有这个操作")
    with transaction.atomic():
        rows = ask.enterable(World.objects.exclude(kind=World.Kind.ACTUAL))
        world = rows.select_for_update().filter(pk=pk).first()
        if world is None or not drill.directs(world):
            raise Http404("没有这个世界")
        if world.closed:
            raise Refused(f"{world.title}已经结束,记录保留,不能再操作")
        said = ACTS[act](world, request.POST)
        world.save(update_fields=KEPT)
        with scope.narrowed(world=world):
            journal.write(f"world.{act}", world, text=f"{world.title}:{said}", wide=True)
    messages.success(request, f"{world.title}:{said}")
    return redirect(request.POST.get("next") if request.POST.get("next") == f"{world.prefix}/desk/" else "desk:worlds")


def _pause(world: World, typed: Any) -> str:
    world.pause(real())
    return "已暂停"


def _resume(world: World, typed: Any) -> str:
    world.resume(real())
    return "继续"


def _pace(world: World, typed: Any) -> str:
    speed = pace(typed.get("speed", ""))
    if world.paused:
        world.speed = speed
    else:
        world.resume(real(), speed)
    return f"{speed:g}倍速"


def _confirming(world: World, typed: Any) -> str:
    on = typed.get("on") == "1"
    world.switches = {**world.switches, "auto_confirm": on}
    return "自动确认已打开:新的建议 10 分钟后自动确认,降低级别除外,须由值班员决定" if on else "自动确认已关闭:新的建议由值班员确认"


def _end(world: World, typed: Any) -> str:
    world.pause(real())
    world.closed = True
    return "已结束,记录保留"


ACTS = {"pause": _pause, "resume": _resume, "pace": _pace, "confirming": _confirming, "end": _end}
