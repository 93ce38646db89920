"""Batches of gateways: written together, numbered ones once, each answered for itself; and what is counted of them."""

import gzip
import hashlib
import json
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import cbor2
import pytest
from django.db import transaction

from anlan.disaster.flood import duties
from anlan.disaster.flood.models import ResponseRule
from anlan.faces import ingest
from anlan.kernel import clock
from anlan.kernel.people import scope
from anlan.sensing import door, history, in_force, intake, network, readings
from anlan.sensing.models import Alarm, Batch, Gateway, Rule, Sensor, Sent, Snapshot, Station, Traffic
from tests.kernel import city


@pytest.fixture
def world(db):
    world = city.build()
    with scope.everyone(world):
        station = Station(code="s1", name="站", kind="river", area_id=city.SHAZIKOU, lon=120, lat=36)
        station.save()
        for code in ("s1.stage", "s1.gust"):
            Sensor(station=station, code=code, quantity=code[3:], unit="m", low=0, high=200, area_id=city.SHAZIKOU).save()
        rule("gust", 20, clear=16, level=2)
        for name in ("t", "u"):
            Gateway.objects.create(name=name, token=hashlib.sha256(name.encode()).hexdigest())
        yield world


def rule(quantity, amount, **more):
    told = {"hazard": "大风", "hours": 0, "source": "试验", "confidence": "V", "version": "1", "since": city.SINCE, "clear": amount, **more}
    return Rule.objects.create(quantity=quantity, amount=amount, **told)


def body(*values, code="s1.gust", ago=0):
    start = clock.now() - timedelta(seconds=ago + len(values))
    return json.dumps([{"sensor": code, "time": (start + timedelta(seconds=n)).isoformat(), "value": v} for n, v in enumerate(values)]).encode()


def test_a_numbered_batch_is_worked_once_and_answered_alike(world):
    sent = body(3, 999, 4)
    first = ingest.take("t", sent, key="n1")
    assert first[0] == 200 and first[1]["accepted"] == 2 and [r["index"] for r in first[1]["rejected"]] == [1]
    assert ingest.take("t", sent, key="n1") == first and readings.count(world) == 2
    assert ingest.take("t", body(5), key="n1")[0] == 409
    assert ingest.take("u", sent, key="n1")[0] == 200, "another gateway counts for itself"
    assert Sent.objects.count() == 2


def test_batches_that_came_together_are_written_in_one_step_and_each_is_answered_for_itself(world):
    one = body(5)
    sent = (("t", body(3, 4), ""), ("u", body(300), ""), ("t", one, "k"), ("t", one, "k"), ("t", body(6), ""))
    sendings = [intake.opened(token, what, key=key) for token, what, key in sent]
    sendings[-1].token = "taken back meanwhile"
    before = Batch.objects.count()
    intake.work(sendings)
    answers = [s.answer.result() for s in sendings]
    assert [status for status, _ in answers] == [200, 200, 200, 200, 401]
    assert [told.get("accepted") for _, told in answers] == [2, 0, 1, 1, None] and answers[2] == answers[3]
    assert Batch.objects.filter(count__gt=0).count() - before <= 1


def test_packed_and_senml_bodies_come_through_the_same_door(world):
    now = round(clock.now().timestamp())
    pack = [{"bn": "s1.", "bt": now, "n": "gust", "v": 7}, {"n": "stage", "v": 3.5}]
    ways = [
        (gzip.compress(body(3)), {"packed": True}), (json.dumps(pack).encode(), {"kind": "application/senml+json"}),
        (cbor2.dumps([{-2: "s1.", 0: "gust", 2: 8, 6: now + 1}]), {"kind": "application/senml+cbor"}),
    ]  # fmt: skip
    for sent, how in ways:
        status, told = ingest.take("t", sent, **how)
        assert status == 200 and told["rejected"] == [], told
    assert readings.count(world) == 4
    assert ingest.take("t", b"abc", packed=True)[0] == 400


def test_what_came_of_a_gateways_batches_is_counted_by_reason(world):
    ingest.take("t", body(3, 999, float("1e9"), 4))
    ingest.take("t", body(3, ago=5000))
    ingest.take("t", body(3, code="s9.gust"))
    row = Traffic.objects.get()
    assert (row.batches, row.accepted, row.rejected, row.late) == (3, 3, 3, 1)
    assert row.reasons == {"超出量程": 2, "未登记的测点": 1} and Gateway.objects.get(name="t").heard_at


