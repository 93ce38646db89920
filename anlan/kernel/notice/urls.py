"""The two doors that stand open without sign-in; each proves by its signature who comes."""

from django.urls import path

from . import pages

for view in (pages.answer_link, pages.gateway_report):
    view.public = True  # type: ignore[attr-defined]

urlpatterns = [
    path("a/<str:token>/", pages.answer_link, name="answer-link"),
    path("gateway/<slug:name>/", pages.gateway_report, name="gateway-report"),
]
