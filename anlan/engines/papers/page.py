"""The GB/T 9704-2012 sheet: geometry, fonts, page numbers, marks, and the pieces of WordprocessingML they need."""

from __future__ import annotations

from typing import Any

from docx.document import Document as Sheet
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.text.paragraph import Paragraph

from . import words

FANG, SONG, HEI, KAI, TITLE = "仿宋_GB2312", "宋体", "黑体", "楷体_GB2312", "方正小标宋简体"
LATIN = "Times New Roman"
# What a reader's machine should take when the wanted face is missing; carried in the file as w:altName.
FALLBACK = {FANG: "仿宋", KAI: "楷体", TITLE: "宋体", SONG: "SimSun", HEI: "SimHei"}

BODY_PT, TITLE_PT, FOOT_PT, TABLE_PT, NOTE_PT = 16, 22, 14, 10.5, 10.5
LINE_PT = 28.95
# 28 characters of 16 pt ask for 448 pt where 156 mm give 442.2: a quarter point less each, in twentieths of a point.
TIGHT = -5
_AFTER_SPACING = [f"w:{name}" for name in "w kern position sz szCs highlight u effect bdr shd vertAlign lang".split()]
RED, GREY = RGBColor(0xFF, 0, 0), RGBColor(0x59, 0x59, 0x59)
ALIGN = {
    "justify": WD_ALIGN_PARAGRAPH.JUSTIFY,
    "left": WD_ALIGN_PARAGRAPH.LEFT,
    "centre": WD_ALIGN_PARAGRAPH.CENTER,
    "right": WD_ALIGN_PARAGRAPH.RIGHT,
}
# CT_PPr's sequence (ISO/IEC 29500-1, 17.3.1.26); Word refuses files that break it.
_ORDER = [
    f"w:{name}"
    for name in (
        "pStyle keepNext keepLines pageBreakBefore framePr widowControl numPr suppressLineNumbers pBdr shd tabs "
        "suppressAutoHyphens kinsoku wordWrap overflowPunct topLinePunct autoSpaceDE autoSpaceDN bidi adjustRightInd "
        "snapToGrid spacing ind contextualSpacing mirrorIndents suppressOverlap jc textDirection textAlignment "
        "textboxTightWrap outlineLvl divId cnfStyle rPr sectPr pPrChange"
    ).split()
]


def element(tag: str, **given: object) -> Any:
    """One w: element with w: attributes."""
    made = OxmlElement(f"w:{tag}")
    for name, value in given.items():
        made.set(qn(f"w:{name}"), str(value))
    return made


def prepare(sheet: Sheet) -> None:
    """A4, margins, the grid of 22 lines, the body's face; Word's own defaults taken away."""
    section = sheet.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin = Mm(37), Mm(35)
    section.left_margin, section.right_margin = Mm(28), Mm(26)
    section.header_distance, section.footer_distance = Mm(20), Mm(25)
    for old in section._sectPr.findall(qn("w:docGrid")):
        section._sectPr.remove(old)
    section._sectPr.append(element("docGrid", type="lines", linePitch=579))
    sheet.settings.odd_and_even_pages_header_footer = True
    _faces(sheet)
    _alternatives(sheet)


def _faces(sheet: Sheet) -> None:
    for fonts in sheet.styles.element.iter(qn("w:rFonts")):
        for name in [key for key in fonts.attrib if key.endswith("Theme")]:
            del fonts.attrib[name]
    normal = sheet.styles["Normal"]
    normal.font.size, normal.font.name = Pt(BODY_PT), LATIN
    properties = normal.element.get_or_add_rPr()
    properties.rFonts.set(qn("w:eastAsia"), FANG)
    for language in sheet.styles.element.iter(qn("w:lang")):
        language.set(qn("w:eastAsia"), "zh-CN")
    block = normal.element.get_or_add_pPr()
    for tag in ("widowControl", "autoSpaceDE", "autoSpaceDN"):
        place(block, element(tag, val=0))


def _alternatives(sheet: Sheet) -> None:
    fonts = "".join(
        f'<w:font w:name="{name}"><w:altName w:val="{other}"/></w:font>' for name, other in FALLBACK.items()
    )
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    part = sheet.part.part_related_by(RELATIONSHIP_TYPE.FONT_TABLE)
    text = f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<w:fonts xmlns:w="{space}">{fonts}</w:fonts>'
    part._blob = text.encode()


def place(block: Any, child: Any) -> None:
    """Put a child into w:pPr where the schema wants it."""
    name = "w:" + child.tag.rpartition("}")[2]
    block.remove_all(name)
    block.insert_element_before(child, *_ORDER[_ORDER.index(name) + 1 :])


