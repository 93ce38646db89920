"""Take the README's pictures: a fresh city, the replay at 600 times, a real browser. ``python -m tools.pictures``"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "pictures"
PORT = int(os.environ.get("ANLAN_PORT", "8123"))
HERE = f"http://127.0.0.1:{PORT}"
MOMENT = "2022-09-15T18:2"
"""A few minutes of the storm: the third level has just been confirmed, the calls are out."""
FLAGS = (
    "--no-sandbox --disable-gpu --enable-unsafe-swiftshader --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()


def main() -> int:
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        env = {**os.environ, "ANLAN_HOME": home}
        run = [str(Path(sys.executable).with_name("anlan")), "run", "--port", str(PORT)]
        log = Path(home) / "log"
        with log.open("w") as out:
            city = subprocess.Popen(run, env=env, stdout=out, stderr=out)
        try:
            accounts = _accounts(log)
            _wait_for_the_storm()
            with sync_playwright() as play:
                browser = play.chromium.launch(executable_path=os.environ.get("ANLAN_TEST_CHROMIUM", "/usr/bin/chromium"), args=FLAGS)
                _take(browser, accounts)
                browser.close()
        finally:
            city.send_signal(signal.SIGTERM)
            city.wait(20)
    return 0


def _accounts(log: Path) -> dict[str, str]:
    """The accounts as the first start prints them."""
    for _ in range(240):
        time.sleep(0.5)
        found = dict(re.findall(r"^  (\w+) +([a-z0-9]{4}(?:-[a-z0-9]{4,5}){3}) ", log.read_text(), re.M))
        if found and "已就绪" in log.read_text():
            return found
    raise SystemExit(f"the city did not start:\n{log.read_text()[-2000:]}")


def _state() -> dict:
    with urllib.request.urlopen(f"{HERE}/w/2/screen/state.json", timeout=30) as answer:
        return json.load(answer)


def _wait_for_the_storm() -> None:
    now = ""
    while now < MOMENT:
        time.sleep(2)
        try:
            now = _state()["as_of"]
        except urllib.error.URLError:
            continue
        print(now, flush=True)


def _take(browser: Browser, accounts: dict[str, str]) -> None:
    desk = _signed_in(browser, accounts, "duty_officer", 1366, 768)
    phone = _signed_in(browser, accounts, "village_officer", 390, 844)
    wall = browser.new_context(viewport={"width": 1920, "height": 1080}).new_page()
    _shoot(phone, "/w/2/field/", "field", 2)
    _shoot(wall, "/w/2/screen/", "wall", 6)
    _shoot(desk, "/w/2/desk/", "desk", 3)
    desk.goto(f"{HERE}/w/2/desk/calls/")
    _shoot(desk, desk.locator("main table a").first.get_attribute("href"), "calls", 3)
    _shoot(desk, "/w/2/r/enterprise/", "register", 2)
    _plan(_signed_in(browser, accounts, "leader", 1366, 768))


def _plan(page: Page) -> None:
    """The official plan taken in, as its reader sees an item beside what was read out of it."""
    page.goto(f"{HERE}/desk/workplan/take/")
    page.set_input_files("input[type=file]", ROOT / "tests" / "engines" / "plans" / "plan-2023.txt")
    page.click("button[name=read]")
    page.click("button[name=take]")
    page.wait_for_url("**/desk/workplan/")
    _shoot(page, "/desk/leader/", "leader", 2)
    page.goto(f"{HERE}/desk/workplan/")
    _shoot(page, page.get_by_text("加强抗震基础设施建设").first.get_attribute("href"), "plan", 2)


def _signed_in(browser: Browser, accounts: dict[str, str], name: str, width: int, height: int) -> Page:
    page = browser.new_context(viewport={"width": width, "height": height}).new_page()
    page.goto(f"{HERE}/sign-in/")
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", accounts[name])
    page.press("input[name=password]", "Enter")
    page.wait_for_url(lambda url: "sign-in" not in url)
    return page


def _shoot(page: Page, path: str, name: str, settle_s: float) -> None:
    page.goto(HERE + path, wait_until="domcontentloaded")
    page.wait_for_timeout(int(settle_s * 1000))
    page.screenshot(path=OUT / f"{name}.png")
    print(name, flush=True)


if __name__ == "__main__":
    sys.exit(main())
