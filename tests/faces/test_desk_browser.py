"""Every page of the menu in a real browser: it fits a telephone and a small desk screen, and it prints whole."""

import os
import subprocess
import sys

import pytest

from anlan.kernel.forms import FORMS
from anlan.sensing.models import Rule
from bench.city import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PHONE, DESK = (390, 844), (1366, 768)
KEEPERS = ("system_keeper", "security_keeper", "audit_keeper")
PEOPLE = ("duty_officer", *KEEPERS)
FILL = """
import django; django.setup()
from datetime import timedelta
from anlan.kernel.clock import now
from anlan.kernel.notice.acts import do_call
from anlan.kernel.people import scope
from anlan.response.command import acts as command
from anlan.response.command.models import Event, Plan
from anlan.response.duty import acts, phone
from anlan.response.duty.models import Intake, PhoneCall
from anlan.sensing import door
from anlan.sensing.models import Rule
with scope.everyone():
    event = command.do_open(Event(title="打印用例:沙子口街道危化品仓库起火并威胁周边三个社区", kind="11B01", level=3, area_id="370212000000",
        occurred_at=now(), summary="仓库起火,过火面积不明。" * 6))
    do_call("打印用例叫应", "请立即到岗", level=3, roles=("town_duty",), areas=["370212000000"], about=event)
    command.do_activate(event, 4, ["370212000000", "370215000000"])
    acts.do_intake(Intake(area_id="370212001000", received_at=now(), summary="车间起火" * 20, accident=True, dead=3, caller="某厂" * 20))
    phone.do_log(PhoneCall(area_id="370200000000", at=now() - timedelta(hours=1), number="10012345678", party="某单位" * 20))
    Rule.objects.create(kind="count", hazard="台风", quantity="gust", hours=0, amount=3, clear=3, level=2, reach=4, area_id="370212000000",
        source="试验", confidence="V", version="1", since="2026-01-01")
    door.take([door.Sample(f"W00{n}.gust", now(), 18.0 + 5 * n) for n in range(1, 5)])
"""
TOO_WIDE = """() => {
  const edge = document.documentElement.clientWidth;
  const held = node => { for (let p = node.parentElement; p && p !== document.body; p = p.parentElement)
    if (getComputedStyle(p).overflowX !== "visible") return true; return false; };
  const out = [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > edge + 1 && e.checkVisibility() && !held(e));
  return {wide: document.documentElement.scrollWidth - innerWidth, out: out.map(e => `${e.tagName}.${e.className}`).slice(0, 5)};
}"""


@pytest.fixture(scope="module")
def filled(city_server):
    """Something in each section: an event with orders, a call, an accident with its clocks, a missed telephone call."""
    there = {**os.environ, "ANLAN_HOME": str(city_server.city.home), "DJANGO_SETTINGS_MODULE": "anlan.settings"}
    subprocess.run([sys.executable, "-c", FILL], cwd=ROOT, env=there, capture_output=True, text=True, timeout=120, check=True)
    return city_server


def sign_in(browser, server, who, size):
    """A browser of this size, signed in; ``faults`` collects what its console says."""
    context = browser.new_context(
        base_url=server.address, viewport=dict(zip(("width", "height"), size, strict=True)), locale="zh-CN",
        timezone_id="Asia/Shanghai", is_mobile=size == PHONE, has_touch=size == PHONE,
    )  # fmt: skip
    context.set_default_timeout(30_000)
    page, page.faults = (opened := context.new_page()), []
    opened.on("pageerror", lambda fault: page.faults.append(str(fault)))
    opened.on("console", lambda said: said.type == "error" and page.faults.append(said.text))
    page.goto("/sign-in/")
    assert_fits(page)
    page.fill("[name=username]", who)
    page.fill("[name=password]", server.city.passwords[who])
    page.click("form.card button")
    page.wait_for_url(lambda url: "sign-in" not in url)
    return page


def assert_fits(page):
    found = page.evaluate(TOO_WIDE)
    assert found["wide"] <= 0 and found["out"] == [], (page.url, found)


def visit(page, path):
    answer = page.goto(path)
    assert answer.status == 200, (path, answer.status)
    for width, height in (PHONE, DESK):
        page.set_viewport_size({"width": width, "height": height})
        assert_fits(page)
    assert page.faults == [], (path, page.faults)


def links(page, within, most=99):
    found = page.eval_on_selector_all(f"{within} a[href^='/']:not([download])", "all => all.map(a => a.getAttribute('href'))")
    return list(dict.fromkeys(h for h in found if "/screen/" not in h and ".docx" not in h and ".xlsx" not in h))[:most]


FIRST = {form.way: form.name for form in reversed(FORMS.values())}
ALIKE = {f"/r/{form.name}/" for form in FORMS.values() if form.name not in FIRST.values()}
"""Forms are drawn by one page: of each way only the first is looked at."""


