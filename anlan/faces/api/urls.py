"""The interface for machines: every register, described at /api/openapi.json and readable at /api/docs."""

from __future__ import annotations

from typing import Any

import orjson
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from ninja import NinjaAPI
from ninja.errors import ValidationError
from ninja.renderers import BaseRenderer

from anlan import __version__
from anlan.faces import faults
from anlan.faces.registers.api import figures, router
from anlan.faces.registers.pages import KEEPERS
from anlan.kernel.registers.register import ALL

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


api = NinjaAPI(
    title="安澜接口", version=__version__, urls_namespace="api", renderer=Json(),
    description="每个台账一组接口,与页面同源同权:筛选、权限、脱敏完全一致。以登录会话鉴权,写入须带 X-CSRFToken;"
    "新增、立项、办理可带 Idempotency-Key,重发不重办。",
)  # fmt: skip


@api.exception_handler(Http404)
def missing(request: HttpRequest, fault: Http404) -> HttpResponse:
    return faults.page(request, 404, str(fault) or "没有找到")


@api.exception_handler(ValidationError)
def wrong(request: HttpRequest, fault: ValidationError) -> HttpResponse:
    found: dict[str, list[str]] = {}
    for error in fault.errors:
        found.setdefault(str(error["loc"][-1]), []).append(WRONG.get(error["type"].partition("_")[0], str(error["msg"])))
    return api.create_response(request, {"error": "参数或内容有误", "faults": found}, status=422)


api.add_router("/indicators", figures())
for register in ALL.values():
    api.add_router(f"/{register.name}", router(register))

found, *names = api.urls
for pattern in found:
    pattern.callback.roles = KEEPERS  # type: ignore[union-attr]  # each register's ``see`` decides
urlpatterns = [path("", (found, *names))]
