"""The life of an alarm on the console: seen, shelved, held, latched, grouped; and the page of a sensor."""

import hashlib
import io
import json
import re
from datetime import timedelta

import pytest
from django.test import Client
from openpyxl import load_workbook

from anlan.faces import gate, ingest
from anlan.faces.desk import alarms
from anlan.kernel import clock
from anlan.kernel.indicators import indicator
from anlan.kernel.journal import read
from anlan.kernel.people import scope
from anlan.kernel.worlds.models import World
from anlan.sensing import acts, door, network
from anlan.sensing.models import Alarm, Burst, Gateway, Rule, Sensor, Station
from tests.kernel import city


@pytest.fixture
def world(db, settings):
    settings.TOTP = "optional"
    gate.forget()
    world = city.build()
    with scope.everyone(world):
        for n in range(8):
            station = Station(code=f"W{n}", name=f"{n}号站", kind="wind", area_id=city.SHAZIKOU, lon=120.4, lat=36.1)
            station.save()
            for kind in ("gust", "rain"):
                Sensor(station=station, code=f"W{n}.{kind}", quantity=kind, unit="m/s", low=0, high=90, area_id=city.SHAZIKOU).save()
        rule("gust", 20, clear=16, level=3)
        yield world


def rule(quantity, amount, **more):
    told = {"hazard": "大风", "hours": 0, "source": "试验", "confidence": "V", "version": "1", "since": city.SINCE, "clear": amount, **more}
    return Rule.objects.create(quantity=quantity, amount=amount, **told)


@pytest.fixture
def officer(world):
    client = Client()
    client.force_login(city.person("值班", "duty_officer", user="duty").user)
    return client


def blow(*values, ago=0, kind="gust"):
    moment = clock.now() - timedelta(seconds=ago)
    return door.take([door.Sample(f"W{n}.{kind}", moment, v) for n, v in enumerate(values)])


def page(client, path="/desk/alarms/", **given):
    answer = client.get(path, given)
    assert answer.status_code == 200
    return answer.content.decode()


def take(client, name, *alarms, **given):
    sent = client.post(f"/desk/alarms/step/{name}/", {"alarm": [a.pk for a in alarms], **given}, follow=True)
    return sent.content.decode()


def test_an_alarm_is_seen_handled_and_rests_when_the_value_is_back(officer):
    blow(25)
    alarm = Alarm.objects.get()
    assert "0号站" in page(officer) and alarm.stage == "new"
    assert "已确认 1 条" in take(officer, "acknowledge", alarm) and "已由值班确认" in take(officer, "acknowledge", alarm)
    assert "0号站" not in page(officer) and "0号站" in page(officer, stage="seen")
    assert "已登记处置" in take(officer, "handle", alarm, handled="已电话核实") and "请写明处置情况" in take(officer, "handle", alarm, handled=" ")
    with clock.travelled(timedelta(minutes=5)):
        blow(3)
    alarm.refresh_from_db()
    assert (alarm.stage, alarm.handled) == ("rests", "已电话核实")
    assert {"alarm.raised", "alarm.acknowledged", "alarm.handled", "alarm.cleared"} <= {line.verb for line in read.history(alarm)}


def test_one_that_is_back_before_anybody_saw_it_still_asks_to_be_seen(officer):
    blow(25, ago=60)
    blow(3)
    assert Alarm.objects.get().stage == "back" and "0号站" in page(officer, stage="back")
    take(officer, "acknowledge", Alarm.objects.get())
    assert Alarm.objects.get().stage == "rests"


def test_a_shelved_alarm_comes_back_by_itself_and_says_why_it_was_away(officer):
    blow(25)
    alarm = Alarm.objects.get()
    for given, said in (({"hours": "4"}, "须写明原因"), ({"hours": "x", "why": "检修"}, "请选择搁置的时长"), ({"hours": "48", "why": "检修"}, "最长 24 小时")):
        assert said in take(officer, "shelve", alarm, **given)
    assert "已搁置 1 条" in take(officer, "shelve", alarm, hours="4", why="风速仪校准")
    assert "0号站" not in page(officer) and "风速仪校准" in page(officer, stage="shelved")
    with clock.travelled(timedelta(hours=4, minutes=1)):
        gate.forget()
        assert "0号站" in page(officer)
    take(officer, "unshelve", alarm)
    assert "0号站" in page(officer)


def test_a_latched_alarm_ends_only_when_it_is_reset(officer):
    rule("rain", 10, level=2, latched=True)
    blow(15, kind="rain", ago=60)
    alarm = Alarm.objects.get()
    assert "才能复位" in take(officer, "reset", alarm)
    take(officer, "acknowledge", alarm)
    blow(1, kind="rain")
    alarm.refresh_from_db()
    assert alarm.stage == "latched" and "0号站" in page(officer, stage="latched")
    assert "已复位 1 条" in take(officer, "reset", alarm)
    alarm.refresh_from_db()
    assert alarm.stage == "rests"


