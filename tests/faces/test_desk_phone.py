"""A telephone that nobody picked up is seen on the desk's home until somebody has called back."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from anlan.kernel import clock
from anlan.kernel.clock import loop
from anlan.kernel.clock.time import travelled
from anlan.kernel.journal import read
from anlan.kernel.people import scope
from anlan.kernel.people.models import Grant
from anlan.response.duty.models import PhoneCall
from tests.kernel import city

from . import town as towns
from .test_desk import signed_in, site, text_of  # noqa: F401  ``site`` is a fixture

NUMBER = "10012345678"


@pytest.fixture
def town(site, db):  # noqa: F811
    made = towns.build()
    made.people["inspector"] = city.person("执法", "inspector", user="inspector")
    yield made


def log(town, kind="missed", **given):
    return signed_in(town).post("/desk/phone/", {"kind": kind, "number": NUMBER, **given}, follow=True)


def send(town, **given):
    """What a telephone gateway sends through the register's interface."""
    body = {"area": scope.ROOT, "at": clock.real().isoformat(), "way": "in", "answered": False, "number": NUMBER, **given}
    return signed_in(town).post("/api/phonecall", json.dumps(body), content_type="application/json")


def call():
    return PhoneCall.everywhere.get()


def test_a_missed_call_is_logged_in_one_line_and_stays_on_home_until_called_back(town):
    assert "已登记" in text_of(log(town, party="崂山区值班室"))
    home = text_of(signed_in(town).get("/desk/"))
    assert "崂山区值班室" in home and f"tel:{NUMBER}" in home
    path = f"/desk/phone/{call().pk}/back/"
    refused = signed_in(town).post(path, {"result": ""})
    assert refused.status_code == 409 and "回电情况" in text_of(refused)
    signed_in(town).post(path, {"result": "王某:询问路况"})
    assert (call().state, call().returned_by, call().result) == ("returned", "duty_officer", "王某:询问路况")
    assert call().closed_at and "崂山区值班室" not in text_of(signed_in(town).get("/desk/?")).split("最新动态")[0]


def test_a_call_that_was_answered_or_made_is_only_kept(town):
    for kind in ("in", "out", "unheard"):
        log(town, kind)
    assert {c.state for c in PhoneCall.everywhere.all()} == {"logged"}
    assert not PhoneCall.everywhere.filter(due_at__isnull=False).exists()
    assert all(c.closed_at for c in PhoneCall.everywhere.all())


def test_calling_back_from_the_desk_s_telephone_closes_the_missed_call_by_itself(town):
    log(town)
    send(town, way="out", answered=True, serial="pbx-2")
    missed = PhoneCall.everywhere.get(answered=False)
    assert (missed.state, missed.result) == ("returned", "呼出已接通")


def test_what_is_wrong_is_said_and_what_was_typed_stays(town):
    later = timezone.localtime(clock.real() + timedelta(days=1))
    for given, said in (
        ({"number": "请回电"}, "只含数字"), ({"number": "", "party": ""}, "请填写号码"), ({"at": f"{later:%Y-%m-%dT%H:%M}"}, "晚于当前时间"),
        ({"kind": "fax"}, "fax"),
    ):  # fmt: skip
        page = log(town, **{"about": "询问预警", **given})
        assert page.status_code == 409 and said in text_of(page) and "询问预警" in text_of(page), given
    assert not PhoneCall.everywhere.exists()


def test_the_gateway_sends_each_call_once_through_the_register_s_interface(town):
    first, second = send(town, serial="pbx-1"), send(town, serial="pbx-1")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] == second.json()["id"] == call().pk
    assert first.json()["state"] == "missed"
    wrong = send(town, at="2199-01-01T00:00:00Z")
    assert wrong.status_code == 422 and "晚于当前时间" in wrong.json()["faults"]["at"][0]
    assert signed_in(town).patch(f"/api/phonecall/{call().pk}", "{}", content_type="application/json").status_code == 405


def test_who_stands_no_watch_logs_nothing(town):
    body = json.dumps({"area": scope.ROOT, "at": clock.real().isoformat(), "way": "in"})
    client = signed_in(town, "inspector")
    assert client.post("/api/phonecall", body, content_type="application/json").status_code == 403
    assert client.post("/desk/phone/", {"kind": "missed", "number": NUMBER}).status_code == 403


def test_the_number_is_masked_for_those_who_need_not_call(town):
    log(town)
    client = signed_in(town, "inspector")
    for path in ("/desk/", "/r/phonecall/", f"/r/phonecall/{call().pk}/", f"/api/phonecall/{call().pk}"):
        page = text_of(client.get(path))
        assert NUMBER not in page and "****" in page, path
    assert NUMBER in text_of(signed_in(town).get("/r/phonecall/"))


def test_a_missed_call_is_reminded_and_late_on_a_ground_that_says_it_is_a_starting_value(town):
    send(town)
    assert call().due_at - call().at == timedelta(minutes=15)
    with travelled(timedelta(minutes=16)):
        loop.drain(town.world)
        assert call().overdue
        with scope.everyone(town.world):
            lines = {x.verb: x for x in read.history(call())}
        assert "可配置" in lines["case.overdue"].basis and "case.reminded" in lines
    assert call().rule["limits"][0]["confidence"] == "M-low"


def test_a_call_in_an_exercise_is_not_on_the_real_home(town):
    client = signed_in(town)
    client.post(f"/w/{town.exercise.pk}/desk/phone/", {"kind": "missed", "number": NUMBER, "party": "演练来电"})
    assert "演练来电" in text_of(client.get(f"/w/{town.exercise.pk}/desk/"))
    assert "演练来电" not in text_of(client.get("/desk/"))


def test_a_call_that_the_city_answers_leaves_the_district_s_missed_call_open(town):
    district = signed_in(town, "district_duty")
    district.post("/desk/phone/", {"kind": "missed", "number": NUMBER})
    log(town, "in")
    assert PhoneCall.everywhere.get(area_id=city.LAOSHAN).state == "missed"
    district.post("/desk/phone/", {"kind": "out", "number": NUMBER})
    assert PhoneCall.everywhere.get(area_id=city.LAOSHAN, answered=False).state == "returned"


def test_a_call_is_logged_though_the_same_number_waits_where_the_asker_only_looks(town):
    Grant.objects.create(person=town.people["district_duty"], role="inspector", area_id=scope.ROOT, since=city.SINCE)
    log(town)
    assert signed_in(town, "district_duty").post("/desk/phone/", {"kind": "in", "number": NUMBER}).status_code == 302
    assert {(c.area_id, c.state) for c in PhoneCall.everywhere.all()} == {(scope.ROOT, "missed"), (city.LAOSHAN, "logged")}
