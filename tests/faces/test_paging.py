"""The two clocks of an alarm, and a rule that is tried over the history before it is put in force."""

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from anlan.faces.desk import rules as page
from anlan.kernel import clock
from anlan.kernel.clock import loop
from anlan.kernel.journal import read
from anlan.kernel.notice.models import Addressee, Notice
from anlan.kernel.people import scope
from anlan.sensing import acts, door, network, trial
from anlan.sensing.models import Alarm, Rule, Sensor
from tests.kernel import city

from .test_alarms import blow, officer, rule, take, world  # noqa: F401  fixtures

MINUTE = timedelta(minutes=1)


@pytest.fixture
def posts(world):  # noqa: F811
    city.post("区值班", "district_duty", "district", city.LAOSHAN, [city.person("区值班员", "district_duty", city.LAOSHAN, "370212.yj")])
    city.post("带班领导", "duty_lead", "city", scope.ROOT, [city.person("带班", "duty_lead")])
    Rule.objects.update(page_s=300, handle_s=1800)
    return world


def after(world, span):  # noqa: F811
    travelled = clock.travelled(span)
    travelled.__enter__()
    loop.drain(world)
    return travelled


def calls():
    return list(Notice.objects.filter(title__startswith="告警").order_by("pk"))


def test_nobody_sees_it_and_the_duty_of_its_district_is_called_once(posts):
    blow(25)
    with clock.travelled(4 * MINUTE):
        loop.drain(posts)
        assert not calls()
    with clock.travelled(6 * MINUTE):
        loop.drain(posts)
        (call,) = calls()
        assert "0号站" in call.text and "5 分钟内无人确认" in call.text and call.kind == "call"
        assert [a.post.role for a in Addressee.objects.filter(notice=call)] == ["district_duty"]
        acts.check_acknowledge(Alarm.objects.get())
        call.refresh_from_db()
        assert call.closed_at is not None
    with clock.travelled(20 * MINUTE):
        loop.drain(posts)
        assert len(calls()) == 1


def test_who_sees_it_in_time_is_not_called_and_the_second_clock_begins(posts):
    blow(25)
    with clock.travelled(2 * MINUTE):
        acts.check_acknowledge(Alarm.objects.get())
    with clock.travelled(33 * MINUTE):
        loop.drain(posts)
        (told,) = calls()
        alarm = Alarm.objects.get()
        assert told.kind == "inform" and "未处置" in told.title and alarm.overdue
        assert Addressee.objects.get(notice=told).post.role == "duty_lead"
        assert read.Line.objects.filter(verb="alarm.overdue").count() == 1


@pytest.mark.parametrize("ended", ["handled", "back"])
def test_what_was_done_or_has_ended_is_not_called_late(posts, ended):
    blow(25)
    acts.check_acknowledge(Alarm.objects.get())
    with clock.travelled(5 * MINUTE):
        if ended == "handled":
            acts.do_handle(Alarm.objects.get(), "已到场")
        else:
            blow(3)
    with clock.travelled(60 * MINUTE):
        loop.drain(posts)
        assert not calls() and not Alarm.objects.get().overdue


def test_an_alarm_that_ends_ends_its_call(posts):
    blow(25)
    with clock.travelled(6 * MINUTE):
        loop.drain(posts)
        blow(3)
        assert calls()[0].closed_at is not None


def test_a_flood_of_alarms_rings_once_and_until_the_last_is_seen(posts):
    blow(*[25] * 8)
    with clock.travelled(6 * MINUTE):
        loop.drain(posts)
        (call,) = calls()
        assert "另有 7 条" in call.text
        alarms = list(Alarm.objects.order_by("pk"))
        for alarm in alarms[:7]:
            acts.check_acknowledge(alarm)
        call.refresh_from_db()
        assert call.closed_at is None
        acts.check_acknowledge(alarms[7])
        call.refresh_from_db()
        assert call.closed_at is not None


def test_a_shelved_alarm_calls_nobody_until_it_comes_back(posts):
    blow(25)
    acts.do_shelve(Alarm.objects.get(), clock.now() + 60 * MINUTE, "检修")
    with clock.travelled(30 * MINUTE):
        loop.drain(posts)
        assert not calls()
    with clock.travelled(62 * MINUTE):
        loop.drain(posts)
        assert len(calls()) == 1


def test_a_rule_without_times_calls_nobody_and_the_page_says_so(posts, officer):  # noqa: F811
    Rule.objects.update(page_s=None, handle_s=None)
    blow(25)
    acts.check_acknowledge(Alarm.objects.get())
    with clock.travelled(timedelta(days=1)):
        loop.drain(posts)
        assert not calls()
    assert officer.get(f"/desk/sensors/{Sensor.objects.get(code='W0.gust').pk}/").content.decode().count("未配置") == 2


