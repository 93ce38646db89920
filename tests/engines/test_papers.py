"""Papers are opened again as their reader opens them: geometry, faces, page numbers, totals, marks."""

import io
import zipfile
from datetime import UTC, date, datetime, timedelta

import docx
import pytest
from docx.oxml.ns import qn
from docx.shared import Mm
from PIL import Image

from anlan.engines.papers import words
from anlan.engines.papers.official import Column, Paper
from anlan.engines.papers.titles import broken, width

AT = datetime(2023, 5, 31, 16, 30, tzinfo=UTC)
TITLE = "青岛市应急管理局关于开展汛前隐患排查整治和防汛责任制落实情况专项检查的通知"


def notice(**more):
    return Paper("notice", TITLE, "青岛市应急管理局", AT, number="青应急〔2023〕12号", to="各区(市)应急管理局", **more)


def opened(paper):
    return docx.Document(io.BytesIO(paper.save()))


def said(sheet):
    return [line.text for line in sheet.paragraphs if line.text.strip()]


def line_of(sheet, text):
    return next(line for line in sheet.paragraphs if text in line.text)


def face(line):
    return line.runs[0]._element.rPr.rFonts.get(qn("w:eastAsia"))


def test_the_page_is_the_sheet_of_the_standard():
    section = opened(notice()).sections[0]
    given = (section.page_width, section.page_height, section.top_margin, section.left_margin)
    assert [round(side / Mm(1)) for side in given] == [210, 297, 37, 28]
    assert round((section.page_width - section.left_margin - section.right_margin) / Mm(1)) == 156
    assert round((section.page_height - section.top_margin - section.bottom_margin) / Mm(1)) == 225
    grid = section._sectPr.find(qn("w:docGrid"))
    assert grid.get(qn("w:type")) == "lines"
    assert round(225 / 25.4 * 72 / (int(grid.get(qn("w:linePitch"))) / 20)) == 22


def test_twenty_eight_body_characters_fill_a_line():
    paper = notice()
    paper.text("正文")
    piece = line_of(opened(paper), "正文").runs[0]
    tight = int(piece._element.rPr.find(qn("w:spacing")).get(qn("w:val"))) / 20
    assert 28 <= (156 / 25.4 * 72) / (piece.font.size.pt + tight) < 29


def test_red_head_number_title_and_addressees_stand_in_order():
    sheet = opened(notice(signer="王某"))
    lines = said(sheet)
    assert lines[0] == "青岛市应急管理局文件"
    assert lines[1] == "\u3000青应急〔2023〕12号\t签发人\uff1a王某"
    assert "".join(lines[2:4]) == TITLE
    assert lines[4] == "各区\uff08市\uff09应急管理局\uff1a"
    red = line_of(sheet, "青岛市应急管理局文件")
    assert str(red.runs[0].font.color.rgb) == "FF0000"
    assert face(red) == "方正小标宋简体"
    assert line_of(sheet, "签发人")._p.pPr.find(qn("w:pBdr")).find(qn("w:bottom")).get(qn("w:color")) == "FF0000"


def test_heads_are_numbered_and_take_their_faces():
    paper = notice()
    for text, level in (("工作目标", 1), ("台账清零", 2), ("限期", 3), ("逐项", 4), ("工作要求", 1), ("落实责任", 2)):
        paper.head(text, level)
    paper.head("三、自带序号")
    paper.text("正文\n第二段")
    sheet = opened(paper)
    heads = [
        line
        for line in sheet.paragraphs
        if line._p.pPr is not None and line._p.pPr.find(qn("w:outlineLvl")) is not None
    ][1:]
    assert [line.text for line in heads] == [
        "一、工作目标",
        "\uff08一\uff09台账清零",
        "1.限期",
        "\uff081\uff09逐项",
        "二、工作要求",
        "\uff08一\uff09落实责任",
        "三、自带序号",
    ]
    assert [face(line) for line in heads[:4]] == ["黑体", "楷体_GB2312", "仿宋_GB2312", "仿宋_GB2312"]
    assert face(line_of(sheet, "正文")) == "仿宋_GB2312"
    assert line_of(sheet, "第二段").paragraph_format.first_line_indent.pt == 32


def test_missing_faces_have_a_named_second_choice():
    with zipfile.ZipFile(io.BytesIO(notice().save())) as archive:
        table = archive.read("word/fontTable.xml").decode()
    for wanted, other in (("仿宋_GB2312", "仿宋"), ("方正小标宋简体", "宋体"), ("楷体_GB2312", "楷体")):
        assert f'<w:font w:name="{wanted}"><w:altName w:val="{other}"/>' in table


