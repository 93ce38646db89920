"""Stage limits: unknown is shown as 未配置, a keeper enters one, from then on the gauge is judged by it."""

import io
from datetime import date, timedelta

import pytest
from django.test import Client
from openpyxl import Workbook, load_workbook

from anlan.disaster.flood import seed
from anlan.kernel import clock
from anlan.kernel.people import scope
from anlan.sensing import door
from anlan.sensing.models import Alarm, Sensor, StageLimit, Station
from tests.kernel import city

HEAD = ["测点", "限值", "阈值", "解除值", "级别", "依据", "可信度", "版本", "自", "至"]


@pytest.fixture
def office(db, settings):
    """A river gauge and a reservoir gauge without limits, a rain gauge, and a signed-in keeper of the flood office."""
    settings.TOTP = "optional"
    world = city.build()
    with scope.everyone(world):
        for code, name, kind, quantity in (("S1", "石老人河", "river", "stage"), ("L1", "石门水库", "reservoir", "stage"), ("R1", "石门", "rain", "rain")):
            station = Station(code=code, name=name, kind=kind, area_id=city.SHAZIKOU, lon=120.4, lat=36.1)
            station.save()
            Sensor(station=station, code=f"{code}.{quantity}", quantity=quantity, unit="m", low=-5, high=100, area_id=city.SHAZIKOU).save()
        client = Client()
        client.force_login(city.person("张防", "flood_office", user="flood").user)
        yield client


def sensor(code):
    return Sensor.objects.get(code=code)


def enter(client, code="S1.stage", **given):
    typed = {"sensor": str(sensor(code).pk), "mark": "warning", "amount": "3.5", "level": "3", "source": "某水文站批复(试验)", "confidence": "V",
             "version": "2023", "since": "2020-06-01", **given}  # fmt: skip
    return client.post("/r/limit/new/", typed)


def stage(value, code="S1.stage"):
    return door.take([door.Sample(code, clock.now(), value)])["alarms"]


def page(client, path):
    return client.get(path).content.decode()


def test_unknown_limits_are_shown_as_not_configured_where_a_stage_is_measured(office):
    for path in ("/r/station/", f"/r/station/{sensor('S1.stage').station_id}/", "/r/sensor/", f"/r/sensor/{sensor('S1.stage').pk}/"):
        assert "警戒水位 未配置、保证水位 未配置" in page(office, path), path
    assert "汛限水位 未配置" in page(office, f"/r/station/{sensor('L1.stage').station_id}/")
    assert "未配置" not in page(office, f"/r/station/{sensor('R1.rain').station_id}/")
    sheet = load_workbook(io.BytesIO(b"".join(office.get("/r/station/export/").streaming_content))).worksheets[0]
    assert any("汛限水位 未配置" in str(cell) for row in sheet.iter_rows(values_only=True) for cell in row)


def test_a_limit_entered_by_form_raises_an_alarm_at_the_next_reading(office):
    assert stage(3.6) == 0
    assert enter(office).status_code == 302
    assert "警戒水位 3.50m、保证水位 未配置" in page(office, f"/r/station/{sensor('S1.stage').station_id}/")
    assert stage(3.6) == 1
    alarm = Alarm.objects.get()
    assert (alarm.level, str(alarm), alarm.rule.source) == (3, "石老人河 警戒水位≥3.5m", "某水文站批复(试验)")
    assert "警戒水位≥3.5m" in page(office, "/desk/") and "警戒水位≥3.5m,实测 3.60m" in page(office, "/r/journal/")
    with clock.travelled(timedelta(hours=1)):
        stage(3.45)
        assert Alarm.objects.get().active, "it ends a tenth of a metre below, so that it does not flutter"
    with clock.travelled(timedelta(hours=2)):
        stage(3.3)
        assert not Alarm.objects.get().active


