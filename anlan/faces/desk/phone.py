"""The telephone at the desk: log a call in one line; call back who was missed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from anlan.faces.gate import require
from anlan.kernel.cases import Refused
from anlan.kernel.cases.moves import move
from anlan.kernel.clock import now
from anlan.kernel.columns.filters import in_span
from anlan.kernel.people.roles import STAFF
from anlan.response.duty import handover, phone
from anlan.response.duty.models import PhoneCall

from .home import draw

KINDS = {"missed": ("in", False), "in": ("in", True), "out": ("out", True), "unheard": ("out", False)}


class Line(forms.ModelForm):
    """A call in one line. The time may stay empty: it is now."""

    kind = forms.ChoiceField(label="通话", choices=[(k, k) for k in KINDS])
    at = forms.DateTimeField(label="时间", required=False, validators=[in_span])

    class Meta:
        model = PhoneCall
        fields = ("at", "number", "party", "about")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        self.instance.way, self.instance.answered = KINDS[data.get("kind", "missed")]
        self.instance.area_id = handover.seat()
        data["at"] = data.get("at") or now()
        if not (data.get("number") or data.get("party") or self.errors):
            self.add_error("number", "请填写号码;号码未显示的,请写明对方")
        return data


@require_POST
@require(*STAFF)
def log(request: HttpRequest) -> HttpResponseBase:
    form = Line(request.POST)
    if not form.is_valid():
        fault = next(iter(form.errors.values()))[0]
        return draw(request, {"message": fault, **request.POST.dict()}, part="phone")
    call = phone.do_log(form.save(commit=False))
    messages.success(request, f"已登记:{call}")
    return redirect("desk:home")


@require_POST
@require(*STAFF)
def step(request: HttpRequest, pk: int, step: str) -> HttpResponseBase:
    """Called back, or why that is not needed."""
    call = get_object_or_404(PhoneCall.objects, pk=pk)
    result = request.POST.get("result", "").strip()
    try:
        taken = call.flow.find(call.state, step)
        move(call, step, result=result)
    except Refused as no:
        return draw(request, {"message": str(no), "call": pk, "result": result}, part="phone")
    messages.success(request, f"{call}:{taken.label}")
    return redirect("desk:home")
