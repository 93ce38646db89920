"""Taking a warning signal in: paste the bulletin, look at what was read from it, issue it; lift one that has ended."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from anlan.engines import bulletins
from anlan.faces.gate import require
from anlan.kernel.cases import Refused
from anlan.kernel.clock import now
from anlan.kernel.columns.filters import in_span
from anlan.kernel.people import scope
from anlan.kernel.people.models import Area
from anlan.kernel.people.roles import COMMAND
from anlan.sensing import acts
from anlan.sensing import messages as messages_
from anlan.sensing.models import Warning

COLOURS = Warning._meta.get_field("colour").choices


class Form(forms.Form):
    """A signal as it will be issued."""

    text = forms.CharField(label="原文", widget=forms.Textarea({"rows": 5}), max_length=4000)
    issuer = forms.CharField(label="发布单位", max_length=40)
    hazard = forms.CharField(label="灾种", max_length=12)
    colour = forms.ChoiceField(label="颜色", choices=COLOURS)
    issued_at = forms.DateTimeField(label="发布时间", validators=[in_span], widget=forms.DateTimeInput({"type": "datetime-local"}, "%Y-%m-%dT%H:%M"))
    area = forms.ModelChoiceField(Area.objects.filter(level__in=("city", "district")), label="范围", to_field_name="code")
    source = forms.CharField(label="来源", max_length=200, required=False, help_text="例如 气象台传真、12379 平台")

    def clean_issued_at(self) -> object:
        at = self.cleaned_data["issued_at"]
        if at > now():
            raise forms.ValidationError("发布时间晚于当前时间")
        return at


@require(*COMMAND)
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Two steps on one page: 识别 fills the fields from the text; 发布 issues what stands in them."""
    fault = ""
    if request.method == "GET":
        return _page(request, Form(initial={"area": scope.ROOT}), fault)
    if "read" in request.POST:
        text = request.POST.get("text", "")
        try:
            return _page(request, Form(initial=_read(text)), fault)
        except ValueError as wrong:
            return _page(request, Form(initial={"text": text, "area": scope.ROOT}), f"{wrong}。请核对原文,或直接填写下列各项。")
    form = Form(request.POST)
    if not form.is_valid():
        return _page(request, form, fault)
    given = form.cleaned_data
    if not scope.current().can(*COMMAND, area=given["area"].code):
        form.add_error("area", "您没有在该范围发布的权限")
        return _page(request, form, fault)
    warning = acts.do_issue(
        given["hazard"], given["colour"], issuer=given["issuer"], text=given["text"], area=given["area"].code,
        at=given["issued_at"], source=given["source"],
    )  # fmt: skip
    messages.success(request, f"已录入{warning}")
    return redirect("desk:home")


def _page(request: HttpRequest, form: Form, fault: str) -> HttpResponse:
    active = Warning.objects.filter(state=Warning.State.ACTIVE).order_by("level")
    status = 400 if fault or form.errors else 200
    return render(request, "desk/signal_new.html", {"form": form, "fault": fault, "active": active}, status=status)


def _read(text: str) -> dict[str, object]:
    found = bulletins.read(text, timezone.localtime(now()).year)
    district = next((a for a in Area.objects.filter(level="district") if found.issuer.find(a.name.rstrip("区市")) >= 0), None)
    return {
        "text": text, "issuer": found.issuer, "hazard": found.hazard, "colour": found.colour,
        "issued_at": timezone.localtime(found.at) if found.at else "", "area": district.code if district else scope.ROOT,
    }  # fmt: skip


@require(*COMMAND)
@require_POST
def take(request: HttpRequest) -> HttpResponse:
    """A message of the Common Alerting Protocol, as a file or pasted; it is kept whatever comes of it."""
    file = request.FILES.get("file")
    body = file.read(messages_.LARGEST + 1) if file else request.POST.get("message", "").encode()
    if not scope.current().can(*COMMAND, area=scope.ROOT):
        raise Refused("您没有全市发布的权限")
    if not body.strip():
        raise Refused("请选择文件或粘贴报文")
    if len(body) > messages_.LARGEST:
        raise Refused(messages_.TOO_LARGE)
    source = request.POST.get("source", "").strip()[:100] or "人工录入"
    found = messages_.do_receive(body, f"{source}({scope.current().name})")
    for row in found.messages:
        tell = messages.success if row.fate == "taken" else messages.warning
        more = f",问题 {len(row.faults)} 处" if row.faults else ""
        tell(request, f"{row.headline or row}:{row.get_fate_display()}{f',{row.why}' if row.why else ''}{more}")
    return redirect("registers:list", "message")


@require(*COMMAND)
@require_POST
def lift(request: HttpRequest, pk: int) -> HttpResponse:
    """The signal's issuer has lifted it."""
    warning = get_object_or_404(Warning.objects, pk=pk)
    if warning.state != Warning.State.ACTIVE:
        raise Refused(f"{warning}已不在生效中")
    if not scope.current().can(*COMMAND, area=warning.area_id):
        raise Refused("您没有解除该信号的权限")
    acts.do_lift(warning, source=request.POST.get("source", "")[:200])
    messages.success(request, f"已记录解除{warning}")
    return redirect("desk:home")
