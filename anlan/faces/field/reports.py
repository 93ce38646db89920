"""Reports from the field: a disaster with its first numbers, a danger with its place, or that all is well."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from anlan.kernel.cases import Refused
from anlan.kernel.clock import now
from anlan.kernel.files.acts import EVIDENCE, attached, do_attach, store
from anlan.kernel.files.store import CAP_BYTES, Kept
from anlan.kernel.people import scope
from anlan.kernel.people.models import Area, Person
from anlan.response.duty.acts import SEEN, do_intake
from anlan.response.duty.models import Intake

from .home import new_number
from .told import client_id, clock_words, count, done, duty_desk, lonlat, moment, refused

MOST_FILES = 9
WORDS = 2000
YEARS = timedelta(days=3650)
DANGERS = ("河水上涨", "山洪", "滑坡、落石", "水库、塘坝险情", "道路积水、中断", "房屋危险", "停电、断网", "火情", "其他险情")
NUMBERS = (
    ("affected", "受灾人数", "人"), ("moved", "已转移", "人"), ("dead", "死亡", "人"), ("missing", "失踪", "人"),
    ("injured", "受伤", "人"), ("houses", "倒塌房屋", "间"), ("crops", "农作物受灾", "亩"),
)  # fmt: skip


@dataclass(frozen=True)
class Kind:
    name: str
    label: str
    hint: str


KINDS = {
    kind.name: kind
    for kind in (
        Kind("disaster", "报灾情", "已经造成损失或伤亡"),
        Kind("danger", "报险情", "有危险,还没造成损失"),
        Kind("zero", "一切正常", "零报告:本村没有险情、灾情"),
    )
}
Mark = tuple[datetime | None, tuple[float, float] | None]


@require_http_methods(["GET", "POST"])
def report(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The form of one kind of report, and its taking in."""
    known = KINDS.get(kind)
    if known is None:
        raise Http404("没有这种上报。")
    if request.method != "POST":
        return _form(request, known)
    try:
        row = take(request, known)
    except Refused as no:
        return refused(no, _form(request, known, no), request)
    return done(request, f"「{known.label}」已送达 {clock_words(row.received_at)}")


def _form(request: HttpRequest, kind: Kind, no: Refused | None = None) -> HttpResponse:
    typed = request.POST
    areas = places()
    here = _own_area()
    context = {
        "kind": kind, "fault": str(no) if no else "", "field": no.field if no else "", "typed": typed, "areas": areas,
        "chosen": typed.get("area") or (here if any(here == a.code for a in areas) else ""), "dangers": DANGERS,
        "numbers": [(name, label, unit, typed.get(name, "")) for name, label, unit in NUMBERS],
        "number": typed.get("client_id") or new_number(), "lost": bool(no and request.FILES), "most": MOST_FILES,
        "cap": CAP_BYTES, "desk": duty_desk(here), "base": scope.current().world.prefix,
    }  # fmt: skip
    return render(request, "field/report.html", context)


def places() -> list[Area]:
    """What a person may report from: villages where they hold a town or less, otherwise towns and districts."""
    who = scope.current()
    starts = {reach.area for reach in who.reaches or ()}
    found: dict[str, Area] = {}
    for start in starts:
        levels = ("village", "town") if len(start) >= 6 else ("town", "district", "city")
        for area in Area.objects.filter(scope.within("code", start), level__in=levels).select_related("parent"):
            found[area.code] = area
    return sorted(found.values(), key=lambda area: (area.rank, area.code))


def _own_area() -> str:
    """The area of the person, which stands chosen in the form."""
    return Person.everywhere.filter(pk=scope.current().person_id).values_list("area_id", flat=True).first() or scope.ROOT


def take(request: HttpRequest, kind: Kind) -> Intake:
    """Check everything, keep the files, then write all of it in one transaction. The same number is taken once."""
    number = client_id(request)
    if number and (known := _known(number)):
        return known
    intake = _intake(request, kind, number)
    kept = keep(request.FILES.getlist("photos"))
    marks = _marks(request, len(kept))
    try:
        with transaction.atomic():
            row = do_intake(intake)
            for n, (file, (taken_at, place)) in enumerate(zip(kept, marks, strict=True)):
                do_attach(file, row, client_id=number and f"{number}:{n}", taken_at=taken_at, lonlat=place)
    except IntegrityError:
        # The same report came in by another connection at this very moment; the first one stands.
        if number and (known := _known(number)):
            return known
        raise
    return row


def _known(number: str) -> Intake | None:
    """My own report with this number. Another person's number is not mine to learn of."""
    who = scope.current()
    return Intake.everywhere.filter(world=who.world, client_id=number, reporter=who.person_id).first()


