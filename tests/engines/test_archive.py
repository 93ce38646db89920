import csv
import math
import os
import shutil
import threading
from contextlib import contextmanager
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.engines.archive import compact, give_out, manifest, parquet, read, slots, take_in
from anlan.engines.archive.seal import compact_day, compact_month, forget, seal
from anlan.engines.refused import Refused


@pytest.fixture(autouse=True, scope="module")
def no_power_cut():
    """Nothing here cuts the power: what a killed process has written, the system has; to wait for the disk shows nothing more."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
BEGIN = int(datetime(2023, 2, 27, tzinfo=UTC).timestamp()) * 1000
EVER = (0, 2**45)


class Twin:
    """An archive as one would say it aloud: a dict in which the first reading stays."""

    def __init__(self):
        self.held = {}

    def seal(self, rows):
        for sensor, time, value in rows:
            self.held.setdefault((sensor, time), value)

    def raw(self, sensor, start, end):
        return sorted((t, v) for (s, t), v in self.held.items() if s == sensor and start <= t < end)

    def slots(self, sensor, start, end, step):
        found = {}
        for time, value in self.raw(sensor, *EVER):
            found.setdefault(time // step * step, []).append(value)
        return [(t, len(v), min(v), max(v), v[-1], math.fsum(v) / len(v)) for t, v in sorted(found.items()) if start <= t < end]

    def latest_before(self, sensor, at):
        return max(self.raw(sensor, 0, at), default=None)


def put(folder, rows, received=None):
    sensor, time, value = zip(*rows, strict=True)
    return seal(folder, sensor, time, value, received)


def told(folder, sensor, start=EVER[0], end=EVER[1]):
    time, value = read.raw(folder, sensor, start, end)
    return list(zip(time.tolist(), value.tolist(), strict=True))


def told_slots(rows):
    return list(zip(*(c.tolist() for c in (rows.time, rows.count, rows.min, rows.max, rows.last, rows.mean)), strict=True))


def same_slots(found, expected):
    assert [row[:5] for row in found] == [row[:5] for row in expected]
    assert [row[5] for row in found] == pytest.approx([row[5] for row in expected], rel=1e-12, abs=1e-12)


def agree(folder, twin, sensors, spans=(EVER,)):
    for sensor in sensors:
        for start, end in spans:
            assert told(folder, sensor, start, end) == twin.raw(sensor, start, end)
            same_slots(told_slots(read.minutes(folder, sensor, start, end)), twin.slots(sensor, start, end, MINUTE))
            same_slots(told_slots(read.hours(folder, sensor, start, end)), twin.slots(sensor, start, end, HOUR))
            assert read.latest_before(folder, sensor, end) == twin.latest_before(sensor, end)


def files(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.suffix in (".parquet", ".part")}


def listed(folder):
    return {s.path for s in manifest.live(folder)}


times = st.builds(lambda day, minute, ms: BEGIN + day * DAY + minute * MINUTE + ms,
                  st.integers(0, 2), st.sampled_from([0, 1, 59, 60, 1439]), st.sampled_from([0, 1, 999, 59_999]))  # fmt: skip
values = st.one_of(st.integers(-500, 500).map(lambda n: n / 100), st.floats(-1e12, 1e12), st.just(1e300))
batches = st.lists(st.tuples(st.integers(0, 2), times, values), min_size=1, max_size=12)
days = st.integers(0, 2).map(lambda n: date(2023, 2, 27 + n) if n < 2 else date(2023, 3, 1))
moves = st.one_of(batches, batches, days, st.sampled_from(["2", "3"]))
spans = st.tuples(times, times).map(lambda ends: (min(ends), max(ends)))


@settings(max_examples=60, deadline=None)
@given(st.lists(moves, min_size=1, max_size=7), st.lists(spans, max_size=2))
def test_an_archive_says_what_a_dict_says(moves, spans):
    with TemporaryDirectory() as box:
        folder, twin = Path(box), Twin()
        for move in moves:
            if isinstance(move, list):
                put(folder, move)
                twin.seal(move)
            elif isinstance(move, str):
                compact_month(folder, 2023, int(move))
            else:
                compact_day(folder, move)
        agree(folder, twin, range(4), (EVER, *spans))
        assert files(folder) == listed(folder)


@settings(max_examples=30, deadline=None)
@given(batches, st.data())
def test_of_repeats_the_one_received_first_stays(rows, data):
    received = data.draw(st.lists(st.integers(0, 5), min_size=len(rows), max_size=len(rows)))
    twin = Twin()
    twin.seal([row for _, row in sorted(zip(received, rows, strict=True), key=lambda pair: pair[0])])
    with TemporaryDirectory() as box:
        assert put(Path(box), rows, received).rows == len(twin.held)
        agree(Path(box), twin, range(3))


def test_one_row_and_what_its_segment_tells(tmp_path):
    made = put(tmp_path, [(7, BEGIN + 5, 1.25)])
    assert (made.rows, made.first, made.last, made.low, made.high) == (1, BEGIN + 5, BEGIN + 5, 7, 7)
    assert made.path.startswith("raw/2023/02/27/000000-") and made.bytes == (tmp_path / made.path).stat().st_size
    assert len(made.sha256) == 64 and made.decimals == 2
    assert read.latest_before(tmp_path, 7, BEGIN + 6) == (BEGIN + 5, 1.25)
    assert read.latest_before(tmp_path, 7, BEGIN + 5) is None


def test_an_empty_archive_answers_with_nothing(tmp_path):
    agree(tmp_path, Twin(), [0])
    assert compact_day(tmp_path, date(2023, 2, 27)) is False and compact_month(tmp_path, 2023, 12) is False


@pytest.mark.parametrize(
    ("columns", "why"),
    [(([], [], []), "above 0"), (([1], [BEGIN], [math.nan]), "not finite in row 0"), (([1, 1], [BEGIN, BEGIN], [1, math.inf]), "row 1"),
     (([-1], [BEGIN], [1]), "sensor"), (([2**31], [BEGIN], [1]), "sensor"), (([1], [-1], [1]), "time"),
     (([1], [1.5], [1]), "whole numbers"), (([1, 2], [BEGIN], [1]), "one length")],
)  # fmt: skip
def test_bad_rows_are_refused_and_nothing_is_written(tmp_path, columns, why):
    with pytest.raises(ValueError, match=why):
        seal(tmp_path, *columns)
    assert files(tmp_path) == set()


def test_values_come_back_to_the_last_bit(tmp_path):
    odd = [0.1 + 0.2, 1 / 3, 5e-324, -1.7976931348623157e308, 123456789.0123, 12.30000019073486328125, 2.0**60, 0.0]
    for n, column in enumerate([odd, [1.5, 2.25, -0.125], [9007199254740993.0], [0.285, 1.005, 4.35]]):
        put(tmp_path, [(n, BEGIN + k, v) for k, v in enumerate(column)])
        assert [v for _, v in told(tmp_path, n)] == column


def test_sensors_and_times_far_apart_still_sort(tmp_path):
    rows = [(2**31 - 1, BEGIN, 1.0), (0, 0, 2.0), (2**31 - 1, 0, 3.0), (0, 32_000_000_000_000, 4.0)]
    put(tmp_path, rows)
    assert told(tmp_path, 2**31 - 1) == [(0, 3.0), (BEGIN, 1.0)] and told(tmp_path, 0)[-1] == (32_000_000_000_000, 4.0)


def test_late_readings_are_found_by_their_time_and_compacted_into_their_day(tmp_path):
    twin = Twin()
    late = [(1, BEGIN + 10 * MINUTE, 5.0), (1, BEGIN + 70 * MINUTE, 6.0), (1, BEGIN + DAY, 7.0), (2, BEGIN, 8.0)]
    batches = [[(1, BEGIN + k * MINUTE * 10, float(k)) for k in range(6)], late, [(1, BEGIN + 2 * DAY, 9.0)]]
    for rows in batches:
        put(tmp_path, rows)
        twin.seal(rows)
    agree(tmp_path, twin, (1, 2))
    assert compact_day(tmp_path, date(2023, 2, 27)) and not compact_day(tmp_path, date(2023, 2, 27))
    agree(tmp_path, twin, (1, 2))
    straddler = next(s for s in manifest.live(tmp_path) if s.level == "raw" and s.last == BEGIN + DAY)
    assert straddler.spans == ((BEGIN + DAY, BEGIN + DAY + 1),)
    later = [(1, BEGIN + 10 * MINUTE, -1.0), (1, BEGIN + 11 * MINUTE, 1.0)]
    put(tmp_path, later)
    twin.seal(later)
    assert compact_day(tmp_path, date(2023, 2, 27))
    agree(tmp_path, twin, (1, 2))
    assert compact_month(tmp_path, 2023, 2) and not compact_month(tmp_path, 2023, 2)
    agree(tmp_path, twin, (1, 2))
    february = [s for s in manifest.live(tmp_path) if s.within((0, BEGIN + 2 * DAY))]
    assert sorted((s.level, s.whole) for s in february) == [("hour", "month"), ("minute", "month"), ("raw", "day"), ("raw", "day")]


def test_the_same_batch_sealed_again_is_listed_once(tmp_path):
    rows = [(1, BEGIN, 1.0), (1, BEGIN + 1, 2.0)]
    assert put(tmp_path, rows) == put(tmp_path, rows)
    assert len(manifest.live(tmp_path)) == 3
    compact_day(tmp_path, date(2023, 2, 27))
    put(tmp_path, rows)
    assert read.minutes(tmp_path, 1, *EVER).count.tolist() == [2]


def test_batches_whose_minutes_look_alike_are_two(tmp_path):
    put(tmp_path, [(1, BEGIN, 1.0)])
    put(tmp_path, [(1, BEGIN + 1, 1.0)])
    assert read.minutes(tmp_path, 1, *EVER).count.tolist() == read.hours(tmp_path, 1, *EVER).count.tolist() == [2]


def test_a_large_day_becomes_files_of_different_sensors(tmp_path, monkeypatch):
    monkeypatch.setattr(compact, "PART_ROWS", 100)
    twin, random = Twin(), np.random.default_rng(5)
    for hour in range(4):
        draws = zip(random.integers(0, 40, 300).tolist(), random.integers(0, HOUR, 300).tolist(), strict=True)
        rows = [(s, BEGIN + hour * HOUR + t, t % 977 / 100) for s, t in draws]
        put(tmp_path, rows)
        twin.seal(rows)
    compact_day(tmp_path, date(2023, 2, 27))
    parts = sorted((s.low, s.high) for s in manifest.live(tmp_path) if s.level == "raw")
    assert len(parts) > 5 and all(a[1] < b[0] for a, b in pairwise(parts))
    agree(tmp_path, twin, range(41))
    compact_month(tmp_path, 2023, 2)
    agree(tmp_path, twin, range(41))


def test_minutes_outlive_forgotten_readings(tmp_path):
    twin = Twin()
    for rows in ([(1, BEGIN + k, float(k)) for k in range(5)], [(1, BEGIN + 9, 9.0)]):
        put(tmp_path, rows)
        twin.seal(rows)
    assert forget(tmp_path, BEGIN + 5) == 1 and forget(tmp_path, BEGIN + 5) == 0
    assert told(tmp_path, 1) == [(BEGIN + 9, 9.0)]
    for _ in range(2):
        same_slots(told_slots(read.minutes(tmp_path, 1, *EVER)), twin.slots(1, *EVER, MINUTE))
        same_slots(told_slots(read.hours(tmp_path, 1, *EVER)), twin.slots(1, *EVER, HOUR))
        compact_day(tmp_path, date(2023, 2, 27))
    assert forget(tmp_path, BEGIN + DAY) == 1 and read.latest_before(tmp_path, 1, EVER[1]) is None
    assert files(tmp_path) == listed(tmp_path)


class Killed(BaseException):
    pass


@contextmanager
def killed_at(step):
    """The process dies before the step-th of its calls that change a disk."""
    with pytest.MonkeyPatch.context() as patch:
        left = [step]

        def dying(call):
            def one(*args, **words):
                left[0] -= 1
                if left[0] < 0:
                    raise Killed
                return call(*args, **words)

            return one

        patch.setattr(os, "replace", dying(os.replace))
        patch.setattr(os, "fsync", dying(os.fsync))
        patch.setattr(Path, "unlink", dying(Path.unlink))
        yield


EARLIER = [[(s, BEGIN + h * HOUR + s, s + h / 4) for s in range(3)] for h in range(3)] + [[(1, BEGIN + 1, 9.0), (1, BEGIN + 5, 2.0)]]
LATE = [(0, BEGIN + 2 * HOUR, 4.5), (1, BEGIN + 2, 3.0), (2, BEGIN + DAY, 1.0)]
WORKS = {
    "seal": lambda folder: put(folder, LATE),
    "day": lambda folder: compact_day(folder, date(2023, 2, 27)),
    "month": lambda folder: compact_month(folder, 2023, 2),
}


@pytest.mark.parametrize("work", ["seal", "day", pytest.param("month", marks=pytest.mark.slow)])
def test_a_crash_at_any_step_loses_nothing_and_counts_nothing_twice(tmp_path, work):
    twin, whole = Twin(), Twin()
    for rows in EARLIER:
        put(tmp_path / "before", rows)
        twin.seal(rows)
        whole.seal(rows)
    if work == "seal":
        whole.seal(LATE)
    step, done = 0, False
    while not done:
        folder = shutil.copytree(tmp_path / "before", tmp_path / str(step))
        try:
            with killed_at(step):
                WORKS[work](folder)
            done = True
        except Killed:
            pass
        either = whole if told(folder, 2) == whole.raw(2, *EVER) else twin
        agree(folder, either, range(3))
        WORKS[work](folder)
        agree(folder, whole, range(3))
        compact_day(folder, date(2023, 2, 27))
        assert files(folder) == listed(folder)
        step += 1
    assert step > 10


def test_a_compaction_that_was_overtaken_changes_nothing(tmp_path, monkeypatch):
    twin = Twin()
    for rows in EARLIER:
        put(tmp_path, rows)
        twin.seal(rows)
    inner, first = parquet.put, [True]

    def put_after_another(*args):
        if first.pop() if first else False:
            compact_day(tmp_path, date(2023, 2, 27))
        return inner(*args)

    monkeypatch.setattr(parquet, "put", put_after_another)
    with pytest.raises(manifest.Overtaken):
        compact_day(tmp_path, date(2023, 2, 27))
    agree(tmp_path, twin, range(3))
    manifest.sweep(tmp_path)
    assert files(tmp_path) == listed(tmp_path)


def test_what_is_sealed_during_a_compaction_stays(tmp_path, monkeypatch):
    twin = Twin()
    for rows in EARLIER:
        put(tmp_path, rows)
        twin.seal(rows)
    inner, waiting = compact.merged, [LATE]

    def merged_beside_a_seal(*args):
        if waiting:
            put(tmp_path, waiting.pop())
        return inner(*args)

    monkeypatch.setattr(compact, "merged", merged_beside_a_seal)
    compact_day(tmp_path, date(2023, 2, 27))
    assert not waiting, "it was sealed while the day was compacted"
    twin.seal(LATE)
    agree(tmp_path, twin, range(3))


def test_threads_read_while_others_seal_and_compact(tmp_path):
    twin, faults, over = Twin(), [], threading.Event()
    for rows in EARLIER:
        put(tmp_path, rows)
        twin.seal(rows)

    def ask():
        try:
            while not over.is_set():
                assert told(tmp_path, 1, BEGIN, BEGIN + HOUR) == twin.raw(1, BEGIN, BEGIN + HOUR)
                same_slots(told_slots(read.hours(tmp_path, 0, BEGIN, BEGIN + HOUR)), twin.slots(0, BEGIN, BEGIN + HOUR, HOUR))
        except BaseException as fault:
            faults.append(fault)

    readers = [threading.Thread(target=ask) for _ in range(3)]
    for reader in readers:
        reader.start()
    for k in range(12):
        put(tmp_path, [(5, BEGIN + k * HOUR, 1.0), (6, BEGIN + HOUR + k, 1.0)])
        compact_day(tmp_path, date(2023, 2, 27))
    over.set()
    for reader in readers:
        reader.join()
    assert faults == []


def test_a_file_that_is_gone_is_an_error_and_no_gap(tmp_path):
    (tmp_path / put(tmp_path, [(1, BEGIN, 1.0)]).path).unlink()
    with pytest.raises(duckdb.IOException):
        told(tmp_path, 1)


def test_a_lost_list_is_an_error_and_costs_no_file(tmp_path):
    put(tmp_path, [(1, BEGIN, 1.0)])
    held = files(tmp_path)
    (tmp_path / manifest.NAME).rename(tmp_path / "away")
    for work in (WORKS["seal"], WORKS["day"], manifest.sweep, lambda folder: told(folder, 1)):
        with pytest.raises(ValueError, match="is lost"):
            work(tmp_path)
    (tmp_path / manifest.NAME).write_text("{")
    with pytest.raises(ValueError):
        WORKS["day"](tmp_path)
    assert files(tmp_path) == held


def test_the_first_seal_of_all_may_crash_anywhere(tmp_path):
    for step in range(8):
        folder = tmp_path / str(step)
        with pytest.raises(Killed), killed_at(step):
            put(folder, LATE)
        assert told(folder, 0) in ([], [LATE[0][1:]])
        put(folder, LATE)
        compact_day(folder, date(2023, 2, 27))
        assert told(folder, 0) == [LATE[0][1:]] and files(folder) == listed(folder)


def test_slots_of_nothing_are_nothing():
    none = slots.of_readings({"sensor": np.empty(0, np.int32), "time": np.empty(0, np.int64), "value": np.empty(0)}, MINUTE)
    assert len(none["time"]) == len(slots.of_slots(none)["time"]) == len(slots.reconciled(none, none)["time"]) == 0


# ── for others and from others ──────────────────────────────────────────────────────────────────────────────

NAMES = {1: "沙子口,雨量", 0: "它's"}


@pytest.mark.parametrize(("kind", "take"), [("csv", take_in.read_csv), ("parquet", take_in.read_parquet)])
def test_what_is_given_out_can_be_taken_in(tmp_path, monkeypatch, kind, take):
    monkeypatch.setattr(give_out, "TOGETHER_ROWS", 2)
    for rows in EARLIER:
        put(tmp_path, rows)
    path = tmp_path / f"out.{kind}"
    assert give_out.export(tmp_path, NAMES, BEGIN, BEGIN + DAY, path, kind) == 7
    chunks = list(take(path, {name: sensor for sensor, name in NAMES.items()}, rows=3))
    assert [c.lines for c in chunks] == [3, 3, 1] and not any(c.faults for c in chunks)
    assert np.concatenate([c.sensor for c in chunks]).tolist() == [1] * 4 + [0] * 3
    for sensor in NAMES:
        mine = [(t, v) for c in chunks for s, t, v in zip(c.sensor.tolist(), c.time.tolist(), c.value.tolist(), strict=True) if s == sensor]
        assert mine == told(tmp_path, sensor)
    assert sorted(p.name for p in tmp_path.iterdir() if "out" in p.name) == [path.name]


def test_a_given_out_csv_opens_in_excel(tmp_path):
    put(tmp_path, [(1, BEGIN + 1500, 1.5)])
    give_out.export(tmp_path, NAMES, *EVER, tmp_path / "out.csv", "csv")
    text = (tmp_path / "out.csv").read_text(encoding="utf-8")
    assert text == '\ufeffsensor,time,value\n"沙子口,雨量",2023-02-27T08:00:01.500+08:00,1.5\n'
    give_out.export(tmp_path, {}, *EVER, tmp_path / "none.csv", "csv")
    assert (tmp_path / "none.csv").read_text(encoding="utf-8-sig") == "sensor,time,value\n"
    with pytest.raises(ValueError):
        give_out.export(tmp_path, NAMES, *EVER, tmp_path / "x", "xlsx")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_as_it_comes(tmp_path, encoding, delimiter):
    path = tmp_path / "in.csv"
    with open(path, "w", encoding=encoding, newline="") as handle:
        lines = csv.writer(handle, delimiter=delimiter)
        lines.writerows([["序号", "数值", "时间", "测点"], [1, "1.5", "2023-02-27T08:00:00+08:00", "雨量"], [2, "2", BEGIN // 1000 + 0.25, "雨量"]])
    (chunk,) = take_in.read_csv(path, {"雨量": 4})
    assert (chunk.sensor.tolist(), chunk.time.tolist(), chunk.value.tolist()) == ([4, 4], [BEGIN, BEGIN + 250], [1.5, 2.0])
    assert chunk.faults == []


def test_bad_lines_are_told_and_the_good_ones_kept(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text(
        "sensor;time;value\na;1677456000;12,5\n\nb;1677456000;1\na;2023-02-27T08:00:00;1\na;昨天;1\na;1677456000000;1\n"
        "a;1677456000;\na;1677456000;x\na;1677456000;nan\na\n;1;1\na;2023-02-27T00:00:00Z;-3\n", encoding="utf-8",
    )  # fmt: skip
    (chunk,) = take_in.read_csv(path, {"a": 0})
    assert chunk.value.tolist() == [12.5, -3.0] and chunk.time.tolist() == [BEGIN, BEGIN]
    assert [f.line for f in chunk.faults] == [4, 5, 6, 7, 8, 9, 10, 11, 12]
    for fault, word in zip(chunk.faults, ["没有名为“b”", "没有时区", "看不懂", "毫秒", "数值为空", "不是数", "有限", "时间为空", "测点为空"], strict=True):
        assert word in fault.reason


def test_a_line_that_never_ends_costs_only_itself(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text(f'sensor,time,value\na,1,1\n"{"x" * 200_000}\na,2,2\n', encoding="utf-8")
    chunks = list(take_in.read_csv(path, {"a": 0}))
    assert chunks[0].value.tolist()[0] == 1.0 and "读不了" in chunks[0].faults[0].reason


def test_a_line_with_more_than_the_header_names_is_a_fault(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("sensor,time,value\na,1,1\na,2,12,5\n,,,5\na,3,3,\n", encoding="utf-8")
    (chunk,) = take_in.read_csv(path, {"a": 0})
    assert (chunk.line.tolist(), chunk.value.tolist()) == ([2, 5], [1.0, 3.0])
    assert [f.line for f in chunk.faults] == [3, 4] and all("有 4 列,表头只有 3 列" in f.reason for f in chunk.faults)


def test_a_file_without_the_columns_is_refused(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("sensor,when,value\n", encoding="utf-8")
    with pytest.raises(Refused, match=r"缺少列:时间\(time\)"):
        list(take_in.read_csv(path, {}))
    path.write_bytes(b"")
    with pytest.raises(Refused, match="缺少列"):
        list(take_in.read_csv(path, {}))
    with pytest.raises(Refused, match="Parquet"):
        list(take_in.read_parquet(path, {}))


@pytest.mark.parametrize(
    ("time", "good"),
    [("1677456000", True), ("1677456000.0::double", True), ("'2023-02-27T08:00:00+08:00'", True),
     ("to_timestamp(1677456000)", True), ("timestamp '2023-02-27 00:00:00'", False)],
)  # fmt: skip
def test_parquet_as_it_comes(tmp_path, time, good):
    path = tmp_path / "in.parquet"
    rows = f"select 17 as sensor, {time} as time, 1.5 as value union all select 18, {time}, null union all select null, {time}, 1"
    duckdb.execute(f"copy ({rows}) to {parquet.quoted(path)} (format parquet)")
    if not good:
        with pytest.raises(Refused, match="没有时区"):
            list(take_in.read_parquet(path, {"17": 3}))
        return
    (chunk,) = take_in.read_parquet(path, {"17": 3, "18": 4})
    assert (chunk.sensor.tolist(), chunk.time.tolist(), chunk.value.tolist()) == ([3], [BEGIN], [1.5])
    assert [(f.line, f.reason) for f in chunk.faults] == [(2, "数值为空"), (3, "测点为空")]
