"""Workbooks go out for people and come back from people."""

import io
import zipfile
from datetime import UTC, date, datetime

import openpyxl
import pytest

from anlan.engines.papers import words
from anlan.engines.sheets import uploads, workbooks
from anlan.engines.sheets.cells import Column
from anlan.kernel.cases import Refused

AT = datetime(2023, 6, 1, 1, 0, tzinfo=UTC)
COLUMNS = (
    Column("姓名", "name", required=True),
    Column("手机号", "phone", hint="11 位手机号"),
    Column("受灾人口", "people", "number", low=0, high=10_000, whole=True),
    Column("日期", "day", "date"),
    Column("发现时间", "seen", "datetime", aliases=("时间",)),
    Column("类别", "kind", "choice", choices=("崩塌", "滑坡(含不稳定斜坡)")),
)
TITLES = [column.title for column in COLUMNS]
SEEN = datetime(2023, 5, 31, 17, 5, tzinfo=UTC)
ROW = {"name": "张某", "phone": "13812341234", "people": 12, "day": date(2023, 6, 1), "seen": SEEN, "kind": "崩塌"}


def out(rows, **more):
    made = io.BytesIO()
    workbooks.write(made, "灾情", COLUMNS, rows, at=AT, **more)
    return made.getvalue()


def sheet(*rows, merge=None, prepare=None):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if merge:
        book.active.merge_cells(merge)
    if prepare:
        prepare(book)
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def read(data, columns=COLUMNS, **more):
    return uploads.read(io.BytesIO(data), columns, name="灾情.xlsx", **more)


def one(title, value):
    """What one cell under one title is read as, or its fault."""
    wanted = ["张某" if name == "姓名" else value if name == title else None for name in TITLES]
    upload = read(sheet(TITLES, wanted))
    if upload.faults:
        return str(upload.faults[0])
    return upload.rows[0].values[next(c.key for c in COLUMNS if c.title == title)]


def test_what_goes_out_comes_back_the_same():
    upload = read(out([ROW, {"name": "李某"}], totals=["受灾人口"], mark="【演练】"))
    assert upload.faults == []
    assert upload.rows[0].values == ROW
    assert upload.rows[0].number == 3
    assert upload.rows[1].values == {"name": "李某", **dict.fromkeys(("phone", "people", "day", "seen", "kind"))}
    assert upload.totals == [5]


def test_equal_input_gives_equal_bytes():
    assert out([ROW], mark="【演练】") == out([ROW], mark="【演练】")


def test_a_drill_is_marked_in_red_and_totals_stand_last():
    page = openpyxl.load_workbook(io.BytesIO(out([ROW, ROW], totals=["受灾人口"], mark="【演练】"))).active
    assert (page["A1"].value, page["A1"].font.color.rgb) == ("【演练】", "FFFF0000")
    assert [cell.value for cell in page[5]][:3] == ["合计", None, 24]
    assert page.freeze_panes == "A3"
    assert "【演练】" in page.oddHeader.center.text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", '=HYPERLINK("http://x","y")'])
def test_no_text_ever_becomes_a_formula(text):
    page = openpyxl.load_workbook(io.BytesIO(out([{**ROW, "name": text, "people": text}]))).active
    assert [(page.cell(2, at).data_type, page.cell(2, at).quotePrefix) for at in (1, 3)] == [("s", True)] * 2
    assert page["A2"].value == text


def test_ten_thousand_rows_are_counted_and_kept():
    made = io.BytesIO()
    rows = ({"name": f"户主{at}", "people": at % 7} for at in range(10_000))
    assert workbooks.write(made, "灾情", COLUMNS, rows, at=AT) == 10_000
    assert len(read(made.getvalue()).rows) == 10_000


