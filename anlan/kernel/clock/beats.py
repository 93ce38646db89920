"""Signs of life. A loop beats when it has gone round; silence longer than it promised is a fault."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from .models import Beat
from .time import real

OFTEN_S = 3.0
"""The longest that may pass before the next one is written."""
_last: dict[str, tuple[float, tuple[bool, str] | None]] = {}


def beat(name: str, *, good: bool = True, detail: str = "", silence_s: float = 30.0, essential: bool = True) -> None:
    """Record a sign of life: a fifth of the silence that is promised after the last one, or when it has turned good or bad, or its
    fault is another."""
    moment = real()
    at, was = _last.get(name, (0.0, None))
    says = good, "" if good else detail
    if was == says and moment.timestamp() - at < min(silence_s / 5, OFTEN_S):
        return
    _last[name] = (moment.timestamp(), says)
    row = {"last": moment, "good": good, "detail": detail[:200], "silence_s": silence_s, "essential": essential}
    if not Beat.objects.filter(name=name).update(**row):
        Beat.objects.update_or_create(name=name, defaults=row)


def end(name: str) -> None:
    """It has stopped as it should; its silence is no fault."""
    _last.pop(name, None)
    Beat.objects.filter(name=name).delete()


def alive(name: str) -> bool:
    """Has it given a sign of life within the silence that it promised?"""
    row = Beat.objects.filter(name=name).first()
    return row is not None and row.last is not None and real() - row.last <= timedelta(seconds=row.silence_s)


def health() -> dict[str, Any]:
    """The state of every loop and gateway: ok, degraded (something optional) or down (something essential)."""
    moment, beats, status = real(), {}, "ok"
    for row in Beat.objects.order_by("name"):
        fresh = row.last is not None and moment - row.last <= timedelta(seconds=row.silence_s)
        good = row.good and fresh
        beats[row.name] = {"last": row.last.isoformat() if row.last else None, "ok": good, "detail": row.detail}
        if not good:
            status = "down" if row.essential else ("degraded" if status == "ok" else status)
    if not beats:
        status = "down"
    return {"status": status, "beats": beats}
