"""When a session ends: by time, by a new password, by the keeper's hand, half-way in, and for streams that are open."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice

from anlan.faces import gate
from anlan.kernel import clock

from . import town as towns


@pytest.fixture(autouse=True)
def site(settings):
    settings.DEMO, settings.TOTP = False, "optional"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def town(site, db):
    return towns.build()


def entered(name, password=towns.PASSWORD):
    client = Client(raise_request_exception=False)
    client.post("/sign-in/", {"username": name, "password": password})
    return client


def is_in(client):
    return client.get("/account/").status_code == 200


def test_a_session_ends_half_a_day_after_it_began_on_pages_and_on_streams(town, settings):
    client = entered("duty_officer")
    key = client.session.session_key
    row = Session.objects.get(pk=key)
    assert timedelta(hours=11.9) < row.expire_date - clock.real() <= timedelta(hours=12)
    assert is_in(client) and gate.scope_of_stream("/live/", key)
    assert Session.objects.get(pk=key).expire_date == row.expire_date  # looking at pages does not prolong it
    Session.objects.filter(pk=key).update(expire_date=clock.real() - timedelta(seconds=1))
    assert not is_in(client) and gate.scope_of_stream("/live/", key) is None
    refused = client.post("/desk/intake/new/", {"summary": "已写了一半"})
    assert refused.status_code == 302 and refused.headers["Location"].startswith("/sign-in/?next=")


def test_a_new_password_ends_every_other_session(town):
    here, elsewhere = entered("duty_officer"), entered("duty_officer")
    key = elsewhere.session.session_key
    new = {"old_password": towns.PASSWORD, "new_password1": "another good 88", "new_password2": "another good 88"}
    assert here.post("/account/password/", new).status_code == 302
    assert is_in(here) and not is_in(elsewhere)
    assert gate.scope_of_stream("/live/", key) is None
    assert not is_in(entered("duty_officer")) and is_in(entered("duty_officer", "another good 88"))


def test_a_reset_by_the_keeper_ends_the_sessions_at_once(town):
    officer, keeper = entered("duty_officer"), entered("system_keeper")
    assert keeper.post(f"/keepers/accounts/{town.people['duty_officer'].pk}/reset/").status_code == 200
    assert not is_in(officer)


def test_a_password_without_its_code_opens_nothing_and_waits_only_some_minutes(town):
    TOTPDevice.objects.create(user=town.user("leader"), name="验证器", confirmed=True)
    client = entered("leader")
    key = client.session.session_key
    assert not is_in(client) and gate.scope_of_stream("/live/", key) is None
    assert client.get("/sign-in/code/").status_code == 200
    with clock.travelled(timedelta(minutes=11)):
        assert client.get("/sign-in/code/").headers["Location"] == "/sign-in/"
    assert client.get("/sign-in/code/").headers["Location"] == "/sign-in/"


@pytest.mark.parametrize("key", ["", "x" * 32, "../../etc/passwd", "é" * 8, "' OR 1=1 --"])
def test_a_made_up_session_is_no_session(town, key):
    client = Client(raise_request_exception=False)
    client.cookies["sessionid"] = key
    assert client.get("/account/").status_code == 302
    assert gate.scope_of_stream("/live/", key) is None


def test_a_person_that_no_page_offers_is_asked_for_again(town):
    keeper = entered("security_keeper")
    for odd in ("²", "9" * 5000, "9" * 30, "-1", "x"):
        assert keeper.get("/keepers/grants/", {"person": odd}).status_code in (404, 409), odd[:9]
