"""Histories from files, and back out of them."""

import csv
import io
from datetime import timedelta

import duckdb
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from anlan.kernel import clock
from anlan.kernel.journal import read
from anlan.kernel.people import scope
from anlan.sensing import past, readings
from anlan.sensing.models import Alarm, Sensor
from tests.kernel import city

from .test_alarms import blow, officer, rule, world  # noqa: F401  fixtures


@pytest.fixture
def home(world, settings, tmp_path):  # noqa: F811
    settings.HOME = tmp_path
    return tmp_path


def ago(**span):
    return clock.now() - timedelta(**span)


def sheet(*rows, head="sensor,time,value"):
    return "\n".join([head, *(f"{code},{at.isoformat() if hasattr(at, 'isoformat') else at},{value}" for code, at, value in rows)]).encode()


def sent(client, body, name="past.csv"):
    return client.post("/desk/network/past/", {"file": SimpleUploadedFile(name, body)})


def kept(world, code="W0.gust", days=400):  # noqa: F811
    found = readings.between(world, ago(days=days), clock.now(), [Sensor.objects.get(code=code).pk])
    return found.value.tolist()


def test_good_lines_are_kept_and_bad_ones_told_by_line_and_nothing_is_judged(officer, home, world):  # noqa: F811
    body = sheet(("W0.gust", ago(days=300), 25), ("W0.gust", ago(days=3), 30), ("nobody", ago(days=3), 1), ("W0.gust", "gestern", 1),
                 ("W0.gust", ago(days=2), 200), ("W0.gust", ago(minutes=5), 3), ("W1.gust", ago(hours=2), 4))  # fmt: skip
    page = sent(officer, body)
    said = page.content.decode()
    assert page.status_code == 200 and page.context["taken"].rows == 3 and page.context["taken"].wrong == 4
    faults = [(fault.line, fault.reason) for fault in page.context["taken"].faults]
    assert [line for line, _ in faults] == [4, 5, 6, 7] and "没有名为“nobody”的测点" in said and "看不懂时间“gestern”" in said
    assert faults[2:] == [(6, "测点 W0.gust 数值 200 超出量程 0–90"), (7, "测点 W0.gust 一小时以内的读数请由网关发送")]
    assert kept(world) == [25, 30] and kept(world, "W1.gust") == [4] and not Alarm.objects.exists()
    assert "3 条" in read.Line.objects.get(verb="history.imported").text


def test_the_import_is_kept_in_the_journal_and_no_news_on_the_wall(officer, home, world):  # noqa: F811
    blow(25)
    sent(officer, sheet(("W0.gust", ago(days=3), 30)))
    told = [line["verb"] for line in officer.get("/screen/state.json").json()["feed"]]
    assert "alarm.raised" in told and "history.imported" not in told
    assert "导入历史读数" in officer.get("/r/journal/").content.decode()


def test_the_same_file_twice_counts_once_and_a_later_word_changes_nothing(officer, home, world):  # noqa: F811
    body = sheet(*(("W0.gust", ago(days=10, minutes=n), n) for n in range(50)))
    for _ in range(2):
        assert sent(officer, body).context["taken"].rows == 50
    at = ago(days=5)
    sent(officer, sheet(("W0.gust", at, 7)))
    sent(officer, sheet(("W0.gust", at, 8)))
    assert len(kept(world)) == 51 and kept(world)[-1] == 7


def test_parquet_comes_in_and_what_goes_out_comes_in_again(officer, home, world):  # noqa: F811
    path = home / "past.parquet"
    rows = ", ".join(f"('W2.gust', {ago(days=20, seconds=n).timestamp()}, {n / 4})" for n in range(40))
    duckdb.sql(f"copy (select * from (values {rows}) t(sensor, time, value)) to '{path}' (format parquet)")
    assert sent(officer, path.read_bytes(), "past.parquet").context["taken"].rows == 40
    sensor = Sensor.objects.get(code="W2.gust")
    out = officer.get(f"/desk/sensors/{sensor.pk}/readings.csv", {"span": "year"})
    text = b"".join(out.streaming_content).decode("utf-8-sig")
    assert len(list(csv.DictReader(io.StringIO(text)))) == 40 and "+08:00" in text
    assert sent(officer, text.encode()).context["taken"].rows == 40 and len(kept(world, "W2.gust")) == 40


@pytest.mark.parametrize(("name", "body", "said"), [("a.xlsx", b"x", ".csv 或 .parquet"), ("a.csv", b"a,b\n1,2", "表头缺少列"), ("a.parquet", b"x", "Parquet")])
def test_what_is_no_history_is_refused_by_name(officer, home, name, body, said):  # noqa: F811
    answer = sent(officer, body, name)
    assert answer.status_code == 409 and said in answer.content.decode()


def test_who_may_not_take_histories_in_and_a_district_takes_none_of_another(home, world):  # noqa: F811
    district = Client()
    district.force_login(city.person("区", "district_duty", city.JIMO, user="jimo").user)
    assert sent(district, sheet(("W0.gust", ago(days=3), 1))).status_code == 403
    sensor = Sensor.objects.get(code="W0.gust")
    assert district.get(f"/desk/sensors/{sensor.pk}/readings.csv").status_code == 404
    with scope.entered(scope.Scope(world, None, "区", reaches=(scope.Reach("flood_office", "370215"),))):
        file = home / "a.csv"
        file.write_bytes(sheet(("W0.gust", ago(days=3), 1)))
        assert past.do_take(file, "a.csv").rows == 0


def test_the_command_takes_a_file_too(home, world, capsys):  # noqa: F811
    from argparse import Namespace

    from anlan.faces import network

    file = home / "a.csv"
    file.write_bytes(sheet(("W0.gust", ago(days=3), 1), ("W0.gust", ago(days=3), "x")))
    assert network.load(Namespace(action="import", file=str(file))) == 1
    out = capsys.readouterr()
    assert '"readings":1' in out.out and "第 3 行" in out.err
    file.write_bytes(sheet(("W0.gust", ago(days=3), 1)))
    assert network.load(Namespace(action="import", file=str(file))) == 0
