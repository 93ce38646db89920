"""The gate: which world, who asks, may they pass. Every page runs inside the scope that is made here."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial, wraps
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.shortcuts import redirect
from django.urls import get_script_prefix, set_script_prefix
from django.utils import timezone
from django.utils.http import urlencode
from django_otp.middleware import OTPMiddleware

from anlan.kernel import clock
from anlan.kernel.cases.flow import Refused
from anlan.kernel.designs import forms as designs
from anlan.kernel.people import ask, roles, scope
from anlan.kernel.worlds.models import ACTUAL, World
from anlan.sensing.models import Reader

from . import faults, menu

View = Callable[..., HttpResponseBase]
PREFIX = re.compile(r"^/w/(\d{1,9})(/.*)$")
SAFE = ("GET", "HEAD", "OPTIONS")
KEPT_S = 3.0
GUEST = (scope.Reach("guest"),)
LOOKERS = frozenset(roles.LOOKERS)
LOOKING = {
    "guest": "演示访客只能查看,不能办理。请用自己的账号登录后再试。",
    "observer": "您在本演练中是观摩人员,只能查看,不能办理。如需参演,请联系导调人员。",
}
ENROL = ("leader", *(r.name for r in roles.ROLES.values() if r.keeper))
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "worker-src 'self' blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'self'"
    ),
    "Permissions-Policy": "geolocation=(self), camera=(self), microphone=(self), payment=(), usb=()",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_kept: dict[int, tuple[float, scope.Scope, dict[int, str]]] = {}


def public(view: View) -> View:
    """Open without sign-in, by any method: the view itself proves who asks (a password, a token)."""
    view.public = True  # type: ignore[attr-defined]
    return view


def account(view: View) -> View:
    """Open to every signed-in person: one's own account, also before the second factor and for keepers."""
    view.account = True  # type: ignore[attr-defined]
    return view


def reading(view: View) -> View:
    """Refuses by itself whatever writes, so that a machine is told so and not asked for a form's token."""
    view.reading = True  # type: ignore[attr-defined]
    return view


def lasting(view: View) -> View:
    """Acts on other worlds, and so also from inside one that has ended."""
    view.lasting = True  # type: ignore[attr-defined]
    return view