# ── a rule is tried ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def office(world):  # noqa: F811
    client = Client()
    client.force_login(city.person("防办", "flood_office", user="office").user)
    return client


TYPED = {
    "kind": "high", "hazard": "大风", "quantity": "gust", "hours": "0", "amount": "20", "clear": "16", "level": "3", "hold_up_s": "0", "hold_down_s": "0",
    "area": scope.ROOT, "source": "试算", "confidence": "M", "version": "2", "since": "2026-01-01",
}  # fmt: skip


def blown(code, *values, step=MINUTE, end=timedelta(0), last=None):
    """Readings of one sensor that end some time ago, one each step. What several read at one moment is given the ``last`` of them."""
    last = last or clock.now() - end
    return door.take([door.Sample(code, last - step * (len(values) - 1 - n), v) for n, v in enumerate(values)])


def tried(client, **changed):
    return client.post("/desk/rules/trial/", {**TYPED, **changed})


def test_the_menu_marks_the_register_that_the_trial_and_the_page_of_a_sensor_belong_to(office):
    for said, name in ((tried(office), "rule"), (office.get(f"/desk/sensors/{Sensor.objects.first().pk}/"), "sensor"), (office.get("/r/rule/new/"), "rule")):
        menu = said.content.decode().partition("<nav")[2].partition("</nav>")[0]
        assert menu.count("aria-current") == 1 and f'<a href="/r/{name}/" aria-current="page">' in menu


def test_a_rule_is_tried_over_what_was_read_and_nothing_is_written(office):
    Rule.objects.all().delete()
    blown("W0.gust", 10, 21, 22, 17, 15, 30, 10, 10, end=60 * MINUTE)
    blown("W1.gust", 10, 25, 25, 25, end=5 * MINUTE)
    answer = tried(office)
    found = answer.context["trial"]
    assert answer.status_code == 200 and len(found.fired) == 3 and found.places == 2 and found.whole
    spans = [(one.sensor.code, one.value, one.until and round((one.until - one.at) / MINUTE)) for one in found.fired]
    assert spans == [("W0.gust", 21.0, 3), ("W0.gust", 30.0, 1), ("W1.gust", 25.0, None)]
    assert "3</b> 次告警" in answer.content.decode() and not Rule.objects.exists() and not Alarm.objects.exists()
    higher = tried(office, amount="24", clear="24").context["trial"]
    assert [one.value for one in higher.fired] == [30.0, 25.0]
    held = tried(office, hold_up_s="90").context["trial"]
    assert [one.sensor.code for one in held.fired] == ["W1.gust"]


def test_the_trial_agrees_with_what_the_network_did(office):
    """The alarms that were raised live are those that the trial of the same rule finds."""
    Rule.objects.update(clear=18, hold_up_s=30)
    values = [(7 * n * n + 3 * n) % 31 for n in range(120)]
    for n, value in enumerate(values):
        with clock.travelled(-timedelta(minutes=130 - n)):
            door.take([door.Sample("W3.gust", clock.now(), value)])
    live = sorted((a.at, a.value) for a in Alarm.objects.all())
    found = trial.try_rule(Rule.objects.get(), clock.now() - timedelta(days=1), clock.now())
    assert live and [(one.at, one.value) for one in found.fired] == live


def test_silence_and_seasons_are_tried_too(office):
    blown("W2.gust", *[1] * 5, end=120 * MINUTE)
    blown("W2.gust", *[1] * 5, end=30 * MINUTE)
    silent = tried(office, kind="offline", amount="0", clear="0", hold_up_s="600", sensor="W2.gust").context["trial"]
    assert [round((one.until - one.at) / MINUTE) if one.until else None for one in silent.fired] == [76, None]
    today = timezone.localdate(clock.now())
    other = f"{(today + timedelta(days=40)):%m-%d}", f"{(today + timedelta(days=60)):%m-%d}"
    blown("W4.gust", 30, 30)
    assert not tried(office, season_from=other[0], season_until=other[1], sensor="W4.gust").context["trial"].fired
    assert len(tried(office, sensor="W4.gust").context["trial"].fired) == 1


