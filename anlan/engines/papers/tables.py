"""Tables on paper: the head row repeated on every page, figures right, a totals row, 无 instead of nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from docx.document import Document as Sheet
from docx.oxml.ns import qn
from docx.shared import Pt
from docx.table import Table

from . import page, words
from .titles import width

WIDE_PT = 442.2


@dataclass(frozen=True)
class Column:
    """A column on paper: its title, its share of the width, where its words stand."""

    title: str
    share: float = 0
    align: str = ""


Totals = Sequence[str] | Mapping[str, object]


def said(value: object) -> str:
    """A value as a table prints it: unknown —, times and days in figures, the rest as it is."""
    if value is None:
        return words.UNKNOWN
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, int | float):
        return words.number(value)
    if isinstance(value, datetime):
        return f"{words.local(value):%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return f"{value:%Y-%m-%d}"
    return str(value)


def total(
    columns: Sequence[Column], rows: Sequence[Sequence[object]], wanted: Totals
) -> tuple[list[object], dict[str, int]]:
    """The totals row, and for each summed column how many rows were unknown and so left out of the sum."""
    titles = [column.title for column in columns]
    if strange := [title for title in wanted if title not in titles[1:]]:
        raise ValueError(f"no column {strange} to total")
    row: list[object] = ["合计", *[""] * (len(columns) - 1)]
    missing: dict[str, int] = {}
    for title in wanted:
        at = titles.index(title)
        if isinstance(wanted, Mapping):
            row[at] = wanted[title]
            continue
        known = [value for r in rows if isinstance(value := r[at], int | float)]
        row[at] = sum(known) if known or not rows else None
        if len(known) < len(rows):
            missing[title] = len(rows) - len(known)
    return row, missing


def draw(
    sheet: Sheet, columns: Sequence[Column], rows: Sequence[Sequence[object]], totals: list[object] | None
) -> Table:
    """Draw one table at the end of the sheet."""
    for at, row in enumerate(rows):
        if len(row) != len(columns):
            raise ValueError(f"row {at + 1} has {len(row)} cells for {len(columns)} columns")
    made = sheet.add_table(rows=0, cols=len(columns), style="Table Grid")
    made.autofit = False
    widths = _widths(columns, rows)
    aligns = [column.align or _align(at, rows) for at, column in enumerate(columns)]
    _row(made, [column.title for column in columns], widths, ["centre"] * len(columns), page.HEI)
    made.rows[0]._tr.get_or_add_trPr().append(page.element("tblHeader"))
    for row in rows:
        _row(made, [said(value) for value in row], widths, aligns, page.FANG)
    if not rows:
        _row(made, [words.NONE, *[""] * (len(columns) - 1)], widths, ["centre"] * len(columns), page.FANG)
        last = made.rows[-1].cells
        whole = last[0].merge(last[-1])
        for spare in whole.paragraphs[1:]:
            whole._tc.remove(spare._p)
    if totals:
        _row(made, [said(value) for value in totals], widths, aligns, page.HEI)
    return made


def facts(sheet: Sheet, pairs: Sequence[tuple[str, object]]) -> Table:
    """Two columns, name and value, such as a report's cover carries."""
    made = sheet.add_table(rows=0, cols=2, style="Table Grid")
    made.autofit = False
    for name, value in pairs:
        _row(made, [name, said(value)], [WIDE_PT * 0.3, WIDE_PT * 0.7], ["centre", "left"], page.FANG, size=14)
    return made


def _row(
    made: Table,
    texts: Sequence[str],
    widths: Sequence[float],
    aligns: Sequence[str],
    font: str,
    size: float = page.TABLE_PT,
) -> None:
    row = made.add_row()
    row._tr.get_or_add_trPr().append(page.element("cantSplit"))
    for cell, text, wide, align in zip(row.cells, texts, widths, aligns, strict=True):
        cell.width = Pt(wide)
        cell._tc.get_or_add_tcPr().append(page.element("vAlign", val="center"))
        made_line = cell.paragraphs[0]
        page.shape(made_line, align=align, pitch=size + 7.5)
        page.place(made_line._p.get_or_add_pPr(), page.element("snapToGrid", val=0))
        page.run(made_line, text, font, size)


def _align(at: int, rows: Sequence[Sequence[object]]) -> str:
    figures = [row[at] for row in rows if row[at] is not None]
    if figures and all(isinstance(value, int | float) and not isinstance(value, bool) for value in figures):
        return "right"
    longest = max((len(said(row[at])) for row in rows), default=0)
    return "left" if longest > 12 else "centre"


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[object]]) -> list[float]:
    shares = [
        column.share or min(18.0, max(width(text) for text in _texts(at, column, rows)) + 1.5)
        for at, column in enumerate(columns)
    ]
    return [WIDE_PT * share / sum(shares) for share in shares]


def _texts(at: int, column: Column, rows: Sequence[Sequence[object]]) -> list[str]:
    return [column.title, *(said(row[at]) for row in rows[:200])]


def bare(made: Table) -> None:
    """Take a table's inner and side rules away, as a colophon stands: rules above, between rows and below only."""
    borders = page.element("tblBorders")
    for side, eighths in (("top", 8), ("left", 0), ("bottom", 8), ("right", 0), ("insideH", 6), ("insideV", 0)):
        borders.append(page.element(side, val="single" if eighths else "nil", sz=eighths, space=0, color="000000"))
    properties: Any = made._tbl.tblPr
    for old in properties.findall(qn("w:tblBorders")):
        properties.remove(old)
    properties.insert_element_before(borders, "w:shd", "w:tblLayout", "w:tblCellMar", "w:tblLook")


def sink(made: Table) -> None:
    """Float a table down to the bottom of the page's type area."""
    place = page.element(
        "tblpPr",
        vertAnchor="margin",
        horzAnchor="margin",
        tblpXSpec="center",
        tblpYSpec="bottom",
        leftFromText=0,
        rightFromText=0,
    )
    made._tbl.tblPr.insert_element_before(
        place,
        "w:tblOverlap",
        "w:bidiVisual",
        "w:tblStyleRowBandSize",
        "w:tblStyleColBandSize",
        "w:tblW",
        "w:jc",
        "w:tblCellSpacing",
        "w:tblInd",
        "w:tblBorders",
        "w:shd",
        "w:tblLayout",
        "w:tblCellMar",
        "w:tblLook",
    )
