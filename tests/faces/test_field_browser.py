"""A phone of 390 by 844 in a real browser against the real server: one tap, no signal, nothing lost, nothing twice."""

import io
import os
import re
import subprocess
import sys
import time

import pytest
from PIL import ExifTags, Image

from bench.city import ROOT

pytestmark = [pytest.mark.browser]
VILLAGE = "370212002901"
CALL = f"""
import django; django.setup()
from anlan.kernel.notice.acts import do_call
from anlan.kernel.notice.ladder import Ladder, Rung
from anlan.kernel.people import scope
calm = Ladder("calm", (Rung(0, "self", ("group",)), Rung(7200, "deputy", ("sms",))), "测试", "M", end_s=9000, at_night=())
with scope.everyone():
    print(do_call("暴雨红色预警", "请立即转移沟口群众", level=1, roles=("village_officer",), areas=["{VILLAGE}"], ladder=calm).pk)
"""


@pytest.fixture
def call(city_server):
    """A call that waits for the village officer and that no simulated phone answers; its number."""
    there = {**os.environ, "ANLAN_HOME": str(city_server.city.home), "DJANGO_SETTINGS_MODULE": "anlan.settings"}
    done = subprocess.run([sys.executable, "-c", CALL], cwd=ROOT, env=there, capture_output=True, text=True, timeout=120, check=True)
    return int(done.stdout)


@pytest.fixture(scope="module")
def session(browser, city_server):
    """The village officer's session cookie."""
    with browser.new_context(base_url=city_server.address) as opened:
        page = opened.new_page()
        page.goto("/sign-in/?next=/field/")
        page.fill("[name=username]", "village_officer")
        page.fill("[name=password]", city_server.city.passwords["village_officer"])
        page.click("form.card button")
        page.wait_for_selector("text=报险情")
        return {"cookies": opened.cookies(), "origins": []}


@pytest.fixture
def context(browser, city_server, session):
    opened = browser.new_context(
        storage_state=session,
        viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True, locale="zh-CN", timezone_id="Asia/Shanghai",
        geolocation={"longitude": 120.55, "latitude": 36.11}, permissions=["geolocation"], base_url=city_server.address,
    )  # fmt: skip
    opened.set_default_timeout(30_000)
    yield opened
    opened.close()


@pytest.fixture
def page(context):
    """The officer's phone, signed in, with the worker in charge and the pages kept."""
    opened = context.new_page()
    faults = []
    opened.on("pageerror", lambda fault: faults.append(str(fault)))
    opened.goto("/field/")
    until(lambda: opened.evaluate("navigator.serviceWorker.controller !== null"), "the worker is in charge")
    kept = "caches.match('/field/report/danger/').then((one) => Boolean(one))"
    until(lambda: opened.evaluate(kept), "the pages are kept on the phone")
    yield opened
    assert faults == []


def until(true, what, seconds=30):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.1)


def photo(path):
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2026:07:01 03:12:45"
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (36.0, 6.0, 36.0), 3: "E", 4: (120.0, 33.0, 0.0)})
    out = io.BytesIO()
    Image.effect_noise((3000, 2000), 60).convert("RGB").save(out, "JPEG", exif=exif)
    path.write_bytes(out.getvalue())
    return path


def reports(server, words):
    return server.city.ask("select id, lon, reporter_id from duty_intake where summary like ?", f"%{words}%")


def test_one_tap_answers_and_the_numbers_follow(page, call, city_server):
    page.reload()
    button = page.locator(".alarm .huge")
    box = button.bounding_box()
    assert box["height"] >= 48 and box["y"] + box["height"] <= 844, "the button stands on the first screen"
    button.tap()
    page.wait_for_selector("text=应答已送达")
    sql = "select state, answer_channel, households, people from notice_addressee where notice_id = ?"
    assert city_server.city.ask(sql, call) == [("answered", "app", None, None)]
    form = page.locator("form.moved").first
    form.locator("[name=households]").fill("12")
    form.locator("[name=people]").fill("7")
    form.locator("button").tap()
    form.locator(".wrong", has_text="不应少于户数").wait_for()
    form.locator("[name=people]").fill("31")
    form.locator("button").tap()
    page.wait_for_selector("text=转移 12 户 31 人,已送达")
    assert city_server.city.ask(sql, call) == [("answered", "app", 12, 31)]


