"""Machines read SensorThings with a token: what they see, what ends it, and what the token does not open."""

from base64 import b64encode
from datetime import timedelta

import pytest
from django.test import Client

from anlan.faces import gate
from anlan.kernel import clock
from anlan.kernel.people import scope
from anlan.kernel.people.models import Grant, Participant, Person
from anlan.kernel.worlds.models import World
from anlan.sensing.models import Gateway, Reader
from tests.kernel import city

from . import things
from .things import ROOT, ask, feed, names, signed_in, thing

world = things.world
TOKEN = "a token of forty-three letters, or about that"
REFUSED = {"code": 401, "type": "error", "message": "读取令牌无效或已停用,或其所属账户已停用"}


def made(person, area=scope.ROOT, name="平台", token=TOKEN):
    return Reader.objects.create(name=name, token=Reader.digest(token), person=person, area_id=area)


def machine(said=f"Bearer {TOKEN}"):
    gate.forget()
    return Client(headers={"Authorization": said})


@pytest.fixture
def duty(world):
    return city.person("崂山", "district_duty", city.LAOSHAN, "370212.yj", user="laoshan")


@pytest.fixture
def officer(world):
    return city.person("值班", "duty_officer", user="officer")


def test_a_machine_sees_what_its_account_sees(duty):
    made(duty)
    feed("S0.stage", 1.0)
    feed("S2.stage", 9.0)
    assert names(ask(machine(), "/Things")) == ["0号站", "1号站"]
    assert [r["result"] for r in ask(machine(), "/Observations")["value"]] == [1.0]
    assert ask(machine(), thing("S2"), 404) == ask(machine(), "/Things(987654)", 404)


def test_an_area_narrows_what_the_account_sees_and_never_widens_it(duty, officer):
    made(officer, city.JIMO, "即墨平台", "one")
    made(officer, city.SHAZIKOU, "沙子口平台", "two")
    made(duty, city.SHAZIKOU, "街道平台", "three")
    made(duty, city.JIMO, "别人的区域", "four")
    assert names(ask(machine("Bearer one"), "/Things")) == ["2号站"]
    assert names(ask(machine("Bearer two"), "/Things")) == names(ask(machine("Bearer three"), "/Things")) == ["0号站", "1号站"]
    assert "没有有效授权" in ask(machine("Bearer four"), "/Things", 403)["message"]


def test_clients_that_can_only_basic_send_the_token_as_the_password(officer):
    made(officer)
    for said in (f"frost:{TOKEN}", f":{TOKEN}", f"平台:{TOKEN}"):
        assert len(names(ask(machine(f"Basic {b64encode(said.encode()).decode()}"), "/Things"))) == 3


@pytest.mark.parametrize("said", ["Bearer wrong", "Bearer ", "Bearer", TOKEN, f"Token {TOKEN}", "Basic ???", "Basic", f"Basic {TOKEN}", "Digest x"])
def test_any_other_token_is_refused_in_words_even_beside_a_session(officer, said):
    made(officer)
    for client in (machine(said), Client(headers={"Authorization": said})):
        client.force_login(officer.user)
        answer = client.get(f"{ROOT}/Things")
        assert (answer.status_code, answer.json()) == (401, REFUSED)
        assert "Basic" in answer["WWW-Authenticate"] and "Bearer" in answer["WWW-Authenticate"]


def test_it_ends_with_the_token_with_the_account_and_with_the_grant(officer):
    reader = made(officer)
    ask(machine(), "/Things")
    Reader.objects.filter(pk=reader.pk).update(enabled=False)
    assert ask(machine(), "/Things", 401) == REFUSED
    Reader.objects.filter(pk=reader.pk).update(enabled=True)
    officer.user.is_active = False
    officer.user.save()
    assert ask(machine(), "/Things", 401) == REFUSED
    officer.user.is_active = True
    officer.user.save()
    ask(machine(), "/Things")
    Grant.objects.filter(person=officer).update(until=city.SINCE)
    assert "没有有效授权" in ask(machine(), "/Things", 403)["message"]
    Person.everywhere.filter(pk=officer.pk).delete()
    assert ask(machine(), "/Things", 401) == REFUSED


def test_it_opens_nothing_but_sensorthings_and_nothing_is_written_by_it(officer):
    made(officer)
    client = machine()
    for path in ("/desk/", "/r/station/", "/api/station", "/account/", "/keepers/gateways/", "/sta/../api/station", "/live/"):
        assert client.get(path).status_code in (302, 401, 404), path
    assert client.post(f"{ROOT}/Things", b"{}", content_type="application/json").status_code == 405
    assert client.post("/cap/", b"<x/>", content_type="application/xml").status_code == 401


def test_the_token_of_a_gateway_reads_nothing_and_that_of_a_reader_sends_nothing(officer):
    Gateway.objects.create(name="园区", token=Gateway.digest("sends"))
    made(officer)
    assert ask(machine("Bearer sends"), "/Things", 401) == REFUSED
    assert Gateway.holding(f"Bearer {TOKEN}") is None


def test_a_leader_of_whom_a_second_factor_is_asked_lends_a_machine_his_eyes_all_the_same(world, settings):
    settings.TOTP = "required"
    made(city.person("局长", "leader", user="leader"))
    assert len(names(ask(machine(), "/Things"))) == 3


def test_keepers_have_no_eyes_to_lend(world):
    made(city.person("系统", "system_keeper", user="keeper"))
    assert ask(machine(), "/Things", 403)["type"] == "error"


def test_an_exercise_opens_to_the_machine_of_who_takes_part(officer):
    made(officer)
    drill = World.objects.create(kind="exercise", title="演练")
    path = f"/w/{drill.pk}{ROOT}/Things"
    assert machine().get(path).status_code == 404
    Participant.objects.create(world=drill, person=officer, part="play")
    assert len(machine().get(path).json()["value"]) == 3
    assert machine("Bearer other").get(path).status_code == 401


def test_when_it_last_read_is_kept_to_the_minute(officer):
    reader = made(officer)
    ask(machine(), "/Things")
    reader.refresh_from_db()
    first = reader.heard_at
    ask(machine(), "/Things")
    reader.refresh_from_db()
    assert first and reader.heard_at == first
    with clock.travelled(timedelta(minutes=2)):
        ask(machine(), "/Things")
    reader.refresh_from_db()
    assert reader.heard_at > first


def test_whose_name_it_reads_in_sees_it_on_the_account_page(officer):
    made(officer, city.JIMO)
    client = Client()
    client.force_login(officer.user)
    page = client.get("/account/").content.decode()
    assert "平台" in page and "即墨区" in page
    assert "以我的名义" not in signed_in("别人", "duty_officer").get("/account/").content.decode()
