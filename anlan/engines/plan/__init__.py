"""Reads a numbered work plan: its items with targets, time nodes, documents and responsible units, each with its place.

Rules only: the same text always gives the same list, and what a rule is not sure of is told as a doubt with its line. Spans
are [start, end) in the text as it was given, so that a person can confirm or mend each finding beside its source.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import Any

from . import nodes, targets
from .outline import Doubt, Part, Reader
from .text import Line, clean

__all__ = ["Doubt", "Item", "Plan", "Span", "parse"]

Span = tuple[int, int]
TITLE_LONGEST, HEADING_LONGEST = 60, 24
DOCUMENT = re.compile(r"《((?:[^《》]|《[^《》]{0,80}》){1,160})》")
YEAR = re.compile(r"(20\d\d)\s*年")
UNITS = re.compile(r"[、,;。]|\s{1,}")
PART = re.compile(r"(牵头|负责|主办)$|(?:配合|参与|落实|协助)$")
"""What a name in a cell of units may end with: its part in the task."""
LISTED = ("(", "①")
LEAD = ("牵头单位", "牵头部门", "主办单位")
TERM = ("完成时限", "完成时间", "时限要求")


@dataclass(frozen=True)
class Item:
    """One numbered item. What was found in it stands with its span; ``document_spans`` go with ``documents``."""

    no: str
    section: str
    subsection: str
    title: str
    text: str
    line: int
    span: Span
    targets: list[dict[str, Any]] = field(default_factory=list)
    time_nodes: list[dict[str, Any]] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    document_spans: list[Span] = field(default_factory=list)
    orgs: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Plan:
    title: str
    year: int | None
    items: list[Item]
    doubts: list[Doubt]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def parse(source: str, year: int | None = None) -> Plan:
    """The plan in a text. ``year`` stands in where neither title nor opening names one. Never raises on any text."""
    lines = clean(source)
    outline = Reader(lines).read()
    named = YEAR.search(outline.title) or YEAR.search("".join(x.text for x in lines[:12]))
    when = int(named[1]) if named else year
    doubts = list(outline.doubts)
    items = [_item(part, when, doubts) for part in outline.parts]
    if not items:
        doubts.append(Doubt(1, "没有找到带编号的事项"))
    return Plan(outline.title, when, items, sorted(doubts, key=lambda d: d.line))


def _item(part: Part, year: int | None, doubts: list[Doubt]) -> Item:
    body = part.whole
    text = body.text.strip()
    if not text:
        doubts.append(Doubt(part.line, f"第{part.no}项没有内容"))
    title = _title(part)
    aims = [body, *(said for label, said in part.labels if label == "目标")]
    found_targets = [_target(line, t) for line in aims for t in targets.find(line.text)]
    found_nodes = [_node(body, n) for n in nodes.find(body.text, year)]
    for said in (said for label, said in part.labels if label in TERM):
        known = {(n["raw"], n["kind"]) for n in found_nodes if n["kind"] != "deadline"}
        found_nodes += [_node(said, n) for n in nodes.term(said.text, year) if (n.raw, n.kind) not in known]
    named = _documents(body)
    return Item(
        part.no, part.section, part.subsection, title, text, part.line, body.span(0, len(body.text)),
        found_targets, found_nodes, list(named), list(named.values()), _orgs(part),
    )  # fmt: skip


def _title(part: Part) -> str:
    """The leading sentence, or the line that stands alone above the rest, when it is short enough to be one."""
    first, *rest = part.body
    short = bool(rest) and "。" not in first.text and len(first.text) <= HEADING_LONGEST and not first.text.endswith(";")
    listed = bool(rest) and rest[0].text.startswith(LISTED)
    head = (first.text if short or (listed and "。" not in first.text) else part.whole.text).strip().split("。")[0]
    return head if len(head) <= TITLE_LONGEST else ""


def _target(line: Line, t: targets.Target) -> dict[str, Any]:
    return {
        "value": t.value, "value_max": t.value_max, "unit": t.unit, "comparator": t.comparator, "scope": t.scope, "raw": t.raw,
        "kind": t.kind, "span": line.span(t.start, t.end),
    }  # fmt: skip


def _node(line: Line, n: nodes.Node) -> dict[str, Any]:
    return {"raw": n.raw, "kind": n.kind, "norm": n.norm, "span": line.span(n.start, n.end)}


def _documents(body: Line) -> dict[str, Span]:
    found: dict[str, Span] = {}
    for m in DOCUMENT.finditer(body.text):
        found.setdefault(m[1].strip(), body.span(m.start(), m.end()))
    return found


def _orgs(row: Part) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for label, said in row.labels:
        if label in TERM or label == "目标":
            continue
        at = 0
        for name in UNITS.split(said.text):
            start = said.text.index(name, at)
            at = start + len(name)
            kept = PART.sub("", name.strip())
            if kept:
                part = PART.search(name.strip())
                lead = bool(part and part[1]) or label in LEAD
                found.append({"name": kept, "role": "lead" if lead else "duty", "span": said.span(start, at)})
    return found
