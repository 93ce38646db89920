"""What stands before the body, by kind of paper: red head, number, title, addressees, cover."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from docx.enum.text import WD_BREAK, WD_TAB_ALIGNMENT
from docx.shared import Pt

from . import page, tables, words
from .titles import broken, width

if TYPE_CHECKING:
    from .official import Paper

# GB/T 9704-2012, 7.2.4: the issuing office's red name begins 35 mm below the top of the type area.
RED_HEAD_PT = 99.2


def notice(paper: Paper) -> None:
    """The top of an official document: red head, rule, title, main addressee (主送机关)."""
    upper = [text for text in (paper.copy, paper.secrecy, paper.urgency) if text]
    for text in upper:
        page.line(paper.sheet, text, page.FANG if text == paper.copy else page.HEI)
    banner(paper, paper.banner or paper.org + "文件", max(12, RED_HEAD_PT - len(upper) * page.LINE_PT))
    _empty(paper, 2)
    if paper.signer:
        _apart(paper, paper.number, paper.signer)
    else:
        page.rule(page.line(paper.sheet, paper.number, align="centre"))
    _empty(paper, 2)
    title(paper)
    _empty(paper, 1)
    if paper.to:
        said = paper.to.rstrip(":\uff1a") + "\uff1a"
        page.line(paper.sheet, said, align="justify")


def bulletin(paper: Paper) -> None:
    """值班快报, 突发事件信息: short red head, issue, issuer and date, title; one page if possible."""
    if paper.secrecy:
        page.line(paper.sheet, paper.secrecy, page.HEI)
    banner(paper, paper.banner or "值班快报", 6)
    issue = f"第{paper.issue}期" if paper.issue else paper.number
    if issue:
        page.line(paper.sheet, issue, align="centre", before=4)
    _apart(paper, f"{paper.org}\u3000{words.day(paper.at)}", paper.signer)
    _empty(paper, 1)
    title(paper)
    if paper.to:
        page.line(paper.sheet, paper.to.rstrip(":\uff1a") + "\uff1a", align="justify")


def report(paper: Paper) -> None:
    """总结评估报告: a cover with title, facts, office and date; the body begins on a new page."""
    if paper.secrecy:
        page.line(paper.sheet, paper.secrecy, page.HEI)
    title(paper, size=26, widest=16, before=90, pitch=42)
    _empty(paper, 1)
    if paper.number:
        page.line(paper.sheet, paper.number, align="centre")
    _empty(paper, 1)
    if paper.facts:
        tables.facts(paper.sheet, paper.facts)
    page.line(paper.sheet, paper.org, page.KAI, align="centre", before=60)
    last = page.line(paper.sheet, words.day(paper.at), page.KAI, align="centre")
    last.add_run().add_break(WD_BREAK.PAGE)


def record(paper: Paper) -> None:
    """交接班记录 and other sheets that stay in the office: title, who keeps it, facts; the body follows on the same page."""
    if paper.secrecy:
        page.line(paper.sheet, paper.secrecy, page.HEI)
    title(paper)
    page.line(paper.sheet, paper.org, page.KAI, 14, align="centre", before=4)
    _empty(paper, 1)
    if paper.facts:
        tables.facts(paper.sheet, paper.facts)


def banner(paper: Paper, text: str, before: float) -> None:
    """The red name, as large as one line allows."""
    size = max(22, min(50, int(430 / max(width(text), 1))))
    page.line(paper.sheet, text, page.TITLE, size, align="centre", colour=page.RED, pitch=size + 14, before=before)


def title(paper: Paper, *, size: float = page.TITLE_PT, widest: int = 20, before: float = 0, pitch: float = 33) -> None:
    for at, text in enumerate(broken(paper.title, widest)):
        made = page.line(
            paper.sheet, text, page.TITLE, size, align="centre", pitch=pitch, before=0 if at else before, together=True
        )
        if not at:
            page.outline(made, 1)


def _apart(paper: Paper, text: str, signer: str) -> None:
    made: Any = page.line(paper.sheet, "\u3000" + text)
    if signer:
        made.paragraph_format.tab_stops.add_tab_stop(Pt(442.2 - page.BODY_PT), WD_TAB_ALIGNMENT.RIGHT)
        page.run(made, "\t签发人:")
        page.run(made, signer, page.KAI)
    page.rule(made)


def _empty(paper: Paper, lines: int) -> None:
    for _ in range(lines):
        page.line(paper.sheet)


HEADS: dict[str, Callable[[Paper], None]] = {"notice": notice, "bulletin": bulletin, "report": report, "record": record}
