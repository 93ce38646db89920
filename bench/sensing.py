"""The sensing network: the judging loop, reading bodies, silence and restart at a million sensors, and the whole job over HTTP.

The loop has every kind of rule on: four upper and four lower levels with deadband and hold times, rate, stuck, bad quality,
silence; one reading in a hundred is at a level. Against: the numpy twin, which tells the same events (checked here), and
`orjson.loads` of the same bodies. The whole job is 50 000 sensors at one reading a second, five bodies of 10 000 rows at a
time, stored and judged before each is answered; its processor time is that of the city's pages process.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import orjson

from anlan.engines.sense import decode, groups, judge, layout, net, twin
from anlan.engines.sense.decode import fast

from . import network
from .city import City
from .figure import Figure, percentile

SENSORS, MANY = 50_000, 1_000_000
AT_ONCE = 10_000
TIMES = 5
SECONDS = 20
START = 1_790_000_000_000


def measure(planted: City, box: Path, seconds: int = SECONDS) -> list[Figure]:
    return [*_loop(), *_bodies(), *_many(), *_again(planted, box), *_whole(planted, box, seconds)]


# ── the loop ────────────────────────────────────────────────────────────────────────────────────────────────


def _table(n: int = 32) -> Any:
    table, rng = layout.profiles(n), np.random.default_rng(7)
    base = rng.uniform(25, 40, n)[:, None]
    table["up"], table["down"] = base + np.array([0, 3, 6, 9.0]), -base - np.array([0, 3, 6, 9.0])
    table["up_clear"], table["down_clear"] = table["up"] - 0.5, table["down"] + 0.5
    table["hold_up"], table["hold_down"] = rng.choice([0, 2000, 5000], (n, 1)), 10_000
    table["rate"], table["rate_hold"], table["stuck_ms"], table["bad_n"], table["offline_ms"] = 15, 10_000, 600_000, 3, 120_000
    table["low"], table["high"] = -1000, 1000
    return layout.sealed(table)


def _state(sensors: int) -> layout.State:
    state = layout.fresh(sensors, START)
    state.hot["profile"] = np.random.default_rng(3).integers(0, 32, sensors)
    return state


def _batches(sensors: int, rounds: int, size: int) -> list[tuple[Any, Any, Any, int]]:
    """Each round every sensor reads once, in random order; one reading in a hundred is at a level."""
    rng, found = np.random.default_rng(11), []
    for k in range(rounds):
        order = rng.permutation(sensors).astype(np.int32)
        value = rng.normal(10, 1.5, sensors)
        hot = rng.random(sensors) < 0.01
        value[hot] += rng.uniform(15, 40, hot.sum())
        at = START + k * 1000 + np.sort(rng.integers(0, 1000, sensors))
        found += [(order[a : a + size], at[a : a + size], value[a : a + size], START + k * 1000 + 1000) for a in range(0, sensors, size)]
    return found


def _loop() -> list[Figure]:
    table, batches = _table(), _batches(SENSORS, 20, AT_ONCE)
    judge.judge(_state(10), table, *(np.empty(0, kind) for kind in ("i4", "i8", "f8")), 0)
    quick, told = _judged(judge.judge, table, batches)
    slow, same = _judged(twin.judge, table, batches)
    if repr(told) != repr(same):
        raise RuntimeError("the loop and its twin tell different events")
    return [
        Figure(f"a reading judged, {SENSORS} sensors, all rules", quick * 1e9, "ns", 40, slow * 1e9, "numpy twin"),
        Figure("events told meanwhile, equal in both", len(told), "events"),
    ]


def _judged(way: Any, table: Any, batches: Any) -> tuple[float, list[Any]]:
    """(seconds of a reading at best, the events)."""
    best, told = 9e9, []
    for _ in range(TIMES if way is judge.judge else 1):
        state, told, took = _state(SENSORS), [], 0.0
        for channel, at, value, now in batches:
            began = time.perf_counter()
            _, events = way(state, table, channel, at, value, now)
            took += time.perf_counter() - began
            told += events.tolist()
        best = min(best, took / sum(len(b[0]) for b in batches))
    return best, told


# ── bodies ──────────────────────────────────────────────────────────────────────────────────────────────────


def _bodies() -> list[Figure]:
    names = decode.Names({code: n + 1 for n, code in enumerate(network.codes(SENSORS))})
    rng, codes = np.random.default_rng(1), list(names.ids)
    picked = [codes[n] for n in rng.integers(0, SENSORS, AT_ONCE)]
    times, values = (START / 1000 + np.sort(rng.integers(0, 1000, AT_ONCE)) / 1000).tolist(), rng.normal(20, 5, AT_ONCE).round(2).tolist()
    rows = orjson.dumps({"readings": [{"sensor": c, "time": t, "value": v} for c, t, v in zip(picked, times, values, strict=True)]})
    columns = orjson.dumps({"sensor": picked, "time": times, "value": values})
    found = []
    for what, body in (("rows", rows), ("columns", columns)):
        if fast.read(body, names) is None:
            raise RuntimeError(f"{what} are not read by the compiled reader")
        one, peer = _best(lambda body=body: fast.read(body, names)), _best(lambda body=body: orjson.loads(body))
        found.append(Figure(f"a reading read from JSON {what}", one / AT_ONCE * 1e9, "ns", None, peer / AT_ONCE * 1e9, "orjson.loads alone"))
    return found


def _best(work: Any, times: int = 20) -> float:
    best = 9e9
    for _ in range(times):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best


# ── a million ───────────────────────────────────────────────────────────────────────────────────────────────


def _many() -> list[Figure]:
    table = _table()
    key = np.arange(1, MANY + 1, dtype=np.int64) << 32
    plan = net.Plan(key, MANY, np.random.default_rng(3).integers(0, 32, MANY).astype(np.int32), table)
    machine = net.Machine(plan, START)
    ids = (key >> 32).astype(np.int32)
    for k in range(2):
        machine.apply(ids, np.full(MANY, START + k * 1000), np.full(MANY, 10.0 + k), START + k * 1000)
    kept = machine.dump()
    behind = [(ids[a : a + AT_ONCE], np.full(AT_ONCE, START + 3000), np.full(AT_ONCE, 12.0)) for a in range(0, MANY, AT_ONCE)]

    def restart() -> None:
        again = net.Machine.load(kept, plan)
        for sensor, at, value in behind:
            again.apply(sensor, at, value, START + 3000)

    scan = _best(lambda: groups.silent(machine.state, plan.offline_ms, START + 60_000), 10)
    copy = _best(lambda: machine.state.heard.copy(), 10)
    return [
        Figure("restart of 1 M sensors: snapshot, and 1 M readings behind it", _best(restart, 3), "s", 5),
        Figure("1 M sensors looked at for silence", scan * 1000, "ms", 10, copy * 1000, "one copy of their times"),
    ]


def _again(planted: City, box: Path) -> list[Figure]:
    """A city that is killed and begun again; what the first start of all compiles is there already."""
    city = planted.copy(box / "million")
    head = {"Authorization": f"Bearer {network.plant(city, MANY, network.limits())}"}
    took = []
    for _ in range(3):
        at = datetime.now(UTC).timestamp()
        body = orjson.dumps({"sensor": network.codes(AT_ONCE), "time": [round(at, 3)] * AT_ONCE, "value": [10.0] * AT_ONCE})
        began = time.perf_counter()
        with city.open("--no-replay") as server:
            answer = httpx.post(f"{server.address}/ingest/", content=body, headers=head, timeout=60)
            answer.raise_for_status()
            took.append(time.perf_counter() - began)
            server.kill()
        if answer.json()["accepted"] != AT_ONCE:
            raise RuntimeError(answer.text[:200])
    return [
        Figure("1 M sensors: from the start of the process to the first batch judged", max(took[1:]), "s", 5),
        Figure("the same, where nothing was compiled before", took[0], "s"),
    ]


# ── the whole job ───────────────────────────────────────────────────────────────────────────────────────────


def _whole(planted: City, box: Path, seconds: int) -> list[Figure]:
    city = planted.copy(box / "sensing")
    token = network.plant(city, SENSORS, network.limits())
    with city.open("--no-replay") as server, ThreadPoolExecutor(5) as pool:
        clients = [httpx.Client(base_url=server.address, timeout=60) for _ in range(5)]
        head = {"Authorization": f"Bearer {token}"}
        rng, took, count = np.random.default_rng(5), [], 0

        def send(n: int, body: bytes) -> float:
            began = time.perf_counter()
            answer = clients[n].post("/ingest/", content=body, headers=head)
            answer.raise_for_status()
            if answer.json()["accepted"] != AT_ONCE:
                raise RuntimeError(answer.text[:200])
            return time.perf_counter() - began

        for second in range(seconds + 2):
            if second == 2:  # the first two compile and warm
                began, spent, count, took = time.perf_counter(), _cpu(server.process.pid), 0, []
            bodies = _bodies_of(rng, datetime.now(UTC).timestamp())
            took += list(pool.map(send, range(5), bodies))
            count += SENSORS
        whole, cpu = time.perf_counter() - began, _cpu(server.process.pid) - spent
        for client in clients:
            client.close()
    kept = city.one("select sum(kept) from sensing_batch where world_id = 1")
    return [
        Figure("readings taken in a second over HTTP, stored and judged", count / whole, "1/s"),
        Figure("processor time of a million readings over HTTP", cpu / count * 1e6, "s"),
        Figure(f"a body of {AT_ONCE} answered, p99", percentile(took, 0.99) * 1000, "ms"),
        Figure("readings lost", count + 2 * SENSORS - kept, "readings", 0),
    ]


def _bodies_of(rng: Any, at: float) -> list[bytes]:
    order, values = rng.permutation(SENSORS), rng.normal(10, 1.5, SENSORS).round(2).tolist()
    codes = network.codes(SENSORS)
    rows = [{"sensor": codes[n], "time": round(at, 3), "value": v} for n, v in zip(order.tolist(), values, strict=True)]
    return [orjson.dumps({"readings": rows[a : a + AT_ONCE]}) for a in range(0, SENSORS, AT_ONCE)]


def _cpu(pid: int) -> float:
    """Processor seconds of a process."""
    parts = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")
