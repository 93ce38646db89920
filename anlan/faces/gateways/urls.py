"""The door of the gateways stands open without sign-in; it proves by a signature who comes."""

from django.urls import path

from . import pages

pages.gateway_report.public = True  # type: ignore[attr-defined]

urlpatterns = [path("<slug:name>/", pages.gateway_report, name="gateway-report")]
