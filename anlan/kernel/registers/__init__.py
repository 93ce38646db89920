"""Registers: one declaration gives list, form, Excel, map layer, interface and indicators."""

from importlib import import_module
from typing import Any

HOMES = {
    "Register": "register", "find": "register", "of": "register", "href_of": "register", "ALL": "register",
    "Indicator": "indicators", "indicator": "indicators", "INDICATORS": "indicators", "Undeclared": "columns",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """``registers.Register`` and its kin; looked up late, because Django loads this package before its tables."""
    if name in HOMES:
        return getattr(import_module(f"{__name__}.{HOMES[name]}"), name)
    raise AttributeError(name)
