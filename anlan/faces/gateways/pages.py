"""The door of the gateways: signed reports of what became of their calls. A person answers at faces.field.links."""

from __future__ import annotations

from typing import Any

import orjson
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from anlan.kernel.carriers.models import Gateway
from anlan.kernel.cases import Refused

from . import reports

LARGEST = 64_000


@csrf_exempt  # signed by the gateway's secret
@require_POST
def gateway_report(request: HttpRequest, name: str) -> JsonResponse:
    """A gateway reports what became of its calls: one object, or a list of them."""
    gateway = Gateway.everywhere.filter(name=name, enabled=True, carrier="http").first()
    if gateway is None:
        return _no("没有这个网关", 404)
    if len(request.body) > LARGEST:
        return _no("内容过长", 413)
    try:
        stamp, mark = request.headers.get("X-Anlan-Time", ""), request.headers.get("X-Anlan-Signature", "")
        reports.check_signature(gateway, stamp, mark, request.body)
    except Refused as fault:
        return _no(str(fault), 403)
    try:
        told = orjson.loads(request.body)
    except orjson.JSONDecodeError as fault:
        return _no(f"不是有效的 JSON(第 {fault.lineno} 行第 {fault.colno} 列)", 400)
    rows = told if isinstance(told, list) else [told]
    faults = [f"第{n}条:{wrong}" for n, row in enumerate(rows, 1) if (wrong := _take(gateway, row))]
    return JsonResponse({"taken": len(rows) - len(faults), "faults": faults}, status=400 if faults else 200)


def _take(gateway: Gateway, row: Any) -> str:
    if not isinstance(row, dict):
        return "应为对象"
    try:
        reports.take(gateway, row)
    except Refused as fault:
        return str(fault)
    return ""


def _no(reason: str, status: int) -> JsonResponse:
    return JsonResponse({"fault": reason}, status=status)
