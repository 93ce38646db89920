"""Nothing leaves this machine: neither the tests nor the city as a newcomer runs it."""

import os
import subprocess
import sys
import time

import pytest

import outbound

TRY = "import socket; socket.create_connection(('192.0.2.1', 9), timeout=1)"


@pytest.mark.slow
def test_the_city_as_a_newcomer_runs_it_tries_no_connection_to_another_host(planted, tmp_path):
    before = outbound.tries()
    with planted.copy(tmp_path / "home").open() as server, server.visitor("duty_officer") as client:
        end = time.monotonic() + 8
        while time.monotonic() < end:
            for path in ("/", "/desk/", "/screen/", "/r/"):
                assert client.get(path).status_code == 200
            time.sleep(1)
    assert outbound.tries() == before


def test_a_process_that_the_tests_start_cannot_reach_another_host_and_the_try_is_written_down(tmp_path):
    record = tmp_path / "tries.txt"
    tried = subprocess.run([sys.executable, "-c", TRY], env={**os.environ, outbound.RECORD: str(record)}, capture_output=True)
    assert tried.returncode and b"nothing may leave this machine" in tried.stderr
    assert "192.0.2.1" in record.read_text()
