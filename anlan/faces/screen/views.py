import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from anlan.faces.gate import require
from anlan.kernel.people import scope
from anlan.kernel.people.roles import READERS

from . import state as made


@require(*READERS)
@require_safe
def wall(request: HttpRequest) -> HttpResponse:
    """The wall's page; it fills itself from state.json and the live feed."""
    return render(request, "screen/wall.html", {"base": scope.current().world.prefix})


@require(*READERS)
@require_safe
def state(request: HttpRequest) -> HttpResponse:
    """The wall's whole state, a few seconds old at most."""
    return HttpResponse(orjson.dumps(made.whole(scope.current())), content_type="application/json")
