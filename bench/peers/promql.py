"""The limits of the network as alerting rules of Prometheus, equal in meaning where one reading comes each second.

A level holds from its limit on, and while it is told already from its clear value on: that is the deadband, asked of
`ALERTS`. Hold times are `for` and `keep_firing_for`. Three bad readings in a row are the third second out of range. A change
that is too fast, or none, is seen of two readings.

What is not said: silence (a series that has gone is in no answer, so that nothing is left to hold an alert; it is left out
there, which favours Prometheus); that the opposite limit ends an alarm before its time; that a reading out of range is no
fall below a level, and no change; a band within which a value counts as still; readings that come late.

`groups` writes a rule for each limit, as a keeper would; `thrifty` lets a rule before them keep back what is quiet, so
that nine of them look at the few series that are not.
"""

from __future__ import annotations

from typing import Any

from ..network import HIGH, LOW, Limit

SERIES = "reading"
FEW = "beyond"
"""The readings that may stand at a level, or out of range."""
PAIR = "[1999ms]"
"""A stretch that holds two readings, one second apart."""
SIDES = {"high": (">=", f"<= {HIGH:g}"), "low": ("<=", f">= {LOW:g}")}
Groups = dict[str, list[dict[str, Any]]]


def groups(limits: list[Limit]) -> Groups:
    """A file of rules. Each rule is a group of its own, for only groups are worked beside one another."""
    return _groups([rule for limit in limits if (rule := alert(limit))])


def thrifty(limits: list[Limit]) -> Groups:
    """The same with what is quiet kept back once. A group is worked in order, so that its first rule comes before the others."""
    highest = max(limit.clear for limit in limits if limit.kind == "low")
    lowest = min(limit.clear for limit in limits if limit.kind == "high")
    few = {"record": FEW, "expr": f"{SERIES} >= {lowest:g} or {SERIES} <= {highest:g}"}
    levels = [rule for limit in limits if limit.kind in (*SIDES, "quality") and (rule := alert(limit, FEW))]
    rest = [rule for limit in limits if limit.kind not in (*SIDES, "quality") and (rule := alert(limit))]
    return {"groups": [_group("levels", [few, *levels]), *_groups(rest)["groups"]]}


def _groups(rules: list[dict[str, Any]]) -> Groups:
    return {"groups": [_group(rule["alert"], [rule]) for rule in rules]}


def _group(name: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": name, "interval": "1s", "rules": rules}


def alert(limit: Limit, series: str = SERIES) -> dict[str, Any] | None:
    """One limit as an alerting rule; None for what cannot be said."""
    expression = _expression(limit, series)
    if expression is None:
        return None
    up, down = limit.hold_up_s, limit.hold_down_s
    if limit.kind == "quality":
        up = int(limit.amount) - 1
    elif limit.kind not in SIDES:  # the time of a change, or of none, begins with the first of its two readings
        up, down = max(up - 1, 0), max(down - 1, 0)
    holds = {name: f"{seconds}s" for name, seconds in (("for", up), ("keep_firing_for", down)) if seconds}
    return {"alert": limit.name, "expr": expression, **holds}


def _expression(limit: Limit, series: str) -> str | None:
    if limit.kind in SIDES:
        beyond, sound = SIDES[limit.kind]
        firing = f'ALERTS{{alertname="{limit.name}",alertstate="firing"}}'
        return f"{series} {beyond} {limit.amount:g} {sound} or {series} {beyond} {limit.clear:g} {sound} and on (sensor) {firing}"
    if limit.kind == "rate":
        return f"abs(idelta({SERIES}{PAIR})) >= {limit.amount / 60:.17g}"
    if limit.kind == "stuck" and limit.amount == 0:
        return f"idelta({SERIES}{PAIR}) == 0"
    if limit.kind == "quality":
        return f"{series} > {HIGH:g} or {series} < {LOW:g}"
    return None
