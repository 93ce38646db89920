"""An alarm of an area, by a rule that counts sensors: on the console, the wall, the register, the command line, in the call."""

import json
from argparse import Namespace
from datetime import timedelta

import pytest
from django.test import Client

from anlan.faces import gate
from anlan.faces import network as commands
from anlan.faces.screen import state
from anlan.kernel import clock
from anlan.kernel.clock import loop
from anlan.kernel.people import scope
from anlan.kernel.registers import find
from anlan.sensing import network, trial
from anlan.sensing.models import Alarm, Rule, Sensor
from tests.faces.test_alarms import blow, officer, page, rule, take, world  # noqa: F401
from tests.faces.test_paging import MINUTE, TYPED, blown, calls, office, posts, tried  # noqa: F401
from tests.kernel import city


def link(n):
    """To the gauge of a station, by its name."""
    return f'<a href="/desk/sensors/{Sensor.objects.get(code=f"W{n}.gust").pk}/">{n}号站</a>'


def count(amount=2, **more):
    return rule("gust", amount, **{"kind": "count", "level": 1, "reach": 3, "area_id": city.LAOSHAN, **more})


def test_it_is_read_wherever_alarms_are(officer, world, capsys):  # noqa: F811
    count()
    blow(25, 30, 3)
    alarm = Alarm.objects.get(sensor=None)
    said = page(officer)
    row = next(line for line in said.split("<tr") if "个测点</a>" in line)
    assert "崂山区" in row and "2 个测点" in row and f"?of={alarm.pk}" in row
    assert page(officer, q="崂山区").count("个测点</a>") == 1 and "个测点</a>" not in page(officer, q="0号站")
    assert "崂山区" in page(officer, "/desk/") and "崂山区" in page(officer, find("alarm").link(alarm)) and page(officer, "/r/alarm/")
    with scope.everyone(world):
        panel = state._alarms(clock.now())
    assert ["崂山区", "2 个测点"] in [[row["cells"][0], row["cells"][2]] for row in panel["rows"]]
    commands.alarms(Namespace(sensor="", since="", json=True))
    told = [a for a in json.loads(capsys.readouterr().out)["alarms"] if not a["sensor"]]
    assert [(a["area"], a["value"]) for a in told] == [(city.LAOSHAN, 2.0)]


def test_the_figure_opens_the_alarms_that_were_counted(officer, world):  # noqa: F811
    rule("rain", 20, level=3)
    count()
    blow(25, 30, 3)
    blow(30, kind="rain")
    alarm = Alarm.objects.get(sensor=None)
    said = page(officer, of=alarm.pk)
    assert said.count("/desk/sensors/") == 2 and "0号站" in said and "1号站" in said and "个测点</a>" not in said
    links = "、".join(map(link, (0, 1)))
    assert links in page(officer, find("alarm").link(alarm)) and links in page(officer, "/r/alarm/"), "its own page and the register name them"
    assert officer.get(f"/api/alarm/{alarm.pk}").json()["counted"] == "0号站、1号站"
    blow(3)
    assert "0号站" in page(officer, of=alarm.pk) and "已恢复未确认" in page(officer, of=alarm.pk), "also when it is over"
    assert officer.get("/desk/alarms/", {"of": alarm.pk, "stage": "seen"}).content.decode().count("/desk/sensors/") == 0
    single = Alarm.objects.exclude(sensor=None).first()
    assert [officer.get("/desk/alarms/", {"of": odd}).status_code for odd in (single.pk, "x", "9" * 12)] == [404] * 3


def test_names_of_what_the_asker_may_not_open_are_no_links(officer, world):  # noqa: F811
    count()
    blow(25, 30)
    Sensor.objects.filter(code="W1.gust").update(area_id=city.JIMO)
    client = Client()
    client.force_login(city.person("区值班", "district_duty", city.LAOSHAN, user="district").user)
    assert "0号站</a>、1号站</dd>" in page(client, find("alarm").link(Alarm.objects.get(sensor=None)))


