"""What goes wrong, told to people: what is wrong, what to do, and nothing typed is lost."""

from __future__ import annotations

import errno
import logging
import secrets
import sys
from typing import Any

from axes.helpers import get_cool_off
from axes.models import AccessAttempt
from django.core.exceptions import (
    BadRequest,
    ObjectDoesNotExist,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    ValidationError,
)  # fmt: skip
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.http.request import RawPostDataException
from django.template import loader
from django.utils import timezone

from anlan.kernel import clock
from anlan.kernel.cases.flow import Refused
from anlan.kernel.people.scope import NoScope, ReadOnly

log = logging.getLogger(__name__)
SECRET = ("csrfmiddlewaretoken", "password", "code", "token", "secret")
TITLES = {
    400: "提交的内容有误", 403: "没有权限", 404: "没有找到", 409: "现在不能这样办理", 413: "内容过大",
    429: "请稍后再试", 500: "系统出现意外故障", 503: "系统暂时忙",
}  # fmt: skip
BUSY = "数据正在被其他人写入,本次提交没有保存。您填写的内容已保留在下方,请几秒后点「重新提交」。"
SENSORTHINGS = "/sta/"
"""Below it faults have the shape that clients of SensorThings read."""
FULL = "服务器磁盘已满,本次提交没有保存。您填写的内容已保留在下方,请复制留存,并立即通知系统管理员清理磁盘。"
DOWN = "暂时连不上数据库,本次提交没有保存。您填写的内容已保留在下方,请稍后重试;持续出现请通知系统管理员。"


def wants_json(request: HttpRequest) -> bool:
    accept = request.headers.get("Accept", "")
    return request.path_info.startswith(("/api/", SENSORTHINGS)) or ("application/json" in accept and "text/html" not in accept)


def answer(request: HttpRequest, fault: BaseException) -> HttpResponse:
    """The answer to any fault of a view; only a fault nobody foresaw becomes a 500, with a number that is logged."""
    status, message = _read(fault)
    if status == 500:
        number = f"{clock.real():%m%d%H%M}-{secrets.token_hex(3)}"
        log.error("fault %s at %s %s", number, request.method, request.path, exc_info=fault)
        return page(request, 500, "请稍后重试;仍不行时把故障编号告诉系统管理员。", number=number)
    if status == 503:
        log.warning("unavailable at %s %s: %s", request.method, request.path, fault)
    return page(request, status, message, field=getattr(fault, "field", ""))


def _read(fault: BaseException) -> tuple[int, str]:
    """Status and words for a fault."""
    if isinstance(fault, Refused):
        return 409, str(fault)
    if isinstance(fault, ReadOnly):
        return 409, f"{fault}。演练和回放只写自己的记录;台账请回到实战世界维护。"
    if isinstance(fault, ValidationError):
        return 400, ";".join(fault.messages)
    if isinstance(fault, NoScope):
        return 403, "没有确认您的身份和所在世界,请重新登录后再试。"
    if isinstance(fault, PermissionDenied):
        return 403, str(fault) or "您的岗位不能进行这项操作;如确需办理,请联系本单位安全管理员。"
    if isinstance(fault, (Http404, ObjectDoesNotExist, OverflowError)):
        return 404, "地址不存在,或记录已被移走,或不在您的管辖范围内。"
    if isinstance(fault, (RequestDataTooBig, TooManyFieldsSent)):
        return 413, "提交的内容超过上限(文字 25 MB、附件合计 100 MB 或 5000 个字段),请减小后再提交。"
    if isinstance(fault, UnreadablePostError):
        return 400, "上传中断,内容没有收全,请检查网络后重新提交。"
    if isinstance(fault, (BadRequest, SuspiciousOperation, MultiPartParserError)):
        return 400, "请求的格式不对,没有处理。请返回上一页重新填写。"
    if isinstance(fault, OSError) and fault.errno in (errno.ENOSPC, errno.EDQUOT):
        return 503, FULL
    return _read_database(fault) if isinstance(fault, (DatabaseError, InterfaceError)) else (500, "")