def test_a_template_checks_and_explains_and_is_read_back():
    made = io.BytesIO()
    workbooks.template(made, "灾情", COLUMNS, at=AT, guide=["每户一行。"])
    book = openpyxl.load_workbook(made)
    assert book.sheetnames == ["灾情", "填写说明", "选项"]
    assert book["选项"].sheet_state == "hidden"
    rules = {str(rule.sqref): rule for rule in book["灾情"].data_validations.dataValidation}
    assert rules["F2:F5001"].formula1 == "选项!$A$1:$A$2"
    assert (rules["C2:C5001"].type, rules["C2:C5001"].formula2) == ("whole", "10000")
    assert [cell.value for cell in book["填写说明"]["A"]][-1] == "每户一行。"
    assert book["灾情"]["A1"].value == "姓名*"
    book["灾情"].append(["张某", "13812341234"])
    filled = io.BytesIO()
    book.save(filled)
    assert read(filled.getvalue()).rows[0].values["phone"] == "13812341234"


def test_an_empty_template_is_told():
    made = io.BytesIO()
    workbooks.template(made, "灾情", COLUMNS, at=AT)
    with pytest.raises(Refused, match="只有标题,没有数据行"):
        read(made.getvalue())


def test_titles_are_found_under_banners_and_merged_heads():
    data = sheet(
        ["2023年灾情统计表"],
        ["姓 名*", "手机号(必填)", "受灾情况", None, "备注"],
        [None, None, "受灾人口", "时 间", None],
        ["张某", 13812341234, "1,200", "2023年6月1日 8时5分", "x"],
        [None, "  ", None, None, None],
        ["合 计:", None, 1200],
        merge="A1:E1",
    )
    upload = read(data)
    assert upload.rows[0].number == 4
    assert upload.rows[0].values["phone"] == "13812341234"
    assert upload.rows[0].values["people"] == 1200
    assert upload.rows[0].values["seen"] == datetime(2023, 6, 1, 8, 5, tzinfo=words.SHANGHAI)
    assert (upload.unknown, upload.totals, len(upload.rows)) == (["备注"], [6], 1)


@pytest.mark.parametrize(
    ("title", "value", "taken"),
    [
        ("受灾人口", "\uff11\uff12", 12),
        ("受灾人口", 12.0, 12),
        ("日期", "2023.6.1", date(2023, 6, 1)),
        ("日期", "20230601", date(2023, 6, 1)),
        ("日期", 20230601, date(2023, 6, 1)),
        ("日期", 45078, date(2023, 6, 1)),
        ("日期", datetime(2023, 6, 1, 8, 5), date(2023, 6, 1)),
        ("日期", "2023年6月1日 8:05", date(2023, 6, 1)),
        ("发现时间", "2023/6/1 08:05:30", datetime(2023, 6, 1, 8, 5, 30, tzinfo=words.SHANGHAI)),
        ("发现时间", "2023-06-01T8点", datetime(2023, 6, 1, 8, tzinfo=words.SHANGHAI)),
        ("类别", "滑坡\uff08含不稳定斜坡\uff09", "滑坡(含不稳定斜坡)"),
        ("手机号", True, "是"),
    ],
)
def test_cells_are_read_with_patience(title, value, taken):
    assert one(title, value) == taken


@pytest.mark.parametrize(
    ("title", "value", "told"),
    [
        ("受灾人口", "12人", "第2行「受灾人口」:“12人”不是数字。请只填数字,不带单位和文字,例如 12。"),
        ("受灾人口", -1, "第2行「受灾人口」:-1 小于 0。请填不小于 0 的数。"),
        ("受灾人口", 10_001, "第2行「受灾人口」:10001 大于 10000。请填不大于 10000 的数。"),
        ("受灾人口", 1.5, "第2行「受灾人口」:1.5 不是整数。请填整数。"),
        ("受灾人口", "nan", "第2行「受灾人口」:“nan”不是数字。请只填数字,不带单位和文字,例如 12。"),
        ("受灾人口", "#N/A", "第2行「受灾人口」:单元格是公式错误 #N/A。请改正公式,或直接填写结果。"),
        ("受灾人口", "=1+1", "第2行「受灾人口」:公式没有算出结果。请在 Excel 中打开并保存一次,或直接填写结果。"),
        ("日期", "2023-02-30", "第2行「日期」:“2023-02-30”不是日历上有的时间。请写成 2023-02-24 的样子。"),
        ("日期", "23.6.1", "第2行「日期」:“23.6.1”不是日期。请写成 2023-02-24 的样子。"),
        ("日期", 12, "第2行「日期」:“12”不是日期。请写成 2023-02-24 的样子。"),
        (
            "发现时间",
            "2023-06-01",
            "第2行「发现时间」:“2023-06-01”缺少时间或不是时间。请写成 2023-02-24 08:05 的样子。",
        ),
        ("类别", "雪崩", "第2行「类别」:“雪崩”不在可选值里。请从下拉列表选择:崩塌、滑坡(含不稳定斜坡)。"),
    ],
)
def test_a_fault_says_where_what_and_what_to_do(title, value, told):
    assert one(title, value) == told


