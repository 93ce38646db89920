"""How far an alarm went: its own level's furthest value since it stood there, over changed rules, pauses and starts."""

import io
from datetime import timedelta

import numpy as np
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from anlan.kernel import clock
from anlan.sensing import in_force, network
from anlan.sensing.models import Alarm, Basis, Batch, Rule, Snapshot
from tests.rooms.test_intake import rule, take, world  # noqa: F401

PERIOD = timedelta(seconds=20)


def stands(**more):
    """(hazard, level, version, active, value, peak) of each alarm, oldest first."""
    return [(a.rule.hazard, a.level, a.rule.version, a.active, a.value, a.peak) for a in Alarm.objects.filter(**more).order_by("pk")]


def later(n=1):
    return clock.travelled(n * PERIOD)


def test_a_level_that_stands_again_shows_its_own_peak_and_the_lighter_one_the_whole(world):  # noqa: F811
    rule("gust", 10, clear=9, level=4)
    take(12, 60, 12, 22)
    with later():
        network.tick()
    assert stands(active=True) == [("大风", 4, "1", True, 12, 60), ("大风", 2, "1", True, 22, 22)]


def test_the_last_readings_before_a_pause_are_shown_by_whoever_looks_at_the_clock(world):  # noqa: F811
    take(25)
    take(60)
    assert stands() == [("大风", 2, "1", True, 25, 25)], "shown once in a period"
    network._networks.clear()
    with later():
        network.tick()
    assert stands() == [("大风", 2, "1", True, 25, 60)]


def test_what_was_undone_is_shown_again(world, django_capture_on_commit_callbacks):  # noqa: F811
    with django_capture_on_commit_callbacks(execute=True):
        take(25)
        take(60)
        with later(), pytest.raises(RuntimeError), transaction.atomic():
            network.tick()
            assert stands()[0][-1] == 60
            raise RuntimeError("the transaction around it fails")
    assert stands()[0][-1] == 25
    with later(2):
        network.tick()
    assert stands()[0][-1] == 60


def test_a_quiet_city_is_not_asked_for_its_alarms_again_and_again(world, django_capture_on_commit_callbacks):  # noqa: F811
    rule("gust", 5, clear=4, kind="stray", level=4, hold_up_s=600)
    with django_capture_on_commit_callbacks(execute=True):
        take(25)
        take(60)
    with later(), django_capture_on_commit_callbacks(execute=True):
        network.tick()
    assert stands()[0][-1] == 60
    with later(2), CaptureQueriesContext(connection) as asked:
        network.tick()
    assert Batch.objects.filter(count=0).count() >= 2, "a line of the log for each period"
    assert not [row for row in asked.captured_queries if "sensing_alarm" in row["sql"] and '"kind" IN' in row["sql"]]


def test_a_new_version_begins_with_the_value_that_stands_and_the_old_one_ends_with_all_it_reached(world):  # noqa: F811
    take(25)
    take(60, 30)
    old = Rule.objects.get()
    old.until = (clock.now() - timedelta(days=2)).date()
    old.save()
    rule("gust", 18, clear=16, level=2, version="2")
    network.tick()
    assert stands() == [("大风", 2, "1", False, 25, 60), ("大风", 2, "2", True, 30, 30)]
    take(31, 10)
    assert stands()[1] == ("大风", 2, "2", False, 30, 31)


def test_a_lighter_rule_that_is_entered_has_gone_as_far_as_the_value_that_stands(world):  # noqa: F811
    take(60, 30)
    rule("gust", 18, clear=16, level=3)
    network.tick()
    with later():
        network.tick()
    assert stands() == [("大风", 2, "1", True, 60, 60), ("大风", 3, "1", True, 30, 30)]