def _intake(request: HttpRequest, kind: Kind, number: str | None) -> Intake:
    who, area = scope.current(), _area(request)
    text = request.POST.get("text", "").strip()
    if len(text) > WORDS:
        raise Refused(f"情况说明最多 {WORDS} 字,您写了 {len(text)} 字", field="text")
    person = Person.everywhere.filter(pk=who.person_id).select_related("unit").first()
    place = lonlat(request.POST.get("lon", ""), request.POST.get("lat", "")) or (None, None)
    intake = Intake(
        area=area, way=Intake.Way.FIELD, received_at=now(), occurred_at=moment(request.POST.get("made_at")),
        caller=f"{person.unit.short} {person.name}"[:80] if person else who.name, caller_phone=person.phone if person else "",
        reporter=person, lon=place[0], lat=place[1], client_id=number, kind=kind.label,
        place=f"{area} {request.POST.get('place', '').strip()}".strip()[:120],
    )  # fmt: skip
    FILL[kind.name](request, intake, text)
    return intake


def _area(request: HttpRequest) -> Area:
    code = request.POST.get("area", "")
    area = Area.objects.filter(pk=code).first() if code.isascii() and code.isdigit() else None
    who = scope.current()
    if area is None or not any(area.code.startswith(reach.area) for reach in who.reaches or ()):
        raise Refused("请选择所在的村(社区)", field="area")
    return area


def _danger(request: HttpRequest, intake: Intake, text: str) -> None:
    what = request.POST.get("danger", "")
    if what not in DANGERS:
        raise Refused("请选择险情种类", field="danger")
    if not text and not request.FILES:
        raise Refused("请说明情况,或拍一张照片", field="text")
    intake.kind, intake.summary = what, f"{what}:{text}" if text else f"{what}(见照片)"


def _disaster(request: HttpRequest, intake: Intake, text: str) -> None:
    told = {name: count(request, name, label) for name, label, _ in NUMBERS}
    if not text and not any(value is not None for value in told.values()):
        raise Refused("请填至少一个数字,或说明情况", field="text")
    intake.dead, intake.missing, intake.injured = told["dead"], told["missing"], told["injured"]
    words = {name: f"{label} {told[name]} {unit}" for name, label, unit in NUMBERS if told[name] is not None}
    intake.reach = ",".join(words[name] for name in ("affected", "moved") if name in words)
    intake.loss = ",".join(words[name] for name in ("houses", "crops") if name in words)
    figures = ",".join(words.values())
    intake.kind, intake.summary = "灾情", "灾情:" + ";".join(filter(None, (text, figures)))


def _zero(request: HttpRequest, intake: Intake, text: str) -> None:
    intake.kind, intake.summary = "零报告", "零报告:一切正常" + (f"({text})" if text else "")


FILL = {"danger": _danger, "disaster": _disaster, "zero": _zero}


def keep(files: list[UploadedFile]) -> list[Kept]:
    """Put the files into the store; the first that cannot be taken is named, and nothing is reported."""
    if len(files) > MOST_FILES:
        raise Refused(f"一次最多传 {MOST_FILES} 个文件,您选了 {len(files)} 个;请分次上报", field="photos")
    try:
        return [store().keep(file.file, file.name or "", EVIDENCE) for file in files]
    except Refused as no:
        raise Refused(str(no), field="photos") from no


def _marks(request: HttpRequest, files: int) -> list[Mark]:
    """When and where the phone says each picture was taken: what compressing it has removed from the picture."""
    try:
        told: Any = orjson.loads(request.POST.get("marks") or "[]")
    except orjson.JSONDecodeError as no:
        raise Refused("照片的时间和位置有误,请刷新页面后再报", field="photos") from no
    rows = [row if isinstance(row, dict) else {} for row in told] if isinstance(told, list) else []
    rows = (rows + [{}] * files)[:files]
    return [(moment(row.get("taken_at"), YEARS), lonlat(row.get("lon"), row.get("lat"))) for row in rows]  # type: ignore[arg-type]


@require_safe
def one(request: HttpRequest, pk: int) -> HttpResponse:
    """What I reported, with its pictures and who has it."""
    who = scope.current()
    row = Intake.everywhere.filter(pk=pk, world=who.world, reporter=who.person_id, reporter__isnull=False).first()
    if row is None:
        raise Http404("没有找到这条上报,或不是您报的。")
    context = {"row": row, "pictures": attached(row)[str(row.pk)], "seen_word": SEEN.get(row.seen_tier, "")}
    return render(request, "field/one.html", context)
