"""Signing in: a password, then the second factor; every attempt leaves a line in the journal."""

from __future__ import annotations

from typing import Any

import django_otp
from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.contrib import auth
from django.contrib.auth.models import User
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from anlan.kernel import clock, journal
from anlan.kernel.people import scope
from anlan.kernel.people.models import Person
from anlan.kernel.worlds.models import ACTUAL, World

from . import gate, menu

HALF_S = 300
TRIES = 5
WRONG = "用户名或密码不对。"


def safe_next(request: HttpRequest) -> str:
    """Where to go after signing in: only a path of this very site."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    inside = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if inside and target.startswith("/") else ""


def note(verb: str, user: User | None, text: str) -> None:
    """One line in the real city's journal, in the name of the person whose session it is."""
    world = World.objects.get(pk=ACTUAL)
    person = Person.everywhere.filter(user=user).first() if user else None
    subject: models.Model = person or world
    who = scope.Scope(world, person.pk, person.name, person.unit_id) if person else scope.Scope(world)
    with scope.entered(who):
        journal.write(verb, subject, text=text)


@gate.public
@never_cache
@sensitive_post_parameters("password")
def sign_in(request: HttpRequest) -> HttpResponseBase:
    if request.user.is_authenticated and request.method == "GET":
        return redirect(safe_next(request) or _home(request.user))
    if request.method != "POST":
        return _form(request)
    name, password = request.POST.get("username", "").strip()[:150], request.POST.get("password", "")[:1000]
    AxesProxyHandler.update_request(request)
    request.axes_attempt_time = clock.real()  # type: ignore[attr-defined]
    user = auth.authenticate(request, username=name, password=password)
    if user is None:
        _refused(request, name)
        return _form(request, WRONG, status=401)
    if django_otp.user_has_device(user):
        request.session.cycle_key()
        request.session["half"] = {
            "user": user.pk, "backend": user.backend, "next": safe_next(request), "tries": 0,
            "until": clock.real().timestamp() + HALF_S,
        }  # fmt: skip
        return redirect("/sign-in/code/")
    return _enter(request, user, safe_next(request))


def _home(user: Any) -> str:
    return "/" + menu.home(gate.asker(user, World.objects.get(pk=ACTUAL)))


def _form(request: HttpRequest, error: str = "", status: int = 200) -> HttpResponse:
    name = request.POST.get("username", "")
    context = {"error": error, "next": safe_next(request), "show": gate.newest_show(), "name": name}
    return render(request, "gate/sign_in.html", context, status=status)


def _refused(request: HttpRequest, name: str) -> None:
    """A wrong password. People type passwords into the name's box, so an unknown name is not written down."""
    user = User.objects.filter(username=name).first()
    failures = getattr(request, "axes_failures_since_start", None)
    if failures is None:
        return
    locked = "账号已临时锁定" if getattr(request, "axes_locked_out", False) else f"第 {failures} 次"
    whom = name if user else "未知账号"
    note("session.refused", user, f"登录失败:{whom},来自 {request.META.get('REMOTE_ADDR', '')},{locked}")


@gate.public
@never_cache
@sensitive_post_parameters("code")
def second_step(request: HttpRequest) -> HttpResponseBase:
    """The code of the authenticator, or one of the recovery codes."""
    half = request.session.get("half")
    if not half or half["until"] < clock.real().timestamp():
        request.session.pop("half", None)
        return redirect("/sign-in/")
    user = User.objects.filter(pk=half["user"], is_active=True).first()
    if user is None:
        request.session.flush()
        return redirect("/sign-in/")
    if request.method != "POST":
        return render(request, "gate/code.html")
    device = _match(user, request.POST.get("code", ""))
    if device is not None:
        request.session.pop("half")
        user.backend = half["backend"]
        return _enter(request, user, half["next"], device)
    note("session.refused", user, f"登录失败:{user.username} 动态口令不对,来自 {request.META.get('REMOTE_ADDR', '')}")
    half["tries"] += 1
    request.session["half"] = half
    if half["tries"] >= TRIES:
        request.session.flush()
        return _form(request, "动态口令连续输错,请从用户名和密码重新开始。", status=401)
    return render(request, "gate/code.html", {"error": "动态口令不对,或已经用过。请等下一个口令再试。"}, status=401)


def _match(user: User, code: str) -> Any:
    """The device that this code opens; each code opens once."""
    code = code.replace(" ", "").strip()[:16]
    with transaction.atomic():
        return django_otp.match_token(user, code) if code else None


def _enter(request: HttpRequest, user: User, target: str, device: Any = None) -> HttpResponseBase:
    first = user.last_login is None
    auth.login(request, user)
    if first:
        request.session["must_change"] = True
    if device is not None:
        django_otp.login(request, device)
    gate.forget(user.pk)
    how = "密码和动态口令" if device is not None else "密码"
    note("session.opened", user, f"{user.username} 登录({how}),来自 {request.META.get('REMOTE_ADDR', '')}")
    return redirect(target or _home(user))


@gate.public
@require_POST
def sign_out(request: HttpRequest) -> HttpResponseBase:
    user = request.user if request.user.is_authenticated else None
    auth.logout(request)
    if user is not None:
        note("session.closed", user, f"{user.get_username()} 退出")
    return redirect("/" if settings.DEMO else "/sign-in/")
