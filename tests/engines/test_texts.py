"""A paper's words: three kinds of file, and files that only look like one."""

import json
from datetime import date

import docx
import pytest
from openpyxl import Workbook
from pypdf import PdfWriter

from anlan.cli import main
from anlan.engines import plan
from anlan.engines.texts import text_of
from anlan.kernel.cases import Refused

WORDS = b"BT /F 12 Tf 20 100 Td (1. Drills: 12) Tj ET"
PDF = b"""%%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj
4 0 obj<</Length %d>>stream
%s
endstream endobj
5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj
trailer<</Root 1 0 R/Size 6>>
startxref
0
%%%%EOF
""" % (len(WORDS), WORDS)


def word(path):
    paper = docx.Document()
    paper.add_paragraph("某市2024年重点任务(虚构)")
    table = paper.add_table(rows=0, cols=4)
    for cells in (["序号", "重点任务", "责任单位", "完成时限"], ["1", "组织演练12次", "市应急局", "年底前"]):
        for cell, said in zip(table.add_row().cells, cells, strict=True):
            cell.text = said
    row = table.add_row().cells
    row[0].text, row[1].text = "2", "新建避难场所3处"
    row[2].merge(row[3]).text = "市住建局"
    paper.save(path)
    return path


def test_a_word_file_s_table_becomes_tabbed_lines_and_a_merged_cell_stands_once(tmp_path):
    lines = text_of(word(tmp_path / "a.docx")).splitlines()
    assert lines[1:] == ["序号\t重点任务\t责任单位\t完成时限", "1\t组织演练12次\t市应急局\t年底前", "2\t新建避难场所3处\t市住建局"]


def test_an_excel_list_with_merged_cells_loses_no_item_and_no_owner(tmp_path):
    book = Workbook()
    sheet = book.active
    for row in (
        ["某市2024年重点任务(虚构)"], ["一、防灾类"], ["序号", "重点任务", "责任单位", "完成时限"], [1, "组织演练12次", "市应急局", date(2024, 9, 30)],
        [2, "新建避难场所3处"], [None, "其中新区1处"], [3, "更新警示牌300块", "市住建局", "年底前"],
    ):  # fmt: skip
        sheet.append(row)
    for span in ("A1:D1", "A2:D2", "C4:C6", "D4:D5"):
        sheet.merge_cells(span)
    book.save(path := tmp_path / "清单.xlsx")
    assert text_of(path).splitlines()[3:] == [
        "1\t组织演练12次\t市应急局\t2024年9月30日", "2\t新建避难场所3处\t市应急局\t2024年9月30日", "\t其中新区1处", "3\t更新警示牌300块\t市住建局\t年底前",
    ]  # fmt: skip
    found = plan.parse(text_of(path))
    assert [(i.no, [o["name"] for o in i.orgs]) for i in found.items] == [("1", ["市应急局"]), ("2", ["市应急局"]), ("3", ["市住建局"])]
    assert [t["raw"] for i in found.items for t in i.targets] == ["12次", "3处", "1处", "300块"]


@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_text_is_read_in_the_usual_encodings(tmp_path, code):
    path = tmp_path / "a.TXT"
    path.write_bytes("1.开展演练。".encode(code))
    assert text_of(path) == "1.开展演练。"


def test_a_pdf_with_a_text_layer_is_read(tmp_path):
    path = tmp_path / "a.pdf"
    path.write_bytes(PDF)
    assert "Drills: 12" in text_of(path)


def scan(path):
    made = PdfWriter()
    made.add_blank_page(200, 200)
    made.write(path)


@pytest.mark.parametrize(
    "name, content, said",
    [
        ("a.pdf", scan, "扫描件请先识别"), ("a.pdf", b"%PDF-1.4 torn", "PDF"), ("a.pdf", b"PK\x03\x04", "PDF"), ("a.docx", b"PK\x03\x04 torn", "Word"),
        ("a.docx", b"", "Word"), ("a.txt", b"  \n", "没有文字"), ("a.txt", b"\xff\x00\xd8\xd8\xff", "编码"),
        ("a.xlsx", b"PK", "Excel"), ("a.exe", b"MZ", "只读"), ("b.txt", None, "没有文件"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_refused_in_words(tmp_path, name, content, said):
    path = tmp_path / name
    if callable(content):
        content(path)
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(Refused, match=said):
        text_of(path)


def test_the_command_prints_the_items_of_a_file(tmp_path, capsys):
    assert main(["plan", "parse", str(word(tmp_path / "任务.docx")), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    first, second = found["items"]
    assert (first["no"], first["targets"][0]["value"], first["time_nodes"][0]["norm"]) == ("1", 12, "2024-12-31")
    assert first["orgs"][0]["name"] == "市应急局" and second["targets"][0]["unit"] == "处" and found["doubts"]
    assert main(["plan", "parse", str(tmp_path / "none.txt")]) == 2
    assert "没有文件" in capsys.readouterr().err