def test_its_page_and_the_console_say_who_is_not_heard_of_and_it_is_reset_there(officer, world, capsys):  # noqa: F811
    count(fresh_s=60)
    blow(25, 30)
    with clock.travelled(timedelta(seconds=90)):
        blow(25)
        network.tick()
        gate.forget()
        alarm = Alarm.objects.get(sensor=None)
        its_own = find("alarm").link(alarm)
        assert "1 个测点读数过时,有效的不足" in page(officer) and f"读数过时 1 个:{link(1)}" in page(officer, its_own)
        commands.alarms(Namespace(sensor="", since="", json=True))
        assert [(a["doubtful"], a["stale"]) for a in json.loads(capsys.readouterr().out)["alarms"] if not a["sensor"]] == [(True, 1)]
        take(officer, "acknowledge", alarm)
        assert "待复位" in page(officer, its_own) and "个测点</a>" in page(officer, stage="latched") and "复位所选" in page(officer, stage="latched")
        assert "已复位 1 条" in take(officer, "reset", alarm)
        assert "由值班判断已恢复" in page(officer, its_own) and "个测点</a>" not in page(officer, stage="latched")


def test_it_stands_before_those_of_its_level_on_the_wall_and_the_home(officer, world):  # noqa: F811
    count(level=3)
    blow(25, 30)
    blow(25, 30, 30)
    assert officer.get("/screen/state.json").json()["panels"]["right1"]["rows"][0]["cells"][0] == "崂山区"
    home = page(officer, "/desk/").split('id="part-warnings"')[1].split("</table>")[0]
    assert home.index("崂山区") < home.index("2号站")


def test_it_stays_in_sight_where_the_alarms_of_its_cause_are_folded(officer, world):  # noqa: F811
    count()
    blow(*([25] * 8))
    rows = [row for row in page(officer).split("<tr") if "data-row" in row]
    assert "告警 9 条" in rows[0] and "8 个测点</a>" in rows[1] and "inner" not in rows[1]
    assert len(rows) == 10 and all("inner" in row for row in rows[2:])
    said = page(officer, of=Alarm.objects.get(sensor=None).pk)
    assert "涉及 8 个测点" in said and "folded" not in said and said.count('name="alarm"') == 8


def test_the_page_of_a_sensor_tells_the_rules_that_count_it(officer, world):  # noqa: F811
    count()
    count(area_id=city.JIMO, amount=1)
    said = page(officer, f"/desk/sensors/{Sensor.objects.get(code='W0.gust').pk}/")
    assert said.count("个</a>") == 1 and "测点≥2个" in said


def test_who_looks_after_another_district_opens_nothing_of_it(world):  # noqa: F811
    count()
    blow(25, 30)
    pk = Alarm.objects.get(sensor=None).pk
    for area, seen in ((city.LAOSHAN, True), (city.JIMO, False)):
        client = Client()
        client.force_login(city.person(f"值班{area}", "district_duty", area, user=f"duty{area}").user)
        assert ("个测点</a>" in page(client)) is seen
        assert client.get("/desk/alarms/", {"of": pk}).status_code == (200 if seen else 404)


def test_nobody_sees_it_and_the_duty_of_the_area_is_called(posts):  # noqa: F811
    count(page_s=60)
    blow(25, 30)
    with clock.travelled(timedelta(minutes=2)):
        loop.drain(posts)
    assert Alarm.objects.get(sensor=None).paged_at and any("崂山区" in call.text and "2 个测点" in call.text for call in calls())


def test_it_is_entered_in_the_form_and_a_wrong_number_is_named(office):  # noqa: F811
    typed = {**TYPED, "kind": "count", "amount": "99", "clear": "1", "reach": "3", "area": city.LAOSHAN, "sensor": "", "station": ""}
    answer = office.post("/r/rule/new/", typed)
    assert answer.status_code == 422 and "只有 8 个" in answer.content.decode()
    assert office.post("/r/rule/new/", {**typed, "amount": "2"}).status_code == 302
    blow(25, 30)
    assert Alarm.objects.filter(sensor=None).count() == 1


def test_its_times_are_entered_in_the_form_and_only_there(office):  # noqa: F811
    times = {"hold_up_s": "30", "hold_down_s": "60", "fresh_s": "600"}
    assert office.post("/r/rule/new/", {**COUNTING, **times}).status_code == 302
    mine = Rule.objects.get(kind="count")
    assert (mine.hold_up_s, mine.hold_down_s, mine.fresh_s) == (30, 60, 600)
    answer = office.post("/r/rule/new/", {**TYPED, "fresh_s": "600"})
    assert answer.status_code == 422 and "只有“多点同时”才填读数有效时间" in answer.content.decode()