def test_a_report_without_signal_survives_the_closed_page_and_arrives_once(page, context, city_server, tmp_path):
    context.set_offline(True)
    page.goto("/field/report/danger/")
    page.locator(".chips label", has_text="滑坡").tap()
    page.fill("[name=text]", "离线上报甲:北坡落石")
    page.set_input_files("[name=photos]", photo(tmp_path / "现场.jpg"))
    page.wait_for_selector(".thumbs img")
    until(lambda: page.input_value("[name=lon]"), "the phone knows where it is")
    page.locator("form.report .huge").tap()
    page.wait_for_selector("text=待发送 1 条")
    page.reload()
    page.wait_for_selector("text=待发送 1 条")
    page.close()
    assert reports(city_server, "离线上报甲") == []
    again = context.new_page()
    again.goto("/field/")
    again.wait_for_selector("text=待发送 1 条")
    context.set_offline(False)
    again.wait_for_selector("#outbox", state="hidden")
    until(lambda: reports(city_server, "离线上报甲"), "the report is delivered")
    again.reload()
    again.wait_for_selector("text=北坡落石")
    (pk, lon, reporter), *more = reports(city_server, "离线上报甲")
    assert more == [] and lon == 120.55 and reporter
    files = city_server.city.ask("select size, taken_at, lat, name from files_attachment where subject_id = ?", str(pk))
    assert len(files) == 1 and files[0][0] < (tmp_path / "现场.jpg").stat().st_size
    assert files[0][1].startswith("2026-06-30 19:12:45") and files[0][2] == pytest.approx(36.11)
    kept = next((city_server.city.home / "files").glob(f"??/??/{'?' * 64}"))
    assert max(Image.open(kept).size) == 1600


DUMB = "addEventListener('online', told => told.stopImmediatePropagation(), true)"
"""A telephone that does not tell its pages that it is on line again."""


def test_an_answer_tapped_without_signal_takes_the_alarm_down_and_arrives(page, context, call, city_server):
    context.add_init_script(DUMB)
    page.clock.install()
    page.reload()
    page.wait_for_selector(".alarm .huge")
    context.set_offline(True)
    page.locator(".alarm .huge").tap()
    page.wait_for_selector("text=✓ 已点「收到」")
    page.reload()
    page.wait_for_selector("text=待发送 1 条")
    context.set_offline(False)
    page.clock.fast_forward(16_000)  # until the page asks for news by itself
    page.wait_for_selector("#outbox", state="hidden")
    sql = "select state from notice_addressee where notice_id = ?"
    until(lambda: city_server.city.one(sql, call) == "answered", "the answer is delivered")
    receipts = (
        "select count(*) from notice_receipt r join notice_addressee a on a.id = r.addressee_id"
        " where r.kind = 'answered' and r.client_id is not null and a.notice_id = ?"
    )
    assert city_server.city.one(receipts, call) == 1


def test_what_the_city_refuses_becomes_a_draft_that_is_put_right(page, city_server, tmp_path):
    program = tmp_path / "塌方.jpg"
    program.write_bytes(b"MZ" + b"\x90" * 4000)
    page.goto("/field/report/danger/")
    page.locator(".chips label", has_text="火情").tap()
    page.fill("[name=text]", "草稿上报乙:后山冒烟")
    page.set_input_files("[name=photos]", program)
    page.wait_for_selector(".thumbs li")
    page.locator("form.report .huge").tap()
    page.wait_for_selector("text=没有被接收,请改正")
    assert re.search("塌方.*可执行程序", page.locator("#outbox").inner_text())
    page.locator("#outbox a", has_text="改正").tap()
    page.wait_for_selector(".thumbs li")
    until(lambda: page.input_value("[name=text]") == "草稿上报乙:后山冒烟", "the words stand again")
    page.locator(".thumbs button").tap()
    page.locator("form.report .huge").tap()
    page.wait_for_selector("text=「报险情」已送达")
    page.wait_for_selector("#outbox", state="hidden")
    assert len(reports(city_server, "草稿上报乙")) == 1


def test_half_a_report_is_still_there_when_the_page_is_opened_again(page):
    page.goto("/field/report/disaster/")
    page.fill("[name=affected]", "35")
    page.fill("[name=text]", "村西头进水")
    page.goto("/field/")
    page.goto("/field/report/disaster/")
    until(lambda: page.input_value("[name=text]") == "村西头进水", "the words stand again")
    until(lambda: page.input_value("[name=affected]") == "35", "the figure stands again")


def test_without_a_script_answer_and_report_work_as_well(browser, call, city_server, session):
    how = {"java_script_enabled": False, "viewport": {"width": 360, "height": 640}, "storage_state": session}
    with browser.new_context(base_url=city_server.address, **how) as plain:
        page = plain.new_page()
        page.goto("/field/")
        page.locator(".alarm .huge").first.click()
        page.wait_for_selector("text=应答已送达")
        page.goto("/field/report/danger/")
        page.locator(".chips label", has_text="山洪").click()
        page.fill("[name=text]", "无脚本上报丙")
        page.click("form.report .huge")
        page.wait_for_selector("text=「报险情」已送达")
        assert len(reports(city_server, "无脚本上报丙")) == 1


@pytest.mark.parametrize("width", [390, 360])
def test_everything_to_tap_is_large_enough_and_nothing_is_cut(page, call, width):
    page.set_viewport_size({"width": width, "height": 640})
    for path in ("/field/", "/field/report/danger/", "/field/report/disaster/", "/field/report/zero/"):
        page.goto(path)
        small = page.evaluate(
            """() => [...document.querySelectorAll('a, button, select, textarea, summary, input:not([type=hidden])')]
                .filter((node) => node.offsetParent && !['radio', 'checkbox'].includes(node.type))
                .filter((node) => node.getBoundingClientRect().height < 48 || parseFloat(getComputedStyle(node).fontSize) < 16)
                .map((node) => node.outerHTML.slice(0, 80))"""
        )
        assert small == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
