"""Python reads this at its start, so every process that a test starts is guarded as the test itself is."""

import os

import outbound

if outbound.RECORD in os.environ:
    outbound.watch()
