"""The clock's process beside the pages: begun with them, begun again when it dies, ended with them.

Two processes and not two threads: Python runs one thread at a time, and a storm's due rows would hold up five hundred
open screens. The pipe to its standard input is what ties it to this process: it ends when the pipe does.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading

log = logging.getLogger(__name__)
AGAIN_S = 1.0
END_S = 5.0


class Beside:
    """One such process and the thread that waits for it."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.process = self._begin()
        self.keeper = threading.Thread(target=self._keep, name="beside", daemon=True)

    def start(self) -> None:
        self.keeper.start()

    def _begin(self) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-m", "anlan.cli", "work", "--beside"]
        return subprocess.Popen(words, stdin=subprocess.PIPE, start_new_session=True)

    def _keep(self) -> None:
        while True:
            code = self.process.wait()
            if self.stop.is_set():
                return
            log.error("the clock's process ended with %s and is begun again", code)
            while not self._again():
                if self.stop.is_set():
                    return

    def _again(self) -> bool:
        """Begin it once more after a pause; False when the house closes or the machine has nothing left to begin it with."""
        if self.stop.wait(AGAIN_S):
            return False
        try:
            self.process = self._begin()
        except OSError:
            log.exception("the clock's process could not be begun")
            return False
        return True

    def close(self) -> None:
        """End it; it finishes the row it is at."""
        self.stop.set()
        if self.process.stdin:
            self.process.stdin.close()
        try:
            self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
