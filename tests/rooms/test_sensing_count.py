"""So many sensors of an area at a level: counted, told once for the area, ended, kept over restarts and changed rules."""

from contextlib import nullcontext
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from anlan.kernel import clock
from anlan.kernel.journal.models import Line
from anlan.kernel.people import scope
from anlan.sensing import acts, book, door, load, network, parts
from anlan.sensing.models import Alarm, Rule, Sensor, Station
from tests.kernel import city


@pytest.fixture
def world(db):
    network._networks.clear()
    world = city.build()
    with scope.everyone(world):
        for n in range(5):
            place = city.SHAZIKOU if n < 4 else city.AOSHANWEI
            station = Station(code=f"s{n}", name=f"{n}站", kind="rain", area_id=place, lon=120, lat=36)
            station.save()
            for quantity in ("gust", "rain"):
                Sensor(station=station, code=f"s{n}.{quantity}", quantity=quantity, unit="m", low=0, high=200, area_id=place).save()
        rule("gust", 20, level=3)
        rule("gust", 30, level=2)
        yield world


def rule(quantity, amount, **more):
    told = {"hazard": "大风", "hours": 0, "source": "试验", "confidence": "V", "version": "1", "since": city.SINCE, "clear": amount, **more}
    return Rule.objects.create(quantity=quantity, amount=amount, **told)


def counting(least, **more):
    return rule("gust", least, **{"kind": "count", "level": 1, "reach": 3, "area_id": city.LAOSHAN, **more})


def take(*values, quantity="gust", after=0):
    """A value for each station from the first on; None for those that say nothing."""
    moment = clock.now() + timedelta(seconds=after)
    door.take([door.Sample(f"s{n}.{quantity}", moment, float(v)) for n, v in enumerate(values) if v is not None])


def later(seconds, *values):
    with clock.travelled(timedelta(seconds=seconds)):
        take(*values)


def counted():
    return [(a.value, a.active) for a in Alarm.objects.filter(sensor=None).order_by("id")]


def test_k_of_n_is_told_for_the_area_and_ends_below_its_clear_value(world):
    counting(3, clear=2)
    take(25, 25, 5, 5, 25, after=0)
    assert counted() == [], "the third is in another district"
    take(None, None, 35, after=1)
    assert counted() == [(3.0, True)], "a graver level counts too"
    alarm = Alarm.objects.get(sensor=None)
    assert (alarm.area_id, alarm.level, str(alarm.place)) == (city.LAOSHAN, 1, "崂山区")
    assert "崂山区" in Line.objects.get(subject_id=alarm.pk, verb="alarm.raised").text
    take(3, after=2)
    assert counted() == [(3.0, True)], "two still stand"
    take(None, None, 3, after=3)
    assert counted() == [(3.0, False)] and "降至 1 个测点" in Line.objects.get(subject_id=alarm.pk, verb="alarm.cleared").text
    take(25, None, 25, after=4)
    assert counted() == [(3.0, False), (3.0, True)], "and again"


def test_a_graver_level_only_is_counted_when_the_rule_says_so(world):
    counting(2, reach=2)
    take(25, 25, 25, 35)
    assert counted() == []
    take(31, after=1)
    assert counted() == [(2.0, True)]


def test_a_sensor_with_sums_is_counted_by_the_window_of_the_rule(world):
    rule("rain", 50, hours=3, level=3, hazard="暴雨")
    rule("rain", 80, hours=6, level=3, hazard="暴雨")
    rule("rain", 2, kind="count", level=1, reach=3, hours=3, hazard="暴雨", area_id=city.LAOSHAN)
    take(60, 40, quantity="rain")
    assert counted() == []
    take(60, 20, quantity="rain", after=60)
    assert counted() == [(2.0, True)], "each once, though the first stands in two windows"


