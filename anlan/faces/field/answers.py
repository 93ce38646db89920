"""Addresses of the answer links that stand in messages: ``a/<token>/``."""

from django.urls import path

from . import links

urlpatterns = [path("<str:token>/", links.answer, name="answer")]