@pytest.mark.parametrize("hazard", ["一", "龙"])
def test_a_rule_of_another_hazard_leaves_those_that_stand_and_is_judged_at_once(world, hazard):  # noqa: F811
    take(60, 17)
    rule("gust", 15, clear=14, level=3, hazard=hazard)
    network.tick()
    with later():
        network.tick()
    both = [("大风", 2, "1", True, 60, 60), (hazard, 3, "1", True, 17, 17)]
    assert stands() == both, "17 is below the limit of the first, and not below what it ends at"
    kept = network._networks[world.pk, 0].machine.dump()
    network._networks.clear()
    assert network.standing(world).machine.dump() == kept, "another process finds the same in the log"
    other = Rule.objects.get(hazard=hazard)
    other.until = (clock.now() - timedelta(days=2)).date()
    other.save()
    network.tick()
    assert stands() == [both[0], (hazard, 3, "1", False, 17, 17)], "and when it goes, the first stands on"
    take(15)
    assert [row[3] for row in stands()] == [False, False]


def test_what_waits_for_its_time_goes_on_waiting_when_another_hazard_is_entered(world):  # noqa: F811
    rule("gust", 40, clear=38, level=1, hold_up_s=60)
    take(45)
    rule("gust", 100, clear=99, level=3, hazard="一")
    with clock.travelled(timedelta(seconds=59)):
        take(41)
        assert len(stands()) == 1
    with clock.travelled(timedelta(seconds=62)):
        take(42)
    assert stands()[1] == ("大风", 1, "1", True, 42, 45), "and how far it went meanwhile is told with it"


def test_what_waits_for_its_time_begins_with_the_value_that_stands_under_a_new_version(world):  # noqa: F811
    Rule.objects.all().delete()
    old = rule("gust", 10, clear=9, level=1, hold_up_s=120)
    take(19, 12)
    old.until = (clock.now() - timedelta(days=2)).date()
    old.save()
    rule("gust", 10, clear=9, level=1, hold_up_s=120, version="2")
    take(11)
    with clock.travelled(timedelta(seconds=130)):
        take(11)
    assert stands() == [("大风", 1, "2", True, 11, 12)]


def test_a_log_that_an_older_program_wrote_is_read_on(world):  # noqa: F811
    """Its book has one time for both sides of a level and no ladders, and so another digest than it would have today."""
    take(3)
    network._snapshot(world, 0, network._networks[world.pk, 0])
    take(25, 27)
    basis = Basis.objects.get(pk=Batch.objects.latest("number").basis_id)
    with np.load(io.BytesIO(bytes(basis.body))) as found:
        older = {name: found[name] for name in found.files if name not in ("ladder", "limits")}
    kinds = [(name, kind[0].base, 4 if name.startswith("hold") else kind[0].shape) for name, kind in older["table"].dtype.fields.items()]
    table = np.zeros(len(older["table"]), kinds)
    for name in table.dtype.names:
        table[name] = older["table"][name][..., :4] if name.startswith("hold") else older["table"][name]
    out = io.BytesIO()
    np.savez(out, **{**older, "table": table})
    Basis.objects.filter(pk=basis.pk).update(body=out.getvalue())
    for memory in (network._networks, in_force._bases, in_force._books):
        memory.clear()
    network.tick()
    mine = network._networks[world.pk, 0].machine.state.hot
    assert (mine["value"].max(), mine["level"].max()) == (27, 3) and stands() == [("大风", 2, "1", True, 25, 27)]
    take(3)
    assert stands() == [("大风", 2, "1", False, 25, 27)]
    network._networks.clear()
    assert network.standing(world).machine.state.hot["value"].max() == 3


def test_a_snapshot_of_an_older_program_is_read(world):  # noqa: F811
    rule("gust", 10, clear=9, level=4)
    take(25, 60, 30)
    network._snapshot(world, 0, network._networks[world.pk, 0])
    kept = Snapshot.objects.get()
    with np.load(io.BytesIO(bytes(kept.body))) as found:
        older = {name: found[name] for name in found.files if name != "deaf"}
    older["peak"] = older["peak"].max(axis=1)
    kinds = [(name, "u1" if name == "waiting" else kind[0]) for name, kind in older["hot"].dtype.fields.items()]
    older["hot"] = older["hot"].astype(kinds)
    out = io.BytesIO()
    np.savez(out, **older)
    Snapshot.objects.update(body=out.getvalue())
    network._networks.clear()
    take(31)
    with later():
        network.tick()
    assert [row[-1] for row in stands()] == [60, 60]
    take(12)
    assert [row[3:] for row in stands()] == [(True, 25, 60), (False, 25, 60)]