def test_register_and_page_say_each_figure_with_its_unit_and_add_up_none(officer):
    rule("gust", 0, kind="offline", hold_up_s=60, level=4)
    blow(25)
    with clock.travelled(timedelta(hours=2, minutes=4, seconds=30)):
        network.tick()
    silence = Alarm.objects.get(rule__kind="offline")
    listed, own = page(officer, "/r/alarm/"), page(officer, f"/r/alarm/{silence.pk}/")
    assert "25.0m/s</td>" in listed and "2小时4分</td>" in listed and "2小时4分</td>" in page(officer), "as on the console"
    assert "<dt>触发值</dt><dd>2小时4分</dd>" in own and "<dt>最大值</dt><dd>—</dd>" in own
    assert "合计" not in page(officer, "/r/alarm/stats/") and "合计" not in page(officer, "/r/rule/stats/")
    assert officer.get(f"/api/alarm/{silence.pk}").json()["value"] == silence.value, "machines read the number"
    sheet = load_workbook(io.BytesIO(b"".join(officer.get("/r/alarm/export/").streaming_content))).worksheets[0]
    head, *lines = sheet.iter_rows(values_only=True)
    at = head.index("触发值")
    assert head[at + 1] == "触发值(读作)" and (silence.value, "2小时4分") in [line[at : at + 2] for line in lines], "a sheet has both"


def test_the_wall_s_map_marks_only_what_stands(officer):
    blow(25, 30, ago=60)
    blow(3)
    layer = next(one for one in officer.get("/screen/state.json").json()["layers"] if one["name"] == "alarm")
    marked = officer.get(layer["url"]).json()["features"]
    assert layer["count"] == len(marked) == 1 and "1号站" in marked[0]["properties"]["title"]


def test_the_alarms_of_a_sensor_out_of_service_are_kept_and_count_nowhere(officer, world):
    sensor = Sensor.objects.get(code="W0.gust")
    until = f"{clock.now() + timedelta(hours=20):%Y-%m-%dT%H:%M}"
    assert "已停用" in officer.post(f"/desk/sensors/{sensor.pk}/rest/", {"until": until, "why": "换电池"}, follow=True).content.decode()
    assert blow(25)["alarms"] == 0
    alarm = Alarm.objects.get()
    assert alarm.stage == "held" and "换电池" in alarm.held_why and "0号站" not in page(officer)
    with scope.everyone(world):
        assert indicator("sensing.alarms").value() == 0
    assert not read.history(alarm).filter(verb="alarm.raised").exists()
    officer.post(f"/desk/sensors/{sensor.pk}/rest/", {"until": ""})
    alarm.refresh_from_db()
    assert alarm.stage == "new" and read.history(alarm).filter(verb="alarm.raised").count() == 1


def test_many_alarms_of_one_cause_are_one_line_and_each_is_kept(officer):
    blow(*([25] * 8))
    burst = Burst.objects.get()
    assert (burst.count, burst.alarms.count(), burst.hazard) == (8, 8, "大风")
    said = page(officer)
    assert "崂山区大风告警 8 条" in said and said.count('name="alarm"') == 8 and "folded" in said
    assert said.count("member inner") == 7, "the gravest stays in sight"
    with clock.travelled(timedelta(hours=2)):
        blow(3, 3)
    with clock.travelled(timedelta(hours=3)):
        blow(25)
        assert Burst.objects.count() == 2, "the first one is long over"
    assert "已确认 9 条" in take(officer, "acknowledge", *Alarm.objects.all()) or Alarm.objects.filter(acknowledged_at=None).count() == 0


def test_the_gravest_stands_first_and_few_alarms_of_one_cause_are_not_folded(officer):
    rule("gust", 24, level=1)
    blow(25, 21)
    said = page(officer)
    assert re.findall(r"badge level-(\d)", said) == ["1", "3", "3"] and "folded" not in said


def test_where_nothing_stands_nothing_can_be_picked(officer):
    said = page(officer)
    assert "没有未确认的告警" in said and "确认所选" not in said and "<kbd>" not in said
    blow(25)
    said = page(officer)
    assert "确认所选" in said and "搁置所选" in said and ">取消搁置<" not in said
    assert "没有符合条件的告警" in page(officer, level="1") and "确认所选" not in page(officer, level="1")
    assert "确认所选" not in page(officer, stage="seen"), "what was acknowledged is not acknowledged again"


