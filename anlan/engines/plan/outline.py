"""The bones of a plan: sections, subsections and numbered items, in whatever style it numbers them.

Styles: 一、(一)1.①; 第一章 第一条; rows of a table under 序号; lines 责任单位/完成时限 under an item. What jumps, repeats or
stands two on a line is read as far as it goes and told as a doubt with its line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .numerals import han
from .text import Line, join, tabled

NUMERAL = "一二三四五六七八九十百零〇"
SECTION = re.compile(rf"^(?:第[{NUMERAL}\d]+[章编篇]\s*|[{NUMERAL}]{{1,4}}、\s*)(?P<title>\S.*)$")
SUBSECTION = re.compile(rf"^(?:第[{NUMERAL}\d]+节\s*|\([{NUMERAL}]{{1,4}}\)\s*)(?P<title>\S.*)$")
ARTICLE = re.compile(rf"^第(?P<no>\d{{1,3}}|[{NUMERAL}]{{1,6}})条(?:\s+|(?=\S))")
ITEM = re.compile(r"^(?P<no>[\dOl]{1,3})\s*(?:[.、]|\s(?=[\u4e00-\u9fff]))\s*(?!\d)(?=\S)")
UNITS = "牵头单位|牵头部门|责任单位|责任部门|配合单位|配合部门|主办单位|承办单位|落实单位|完成时限|完成时间|时限要求"
LABEL = re.compile(rf"^(?P<label>{UNITS})\s*:\s*(?P<said>.*)$")
SIGNED = re.compile(r"20\d\d年\d{1,2}月\d{1,2}日")
BESIDE = re.compile(r"(?<=[。;])\s*(?P<no>\d{1,3})\s*[.、](?!\d)(?=[\u4e00-\u9fff“])")
HEADS = {
    "序号": "no", "任务": "task", "内容": "task", "措施": "task", "事项": "task", "责任": "duty", "牵头": "lead", "配合": "duty",
    "时限": "time", "时间": "time", "目标": "target",
}  # fmt: skip
BEFORE_A_YEAR = re.compile(r"^(?P<no>\d{1,3})[.、](?=20\d\d年)")
NEARLY = re.compile(r"^(?:(?P<no>\d{1,3})(?:[.)、-]|(?=[\u4e00-\u9fff]))|\((?P<held>\d{1,3})\))(?=\S)")
"""What may have been meant as the number of an item."""
COLUMNS = {"lead": "牵头单位", "duty": "责任单位", "time": "完成时限", "target": "目标"}
LONG_ALONE = 10
"""A line of so many signs may be a matter of its own."""
LONG_HEAD = 60
"""A heading is no longer than that; what is longer and begins with 一、 is a paragraph."""


@dataclass(frozen=True)
class Doubt:
    """Something a person should look at."""

    line: int
    why: str
    text: str = ""


@dataclass
class Part:
    """One item as it stands: its number, where it belongs, its body and the lines that name units and terms."""

    no: str
    section: str
    subsection: str
    body: list[Line]
    line: int
    marks: list[tuple[str, list[Line]]] = field(default_factory=list)
    """Labels, and the lines that say what each holds."""

    @property
    def whole(self) -> Line:
        return join(self.body)

    @property
    def labels(self) -> list[tuple[str, Line]]:
        return [(name, join(lines)) for name, lines in self.marks]


@dataclass
class Outline:
    title: str
    parts: list[Part]
    doubts: list[Doubt]


class Reader:
    """Goes down the lines once."""

    def __init__(self, lines: list[Line]) -> None:
        self.lines = lines
        self.parts: list[Part] = []
        self.doubts: list[Doubt] = []
        self.section = self.subsection = ""
        self.heads: list[str] = []
        self.row: list[list[Line]] = []
        self.open_heading, self._parts_then = "", 0
        self.articles = sum(bool(ARTICLE.match(x.text)) for x in lines) > sum(bool(ITEM.match(x.text)) for x in lines)
        self.width = _width(lines)

    def read(self) -> Outline:
        for at, line in enumerate(self.lines):
            self._take(line, self.lines[at - 1].text if at else "")
        self._count()
        return Outline(_title(self.lines), self.parts, self.doubts)

    def _take(self, line: Line, before: str) -> None:
        text = line.text
        if heads := _heads(text):
            self.heads, self.row, self.open_heading = heads, [], ""
        elif self.heads and (tabled(text) or self._torn(text)):
            self._row(line)
        elif self._heading(line):
            return
        elif label := LABEL.match(text):
            self._label(line, label)
        elif begun := self._begins(text):
            self._item(line, *begun)
        elif self.open_heading and len(before) >= self.width and len(self.parts) == self._parts_then:
            self._more_heading(text)
        elif self.parts and self.parts[-1].section == self.section and self.parts[-1].subsection == self.subsection:
            self._more(line)
        else:
            self._lone(line)

    def _lone(self, line: Line) -> None:
        """A line that belongs to no item."""
        self.open_heading = ""
        if (self.section or self.parts) and len(line.text) >= LONG_ALONE and not SIGNED.fullmatch(line.text):
            self.doubts.append(Doubt(line.number, "没有编号的一段,不属于任何一项", line.text[:40]))

    def _heading(self, line: Line) -> bool:
        text = line.text
        for name, shape in (("section", SECTION), ("subsection", SUBSECTION)):
            found = shape.match(text)
            if found and len(text) <= LONG_HEAD and not text.endswith((";", ",")):
                title = found["title"].rstrip("。")
                if name == "subsection" and text.endswith("。") and self.parts and re.search(r"\d", title):
                    self.doubts.append(Doubt(line.number, f"“{text[:20]}”读作小节标题;如是第{self.parts[-1].no}项的内容,请更正原文", text[:40]))
                if name == "section":
                    self.section, self.subsection = title, ""
                else:
                    self.subsection = title
                self.open_heading, self._parts_then = name, len(self.parts)
                return True
        return False

    def _more_heading(self, text: str) -> None:
        setattr(self, self.open_heading, getattr(self, self.open_heading) + text.rstrip("。"))
        self.open_heading = ""

    def _begins(self, text: str) -> tuple[str, int] | None:
        """The number of the item that a line begins, and where its body starts."""
        if self.articles and (article := ARTICLE.match(text)):
            said = article["no"]
            return (said if said.isdigit() else str(han(said))), article.end()
        if not self.articles and (item := ITEM.match(text)):
            return str(int(item["no"].translate(str.maketrans("Ol", "01")))), item.end()
        if not self.articles and (item := BEFORE_A_YEAR.match(text)) and int(item["no"]) == self._next:
            return item["no"], item.end()
        return None

    @property
    def _next(self) -> int:
        """The number that an item would bear now."""
        return int(self.parts[-1].no) + 1 if self.parts else 1

    def _item(self, line: Line, no: str, start: int) -> None:
        """An item, and those that stand behind it on the same line."""
        rest, self.open_heading = line.cut(start, len(line.text)), ""
        while found := self._beside(rest.text, int(no)):
            self._add(no, rest.cut(0, found.start()))
            self.doubts.append(Doubt(line.number, f"第{no}项与第{found['no']}项写在同一行", line.text[:40]))
            no, rest = found["no"], rest.cut(found.end(), len(rest.text))
        self._add(no, rest)
        if not self.articles and re.search(rf"(?<=[\u4e00-\u9fff]){int(no) + 1}[.、](?=[\u4e00-\u9fff])", rest.text):
            self.doubts.append(Doubt(line.number, f"可能含有第{int(no) + 1}项,已并入第{no}项", line.text[:40]))

    def _beside(self, text: str, no: int) -> re.Match[str] | None:
        if self.articles:
            return None
        return next((m for m in BESIDE.finditer(text) if no < int(m["no"]) <= no + 3), None)

    def _add(self, no: str, body: Line) -> None:
        self.parts.append(Part(no, self.section, self.subsection, [body], body.number if body.at else 0))

    def _more(self, line: Line) -> None:
        """A line that goes on with the item before it; a further item may begin within it. A date alone signs the paper."""
        if SIGNED.fullmatch(line.text):
            return
        part = self.parts[-1]
        if found := self._beside(line.text, int(part.no)):
            part.body.append(line.cut(0, found.start()))
            self.doubts.append(Doubt(line.number, f"第{part.no}项与第{found['no']}项写在同一行", line.text[:40]))
            self._item(line.cut(found.start("no"), len(line.text)), found["no"], found.end() - found.start("no"))
            return
        self._wonder(line, part)
        if part.marks and not line.text.startswith(("(", "①")) and not part.marks[-1][1][-1].text.endswith(("。", ";")):
            part.marks[-1][1].append(line)
        else:
            part.body.append(line)

    def _wonder(self, line: Line, part: Part) -> None:
        """A line that goes on with an item, and may be one of its own."""
        nearly = NEARLY.match(line.text)
        ended = (part.marks[-1][1] if part.marks else part.body)[-1].text.endswith(("。", ";"))
        if nearly and ended and int(nearly["no"] or nearly["held"]) == self._next:
            self.doubts.append(Doubt(line.number, f"可能是第{self._next}项,已并入第{part.no}项", line.text[:40]))
        elif ended and len(line.text) >= LONG_ALONE and not line.text.startswith(("(", "①", "②", "③", "④", "⑤")) and not self.articles:
            self.doubts.append(Doubt(line.number, f"没有编号的一段,已并入第{part.no}项", line.text[:40]))

    def _label(self, line: Line, label: re.Match[str]) -> None:
        if not self.parts:
            self.doubts.append(Doubt(line.number, "责任单位或时限前没有事项", line.text[:40]))
            return
        self.parts[-1].marks.append((label["label"], [line.cut(label.start("said"), len(line.text))]))

    def _torn(self, text: str) -> bool:
        """A line below a row that begins nothing: the row was torn."""
        return bool(self.parts) and not SECTION.match(text) and not SUBSECTION.match(text) and not LABEL.match(text)

    def _row(self, line: Line) -> None:
        cells = _cells(line)
        if cells and re.fullmatch(r"\d{1,3}[.、]?", cells[0].text) and len(cells) > 1:
            self._whole_row(line, cells)
        elif self.parts:
            self._tear(line, cells)

    def _whole_row(self, line: Line, cells: list[Line]) -> None:
        self._add(cells[0].text.rstrip(".、"), line)
        self.row = [[cell] for cell in cells]
        if len(cells) != len(self.heads):
            self.doubts.append(Doubt(line.number, f"表格行有{len(cells)}格,表头有{len(self.heads)}格", line.text[:40]))
        self._fill()

    def _fill(self) -> None:
        """The item of the row as far as it has been read."""
        part, named = self.parts[-1], list(zip(self.heads, self.row, strict=False))
        part.body = next((cell for head, cell in named if head == "task"), self.row[1])
        part.marks = [(COLUMNS[head], cell) for head, cell in named if head in COLUMNS]

    def _tear(self, line: Line, cells: list[Line]) -> None:
        """A row that goes on below: its last cell was not finished, or each cell goes on in its own column."""
        if not self.row:
            self.parts[-1].body.append(line)
            return
        self.doubts.append(Doubt(line.number, f"第{self.parts[-1].no}行被拆开,已接到前一行", line.text[:40]))
        start = len(self.row) - 1 if len(self.row) < len(self.heads) else 1
        if not cells[0].text and len(self.row) == len(self.heads):
            start = 0  # the row says itself under which heads its cells stand
        for at, cell in enumerate(cells, start):
            if at < len(self.row):
                self.row[at].append(cell)
            else:
                self.row.append([cell])
        self._fill()

    def _count(self) -> None:
        """Numbers that repeat or jump."""
        seen: dict[str, int] = {}
        last = 0
        for part in self.parts:
            if part.no == "1":
                seen.clear()  # the numbers begin anew under another heading
            if part.no in seen:
                self.doubts.append(Doubt(part.line, f"编号{part.no}重复(第{seen[part.no]}行已有)"))
            elif last and int(part.no) not in (last + 1, 1):
                self.doubts.append(Doubt(part.line, f"编号由{last}跳到{part.no}"))
            seen.setdefault(part.no, part.line)
            last = int(part.no)


def _width(lines: list[Line]) -> int:
    """From which length on a line may have been broken by the paper's margin; a length no line has when none was."""
    lengths = sorted(len(x.text) for x in lines)
    most = lengths[-1] if lengths else 0
    near = sum(n >= most - 3 for n in lengths)
    return most - 3 if most <= 60 and near >= max(3, len(lengths) // 8) else 10**6


def _title(lines: list[Line]) -> str:
    """The first line that looks like a title of a paper, else the first line."""
    shape = re.compile(r"^[^。;]{4,60}(?:要点|计划|方案|意见|措施|办法|规定|清单|通知|安排|任务|细则)(?:\([^)]*\))?$")
    return next((x.text for x in lines[:12] if shape.match(x.text)), lines[0].text if lines else "")


def _heads(text: str) -> list[str]:
    """What the columns of a table's head stand for; empty when a line is none."""
    cells = [c.strip() for c in re.split(r"\t+| {2,}|\s(?=\S)", text.strip()) if c.strip()]
    if len(cells) < 2 or "序号" not in cells[0]:
        return []
    return [next((kind for word, kind in HEADS.items() if word in cell), "") for cell in cells]


def _cells(line: Line) -> list[Line]:
    found, start = [], 0
    for gap in [*re.finditer(r"\s*\t\s*| {2,}", line.text), None]:
        end = gap.start() if gap else len(line.text)
        found.append(line.cut(start, end))
        start = gap.end() if gap else end
    return found