@pytest.mark.parametrize("who", PEOPLE)
def test_every_page_of_the_menu_and_what_it_opens_fits_both_screens(browser, filled, who):
    page = sign_in(browser, filled, who, DESK)
    seen, begun = set(), [path for path in links(page, "#side", 999) if path not in ALIKE]
    assert begun
    for path in begun:
        visit(page, path)
        seen.add(path)
        for inner in (*links(page, "main .actions"), *links(page, "main tbody", 1)):
            if inner not in seen:
                seen.add(inner)
                visit(page, inner)
    page.context.close()


def test_the_menu_opens_leads_on_and_closes_on_a_telephone(browser, filled):
    page = sign_in(browser, filled, "duty_officer", PHONE)
    side = page.locator("#side")
    assert not side.is_visible()
    page.tap("a.menu")
    side.wait_for()
    assert_fits(page)
    page.tap("a.menu")
    side.wait_for(state="hidden")
    page.tap("a.menu")
    page.locator("#side summary", has_text="大应急").tap()
    page.locator("#side a", has_text="通话记录").tap()
    page.wait_for_url("**/r/phonecall/")
    page.context.close()


def test_the_home_of_the_watch_is_one_look_and_its_keys_are_shown(browser, filled):
    page = sign_in(browser, filled, "duty_officer", DESK)
    page.goto("/desk/")
    for part in ("watch", "events", "warnings", "calls", "today", "handover", "phone"):
        box = page.locator(f"#part-{part}").bounding_box()
        assert box["y"] + min(box["height"], 60) <= DESK[1], f"{part} begins on the first screen"
    assert [k.strip() for k in page.locator("kbd").all_inner_texts()] == ["N", "T", "J"]
    page.keyboard.press("t")
    page.keyboard.type("x")
    assert page.evaluate("document.activeElement.closest('#phone-log') !== null"), "the line is open and takes what is typed"
    page.locator("body").click(position={"x": 700, "y": 700})
    page.keyboard.press("j")
    page.wait_for_url("**/desk/handover/")
    page.goto("/desk/")
    page.keyboard.press("n")
    page.wait_for_url("**/desk/intake/new/")
    page.context.close()


WALL = """async names => {
  const rows = names.map(name => ({ cells: ["西海岸新区", name, "16 个测点", "11-28 10:05"], level: 1, href: "/r/alarm/1/" }));
  const panel = { slot: "right1", kind: "table", title: "监测告警", columns: ["测站", "规则", "最大", "时间"], rows };
  (await import("/static/screen/panels.js")).panels({ panels: { right1: panel } });
  const cells = [...document.querySelectorAll("[data-slot=right1] .row > :nth-child(2)")];
  return cells.map(cell => [cell.title, cell.firstChild.scrollHeight > cell.firstChild.clientHeight + 1]);
}"""


def test_the_wall_shows_the_names_of_rules_that_count_whole(browser, filled):
    rules = [Rule(kind="count", hazard=hazard, hours=hours, reach=4, amount=amount) for hazard, hours, amount in (("暴雨", 12, 10), ("台风", 0, 10))]
    for size in ((1920, 1080), DESK):
        page = sign_in(browser, filled, "duty_officer", size)
        page.goto("/screen/")
        page.locator("[data-slot=right1] .row").first.wait_for()
        assert page.evaluate(WALL, list(map(str, rules))) == [[str(rule), False] for rule in rules], size
        page.context.close()


def test_the_alarm_console_is_worked_by_keyboard(browser, filled):
    page = sign_in(browser, filled, "duty_officer", DESK)
    page.goto("/desk/alarms/")
    rows = page.locator(".console tr[data-row]:visible")
    folded = rows.count()
    assert folded == 2 and "个测点" in rows.nth(1).inner_text(), "of a burst the area's own alarm stays in sight"
    for key in "jo":
        page.keyboard.press(key)
    assert rows.count() > 6 and rows.first.evaluate("row => row === document.activeElement"), "the first key comes to the first row"
    for key in "jjxs":
        page.keyboard.press(key)
    assert page.locator("[data-count]").inner_text() == "已选 1 条"
    page.keyboard.type("试验搁置")
    page.keyboard.press("Enter")
    page.locator(".messages", has_text="已搁置 1 条").wait_for()
    page.goto("/desk/alarms/?stage=shelved")
    assert "试验搁置" in page.locator(".console").inner_text() and page.get_by_text("取消搁置").is_visible()
    page.context.close()


def test_a_table_that_goes_on_beyond_a_telephone_s_edge_shows_it(browser, filled):
    page = sign_in(browser, filled, "duty_officer", PHONE)
    page.goto("/desk/alarms/")
    table = page.locator("table.console")
    assert table.evaluate("t => t.scrollWidth > t.clientWidth")
    assert "local" in table.evaluate("t => getComputedStyle(t).backgroundAttachment"), "a shadow that its end covers"
    page.context.close()
