"""Bodies of the doors: worked examples, the compiled reader equal to the readable one, and nothing that breaks either."""

import contextlib
import gzip
import json
import math
from datetime import datetime

import cbor2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.engines.sense import decode
from anlan.engines.sense.decode import fast, plain, senml
from anlan.engines.sense.decode.batch import Undecodable

NAMES = decode.Names({"s1.rain": 11, "s1.gust": 12, "水位一": 13, "a": 14})
NOW = 1_790_000_000_000
ISO = "2026-09-21T22:13:20+08:00"


def rows(*readings):
    return json.dumps({"readings": [dict(zip(("sensor", "time", "value"), one, strict=True)) for one in readings]}).encode()


def told(batch):
    """What is a figure, in the order in which it was written."""
    found = zip(batch.sensor.tolist(), batch.at.tolist(), batch.value.tolist(), batch.place.tolist(), strict=True)
    return sorted((row for row in found if row[3] not in batch.spoilt), key=lambda row: row[3])


def refused(batch):
    """(place, reason) of what is none."""
    return sorted([*batch.rejected, *batch.spoilt.items()])


def same(one, two):
    return told(one) == told(two) and refused(one) == refused(two)


@pytest.mark.parametrize(
    "body",
    [
        rows(("s1.rain", 1790000000, 1.5), ("s1.gust", 1790000000.25, -3)),
        b'[{"value": 1.5, "sensor": "s1.rain", "time": 1790000000}, {"sensor": "s1.gust", "time": 1790000000.25, "value": -3}]',
        b' { "sensor" : [ "s1.rain" , "s1.gust" ] ,\n "value": [1.50, -3], "time": [1790000000, 1790000000.250] } ',
        rows(("s1.rain", "2026-09-21T22:13:20+08:00", 1.5), ("s1.gust", "2026-09-21T14:13:20.25Z", -3)),
    ],
)
def test_rows_and_columns_and_both_kinds_of_time_say_the_same(body):
    wanted = [(11, NOW, 1.5, 0), (12, NOW + 250, -3.0, 1)]
    assert told(fast.read(body, NAMES)) == told(plain.read(body, NAMES)) == told(decode.read(body, NAMES, NOW)) == wanted


def test_the_good_part_of_a_batch_is_kept_and_each_refusal_has_its_place():
    body = json.dumps({"readings": [
        {"sensor": "s1.rain", "time": 1790000000, "value": 1}, {"sensor": "x\u0007", "time": 1790000000, "value": 1}, 7,
        {"sensor": "s1.rain", "value": 1}, {"sensor": "s1.rain", "time": "2026-09-21T22:13:20", "value": 1},
        {"sensor": "s1.rain", "time": 1790000000, "value": True}, {"time": 1790000000, "value": 1},
        {"sensor": "s1.rain", "time": 3, "value": 1}, {"sensor": "s1.gust", "time": 1790000001, "value": 2},
    ]}).encode()  # fmt: skip
    found = decode.read(body, NAMES, NOW)
    assert told(found) == [(11, NOW, 1, 0), (12, NOW + 1000, 2, 8)]
    assert [place for place, _ in refused(found)] == [1, 2, 3, 4, 5, 6, 7]
    assert [reason[:5] for _, reason in refused(found)] == ["未登记的测", "应为对象", "时间无法识", "时间缺少时", "数值不是数", "缺少测点 ", "观测时间早"]
    assert "\x07" not in found.rejected[0][1] and list(found.spoilt) == [5], "it is a bad reading of its sensor"


@pytest.mark.parametrize(("written", "said"), [
    ("NaN", "数值无效"), ("-Infinity", "数值无效"), ("1e999", "数值无效"), ("9" * 400, "数值无效"), ("null", "缺少数值 value"), ('"Fld"', "数值不是数字:Fld"),
    ("[1]", "数值不是数字:[1]"),
])  # fmt: skip
def test_what_is_no_figure_spoils_itself_and_no_other(written, said):
    """NaN and its like are no JSON, and many programs write them."""
    for body in (f'[{{"sensor": "a", "time": 1790000000, "value": {written}}}, {{"sensor": "s1.rain", "time": 1790000000, "value": 2}}]',
                 f'{{"sensor": ["a", "s1.rain"], "time": [1790000000, 1790000000], "value": [{written}, 2]}}'):  # fmt: skip
        found = decode.read(body.encode(), NAMES, NOW)
        assert told(found) == [(11, NOW, 2, 1)] and refused(found) == [(0, said)]
        assert found.sensor.tolist() == [14, 11] and math.isnan(found.value[0])


def test_a_body_is_put_in_the_order_of_its_times_and_keeps_its_places():
    found = decode.read(rows(("a", 1790000003, 3), ("a", 1790000001, "x"), ("a", 1790000002, 2), ("b", 1790000000, 0), ("s1.rain", 1790000001, 5)), NAMES, NOW)
    assert told(found) == [(14, NOW + 3000, 3, 0), (14, NOW + 2000, 2, 2), (11, NOW + 1000, 5, 4)]
    assert [place for place, _ in refused(found)] == [1, 3] and found.place.tolist() == [1, 4, 2, 0]