def run(
    paragraph: Paragraph, text: str, font: str = FANG, size: float = BODY_PT, colour: RGBColor | None = None
) -> Any:
    """One run in one face; Chinese quotation marks keep their full width."""
    made: Any = paragraph.add_run(words.typeset(text))
    made.font.size, made.font.name = Pt(size), LATIN
    fonts = made._element.rPr.rFonts
    fonts.set(qn("w:eastAsia"), font)
    fonts.set(qn("w:hint"), "eastAsia")
    if size == BODY_PT:
        made._element.rPr.insert_element_before(element("spacing", val=TIGHT), *_AFTER_SPACING)
    if colour is not None:
        made.font.color.rgb = colour
    return made


def line(
    box: Any,
    text: str = "",
    font: str = FANG,
    size: float = BODY_PT,
    *,
    align: str = "left",
    indent: float = 0,
    left: float = 0,
    right: float = 0,
    colour: RGBColor | None = None,
    pitch: float = LINE_PT,
    before: float = 0,
    together: bool = False,
) -> Paragraph:
    """One paragraph; indents in characters of the body size, pitch and space before in points."""
    made: Paragraph = box.add_paragraph()
    shape(made, align=align, pitch=pitch, before=before, together=together)
    indents(made, indent, left, right, size)
    if text:
        run(made, text, font, size, colour)
    return made


def shape(made: Paragraph, *, align: str, pitch: float, before: float = 0, together: bool = False) -> None:
    form = made.paragraph_format
    form.space_before, form.space_after = Pt(before), Pt(0)
    form.line_spacing_rule, form.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(pitch)
    made.alignment = ALIGN[align]
    if together:
        form.keep_with_next = True


def indents(made: Paragraph, indent: float, left: float, right: float, size: float = BODY_PT) -> None:
    """Indents both in points, which every program reads, and in characters, which Word prefers."""
    if not (indent or left or right):
        return
    form: Any = made.paragraph_format
    form.first_line_indent, form.left_indent, form.right_indent = Pt(indent * size), Pt(left * size), Pt(right * size)
    given: Any = made._p.get_or_add_pPr().ind
    name = "firstLineChars" if indent >= 0 else "hangingChars"
    for key, value in ((name, abs(indent)), ("leftChars", left), ("rightChars", right)):
        if value:
            given.set(qn(f"w:{key}"), str(round(value * 100)))


def rule(
    paragraph: Paragraph, side: str = "bottom", *, colour: str = "FF0000", eighths: int = 18, space: int = 11
) -> None:
    """A rule under or over a paragraph; thickness in eighths of a point, distance in points."""
    box = element("pBdr")
    box.append(element(side, val="single", sz=eighths, space=space, color=colour))
    place(paragraph._p.get_or_add_pPr(), box)


def outline(paragraph: Paragraph, level: int) -> None:
    """Let Word's navigation pane find a head."""
    place(paragraph._p.get_or_add_pPr(), element("outlineLvl", val=level - 1))


def footers(sheet: Sheet, *, cover: bool = False) -> None:
    """— 1 — in size 4 Song, one character in from the outer edge: odd pages right, even pages left."""
    section = sheet.sections[0]
    for foot, align in ((section.footer, "right"), (section.even_page_footer, "left")):
        made = _only(foot)
        shape(made, align=align, pitch=18)
        indents(made, 0, 1 if align == "left" else 0, 1 if align == "right" else 0, FOOT_PT)
        run(made, "— ", SONG, FOOT_PT)
        field(made, "PAGE")
        run(made, " —", SONG, FOOT_PT)
    if cover:
        section.different_first_page_header_footer = True
        section.first_page_footer.is_linked_to_previous = False
        numbering = element("pgNumType", start=0)
        section._sectPr.insert_element_before(numbering, "w:cols", "w:titlePg", "w:docGrid")


def field(paragraph: Paragraph, code: str) -> None:
    """A field that the reading program fills in."""
    for piece in ("begin", code, "separate", "1", "end"):
        made = run(paragraph, "", SONG, FOOT_PT)
        if piece == code:
            text = element("instrText")
            text.text = f" {code} "
            made._r.append(text)
        elif piece == "1":
            made.text = "1"
        else:
            made._r.append(element("fldChar", fldCharType=piece))


def headers(sheet: Sheet, mark: str, title: str = "", *, cover: bool = False) -> None:
    """The red mark of a drill or a replay, and a report's running title, on every page."""
    section = sheet.sections[0]
    heads = [section.header, section.even_page_header]
    for head in heads:
        _header(_only(head), mark, title)
    if cover:
        section.different_first_page_header_footer = True
        _header(_only(section.first_page_header), mark, "")


def _header(made: Paragraph, mark: str, title: str) -> None:
    shape(made, align="centre", pitch=20)
    if mark:
        run(made, mark, HEI, FOOT_PT, RED)
    if mark and title:
        run(made, " ", HEI, FOOT_PT)
    if title:
        run(made, title, SONG, 9, GREY)


def _only(part: Any) -> Paragraph:
    part.is_linked_to_previous = False
    made: Paragraph = part.paragraphs[0]
    return made