def test_another_process_and_a_changed_rule_go_on_with_it(world):
    mine = counting(2)
    take(25, 25)
    network._networks.clear()
    take(None, None, 5, after=1)
    assert counted() == [(2.0, True)] and Line.objects.filter(verb="alarm.raised").count() == 3
    take(None, 3, after=2)
    assert counted() == [(2.0, False)]
    take(None, 25, after=3)
    mine.until = clock.now().date() - timedelta(days=1)
    mine.save()
    network.tick()
    assert counted() == [(2.0, False), (2.0, False)], "a rule that is over tells nothing any more"
    counting(2, version="2")
    network.tick()
    assert [active for _, active in counted()] == [False, False, True], "the new version sees at once what stands"


def test_a_change_of_another_rule_ends_nothing_that_stands_above_its_clear_value(world):
    counting(3, clear=2)
    take(25, 25, 25)
    take(3, after=1)
    assert counted() == [(3.0, True)], "two still stand"
    rule("rain", 50, hours=3, level=3, hazard="暴雨")
    network.tick()
    assert counted() == [(3.0, True)]
    network._networks.clear()
    take(None, 3, after=2)
    assert counted() == [(3.0, False)]


def test_it_keeps_the_most_that_were_counted(world):
    counting(2)
    take(25, 25)
    later(11, None, None, 25, 25)
    alarm = Alarm.objects.get(sensor=None)
    assert (alarm.value, alarm.peak) == (2, 4), "told while it stands"
    later(12, 3, 3)
    later(13, None, None, 3, 3)
    alarm.refresh_from_db()
    assert (alarm.value, alarm.peak, alarm.active) == (2, 4, False)


def test_what_is_at_or_below_its_lower_limit_is_counted(world):
    Rule.objects.update(until=clock.now().date() - timedelta(days=1))
    rule("gust", 4, kind="low", level=3)
    counting(2)
    take(9, 9, 3, 9)
    assert counted() == []
    take(3, after=1)
    assert counted() == [(2.0, True)]


def rest(code, hours):
    until = clock.now() + timedelta(hours=hours) if hours else None
    acts.do_rest(Sensor.objects.get(code=code), until, "检修" if hours else "")


def test_sensors_out_of_service_make_no_alarm_of_an_area(world):
    counting(3)
    rest("s0.gust", 1)
    take(25, 25, 25)
    alarm = Alarm.objects.get(sensor=None)
    assert alarm.held and "停用" in alarm.held_why and not Line.objects.filter(verb="alarm.raised", subject_id=alarm.pk).exists()
    rest("s0.gust", 0)
    alarm.refresh_from_db()
    assert not alarm.held and Line.objects.filter(verb="alarm.raised", subject_id=alarm.pk).count() == 1, "back in service it counts"


def test_one_that_is_held_is_told_when_enough_others_stand(world):
    counting(3)
    rest("s0.gust", 1)
    take(25, None, 25)
    take(None, 25, after=1)
    assert Alarm.objects.get(sensor=None).held
    take(None, None, None, 25, after=2)
    network.tick()
    assert not Alarm.objects.get(sensor=None).held


def test_what_fell_silent_counts_as_it_stood(world):
    rule("gust", 0, kind="offline", level=3, hold_up_s=60)
    counting(2)
    take(25, 25)
    with clock.travelled(timedelta(minutes=2)):
        network.tick()
    assert Alarm.objects.filter(rule__kind="offline").count() == 2 and counted() == [(2.0, True)]


def test_it_knows_which_alarms_it_counts(world):
    rule("gust", 20, level=3, hazard="台风")
    counting(2)
    take(25, 35, 5, 5, 25)
    alarm = Alarm.objects.get(sensor=None)
    assert sorted((a.sensor.code, a.level) for a in alarm.members) == [("s0.gust", 3), ("s1.gust", 2), ("s1.gust", 3)]
    assert alarm.counted == "0站、1站" and "现有 2 个测点,共 4 个" in Line.objects.get(subject_id=alarm.pk, verb="alarm.raised").text
    later(60, 3)
    alarm.refresh_from_db()
    later(120, None, None, 25)
    assert not alarm.active and alarm.counted == "0站、1站", "those of its time"
    assert Alarm.objects.get(sensor=None, active=True).counted == "1站、2站"