NONE = [b"", b"{", b"null", b"3", b'{"readings": 3}', b'{"sensor": ["a"], "time": [], "value": [1]}', b"[" * 5000 + b"]" * 5000, b"\xff"]


@pytest.mark.parametrize("body", NONE)
@pytest.mark.parametrize("kind", ["application/json", "application/senml+json", "application/senml+cbor"])
def test_what_is_no_body_is_refused_in_words(body, kind):
    with pytest.raises(Undecodable) as no:
        decode.read(body, NAMES, NOW, kind)
    assert any("\u4e00" <= sign <= "\u9fff" for sign in str(no.value))


def test_too_many_readings_are_refused_before_they_are_looked_at():
    with pytest.raises(Undecodable, match="条"):
        decode.read(json.dumps([0] * (decode.MOST + 1)).encode(), NAMES, NOW)


# ── SenML ───────────────────────────────────────────────────────────────────────────────────────────────────


def pack(*records):
    """The same pack as JSON and as CBOR, whose labels are numbers."""
    labels = {name: number for number, name in senml.LABELS.items()}
    binary = [{labels.get(k, k): v for k, v in record.items()} for record in records]
    return [(json.dumps(records).encode(), "application/senml+json; charset=utf-8"), (cbor2.dumps(binary), "application/senml+cbor")]


def resolved(*records):
    one, two = (decode.read(body, NAMES, NOW, kind) for body, kind in pack(*records))
    assert same(one, two)
    return one


def test_a_value_in_another_unit_is_refused_with_both_named():
    """Of the same unit there are several spellings: Cel is that of RFC 8428, 12.1."""
    names = decode.Names({"a": 1, "b": 2, "c": 3}, {1: "m", 2: "℃"}.get)
    records = [{"n": "a", "u": "mm", "v": 3}, {"n": "a", "u": "m", "v": 3}, {"n": "b", "u": "Cel", "v": 4}, {"n": "b", "bu": "kg", "v": 4}, {"n": "b", "v": 5},
               {"n": "b", "bu": "", "v": 6}, {"n": "c", "u": "kg", "v": 7}]  # fmt: skip
    for body, kind in pack(*records):
        found = decode.read(body, names, NOW, kind)
        assert found.value.tolist() == [3, 4, 6, 7]
        wrong = ((0, "mm", "a", "m"), (3, "kg", "b", "℃"), (4, "kg", "b", "℃"))
        assert found.rejected == [(n, f"单位不符:{unit},测点 {code} 的单位为 {mine}") for n, unit, code, mine in wrong]


@pytest.mark.parametrize("time", [1e306, -1e306])
def test_a_time_beyond_all_bounds_spoils_itself(time):
    found = resolved({"n": "a", "v": 1, "t": time}, {"n": "a", "v": 2, "bt": 1790000000})
    assert told(found) == [(14, NOW, 2, 1)] and refused(found)[0][1].startswith("时间无法识别")


def test_a_base_value_brings_in_no_fractions():
    assert resolved({"bn": "a", "bv": 2.0, "v": 0.89}, {"bv": 0, "v": 0.1 + 0.2}).value.tolist() == [2.89, 0.1 + 0.2]


def test_records_are_resolved_against_their_bases():
    """RFC 8428, 5.1.3: names, times, values and units of the bases hold until others are given."""
    found = resolved(
        {"bn": "s1.", "bt": 1790000000, "bu": "mm", "n": "rain", "v": 1.5}, {"n": "gust", "u": "m/s", "t": -5, "v": 7},
        {"bn": "a", "bv": 10, "v": 2.5, "t": 1.5}, {"v": 3},
    )  # fmt: skip
    assert told(found) == [(11, NOW, 1.5, 0), (12, NOW - 5000, 7, 1), (14, NOW + 1500, 12.5, 2), (14, NOW, 13, 3)]

def test_small_times_are_seconds_from_now_and_none_is_now():
    assert [at for _, at, _, _ in told(resolved({"bn": "a", "v": 1}, {"t": -60, "v": 1}, {"t": 1790000000, "v": 1}))] == [NOW, NOW - 60_000, NOW]


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"n": "a", "vs": "on"}, "文本值"), ({"n": "a", "vb": True}, "布尔值"), ({"n": "a", "s": 3}, "只有累计值"), ({"v": 3}, "缺少测点名称"),
        ({"n": "-a", "v": 3}, "不合 SenML"), ({"n": "b", "v": 3}, "未登记"), ({"n": "a", "v": "3"}, "v 应为数值"), ({"n": "a", "v": 1, "t": "x"}, "t 应为数值"),
        ({"n": 3, "v": 1}, "n 应为文本"),
    ],
)  # fmt: skip
def test_a_record_that_cannot_be_judged_says_why(record, said):
    found = resolved(record, {"n": "a", "v": 1})
    assert [(place, said in reason) for place, reason in refused(found)] == [(0, True)] and told(found) == [(14, NOW, 1, 1)]