def test_both_limits_of_a_river_and_the_season_limit_of_a_reservoir_each_have_their_level(office):
    enter(office)
    enter(office, mark="guaranteed", amount="4.5", level="2")
    enter(office, code="L1.stage", mark="season", amount="30.2", level="4")
    assert stage(4.6) == 2 and stage(30.5, "L1.stage") == 1
    assert sorted(Alarm.objects.values_list("level", flat=True)) == [2, 3, 4]
    assert StageLimit.objects.count() == 3 and {r.area_id for r in StageLimit.objects.all()} == {city.SHAZIKOU}


def test_limits_come_by_workbook_and_a_new_version_ends_the_old_one(office):
    out, book = io.BytesIO(), Workbook()
    gauge = f"{sensor('L1.stage')}[{sensor('L1.stage').pk}]"
    book.active.append(HEAD)
    book.active.append([gauge, "汛限水位", 30.2, None, "Ⅳ级(蓝)", "汛期调度批复(试验)", "V", "主汛期", date(2022, 6, 1), date(2022, 8, 31)])
    book.active.append([gauge, "汛限水位", 31.0, 30.8, "Ⅳ级(蓝)", "汛期调度批复(试验)", "V", "后汛期", date(2022, 9, 1), None])
    book.save(out)
    out.seek(0)
    out.name = "limits.xlsx"
    assert office.post("/r/limit/import/", {"file": out}).status_code == 302
    early, late = StageLimit.objects.order_by("since")
    assert (early.clear, late.clear) == (30.1, 30.8)
    assert stage(30.5, "L1.stage") == 0 and stage(31.2, "L1.stage") == 1, "judged by the version of the day"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"amount": "350"}, "超出该测点量程"),
        ({"code": "R1.rain"}, "只有水位测点才有水位限值"),
        ({"mark": ""}, "这个字段是必填项"),
        ({"sensor": ""}, "请填写测点"),
        ({"clear": "9"}, "解除值不得高于阈值"),
        ({"until": "2019-01-01"}, "“至”早于“自”"),
        ({"since": "2021-06-01"}, "时段重叠"),
        ({"mark": "guaranteed", "amount": "2.5"}, "低于警戒水位"),
        ({"source": ""}, "这个字段是必填项"),
    ],
)  # fmt: skip
def test_a_limit_that_cannot_be_is_refused_beside_its_field_and_what_was_typed_stays(office, given, said):
    enter(office)
    answer = enter(office, **given)
    assert answer.status_code == 422 and said in answer.content.decode()
    assert 'value="2023"' in answer.content.decode() and StageLimit.objects.count() == 1


def test_a_limit_that_has_alarmed_is_ended_and_never_rewritten(office):
    enter(office)
    stage(3.6)
    row = StageLimit.objects.get()
    typed = {"sensor": str(row.sensor_id), "mark": "warning", "clear": "3.4", "level": "3", "source": row.source, "confidence": "V", "version": "2023"}
    path = f"/r/limit/{row.pk}/edit/"
    answer = office.post(path, {**typed, "amount": "3.9", "since": "2020-06-01"})
    assert answer.status_code == 422 and "再新增一个版本" in answer.content.decode()
    yesterday = f"{clock.now() - timedelta(days=2):%Y-%m-%d}"
    assert office.post(path, {**typed, "amount": "3.5", "since": "2020-06-01", "until": yesterday}).status_code == 302
    stage(3.7)
    assert not Alarm.objects.get().active, "an alarm does not outlive its rule"


def test_who_keeps_no_limits_enters_none_and_a_drill_changes_none(office):
    other = Client()
    other.force_login(city.person("崂山", "district_duty", city.LAOSHAN, unit="370212.yj", user="laoshan").user)
    assert enter(other).status_code == 403 and StageLimit.objects.count() == 0


def test_the_demo_invents_limits_for_invented_gauges_only_and_says_so(planted):
    rows = planted.ask(
        "select s.note, r.confidence, r.source from sensing_sensor n join sensing_station s on s.id = n.station_id "
        "left join sensing_rule r on r.sensor_id = n.id where n.quantity = 'stage'"
    )  # fmt: skip
    assert len(rows) == 60
    for note, confidence, source in rows:
        invented = note == seed.INVENTED
        assert (confidence, source) == ((seed.INVENTED, seed.INVENTED_LIMIT) if invented else (None, None))
