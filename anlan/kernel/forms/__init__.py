"""Forms: a thin duty is one declaration of its fields and its way; in code, or by a keeper in the browser."""

from importlib import import_module
from typing import Any

HOMES = {"Form": "form", "FORMS": "form", "Field": "fields"}


def __getattr__(name: str) -> Any:
    """``forms.Form`` and its kin; looked up late, because Django loads this package before its tables."""
    if name in HOMES:
        return getattr(import_module(f"{__name__}.{HOMES[name]}"), name)
    raise AttributeError(name)
