"""One line for each act; nothing is changed, and the checker names what was."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, InternalError, connection, transaction

from anlan.kernel import clock, journal
from anlan.kernel.clock import loop
from anlan.kernel.journal import guard, read, seals
from anlan.kernel.journal.entry import digest
from anlan.kernel.journal.models import Line
from anlan.kernel.people import scope

from . import city

HEARD: list = []
CHOIR: list = []


@journal.on("test.said")
def hear(line) -> None:
    HEARD.append(line.text)


@journal.on("test.said", "test.sung", at_once=True)
def hear_all(lines) -> None:
    CHOIR.append([line.text for line in lines])


@pytest.fixture
def world(db):
    HEARD.clear()
    CHOIR.clear()
    return city.build()


def write(world, count=10):
    with scope.everyone(world):
        return [journal.write("test.said", world, text=f"第{n}行", after={"n": n, "at": clock.now()}) for n in range(count)]


def sealed():
    while seals.seal(timedelta(0)):
        pass


def tamper(sql, *values):
    """Change the table behind the house's back, as somebody with the database's password could."""
    with connection.schema_editor() as editor:
        guard.take_down(None, editor)
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def fields(line):
    """All of a line under a digest of its own; the digest does not hold the id."""
    return {f.attname: getattr(line, f.attname) for f in Line._meta.concrete_fields}


def slip(pk, to):
    """Write a copy of a line under another id."""
    line = Line.everywhere.get(pk=pk)
    line.pk, line.recorded_at = to, clock.real() - timedelta(hours=1)
    line.digest = digest(line)
    Line.everywhere.bulk_create([line])


def test_a_line_says_who_when_and_what(world):
    who = city.person("王一", "duty_officer")
    with scope.entered(scope.Scope(world, who.pk, who.name, "3702.yj", (scope.Reach("duty_officer", "3702"),))):
        line = journal.write("test.said", world, text="你好", basis="第一条", area=city.LAOSHAN)
    assert (line.who, line.unit, line.area_id, line.basis) == ("王一", "3702.yj", city.LAOSHAN, "第一条")
    assert line.recorded_at is not None and line.at is not None


def test_hearers_run_once_after_the_act_and_not_when_it_is_rolled_back(world):
    with pytest.raises(RuntimeError), transaction.atomic():
        write(world, 1)
        raise RuntimeError
    write(world, 2)
    assert HEARD == []
    loop.drain(world)
    loop.drain(world)
    assert HEARD == ["第0行", "第1行"] and CHOIR == [["第0行"], ["第1行"]]


def test_who_hears_at_once_hears_each_verb_once_of_what_was_written_together(world):
    with scope.everyone(world), transaction.atomic(), journal.together():
        for n in range(3):
            journal.write("test.said", world, text=f"说{n}")
            journal.write("test.sung", world, text=f"唱{n}")
            journal.write("test.kept", world, text="无人听")
    loop.drain(world)
    loop.drain(world)
    assert HEARD == ["说0", "说1", "说2"] and CHOIR == [["说0", "说1", "说2"], ["唱0", "唱1", "唱2"]]


@pytest.mark.parametrize("sql", ["update journal_line set text = 'x'", "delete from journal_line"])
def test_the_database_refuses_to_change_a_line(world, sql):
    write(world, 1)
    with pytest.raises((IntegrityError, InternalError)), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_an_untouched_journal_verifies_sealed_or_not(world):
    write(world)
    assert seals.verify()["ok"] and seals.verify()["lines"] == 10
    sealed()
    write(world, 3)
    assert seals.verify() == {"lines": 13, "ok": True, "first_broken": None, "fault": ""}
    assert len(seals.head()["digest"]) == 64


class TestTampering:
    """The checker names the very line."""

    @pytest.fixture
    def lines(self, guarded_again, transactional_db):
        world = city.build()
        rows = write(world)
        sealed()
        yield rows
        with connection.schema_editor() as editor:
            guard.take_down(None, editor)  # the tables are emptied after this

    def test_an_altered_line(self, lines):
        tamper("update journal_line set text = '改' where id = %s", lines[4].pk)
        assert seals.verify()["first_broken"] == lines[4].pk

    def test_an_altered_line_with_a_new_digest(self, lines):
        line = Line.everywhere.get(pk=lines[4].pk)
        line.text = "改"
        tamper("update journal_line set text = '改', digest = %s where id = %s", digest(line), line.pk)
        assert seals.verify()["first_broken"] == line.pk

    def test_a_missing_line(self, lines):
        tamper("delete from journal_line where id = %s", lines[6].pk)
        assert seals.verify()["first_broken"] == lines[6].pk

    @pytest.mark.parametrize("pk", [-5, 0])
    def test_a_line_slipped_in_before_the_first(self, lines, pk):
        slip(lines[0].pk, pk)
        assert seals.verify()["first_broken"] == pk

    def test_a_line_slipped_in_between_two_seals(self, lines):
        gap = lines[-1].pk + 1
        slip(lines[0].pk, gap + 1)
        sealed()
        assert seals.verify()["first_broken"] is None
        slip(lines[0].pk, gap)
        assert seals.verify()["first_broken"] == gap

    def test_two_lines_that_changed_places(self, lines):
        a, b = lines[2].pk, lines[3].pk
        tamper("update journal_line set id = -1 where id = %s", a)
        tamper("update journal_line set id = %s where id = %s", a, b)
        tamper("update journal_line set id = %s where id = -1", b)
        assert seals.verify()["first_broken"] == a

    def test_a_removed_seal(self, lines):
        with scope.everyone():
            write(scope.current().world, 2)
        sealed()
        tamper("delete from journal_seal where id = (select min(id) from journal_seal)")
        assert not seals.verify()["ok"]


def test_a_line_of_a_long_transaction_is_waited_for_and_not_called_slipped_in(world):
    first = write(world, 1)[0].pk
    line = Line.everywhere.get(pk=first)
    Line.everywhere.bulk_create([Line(**{**fields(line), "id": first + n}) for n in (2, 3)])
    with clock.travelled(timedelta(minutes=1)):
        sealed()
        assert seals.head()["last"] == first
        Line.everywhere.bulk_create([Line(**{**fields(line), "id": first + 1})])
        sealed()
        assert seals.head()["last"] == first + 3
    assert seals.verify()["first_broken"] is None


def test_an_id_that_was_rolled_back_holds_the_seal_up_for_minutes_only(world):
    lines = write(world, 1)
    slip(lines[0].pk, lines[0].pk + 2)
    sealed()
    assert seals.head()["last"] == lines[0].pk + 2 and seals.verify()["ok"]


@pytest.mark.parametrize("value", [1e16, 1e300, -0.0, 2.0, 1e-9, 0.1 + 0.2])
def test_numbers_have_one_spelling_whatever_the_database_makes_of_them(world, value):
    """jsonb keeps 1e16 as 10000000000000000 and -0.0 as 0.0."""
    with scope.everyone(world):
        line = journal.write("test.said", world, after={"value": value, "all": [value]})
    kept = line.after["value"]
    if not isinstance(kept, str):
        spelled = format(Decimal(repr(kept)), "f")
        assert json.loads(spelled.replace("-0.0", "0.0")) == kept and repr(json.loads(spelled)) == repr(kept)
    assert float(kept) == value


def test_a_district_reads_its_own_lines_and_what_is_said_to_all(world):
    with scope.everyone(world):
        journal.write("test.own", world, text="崂山", area=city.SHAZIKOU)
        journal.write("test.own", world, text="即墨", area=city.AOSHANWEI)
        journal.write("test.own", world, text="全市", wide=True)
    with scope.entered(scope.Scope(world, reaches=(scope.Reach("district_duty", "370212"),))):
        assert {line.text for line in read.lines()} == {"崂山", "全市"}
