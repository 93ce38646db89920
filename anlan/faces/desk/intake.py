"""Taking a message in, its statutory reports with their clocks, and turning it into an event."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.crypto import get_random_string
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from anlan.faces.gate import require
from anlan.kernel.cases import Refused
from anlan.kernel.cases.moves import move, open_moves
from anlan.kernel.clock import now
from anlan.kernel.columns.filters import areas, bounded
from anlan.kernel.journal import read
from anlan.kernel.people import scope
from anlan.kernel.people.models import Area
from anlan.kernel.people.roles import COMMAND, READERS, STAFF
from anlan.response.command import acts as command
from anlan.response.command.models import Event
from anlan.response.duty import acts
from anlan.response.duty.models import Intake, PhoneReport, WrittenReport

from . import bulletin

STEPS: dict[str, type[PhoneReport] | type[WrittenReport]] = {"phone": PhoneReport, "written": WrittenReport}
MOMENT = {"type": "datetime-local", "step": "60"}
KINDS = ("台风", "暴雨内涝", "洪水", "地质灾害", "森林火灾", "地震", "危险化学品事故", "火灾", "建筑施工事故", "矿山事故",
         "交通运输事故", "燃气事故", "海上突发事件", "其他")  # fmt: skip
WHOLE, THIRD = ("summary", "accident"), ("dead", "missing", "injured")


class Form(forms.ModelForm):
    """The fields of an incident intake, in the order in which one asks on the telephone."""

    area = forms.ModelChoiceField(Area.objects.none(), label="所在区域", to_field_name="code", empty_label="请选择区(市)、镇街")

    class Meta:
        model = Intake
        fields = ("received_at", "way", "caller", "caller_phone", "occurred_at", "area", "place", "kind", "accident", "summary", "dead",
                  "missing", "injured", "loss", "reach", "trend", "measures", "leaders", "requests")  # fmt: skip
        widgets = {
            "received_at": forms.DateTimeInput(MOMENT, "%Y-%m-%dT%H:%M"),
            "occurred_at": forms.DateTimeInput(MOMENT, "%Y-%m-%dT%H:%M"),
            "kind": forms.TextInput({"list": "kinds"}),
            **{name: forms.Textarea({"rows": 2}) for name in ("loss", "reach", "trend", "measures", "leaders", "requests")},
            "summary": forms.Textarea({"rows": 3}),
        }
        help_texts = {"accident": "勾选后即起算法定报告时限:30 分钟电话报省;较大以上(死亡 3 人或重伤 10 人以上)另须 1 小时内书面报告"}

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        bounded(self)
        self.fields["area"].queryset = places()  # type: ignore[attr-defined]
        self.fields["area"].widget.choices = grouped()
        for name in ("dead", "missing", "injured"):
            self.fields[name].widget.attrs |= {"min": 0, "max": 1_000_000, "inputmode": "numeric"}


def places() -> Any:
    reach = areas()
    return (reach | Area.objects.filter(pk=scope.ROOT)) if scope.current().can(*STAFF, area=scope.ROOT) else reach


def grouped() -> list[Any]:
    """Districts as groups of their towns; the district itself stands first in its group."""
    groups: dict[str, list[tuple[str, str]]] = {}
    names: dict[str, str] = {}
    rows = places().only("code", "name", "level", "rank").order_by("rank", "code")
    for area in rows:
        if area.level == "city":
            groups["全市"] = [(area.code, "青岛市(跨区市)")]
            continue
        head = names.setdefault(area.code[:6], area.name)
        label = f"{area.name}(区市级)" if area.level == "district" else f"{head} {area.name}" if head != area.name else area.name
        groups.setdefault(head, []).append((area.code, label))
    return [("", "请选择区(市)、镇街"), *groups.items()]


@require(*STAFF)
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponseBase:
    once = request.POST.get("once", "")[:40] or get_random_string(20)
    if request.method == "POST" and (known := Intake.objects.filter(client_id=once).first()):
        return redirect("desk:intake", known.pk)
    form = Form(request.POST or None, initial={"received_at": now(), "way": Intake.Way.PHONE})
    if request.method == "POST" and form.is_valid() and (taken := _take(form, once)):
        messages.success(request, "已接报登记" + ("。生产安全事故:法定报告时限已起算" if taken.accident else ""))
        return redirect("desk:intake", taken.pk)
    context = {"form": form, "once": once, "kinds": KINDS, "whole": WHOLE, "third": THIRD, "fresh": request.method == "GET"}
    return render(request, "desk/intake_new.html", context, status=422 if form.errors else 200)


def _take(form: Form, once: str) -> Intake | None:
    """Keep it; what is impossible is named beside its field."""
    intake = form.save(commit=False)
    intake.client_id = once
    try:
        return acts.check_intake(intake)
    except Refused as no:
        form.add_error(no.field if no.field in form.fields else None, str(no))
    return None


@require(*READERS)
@require_safe
def one(request: HttpRequest, pk: int) -> HttpResponse:
    return draw(request, get_object_or_404(Intake.objects.select_related("area"), pk=pk))


def reports(intake: Intake) -> list[PhoneReport | WrittenReport]:
    rows: list[PhoneReport | WrittenReport] = []
    for kind, model in STEPS.items():
        for row in model.objects.filter(intake=intake).order_by("id"):
            row.kind, row.steps, row.limit = kind, open_moves(row), row.rule["limits"][0]["basis"]
            row.sent_at = row.closed_at
            row.taken = row.closed_at - row.received_at if row.closed_at else None
            rows.append(row)
    return rows


def draw(request: HttpRequest, intake: Intake, refused: dict[str, Any] | None = None) -> HttpResponse:
    event = command.of_cause(intake._meta.label_lower, str(intake.pk))
    context = {
        "intake": intake, "reports": reports(intake), "event": event, "refused": refused or {}, "kinds": Event.Kind.choices,
        "levels": ((1, "Ⅰ级(特别重大)"), (2, "Ⅱ级(重大)"), (3, "Ⅲ级(较大)"), (4, "Ⅳ级(一般)")), "lines": read.history(intake),
        "may": scope.current().can(*COMMAND, area=intake.area_id), "text": bulletin.facts_of_intake(intake),
        "guess": next((k for k, label in Event.Kind.choices if intake.kind and label in intake.kind), Event.Kind.OTHER),
    }  # fmt: skip
    return render(request, "desk/intake.html", context, status=409 if refused else 200)


@require_POST
@require(*STAFF)
def receive(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Tell the field that its report has arrived."""
    intake = get_object_or_404(Intake.objects.select_related("area"), pk=pk)
    news = acts.check_receive(intake)
    messages.success(request, f"已签收:{intake}" if news else f"此前已由{intake.seen_by}签收")
    return redirect("desk:intake", pk)