def test_long_numbers_that_excel_has_cut_are_not_taken():
    assert "只保留前 15 位" in one("手机号", 370202199001011234)


def test_one_faulty_row_does_not_spoil_the_others():
    upload = read(sheet(TITLES, ["张某", None, "x"], [None, "138"], ["李某", None, 3]))
    assert [(fault.row, fault.column) for fault in upload.faults] == [(2, "受灾人口"), (3, "姓名")]
    assert [row.values["name"] for row in upload.sound] == ["李某"]


def test_missing_double_and_absent_titles_are_named():
    with pytest.raises(Refused, match="缺少必填的列:姓名"):
        read(sheet(["手机号"], ["138"]))
    with pytest.raises(Refused, match="重复的列:姓名"):
        read(sheet(["姓名", "姓名"], ["甲", "乙"]))
    with pytest.raises(Refused, match="没有找到标题行"):
        read(sheet(["甲", "乙"], ["丙", "丁"]))


def test_too_many_rows_are_refused_but_blank_tails_are_not_counted():
    rows = [["张某"]] * 5
    with pytest.raises(Refused, match="超过 4 行"):
        read(sheet(TITLES, *rows), limit=4)
    upload = read(sheet(TITLES, *rows, *[[None, ""]] * 3000), limit=5)
    assert len(upload.rows) == 5


def bomb():
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "")
        archive.writestr("xl/workbook.xml", "")
        archive.writestr("xl/sharedStrings.xml", bytes(uploads.STRINGS + 1))
    return made.getvalue()


def laced():
    """A real workbook whose sheet declares entities."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(sheet(TITLES, ["张某"]))) as old, zipfile.ZipFile(made, "w") as new:
        for entry in old.infolist():
            data = old.read(entry)
            if entry.filename == "xl/worksheets/sheet1.xml":
                data = b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + data
            new.writestr(entry.filename, data)
    return made.getvalue()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "空文件"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), r"旧版 \.xls"),
        (b"\xd0\xcf\x11\xe0" + bytes(600) + "EncryptedPackage".encode("utf-16-le"), "加了密码"),
        ("姓名,手机号\n张某,138\n".encode("gb18030"), "CSV 文本"),
        (b"<html><table></table></html>", "网页格式"),
        (b"%PDF-1.7\0", "不是 Excel 工作簿"),
        (b"PK\x03\x04 broken", "已损坏"),
        (sheet(TITLES, ["张某"])[:-900], "已损坏"),
        (bomb(), "解开后过大"),
        (laced(), "不安全"),
    ],
)
def test_what_is_no_workbook_is_refused_in_plain_words(data, told):
    with pytest.raises(Refused, match=told) as refusal:
        read(data)
    assert "「灾情.xlsx」" in str(refusal.value)


def test_a_name_that_means_something_to_excel_still_makes_a_sheet():
    made = io.BytesIO()
    workbooks.write(made, "区市[汇总]:2023/6 & 其他" + "长" * 40, COLUMNS, [ROW], at=AT)
    assert openpyxl.load_workbook(made).sheetnames[0].startswith("区市_汇总__2023_6")
