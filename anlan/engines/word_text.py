"""The words of a Word file as one sees them: also what is numbered by Word itself, inserted under tracking, or held in
content controls, fields and tables within tables. Deleted words are not read.

ISO/IEC 29500-1: 17.9 numbering, 17.13.5 tracked changes, 17.5.2 content controls, 17.16 fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from docx.document import Document
from docx.oxml.ns import qn

DIGITS = "零一二三四五六七八九"
CHINESE = {"chineseCounting", "chineseCountingThousand", "chineseLegalSimplified", "ideographDigital", "japaneseCounting", "taiwaneseCounting"}
BREAKS = {qn("w:br"): " ", qn("w:tab"): "\t", qn("w:cr"): " ", qn("w:noBreakHyphen"): "-"}
TEXT, RUBY, DELETED, FALLBACK = qn("w:t"), qn("w:rt"), qn("w:del"), "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"


def lines(paper: Document) -> Iterator[str]:
    """Paragraphs and, as tabbed cells, rows of tables, in their order."""
    numbers = Numbers(paper)
    yield from _blocks(paper.element.body, numbers)


def _blocks(parent: Any, numbers: Numbers) -> Iterator[str]:
    for block in parent:
        if block.tag == qn("w:p"):
            yield numbers.before(block) + _words(block)
        elif block.tag == qn("w:tbl"):
            for row in block.iter(qn("w:tr")):
                if _table_of(row) is block:
                    yield "\t".join(" ".join(_words(cell, " ").split()) for cell in row.iterchildren(qn("w:tc"), qn("w:sdt")))
        elif block.tag in (qn("w:sdt"), qn("w:sdtContent"), qn("w:ins"), qn("w:moveTo"), qn("w:customXml"), qn("w:smartTag")):
            yield from _blocks(block, numbers)


def _table_of(row: Any) -> Any:
    return next(node for node in row.iterancestors() if node.tag == qn("w:tbl"))


def _words(parent: Any, between: str = "") -> str:
    """All text below, but for what was deleted, pronunciation, and the second copy of a drawing; ``between`` paragraphs."""
    found = []
    stack = [iter(parent)]
    while stack:
        node = next(stack[-1], None)
        if node is None:
            stack.pop()
        elif node.tag == TEXT:
            found.append(node.text or "")
        elif node.tag in BREAKS:
            found.append(BREAKS[node.tag])
        elif node.tag not in (DELETED, RUBY, FALLBACK, qn("w:pPr"), qn("w:rPr"), qn("w:moveFrom")):
            if node.tag == qn("w:p") and found:
                found.append(between)
            stack.append(iter(node))
    return "".join(found)


class Numbers:
    """What Word writes before a paragraph that belongs to one of its lists."""

    def __init__(self, paper: Document) -> None:
        self.levels: dict[str, dict[int, tuple[str, str, int]]] = {}
        self.styles: dict[str, tuple[str, int]] = {}
        self.counts: dict[tuple[str, int], int] = {}
        part = next((rel.target_part for rel in paper.part.rels.values() if rel.reltype.endswith("/numbering")), None)
        if part is not None:
            self._read(part.element)
        for style in paper.styles.element.iter(qn("w:style")):
            found = style.find(f"{qn('w:pPr')}/{qn('w:numPr')}")
            if found is not None and _child(found, "w:numId"):
                self.styles[style.get(qn("w:styleId"))] = (_child(found, "w:numId"), int(_child(found, "w:ilvl") or 0))

    def _read(self, numbering: Any) -> None:
        kinds = {node.get(qn("w:abstractNumId")): node for node in numbering.iter(qn("w:abstractNum"))}
        for num in numbering.iter(qn("w:num")):
            kind = kinds.get(_child(num, "w:abstractNumId"))
            if kind is not None:
                self.levels[num.get(qn("w:numId"))] = {
                    int(level.get(qn("w:ilvl"))): (_child(level, "w:numFmt"), _child(level, "w:lvlText"), int(_child(level, "w:start") or 1))
                    for level in kind.iter(qn("w:lvl"))
                }  # fmt: skip

    def before(self, paragraph: Any) -> str:
        """The number of a paragraph, as it is printed; "" for one that has none or only a bullet."""
        place = self._place(paragraph)
        if place is None or place[0] not in self.levels or place[1] not in self.levels[place[0]]:
            return ""
        num, level = place
        form, text, start = self.levels[num][level]
        if form in ("bullet", "none"):
            return ""
        self.counts[num, level] = self.counts.get((num, level), start - 1) + 1
        for deeper in range(level + 1, 9):
            self.counts.pop((num, deeper), None)
        for n in range(level + 1):
            own, _, first = self.levels[num].get(n, (form, "", 1))
            text = text.replace(f"%{n + 1}", written(self.counts.get((num, n), first), own))
        return text

    def _place(self, paragraph: Any) -> tuple[str, int] | None:
        found = paragraph.find(f"{qn('w:pPr')}/{qn('w:numPr')}")
        if found is not None and _child(found, "w:numId"):
            return _child(found, "w:numId"), int(_child(found, "w:ilvl") or 0)
        style = paragraph.find(f"{qn('w:pPr')}/{qn('w:pStyle')}")
        return self.styles.get(style.get(qn("w:val"))) if style is not None else None


def _child(node: Any, name: str) -> str:
    found = node.find(qn(name))
    return found.get(qn("w:val")) or "" if found is not None else ""


def written(n: int, form: str) -> str:
    """A number in one of Word's formats; those that Chinese papers do not use are given in figures."""
    if form in CHINESE:
        return chinese(n)
    if form in ("lowerLetter", "upperLetter") and 0 < n <= 26:
        letter = chr(96 + n)
        return letter.upper() if form == "upperLetter" else letter
    if form == "decimalEnclosedCircleChinese" or (form == "decimalEnclosedCircle" and 0 < n <= 20):
        return chr(0x2460 + n - 1) if 0 < n <= 20 else str(n)
    return f"{n:02d}" if form == "decimalZero" else str(n)


def chinese(n: int) -> str:
    """1 to 99 in Chinese numerals; figures beyond."""
    if not 0 < n < 100:
        return str(n)
    tens, ones = divmod(n, 10)
    head = "" if tens == 0 else "十" if tens == 1 else f"{DIGITS[tens]}十"
    return head + (DIGITS[ones] if ones else "")
