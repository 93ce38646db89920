"""What lets the phone work without a signal: the worker, the shell, the manifest, and a token for the outbox."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.http import require_safe

from anlan.faces.gate import public
from anlan.kernel.people import scope

FILES = Path(__file__).parent / "static" / "field"
SHELL = ("field.css", "outbox.js", "photos.js", "field.js", "icon-192.png")
ICONS = (("icon-192.png", "192x192", "any"), ("icon-512.png", "512x512", "any"), ("icon-mask.png", "512x512", "maskable"))


@require_safe
def token(request: HttpRequest) -> JsonResponse:
    """Who sends, and the token that their browser sends with it; asked for before each delivery."""
    return JsonResponse({"csrf": get_token(request), "person": scope.current().person_id})


@public
@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker. It stands here and not under static, so that it reigns over this face alone."""
    head = f"const BASE = {_quoted(request.META.get('SCRIPT_NAME', ''))};\nconst VERSION = {_quoted(_version())};\n"
    shell = ", ".join(_quoted(static(f"field/{name}")) for name in SHELL)
    body = f"{head}const SHELL = [{shell}];\n" + (FILES / "sw.js").read_text(encoding="utf-8")
    return HttpResponse(body, content_type="text/javascript; charset=utf-8", headers={"Cache-Control": "no-cache"})


@cache
def _version() -> str:
    """Changes with any file of the shell, so that phones take the new one."""
    return hashlib.sha256(b"".join((FILES / name).read_bytes() for name in (*SHELL, "sw.js"))).hexdigest()[:12]


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "").replace('"', "") + '"'


@public
@require_safe
def shell(request: HttpRequest) -> HttpResponse:
    """What is shown without a signal where no page was kept: the outbox and whom to ring. It names nobody."""
    response = render(request, "field/offline.html", {"base": request.META.get("SCRIPT_NAME", "")})
    response.headers["Cache-Control"] = "no-cache"
    return response


@public
@require_safe
def manifest(request: HttpRequest) -> JsonResponse:
    icons = [{"src": static(f"field/{n}"), "sizes": s, "type": "image/png", "purpose": p} for n, s, p in ICONS]
    body = {
        "name": "安澜现场", "short_name": "安澜现场", "lang": "zh-CN", "start_url": reverse("field:home"), "scope": reverse("field:home"),
        "display": "standalone", "background_color": "#ffffff", "theme_color": "#0a2a5e", "icons": icons,
    }  # fmt: skip
    response = JsonResponse(body, content_type="application/manifest+json", json_dumps_params={"ensure_ascii": False})
    response.headers["Cache-Control"] = "no-cache"
    return response
