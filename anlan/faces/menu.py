"""The menu: the faces first, then the registers by group; and the page that a person's work begins at."""

from __future__ import annotations

from django.urls import get_script_prefix
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from anlan.faces.registers import pages
from anlan.kernel.people import scope
from anlan.kernel.people.roles import BUREAU, COMMAND, READERS, STAFF
from anlan.kernel.registers import ALL

KEEPERS = {
    "system_keeper": (("账户", "keepers/accounts/"), ("网关", "keepers/gateways/")),
    "security_keeper": (("授权", "keepers/grants/"),),
    "audit_keeper": (("审计", "keepers/audit/"),),
}
FIELD = {"village_officer", "reservoir_keeper", "team", "enterprise"}
FACES = [("值班工作台", "desk/"), ("一张图大屏", "screen/")]
DESK = [("告警台", "desk/alarms/", (*STAFF, "inspector")), ("感知网", "desk/network/", COMMAND), ("叫应", "desk/calls/", COMMAND),
        ("接报登记", "desk/intake/new/", COMMAND), ("交接班", "desk/handover/", COMMAND), ("录入预警信号", "desk/signals/new/", COMMAND),
        ("现场上报", "field/inbox/", COMMAND), ("世界与演练", "desk/worlds/", COMMAND)]  # fmt: skip
PLAN = [("推进情况", "desk/leader/", ("leader", "duty_lead", "office_head")), ("工作要点", "desk/workplan/", (*STAFF, *BUREAU)),
        ("考核排名", "desk/marks/", ("leader", "duty_lead", "district_duty", *BUREAU)), ("表单与指标", "desk/forms/", (*STAFF, *BUREAU))]  # fmt: skip
LOOKS = [("指标", "r/indicators/"), ("周边查询", "r/near/")]
OWN = {"desk/rules/": "r/rule/", "desk/sensors/": "r/sensor/"}
"""Pages of a register that stand among the desk's: the register's entry is theirs."""


def only_keeps(who: scope.Scope) -> bool:
    """A keeper of the system who holds no post in its work: sees accounts, grants or the journal, and nothing else."""
    return bool(who.roles) and who.roles <= set(KEEPERS)


def home(who: scope.Scope) -> str:
    """The page that this person's work begins at, below the world's prefix."""
    if only_keeps(who):
        return next(links[0][1] for role, links in KEEPERS.items() if role in who.roles)
    if who.roles and who.roles <= set(BUREAU):
        return "desk/workplan/"
    return "field/" if who.roles and who.roles <= FIELD else "desk/"


SHORT = 12
"""A group of more links than these stays folded until a page of it is open."""
_kept: dict[tuple, list[tuple[str, str, tuple[str, ...]]]] = {}


def drawn(path: str) -> SafeString:
    """The menu: only what this asker may open, the page's own entry marked, long groups folded."""
    who = scope.maybe()
    if who is None or not who.reaches:
        return SafeString()
    city = frozenset(r.role for r in who.reaches if scope.ROOT.startswith(r.area))
    root = get_script_prefix()
    key = (who.roles, city, root, who.world.actual, tuple(map(id, ALL.values())))
    if key not in _kept:
        if len(_kept) > 500:
            _kept.clear()
        _kept[key] = [_drawn(label, links) for label, links in groups(who)]
    path = next((root + entry for page, entry in OWN.items() if path.startswith(root + page)), path)
    return SafeString("".join(_opened(path, *group) for group in _kept[key]))


def groups(who: scope.Scope) -> list[tuple[str, list[tuple[str, str]]]]:
    """Group → its links as (label, address), only what this asker may open."""
    root = get_script_prefix()
    looks = [(label, href) for label, href, roles in (*DESK, *PLAN) if who.roles & set(roles)] + (LOOKS if who.roles & set(READERS) else [])
    found = [] if only_keeps(who) else [("工作", [(label, root + href) for label, href in [*FACES, *looks]])]
    found += [(label, [(r.title, f"{root}r/{r.name}/") for r in rows]) for label, rows in pages.groups().items()]
    if keeping := [link for role, links in KEEPERS.items() for link in links if role in who.roles and who.world.actual]:
        found.append(("系统管理", [(label, root + href) for label, href in keeping]))
    return found


def _drawn(label: str, links: list[tuple[str, str]]) -> tuple[str, str, tuple[str, ...]]:
    """A group's head, its links, and their addresses, the longest first."""
    rows = format_html_join("", '<a href="{}">{}</a>', ((href, name) for name, href in links))
    return str(format_html("<summary>{}</summary>", label)), str(rows), tuple(sorted((h for _, h in links), key=len, reverse=True))


def _opened(path: str, head: str, rows: str, hrefs: tuple[str, ...]) -> str:
    here = next((href for href in hrefs if path.startswith(href)), "")
    if here:
        rows = rows.replace(f'<a href="{here}">', f'<a href="{here}" aria-current="page">')
    return f"<details{' open' if here or len(hrefs) <= SHORT else ''}>{head}{rows}</details>"