@require_POST
@require(*COMMAND)
def report(request: HttpRequest, kind: str, pk: int, step: str) -> HttpResponseBase:
    """Take a statutory report one step on."""
    if kind not in STEPS:
        raise Http404("没有这种报告")
    case = get_object_or_404(STEPS[kind].objects.select_related("intake__area"), pk=pk)
    typed = {name: request.POST[name].strip() for name in ("told", "text", "remark", "signer") if name in request.POST}
    try:
        taken = case.flow.find(case.state, step)
        move(case, step, **{name: value for name, value in typed.items() if name in taken.asked})
    except Refused as no:
        return draw(request, case.intake, {"form": f"{kind}-{pk}", "message": str(no), **typed})
    messages.success(request, f"已办理:{taken.label}")
    return redirect("desk:intake", case.intake_id)


@require_POST
@require(*COMMAND)
def convert(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Open an event from the message; a message becomes at most one."""
    intake = get_object_or_404(Intake.objects.select_related("area"), pk=pk)
    if event := command.of_cause(intake._meta.label_lower, str(intake.pk)):
        return redirect("desk:event", event.pk)
    typed = {name: request.POST.get(name, "").strip() for name in ("title", "kind", "level")}
    try:
        event = _open(intake, **typed)
    except Refused as no:
        return draw(request, intake, {"form": "convert", "message": str(no), **typed})
    messages.success(request, f"事件已立项:{event.number}")
    return redirect("desk:event", event.pk)


def _open(intake: Intake, title: str, kind: str, level: str) -> Event:
    if not title:
        raise Refused("请填写事件标题", field="title")
    if len(title) > 120:
        raise Refused("事件标题不超过 120 字", field="title")
    if kind not in Event.Kind.values:
        raise Refused("请选择事件类别", field="kind")
    if level not in ("", "1", "2", "3", "4"):
        raise Refused("请选择事件级别", field="level")
    event = Event(
        title=title, kind=kind, level=int(level) if level else None, area_id=intake.area_id, place=intake.place,
        occurred_at=intake.occurred_at or intake.received_at, lon=intake.lon, lat=intake.lat, summary=intake.summary,
        source=intake.get_way_display(), reporter=intake.caller[:40], dead=intake.dead, missing=intake.missing, injured=intake.injured,
    )  # fmt: skip
    with transaction.atomic():
        command.do_open(event, cause=intake)
        acts.do_link(intake, event.number)
    return event
