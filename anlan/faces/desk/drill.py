"""Who takes part in an exercise: a list that is pasted, by persons, telephones, units or roles, and read line by line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Case, Count, Q, When
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from anlan.faces import gate
from anlan.kernel import journal
from anlan.kernel.carriers import CHANNELS
from anlan.kernel.cases import Refused
from anlan.kernel.clock import real
from anlan.kernel.people import ask, scope
from anlan.kernel.people.models import Grant, Participant, Person, Unit
from anlan.kernel.people.roles import COMMAND, GRANTED, ROLES
from anlan.kernel.worlds.models import World

ROWS = 50
MOST = 5000
PARTS = {part.label: part for part in Participant.Part}
BREAKS = re.compile(r"[\s,,、;;]+")
ROLE_NAMES = {ROLES[name].label: name for name in GRANTED}
List = dict[int, str]
"""person → part"""


def read(text: str) -> List:
    """The people of a pasted list. What is wrong is said by line, all of it at once."""
    found: List = {}
    faults = []
    for n, line in enumerate(text.splitlines(), 1):
        words = [w for w in BREAKS.split(line.strip()) if w]
        part = next((PARTS[w] for w in words if w in PARTS), Participant.Part.PLAY)
        words = [w for w in words if w not in PARTS]
        if not words:
            if line.strip():
                faults.append(f"第{n}行只有身份,没有人员")
            continue
        try:
            found |= dict.fromkeys(_people(words, part), str(part))
        except Refused as no:
            faults.append(f"第{n}行 {' '.join(words)[:40]}:{no}")
    if len(found) > MOST:
        faults.append(f"名单共{len(found)}人,超过{MOST}人的上限")
    if faults:
        more = f";另有{len(faults) - 8}处" if len(faults) > 8 else ""
        raise Refused(";".join(faults[:8]) + more, field="people")
    return found


def _people(words: list[str], part: str) -> list[int]:
    """Whom one line names: a person by name or telephone, else a unit with all below it, else all who hold a role."""
    people = _persons(words) or _unit(words) or _role(words)
    if not people:
        raise Refused("人员、单位台账和角色中都没有")
    if part == Participant.Part.DIRECT:
        _check_directing(people)
    return people


def _check_directing(people: list[int]) -> None:
    """Direction runs the clock of the whole exercise, so it takes a grant to command the whole city."""
    rows = Grant.objects.filter(ask.in_force(_today()), person__in=people, role__in=COMMAND, area_id=scope.ROOT)
    if odd := set(people) - set(rows.values_list("person_id", flat=True)):
        names = "、".join(Person.objects.filter(pk__in=odd).order_by("pk").values_list("name", flat=True)[:3])
        raise Refused(f"{names}没有全市指挥权限,不能导调,可列为参演或观摩")


def _today() -> date:
    return timezone.localdate(real())


def _persons(words: list[str]) -> list[int]:
    phones = [w for w in words if re.fullmatch(r"\+?\d{7,15}", w)]
    names = [w for w in words if w not in phones]
    rows = Person.objects.filter(Q(phone__in=phones) if phones else Q(), Q(name__in=names) if names else Q())
    found = list(rows.values_list("pk", flat=True)[:3])
    if len(found) > 1:
        raise Refused("有同名或同号人员,请写明“姓名 手机号”")
    return found


def _unit(words: list[str]) -> list[int]:
    if len(words) > 1:
        return []
    units = list(Unit.objects.filter(Q(code=words[0]) | Q(name=words[0]) | Q(short=words[0])).values_list("code", flat=True)[:2])
    if len(units) > 1:
        raise Refused("有同名单位,请写单位代码")
    if not units:
        return []
    below = Q(unit_id=units[0]) | Q(unit__code__startswith=units[0] + ".")
    if not (people := list(Person.objects.filter(below).values_list("pk", flat=True)[: MOST + 1])):
        raise Refused("该单位没有登记人员")
    return people


def _role(words: list[str]) -> list[int]:
    if len(words) > 1 or words[0] not in ROLE_NAMES:
        return []
    rows = Grant.objects.filter(ask.in_force(_today()), role=ROLE_NAMES[words[0]])
    return list(Person.objects.filter(pk__in=rows.values("person")).values_list("pk", flat=True))


def do_join(world: World, people: List) -> int:
    """Put these people on the list, or give them another part; how many lines of the list have changed."""
    with transaction.atomic():
        _alone(world)
        had = dict(Participant.objects.filter(world=world, person__in=people).values_list("person_id", "part"))
        fresh = {person: part for person, part in people.items() if had.get(person) != part}
        Participant.objects.filter(world=world, person__in=fresh).delete()
        rows = [Participant(world=world, person_id=person, part=part) for person, part in fresh.items()]
        Participant.objects.bulk_create(rows, batch_size=500)
        _check_directed(world)
        if fresh:
            _note(world, "exercise.joined", f"名单新增或变更{len(fresh)}人", fresh)
    return len(fresh)


def _alone(world: World) -> None:
    """Until this transaction ends nobody else changes this list; the world's row is the lock."""
    _check_open(World.objects.select_for_update().get(pk=world.pk))