def _read_database(fault: BaseException) -> tuple[int, str]:
    if isinstance(fault, IntegrityError):
        return 409, "与已有记录冲突(可能已存在相同的编号,或被引用而不能删除),没有保存。请核对后再提交。"
    if isinstance(fault, DataError):
        return 400, "有内容超出允许的长度或范围,没有保存。请核对后再提交。"
    if isinstance(fault, (OperationalError, InterfaceError)):
        words = str(fault).lower()
        if "no such" in words or "syntax" in words:
            return 500, ""
        if "full" in words or "no space" in words:
            return 503, FULL
        return 503, BUSY if "locked" in words or "deadlock" in words or "busy" in words else DOWN
    return 500, ""


def typed(request: HttpRequest) -> list[tuple[str, str]]:
    """What the person had filled in, without secrets; nothing when the body could not be read."""
    if request.method != "POST":
        return []
    try:
        request.POST  # noqa: B018
    except (SuspiciousOperation, UnreadablePostError, RawPostDataException, MultiPartParserError):
        return []
    pairs = [(name, value) for name, values in request.POST.lists() for value in values]
    return [(name, value) for name, value in pairs if not any(word in name.lower() for word in SECRET)]


def page(
    request: HttpRequest, status: int, message: str, *, number: str = "", field: str = "", **more: Any
) -> HttpResponse:
    """One fault as a page, a fragment for htmx, or JSON."""
    title = more.pop("title", TITLES.get(status, "出错了"))
    if wants_json(request):
        body = {"error": message or title, "status": status, "field": field, "number": number}
        told = {k: v for k, v in body.items() if v}
        if request.path_info.startswith(SENSORTHINGS):
            told = {"code": status, "type": "error", "message": told["error"] + (f"(故障编号 {number})" if number else "")}
        return JsonResponse(told, status=status, json_dumps_params={"ensure_ascii": False})
    kept = typed(request)
    files = bool(kept) and bool(getattr(request, "_files", None))
    context = {
        "status": status, "title": title, "message": message, "number": number, "typed": kept, "files": files,
        "again": status in (409, 503) or more.get("again"), **more,
    }  # fmt: skip
    name = "faults/part.html" if "HX-Request" in request.headers else "faults/page.html"
    response = HttpResponse(loader.render_to_string(name, context, request), status=status)
    response.headers["Cache-Control"] = "no-store, private"
    if status == 503:
        response.headers["Retry-After"] = "5"
    return response


def csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's check of the form's origin failed: usually a page left open over a sign-out."""
    message = "页面放置过久或登录状态已变化,本次提交没有保存。您填写的内容已保留在下方,确认无误后点「重新提交」。"
    return page(request, 403, message, title="页面已失效", again=True)


def locked(request: HttpRequest, *given: Any) -> HttpResponse:
    """Too many wrong passwords. Says when the account opens again."""
    credentials = next((g for g in reversed(given) if isinstance(g, dict)), {})
    rows = AccessAttempt.objects.filter(username=credentials.get("username", ""))
    last = rows.order_by("-attempt_time").values_list("attempt_time", flat=True).first() or clock.real()
    again = timezone.localtime(last + get_cool_off(request))
    message = f"连续输错次数过多,该账号已临时锁定,请于 {again:%H:%M} 以后再试;急需使用请联系安全管理员解锁。"
    response = page(request, 429, message, title="账号已临时锁定", again=False, quiet=True)
    response.headers["Retry-After"] = str(max(1, round((again - clock.real()).total_seconds())))
    return response


def bad(request: HttpRequest, exception: Exception | None) -> HttpResponseBase:
    return answer(request, exception or BadRequest())


def denied(request: HttpRequest, exception: Exception | None) -> HttpResponseBase:
    return answer(request, exception or PermissionDenied())


def missing(request: HttpRequest, exception: Exception | None) -> HttpResponseBase:
    return answer(request, exception if isinstance(exception, Http404) else Http404())


def broken(request: HttpRequest) -> HttpResponseBase:
    """Faults outside the views (sessions, the gate itself) come here."""
    return answer(request, sys.exc_info()[1] or RuntimeError("unknown"))
