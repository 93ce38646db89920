"""The one door into the journal, and who hears what was written."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

import orjson
from django.db import models

from anlan.kernel import rows
from anlan.kernel.clock import due, now, real
from anlan.kernel.clock.models import Due
from anlan.kernel.people import scope

from .models import Line

HEARERS: dict[str, list[Callable[[Any], Any]]] = {}
AT_ONCE: set[Callable[[Any], Any]] = set()
"""Those of them that hear all lines of a verb at once that were written together."""
FIELDS = (
    "world_id", "area_id", "at", "recorded_at", "actor_id", "who", "unit", "verb",
    "subject_type", "subject_id", "text", "level", "before", "after", "basis", "term", "owed_by", "wide", "few",
)  # fmt: skip


def on(*verbs: str, at_once: bool = False) -> Callable:
    """Hear a verb: the function runs once for each such line, after its transaction, by the clock.

    With ``at_once`` it is handed a list, and runs once for all lines of the verb that were written `together`: for what asks
    how things stand, which is the same for each of them.
    """

    def wrap(hear: Callable[[Any], Any]) -> Callable[[Any], Any]:
        for verb in verbs:
            HEARERS.setdefault(verb, []).append(hear)
        if at_once:
            AT_ONCE.add(hear)
        return hear

    return wrap


def digest(line: Line) -> bytes:
    """SHA-256 over the line's own content in a canonical form."""
    content = {f: getattr(line, f) for f in FIELDS}
    content["at"], content["recorded_at"] = _stamp(line.at), _stamp(line.recorded_at)
    content["term"] = line.term and _stamp(line.term)
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).digest()


def _stamp(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000)


def write(
    verb: str,
    subject: models.Model,
    *,
    text: str = "",
    level: int | None = None,
    before: dict | None = None,
    after: dict | None = None,
    basis: str = "",
    area: str | None = None,
    at: datetime | None = None,
    term: datetime | None = None,
    owed_by: str = "",
    wide: bool = False,
) -> Line:
    """Write one line and everything that it sets off, in the transaction of the act itself.

    ``owed_by`` is the unit that had to keep the ``term``, where that is not the unit of whoever acts. A subject's ``few`` names
    the roles that alone may read of it.
    """
    who = scope.current()
    line = Line(
        area_id=area or getattr(subject, "area_id", None) or scope.ROOT,
        world=who.world,
        at=at or now(),
        recorded_at=real(),
        actor_id=who.person_id,
        who=who.name,
        unit=who.unit,
        verb=verb,
        subject_type=subject._meta.label_lower,
        subject_id=str(subject.pk),
        text=text,
        level=level,
        before=_plain(before),
        after=_plain(after),
        basis=basis,
        term=term,
        owed_by=owed_by,
        wide=wide,
        few=getattr(subject, "few", ""),
    )
    line.digest = digest(line)
    if (waiting := _together.get()) is not None:
        waiting.append(line)
    else:
        _save([line])
    return line


_together: ContextVar[list[Line] | None] = ContextVar("together", default=None)


@contextmanager
def together() -> Iterator[None]:
    """Lines that are written within are saved at its end, in their order and at once. Before that they have no number."""
    waiting: list[Line] = []
    token = _together.set(waiting)
    try:
        yield
    finally:
        _together.reset(token)
    _save(waiting)


def _save(lines: list[Line]) -> None:
    """With everything that they set off."""
    rows.add(lines)
    if heard := [*_heard_by(lines)]:
        due.put_many("journal.hear", heard)


def _heard_by(lines: list[Line]) -> Iterator[tuple[datetime, str | None, dict]]:
    """What the clock is to do about these lines, once for each of them and for who hears it, or once for all of a verb."""
    moment, first = now(), set()
    for line in lines:
        for n, hear in enumerate(HEARERS.get(line.verb, ())):
            body = {"verb": line.verb, "hearer": _name(hear)}
            if hear not in AT_ONCE:
                yield moment, f"hear:{line.pk}:{n}", {"line": line.pk, **body}
            elif (line.verb, n) not in first:
                first.add((line.verb, n))
                yield moment, f"hear:{line.pk}:{n}", {"lines": [one.pk for one in lines if one.verb == line.verb], **body}


def _plain(values: dict | None) -> dict | None:
    """What JSON keeps of these values, so that the digest of a line read back is the same."""
    if values is None:
        return None
    return _spelled(orjson.loads(orjson.dumps(values, default=str, option=orjson.OPT_NON_STR_KEYS)))


def _spelled(value: Any) -> Any:
    """PostgreSQL writes -0.0 as 0.0 and 1e16 as a whole number; kept so that both databases give the same back."""
    if isinstance(value, dict):
        return {key: _spelled(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_spelled(one) for one in value]
    if isinstance(value, float):
        return str(value) if abs(value) >= 1e15 else value + 0.0
    return value


def _name(hear: Callable) -> str:
    return f"{hear.__module__}.{hear.__qualname__}"


@due.handles("journal.hear")
def _hear(row: Due) -> None:
    verb, name = row.body["verb"], row.body["hearer"]
    for hear in HEARERS.get(verb, ()):
        if _name(hear) == name:
            lines = _lines(row.body.get("lines") or [row.body["line"]])
            for told in [lines] if hear in AT_ONCE else lines:  # whichever way it heard when the row was written
                hear(told)
            return
    raise LookupError(f"nobody named {name} hears {verb}")


def _lines(numbers: list[int]) -> list[Line]:
    found = Line.everywhere.in_bulk(numbers)
    return [found[number] for number in numbers]