def test_one_bad_batch_does_not_take_the_others_with_it(world, monkeypatch):
    """Whatever makes the writing fail, only the batch that does so is refused."""
    box, real_take = intake.Intake(), network.take

    def take(sensor, at, value):
        if 13.0 in value:
            raise RuntimeError("a fault of our own")
        return real_take(sensor, at, value)

    monkeypatch.setattr(network, "take", take)
    sendings = [intake.opened("t", body(v, ago=v)) for v in (3, 13, 5)]  # of moments of their own
    box._write(sendings)
    assert [s.answer.result()[0] for s in sendings] == [200, 503, 200] and readings.count(world) == 2


def test_when_too_much_waits_a_batch_is_sent_back_and_not_dropped(world, monkeypatch):
    monkeypatch.setattr(intake, "WAITING", 3)
    box = intake.Intake()
    first, second = intake.opened("t", body(3, 4)), intake.opened("t", body(5))
    box.hand_in(first)
    assert box.hand_in(second).result()[0] == 429 and not first.answer.done()
    box.close()
    box.run()
    assert first.answer.result()[0] == 200


def test_the_thread_writes_what_waits_and_ends(world):
    box = intake.Intake()
    waiting = [box.hand_in(intake.opened("t", body(v))) for v in (3, 4, 5)]
    box.close()
    box.run()
    assert [answer.result()[0] for answer in waiting] == [200, 200, 200]


# ── the state follows from the log ──────────────────────────────────────────────────────────────────────────


def take(*values, code="s1.gust"):
    moment = clock.now()
    return door.take([door.Sample(code, moment + timedelta(milliseconds=n), v) for n, v in enumerate(values)])


def test_what_ends_and_begins_again_within_one_batch_is_two_alarms(world):
    mine = rule("gust", 10, clear=9, level=1)
    take(12)
    with clock.travelled(timedelta(seconds=1)):
        take(1, 12)
    assert [alarm.active for alarm in Alarm.objects.filter(rule=mine).order_by("at")] == [False, True]


def test_who_was_silent_when_the_rules_changed_is_told_whoever_reads_the_log_again(world):
    rule("gust", 0, kind="offline", clear=0, hold_up_s=60, level=3)
    take(3)
    with clock.travelled(timedelta(seconds=75)):
        rule("gust", 99, level=1)
        with network.turn([0]) as turn:
            turn.read(0)
        network._networks.clear()
        network.tick()
    assert [alarm.rule.kind for alarm in Alarm.objects.all()] == ["offline"]


def test_rules_are_compiled_before_a_ledger_is_locked(world, monkeypatch):
    done, locked, compiled = [], network.lock, in_force.compile_book
    monkeypatch.setattr(network, "lock", lambda *told: done.append("locked") or locked(*told))
    monkeypatch.setattr(in_force, "compile_book", lambda *told: done.append("compiled") or compiled(*told))
    rule("gust", 40, level=1)
    take(3)
    assert done[:2] == ["compiled", "locked"] and done.count("compiled") == 1


def test_another_process_goes_on_where_the_log_stands(world):
    """A process that has no state yet, or whose state is behind, reads what was logged."""
    rule("gust", 30, level=1, hold_up_s=60)
    take(25, 35)
    network._networks.clear()
    with clock.travelled(timedelta(seconds=61)):
        assert take(36)["alarms"] == 1, "the hold time began before"
    mine = network._networks[world.pk, 0]
    assert mine.machine.state.hot["level"].max() == 4


def test_a_step_that_was_undone_is_forgotten_by_the_state_too(world):
    take(3)
    with pytest.raises(RuntimeError), transaction.atomic():
        take(25)
        raise RuntimeError("the transaction around it fails")
    assert Alarm.objects.count() == 0
    assert take(26)["alarms"] == 1, "or the alarm of the undone step would have been taken for told"


def test_a_snapshot_saves_the_reading_of_what_lies_before_it(world, monkeypatch):
    monkeypatch.setattr(network, "SNAPSHOT_EACH", 3)
    for value in (3, 25, 4, 26):
        take(value, value)
    assert Snapshot.objects.exists()
    level = network._networks[world.pk, 0].machine.state.hot["level"].tolist()
    Batch.objects.filter(number__lte=Snapshot.objects.order_by("-number").first().number - 1).delete()
    network._networks.clear()
    assert network.standing(world).machine.state.hot["level"].tolist() == level