def test_silence_is_told_in_minutes_also_by_a_rule_that_came_later(officer, world):
    blow(1)
    with clock.travelled(timedelta(minutes=11)):
        rule("gust", 0, kind="offline", clear=0, hold_up_s=90, level=4)
        network.tick()
    with clock.travelled(timedelta(minutes=13)):
        gate.forget()
        Rule.objects.filter(kind="offline").update(until=clock.now() - timedelta(days=1))
        rule("gust", 0, kind="offline", clear=0, hold_up_s=600, level=3, version="2")
        network.tick()
        first, second = Alarm.objects.filter(rule__kind="offline").order_by("pk")
        assert (first.active, str(first.rule), first.most) == (False, "大风中断90秒", "")
        said = second.first  # a second or two more where the machine is busy
        assert second.active and said.startswith("13分") and f"{said}</td>" in page(officer)


def test_the_silence_of_a_station_is_told_once_and_gravely_while_water_rises(world):
    rule("gust", 0, kind="offline", clear=0, hold_up_s=600, level=4)
    rule("rain", 0, kind="offline", clear=0, hold_up_s=600, level=4)
    rule("rain", 20, hazard="暴雨", level=2)
    door.take([door.Sample(f"W0.{kind}", clock.now(), 1.0) for kind in ("gust", "rain")])
    door.take([door.Sample("W1.rain", clock.now(), 30.0)])
    with clock.travelled(timedelta(minutes=11)):
        door.take([door.Sample("W1.rain", clock.now(), 31.0)])
        network.tick()
    silent = Alarm.objects.filter(rule__kind="offline", sensor__station__code="W0").order_by("pk")
    assert [a.held for a in silent] == [False, True] and silent[1].held_why == "同站其他测点已告警中断"
    assert {a.level for a in silent if a.sensor.quantity == "rain" and not a.held} <= {2}


def test_the_menu_leads_to_the_console_whoever_it_is_open_to(world):
    for role, there in (("district_duty", True), ("town_duty", True), ("inspector", True), ("duty_officer", True), ("office", False), ("team", False)):
        client = Client()
        client.force_login(city.person(role, role, city.LAOSHAN, user=role).user)
        menu = client.get("/account/").content.decode().partition("<nav")[2]
        assert ('<a href="/desk/alarms/">' in menu) is there, role
        answer = client.get("/desk/alarms/")
        assert answer.status_code == (200 if there else 403) and ('<a href="/desk/alarms/" aria-current' in answer.content.decode()) is there, role


def test_no_value_is_told_at_which_a_silence_would_end(officer):
    silence, limit = rule("gust", 0, kind="offline", hold_up_s=60, level=4), rule("gust", 20, clear=0, level=2)
    rows = page(officer, f"/desk/sensors/{Sensor.objects.get(code='W0.gust').pk}/").split("<tr")
    for mine, said in ((silence, "—"), (limit, "0")):
        row = next(row for row in rows if f"/r/rule/{mine.pk}/" in row)
        assert f'<td class="number">{said}</td>' in row and f"<dt>解除值</dt><dd>{said}</dd>" in page(officer, f"/r/rule/{mine.pk}/"), said


def test_filters_narrow_the_console_and_odd_ones_find_nothing(officer):
    blow(25)
    for given, there in (({"level": "3"}, True), ({"level": "1"}, False), ({"area": city.LAOSHAN}, True), ({"area": city.JIMO}, False), ({"q": "0号"}, True),
                         ({"q": "%_"}, False), ({"level": "x"}, False), ({"area": "'"}, False), ({"stage": "odd"}, True)):  # fmt: skip
        assert ("/desk/sensors/" in page(officer, **given)) == there, given


def test_who_only_looks_takes_no_step_and_a_district_sees_its_own(officer, world):
    blow(25)
    district = Client()
    district.force_login(city.person("即墨", "district_duty", city.JIMO, unit="370215.yj", user="jimo").user)
    assert "0号站" not in page(district)
    assert district.post("/desk/alarms/step/acknowledge/", {"alarm": [Alarm.objects.get().pk]}).status_code == 403
    assert officer.post("/desk/alarms/step/odd/", {"alarm": "1"}).status_code == 404
    assert "请先选择告警" in take(officer, "acknowledge")


def test_the_chart_of_a_sensor_shows_what_was_read_its_limits_and_its_gaps(officer):
    sensor = Sensor.objects.get(code="W0.gust")
    for minutes in (50, 40, 30, 5):
        blow(10 + minutes / 10, ago=60 * minutes)
    found = officer.get(f"/desk/sensors/{sensor.pk}/series.json", {"span": "hour"}).json()
    assert [low for _, low, _ in found["points"]] == [15.0, 14.0, 13.0, 10.5] and found["unit"] == "m/s"
    assert found["limits"] == [["大风瞬时≥20", 20.0]] and found["gap_ms"] == pytest.approx(1_800_000, rel=0.01) and found["count"] == 4
    assert found["span"][1] - found["span"][0] == 3_600_000, "the chart spans what is asked for, however little was read"
    assert "大风瞬时≥20" in page(officer, f"/desk/sensors/{sensor.pk}/")
    assert officer.get(f"/desk/sensors/{sensor.pk}/", {"span": "century"}).status_code == 404


