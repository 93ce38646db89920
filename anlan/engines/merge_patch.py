"""JSON merge patch (RFC 7396): the difference between two objects as an object of the changed members."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def diff(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """What turns *old* into *new*: changed members, and None for those that are gone. A member that is None is gone."""
    found: dict[str, Any] = {name: None for name, value in old.items() if value is not None and new.get(name) is None}
    for name, value in new.items():
        before = old.get(name)
        if value is None or value == before:
            continue
        found[name] = diff(before, value) if isinstance(before, Mapping) and isinstance(value, Mapping) else value
    return found


def merge(target: Any, patch: Any) -> Any:
    """The target with the patch laid over it; both stay as they are."""
    if not isinstance(patch, Mapping):
        return patch
    found = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = merge(found.get(name), value)
    return found
