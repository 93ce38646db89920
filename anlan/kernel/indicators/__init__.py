"""Indicators: a number on a screen is a register and a filter, and opens the very rows that it counts."""

from importlib import import_module
from typing import Any

NAMES = ("Indicator", "indicator", "INDICATORS")


def __getattr__(name: str) -> Any:
    """``indicators.Indicator`` and its kin; looked up late, because Django loads this package before its tables."""
    if name in NAMES:
        return getattr(import_module(f"{__name__}.declared"), name)
    raise AttributeError(name)
