from django.urls import path

from . import pages

urlpatterns = [
    path("a/<str:token>/", pages.answer_link, name="answer"),
    path("gateway/<slug:name>/", pages.gateway_report, name="gateway"),
]
