"""A full disk and a locked database: a clear answer meanwhile, nothing broken, and work again as soon as it can be."""

import resource
import sqlite3
import time
from contextlib import closing

import pytest

from bench import storm

from .test_kill import overtaken, step

pytestmark = [pytest.mark.faults, pytest.mark.slow]
NO_BYTE_MORE = 0
HELD_S = 5.0


@pytest.fixture
def city(planted, tmp_path):
    return planted.copy(tmp_path / "home")


@pytest.fixture
def token(city):
    return city.do("gateway", "add", "probe").strip()


def send(server, token, value=1.5):
    """One reading of one gauge, as a gateway sends it."""
    with server.visitor() as client:
        now = client.get("/health").headers["date"]
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.strptime(now, "%a, %d %b %Y %H:%M:%S %Z"))
        batch = {"readings": [{"sensor": "R001.rain", "time": at, "value": value}]}
        return client.post("/ingest/", json=batch, headers={"Authorization": f"Bearer {token}"})


def sign_in(server, city):
    with server.visitor() as client:
        client.get("/sign-in/")
        form = {"username": "duty_officer", "password": city.passwords["duty_officer"]}
        return client.post("/sign-in/", data={**form, "csrfmiddlewaretoken": client.cookies["csrftoken"]})


def sound(city):
    """Nothing is broken in the file, in the journal, or in what was done."""
    return city.one("pragma integrity_check") == "ok" and city.verify()["ok"] and set(storm.doubles(city).values()) == {0}


def test_on_a_full_disk_people_read_on_and_are_told_what_was_not_saved(city, token):
    with city.open() as server:
        before = step(city)
        server.until(lambda: step(city) > before)
        fill(server)
        time.sleep(1.0)
        with server.visitor() as client:
            wall = client.get("/")
            assert wall.status_code == 200 and "回放" in wall.text
        refused = send(server, token)
        assert refused.status_code == 429 and "未入库" in refused.json()["error"]
        page = sign_in(server, city)
        assert page.status_code == 503 and "没有保存" in page.text
        assert city.passwords["duty_officer"] not in page.text
        fill(server, resource.RLIM_INFINITY)
        halted = step(city)
        server.until(lambda: send(server, token).status_code == 200)
        server.until(lambda: step(city) > halted)
        assert sign_in(server, city).status_code == 200
        server.until(server.healthy)
    assert city.one("select sum(kept) from sensing_batch where world_id = 1") >= 1
    assert overtaken(city) == 0 and sound(city)


def fill(server, most=NO_BYTE_MORE):
    """Let every write of the process beyond so many bytes of a file fail, as on a disk without room."""
    _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (most, hard))


def test_a_locked_database_is_waited_for_and_gateways_are_asked_to_come_again(city, token):
    with city.open() as server:
        assert send(server, token).status_code == 200
        with closing(sqlite3.connect(city.home / "anlan.sqlite3", timeout=30, isolation_level=None)) as other:
            other.execute("begin immediate")
            held, began = step(city), time.monotonic()
            answer = send(server, token, 2.5)
            assert answer.status_code == 429 and answer.headers["retry-after"] == "2"
            assert time.monotonic() - began < HELD_S
            with server.visitor() as client:
                assert client.get("/").status_code == 200 and client.get("/health").status_code == 200
            time.sleep(max(0.0, began + HELD_S - time.monotonic()))
            assert step(city) == held
            other.execute("rollback")
        server.until(lambda: send(server, token, 2.5).status_code == 200, 5)
        server.until(lambda: step(city) > held)
        server.until(server.healthy)
        late = city.one("select count(*) from clock_due where fault <> ''")
        assert late == 0, "a lock is no fault of the work that waited for it"
    assert overtaken(city) == 0 and sound(city)
