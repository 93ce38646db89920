"""Addresses of this face."""

from typing import Any

urlpatterns: list[Any] = []
