"""The interface for machines: every register, described at /api/openapi.json and readable at /api/docs."""

from __future__ import annotations

from typing import Any

import orjson
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import path, re_path
from django.urls.resolvers import RegexPattern, URLResolver
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from ninja.errors import ValidationError
from ninja.openapi.views import openapi_json, openapi_view
from ninja.renderers import BaseRenderer

from anlan import __version__
from anlan.faces import faults
from anlan.faces.registers.api import figures, router
from anlan.faces.registers.pages import KEEPERS
from anlan.kernel.registers import ALL, Register

WRONG = {
    "int": "应为整数", "float": "应为数字", "decimal": "应为数字", "bool": "应为 true 或 false", "datetime": "应为日期时间",
    "date": "应为日期", "string": "应为文字", "extra": "没有这个字段", "missing": "缺少这一项", "json": "不是有效的 JSON",
    "greater": "数值过小", "less": "数值过大", "model": "应为对象", "dict": "应为对象",
}  # fmt: skip
"""The first word of pydantic's kind of error, for people."""


class Json(BaseRenderer):
    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        return orjson.dumps(data, default=str, option=orjson.OPT_NON_STR_KEYS)


ABOUT = (
    "每个台账一组接口,与页面同源同权:筛选、权限、脱敏完全一致。以登录会话鉴权,写入须带 X-CSRFToken;"
    "新增、立项、办理可带 Idempotency-Key,重发不重办。"
)
_made: dict[str, tuple[Register | None, NinjaAPI, URLResolver]] = {}
_whole: dict[tuple[int, ...], NinjaAPI] = {}


def interface(**more: Any) -> NinjaAPI:
    """An interface that answers in this house's words."""
    api = NinjaAPI(title="安澜接口", version=__version__, renderer=Json(), description=ABOUT, **more)

    @api.exception_handler(Http404)
    def missing(request: HttpRequest, fault: Http404) -> HttpResponse:
        return faults.page(request, 404, str(fault) or "没有找到")

    @api.exception_handler(ValidationError)
    def wrong(request: HttpRequest, fault: ValidationError) -> HttpResponse:
        found: dict[str, list[str]] = {}
        for error in fault.errors:
            found.setdefault(str(error["loc"][-1]), []).append(WRONG.get(error["type"].partition("_")[0], str(error["msg"])))
        return api.create_response(request, {"error": "参数或内容有误", "faults": found}, status=422)

    return api


def whole() -> NinjaAPI:
    """All registers as they are declared now, for the description; made when somebody asks for it."""
    now = tuple(id(register) for register in ALL.values())
    if now not in _whole:
        _whole.clear()
        api = _whole[now] = interface(urls_namespace="api")
        api.add_router("/indicators", figures())
        for register in ALL.values():
            api.add_router(f"/{register.name}", router(register))
    return _whole[now]


def served(name: str) -> tuple[NinjaAPI, URLResolver]:
    """The interface and the routes of one register, made at the first call; a form's next version makes them anew."""
    register = ALL.get(name)
    if register is None and name != "indicators":
        raise Http404("没有这个台账")
    known = _made.get(name)
    if known is None or known[0] is not register:
        api = interface(urls_namespace=f"api-{name}", docs_url=None, openapi_url=None)
        api.add_router(f"/{name}", router(register) if register else figures())
        known = _made[name] = (register, api, URLResolver(RegexPattern(r"^"), api.urls[0]))
    return known[1], known[2]


@csrf_exempt  # the gate asks for the token where a session writes
def call(request: HttpRequest, name: str, rest: str = "") -> HttpResponseBase:
    found = served(name)[1].resolve(f"{name}{rest}")
    return found.func(request, *found.args, **found.kwargs)


def described(request: HttpRequest) -> HttpResponse:
    return openapi_json(request, whole())


def read(request: HttpRequest) -> HttpResponse:
    return openapi_view(request, whole())


def root(request: HttpRequest) -> HttpResponse:
    return redirect("api:openapi-view")


for page in (call, described, read, root):
    page.roles = KEEPERS  # type: ignore[attr-defined]  # each register's ``see`` decides
app_name = "api"
urlpatterns = [
    path("", root, name="api-root"),
    path("openapi.json", described, name="openapi-json"),
    path("docs", read, name="openapi-view"),
    path("<slug:name>", call, name="call"),
    re_path(r"^(?P<name>[-\w]+)(?P<rest>/.*)$", call),
]