def test_page_numbers_stand_right_on_odd_pages_and_left_on_even_ones():
    sheet = opened(notice())
    assert sheet.settings.odd_and_even_pages_header_footer
    for foot, side in ((sheet.sections[0].footer, "right"), (sheet.sections[0].even_page_footer, "left")):
        line = foot.paragraphs[0]
        assert line.text.replace(" ", "") == "—1—"
        assert [code.text.strip() for code in line._p.iter(qn("w:instrText"))] == ["PAGE"]
        assert line.alignment.name.lower() == side
        assert line.runs[0].font.size.pt == 14


@pytest.mark.parametrize("kind", ["notice", "bulletin", "report"])
def test_a_drill_is_marked_in_red_on_every_page(kind):
    sheet = opened(Paper(kind, "关于水库险情的快报", "青岛市应急管理局", AT, mark="【演练】"))
    section = sheet.sections[0]
    heads = [section.header, section.even_page_header]
    if section.different_first_page_header_footer:
        heads.append(section.first_page_header)
    for head in heads:
        piece = head.paragraphs[0].runs[0]
        assert (piece.text, str(piece.font.color.rgb)) == ("【演练】", "FF0000")


def test_the_real_city_carries_no_mark():
    assert opened(notice()).sections[0].header.paragraphs[0].text == ""


def test_totals_add_up_and_unknowns_are_told():
    paper = Paper("report", "灾情报告", "青岛市应急管理局", AT)
    rows = [["市南区", 12, 1.5], ["崂山区", 30, None], ["城阳区", 0, 2]]
    paper.table(
        ["区市", "受灾人口", Column("损失", share=8)], rows, ["受灾人口", "损失"], title="各区市灾情", unit="人、万元"
    )
    sheet = opened(paper)
    table = sheet.tables[0]
    assert [cell.text for cell in table.rows[-1].cells] == ["合计", "42", "3.5"]
    assert [cell.text for cell in table.rows[2].cells] == ["崂山区", "30", "—"]
    assert table.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None
    assert line_of(sheet, "未知").text == "注\uff1a合计未含数值未知\uff08—\uff09的行\uff1a「损失」1行。"
    assert "表1" in line_of(sheet, "各区市灾情").text


def test_an_empty_table_says_none_and_a_crooked_one_is_refused():
    paper = notice()
    paper.table(["区市", "人数"], [])
    assert opened(paper).tables[0].rows[1].cells[0].text == "无"
    with pytest.raises(ValueError, match="row 1 has 1 cells"):
        notice().table(["区市", "人数"], [["市南区"]])
    with pytest.raises(ValueError, match="no column"):
        notice().table(["区市", "人数"], [["市南区", 1]], ["户数"])


def test_the_foot_of_a_notice_has_annexes_signature_date_and_colophon():
    sheet = opened(notice(annexes=["台账", "名单"], remark="此件公开发布", cc=["市委办公厅", "市政府办公厅"]))
    lines = said(sheet)
    start = lines.index("附件\uff1a1.台账")
    assert lines[start + 1 : start + 5] == ["2.名单", "青岛市应急管理局", "2023年6月1日", "\uff08此件公开发布\uff09"]
    foot = [row.cells[0].text for row in sheet.tables[-1].rows]
    assert foot == ["抄送\uff1a市委办公厅\uff0c市政府办公厅。", "青岛市应急管理局\t2023年6月1日印发"]


def test_a_bulletin_names_issue_signer_and_receivers():
    paper = Paper(
        "bulletin",
        "关于水库超汛限的续报(一)",
        "青岛市应急管理局",
        AT,
        issue=12,
        signer="李某",
        report_to=["市委值班室"],
        filler="赵某",
    )
    paper.text("6月1日8:05,水库水位72.15米。")
    lines = said(opened(paper))
    assert lines[:3] == ["值班快报", "第12期", "\u3000青岛市应急管理局\u30002023年6月1日\t签发人\uff1a李某"]
    assert lines[4] == "6月1日8:05\uff0c水库水位72.15米。"
    assert [row.cells[0].text for row in opened(paper).tables[0].rows] == ["报\uff1a市委值班室。", "填报人\uff1a赵某"]


def test_a_report_has_a_cover_and_cites_each_source_once():
    paper = Paper("report", TITLE, "青岛市应急管理局", AT, facts=[("最高响应", "Ⅱ级"), ("转移", None)])
    paper.text("甲。", source="气象公报")
    paper.text("乙。", source="核报表")
    paper.text("丙。", source="气象公报")
    sheet = opened(paper)
    assert [[cell.text for cell in row.cells] for row in sheet.tables[0].rows] == [["最高响应", "Ⅱ级"], ["转移", "—"]]
    assert said(sheet)[-6:] == ["甲。[1]", "乙。[2]", "丙。[1]", "数据来源与口径", "[1] 气象公报", "[2] 核报表"]
    assert sheet.sections[0]._sectPr.find(qn("w:pgNumType")).get(qn("w:start")) == "0"


