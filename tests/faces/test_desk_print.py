"""What comes out of the printer: head, mark, who and when, page numbers, no menu, no cut column."""

import re
import shutil
import subprocess

import pytest

from .test_desk_browser import DESK, filled, sign_in  # noqa: F401  ``filled`` is a fixture

pytestmark = [pytest.mark.browser, pytest.mark.slow]
A4, TURNED, A3 = (595, 842), (842, 595), (1191, 842)


@pytest.fixture(scope="module")
def poppler():
    return shutil.which("pdftotext") or pytest.skip("no pdftotext: install poppler-utils")


@pytest.fixture(scope="module")
def officer(browser, filled):  # noqa: F811
    page = sign_in(browser, filled, "duty_officer", DESK)
    yield page
    page.context.close()


@pytest.fixture
def printed(officer, poppler, tmp_path):
    """Print a page as the browser does; the text of each sheet, and their size in points."""

    def make(path):
        assert officer.goto(path).status == 200
        officer.wait_for_function("document.documentElement.style.getPropertyValue('--title') !== ''")
        out = tmp_path / "out.pdf"
        officer.pdf(path=str(out), prefer_css_page_size=True)
        text = subprocess.run([poppler, "-raw", str(out), "-"], capture_output=True, text=True, check=True).stdout
        boxes = subprocess.run([poppler.replace("pdftotext", "pdfinfo"), str(out)], capture_output=True, text=True, check=True).stdout
        size = re.search(r"Page size: +([\d.]+) x ([\d.]+)", boxes)
        return text.split("\f")[:-1], (round(float(size[1])), round(float(size[2])))

    return make


def squeezed(text):
    return re.sub(r"\s+", "", text)


def assert_framed(sheets, title):
    """Each sheet is marked 内部, named and numbered; the first says who printed it, when, and of which time it speaks."""
    for n, sheet in enumerate(sheets, 1):
        said = squeezed(sheet)
        assert "内部" in said and squeezed(title) in said and f"第{n}页共{len(sheets)}页" in said, n
        assert "菜单" not in said and "世界与演练" not in said and "退出登录" not in said
    first = squeezed(sheets[0])
    assert "数据截至20" in first and "打印时间20" in first and re.search(r"打印[\u4e00-\u9fff]{2,4}打印时间", first)


def test_a_narrow_register_prints_upright_and_whole_with_its_filters(printed, filled):  # noqa: F811
    sheets, size = printed("/r/unit/?sheet=1&kind=%E6%B0%B4%E5%8A%A1")
    assert size == A4
    assert_framed(sheets, "单位")
    said = squeezed("".join(sheets))
    names = filled.city.ask("select name from people_unit where kind = '水务'")
    assert names and all(name in said for (name,) in names)
    assert "筛选:类别水务" in said.replace("\uff1a", ":") and "打印全部" not in said and "导出Excel" not in said


def test_a_wide_register_prints_on_a3_turned_and_no_column_is_cut(printed, officer):
    sheets, size = printed("/r/order/?sheet=1")
    assert size == A3
    assert_framed(sheets, "调度指令")
    heads = officer.locator("main thead th").all_inner_texts()
    assert len(heads) >= 12
    for sheet in sheets:
        assert all(squeezed(head).rstrip("↕") in squeezed(sheet) for head in heads), "the head stands on every sheet"


def test_a_list_of_middling_width_is_turned_and_adds_up(printed):
    sheets, size = printed("/r/addressee/?sheet=1")
    assert size == TURNED
    assert_framed(sheets, "叫应对象")
    assert "合计" in squeezed(sheets[-1])


@pytest.mark.parametrize(
    "table, path, words",
    [
        ("command_event", "/desk/events/{}/", ("打印用例", "调度指令", "何地", "经过")),
        ("notice_notice where kind = 'call'", "/desk/calls/{}/", ("打印用例叫应", "层级", "崂山区")),
        ("notice_notice where kind = 'call'", "/desk/calls/{}/print/?all=1", ("核实情况(手写)", "责任人")),
        ("duty_intake", "/desk/intake/{}/", ("车间起火", "电话快报", "书面报告")),
    ],
)
def test_the_desk_s_records_print_as_sheets(printed, filled, table, path, words):  # noqa: F811
    ((pk,),) = filled.city.ask(f"select max(id) from {table}")
    sheets, size = printed(path.format(pk))
    assert size in (A4, TURNED)
    assert_framed(sheets, "")
    said = squeezed("".join(sheets)).replace("\uff08", "(").replace("\uff09", ")")
    assert all(word in said for word in words), said[:600]
    assert "代登记" not in said and "立项</button>" not in said


def test_the_hand_over_and_the_report_clocks_print(printed, officer):
    officer.goto("/desk/handover/")
    officer.fill("#remarks", "打印的交班事项")
    officer.click("form.sheet button")
    officer.wait_for_url("**/desk/handover/*/")
    sheets, size = printed(officer.url)
    assert size == A4 and len(sheets) == 1
    assert_framed(sheets, "交班")
    assert "打印的交班事项" in squeezed(sheets[0]) and "未接待回" in squeezed(sheets[0])
    assert "近期交接班" not in squeezed(sheets[0])
    sheets, _ = printed("/r/phonereport/")
    assert_framed(sheets, "电话快报")


def test_a_page_of_a_drill_carries_its_mark_on_every_sheet(printed, officer):
    officer.goto("/desk/worlds/")
    officer.fill("form [name=title]", "打印演练")
    officer.click("text=开设演练 >> nth=-1")
    officer.wait_for_url("**/w/*/desk/")
    sheets, _ = printed(officer.url.removesuffix("desk/") + "r/unit/?sheet=1")
    assert len(sheets) > 2 and all("【演练】" in squeezed(sheet) for sheet in sheets)
