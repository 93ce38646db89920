"""The whole site and, beside it, views that fail in every way a view can fail."""

import errno

from django.core.exceptions import PermissionDenied, SuspiciousOperation, ValidationError
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path, reverse

from anlan.faces import gate
from anlan.faces.urls import handler400, handler403, handler404, handler500  # noqa: F401
from anlan.faces.urls import urlpatterns as site
from anlan.kernel.cases.flow import Refused
from anlan.kernel.people import scope
from anlan.kernel.people.models import Area, Person

FAULTS = {
    "refused": Refused("该事项刚被他人办理"),
    "readonly": scope.ReadOnly("回放中不能修改台账"),
    "noscope": scope.NoScope("x"),
    "validation": ValidationError("日期不对"),
    "denied": PermissionDenied("仅供值班员使用"),
    "suspicious": SuspiciousOperation("x"),
    "absent": Area.DoesNotExist(),
    "locked": OperationalError("database is locked"),
    "full": OperationalError("database or disk is full"),
    "nospace": OSError(errno.ENOSPC, "No space left on device"),
    "unforeseen": ZeroDivisionError("secret detail"),
}


def fail(request: HttpRequest, kind: str) -> HttpResponse:
    raise FAULTS[kind]


def links(request: HttpRequest) -> HttpResponse:
    """An address made while the page is served, and the world that the scope names."""
    return HttpResponse(f"{reverse('account')} {scope.current().world.pk}")


def stream(request: HttpRequest) -> StreamingHttpResponse:
    def rows():
        for _ in range(3):
            yield f"{Person.objects.count()} ".encode()

    return StreamingHttpResponse(rows())


@gate.require("duty_officer", "leader")
def officers(request: HttpRequest) -> HttpResponse:
    return HttpResponse("officers only")


urlpatterns = [
    path("probe/fail/<slug:kind>/", fail),
    path("probe/links/", links),
    path("probe/stream/", stream),
    path("probe/officers/", officers),
    path("api/probe/<slug:kind>/", fail),
    *site,
]