def test_the_same_paper_is_the_same_bytes_and_carries_its_own_time():
    def made():
        paper = notice(cc=["市委办公厅"])
        paper.table(["区市", "人数"], [["市南区", 1]], ["人数"])
        out = io.BytesIO()
        Image.new("RGB", (20, 10), "grey").save(out, "PNG")
        paper.picture(out.getvalue(), "示意")
        return paper.save()

    assert made() == made()
    core = docx.Document(io.BytesIO(made())).core_properties
    assert (core.created, core.author) == (datetime(2023, 6, 1, 0, 30, tzinfo=core.created.tzinfo), "青岛市应急管理局")


def test_text_that_xml_cannot_carry_does_not_break_a_paper():
    paper = notice()
    paper.text("前\x00\x0b\ud800后\u202e <&>")
    assert "前后 <&>" in said(opened(paper))


def test_paragraph_properties_keep_the_order_that_word_demands():
    from anlan.engines.papers.page import _ORDER

    paper = notice(signer="王某", annexes=["台账"], cc=["市委办公厅"])
    paper.head("目标")
    paper.table(["区市"], [["市南区"]])
    with zipfile.ZipFile(io.BytesIO(paper.save())) as archive:
        root = docx.oxml.parse_xml(archive.read("word/document.xml"))
    for block in root.iter(qn("w:pPr")):
        places = [_ORDER.index("w:" + child.tag.rpartition("}")[2]) for child in block]
        assert places == sorted(places)


def test_titles_break_by_sense_and_never_inside_a_word():
    assert broken("关于做好防汛工作的通知") == ["关于做好防汛工作的通知"]
    lines = broken(TITLE)
    assert "".join(lines) == TITLE
    assert all(width(line) <= 20 for line in lines)
    assert lines == ["青岛市应急管理局关于开展汛前隐患排查", "整治和防汛责任制落实情况专项检查的通知"]
    assert broken("第一行\n第二行") == ["第一行", "第二行"]
    assert "".join(broken("一" * 70)) == "一" * 70


def test_words_say_dates_levels_and_spans():
    assert words.day(date(2023, 2, 24)) == "2023年2月24日"
    assert words.as_of(datetime(2022, 9, 16, 0, 0, tzinfo=UTC)) == "截至2022年9月16日8时"
    assert words.moment(datetime(2022, 9, 16, 0, 5, tzinfo=UTC)) == "2022年9月16日8时5分"
    assert words.clock(datetime(2022, 9, 16, 0, 5, tzinfo=UTC)) == "08:05"
    assert (words.grade(1), words.colour(2), words.accident(3), words.risk(4)) == ("Ⅰ级", "橙色", "较大", "低风险")
    assert (words.accident(2), words.risk(1)) == ("重大", "重大风险")
    with pytest.raises(ValueError, match="not 1 to 4"):
        words.grade(0)
    spans = {80 * 60: "1小时20分", 45: "45秒", 0: "0秒", 93_600: "1天2小时", 86_400: "1天", -60: "负1分", 86_460: "1天"}
    assert {seconds: words.span(seconds) for seconds in spans} == spans
    assert words.span(timedelta(minutes=5)) == "5分"


def test_words_say_counts_and_lists():
    assert words.count(3, "起") == "3起"
    assert words.count(None, "起") == "—"
    assert words.count(1.50, "万元") == "1.5万元"
    assert words.number(float("nan")) == "—"
    assert words.number(100) == "100"
    assert words.percent(5, 6) == "83.3%"
    assert words.percent(5, 0) == "—"
    assert words.join(["甲", "乙", "", "丙"]) == "甲、乙、丙"
    assert words.join(["甲", "乙"], "和") == "甲和乙"
    assert words.join([]) == "无"
    assert [words.numeral(n) for n in (1, 10, 12, 20, 99)] == ["一", "十", "十二", "二十", "九十九"]
    assert words.document_number("青应急", 2023, 12) == "青应急〔2023〕12号"


def test_stops_beside_chinese_words_take_full_width():
    assert words.typeset("时间:08:05,地点(崂山)") == "时间\uff1a08:05\uff0c地点\uff08崂山\uff09"
    assert words.typeset("f(x), y:z 1,200") == "f(x), y:z 1,200"


def test_personal_numbers_are_masked():
    assert words.mask_phone("13812341234") == "138****1234"
    assert words.mask_phone("+86 13812341234") == "138****1234"
    assert words.mask_phone("0532-85911234") == "0532-******34"
    assert words.mask_phone("119") == "***"
    assert words.mask_card("370202199001011234") == "370202********1234"