def test_a_rain_rule_sums_what_fell_before_the_first_moment(office):
    blown("W5.rain", *[10] * 30, step=10 * MINUTE, end=timedelta(minutes=10))
    found = tried(office, quantity="rain", hours="3", amount="100", clear="100", days="1").context["trial"]
    assert len(found.fired) == 1 and found.fired[0].value == 100


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ({"kind": "quality"}, "无法试算"), ({"kind": "stray"}, "无法试算"),
        ({"amount": "x"}, "阈值"), ({"clear": "30"}, "解除值"), ({"sensor": "W0.rain"}, "不符"),
        ({"season_from": "06-01"}, "同时填写"), ({"sensor": "W0.gust", "station": "W0"}, "只填一项"), ({"area": ""}, "适用区域"),
    ],
)
def test_what_cannot_be_tried_says_why(office, odd, said):
    answer = tried(office, **odd)
    assert answer.status_code == 422 and said in answer.content.decode()


def test_a_trial_of_too_many_sensors_or_readings_says_how_far_it_came(office, monkeypatch):
    blown("W0.gust", *[25] * 4)
    monkeypatch.setattr(trial, "MOST_SENSORS", 3)
    cut = tried(office)
    assert not cut.context["trial"].whole and "适用于 8 个测点" in cut.content.decode()
    monkeypatch.setattr(trial, "MOST_SENSORS", 2000)
    monkeypatch.setattr(trial, "BUDGET_S", -1.0)
    late = tried(office)
    assert not late.context["trial"].whole and "没有算完" in late.content.decode()
    monkeypatch.setattr(page, "MOST", 0)
    assert tried(office).status_code == 200


def test_the_form_of_a_rule_offers_the_trial_and_who_may_not_write_may_not_try(office, officer):  # noqa: F811
    form = office.get("/r/rule/new/").content.decode()
    assert 'formaction="/desk/rules/trial/"' in form and "未确认即呼叫" in form
    assert officer.post("/desk/rules/trial/", TYPED).status_code == 403 and office.get("/desk/rules/trial/").status_code == 405
    saved = office.post("/r/rule/new/", {**TYPED, "sensor": "W0.gust", "page_s": "120"})
    assert saved.status_code == 302, saved.content.decode()
    made = Rule.objects.get(version="2")
    assert (made.page_s, made.handle_s, str(made.area_id)) == (120, None, city.SHAZIKOU)


def test_the_chart_ends_where_one_was_sent_to_look(office):
    blown("W0.gust", 1, 2, 3, end=timedelta(days=2))
    sensor = Sensor.objects.get(code="W0.gust")
    then = (clock.now() - timedelta(days=2) + 12 * 60 * MINUTE).isoformat()
    assert office.get(f"/desk/sensors/{sensor.pk}/series.json", {"span": "day", "until": then}).json()["count"] == 3
    assert office.get(f"/desk/sensors/{sensor.pk}/series.json", {"span": "day"}).json()["count"] == 0
    assert "回到现在" in office.get(f"/desk/sensors/{sensor.pk}/", {"span": "day", "until": then}).content.decode()
    for odd in ("gestern", "0001-01-01", "9999-12-31T23:59:59+00:00"):
        assert office.get(f"/desk/sensors/{sensor.pk}/", {"until": odd}).status_code == 200
        assert office.get(f"/desk/sensors/{sensor.pk}/series.json", {"until": odd}).status_code == 200
    assert datetime.fromisoformat(then)


def test_one_that_strays_from_its_neighbours_is_told_and_so_is_its_return(world):  # noqa: F811
    Rule.objects.all().delete()
    rule("gust", 8, kind="stray", clear=3, level=4, hold_up_s=300, area_id=city.SHAZIKOU)

    def heard(minutes, *values):
        with clock.travelled(minutes * MINUTE):
            door.take([door.Sample(f"W{n}.gust", clock.now(), v) for n, v in enumerate(values)])
        with clock.travelled(minutes * MINUTE + timedelta(seconds=20)):
            network.tick()
        return [(a.sensor.code, a.active) for a in Alarm.objects.order_by("pk")]

    assert heard(0, 5, 20) == [], "two say nothing of one another"
    assert heard(1, 5, 6, 5, 14.5) == [("W3.gust", True)]
    assert heard(2, 5, 6, 5, 10) == [("W3.gust", True)]
    assert heard(3, 5, 6, 5, 7) == [("W3.gust", False)]
    assert heard(20, 5, 30, 5) == [("W3.gust", False), ("W1.gust", True)], "who was not heard of late is no neighbour"
    assert "偏离邻站" in str(Alarm.objects.last())
    ended = Rule.objects.get()
    ended.until = city.SINCE
    ended.save()
    network.tick()
    assert not Alarm.objects.filter(active=True).exists()
