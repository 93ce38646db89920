"""The replayed storm, asked from outside: what was published appears, what was promised happened, nothing leaked."""

import csv
import json
from datetime import datetime, timedelta

import pytest

from anlan.disaster.flood import muifa
from anlan.sensing import logged
from anlan.sensing.models import Batch
from bench import storm

pytestmark = [pytest.mark.slow]

KEYS = {
    "world", "readings", "alarms", "warnings", "proposals", "confirmations", "notices", "attempts", "answered",
    "silent", "orders", "timers", "lags_s",
}  # fmt: skip
INNER = {
    "orders": {"given", "done", "late"},
    "timers": {"due", "done", "late", "lost", "doubled"},
    "lags_s": {"signal_to_proposal", "confirm_to_first_attempt", "answer_p50", "answer_p95"},
}
STATED = {
    "readings": "select sum(kept) from sensing_batch where world_id = :w",
    "alarms": "select count(*) from sensing_alarm where world_id = :w",
    "warnings": "select count(*) from sensing_warning where world_id = :w",
    "proposals": "select count(*) from flood_proposal where world_id = :w",
    "confirmations": "select count(*) from flood_proposal where world_id = :w and state = 'confirmed'",
    "notices": "select count(*) from notice_notice where world_id = :w",
    "attempts": "select count(*) from notice_attempt where world_id = :w",
    "answered": "select count(*) from notice_addressee where world_id = :w and answered_at is not null",
    "silent": "select count(*) from notice_addressee where world_id = :w and state = 'silent'",
    "orders.given": "select count(*) from command_order where world_id = :w",
    "orders.done": "select count(*) from command_order where world_id = :w and done_at is not null",
    "orders.late": "select count(*) from command_order where world_id = :w and (done_at > finish_by or overdue)",
    "timers.due": "select count(*) from clock_due where world_id = :w and not dropped and at <= '2022-09-16 02:00:00'",
    "timers.done": "select count(*) from clock_due where world_id = :w and not dropped and done_at is not null",
    "timers.lost": "select count(*) from clock_due where world_id = :w and not dropped and done_at is null "
    "and at <= '2022-09-16 02:00:00'",
    "timers.doubled": "select count(*) from clock_due where world_id = :w and runs > 1",
}
CALLED = ("flood_office", "district_duty", "town_duty", "village_officer", "reservoir_keeper")
ASK_INDICATORS = """
import json
from anlan.kernel.people import scope
from anlan.kernel.indicators import INDICATORS
with scope.everyone():
    print(json.dumps({name: one.value() for name, one in INDICATORS.items()}))
"""


def utc(local: str) -> str:
    """A local time of 2022 as the database keeps it."""
    return (datetime.fromisoformat(f"2022-{local}") - timedelta(hours=8)).isoformat(" ")


@pytest.fixture(scope="module")
def result(whole):
    return whole.result


@pytest.fixture(scope="module")
def city(whole, result):
    return whole.city


@pytest.fixture(scope="module")
def world(city):
    return city.one(storm.WORLD)


def test_the_object_has_the_keys_of_the_contract_and_no_others(result):
    assert set(result) == KEYS
    assert {name: set(result[name]) for name in INNER} == INNER
    assert result["world"] == "muifa-2022"


def test_every_figure_is_what_the_database_holds(result, city, world):
    told = {name: value for name, value in result.items() if isinstance(value, int)}
    told |= {f"{part}.{name}": value for part in ("orders", "timers") for name, value in result[part].items()}
    late = told.pop("timers.late")
    assert told == {name: city.one(sql.replace(":w", "?"), world) for name, sql in STATED.items()}
    assert late == city.one("select count(*) from clock_due where world_id = ? and late and not dropped", world)


def seconds(city, end: str, start: str, rest: str, world: int) -> list[float]:
    """The seconds between two columns of the rows that the rest of the query names, sorted."""
    apart = f"round((julianday({end}) - julianday({start})) * 86400)"
    return [s for (s,) in city.ask(f"select {apart} {rest} order by 1", world)]


