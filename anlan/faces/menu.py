"""The menu: the faces first, then the registers by group; and the page that a person's work begins at."""

from __future__ import annotations

from typing import Any

from django.urls import get_script_prefix

from anlan.kernel.people import scope

KEEPERS = {
    "system_keeper": ("账户", "keepers/accounts/"),
    "security_keeper": ("授权", "keepers/grants/"),
    "audit_keeper": ("审计", "keepers/audit/"),
}
FIELD = {"village_officer", "reservoir_keeper", "team", "enterprise"}
FACES = [("值班工作台", "desk/"), ("一张图大屏", "screen/")]


def only_keeps(who: scope.Scope) -> bool:
    """A keeper of the system who holds no post in its work: sees accounts, grants or the journal, and nothing else."""
    return bool(who.roles) and who.roles <= set(KEEPERS)


def home(who: scope.Scope) -> str:
    """The page that this person's work begins at, below the world's prefix."""
    if only_keeps(who):
        return next(href for role, (_, href) in KEEPERS.items() if role in who.roles)
    return "field/" if who.roles and who.roles <= FIELD else "desk/"


def groups(path: str) -> list[dict[str, Any]]:
    """Groups of links: ``{"label", "items": [{"label", "href", "here"}]}``, only what this asker may open."""
    who = scope.maybe()
    if who is None or not who.reaches:
        return []
    found = [] if only_keeps(who) else [_group(path, "工作", FACES)]
    if keeping := [link for role, link in KEEPERS.items() if role in who.roles and who.world.actual]:
        found.append(_group(path, "系统管理", keeping))
    return found


def _group(path: str, label: str, links: list[tuple[str, str]]) -> dict[str, Any]:
    base = get_script_prefix()
    items = [{"label": name, "href": base + href, "here": path.startswith(base + href)} for name, href in links]
    return {"label": label, "items": items}