def require(*wanted: str) -> Callable[[View], View]:
    """Only askers who hold one of these roles somewhere; what they see there is the scope's affair."""

    def wrap(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            who = scope.current()
            if not who.system and not who.roles & set(wanted):
                labels = "、".join(roles.ROLES[name].label for name in wanted)
                raise PermissionDenied(f"本页面仅供{labels}使用")
            return view(request, *args, **kwargs)

        guarded.roles = wanted  # type: ignore[attr-defined]
        return guarded

    return wrap


def forget(user_id: int | None = None) -> None:
    """Grants have changed: ask the table again at the next request (other processes within seconds)."""
    if user_id is None:
        _kept.clear()
    else:
        _kept.pop(user_id, None)


def asker(user: Any, world: World) -> scope.Scope:
    """The scope of this user in this world; grants and parts in exercises are remembered for a few seconds."""
    shown = settings.DEMO and world.guests and world.kind == World.Kind.REPLAY
    if not user.is_authenticated:
        return scope.Scope(world, name="演示访客" if shown else "未登录", reaches=GUEST if shown else ())
    who, parts = _remembered(user)
    if shown and who.person_id and not who.reaches:
        who = replace(who, reaches=GUEST)
    return ask.admitted(who, world, parts.get(world.pk))


def machine(authorization: str, world: World) -> scope.Scope:
    """The scope of a machine that reads with a token: what its account sees, within its area. Nobody's for any other token."""
    reader = Reader.holding(authorization)
    if reader is None:
        return scope.Scope(world, name="未登录", reaches=())
    reader.heard()
    return asker(reader.person.user, world).inside(reader.area.prefix)


def _token(request: HttpRequest) -> str:
    """What a machine shows instead of a session. It opens SensorThings and no other address."""
    return request.headers.get("Authorization", "") if request.path_info.startswith(faults.SENSORTHINGS) else ""


def _remembered(user: Any) -> tuple[scope.Scope, dict[int, str]]:
    """Who this user is in the real city, and what part in which exercise."""
    moment = time.monotonic()
    until, who, parts = _kept.get(user.pk, (0.0, None, {}))
    if who is None or until < moment:
        who = ask.scope_of(user, World.objects.get(pk=ACTUAL), timezone.localdate(clock.real()))
        parts = ask.parts(who.person_id)
        if len(_kept) > 10_000:
            _kept.clear()
        _kept[user.pk] = (moment + KEPT_S, who, parts)
    return who, parts


def visible_worlds(user: Any) -> list[World]:
    """The worlds that this user may enter: the real city first, then the newest."""
    rows = World.objects.order_by("-pk")
    found = [w for w in rows if asker(user, w).reaches]
    return sorted(found, key=lambda w: (not w.actual, w.closed, -w.pk))


def newest_show() -> World | None:
    """The replay that a visitor without an account is shown."""
    if not settings.DEMO:
        return None
    return World.objects.filter(kind=World.Kind.REPLAY, guests=True).order_by("closed", "-pk").first()


def world_of(path: str) -> tuple[World | None, str]:
    """The world that a path names, and the path inside it."""
    if not (found := PREFIX.match(path)):
        return World.objects.get(pk=ACTUAL), path
    return World.objects.exclude(pk=ACTUAL).filter(pk=int(found[1])).first(), found[2]


def scope_of_stream(path: str, session: str) -> scope.Scope | None:
    """Who opens a live stream, by path and session key; None when they may not."""
    world, _ = world_of(path)
    if world is None:
        return None
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session or None)
    request.user = auth.get_user(request) if session else AnonymousUser()
    request = OTPMiddleware(lambda asked: asked)(request)
    who = asker(request.user, world)
    return who if who.reaches and not _halfway(request, who) and not menu.only_keeps(who) else None


class WorldPrefix:
    """``/w/<id>/…`` is a world's own address: links made while it is served stay in it."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "\0" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
            return faults.bad(request, None)
        world, inside = world_of(request.path_info)
        if world is None:
            return faults.missing(request, None)
        request.world = world  # type: ignore[attr-defined]
        if inside == request.path_info:
            return self.get_response(request)
        before = get_script_prefix()
        base = request.META.get("SCRIPT_NAME", "").rstrip("/") + world.prefix
        request.path_info = request.META["PATH_INFO"] = inside
        request.META["SCRIPT_NAME"] = base
        set_script_prefix(base + "/")
        try:
            return self.get_response(request)
        finally:
            set_script_prefix(before)


class Gate:
    """Enters the scope, decides who passes, turns what goes wrong into an answer for people."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        designs.fresh()
        world: World = request.world  # type: ignore[attr-defined]
        who = machine(token, world) if (token := _token(request)) else asker(request.user, world)
        with scope.entered(who):
            response = self.get_response(request)
        if response.streaming and not isinstance(response, FileResponse) and not response.is_async:
            response.streaming_content = _inside(who, iter(response.streaming_content))
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store, private")
        return response

    def process_view(self, request: HttpRequest, view: View, args: Any, kwargs: Any) -> HttpResponseBase | None:
        who = scope.current()
        if getattr(view, "public", False):
            closed = who.world.kind == World.Kind.EXERCISE and not who.reaches
            return faults.missing(request, None) if closed else None
        if not who.reaches:
            return _barred(request, who)
        if who.roles <= LOOKERS and request.method not in SAFE:
            return faults.answer(request, Refused(LOOKING["guest" if "guest" in who.roles else "observer"]))
        if not getattr(view, "account", False):
            if not _token(request) and (halfway := _halfway(request, who)):
                return redirect(halfway)
            if menu.only_keeps(who) and not who.roles & set(getattr(view, "roles", ())):
                raise PermissionDenied("系统、安全、审计管理员只管系统,不看业务数据。")
            if who.world.closed and request.method not in SAFE and not getattr(view, "lasting", False):
                return faults.answer(request, Refused(f"{who.world.title}已经结束,记录保留,不能再办理。"))
        return _same_site(request, view, args, kwargs)

    def process_exception(self, request: HttpRequest, fault: Exception) -> HttpResponse:
        return faults.answer(request, fault)


