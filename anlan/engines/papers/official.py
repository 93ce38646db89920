"""Official papers by code: 公文, 值班快报, 总结评估报告 and 记录 on the GB/T 9704-2012 page.

A paper says what it is in its fields, is filled from top to bottom, and comes out as .docx bytes that depend on
nothing but what was given. Seals are never drawn; the signature leaves room for one.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from typing import Any, Literal

import docx
from docx.shared import Mm

from . import page, tables, words
from .heads import HEADS
from .tables import Column, Totals
from .tails import TAILS

Kind = Literal["notice", "bulletin", "report", "record"]

# The four ranks of heads: how each is numbered, recognised and set.
_RANKS = (
    (re.compile(r"[一二三四五六七八九十]+、"), lambda n: f"{words.numeral(n)}、", page.HEI),
    (re.compile(r"[(\uff08][一二三四五六七八九十]+[)\uff09]"), lambda n: f"({words.numeral(n)})", page.KAI),
    (re.compile(r"\d+[.\uff0e](?!\d)"), lambda n: f"{n}.", page.FANG),
    (re.compile(r"[(\uff08]\d+[)\uff09]"), lambda n: f"({n})", page.FANG),
)


@dataclass
class Paper:
    """One paper. *at* is its moment: the date below the signature and the file's own times come from it."""

    kind: Kind
    title: str
    org: str
    at: datetime
    _: KW_ONLY
    number: str = ""
    mark: str = ""
    to: str = ""
    signer: str = ""
    banner: str = ""
    issue: int = 0
    copy: str = ""
    secrecy: str = ""
    urgency: str = ""
    annexes: Sequence[str] = ()
    remark: str = ""
    cc: Sequence[str] = ()
    report_to: Sequence[str] = ()
    printer: str = ""
    contact: str = ""
    filler: str = ""
    checker: str = ""
    facts: Sequence[tuple[str, object]] = ()

    def __post_init__(self) -> None:
        self.sheet = docx.Document()
        self._counts = [0, 0, 0, 0]
        self._sources: list[str] = []
        self._tables = self._pictures = 0
        self._bytes = b""
        cover = self.kind == "report"
        page.prepare(self.sheet)
        page.headers(self.sheet, self.mark, self.title.replace("\n", "") if cover else "", cover=cover)
        page.footers(self.sheet, cover=cover)
        HEADS[self.kind](self)

    def head(self, text: str, level: int = 1) -> None:
        """A head. 一、(一)1. (1) at its start tells the rank; without one it is numbered at *level*."""
        rank = next((at for at, (pattern, _, _) in enumerate(_RANKS) if pattern.match(text)), None)
        at = level - 1 if rank is None else rank
        self._counts[at] += 1
        self._counts[at + 1 :] = [0] * (3 - at)
        _, numbered, font = _RANKS[at]
        said = text if rank is not None else numbered(self._counts[at]) + text
        made = page.line(self.sheet, said, font, indent=2, align="justify", together=True)
        page.outline(made, at + 1)

    def text(self, text: str, *, source: str = "") -> None:
        """Body paragraphs, one for each line; *source* becomes a numbered note at the paper's end."""
        made = None
        for part in words.plain(text).splitlines():
            if part.strip():
                made = page.line(self.sheet, part.strip(), indent=2, align="justify")
        if made is not None and source:
            self._cite(made, source)

    def table(
        self,
        columns: Sequence[str | Column],
        rows: Sequence[Sequence[object]],
        totals: Totals | None = None,
        *,
        title: str = "",
        unit: str = "",
        note: str = "",
    ) -> None:
        """A numbered table. *totals* names the columns to add up, or gives their values; unknowns are told."""
        known = [Column(column) if isinstance(column, str) else column for column in columns]
        if title:
            self._tables += 1
            page.line(
                self.sheet, f"表{self._tables} {title}", page.HEI, 12, align="centre", pitch=22, before=6, together=True
            )
        if unit:
            page.line(self.sheet, f"单位:{unit}", size=page.NOTE_PT, align="right", pitch=18, together=True)
        row, missing = tables.total(known, rows, totals) if totals else (None, {})
        tables.draw(self.sheet, known, rows, row)
        if missing:
            left = words.join(f"「{name}」{gone}行" for name, gone in missing.items())
            self.note(f"合计未含数值未知(—)的行:{left}。")
        if note:
            self.note(note)
        if not (missing or note):
            page.line(self.sheet, pitch=10)

    def note(self, text: str) -> None:
        """A small line under a table or picture: definition, source, time."""
        said = text if re.match("注|口径|来源|说明", text) else f"注:{text}"
        page.line(self.sheet, said, page.KAI, page.NOTE_PT, align="justify", pitch=18)

    def picture(self, data: bytes, caption: str, *, width_mm: float = 150) -> None:
        """A numbered picture, at most as wide as the type area."""
        made = self.sheet.add_paragraph()
        made.alignment = page.ALIGN["centre"]
        made.paragraph_format.keep_with_next = True
        made.add_run().add_picture(io.BytesIO(data), width=Mm(min(width_mm, 156)))
        self._pictures += 1
        page.line(self.sheet, f"图{self._pictures} {caption}", page.HEI, 12, align="centre", pitch=22)

    def save(self) -> bytes:
        """Close the paper and give its bytes; the same paper gives the same bytes."""
        if not self._bytes:
            TAILS[self.kind](self)
            self._bytes = self._packed()
        return self._bytes

    @property
    def sources(self) -> Sequence[str]:
        return self._sources

    def _cite(self, made: Any, source: str) -> None:
        if source not in self._sources:
            self._sources.append(source)
        page.run(made, f"[{self._sources.index(source) + 1}]").font.superscript = True

    def _packed(self) -> bytes:
        core = self.sheet.core_properties
        moment = self.at.astimezone(words.SHANGHAI).replace(tzinfo=None) if self.at.tzinfo else self.at
        core.created = core.modified = moment.replace(microsecond=0)
        core.author = core.last_modified_by = words.plain(self.org)[:255]
        core.title, core.comments, core.revision = words.plain(self.title.replace("\n", ""))[:255], "", 1
        core.category = words.plain(self.mark)[:255]
        out = io.BytesIO()
        self.sheet.save(out)
        return packed(out)


def packed(archive: io.BytesIO) -> bytes:
    """The same zip archive with its times fixed, so that equal papers are equal bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(zipfile.ZipInfo(entry.filename, (1980, 1, 1, 0, 0, 0)), old.read(entry), zipfile.ZIP_DEFLATED)
    return out.getvalue()


__all__ = ["Column", "Paper", "packed"]
