"""The clock's process beside the pages is begun again, also when the machine had nothing left to begin it with."""

import os
import signal
import sys
import time

from anlan.faces import beside
from bench.figure import slack


def test_a_process_that_could_not_be_begun_is_begun_later(monkeypatch):
    monkeypatch.setattr(beside, "AGAIN_S", 0.05)
    clock = beside.Beside()
    clock.start()
    first = clock.process.pid
    try:
        with monkeypatch.context() as poor:
            poor.setattr(sys, "executable", "/nowhere/python")
            os.kill(first, signal.SIGKILL)
            time.sleep(0.5)
            assert clock.keeper.is_alive() and clock.process.pid == first
        end = time.monotonic() + 5 * slack()
        while clock.process.pid == first and time.monotonic() < end:
            time.sleep(0.05)
        assert clock.process.pid != first and clock.process.poll() is None
    finally:
        clock.close()
    assert clock.process.poll() is not None
