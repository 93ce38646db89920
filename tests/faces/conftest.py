"""A running city and a phone's browser for the tests of the faces."""

from collections.abc import Iterator
from typing import Any

import pytest

from bench.city import City, Server

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)


@pytest.fixture(scope="session")
def city_server(planted: City, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The demo city without replay, running in a process of its own: ``.address``, ``.city.passwords[role]``."""
    with planted.copy(tmp_path_factory.mktemp("faces") / "home").open("--no-replay") as server:
        yield server


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    """The system's Chromium, driven by playwright, whose event loop ends with the module: others use the database."""
    from playwright.sync_api import sync_playwright

    try:
        played = sync_playwright().start()
    except Exception as fault:  # playwright raises no narrower one
        pytest.skip(f"the browser's driver does not start ({fault}); on Debian it needs libatomic1")
    opened = played.chromium.launch(executable_path=chromium, args=FLAGS.split())
    yield opened
    opened.close()
    played.stop()
