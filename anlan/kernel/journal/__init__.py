"""The journal: one append-only line for each act. Audit trail, timeline, outbox and live feed are all read from it."""

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    """``journal.write``, ``journal.together`` and ``journal.on``; looked up late, because Django loads this package before its tables."""
    if name in ("on", "write", "together"):
        module = import_module(f"{__name__}.entry")
        globals().update(on=module.on, write=module.write, together=module.together)
        return globals()[name]
    raise AttributeError(name)
