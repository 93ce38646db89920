"""What every test stands on: a data folder of its own, no way out of this machine, and real servers where they are."""

import fcntl
import gc
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import django
import psycopg
import pytest
from whitenoise.middleware import WhiteNoiseMiddleware
from xdist.scheduler import LoadScopeScheduling

import outbound
from bench import storm
from bench.city import City

IN_CI = os.environ.get("ANLAN_CI") == "1"
IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ
SKIPPED: list[str] = []

SHARE, SHARES = "ANLAN_TEST_SHARED", "ANLAN_TEST_SHARED" in os.environ
"""The folder of what is made once for all workers; the first process makes it and takes it away."""

# Before Django reads its settings: no test, and no process that it starts, may meet a developer's own city.
for name in ("ANLAN_DB", "ANLAN_BUS", "ANLAN_PORT"):
    os.environ.pop(name, None)
os.environ["ANLAN_HOME"] = tempfile.mkdtemp(prefix="anlan-tests-")
os.environ.setdefault(SHARE, tempfile.mkdtemp(prefix="anlan-shared-") if not SHARES else "")
os.environ["DJANGO_SETTINGS_MODULE"] = "anlan.settings"
os.environ.setdefault(outbound.RECORD, os.path.join(os.environ["ANLAN_HOME"], "outbound.txt"))
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(Path(__file__).parent / "guard"), *filter(None, [os.environ.get("PYTHONPATH")])]
)
outbound.watch()
django.setup()

from django.conf import settings as house  # noqa: E402
from django.db import connection  # noqa: E402
from django.test.utils import setup_databases, teardown_databases  # noqa: E402

from anlan.faces import gate  # noqa: E402
from anlan.kernel.clock import beats  # noqa: E402
from anlan.kernel.journal import guard  # noqa: E402

house.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # in this process only, where thousands sign in


def pytest_unconfigure() -> None:
    shutil.rmtree(os.environ["ANLAN_HOME"], ignore_errors=True)
    if not SHARES:
        shutil.rmtree(os.environ[SHARE], ignore_errors=True)


# ── what shares something costly is run by one worker ───────────────────────────────────────────────────────

TOGETHER = {
    "tests/rooms/test_replay.py": "storm",
    "tests/faults/test_kill.py::test_a_replay_killed_on_its_way_ends_as_one_that_was_not": "storm",
    "tests/faces/test_keepers_gateways.py::test_a_senders_token_is_shown_once_changed_and_closed": "browser",
    "tests/faces/test_field_browser.py": "browser", "tests/faces/test_desk_browser.py": "browser", "tests/faces/test_desk_print.py": "browser",
}  # fmt: skip


class Together(LoadScopeScheduling):
    """By file or test, and not by pytest-xdist's marks, which it loses under pytest 9.2."""

    def _split_scope(self, nodeid: str) -> str:
        return TOGETHER.get(nodeid) or TOGETHER.get(nodeid.partition("::")[0], nodeid)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins early, so that no worker stands idle beside the last of it."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish() -> None:
    """As ``anlan`` itself: the collector need not walk through all that was loaded, again and again."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


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


# ── what takes long to make is made once ────────────────────────────────────────────────────────────────────


def made_once(name: str, make: Callable[[Path], None]) -> Path:
    """A file or folder that is for all workers: whoever needs it first makes it, the others wait. To be copied, not changed."""
    path = Path(os.environ[SHARE]) / name
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            make(part := path.with_suffix(".part"))
            part.rename(path)
    return path


@pytest.fixture(autouse=True, scope="session")
def found_once() -> None:
    """The static files are looked for by the first client of a process, and not by each of a thousand."""
    look, found = WhiteNoiseMiddleware.add_files_from_finders, {}

    def once(self: WhiteNoiseMiddleware) -> None:
        if not found:
            look(self)
            found.update(self.files)
        self.files.update(found)

    WhiteNoiseMiddleware.add_files_from_finders = once


@pytest.fixture(scope="session")
def tables(django_test_environment, django_db_modify_db_settings, django_db_blocker) -> Path:
    """A database of every table, as the migrations make it. Copy it."""

    def lay(path: Path) -> None:
        made = setup_databases(verbosity=0, interactive=False, serialized_aliases=[])
        with connection.cursor() as cursor:
            cursor.execute("vacuum into %s", [str(path)])
        teardown_databases(made, verbosity=0)

    with django_db_blocker.unblock():
        return made_once("tables.sqlite3", lay)


@pytest.fixture(scope="session")
def django_db_setup(tables: Path, django_db_blocker) -> Iterator[None]:
    """In place of pytest-django's own: each worker's database is a copy of what one of them has made."""
    shutil.copyfile(tables, connection.settings_dict["TEST"]["NAME"])
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False, serialized_aliases=[], keepdb=True)
    yield
    with django_db_blocker.unblock():
        teardown_databases(made, verbosity=0)


@pytest.fixture
def laid_home(tables: Path, tmp_path: Path) -> Path:
    """A data folder whose database has its tables, for processes that a test starts."""
    shutil.copyfile(tables, tmp_path / "anlan.sqlite3")
    return tmp_path


# ── what a process remembers, though each test begins with fresh tables ─────────────────────────────────────


@pytest.fixture(autouse=True)
def nobody_remembered() -> None:
    """Grants are remembered by account for seconds, and the next test's accounts have the same keys; signs of life are written
    once in seconds, and their table is empty again."""
    gate.forget()
    beats._last.clear()


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
def planted(tables: Path) -> City:
    """The demo city as `anlan setup` writes it. Copy it; do not run it."""

    def plant(path: Path) -> None:
        (path / "home").mkdir(parents=True)
        shutil.copyfile(tables, path / "home" / "anlan.sqlite3")
        (path / "passwords.json").write_text(json.dumps(City(path / "home").plant().passwords))

    path = made_once("planted", plant)
    return City(path / "home", json.loads((path / "passwords.json").read_text()))


@pytest.fixture(scope="session")
def evening(planted: City, tmp_path_factory: pytest.TempPathFactory) -> storm.Run:
    """The storm's first evening: readings, the first calls with their ladder, orders. Copy its city; do not run it."""
    run = storm.Run(planted.copy(tmp_path_factory.mktemp("evening") / "home"), until=storm.EVENING)
    assert run.result
    return run


@pytest.fixture(scope="session")
def whole(evening: storm.Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[storm.Run]:
    """The replay to its end, taken up where that evening left it."""
    city = evening.city.copy(tmp_path_factory.mktemp("whole") / "home")
    run = storm.Run(city, resume=city.one(storm.WORLD))
    yield run
    if run.process.poll() is None:
        run.process.kill()
