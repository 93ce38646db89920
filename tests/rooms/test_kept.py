"""What was compiled of many sensors is read from a file at the next start, and compiled anew wherever the file does not fit."""

import hashlib

import pytest

from anlan.faces import ingest
from anlan.kernel.people import scope
from anlan.sensing import in_force, intake, kept, parts
from anlan.sensing.models import Alarm, Edition, Gateway, Sensor, Station
from tests.kernel import city
from tests.rooms.test_intake import body, rule


@pytest.fixture
def world(db, tmp_path, settings, monkeypatch):
    settings.HOME = tmp_path
    monkeypatch.setattr(kept, "FEW", 1)
    world = city.build()
    with scope.everyone(world):
        station = Station(code="W0", name="站", kind="wind", area_id=city.SHAZIKOU, lon=120, lat=36)
        station.save()
        Sensor(station=station, code="W0.gust", quantity="gust", unit="m/s", low=0, high=200, area_id=city.SHAZIKOU).save()
        Gateway.objects.create(name="t", token=hashlib.sha256(b"t").hexdigest())
        rule("gust", 20, level=3)
        begin()
        yield world
    begin()


def begin():
    """As a process that has just begun."""
    in_force._books.clear()
    in_force._parts.clear()
    in_force._bases.clear()
    intake._names = None


def take(value):
    """How many alarms stand once it was read."""
    assert ingest.take("t", body(value, code="W0.gust"))[0] == 200
    return Alarm.objects.filter(active=True).count()


@pytest.fixture
def compiled(monkeypatch):
    """Which were compiled."""
    done, whole, apart = [], in_force.compile_book, in_force.compile_parts
    monkeypatch.setattr(in_force, "compile_book", lambda day: done.append("whole") or whole(day))
    monkeypatch.setattr(in_force, "compile_parts", lambda day: done.append("parts") or apart(day))
    return done


def test_a_start_reads_what_the_last_one_compiled(world, compiled):
    first, names = in_force.current_book(), intake.names().ids
    mine = in_force.current_books(parts.ALL)
    assert compiled == ["whole", "parts"] and names == {"W0.gust": Sensor.objects.get().pk}
    begin()
    assert in_force.current_book().digest == first.digest and intake.names().ids == names
    assert {n: book.digest for n, book in in_force.current_books(parts.ALL).items()} == {n: book.digest for n, book in mine.items()}
    assert compiled == ["whole", "parts"], "nothing anew"
    assert take(25) == 1, "and it judges"


def test_a_changed_rule_or_sensor_and_another_program_are_compiled_anew(world, compiled, monkeypatch):
    in_force.current_book()
    rule("gust", 30, level=2)
    begin()
    assert take(35) == 2 and compiled == ["whole", "whole"]
    Sensor.objects.get().save()
    begin()
    in_force.current_book()
    monkeypatch.setattr(kept, "_maker", lambda: "another")
    begin()
    in_force.current_book()
    assert compiled == ["whole"] * 4


@pytest.mark.parametrize("broken", [b"", b"PK\x03\x04 half a file", b"\x93NUMPY"])
def test_a_file_that_is_not_whole_costs_a_moment(world, compiled, broken, tmp_path):
    first, names = in_force.current_book().digest, intake.names().ids
    for path in (tmp_path / "compiled").iterdir():
        path.write_bytes(broken)
    begin()
    assert (in_force.current_book().digest, intake.names().ids) == (first, names) and compiled == ["whole", "whole"]
    begin()
    assert in_force.current_book().digest == first and compiled == ["whole", "whole"], "it was kept again"


def test_few_sensors_and_rules_that_were_never_entered_are_not_kept(world, monkeypatch, tmp_path):
    monkeypatch.setattr(kept, "FEW", 2)
    in_force.current_book(), intake.names()
    assert not (tmp_path / "compiled").exists()
    monkeypatch.setattr(kept, "FEW", 0)
    Edition.objects.all().delete()
    begin()
    in_force.current_book()
    assert not (tmp_path / "compiled").exists()


def test_only_the_newest_are_kept(world, monkeypatch, tmp_path):
    monkeypatch.setattr(kept, "FILES", 3)
    for _ in range(5):
        Edition.turn()
        in_force.current_book(), intake.names()
    names = {path.name.split("-")[0] for path in (tmp_path / "compiled").iterdir()}
    assert len(list((tmp_path / "compiled").iterdir())) == 3 and names == {"book", "names"}
