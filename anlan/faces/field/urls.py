"""Addresses of this face."""

from django.urls import path

from . import calls, home, inbox, offline, reports

app_name = "field"
urlpatterns = [
    path("", home.whole, name="home"),
    path("part/", home.part, name="part"),
    path("answer/<int:pk>/", calls.answer, name="answer"),
    path("moved/<int:pk>/", calls.moved, name="moved"),
    path("report/<slug:kind>/", reports.report, name="report"),
    path("reports/<int:pk>/", reports.one, name="one"),
    path("inbox/", inbox.many, name="inbox"),
    path("inbox/<int:pk>/", inbox.receive, name="receive"),
    path("token/", offline.token, name="token"),
    path("sw.js", offline.worker, name="worker"),
    path("offline/", offline.shell, name="offline"),
    path("manifest.webmanifest", offline.manifest, name="manifest"),
]
