"""The menu: the faces first, then the registers by group; and the page that a person's work begins at."""

from __future__ import annotations

from typing import Any

from django.urls import get_script_prefix

from anlan.faces.registers import pages
from anlan.kernel.people import scope
from anlan.kernel.people.roles import BUREAU, COMMAND, READERS, STAFF
from anlan.kernel.registers.register import address

KEEPERS = {
    "system_keeper": (("账户", "keepers/accounts/"), ("网关", "keepers/gateways/")),
    "security_keeper": (("授权", "keepers/grants/"),),
    "audit_keeper": (("审计", "keepers/audit/"),),
}
FIELD = {"village_officer", "reservoir_keeper", "team", "enterprise"}
FACES = [("值班工作台", "desk/"), ("一张图大屏", "screen/")]
DESK = [("叫应", "desk/calls/"), ("接报登记", "desk/intake/new/"), ("交接班", "desk/handover/"), ("录入预警信号", "desk/signals/new/"),
        ("现场上报", "field/inbox/"), ("世界与演练", "desk/worlds/")]  # fmt: skip
PLAN = [("工作要点", "desk/workplan/"), ("表单与指标", "desk/forms/")]
LOOKS = [("指标", "r/indicators/"), ("周边查询", "r/near/")]


def only_keeps(who: scope.Scope) -> bool:
    """A keeper of the system who holds no post in its work: sees accounts, grants or the journal, and nothing else."""
    return bool(who.roles) and who.roles <= set(KEEPERS)


def home(who: scope.Scope) -> str:
    """The page that this person's work begins at, below the world's prefix."""
    if only_keeps(who):
        return next(links[0][1] for role, links in KEEPERS.items() if role in who.roles)
    return "field/" if who.roles and who.roles <= FIELD else "desk/"


def groups(path: str) -> list[dict[str, Any]]:
    """Groups of links: ``{"label", "items": [{"label", "href", "here"}]}``, only what this asker may open."""
    who = scope.maybe()
    if who is None or not who.reaches:
        return []
    commands = DESK if who.roles & set(COMMAND) else []
    looks = (PLAN if who.roles & {*STAFF, *BUREAU} else []) + (LOOKS if who.roles & set(READERS) else [])
    found = [] if only_keeps(who) else [_group(path, "工作", [*FACES, *commands, *looks])]
    found += [
        {"label": label, "items": [_item(path, register.title, address("list", register.name)) for register in rows]}
        for label, rows in pages.groups().items()
    ]
    if keeping := [link for role, links in KEEPERS.items() for link in links if role in who.roles and who.world.actual]:
        found.append(_group(path, "系统管理", keeping))
    return found


def _group(path: str, label: str, links: list[tuple[str, str]]) -> dict[str, Any]:
    items = [_item(path, name, get_script_prefix() + href) for name, href in links]
    nearest = max((i["href"] for i in items if i["here"]), key=len, default="")
    return {"label": label, "items": [{**i, "here": i["href"] == nearest} for i in items]}


def _item(path: str, label: str, href: str) -> dict[str, Any]:
    return {"label": label, "href": href, "here": path.startswith(href)}
