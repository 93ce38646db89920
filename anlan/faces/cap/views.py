"""What was issued is for everybody, without sign-in; what comes in needs a gateway's token."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from anlan.engines.cap import feed as atom
from anlan.faces import gate
from anlan.kernel.clock import now
from anlan.kernel.people import scope
from anlan.sensing import messages
from anlan.sensing.models import Gateway, Warning

KEPT = timedelta(days=7)
"""A signal that is over stays in the feed for so long."""
MOST = 500


@gate.public
@require_safe
def feed(request: HttpRequest) -> HttpResponse:
    """The signals of the last days and their ends, newest first, as Atom with the messages inside."""
    _real(request)
    with scope.everyone(request.world):
        lasting = Q(state=Warning.State.ACTIVE) | Q(issued_at__gt=now() - KEPT) | Q(ended_at__gt=now() - KEPT)
        rows = Warning.objects.filter(lasting, wide=True).select_related("previous", "area").order_by("-issued_at")[:MOST]
        found = [atom.Entry(alert, _address(request, identifier), at) for identifier, at, alert in messages.entries(rows)]
    updated = max((entry.updated for entry in found), default=now())
    own = request.build_absolute_uri(request.path)
    body = atom.feed(found, f"{request.world.title}预警信号", own, "应急管理局", updated, whole=True)
    return HttpResponse(body, content_type="application/atom+xml; charset=utf-8")


def _real(request: HttpRequest) -> None:
    """What a drill or a replay issues is for nobody outside it."""
    if not request.world.actual:
        raise Http404("只有真实世界发布预警报文")


def _address(request: HttpRequest, identifier: str) -> str:
    return request.build_absolute_uri(reverse("cap:message", args=[identifier]))


@gate.public
@require_safe
def message(request: HttpRequest, identifier: str) -> HttpResponse:
    _real(request)
    with scope.everyone(request.world):
        body = messages.published(identifier)
    if body is None:
        raise Http404("没有这条预警报文")
    return HttpResponse(body, content_type=f"{atom.CAP_TYPE}; charset=utf-8")


@csrf_exempt  # a gateway's token says who sends
@gate.public
@require_POST
def door(request: HttpRequest) -> JsonResponse:
    """POST a body with a bearer token: ``{"taken", "messages": [{"identifier", "fate", "why", "faults"}]}``."""
    gateway = Gateway.holding(request.headers.get("Authorization", ""))
    if gateway is None:
        return JsonResponse({"error": "网关令牌无效或已停用"}, status=401)
    _real(request)
    if len(request.body) > messages.LARGEST:
        return JsonResponse({"error": messages.TOO_LARGE}, status=413)
    with scope.everyone(request.world):
        found = messages.do_receive(request.body, gateway.name)
    told = [{"identifier": m.identifier, "fate": m.fate, "why": m.why, "faults": m.faults} for m in found.messages]
    return JsonResponse({"taken": found.taken, "messages": told}, status=200 if any(m.identifier for m in found.messages) else 422)