def test_a_changed_rule_judges_the_present_value_at_once_without_a_reading(world):
    take(18)
    assert network.tick() == 0
    lower = rule("gust", 15, level=3)
    assert network.tick() == 1 and Alarm.objects.get().rule == lower
    lower.until = (clock.now() - timedelta(days=2)).date()
    lower.save()
    network.tick()
    assert not Alarm.objects.get().active


def test_a_silent_sensor_is_an_alarm_that_its_next_word_ends(world):
    rule("gust", 0, kind="offline", clear=0, hold_up_s=600, level=3)
    take(3)
    with clock.travelled(timedelta(minutes=5)):
        assert network.tick() == 0
    with clock.travelled(timedelta(minutes=11)):
        assert network.tick() == 1 and network.tick() == 0
        assert str(Alarm.objects.get().rule) == "大风中断10分钟"
        take(3)
        assert not Alarm.objects.get().active


def test_of_two_rules_the_nearer_holds(world):
    station = Station.objects.get()
    rule("gust", 40, level=2, station=station)
    assert take(25)["alarms"] == 0 and take(41)["alarms"] == 1


@pytest.mark.parametrize(("day", "raised"), [("2026-07-15", 1), ("2026-01-15", 0)])
def test_a_rule_of_a_season_holds_in_its_season(world, day, raised):
    rule("stage", 10, level=3, season_from="06-01", season_until="09-30")
    moment = datetime.fromisoformat(day).replace(hour=9, tzinfo=ZoneInfo("Asia/Shanghai"))
    with scope.everyone(world, at=moment):
        assert door.take([door.Sample("s1.stage", moment, 11.0)])["alarms"] == raised


# ── history ─────────────────────────────────────────────────────────────────────────────────────────────────


def read_all(world):
    found = readings.between(world, clock.now() - timedelta(days=2), clock.now() + timedelta(hours=9))
    return list(zip(found.sensor.tolist(), found.at.tolist(), found.value.tolist(), strict=True))


def test_what_is_sealed_reads_as_it_did_in_the_log_and_the_state_stands(world, settings, tmp_path):
    settings.HOME = tmp_path
    take(3, 25, 7)
    take(4, 5, code="s1.stage")
    with clock.travelled(timedelta(minutes=90)):
        assert history.seal_some(world) == 0, "one file an hour is enough"
    with clock.travelled(timedelta(hours=3)):
        take(6, 30)
        take(1, code="s1.stage")
        before = read_all(world)
        assert len(before) == 8
        assert history.seal_some(world) == 5 and Batch.objects.filter(count__gt=0).count() == 2
        assert read_all(world) == before and history.seal_some(world) == 0
        network._networks.clear()
        assert take(17)["alarms"] == 0 and Alarm.objects.filter(active=True).count() == 1, "it is above the clear value still"
        assert history.folder(world).exists()
        history.compact_days(world)
        assert read_all(world)[: len(before)] == before or set(before) <= set(read_all(world))


def test_a_crash_between_the_file_and_the_log_counts_nothing_twice(world, settings, tmp_path, monkeypatch):
    settings.HOME = tmp_path
    take(3, 25, 7)
    with clock.travelled(timedelta(hours=3)):
        take(6)
        before = read_all(world)

        def crash(_):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(network, "keep_snapshot", crash)
            history.seal_some(world)
        assert read_all(world) == before
        assert history.seal_some(world) == 3 and read_all(world) == before


def test_who_is_unknown_is_told_so_before_the_body_is_looked_at(world):
    assert ingest.take("wrong", b"{", key="n") == (401, {"error": "网关令牌无效或已停用"})


def test_silence_is_no_rain(world):
    """A share of stations in alarm is one of stations that measured something."""
    Sensor.objects.update(quantity="rain")
    rule("rain", 0, kind="offline", clear=0, hazard="暴雨", hold_up_s=600, level=1)
    take(1)
    with clock.travelled(timedelta(minutes=11)):
        network.tick()
        assert Alarm.objects.filter(rule__hazard="暴雨", active=True).exists()
        shares = duties.shares(ResponseRule(kind="stations", hazard="暴雨", trigger=1, share=0.1, level=1))
    assert set(shares.values()) <= {0}
