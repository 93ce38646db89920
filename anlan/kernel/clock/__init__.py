"""The clock: the only source of time, and one table of everything that falls due."""

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    """``clock.now()`` and its kin; looked up late, because Django loads this package before its tables."""
    if name in ("now", "real", "travelled"):
        return getattr(import_module(f"{__name__}.time"), name)
    if name == "every":
        return import_module(f"{__name__}.periodic").every
    raise AttributeError(name)
