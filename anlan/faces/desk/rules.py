"""A rule as it was typed, tried over the history before it is put in force."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from anlan.faces.gate import require
from anlan.faces.registers.forms import form_of
from anlan.kernel.cases import Refused
from anlan.kernel.clock import now
from anlan.kernel.registers import find
from anlan.sensing.models import Alarm, Rule
from anlan.sensing.trial import Fired, Trial, try_rule

SPANS = {"1": "近一天", "7": "近七天", "30": "近三十天", "365": "近一年"}
MOST = 200
"""Alarms that are listed; all are counted."""


@require(*find("rule").write)
@require_POST
def trial(request: HttpRequest) -> HttpResponse:
    """How often it would have fired, where and when; nothing is written."""
    days = request.POST.get("days", "30")
    days = days if days in SPANS else "30"
    form = form_of(find("rule"))(request.POST)
    found: Trial | None = None
    fault = ""
    if form.is_valid():
        try:
            found = try_rule(form.instance, now() - timedelta(days=int(days)), now())
        except Refused as no:
            fault = str(no)
    context = {
        "form": form, "rule": form.instance, "trial": found, "fault": fault, "days": days, "spans": SPANS.items(), "fired": _listed(form.instance, found),
        "given": [(k, v) for k, v in request.POST.items() if k not in ("csrfmiddlewaretoken", "days", "once", "seen")],
    }  # fmt: skip
    return render(request, "desk/rule_trial.html", context, status=200 if found else 422)


def _listed(rule: Rule, found: Trial | None) -> list[tuple[Fired, str]]:
    """The alarms that are listed, each with its figure as an alarm would tell it."""
    fired = found.fired[:MOST] if found else []
    return [(one, Alarm(rule=rule, sensor=one.sensor, value=one.value).first) for one in fired]
