"""Functions that are compiled when the first of them is called: to load the compiler takes a quarter of a second."""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
COMPILED = find_spec("numba") is not None
"""Or this Python is newer than the compiler: then `net` takes the twin."""


class Compiled:
    """Stands for a function until it is called; then it is compiled, with all that it calls."""

    def __init__(self, plain: Callable[..., Any], within: bool = False) -> None:
        functools.update_wrapper(self, plain)
        self.plain, self.within = plain, within

    def __call__(self, *given: Any) -> Any:
        return self.fast(*given)

    @functools.cached_property
    def fast(self) -> Callable[..., Any]:
        from numba import njit

        made = njit(cache=True, nogil=True, forceinline=self.within)(self.plain)  # kept on disk, so that only the first start pays
        self.__dict__["fast"] = made  # before those it calls, which may call it
        around = self.plain.__globals__
        for name, value in list(around.items()):
            if isinstance(value, Compiled):
                around[name] = value.fast
        return made


def compiled(plain: F) -> F:
    """Compile where there is a compiler."""
    return Compiled(plain) if COMPILED else plain  # type: ignore[return-value]


def within(plain: F) -> F:
    """The same, as a part of whatever calls it: for what is asked of every reading."""
    return Compiled(plain, within=True) if COMPILED else plain  # type: ignore[return-value]
