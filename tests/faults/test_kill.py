"""Real processes are killed at random moments; afterwards the city's history is what it would have been."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from anlan.kernel.clock.lease import alive
from bench import storm
from bench.figure import slack

pytestmark = [pytest.mark.faults, pytest.mark.slow]
KILLS, ROWS = 4, 1600
RESTART_S = 6.0
"""Twice what is promised and measured by `python -m bench start`; more on a machine that is busy otherwise."""


def test_a_replay_killed_on_its_way_ends_as_one_that_was_not(planted, evening, tmp_path):
    """The storm's first evening. `python -m bench kills` does it all."""
    calm, city = evening, planted.copy(tmp_path / "killed")
    result, came = storm.play_killed(city, KILLS, seed=2022, until=storm.EVENING, rows=ROWS)
    assert came == sorted(came) and len(set(came)) == KILLS and came[-1] < calm.result["timers"]["done"]
    assert result == calm.result and result["answered"] > 1000 and result["orders"]["given"] > 50
    assert result["timers"]["doubled"] == 0 and set(storm.doubles(city).values()) == {0}
    assert storm.footprint(city) == storm.footprint(calm.city)
    assert city.verify()["ok"]


def test_the_running_city_is_back_soon_after_a_kill_and_the_replay_goes_on(planted, tmp_path):
    city, rng = planted.copy(tmp_path / "home"), random.Random(7)
    with city.open(speed=3000) as server:
        seen = ""
        for _ in range(2):
            server.until(lambda seen=seen: step(city) > seen)
            time.sleep(rng.uniform(0.2, 1.5))
            server.kill()
            seen = step(city)
            assert server.start() <= RESTART_S * slack()
        server.until(lambda: step(city) > seen)
        with server.visitor() as client:
            assert client.get("/").status_code == 200
    assert city.one("select count(*) from worlds_world where kind = 'replay'") == 1
    assert set(storm.doubles(city).values()) == {0}
    assert overtaken(city) == 0
    assert city.one("pragma integrity_check") == "ok" and city.verify()["ok"]


def test_the_clock_beside_the_pages_is_begun_again_when_it_dies_and_ends_with_them(planted, tmp_path):
    city = planted.copy(tmp_path / "home")
    with city.open(speed=3000) as server:
        server.until(lambda: step(city) > "2022-09-14 08:10")
        first = clock_of(server)
        os.kill(first, signal.SIGKILL)
        seen = step(city)
        server.until(lambda: clock_of(server) not in (0, first))
        server.until(lambda: step(city) > seen)
        second = clock_of(server)
        server.kill()
        end = time.monotonic() + 10 * slack()
        while alive(second) and time.monotonic() < end:
            time.sleep(0.05)
        assert not alive(second), "the clock's process outlived the pages that began it"
    assert set(storm.doubles(city).values()) == {0}
    assert overtaken(city) == 0


def clock_of(server) -> int:
    """The process that the running city keeps beside it; 0 while there is none."""
    rows = Path(f"/proc/{server.process.pid}/task").glob("*/children")
    return next((int(pid) for row in rows for pid in row.read_text().split()), 0)


def step(city) -> str:
    return city.one("select step from worlds_world where kind = 'replay'")


def overtaken(city) -> int:
    """Rows that the replay's time has passed without working them."""
    return city.one(
        "select count(*) from clock_due d join worlds_world w on w.id = d.world_id "
        "where w.kind = 'replay' and d.done_at is null and not d.dropped and d.run_at < w.step"
    )