def test_one_rule_has_one_alarm_of_a_moment_and_one_that_stands(world):
    mine, at = counting(1), clock.now()
    told = {"rule": mine, "level": 1, "area_id": city.LAOSHAN, "value": 1, "peak": 1, "world": world}
    Alarm.objects.create(at=at, active=False, **told)
    for again in ({"at": at, "active": False}, {"at": at + timedelta(seconds=1), "active": True}, {"at": at + timedelta(seconds=2), "active": True}):
        made = again["at"] == at + timedelta(seconds=1)
        with nullcontext() if made else pytest.raises(IntegrityError), transaction.atomic():
            Alarm.objects.create(**again, **told)


def test_a_plan_read_back_counts_the_same(world):
    counting(2)
    made = book.compile_book(clock.now().date())
    read = book.Book.load(made.dump())
    assert read.digest == made.digest and read.group.tolist() == made.group.tolist() != []
    assert read.plan.counted.member.tolist() == made.plan.counted.member.tolist() and len(read.plan.counted.member) == 4


def test_in_parts_it_is_counted_by_the_part_that_sees_all_sites(world):
    rule_ = counting(2)
    made = book.compile_parts(clock.now().date())
    assert [p for p, b in made.items() if len(b.group)] == [parts.ACROSS] and made[parts.ACROSS].group.tolist() == [rule_.pk]
    assert not made[parts.ACROSS].rule.any(), "there it tells nothing else"
    assert len(book.compared(clock.now().date())) == 4


@pytest.mark.parametrize(
    ("more", "field"),
    [({"amount": 5.0}, "amount"), ({"amount": 0.0, "clear": 0.0}, "amount"), ({"amount": 2.5}, "amount"), ({"clear": 0.0}, "clear"),
     ({"reach": None}, "reach"), ({"kind": "high"}, "reach"), ({"kind": "high", "reach": None, "fresh_s": 60}, "fresh_s"), ({"hours": 3}, "hours")],
)  # fmt: skip
def test_what_cannot_be_counted_is_named(world, more, field):
    told = {"kind": "count", "hazard": "大风", "quantity": "gust", "hours": 0, "amount": 2.0, "clear": 2.0, "level": 1, "reach": 3, "area_id": city.LAOSHAN,
            "source": "试验", "confidence": "V", "version": "1", "since": city.SINCE, **more}  # fmt: skip
    with pytest.raises(ValidationError) as no:
        Rule(**told).full_clean(exclude=["mark"])
    assert field in no.value.message_dict


def test_it_is_loaded_from_a_file(world):
    told = f'{{kind: count, hazard: 大风, quantity: gust, amount: 2, reach: 3, level: 1, area: "{city.LAOSHAN}", source: 试, confidence: V}}'
    assert load.load(f"rules:\n  - {told}\n")["rules"] == 1
    take(25, 25)
    assert counted() == [(2.0, True)]


def test_two_that_count_other_levels_are_two_rules_of_a_file_and_what_cannot_be_is_named(world):
    told = f'kind: count, hazard: 大风, quantity: gust, level: 1, area: "{city.LAOSHAN}", source: 试, confidence: V'
    for _ in range(2):
        load.load(f"rules:\n  - {{{told}, amount: 3, reach: 3}}\n  - {{{told}, amount: 2, reach: 2}}\n")
    assert sorted(Rule.objects.filter(kind="count").values_list("amount", "reach")) == [(2, 2), (3, 3)]
    with pytest.raises(load.Faulty) as no:
        load.load(f"rules:\n  - {{{told}, amount: 5, reach: 3}}\n  - {{{told}, amount: 0, reach: 3}}\n")
    assert "规则第 1 项:amount:该区域只有 4 个" in no.value.faults[0] and no.value.faults[1].startswith("规则第 2 项:amount")


def test_only_who_may_see_the_area_sees_its_alarm(world):
    counting(2)
    take(25, 25)
    for place, seen in ((city.LAOSHAN, 1), (city.JIMO, 0)):
        with scope.entered(scope.Scope(world, reaches=(scope.Reach("district_duty", place),))):
            assert Alarm.objects.filter(sensor=None).count() == seen
