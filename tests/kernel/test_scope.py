"""Nobody sees what is not theirs, and no world sees another."""

from datetime import date, timedelta

import pytest
from django.core.exceptions import ValidationError

from anlan.kernel import clock
from anlan.kernel.people import ask, scope
from anlan.kernel.people.models import Grant, Person, Unit
from anlan.kernel.worlds.models import World
from anlan.response.duty.models import Intake

from . import city

TODAY = date(2022, 9, 14)


@pytest.fixture
def world(db):
    return city.build()


def intake(place, text="来电"):
    row = Intake(area_id=place, received_at=clock.now(), summary=text)
    row.save()
    return row


def test_a_scoped_table_without_a_scope_raises(world):
    with pytest.raises(scope.NoScope):
        Intake.objects.count()
    with pytest.raises(scope.NoScope):
        Person.objects.all()


def test_a_district_sees_its_own_and_below(world):
    officer = city.person("崂山值班", "district_duty", city.LAOSHAN, user="laoshan")
    with scope.everyone(world):
        intake(city.SHAZIKOU), intake(city.AOSHANWEI), intake(scope.ROOT)
    with scope.entered(ask.scope_of(officer.user, world, TODAY)):
        assert [row.area_id for row in Intake.objects.all()] == [city.SHAZIKOU]
        assert {p.area_id for p in Person.objects.all()} == {city.LAOSHAN}
        assert {u.area_id for u in Unit.objects.all()} == {city.LAOSHAN, scope.ROOT}, "its own, and those it reports to"


def test_a_grant_ends_with_its_last_day(world):
    officer = city.person("王一", "district_duty", city.LAOSHAN, user="one")
    Grant.objects.update(until=TODAY)
    assert ask.scope_of(officer.user, world, TODAY).reaches
    assert not ask.scope_of(officer.user, world, TODAY + timedelta(days=1)).reaches


def test_one_world_does_not_see_another(world):
    drill = World.objects.create(kind="exercise", title="演练", mark="演练")
    with scope.everyone(world):
        real = intake(scope.ROOT, "真")
    with scope.everyone(drill):
        intake(scope.ROOT, "演")
        assert [row.summary for row in Intake.objects.all()] == ["演"]
        assert not Intake.objects.filter(pk=real.pk).exists()
        with pytest.raises(scope.ReadOnly):
            real.save()


def test_registers_are_read_only_in_a_drill(world):
    drill = World.objects.create(kind="exercise", title="演练")
    with scope.everyone(drill):
        unit = Unit.objects.first()
        with pytest.raises(scope.ReadOnly):
            unit.save()


def test_a_world_without_its_prefix_digits_has_no_ancestor(world):
    assert scope.prefix("370200000000") == "3702"
    assert scope.prefix(city.LAOSHAN) == "370212"
    assert scope.prefix(city.SHAZIKOU) == "370212001"
    assert scope.prefix("370212001007") == "370212001007"


def test_the_three_keepers_are_three_people(world):
    keeper = city.person("甲", "system_keeper")
    with pytest.raises(ValidationError):
        Grant(person=keeper, role="audit_keeper", area_id=scope.ROOT, since=TODAY).full_clean()


def test_holders_come_by_area_and_rank(world):
    a, b = city.person("甲", "town_duty", city.SHAZIKOU), city.person("乙", "town_duty", city.SHAZIKOU)
    city.post("值班", "town_duty", "town", city.SHAZIKOU, [a, b])
    city.post("值班", "town_duty", "town", city.AOSHANWEI, [city.person("丙", "town_duty", city.AOSHANWEI)])
    assert [h.person.name for h in ask.holders("town_duty", city.LAOSHAN, TODAY)] == ["甲", "乙"]
    assert ask.holders("town_duty", scope.ROOT, TODAY).count() == 3


def test_a_world_runs_at_its_speed_stops_and_goes_on(world):
    real = clock.real()
    fast = World(kind="exercise", title="快", anchor_real=real, anchor_world=real, speed=60)
    assert fast.at(real + timedelta(seconds=10)) == real + timedelta(minutes=10)
    fast.pause(real + timedelta(seconds=10))
    assert fast.at(real + timedelta(hours=1)) == real + timedelta(minutes=10)
    fast.resume(real + timedelta(hours=1), speed=2)
    assert fast.at(real + timedelta(hours=1, seconds=30)) == real + timedelta(minutes=11)