def test_more_readings_than_a_chart_can_draw_become_ranges(officer, monkeypatch):
    monkeypatch.setattr(alarms, "POINTS", 5)
    sensor = Sensor.objects.get(code="W0.gust")
    moment = clock.now() - timedelta(minutes=30)
    door.take([door.Sample("W0.gust", moment + timedelta(seconds=n), float(n % 7)) for n in range(100)])
    found = officer.get(f"/desk/sensors/{sensor.pk}/series.json", {"span": "hour"}).json()
    assert found["count"] == 100 and len(found["points"]) == 5
    assert min(p[1] for p in found["points"]) == 0 and max(p[2] for p in found["points"]) == 6


# ── the health of the network ───────────────────────────────────────────────────────────────────────────────


def test_the_network_page_tells_what_can_be_believed_and_what_gateways_sent(officer, world):
    rule("gust", 0, kind="offline", clear=0, hold_up_s=600, level=4)
    Gateway.objects.create(name="测风网关", token=hashlib.sha256(b"t").hexdigest())
    at = clock.now().isoformat()
    body = [{"sensor": f"W{n}.gust", "time": at, "value": v} for n, v in enumerate((3.0, 4.0, 999.0))]
    assert ingest.take("t", json.dumps(body).encode())[0] == 200
    with clock.travelled(timedelta(minutes=20)):
        gate.forget()
        door.take([door.Sample("W1.gust", clock.now(), 5.0)])
        said = page(officer, "/desk/network/")
    assert "测风网关" in said and "超出量程 1" in said and "中断" in said and "0号站" in said
    row = next(line for line in said.split("<tr>") if line.startswith("<td>崂山区"))
    assert re.findall(r">(\d+|[\d.]+%)<", row) == ["33.3%", "16", "1", "0", "2", "13"]
    assert "一小时无数</span>" not in said
    with clock.travelled(timedelta(minutes=70)):
        gate.forget()
        assert "一小时无数</span>" in page(officer, "/desk/network/")
        Gateway.objects.update(enabled=False)
        assert "一小时无数</span>" not in page(officer, "/desk/network/"), "nobody waits for one that is switched off"


def test_a_network_of_which_nothing_was_heard_says_so(officer):
    said = page(officer, "/desk/network/")
    assert "还没有登记网关" in said and "中断</td>" not in said


def test_gateways_send_to_the_real_city_and_are_named_there_alone(officer, world):
    Gateway.objects.create(name="测风网关", token=hashlib.sha256(b"t").hexdigest())
    replay = World.objects.create(kind="replay", title="回放", guests=True)
    said = page(officer, f"/w/{replay.pk}/desk/network/")
    assert "测风网关" not in said and "网关只向实战送数" in said and 'type="file"' not in said
    said = page(officer, "/desk/network/")
    assert "测风网关" in said and 'type="file"' in said and "网关只向实战送数" not in said


def test_a_held_alarm_is_told_when_its_reason_has_gone(world):
    """The rest ran out by itself; or the sensor whose silence told the station's is back and this one is not."""
    rule("gust", 0, kind="offline", clear=0, hold_up_s=600, level=4)
    rule("rain", 0, kind="offline", clear=0, hold_up_s=600, level=4)
    resting = Sensor.objects.get(code="W3.gust")
    acts.do_rest(resting, clock.now() + timedelta(minutes=30), "检修")
    door.take([door.Sample("W3.gust", clock.now(), 30.0), *(door.Sample(f"W0.{kind}", clock.now(), 1.0) for kind in ("gust", "rain"))])
    assert Alarm.objects.get(sensor=resting).held
    with clock.travelled(timedelta(minutes=11)):
        network.tick()
        door.take([door.Sample("W3.gust", clock.now(), 31.0)])
        first, second = Alarm.objects.filter(rule__kind="offline", sensor__station__code="W0").order_by("held")
        assert (first.held, second.held) == (False, True)
        door.take([door.Sample(first.sensor.code, clock.now(), 1.0)])
        network.tick()
        second.refresh_from_db()
        assert second.active and not second.held and read.history(second).filter(verb="alarm.raised").count() == 1
        assert Alarm.objects.get(sensor=resting, rule__kind="high").held
    with clock.travelled(timedelta(minutes=31)):
        network.tick()
        assert not Alarm.objects.get(sensor=resting, rule__kind="high").held
