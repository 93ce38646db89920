"""The menu: the faces first, then the registers by group."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import get_script_prefix

from anlan.kernel.people import scope

KEEPERS = (
    ("system_keeper", "账户", "keepers/accounts/"),
    ("security_keeper", "授权", "keepers/grants/"),
    ("audit_keeper", "审计", "keepers/audit/"),
)


def groups(request: HttpRequest) -> list[dict[str, Any]]:
    """Groups of links: ``{"label", "items": [{"label", "href", "here"}]}``, only what this asker may open."""
    who = scope.maybe()
    if who is None or not who.reaches:
        return []
    found = [_group(request, "工作", [("值班工作台", "desk/"), ("一张图大屏", "screen/")])]
    keeping = [(label, href) for role, label, href in KEEPERS if role in who.roles and who.world.actual]
    if keeping:
        found.append(_group(request, "系统管理", keeping))
    return found


def _group(request: HttpRequest, label: str, links: list[tuple[str, str]]) -> dict[str, Any]:
    base = get_script_prefix()
    items = [{"label": name, "href": base + href, "here": request.path.startswith(base + href)} for name, href in links]
    return {"label": label, "items": items}