def test_the_lags_are_those_of_the_rows(result, city, world):
    lags, of = result["lags_s"], "from notice_addressee where world_id = ? and answered_at is not null"
    waits = seconds(city, "answered_at", "called_at", of, world)
    assert lags["answer_p50"] == pytest.approx(waits[-(-len(waits) // 2) - 1], abs=1)
    assert lags["answer_p95"] == pytest.approx(waits[-(-len(waits) * 95 // 100) - 1], abs=1)
    proposed = seconds(city, "opened_at", "signal_at", "from flood_proposal where world_id = ?", world)
    assert lags["signal_to_proposal"] == pytest.approx(sum(proposed) / len(proposed), abs=1)
    calls = "select min(a.sent_at) from notice_attempt a join notice_addressee d on d.id = a.addressee_id"
    called = seconds(city, f"({calls} where d.notice_id = n.id)", "n.issued_at", "from notice_notice n where world_id = ?", world)
    assert lags["confirm_to_first_attempt"] == max(called) <= 1


def test_every_timer_is_accounted_for_and_every_reading_came(result):
    timers = result["timers"]
    assert timers["due"] == timers["done"] > 3000
    assert (timers["lost"], timers["doubled"], timers["late"]) == (0, 0, 0)
    times, values = muifa.load_series().grid()
    assert result["readings"] == values.size == len(times) * 300


def test_nothing_was_done_twice_and_the_journal_verifies(city):
    assert set(storm.doubles(city).values()) == {0}
    assert city.verify()["ok"]


def test_the_published_signals_appear_at_their_hours(city, world):
    told = [tuple(row) for row in city.ask("select hazard, colour, issued_at, area_id from sensing_warning where world_id = ?", world)]
    with (muifa.FOLDER / "facts.csv").open(encoding="utf-8", newline="") as file:
        facts = [f for f in csv.DictReader(file) if f["kind"] == "signal" and f["level_to"]]
    for fact in facts:
        assert (fact["hazard"], fact["level_to"], utc(fact["at"][5:19].replace("T", " ")), fact["area"]) in told
    assert len(facts) >= 4


def totals_of(city, world, since, until):
    """What each sensor read in a span, added up from the bodies of the log."""
    start, end = (datetime.fromisoformat(f"{at}+00:00").timestamp() * 1000 for at in (since, until))
    totals: dict[int, float] = {}
    for n, body in city.ask("select count, body from sensing_batch where world_id = ? and count > 0", world):
        ids, times, values, _ = (column.tolist() for column in logged.unpack(Batch(count=n, body=body)))
        for pk, at, value in zip(ids, times, values, strict=True):
            if start < at <= end:
                totals[pk] = totals.get(pk, 0.0) + value
    return totals


def test_the_rain_of_every_district_and_of_the_wettest_gauge_is_the_published_one(city, world):
    gauges = "select n.id, s.name, substr(s.area_id, 1, 6) from sensing_sensor n join sensing_station s on s.id = n.station_id where s.kind = 'rain'"
    fallen = totals_of(city, world, utc("09-14 02:00"), utc("09-16 06:00"))
    rows = [(name, district, fallen[pk]) for pk, name, district in city.ask(gauges)]
    totals: dict[str, list[float]] = {}
    for _, district, mm in rows:
        totals.setdefault(muifa.GROUP_OF[district], []).append(mm)
    means = {group: sum(mm) / len(mm) for group, mm in totals.items()}
    assert means == pytest.approx(muifa.DISTRICT_MEANS, abs=0.1)
    name, district, most = max(rows, key=lambda row: row[2])
    assert (name, district) == ("蔚竹庵", "370212") and most == pytest.approx(518.0, abs=0.05)


def test_every_published_fact_that_is_no_signal_is_told_with_its_source(city, world):
    told = city.ask("select text, basis from journal_line where world_id = ? and verb = 'fact.published'", world)
    facts = [f for f in muifa.load_facts() if f.at >= datetime.fromisoformat("2022-09-14T16:00:00+08:00")]
    plain = [f for f in facts if f.kind != "signal" or not (f.level_from or f.level_to)]
    assert len(told) == len(plain) > 10
    for fact in plain:
        assert any(text.startswith(fact.text) and basis == fact.source for text, basis in told)


def test_the_response_starts_rises_and_ends_as_the_signals_did(city, world):
    rows = city.ask("select kind, level, state, signal_at, closed_at, signer from flood_proposal where world_id = ? order by id", world)
    assert [row[:5] for row in rows] == [
        ("start", 4, "confirmed", utc("09-14 16:50"), utc("09-14 17:00")),
        ("raise", 3, "confirmed", utc("09-15 18:10"), utc("09-15 18:20")),
        ("end", None, "confirmed", utc("09-16 07:00"), utc("09-16 07:10")),
    ]
    assert all("回放" in row[5] for row in rows)
    assert city.ask("select state, started_at, ended_at from flood_response where world_id = ?", world) == [
        ("ended", utc("09-14 17:00"), utc("09-16 07:10"))
    ]
    assert city.ask("select state, entered_at from command_event where world_id = ?", world) == [("closed", utc("09-16 07:10"))]


def test_every_responsible_post_of_every_district_town_and_village_was_called(city, world):
    roles = ", ".join(f"'{role}'" for role in CALLED)
    posts = f"from people_post p join people_area a on a.code = p.area_id where p.role in ({roles}) and a.level <> 'city'"
    levels = {level for (level,) in city.ask(f"select distinct a.level {posts}")}
    assert levels == {"district", "town", "village"}
    for (notice,) in city.ask("select id from notice_notice where world_id = ? and kind = 'call'", world):
        called = "from notice_addressee where notice_id = ?"
        assert city.ask(f"select p.id {posts} and p.id not in (select post_id {called})", notice) == []
        assert city.one(f"select count(*) {called} and person_id is not null and called_at is null", notice) == 0


def test_who_did_not_answer_was_raised_to_others_and_ends_silent_by_name(city, world):
    ends = city.ask("select escalated, answered_at from notice_addressee where world_id = ? and silent_at is not null", world)
    assert ends and all(len(json.loads(escalated)) >= 2 for escalated, _ in ends)
    silent = city.ask("select text from journal_line where world_id = ? and verb = 'notice.silent'", world)
    assert len(silent) == len(ends)


def test_all_that_left_the_house_was_simulated(city, world):
    carriers = {c for (c,) in city.ask("select distinct carrier from notice_attempt where world_id = ? and sent_at is not null", world)}
    assert carriers == {"simulator"}


def test_nothing_of_the_replay_is_seen_in_the_real_city(planted, city, world):
    assert world != 1 and storm.counts_of(city, 1) == storm.counts_of(planted, 1)
    before, after = (json.loads(c.do("django", "shell", "-v0", "-c", ASK_INDICATORS)) for c in (planted, city))
    assert after == before
    assert after["sensing.warnings"] == after["sensing.alarms"] == after["flood.proposals"] == after["flood.responses"] == 0
