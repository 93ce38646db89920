"""Sheets and layers over the network."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from anlan.kernel import clock
from anlan.kernel.registers.register import Register

from . import sheets
from .layers import features
from .pages import opened, writing

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_BYTES = 20 * 1024 * 1024


def _send(out: Any, name: str) -> FileResponse:
    return FileResponse(
        out, content_type=XLSX, headers={"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    )


@require_safe
@opened
def export(request: HttpRequest, register: Register) -> FileResponse:
    """The rows under the present filters as a workbook."""
    stamp = f"{timezone.localtime(clock.now()):%Y%m%d}"
    return _send(sheets.write_out(register, register.rows(request.GET)), f"{register.title}-{stamp}.xlsx")


@require_safe
@writing
def template(request: HttpRequest, register: Register) -> FileResponse:
    return _send(sheets.write_blank(register), f"{register.title}-模板.xlsx")


@require_http_methods(["GET", "POST"])
@writing
def take_in(request: HttpRequest, register: Register) -> HttpResponseBase:
    """Upload a workbook: its faults by row and column, or its rows in the register."""
    if request.method != "POST":
        return render(request, "registers/import.html", {"register": register})
    file, only = request.FILES.get("file"), bool(request.POST.get("check"))
    if file is None or not file.size:
        taken = sheets.Taken(faults=[sheets.Fault(0, "文件", "没有文件", "请选择要导入的 .xlsx 文件")])
    elif file.size > MOST_BYTES:
        taken = sheets.Taken(faults=[sheets.Fault(0, "文件", "文件超过 20 MB", "请分批导入")])
    else:
        taken = sheets.take_in(register, file, check_only=only)
    if not taken.faults and not only:
        messages.success(request, f"导入完成:新增 {taken.created} 行,修改 {taken.changed} 行,未变 {taken.same} 行")
        return redirect(register.url())
    context = {"register": register, "taken": taken, "only": only}
    return render(request, "registers/import.html", context, status=422 if taken.faults else 200)


@require_safe
@opened
def layer(request: HttpRequest, register: Register) -> HttpResponse:
    """The rows as GeoJSON."""
    if not register.point:
        raise Http404("这个台账没有位置")
    return JsonResponse(
        features(register, request.GET), content_type="application/geo+json", json_dumps_params={"ensure_ascii": False}
    )
