"""World time and real time. Nothing else in the house reads a clock."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from anlan.kernel.people import scope

_shift = timedelta(0)


def real() -> datetime:
    """The wall clock, in UTC; for stamps of recording, leases and pacing."""
    return datetime.now(UTC) + _shift


def now() -> datetime:
    """The present world's time. Inside a due row's work it is the time that the row is worked at."""
    here = scope.current()
    return here.at or here.world.at(real())


@contextmanager
def travelled(by: timedelta) -> Iterator[None]:
    """Move the wall clock (tests only)."""
    global _shift
    before, _shift = _shift, _shift + by
    try:
        yield
    finally:
        _shift = before
