"""What was compiled of many sensors, kept in files, so that a start is spared the seconds of doing it anew. A file that is not
there, or not whole, costs those seconds and nothing else."""

from __future__ import annotations

import hashlib
import inspect
import logging
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from anlan.engines.sense import groups, layout, net

FEW = 20_000
"""So many are compiled sooner than read from a file."""
FILES = 64
"""The newest are kept: the parts of a network on some days."""
log = logging.getLogger(__name__)
Made = TypeVar("Made")
Arrays = Mapping[str, NDArray[Any]]


def find(name: str, edition: int, make: Callable[[Arrays], Made]) -> Made | None:
    """What is made of the arrays that were kept under a name for an edition of rules and sensors; an edition is drawn by lot and
    never comes again."""
    path = _path(name, edition)
    if path is None or not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as held:
            return make({key: held[key] for key in held.files})
    except Exception:  # a broken file can fail in any way
        log.warning("%s is not whole and is made anew", path, exc_info=True)
        return None


def keep(name: str, edition: int, count: int, arrays: Arrays) -> None:
    """Keep what was compiled of so many sensors, unless they are few. Whoever reads meanwhile sees the whole file or none."""
    path = _path(name, edition)
    if path is None or count < FEW:
        return
    with suppress(OSError):  # a full disk is no reason not to judge
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        with part.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        part.replace(path)
        older = sorted(path.parent.iterdir(), key=lambda one: one.stat().st_mtime)[:-FILES]
        for one in older:
            one.unlink(missing_ok=True)


def _path(name: str, edition: int) -> Path | None:
    maker = _maker()
    return Path(settings.HOME) / "compiled" / f"{name}-{edition}-{maker}.npz" if maker and edition else None


@cache
def _maker() -> str:
    """Which program compiled it: another version may compile otherwise. Empty where its text cannot be read."""
    from . import book, parts
    from .models import rules

    try:
        told = "".join(map(inspect.getsource, (book, parts, rules, groups, layout, net)))
    except OSError:
        return ""
    return hashlib.sha256(told.encode()).hexdigest()[:12]
