"""What stands after the body, by kind of paper: annexes, signature and date, remarks, sources, colophon."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from docx.enum.text import WD_TAB_ALIGNMENT
from docx.shared import Pt

from . import page, tables, words
from .titles import width

if TYPE_CHECKING:
    from .official import Paper


def notice(paper: Paper) -> None:
    """The foot of an official document: annexes, signature and date with room for a seal, remark, imprint (版记)."""
    _annexes(paper)
    page.line(paper.sheet)
    page.line(paper.sheet)
    _signature(paper)
    if paper.remark:
        inner = paper.remark.strip("()\uff08\uff09")
        page.line(paper.sheet, f"\uff08{inner}\uff09", indent=2)
    _sources(paper)
    cc = ["抄送:" + "\uff0c".join(paper.cc) + "。"] if paper.cc else []
    if cc or paper.printer:
        _colophon(paper, [*cc, f"{paper.printer or paper.org}\t{words.day(paper.at)}印发"])


def bulletin(paper: Paper) -> None:
    """值班快报: sources, then 报 / 送, contact, filler."""
    _annexes(paper)
    _sources(paper)
    people = [("联系人", paper.contact), ("填报人", paper.filler), ("审核人", paper.checker)]
    rows = [f"{name}:{words.join(to)}。" for name, to in (("报", paper.report_to), ("送", paper.cc)) if to]
    if said := "\u3000".join(f"{name}:{who}" for name, who in people if who):
        rows.append(said)
    if rows:
        _colophon(paper, rows)


def report(paper: Paper) -> None:
    """总结评估报告: annexes, sources and definitions, who filled it in and who checked it."""
    _annexes(paper)
    _sources(paper)
    if said := "\u3000".join(
        f"{name}:{who}" for name, who in (("填报人", paper.filler), ("审核人", paper.checker)) if who
    ):
        page.line(paper.sheet, said, size=12, align="right", before=12)


def record(paper: Paper) -> None:
    """A sheet that stays in the office: annexes, sources, and a line on which each of its people signs by hand."""
    _annexes(paper)
    _sources(paper)
    page.line(paper.sheet)
    for name, who in (("填报人", paper.filler), ("审核人", paper.checker), ("签字", paper.signer)):
        if who:
            page.line(paper.sheet, f"{name}:{who}", indent=2)


def _annexes(paper: Paper) -> None:
    if not paper.annexes:
        return
    page.line(paper.sheet)
    one = len(paper.annexes) == 1
    for at, name in enumerate(paper.annexes):
        start = "附件\uff1a" if not at else ""
        said = f"{start}{'' if one else f'{at + 1}.'}{name.rstrip('。;,')}"
        reach = 3.0 if one else 4.0
        hang = reach if not at else 1.0
        page.line(paper.sheet, said, indent=-hang, left=2 + reach, align="justify")


def _signature(paper: Paper) -> None:
    """Date four characters from the right, the office centred over it (7.3.5.1); a long office pushes both left."""
    date = words.day(paper.at)
    long, short = width(paper.org), width(date)
    edge = max(4.0, 1 + (long - short) / 2)
    office = edge + (short - long) / 2
    page.line(paper.sheet, paper.org, align="right", right=office, together=True)
    page.line(paper.sheet, date, align="right", right=edge)


def _sources(paper: Paper) -> None:
    if not paper.sources:
        return
    page.line(paper.sheet, "数据来源与口径", page.HEI, 12, before=12, pitch=22, together=True)
    for at, text in enumerate(paper.sources, 1):
        page.line(paper.sheet, f"[{at}] {text}", page.KAI, page.NOTE_PT, pitch=18, indent=-2, left=2, align="justify")


def _colophon(paper: Paper, rows: Sequence[str]) -> None:
    made = paper.sheet.add_table(rows=0, cols=1)
    for text in rows:
        cell = made.add_row().cells[0]
        cell.width = Pt(tables.WIDE_PT)
        inner = cell.paragraphs[0]
        page.shape(inner, align="left", pitch=24)
        inner.paragraph_format.tab_stops.add_tab_stop(Pt(tables.WIDE_PT - 28), WD_TAB_ALIGNMENT.RIGHT)
        page.indents(inner, 0, 1, 1, 14)
        page.run(inner, text, size=14)
    tables.bare(made)
    tables.sink(made)
    page.line(paper.sheet, pitch=1, size=1)


TAILS: dict[str, Callable[[Paper], None]] = {"notice": notice, "bulletin": bulletin, "report": report, "record": record}
