"""A text as printed, made fit for rules; each sign remembers where it stood.

Full-width signs become half-width, no-break and ideographic spaces plain ones, page numbers go. Every position of the
cleaned text leads back to the printed one.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

KEPT = {"“", "”", "‘", "’", "《", "》", "〈", "〉", "。", "、", "—", "…", "·", "①", "②"}
ALIKE = {"〔": "(", "〕": ")", "【": "(", "】": ")", "﹪": "%", "﹣": "-", "–": "—", "−": "-", "～": "~", "．": ".", "•": "·", "‧": "·"}
CIRCLED = {chr(n) for n in range(0x2460, 0x2474)} | {chr(n) for n in range(0x2160, 0x216C)}
"""①…⑳ and Ⅰ…Ⅻ keep their form: they are names here, not numbers."""
TITLED = re.compile(r"《[^ 》]{1,80} [^ 》]{1,80}》")
"""A title of two parts keeps the one space between them."""
PAGE = re.compile(r"^\s*(?:[-—]\s*\d{1,4}\s*[-—]|第\s*\d{1,4}\s*页(?:\s*[,/]?\s*共\s*\d{1,4}\s*页)?|\d{1,4}\s*/\s*\d{1,4})\s*$")
HAN = r"\u4e00-\u9fff"
LOOSE = re.compile(rf"(?<=[{HAN},;:。、]) +(?=[{HAN}《“\d])|(?<=\d) +(?=[{HAN}%])")
@dataclass(frozen=True)
class Line:
    """One line, or several joined: ``text`` is cleaned, ``at[i]`` is where its sign i stands in the source."""

    text: str
    at: tuple[int, ...]
    number: int
    """The number, from 1, of the source line it begins in."""

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The source's [start, end) for a stretch of the cleaned text; (0, 0) for nothing."""
        return (self.at[start], self.at[end - 1] + 1) if end > start else (0, 0)

    def cut(self, start: int, end: int) -> Line:
        return Line(self.text[start:end], self.at[start:end], self.number)


def plain(sign: str) -> str:
    """One sign as rules know it; never more than one sign."""
    if sign in KEPT or sign in CIRCLED:
        return sign
    if sign in ALIKE:
        return ALIKE[sign]
    if sign in "\u00a0\u3000\u2002\u2003\u2009\ufeff\u200b":
        return " "
    made = unicodedata.normalize("NFKC", sign)
    return made if len(made) == 1 else sign


def clean(source: str) -> list[Line]:
    """The lines of a text without page numbers and empty lines."""
    found, offset = [], 0
    for number, raw in enumerate(source.splitlines(keepends=True), 1):
        body = raw.rstrip("\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
        line = _tight(Line("".join(map(plain, body)), tuple(range(offset, offset + len(body))), number))
        if line.text and not PAGE.match(line.text):
            found.append(line)
        offset += len(raw)
    return found


def join(lines: list[Line]) -> Line:
    """Several lines as one: a paper breaks a sentence anywhere."""
    return Line("".join(x.text for x in lines), tuple(i for x in lines for i in x.at), lines[0].number)


def tabled(text: str) -> bool:
    """Does a line look like a row of a table: tabs, or several wide gaps?"""
    return "\t" in text or len(re.findall(r"\S {2,}(?=\S)", text)) >= 2


def _tight(line: Line) -> Line:
    """Without the spaces that a scanner leaves between Chinese signs, and without those at the ends."""
    titles = [m.span() for m in TITLED.finditer(line.text)]
    loose = [] if tabled(line.text) else [m.span() for m in LOOSE.finditer(line.text) if not any(a < m.start() < b for a, b in titles)]
    drop = {i for span in loose for i in range(*span)}
    kept = [i for i in range(len(line.text)) if i not in drop]
    text = "".join(line.text[i] for i in kept)
    left, right = len(text) - len(text.lstrip(" ")), len(text.rstrip())
    return Line(text[left:right], tuple(line.at[i] for i in kept)[left:right], line.number)
