"""Without a compiler the loops themselves are run, slowly, and say the same as their twins."""

import subprocess
import sys

SCRIPT = """
import importlib.util
known = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "numba" else known(name, *more)

import numpy as np
from anlan.engines.sense import compiled, groups, judge, layout, twin

assert not compiled.COMPILED
rng, now, n = np.random.default_rng(3), 1_000_000, 6
table = layout.profiles(1)
table["up"], table["up_clear"] = [10, 20, 30, 40], [9, 19, 29, 39]
table["down"], table["down_clear"] = [-10, -20, -30, -40], [-9, -19, -29, -39]
table["rate"], table["stuck_ms"], table["bad_n"], table["offline_ms"], table["low"], table["high"] = 20, 1500, 2, 3000, -60, 60
table = layout.sealed(table)
near = groups.Neighbours(np.array([0, n]), np.arange(n, dtype=np.int32), np.array([25.0]), np.array([20.0]), np.array([60_000]), np.array([3]))
seen, states = set(), [layout.fresh(n, now), layout.fresh(n, now)]
for k in range(300):
    now += int(rng.choice([200, 900, 4000]))
    channel = rng.integers(0, n, 8).astype(np.int32)
    at, value = now - rng.integers(0, 900, 8), rng.choice([0.0, 5, 12, 25, 35, 45, -15, -35, 70, np.nan], 8)
    told = []
    for way, state in zip((judge.judge, twin.judge), states):
        lost = groups.silent(state, np.full(n, 3000), now)
        fates, events = way(state, table, channel, at, value, now)
        told.append(repr((lost, fates, events, near.compare(state, now), state.peak)))
        seen |= set(events["kind"].tolist())
    assert told[0] == told[1], k
print(sorted(seen))
"""


def test_without_a_compiler_the_loops_say_what_their_twins_say():
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", SCRIPT], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == "[0, 1, 2, 3, 4, 7]", "a level, silence, a standstill, bad readings, a leap, a late one"
