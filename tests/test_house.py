"""The house keeps its own rules, and each rule can be broken."""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools import lints

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "anlan/faces/static/vendor"
LOCKS = ("requirements.lock", "requirements-dev.lock")


def test_the_house_keeps_its_lints():
    assert [str(breach) for breach in lints.breaches()] == []


LONG = "def long():\n" + "    pass\n" * 61
BAD_AND_GOOD = [
    (lints.time_from_clock, "anlan/x.py", "at = datetime.now(UTC)", "at = clock.now()"),
    (lints.time_from_clock, "anlan/x.py", "day = datetime.date.today()", "day = clock.now().date()"),
    (lints.time_from_clock, "anlan/x.py", "at = f(default=timezone.now)", "at = timezone.localtime(at)"),
    (lints.time_from_clock, "anlan/x.py", "day = timezone.localdate()", "day = timezone.localdate(at)"),
    (lints.time_from_clock, "anlan/x.py", "lag = time.time()", "lag = time.perf_counter()"),
    (lints.time_from_clock, "anlan/x.py", "from time import time", "from time import monotonic"),
    (lints.time_from_clock, "anlan/x.py", "at = DateTimeField(auto_now_add=True)", "at = DateTimeField()"),
    (lints.time_from_clock, "anlan/x.html", '{% now "Y" %}', "{{ now }}"),
    (lints.no_signals, "anlan/x.py", "from django.db.models.signals import post_save", "from django.db import models"),
    (lints.no_signals, "anlan/x.py", "from django.db.models import signals", "from anlan.engines import signals"),
    (lints.no_signals, "anlan/x.py", "import django.dispatch", "import django"),
    (lints.no_signals, "anlan/x.py", "from django.dispatch import receiver", "import signal"),
    (lints.limits_have_basis, "anlan/x.py", "Limit('open', hours=2)", "Limit('open', basis='art. 9', hours=2)"),
    (lints.limits_have_basis, "anlan/x.py", "Limit('open', '', days=3)", "Limit('open', 'art. 9', days=3)"),
    (lints.limits_have_basis, "anlan/x.py", "Limit('open', basis=' ')", "Limit('open', basis=ARTICLE)"),
    (lints.limits_have_basis, "anlan/x.py", "flow.Limit('open', basis=None)", "flow.Limit(**row)"),
    (lints.chinese_in_strings, "anlan/x.py", "x = 1  # 隐患", "x = '隐患'"),
    (lints.chinese_in_strings, "anlan/x.py", "隐患 = 1", "hazard = 1"),
    (lints.chinese_in_strings, "anlan/x.py", '"""把隐患销号。"""', '"""Close a hazard out (销号)."""'),
    (lints.chinese_in_strings, "tests/x.py", "def f():\n    '''叫应'''", "def f():\n    return '叫应'"),
    (lints.short_enough, "anlan/x.py", "x = 1\n" * 451, "x = 1\n" * 450),
    (lints.short_enough, "anlan/x.py", LONG, "def short():\n    pass"),
    (lints.nothing_from_afar, "anlan/x.html", '<script src="https://cdn.example/x.js">', '<script src="/static/x.js">'),
    (lints.nothing_from_afar, "anlan/x.html", '<img src="//cdn.example/x.png">', '<a href="/list/?a=//b">'),
    (lints.nothing_from_afar, "anlan/x.svg", '<image href="https://cdn.example/x">', '<svg xmlns="http://www.w3.org/x">'),
    (lints.nothing_from_afar, "anlan/x.css", "@import url(//cdn.example/x.css)", "@import url(x.css)"),
    (lints.nothing_from_afar, "tests/x.mjs", 'fetch("http://far.example/a")', 'fetch("http://127.0.0.1:8000/a")'),
]


@pytest.mark.parametrize(("lint", "path", "bad", "good"), BAD_AND_GOOD)
def test_each_lint_sees_what_is_wrong_and_leaves_what_is_right(lint, path, bad, good):
    found = list(lint(lints.Source(path, bad)))
    assert found and str(found[0]).startswith(f"{path}:"), bad
    assert list(lint(lints.Source(path, good))) == [], good


@pytest.mark.parametrize("path", ["anlan/kernel/utils.py", "anlan/common/rows.py", "tools/helpers.py"])
def test_a_name_that_says_nothing_is_refused(path):
    assert list(lints.telling_names(lints.Source(path, "")))
    assert list(lints.telling_names(lints.Source("anlan/kernel/clock/due.py", ""))) == []


