"""Functions that are compiled when the first of them is called: to load the compiler takes a quarter of a second."""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
COMPILED = find_spec("numba") is not None
"""Or this Python is newer than the compiler: then `net` takes the twin."""
HELD = "_nrt"
"""Numba's word for counting who holds each array that is handed from function to function, which whoever makes one needs. Where
none is made the caller holds them all the while, and three quarters of the time in which JSON is read go into nothing else."""
WRITTEN, KEPT, DATA = 1, 3, 1
"""Of LLVM's ``prefetch``: it will be written to, it is wanted in the nearest cache, it is no code."""


class Compiled:
    """Stands for a function until it is called; then it is compiled, with all that it calls."""

    def __init__(self, plain: Callable[..., Any], **how: bool) -> None:
        functools.update_wrapper(self, plain)
        self.plain, self.how = plain, how

    def __call__(self, *given: Any) -> Any:
        return self.fast(*given)

    @functools.cached_property
    def fast(self) -> Callable[..., Any]:
        from numba import njit

        how: dict[str, Any] = {HELD: False, **self.how}
        made = njit(cache=True, nogil=True, **how)(self.plain)  # kept on disk, so that only the first start pays
        self.__dict__["fast"] = made  # before those it calls, which may call it
        around = self.plain.__globals__
        for name, value in list(around.items()):
            if isinstance(value, Compiled):
                around[name] = value.fast
        return made


class Near(Compiled):
    """The processor's own instruction in place of a function of an array and a place in it."""

    @functools.cached_property
    def fast(self) -> Callable[..., Any]:
        from llvmlite import ir
        from numba.core import cgutils, types
        from numba.extending import intrinsic

        def near(_: Any, rows: Any, place: Any) -> Any:
            def build(context: Any, builder: Any, signature: Any, given: Any) -> Any:
                row = cgutils.get_item_pointer(
                    context, builder, rows, context.make_array(rows)(context, builder, given[0]), [given[1]], wraparound=False
                )
                byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
                kind = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
                fetch = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
                builder.call(fetch, [builder.bitcast(row, byte), word(WRITTEN), word(KEPT), word(DATA)])
                return context.get_dummy_value()

            return types.void(rows, types.intp), build

        return intrinsic(near)


def compiled(plain: F) -> F:
    """Compile where there is a compiler. The function makes no arrays."""
    return Compiled(plain) if COMPILED else plain  # type: ignore[return-value]


def within(plain: F) -> F:
    """The same, as a part of whatever calls it: for what is asked of every reading."""
    return Compiled(plain, forceinline=True) if COMPILED else plain  # type: ignore[return-value]


def making(plain: F) -> F:
    """The same, of a function that makes arrays."""
    return Compiled(plain, **{HELD: True}) if COMPILED else plain  # type: ignore[return-value]


def _near(rows: Any, place: int) -> None:
    """Have ``rows[place]`` brought into the cache, and go on meanwhile. It changes nothing but the time that is spent; a place
    beyond the end does no harm."""


near = Near(_near) if COMPILED else _near