def _check_directed(world: World) -> None:
    if not Participant.objects.filter(world=world, part=Participant.Part.DIRECT).exists():
        raise Refused("演练至少要有一名导调人员,请先指定他人", field="people")


def _note(world: World, verb: str, said: str, people: List) -> None:
    with scope.narrowed(world=world):
        journal.write(verb, world, text=f"{world.title}:{said}", after={"people": {str(k): v for k, v in people.items()}}, wide=True)
    gate.forget()


def directs(world: World) -> bool:
    """May the present asker run this exercise? Whoever directs it; a replay belongs to all who command."""
    who = scope.current()
    mine = Participant.objects.filter(world=world, person_id=who.person_id, part=Participant.Part.DIRECT)
    return world.kind != World.Kind.EXERCISE or who.system or (who.can(*COMMAND, area=scope.ROOT) and mine.exists())


def counted(worlds: Iterable[World]) -> dict[int, list[tuple[str, int]]]:
    """world → how many in which part."""
    rows = Participant.objects.filter(world__in=list(worlds)).order_by().values_list("world_id", "part").annotate(n=Count("pk"))
    told: dict[int, dict[str, int]] = {}
    for world, part, n in rows:
        told.setdefault(world, {})[part] = n
    return {world: [(p.label, parts[p]) for p in Participant.Part if p in parts] for world, parts in told.items()}


def _exercise(pk: int) -> World:
    return get_object_or_404(ask.enterable(World.objects.filter(kind=World.Kind.EXERCISE)), pk=pk)


@gate.lasting
@gate.require(*COMMAND)
def people(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The list of one exercise; who directs it adds to it."""
    world, typed, fault = _exercise(pk), request.POST.get("people", ""), ""
    if request.method == "POST":
        if not directs(world):
            raise Http404("没有这个演练")
        try:
            do_join(world, read(typed))
            return redirect("desk:taking-part", pk)
        except Refused as no:
            fault = str(no)
    rows = Participant.objects.filter(world=world).select_related("person__unit", "person__user", "person__area")
    rows = rows.order_by(Case(*(When(part=part, then=n) for n, part in enumerate(Participant.Part))), "pk")
    page = Paginator(rows, ROWS).get_page(request.GET.get("page"))
    for row in page:
        row.outside = bool(set(world.allow) & {way.address(row.person) for way in CHANNELS.values()})
    near = Person.objects.filter(pk__in=[row.person_id for row in page]) if ask.sees_personal(scope.current()) else Person.objects.none()
    context = {
        "drill": world, "rows": page, "typed": typed, "fault": fault, "counts": counted([world]).get(world.pk, []),
        "may": directs(world) and not world.closed, "near": set(near.values_list("pk", flat=True)),
    }  # fmt: skip
    return render(request, "desk/taking_part.html", context, status=409 if fault else 200)


def _check_open(world: World) -> None:
    if world.closed:
        raise Refused(f"{world.title}已经结束,名单保留,不能再改")


@gate.lasting
@require_POST
@gate.require(*COMMAND)
def leave(request: HttpRequest, pk: int, person: int) -> HttpResponse:
    """Take one person off the list; the world closes to them at once."""
    world = _exercise(pk)
    row = get_object_or_404(Participant.objects.select_related("person"), world=world, person_id=person)
    if not directs(world):
        raise Http404("没有这个演练")
    with transaction.atomic():
        _alone(world)
        row.delete()
        _check_directed(world)
        _note(world, "exercise.left", f"{row.person}退出名单", {row.person_id: row.part})
    return redirect("desk:taking-part", pk)
