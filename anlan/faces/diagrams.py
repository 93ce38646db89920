"""Documents made from the declarations: flows as diagrams, who reacts to what, the registers."""

from __future__ import annotations

from anlan.kernel.cases.flow import FLOWS, Flow, Limit
from anlan.kernel.clock.due import HANDLERS
from anlan.kernel.clock.periodic import PERIODIC, Periodic
from anlan.kernel.indicators import INDICATORS
from anlan.kernel.journal.entry import HEARERS
from anlan.kernel.people.roles import ROLES
from anlan.kernel.registers import ALL

MADE = "<!-- made by `anlan docs` from the declarations; edit those -->"


def reactions() -> str:
    """Verb → hearers, due kinds → handlers, periodic duties."""
    rows = ["谁对什么作出反应", "", "日志动作 → 听者"]
    rows += [f"  {verb:<24} {h.__module__}.{h.__qualname__}" for verb in sorted(HEARERS) for h in HEARERS[verb]]
    rows += ["", "到期事项 → 办理者"]
    rows += [f"  {k:<24} {h.work.__module__}.{h.work.__qualname__}" for k, h in sorted(HANDLERS.items())]
    rows += ["", "周期事项"]
    rows += [f"  {p.name:<24} {rhythm(p)}" for p in PERIODIC.values()]
    return "\n".join(rows)


def rhythm(duty: Periodic) -> str:
    """When a duty comes round, in words."""
    units = {"seconds": "秒", "minutes": "分钟", "hours": "小时", "days": "天", "weeks": "周"}
    said = {
        "daily": lambda hour: f"每日 {hour}", "weekly": lambda given: f"每周{'一二三四五六日'[given[0]]} {given[1]}",
        "monthly": lambda given: f"每月 {given[0]} 日 {given[1]}", "workdays": lambda hour: f"每个工作日 {hour}",
    }  # fmt: skip
    words = [said[k](v) if k in said else f"每 {v:g} {units[k]}" for k, v in duty.rhythm.items()]
    return "、".join(words) + ("(实战)" if duty.worlds == "actual" else "(各个世界)")


def pages() -> dict[str, str]:
    return {"flows.md": flows(), "reactions.md": f"{MADE}\n# Who reacts to what\n\n```\n{reactions()}\n```\n", "registers.md": registers()}


def flows() -> str:
    parts = [MADE, "# Flows\n"]
    for flow in FLOWS.values():
        parts += [f"## {flow.name} {flow.title}\n", "```mermaid", flow.diagram(), "```\n", *_limits(flow)]
    return "\n".join(parts)


def _limits(flow: Flow) -> list[str]:
    if not flow.limits:
        return []
    rows = ["| state | limit | when missed, told in turn | basis | confidence |", "|---|---|---|---|---|"]
    for x in flow.limits:
        told = "、".join(ROLES[role].label for role in x.raise_to.split()) or "—"
        rows.append(f"| {flow.states[x.state]} | {length(x)} | {told} | {x.basis} | {x.confidence} |")
    return [*rows, ""]


def length(limit: Limit) -> str:
    """A limit's length in words."""
    since = f"(自 {limit.since})" if limit.since else ""
    for value, unit in ((limit.minutes, "分钟"), (limit.hours, "小时"), (limit.days, "日"), (limit.workdays, "个工作日")):
        if value:
            return f"{value:g}{unit}{since}"
    return f"按 {limit.by}"


def registers() -> str:
    rows = [MADE, "# Registers and indicators\n", "| group | name | title | columns |", "|---|---|---|---|"]
    rows += [f"| {r.group} | {r.name} | {r.title} | {r.columns} |" for r in ALL.values()]
    rows += ["\n| indicator | label | register | definition |", "|---|---|---|---|"]
    rows += [f"| {i.name} | {i.label} | {i.register} | {i.definition} |" for i in INDICATORS.values()]
    return "\n".join(rows) + "\n"