COUNTING = {**TYPED, "kind": "count", "amount": "2", "clear": "2", "level": "1", "reach": "3", "area": city.LAOSHAN}


def test_it_is_tried_over_what_was_read_minute_by_minute(office):  # noqa: F811
    """Two stand together from the third to the fifth minute: W0 21 22 25 17 5, W1 3 3 25 25 3 (20 up, below 16 over)."""
    last = clock.now() - 30 * MINUTE
    blown("W0.gust", 21, 22, 25, 17, 5, last=last)
    blown("W1.gust", 3, 3, 25, 25, 3, last=last)
    blown("W2.gust", 25, 5, last=last + 10 * MINUTE)
    answer = tried(office, **COUNTING)
    (fired,) = answer.context["trial"].fired
    assert answer.status_code == 200 and (fired.sensor, fired.value, (fired.until - fired.at) / MINUTE) == (None, 2.0, 2.0)
    said = answer.content.decode()
    assert "1</b> 次告警" in said and "崂山区" in said and "8 个测点中,8 个有现行" in said and "不会告警" not in said
    assert not Rule.objects.filter(kind="count").exists() and not Alarm.objects.filter(sensor=None).exists()
    assert not tried(office, **{**COUNTING, "amount": "3", "clear": "3"}).context["trial"].fired


def test_it_is_tried_with_its_times(office):  # noqa: F811
    """Together from the third to the fifth minute, and from the tenth on until both fall silent a minute later."""
    last = clock.now() - 30 * MINUTE
    blown("W0.gust", 21, 22, 25, 17, 5, 5, 5, 5, 5, 25, 25, last=last)
    blown("W1.gust", 3, 3, 25, 25, 3, 3, 3, 3, 3, 25, 25, last=last)

    def spans(**more):
        found = tried(office, **{**COUNTING, **more}).context["trial"].fired
        return [(one.until and (one.until - one.at) / MINUTE, one.doubtful) for one in found]

    assert spans() == [(2, False), (None, False)]
    assert spans(hold_up_s="90") == [(0.5, False), (None, False)], "told when it has lasted, and it lasts after the last reading too"
    assert spans(hold_up_s="150") == [(None, False)]
    assert spans(hold_down_s="60") == [(3, False), (None, False)]
    assert spans(hold_up_s="90", fresh_s="240") == [(0.5, False), (None, True)], "whoever falls silent ends nothing"
    assert spans(hold_up_s="240", fresh_s="120") == []
    assert spans(fresh_s="30") == [(2, True), (None, True)], "looked at in steps that are short enough: in doubt from minute to minute"
    assert spans(hold_up_s="10", hold_down_s="10") == [(2, False), (None, False)]
    assert "曾存疑" in tried(office, **COUNTING, fresh_s="240").content.decode()


def test_a_trial_says_where_there_is_nothing_to_count(office):  # noqa: F811
    blown("W0.gust", 30, 30)
    blown("W1.gust", 30, 30)
    said = tried(office, **{**COUNTING, "hazard": "台风"}).content.decode()
    assert "8 个测点中,0 个有现行" in said and "不足 2 个,这条规则不会告警" in said


@pytest.mark.parametrize("times", [{}, {"hold_up_s": 40, "hold_down_s": 30}, {"fresh_s": 150}, {"fresh_s": 150, "hold_up_s": 40, "hold_down_s": 40}])
def test_the_trial_of_a_rule_that_counts_agrees_with_what_the_network_did(office, times):  # noqa: F811
    mine = count(clear=1, **times)
    for n in range(90):
        with clock.travelled(-timedelta(minutes=130 - n)):
            blow(*[(7 * n * n + 11 * k * n) % 31 for k in range(4)][: 4 - n % 7 // 2])
    network.tick()
    live = [(a.at, a.value, a.cleared_at) for a in Alarm.objects.filter(sensor=None).order_by("at")]
    found = trial.try_rule(mine, clock.now() - timedelta(days=1), clock.now()).fired
    assert len(live) > 2 and [(one.value, one.until is None) for one in found] == [(value, until is None) for _, value, until in live]
    assert all(timedelta(0) <= one.at - at <= MINUTE for one, (at, _, _) in zip(found, live, strict=True))
