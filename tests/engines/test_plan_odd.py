"""What is odd in a paper is read or doubted, and never lost without a word; and no file is larger than it looks."""

import io
import time
import zipfile

import docx
import openpyxl
import pytest
from docx.oxml import parse_xml

from anlan.engines import plan
from anlan.engines.refused import Refused
from anlan.engines.texts import UNCOUNTED, text_of

HEAD = "某局2026年工作要点\n一、提升能力\n"
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def read(body):
    found = plan.parse(HEAD + body)
    return [i.no for i in found.items], [d.why for d in found.doubts]


def test_an_item_may_begin_with_a_year():
    assert read("1.甲工作。\n2.乙工作。\n3.2026年6月底前建成场所5处。\n") == (["1", "2", "3"], [])


@pytest.mark.parametrize("second", ["2.100%完成整治。", "2)乙工作。建成5处。", "(2)乙工作。建成5处。", "2乙工作。建成5处。", "2-乙工作。建成5处。"])
def test_what_may_be_an_item_is_doubted_with_its_line(second):
    found = plan.parse(f"{HEAD}1.甲工作。做好甲。\n{second}\n")
    assert [(d.line, d.why) for d in found.doubts] == [(4, "可能是第2项,已并入第1项")]
    assert second[-8:] in found.items[0].text


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("1.甲工作。做好甲。\n(一)建成避难场所5处。\n2.乙工作。\n", "小节标题"), ("全年组织演练12次,6月底前完成。\n1.甲工作。\n", "不属于任何一项"),
        ("1.甲工作。做好甲。\n全年建成避难场所5处,年底验收。\n2.乙工作。\n", "已并入第1项"), ("1.甲工作 2.乙工作 3.丙工作\n", "可能含有第2项"),
    ],
)  # fmt: skip
def test_a_paragraph_without_a_number_is_told(body, said):
    assert any(said in why for why in read(body)[1])


@pytest.mark.parametrize("kind", ["torn", "label"])
def test_a_paper_of_many_short_lines_is_read_in_time(kind):
    head = "序号\t任务\t完成时限\n1\t甲\t6月\n" if kind == "torn" else "1.甲工作。\n责任单位:甲\n"
    began = time.perf_counter()
    plan.parse(f"某局2026年工作要点\n{head}" + "乙\n" * 100_000)
    assert time.perf_counter() - began < 10, "it was two minutes when each line was joined to all before it"


# ── Word ────────────────────────────────────────────────────────────────────────────────────────────────────


def word(tmp_path, build):
    paper = docx.Document()
    for text in ("某局2026年工作要点", "一、提升能力", "1.甲工作。做好甲。"):
        paper.add_paragraph(text)
    build(paper)
    paper.save(str(tmp_path / "a.docx"))
    return text_of(tmp_path / "a.docx")


def test_numbers_that_word_writes_itself_are_read(tmp_path):
    def build(paper):
        for text in ("乙工作。6月底前建成场所5处。", "丙工作。"):
            paper.add_paragraph(text, style="List Number")

    assert word(tmp_path, build).splitlines()[-2:] == ["1.乙工作。6月底前建成场所5处。", "2.丙工作。"]


def test_insertions_controls_fields_tags_and_inner_tables_are_read_and_deletions_are_not(tmp_path):
    def build(paper):
        second = paper.add_paragraph("2.乙工作。建成场所")
        second._p.append(parse_xml(f'<w:ins {W} w:id="1" w:author="x"><w:r><w:t>5处。</w:t></w:r></w:ins>'))
        second._p.append(parse_xml(f'<w:del {W} w:id="2" w:author="x"><w:r><w:delText>8处。</w:delText></w:r></w:del>'))
        body = paper.element.body
        body.insert(len(body) - 1, parse_xml(f"<w:sdt {W}><w:sdtContent><w:p><w:r><w:t>3.丙工作。</w:t></w:r></w:p></w:sdtContent></w:sdt>"))
        paper.add_table(1, 1).cell(0, 0).add_table(1, 1).cell(0, 0).text = "4.丁工作。"
        tagged = paper.add_paragraph()
        tagged._p.append(parse_xml(f"<w:smartTag {W}><w:r><w:t>5.戊工作。组织</w:t></w:r></w:smartTag>"))
        tagged._p.append(parse_xml(f'<w:fldSimple {W} w:instr="x"><w:r><w:t>演练6次。</w:t></w:r></w:fldSimple>'))

    said = word(tmp_path, build)
    assert said.splitlines()[3:] == ["2.乙工作。建成场所5处。", "3.丙工作。", "4.丁工作。", "5.戊工作。组织演练6次。"]


def swollen(source, name, more):
    """The zip with one of its parts made larger."""
    out = io.BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            new.writestr(part, more(old.read(part)) if part == name else old.read(part))
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "more", "said"),
    [
        ("word/document.xml", lambda b: b.replace(b"<w:sectPr", b"<w:p><w:r><w:t>a</w:t></w:r></w:p>" * 50_000 + b"<w:sectPr", 1), "段落"),
        ("word/styles.xml", lambda b: b + b" " * 70_000_000, "解开后超过"),
    ],
)  # fmt: skip
def test_a_word_file_that_is_larger_than_it_looks_is_refused_at_once(tmp_path, name, more, said):
    docx.Document().save(str(tmp_path / "a.docx"))
    (tmp_path / "b.docx").write_bytes(swollen(tmp_path / "a.docx", name, more))
    began = time.perf_counter()
    with pytest.raises(Refused, match=said):
        text_of(tmp_path / "b.docx")
    assert time.perf_counter() - began < 5


# ── Excel ───────────────────────────────────────────────────────────────────────────────────────────────────


def sheet(tmp_path, *rows, **cells):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for place, value in cells.items():
        book.active[place] = value
    return book, tmp_path / "a.xlsx"


def test_percentages_and_formulas_that_nobody_worked_out_are_read_as_seen(tmp_path):
    book, path = sheet(tmp_path, ["序号", "任务", "目标"], [1, "甲工作", 0.95], [2, "=1+1", "5处"])
    book.active["C2"].number_format = "0%"
    book.save(path)
    assert text_of(path).splitlines()[1:] == ["1\t甲工作\t95%", f"2\t{UNCOUNTED}\t5处"]


def test_one_stray_cell_at_the_far_end_is_read_and_nothing_is_waited_for(tmp_path):
    book, path = sheet(tmp_path, ["甲"], XFD1048576="乙")
    book.save(path)
    began = time.perf_counter()
    assert text_of(path).split() == ["甲", "乙"] and time.perf_counter() - began < 5


def test_a_sheet_merged_to_its_end_is_refused_in_words(tmp_path):
    book, path = sheet(tmp_path, ["甲"])
    book.save(path)
    more = b'</sheetData><mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells>'
    path.write_bytes(swollen(path, "xl/worksheets/sheet1.xml", lambda b: b.replace(b"</sheetData>", more)))
    with pytest.raises(Refused, match="合并了"):
        text_of(path)
