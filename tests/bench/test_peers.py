"""Peers get the same work: their rules mean the same, their wire carries the same, and their processor time is theirs."""

import shutil
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import orjson
import pytest

from anlan.engines.sense import layout, net, twin
from bench import flow, network
from bench.network import Course, Limit
from bench.peers import promql, wire
from bench.peers.process import cpu, running

START = 1_790_000_000_000
SLOTS = {"high": "up", "low": "down"}
MARKS = {"rate": layout.Mark.FAST, "stuck": layout.Mark.STUCK, "quality": layout.Mark.BAD}


def profile(rules: list[Limit]) -> np.ndarray:
    """What the network compiles from these rules."""
    table = layout.profiles(1)
    table["low"], table["high"] = network.LOW, network.HIGH
    for rule in rules:
        if side := SLOTS.get(rule.kind):
            k = layout.LEVELS - rule.level
            table[side][0, k], table[f"{side}_clear"][0, k] = rule.amount, rule.clear
            slot = k if rule.kind == "high" else layout.LEVELS + k
            table["hold_up"][0, slot], table["hold_down"][0, slot] = rule.hold_up_s * 1000, rule.hold_down_s * 1000
        elif rule.kind == "rate":
            table["rate"], table["rate_hold"] = rule.amount / 60, rule.hold_down_s * 1000
        elif rule.kind == "stuck":
            table["stuck_band"], table["stuck_ms"] = rule.amount, rule.hold_up_s * 1000
        elif rule.kind == "quality":
            table["bad_n"] = int(rule.amount)
    return layout.sealed(table)


def standing(rules: list[Limit], values: list[float]) -> list[set[str]]:
    """Second by second, the rules at which the network stands."""
    table, state, found = profile(rules), layout.fresh(1), []
    for k, value in enumerate(values):
        at = START + k * 1000
        twin.judge(state, table, np.zeros(1, np.int32), np.array([at]), np.array([value]), at)
        level, marks = int(state.hot["level"][0]), int(state.hot["marks"][0])
        steps = {f"{'high' if level > 0 else 'low'}{layout.LEVELS - n}" for n in range(abs(level))}
        found.append(steps | {rule.name for rule in rules if marks & MARKS.get(rule.kind, 0)})
    return found


QUIET = [10.0, 11.5]
STORIES = {
    "a spike is shorter than the hold time": [42, 42],
    "a level is told with its third reading": [42, 42, 42],
    "the deadband keeps what is told": [42] * 3 + [39.5] * 14,
    "below the deadband it ends after ten seconds": [42] * 3 + [38.5] * 12,
    "what was never told is not kept by the deadband": [39.5] * 8,
    "two levels, one after the other": [42, 42, 47, 47, 47, 42, 42],
    "the highest ends first": [58] * 4 + [49.5] * 12 + [44.2] * 12,
    "below, as above": [-47] * 4 + [-44.5] * 3 + [-39.5] * 13,
    "a swing renews the time that is waited": [42] * 3 + [10] * 6 + [39.5] * 2 + [10] * 7,
    "a leap is told at once and for ten seconds": [900, 900],
    "nothing moves": [20] * 14,
    "the third bad reading in a row is told": [5000] * 4,
    "two bad readings are not": [5000] * 2 + [10] + [5000] * 2,
}


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not on the PATH (Debian: apt install prometheus)")
@pytest.mark.parametrize("way", [promql.groups, promql.thrifty], ids=["one by one", "thrifty"])
@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_rules_mean_the_same_in_prometheus(story, way, tmp_path):
    rules = [rule for rule in network.limits() if rule.kind not in ("rate", "stuck", "offline")]
    leap = 60 * 500 if max(story) <= network.HIGH else 60 * 9000  # out of range is no change here, and one there
    rules += [Limit("rate", 3, leap, hold_down_s=10), Limit("stuck", 4, hold_up_s=8)]
    values = [*QUIET * 2, *map(float, story), *QUIET * 6]
    test = {
        "rule_files": ["rules.json"],
        "evaluation_interval": "1s",
        "tests": [{"interval": "1s", "input_series": [series(values)], "alert_rule_test": list(expected(rules, values))}],
    }
    (tmp_path / "rules.json").write_bytes(orjson.dumps(way(rules)))
    (tmp_path / "test.json").write_bytes(orjson.dumps(test))
    done = subprocess.run(["promtool", "test", "rules", "test.json"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def series(values):
    return {"series": f'{promql.SERIES}{{sensor="S"}}', "values": " ".join(map(str, values))}


def expected(rules, values):
    told = [rule for rule in rules if promql.alert(rule)]
    for k, names in enumerate(standing(rules, values)):
        for rule in told:
            alerts = [{"exp_labels": {"sensor": "S"}}] if rule.name in names else []
            yield {"eval_time": f"{k}s", "alertname": rule.name, "exp_alerts": alerts}


def test_a_course_ends_what_it_begins_and_is_the_same_whenever_it_is_asked():
    course = Course(400, 40, begun=5)
    values = [course.second(k) for k in range(course.seconds)]
    assert all((value == course.second(k)).all() for k, value in enumerate(values))
    beyond = np.abs(values) >= 39
    assert beyond.any(axis=0).sum() == len(course.who) > 50
    assert not beyond[-Course.REST :].any() and not beyond[:2].any()


def test_the_wire_carries_to_the_machine_what_it_tells_by_itself(tmp_path):
    class Lines:
        told = b""

        def sendall(self, lines):
            self.told += lines

    wire.write_limits(tmp_path / "limits", *flow._network())
    plan, frames = wire.plan(tmp_path / "limits"), flow._frames()[:30]
    sent = b"".join(wire.frame(sensor, START + k * 200, value) for k, (sensor, value) in enumerate(frames)) + wire.END
    lines, alone = Lines(), net.Machine(plan)
    here, there = socket.socketpair()
    with here, there, ThreadPoolExecutor(1) as sender:
        sender.submit(there.sendall, sent)
        wire.work(here, lines, net.Machine(plan), wire.Store(tmp_path / "store", 0, seals=True))
    events = [e for k, (s, v) in enumerate(frames) for e in alone.apply(s, np.full(len(s), START + k * 200), v, START + k * 200).events]
    names = ("channel", "kind", "was", "now", "at")
    assert events and lines.told.decode().splitlines() == [" ".join(str(int(e[name])) for name in names) for e in events]


def test_processor_time_counts_children_and_nobody_else(tmp_path):
    burn = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    parent = f"import subprocess, sys, time\nsubprocess.run([sys.executable, '-c', {burn!r}])\ntime.sleep(60)"
    with running([sys.executable, "-c", parent], tmp_path / "log") as process:
        end = time.monotonic() + 30
        while cpu(process.pid) < 0.3 and time.monotonic() < end:
            time.sleep(0.05)
        assert 0.3 <= cpu(process.pid) < 3
    assert cpu(process.pid) == 0