def test_the_clock_may_read_the_clock_and_a_room_may_have_a_chinese_title():
    assert list(lints.time_from_clock(lints.Source("anlan/kernel/clock/time.py", "datetime.now(UTC)"))) == []
    assert list(lints.chinese_in_strings(lints.Source("anlan/disaster/flood/__init__.py", '"""防汛防台风"""'))) == []


def test_a_file_that_does_not_parse_is_named_and_not_passed_over():
    assert "does not parse" in str(lints.check(lints.Source("anlan/x.py", "def (:"))[0])


def test_every_lint_that_runs_is_proved_here():
    assert set(lints.LINTS) == {row[0] for row in BAD_AND_GOOD} | {lints.telling_names}


def test_who_imports_whom():
    run = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo"], cwd=ROOT, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_address_and_every_line_has_its_hash(lock):
    text = (ROOT / lock).read_text()
    assert not re.search(r"://|^\s*--(?!hash=sha256:[0-9a-f]{64}\b)|^/|file:", text, re.M)
    for entry in re.split(r"\n(?=\S)", text.strip()):
        assert re.match(r"[\w.-]+(\[[\w,-]+\])?==\S+", entry) and "--hash=sha256:" in entry, entry


def test_the_locks_agree_and_hold_every_wanted_package():
    runtime, tests = (set(re.findall(r"^[\w.-]+==\S+", (ROOT / lock).read_text(), re.M)) for lock in LOCKS)
    assert runtime <= tests
    for wanted, lock in (("requirements.in", runtime), ("requirements-dev.in", tests)):
        names = {pin.partition("==")[0] for pin in lock}
        asked = re.findall(r"^[A-Za-z][\w.-]*", (ROOT / wanted).read_text(), re.M)
        assert asked and {name.lower() for name in asked} <= names


def test_every_make_target_is_explained():
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.M).group(1).split()
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^  make ([a-z-]+) +\w.{10,}$", listed, re.M) == targets


def test_vendored_files_are_those_of_the_table_and_look_for_no_source_map():
    table = dict(re.findall(r"\| (\S+/\S+) \| `([0-9a-f]{64})` \|", (VENDOR / "VERSIONS.md").read_text()))
    files = {path.relative_to(VENDOR).as_posix(): path for path in VENDOR.rglob("*") if path.is_file()}
    assert set(table) == set(files) - {"VERSIONS.md"}
    for name, path in files.items():
        assert name == "VERSIONS.md" or hashlib.sha256(path.read_bytes()).hexdigest() == table[name], name
        assert "# sourceMappingURL=" not in path.read_text(encoding="utf-8"), name


REACH_OUT = "import socket; socket.create_connection(('192.0.2.1', 9), 0.1)"
LOOK_UP = "import socket; socket.getaddrinfo('gateway.example', 80)"
STAY = """
import socket
door = socket.create_server(("127.0.0.1", 0))
socket.create_connection(door.getsockname()).close()
"""


@pytest.mark.parametrize(("deed", "refused"), [(REACH_OUT, True), (LOOK_UP, True), (STAY, False)])
def test_a_process_started_by_a_test_cannot_leave_this_machine_unseen(tmp_path, deed, refused):
    record = tmp_path / "tries"
    environment = os.environ | {"ANLAN_TEST_OUTBOUND": str(record)}
    run = subprocess.run([sys.executable, "-c", deed], env=environment, capture_output=True, text=True)
    assert ("nothing may leave this machine" in run.stderr) is refused, run.stderr
    assert (run.returncode != 0) is refused
    assert record.exists() is refused


INNER = """
import pytest
def test_runs(): assert True
@pytest.mark.skipif(True, reason="no server")
def test_waits(): assert True
"""


@pytest.mark.parametrize(("strict", "code"), [("1", 1), ("", 0)])
def test_a_skipped_test_fails_the_run_where_nothing_may_be_skipped(tmp_path, strict, code):
    (tmp_path / "conftest.py").write_text((ROOT / "tests/conftest.py").read_text())
    (tmp_path / "test_inner.py").write_text(INNER)
    paths = os.pathsep.join([str(ROOT), os.environ["PYTHONPATH"]])
    environment = os.environ | {"ANLAN_CI": strict, "PYTHONPATH": paths}
    environment.pop("PYTEST_XDIST_WORKER", None)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir=."]
    run = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == code, run.stdout + run.stderr
    assert ("skipped, though nothing may be skipped here: test_inner.py::test_waits" in run.stdout) is bool(strict)
