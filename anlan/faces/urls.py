"""Addresses. A world other than the real city stands in front of them as ``/w/<id>``."""

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import get_script_prefix, include, path

from . import faults, gate, menu, sign_in


@gate.public
def first(request: HttpRequest) -> HttpResponseBase:
    """The first page: the desk for those who signed in, the running replay for a visitor of the demo city."""
    if request.user.is_authenticated:
        who = gate.asker(request.user, request.world)
        if not who.reaches and not who.world.actual:
            return faults.missing(request, None)
        return redirect(get_script_prefix() + menu.home(who))
    if show := gate.newest_show():
        return redirect(f"{show.prefix}/screen/")
    return redirect("/sign-in/")


urlpatterns = [
    path("", first, name="first"),
    path("sign-in/", sign_in.sign_in, name="sign-in"),
    path("sign-in/code/", sign_in.second_step, name="sign-in-code"),
    path("sign-out/", sign_in.sign_out, name="sign-out"),
    path("account/", include("anlan.faces.account.urls")),
    path("keepers/", include("anlan.faces.keepers.urls")),
    path("desk/", include("anlan.faces.desk.urls")),
    path("screen/", include("anlan.faces.screen.urls")),
    path("field/", include("anlan.faces.field.urls")),
    path("a/", include("anlan.faces.field.answers")),
    path("files/", include("anlan.kernel.files.urls")),
    path("gateway/", include("anlan.faces.gateways.urls")),
    path("api/", include("anlan.faces.api.urls")),
    path("cap/", include("anlan.faces.cap.urls")),
    path("sta/", include("anlan.faces.sensorthings.urls")),
    path("r/", include("anlan.faces.registers.urls")),
]

handler400 = "anlan.faces.faults.bad"
handler403 = "anlan.faces.faults.denied"
handler404 = "anlan.faces.faults.missing"
handler500 = "anlan.faces.faults.broken"