@pytest.mark.parametrize("record", [{"n": "a", "v": 1, "need_": 1}, {"bver": 11, "n": "a", "v": 1}, {"bver": "5"}])
def test_a_pack_that_must_be_understood_and_is_not_is_refused_whole(record):
    for body, kind in pack({"n": "a", "v": 1}, record):
        with pytest.raises(Undecodable):
            decode.read(body, NAMES, NOW, kind)


# ── gzip ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_packed_body_of_several_members_is_one_body():
    assert decode.unpacked(gzip.compress(b"[1,") + gzip.compress(b"2]")) == b"[1,2]"


BROKEN = {"none": b"abc", "cut off": gzip.compress(b"abc")[:-6], "more behind": gzip.compress(b"a") + b"junk", "a bomb": gzip.compress(b"\0" * 3_000_000)}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_a_broken_cut_or_exploding_body_is_refused(body):
    with pytest.raises(Undecodable):
        decode.unpacked(body, 2 * 1024 * 1024)


# ── the compiled reader and the readable one ────────────────────────────────────────────────────────────────

codes = st.sampled_from([*NAMES.ids, "b", "", 'q"q', "ü"])
times = st.one_of(
    st.integers(946_684_800, 4_102_444_800), st.integers(-10, 10**13), st.floats(allow_nan=False), st.decimals("946684800", "4102444800", places=3).map(float),
    st.datetimes(datetime(1999, 1, 1), datetime(2101, 1, 1)).map(lambda t: t.isoformat() + "+08:00"),
    st.sampled_from([ISO, "2026-02-29T00:00:00Z", "2024-02-29T23:59:59.999-03:30", "2026-09-21 22:13:20Z"]),
    st.sampled_from(["2026-09-21T22:13:20", "2026-09-21T24:00:00Z", None]),
)  # fmt: skip
values = st.one_of(st.floats(), st.integers(), st.decimals(-1000, 1000, places=2).map(float), st.none(), st.booleans(), st.text(max_size=3))
readings = st.fixed_dictionaries({}, optional={"sensor": codes, "time": times, "value": values, "more": st.integers()})


ODD = [b"", b" ", b"0", b"-", b".", b"e5", b'"', b",", b"}", b"\\", b"\xff", b"1"]


@st.composite
def bodies(draw):
    if draw(st.booleans()):
        data = draw(st.lists(readings, max_size=6))
        data = data if draw(st.booleans()) else {"readings": data}
    else:
        n = draw(st.integers(0, 5))
        data = {k: draw(st.lists(kind, min_size=n, max_size=n)) for k, kind in (("sensor", codes), ("time", times), ("value", values))}
    body = json.dumps(data, ensure_ascii=draw(st.booleans()), separators=draw(st.sampled_from([(",", ":"), (", ", ": ")]))).encode()
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(body)))
        body = body[:at] + draw(st.sampled_from(ODD)) + body[at + draw(st.integers(0, 1)) :]
    return body


@settings(max_examples=1500, deadline=None)
@given(bodies())
def test_what_the_compiled_reader_takes_the_readable_one_takes_alike(body):
    quick = fast.read(body, NAMES)
    try:
        slow = plain.read(body, NAMES)
    except Undecodable:
        assert quick is None
        return
    assert [place for place, v in zip(slow.place.tolist(), slow.value.tolist(), strict=True) if not math.isfinite(v)] == list(slow.spoilt)
    assert quick is None or same(quick, slow)


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["application/json", *decode.SENML]))
def test_no_bytes_raise_anything_else(body, kind):
    with contextlib.suppress(Undecodable):
        batch = decode.read(body, NAMES, NOW, kind)
        assert len(batch.sensor) == len(batch.at) == len(batch.value) == len(batch.place) and set(batch.sensor.tolist()) <= set(NAMES.ids.values())


def test_what_gateways_usually_send_needs_no_second_look():
    rng = np.random.default_rng(3)
    sent = zip(rng.choice(["s1.rain", "水位一"], 500), rng.normal(0, 9, 500).round(3).tolist(), strict=True)
    many = [{"sensor": str(code), "time": 1_790_000_000 + n / 1000, "value": v} for n, (code, v) in enumerate(sent)]
    body = json.dumps({"readings": many}, ensure_ascii=False).encode()
    assert len(fast.read(body, NAMES).at) == 500


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 60), st.lists(st.permutations(range(60)), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_sensors_are_found_in_whatever_order_they_come(known, orders, chance):
    """Who followed upon whom the last time is only a guess; with names that others begin with, and some that are not known."""
    names = decode.Names({f"s{n}" * (1 + n % 3): 100 + n for n in chance.sample(range(60), known)})
    for order in orders:
        codes = [f"s{n}" * (1 + n % 3) for n in order]
        body = rows(*((code, 1790000000, 1.5) for code in codes))
        mine = fast.read(body, names)
        assert (mine is None) == any(code not in names.ids for code in codes)
        sure = [code for code in codes if code in names.ids]
        if sure:
            there = fast.read(rows(*((code, 1790000000, 1.5) for code in sure)), names)
            assert there is not None and there.sensor.tolist() == [names.ids[code] for code in sure]
