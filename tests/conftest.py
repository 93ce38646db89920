"""What every test stands on: a data folder of its own, no way out of this machine, and real servers where they are."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import django
import psycopg
import pytest
from xdist.scheduler import LoadScopeScheduling

import outbound
from bench import storm
from bench.city import City

IN_CI = os.environ.get("ANLAN_CI") == "1"
IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ
SKIPPED: list[str] = []

# Before Django reads its settings: no test, and no process that it starts, may meet a developer's own city.
for name in ("ANLAN_DB", "ANLAN_BUS", "ANLAN_PORT"):
    os.environ.pop(name, None)
os.environ["ANLAN_HOME"] = tempfile.mkdtemp(prefix="anlan-tests-")
os.environ["DJANGO_SETTINGS_MODULE"] = "anlan.settings"
os.environ.setdefault(outbound.RECORD, os.path.join(os.environ["ANLAN_HOME"], "outbound.txt"))
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(Path(__file__).parent / "guard"), *filter(None, [os.environ.get("PYTHONPATH")])]
)
outbound.watch()
django.setup()

from django.db import connection  # noqa: E402

from anlan.faces import gate  # noqa: E402
from anlan.kernel.journal import guard  # noqa: E402


def pytest_unconfigure() -> None:
    shutil.rmtree(os.environ["ANLAN_HOME"], ignore_errors=True)


# ── what shares something costly is run by one worker ───────────────────────────────────────────────────────

TOGETHER = {
    "tests/rooms/test_replay.py": "storm",
    "tests/faces/test_field_browser.py": "browser", "tests/faces/test_desk_browser.py": "browser", "tests/faces/test_desk_print.py": "browser",
}  # fmt: skip


class Together(LoadScopeScheduling):
    """By file, and not by pytest-xdist's marks, which it loses under pytest 9.2."""

    def _split_scope(self, nodeid: str) -> str:
        return TOGETHER.get(nodeid.partition("::")[0], nodeid)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins early, so that no worker stands idle beside the last of it."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    return Together(config, log)


# ── a green run means what it says ──────────────────────────────────────────────────────────────────────────


def _note_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):  # what is expected to fail has run
        SKIPPED.append(report.nodeid)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _note_skip(report)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    _note_skip(report)


def _breaches() -> list[str]:
    unrun = [f"skipped, though nothing may be skipped here: {one}" for one in SKIPPED] if IN_CI else []
    return unrun + [f"tried to leave this machine: {one}" for one in outbound.tries()]


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not IS_WORKER and _breaches():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    breaches = _breaches()
    if breaches:
        terminalreporter.section("the run fails, whatever its tests say", red=True)
        for line in breaches:
            terminalreporter.line(line)


# ── what a process remembers, though each test begins with fresh tables ─────────────────────────────────────


@pytest.fixture(autouse=True)
def nobody_remembered() -> None:
    """Grants are remembered by account for seconds, and the next test's accounts have the same keys."""
    gate.forget()


@pytest.fixture
def guarded_again(django_db_setup, django_db_blocker):
    """The journal's guard stands again after a test whose database had to be emptied."""
    yield
    with django_db_blocker.unblock(), connection.schema_editor() as editor:
        guard.put_up(None, editor)


# ── servers and the browser: real ones, or the test says why it did not run ─────────────────────────────────


@pytest.fixture
def pg_url() -> Iterator[str]:
    """The address of a fresh, empty database on the PostgreSQL server that ANLAN_TEST_PG names."""
    server = os.environ.get("ANLAN_TEST_PG", "")
    if not server:
        pytest.skip("ANLAN_TEST_PG names no PostgreSQL server")
    name = f"anlan_{uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"create database {name}")
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
        admin.execute(f"drop database {name} with (force)")


@pytest.fixture(scope="session")
def nats_url() -> str:
    """The address of the NATS server (JetStream on) that ANLAN_TEST_NATS names."""
    return os.environ.get("ANLAN_TEST_NATS") or pytest.skip("ANLAN_TEST_NATS names no NATS server")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the system's Chromium."""
    names = [os.environ.get("ANLAN_TEST_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"]
    found = next(filter(None, (shutil.which(name) for name in names if name)), None)
    return found or pytest.skip("no Chromium: none on the PATH, and ANLAN_TEST_CHROMIUM names none")


# ── one storm for all: a planted city to copy, and the replay run once to its end ───────────────────────────


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> City:
    """The demo city as `anlan setup` writes it. Copy it; do not run it."""
    return City(tmp_path_factory.mktemp("planted") / "home").plant()


@pytest.fixture(scope="session")
def whole(planted: City, tmp_path_factory: pytest.TempPathFactory) -> Iterator[storm.Run]:
    """A replay begun at first use, so that tests that only compare with it run beside it."""
    run = storm.Run(planted.copy(tmp_path_factory.mktemp("whole") / "home"))
    yield run
    if run.process.poll() is None:
        run.process.kill()
