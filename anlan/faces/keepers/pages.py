"""The keepers' pages: 账户, 授权, 审计."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from anlan.faces.gate import require
from anlan.kernel.cases.flow import Refused
from anlan.kernel.journal import read, seals
from anlan.kernel.people import ask, scope
from anlan.kernel.people.models import Area, Grant, Person
from anlan.kernel.people.roles import GRANTED, ROLES
from anlan.kernel.worlds.models import World

from . import acts

ROWS = 50
KEEPER_PAGE = "keepers/{}.html"


def _person(pk: int | str) -> Person:
    if not str(pk).isdecimal() or len(str(pk)) > 18:
        raise Refused("请先从查询结果中选择人员。", field="person")
    return get_object_or_404(Person.objects.select_related("user", "unit", "area"), pk=int(pk))


def _found(request: HttpRequest) -> QuerySet[Person]:
    """Persons by name, office or user name; without words, those who have an account."""
    words = request.GET.get("q", "").strip()[:40]
    rows = Person.objects.select_related("user", "unit", "area").order_by("area__rank", "pk")
    if not words:
        return rows.exclude(user=None)
    return rows.filter(Q(name__icontains=words) | Q(unit__name__icontains=words) | Q(user__username__icontains=words))


def _page(rows: QuerySet, request: HttpRequest) -> Page:
    return Paginator(rows, ROWS).get_page(request.GET.get("page"))


@require("system_keeper")
def accounts(request: HttpRequest, shown: dict[str, str] | None = None) -> HttpResponse:
    context = {"rows": _page(_found(request), request), "q": request.GET.get("q", ""), "shown": shown}
    return render(request, KEEPER_PAGE.format("accounts"), context)


@require("system_keeper")
@require_POST
def account_act(request: HttpRequest, pk: int, act: str) -> HttpResponseBase:
    person = _person(pk)
    if act == "open":
        name = request.POST.get("username", "").strip()
        acts.check_account(person, name)
        return accounts(request, {"name": name, "password": acts.do_account(person, name), "person": person.name})
    if act == "reset":
        acts.check_reset(person)
        name = person.user.get_username()
        return accounts(request, {"name": name, "password": acts.do_reset(person), "person": person.name})
    if act in ("close", "restore"):
        acts.check_switch(person)
        acts.do_switch(person, act == "restore")
        return redirect("keepers-accounts")
    if act == "mailbox":
        address = request.POST.get("email", "").strip()
        acts.check_mail(person, address)
        acts.do_mail(person, address)
        return redirect("keepers-accounts")
    raise Http404


class GrantForm(forms.Form):
    """What a grant needs; the person is chosen before."""

    role = forms.ChoiceField(label="角色", choices=[(name, ROLES[name].label) for name in GRANTED])
    area = forms.CharField(label="区域", help_text="12 位区划代码或名称,如 崂山区")
    unit = forms.CharField(label="单位前缀", required=False, max_length=60, help_text="留空为不限单位")
    since = forms.DateField(label="自", initial=acts.today, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="至", required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def clean_area(self) -> Area:
        return read_area(self.cleaned_data["area"])


def read_area(text: str) -> Area:
    """The area of this code or name, for a form."""
    try:
        return acts.area_of(text)
    except Refused as no:
        raise forms.ValidationError(str(no)) from no


@require("security_keeper")
def grants(request: HttpRequest) -> HttpResponseBase:
    chosen = request.POST.get("person") or request.GET.get("person")
    person = _person(chosen) if chosen else None
    form = GrantForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and person is None:
        raise Refused("请先选择人员。", field="person")
    if request.method == "POST" and form.is_valid() and _granted(form, person):
        return redirect(f"{request.path}?person={person.pk}")
    held = Grant.objects.select_related("person", "area", "person__user").order_by("-since", "-pk")
    held = held.filter(person=person) if person else held.filter(ask.in_force(acts.today()))
    context = {
        "form": form, "person": person, "held": _page(held, request), "q": request.GET.get("q", ""),
        "found": _page(_found(request), request) if request.GET.get("q") else None, "today": acts.today(),
    }  # fmt: skip
    return render(request, KEEPER_PAGE.format("grants"), context, status=400 if form.errors else 200)


def _granted(form: GrantForm, person: Person | None) -> bool:
    """Make the grant, or show beside its field why not."""
    try:
        acts.do_grant(acts.check_grant(person, **form.cleaned_data))  # type: ignore[arg-type]
    except Refused as no:
        form.add_error(no.field if no.field in form.fields else None, str(no))
        return False
    return True


@require("security_keeper")
@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponseBase:
    grant = get_object_or_404(Grant.objects.select_related("person", "area"), pk=pk)
    acts.check_end(grant)
    acts.do_end(grant)
    return redirect(f"/keepers/grants/?person={grant.person_id}")


@require("security_keeper")
@require_POST
def lock_act(request: HttpRequest, pk: int, act: str) -> HttpResponseBase:
    person = _person(pk)
    if act == "unlock":
        acts.check_unlock(person)
        acts.do_unlock(person)
    elif act == "device":
        acts.check_device(person)
        acts.do_device(person)
    else:
        raise Http404
    return redirect(f"/keepers/grants/?person={person.pk}")


class AuditForm(forms.Form):
    """Filters of the audit page; all may be empty."""

    world = forms.ModelChoiceField(World.objects.order_by("pk"), label="世界", required=False, empty_label=None)
    verb = forms.CharField(label="动作", required=False, max_length=60)
    who = forms.CharField(label="经办", required=False, max_length=40)
    text = forms.CharField(label="摘要含", required=False, max_length=60)
    first = forms.DateField(label="自", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    last = forms.DateField(label="至", required=False, widget=forms.DateInput(attrs={"type": "date"}))


@require("audit_keeper")
@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """The journal itself, its seal, and on request a walk along the whole chain."""
    form = AuditForm(request.GET or None)
    asked = form.cleaned_data if form.is_valid() else {}
    world = asked.get("world") or scope.current().world
    with scope.everyone(world):
        rows = _page(_lines(asked), request)
        rows.object_list = list(rows.object_list)
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "form": form, "rows": rows, "shown_world": world, "head": seals.head(), "query": query.urlencode(),
        "verified": seals.verify() if request.GET.get("verify") else None,
    }  # fmt: skip
    return render(request, KEEPER_PAGE.format("audit"), context, status=400 if form.errors else 200)


def _lines(asked: dict[str, Any]) -> QuerySet:
    rows = read.lines().select_related("area")
    for field, lookup in (("verb", "verb__startswith"), ("who", "who__icontains"), ("text", "text__icontains")):
        if asked.get(field):
            rows = rows.filter(**{lookup: asked[field]})
    if asked.get("first"):
        rows = rows.filter(recorded_at__gte=_midnight(asked["first"]))
    if asked.get("last"):
        rows = rows.filter(recorded_at__lt=_midnight(asked["last"] + timedelta(days=1)))
    return rows


def _midnight(day: Any) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