def _inside(who: scope.Scope, parts: Iterator[bytes]) -> Iterator[bytes]:
    """A streamed body is read after the gate has closed: each piece is made inside the scope again."""
    end = object()
    while True:
        with scope.entered(who):
            part = next(parts, end)
        if part is end:
            return
        yield part  # type: ignore[misc]


def _barred(request: HttpRequest, who: scope.Scope) -> HttpResponseBase:
    token = _token(request)
    if who.person_id if token else request.user.is_authenticated:
        if who.world.actual:
            raise PermissionDenied(f"{'令牌所属' if token else '您'}的账号还没有有效授权,请联系本单位安全管理员。")
        return faults.missing(request, None)
    if request.path_info.startswith(faults.SENSORTHINGS):
        response = faults.page(request, 401, "读取令牌无效或已停用,或其所属账户已停用" if token else "请先登录,或出示读取令牌")
        response.headers["WWW-Authenticate"] = 'Basic realm="SensorThings", charset="UTF-8", Bearer realm="SensorThings"'
        return response
    if faults.wants_json(request):
        return JsonResponse({"error": "请先登录"}, status=401)
    target = f"/sign-in/?{urlencode({'next': request.get_full_path()})}"
    if "HX-Request" in request.headers:
        return HttpResponse(status=401, headers={"HX-Redirect": target})
    return redirect(target)


def _halfway(request: HttpRequest, who: scope.Scope) -> str:
    """Where somebody goes whose sign-in is not complete."""
    if request.session.get("must_change"):
        return "/account/password/"
    return "/account/device/" if needs_device(request, who) else ""


def needs_device(request: HttpRequest, who: scope.Scope) -> bool:
    """Leaders and keepers sign in with a second factor; without one they can only enrol it."""
    return settings.TOTP == "required" and bool(who.roles & set(ENROL)) and not request.user.is_verified()  # type: ignore[union-attr]


def _same_site(request: HttpRequest, view: View, args: Any, kwargs: Any) -> HttpResponseBase | None:
    """The interface's views are exempt from Django's check, which is right for keys but not for a browser's session."""
    if request.method in SAFE or not getattr(view, "csrf_exempt", False) or getattr(view, "reading", False) or "Authorization" in request.headers:
        return None
    return CsrfViewMiddleware(view).process_view(request, _plain, args, kwargs)


def _plain(request: HttpRequest) -> HttpResponse:
    raise AssertionError("only its attributes are read")


def chrome(request: HttpRequest) -> dict[str, Any]:
    """What every page's frame shows. The costly ones are functions, called only where a template names them."""
    world, who = getattr(request, "world", None), scope.maybe()
    return {
        "world": world,
        "world_mark": "" if world is None else world.mark or {"exercise": "演练", "replay": "回放"}.get(world.kind, ""),
        "world_now": partial(_world_now, world),
        "real_now": _real_now,
        "worlds": partial(visible_worlds, getattr(request, "user", AnonymousUser())),
        "nav": partial(menu.drawn, request.path),
        "who": who,
        "person_name": who.name if who else "",
        "role_names": "、".join(roles.ROLES[r].label for r in sorted(who.roles)) if who and not who.system else "",
        "listens": bool(who) and not menu.only_keeps(who),
        "guest": bool(who) and who.roles == {"guest"},
        "demo": settings.DEMO,
    }


def _real_now() -> Any:
    return timezone.localtime(clock.real())


def _world_now(world: World | None) -> Any:
    return timezone.localtime(world.at(clock.real())) if world else None
