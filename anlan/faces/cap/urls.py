"""Addresses of warnings as messages."""

from django.urls import path

from . import views

app_name = "cap"
urlpatterns = [
    path("", views.door, name="door"),
    path("feed.atom", views.feed, name="feed"),
    path("<str:identifier>.xml", views.message, name="message"),
]
