"""A filter of SensorThings finds what a plain reading of it finds, and whatever is written, something sensible is said."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anlan.faces.sensorthings.entities import KINDS
from anlan.faces.sensorthings.tree import COMPARES, FUNCTIONS, SUMS
from anlan.sensing import door

from . import things
from .things import ROOT, ask, names

world, officer = things.world, things.officer


# ── the filter against a plain reading of it ────────────────────────────────────────────────────────────────


ROWS = [{"name": f"{n}号站", "code": f"S{n}", "lon": 120.5 + n / 10} for n in range(3)]
ATOMS = st.one_of(
    st.tuples(st.sampled_from(["eq", "ne", "gt", "le"]), st.sampled_from(["0号站", "1号站", "x'y"])).map(
        lambda t: (f"name {t[0]} '{t[1].replace(chr(39), chr(39) * 2)}'", lambda r: OPS[t[0]](r["name"], t[1]))
    ),
    st.sampled_from(["S", "s1", "2", ""]).map(lambda w: (f"contains(tolower(properties/code),'{w.lower()}')", lambda r: w.lower() in r["code"].lower())),
    st.sampled_from([120.45, 120.55, 120.65]).map(
        lambda x: (f"st_within(Locations/location, geography'POLYGON(({x} 0,130 0,130 90,{x} 90,{x} 0))')", lambda r: r["lon"] >= x)
    ),
    st.integers(0, 4).map(lambda n: (f"length(name) add {n} ge 5", lambda r: len(r["name"]) + n >= 5)),
)  # fmt: skip
OPS = {"eq": lambda a, b: a == b, "ne": lambda a, b: a != b, "gt": lambda a, b: a > b, "le": lambda a, b: a <= b}
TREES = st.recursive(
    ATOMS,
    lambda part: st.one_of(
        part.map(lambda p: (f"not ({p[0]})", lambda r: not p[1](r))),
        st.tuples(part, part).map(lambda p: (f"({p[0][0]}) and ({p[1][0]})", lambda r: p[0][1](r) and p[1][1](r))),
        st.tuples(part, part).map(lambda p: (f"({p[0][0]} or {p[1][0]})", lambda r: p[0][1](r) or p[1][1](r))),
        st.tuples(ATOMS, ATOMS, ATOMS).map(
            lambda p: (f"({p[0][0]} or {p[1][0]} and {p[2][0]})", lambda r: p[0][1](r) or (p[1][1](r) and p[2][1](r)))
        ),
    ),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TREES)
def test_a_filter_finds_what_a_plain_reading_of_it_finds(officer, tree):
    text, holds = tree
    assert names(ask(officer, "/Things", filter=text)) == [r["name"] for r in ROWS if holds(r)], text


READINGS = [float(n % 11) for n in range(60)]
CONDITIONS = st.recursive(
    st.one_of(
        st.tuples(st.sampled_from(list(OPS)), st.integers(0, 11)).map(lambda t: (f"result {t[0]} {t[1]}", lambda i, v: OPS[t[0]](v, t[1]))),
        st.integers(0, 59).map(lambda n: (f"phenomenonTime ge {(EPOCH + timedelta(seconds=n)).isoformat()}", lambda i, v: i >= n)),
        st.integers(0, 59).map(lambda n: (f"second(resultTime) lt {n}", lambda i, v: i < n)),
        st.sampled_from(["水位", "降水量"]).map(lambda w: (f"Datastream/ObservedProperty/name eq '{w}'", lambda i, v: w == "水位")),
    ),
    lambda part: st.one_of(
        part.map(lambda p: (f"not ({p[0]})", lambda i, v: not p[1](i, v))),
        st.tuples(part, part).map(lambda p: (f"({p[0][0]} and {p[1][0]})", lambda i, v: p[0][1](i, v) and p[1][1](i, v))),
        st.tuples(part, part).map(lambda p: (f"({p[0][0]} or {p[1][0]})", lambda i, v: p[0][1](i, v) or p[1][1](i, v))),
    ),
    max_leaves=5,
)  # fmt: skip
EPOCH = datetime(2026, 1, 1, 8, tzinfo=UTC)


@pytest.fixture
def fed(officer):
    assert door.take([door.Sample("S0.stage", EPOCH + timedelta(seconds=n), v) for n, v in enumerate(READINGS)])["accepted"] == 60
    return officer


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CONDITIONS)
def test_a_filter_of_readings_finds_what_a_plain_reading_of_it_finds(fed, tree):
    text, holds = tree
    whole = f"phenomenonTime ge {EPOCH.isoformat()} and phenomenonTime lt {(EPOCH + timedelta(minutes=1)).isoformat()} and ({text})"
    found = ask(fed, "/Observations", filter=whole)["value"]
    assert [r["result"] for r in found] == [v for i, v in enumerate(READINGS) if holds(i, v)], text


# ── whatever is written, something sensible is said ─────────────────────────────────────────────────────────


FIELDS = [*dict.fromkeys(f"{link}{name}" for kind in KINDS for link in ("", *(f"{one}/" for one in kind.links)) for name in kind.asks), "properties/odd"]
WORDS = ["'a'", "''", "5", "-0.5", "0", "1e300", "true", "false", "null", "now()", "2026-01-01T00:00:00Z", "duration'PT1H'", "geography'POINT(120.5 36.1)'"]
VALUES = st.recursive(
    st.sampled_from([*FIELDS, *WORDS]),
    lambda part: st.one_of(
        st.tuples(st.sampled_from(list(FUNCTIONS)), part, part).map(lambda t: f"{t[0]}({', '.join(t[1 : 1 + len(FUNCTIONS[t[0]][0])])})"),
        st.tuples(part, st.sampled_from(SUMS), part).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
    ),
    max_leaves=3,
)  # fmt: skip
ODD = st.recursive(
    st.one_of(VALUES, st.tuples(VALUES, st.sampled_from(COMPARES), VALUES).map(" ".join)),
    lambda part: st.one_of(part.map(lambda p: f"not ({p})"), st.tuples(part, st.sampled_from(["and", "or"]), part).map(lambda t: f"({' '.join(t)})")),
    max_leaves=3,
)  # fmt: skip


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(KINDS), ODD, st.sampled_from(FIELDS))
def test_any_filter_and_order_is_answered_or_refused_in_words(fed, kind, text, order):
    for asked in ({"filter": text}, {"orderby": order}):
        query = "&".join(f"${name}={quote(value)}" for name, value in asked.items())
        answer = fed.get(f"{ROOT}/{kind.name}?{query}")
        assert answer.status_code == 200 or (answer.status_code == 400 and answer.json()["message"]), (kind.name, asked)
