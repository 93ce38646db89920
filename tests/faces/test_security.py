"""Signing in, and the usual attacks, through the front door."""

import re
import time
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, get_resolver
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from anlan.kernel import clock
from anlan.kernel.journal.models import Line
from anlan.kernel.people.models import Grant, Person

from . import town as towns

SCRIPT = "<script>alert(1)</script>'\"><img src=x onerror=alert(1)>"
SQL = "' OR 1=1; DROP TABLE people_person; --"


@pytest.fixture(autouse=True)
def site(settings):
    settings.DEMO, settings.TOTP = True, "optional"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def town(site, db):
    return towns.build()


@pytest.fixture
def browser(town):
    return Client(raise_request_exception=False)


def enter(browser, name, password=towns.PASSWORD, **more):
    return browser.post("/sign-in/", {"username": name, "password": password, **more})


def verbs(*wanted):
    return list(Line.everywhere.filter(verb__in=wanted).order_by("pk").values_list("verb", flat=True))


# sessions


def test_signing_in_and_out_leaves_two_lines(browser, town):
    assert enter(browser, "duty_officer").headers["Location"] == "/desk/"
    browser.post("/sign-out/")
    assert browser.get("/account/").status_code == 302
    assert verbs("session.opened", "session.closed") == ["session.opened", "session.closed"]
    line = Line.everywhere.get(verb="session.opened")
    assert line.actor_id == town.people["duty_officer"].pk and line.subject_type == "people.person"


def test_signing_out_needs_a_post(browser):
    enter(browser, "duty_officer")
    assert browser.get("/sign-out/").status_code == 405
    assert browser.get("/account/").status_code == 200


def test_the_session_is_new_after_signing_in(browser):
    browser.cookies["sessionid"] = "a" * 32
    enter(browser, "duty_officer")
    assert browser.cookies["sessionid"].value != "a" * 32
    first = browser.cookies["sessionid"].value
    browser.post("/sign-out/")
    stale = Client(raise_request_exception=False)
    stale.cookies["sessionid"] = first
    assert stale.get("/account/").status_code == 302


def test_cookie_flags(browser):
    enter(browser, "duty_officer")
    cookie = browser.cookies["sessionid"]
    assert cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["path"] == "/"


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "http:///evil", "evil"]
)
def test_the_next_page_is_never_on_another_site(browser, target):
    assert enter(browser, "duty_officer", next=target).headers["Location"] == "/desk/"


def test_the_next_page_of_this_site_is_kept(browser):
    assert enter(browser, "duty_officer", next="/w/2/screen/?a=1").headers["Location"] == "/w/2/screen/?a=1"


# lock-out


def test_five_wrong_passwords_lock_and_half_an_hour_later_the_door_opens(browser):
    for _ in range(4):
        assert enter(browser, "duty_officer", "wrong").status_code == 401
    locked = enter(browser, "duty_officer", "wrong")
    assert locked.status_code == 429 and "以后再试" in locked.content.decode()
    assert enter(browser, "duty_officer").status_code == 429
    assert enter(browser, "leader").status_code == 302
    with clock.travelled(timedelta(minutes=29)):
        assert enter(Client(raise_request_exception=False), "duty_officer").status_code == 429
    with clock.travelled(timedelta(minutes=31)):
        assert enter(Client(raise_request_exception=False), "duty_officer").status_code == 302
    lines = list(Line.everywhere.filter(verb="session.refused").values_list("text", flat=True))
    assert len(lines) == 5 and "锁定" in lines[-1]


def test_the_security_keeper_opens_a_locked_account(browser, town):
    for _ in range(5):
        enter(browser, "duty_officer", "wrong")
    keeper = Client(raise_request_exception=False)
    enter(keeper, "security_keeper")
    assert keeper.post(f"/keepers/locks/{town.people['duty_officer'].pk}/unlock/").status_code == 302
    assert enter(browser, "duty_officer").status_code == 302
    assert verbs("account.unlocked") == ["account.unlocked"]


def test_a_password_typed_as_a_name_is_not_written_down(browser):
    enter(browser, "my-secret-password", "x")
    assert "my-secret-password" not in Line.everywhere.get(verb="session.refused").text


def test_wrong_name_and_wrong_password_read_the_same(browser):
    pages = [enter(browser, name, "wrong").content.decode() for name in ("nobody-here", "leader")]
    assert all("用户名或密码不对" in page for page in pages)


# second factor


def code_of(device, step=0):
    totp = TOTP(device.bin_key, device.step, device.t0, device.digits, device.drift)
    totp.time = time.time() + step * 30  # the authenticator's own clock, not the city's
    return f"{totp.token():06d}"


@pytest.fixture
def device(town):
    return TOTPDevice.objects.create(user=town.user("leader"), name="验证器", confirmed=True)


def test_a_right_code_opens_once(browser, device):
    step = enter(browser, "leader", next="/account/")
    assert step.headers["Location"] == "/sign-in/code/"
    assert browser.get("/account/").status_code == 302
    code = code_of(device)
    assert browser.post("/sign-in/code/", {"code": code}).headers["Location"] == "/account/"
    other = Client(raise_request_exception=False)
    enter(other, "leader")
    replayed = other.post("/sign-in/code/", {"code": code})
    assert replayed.status_code == 401 and "已经用过" in replayed.content.decode()
    assert other.get("/account/").status_code == 302


def test_wrong_codes_end_the_attempt(browser, device):
    enter(browser, "leader")
    statuses = [browser.post("/sign-in/code/", {"code": f"{n:06d}"}).status_code for n in range(5)]
    assert statuses == [401] * 5
    assert browser.get("/sign-in/code/").headers["Location"] == "/sign-in/"
    assert verbs("session.opened") == []


def test_the_second_step_alone_opens_nothing(browser, device):
    assert browser.post("/sign-in/code/", {"code": code_of(device)}).headers["Location"] == "/sign-in/"


def test_leaders_and_keepers_must_enrol_where_it_is_required(browser, town, settings):
    settings.TOTP = "required"
    enter(browser, "leader")
    assert browser.get("/desk/").headers["Location"] == "/account/device/"
    assert "<svg" in browser.get("/account/device/").content.decode()
    pending = TOTPDevice.objects.get(user=town.user("leader"))
    assert browser.post("/account/device/", {"code": "000000"}).status_code == 400
    TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    done = browser.post("/account/device/", {"code": code_of(pending)})
    codes = re.findall(r"<code>(\w+)</code>", done.content.decode())
    assert len(codes) == 8 and StaticToken.objects.count() == 8
    assert browser.get("/account/").status_code == 200
    spare = Client(raise_request_exception=False)
    enter(spare, "leader")
    assert spare.post("/sign-in/code/", {"code": codes[0]}).status_code == 302
    again = Client(raise_request_exception=False)
    enter(again, "leader")
    assert again.post("/sign-in/code/", {"code": codes[0]}).status_code == 401
    officer = Client(raise_request_exception=False)
    enter(officer, "duty_officer")
    assert officer.get("/account/").status_code == 200


# the three keepers


def keeper(name):
    client = Client(raise_request_exception=False)
    assert enter(client, name).status_code == 302
    return client


def grant(person, role, area="青岛市"):
    return {"person": person.pk, "role": role, "area": area, "unit": "", "since": "2023-01-01", "until": ""}


def test_accounts_and_grants_are_in_different_hands(town):
    person = town.people["town_duty"]
    newcomer = Person.everywhere.create(name="新人", area_id=person.area_id, unit=person.unit)
    system, security, audit = keeper("system_keeper"), keeper("security_keeper"), keeper("audit_keeper")
    opening = f"/keepers/accounts/{newcomer.pk}/open/"
    for other in (security, audit):
        assert other.post(opening, {"username": "newcomer"}).status_code == 403
    for other in (system, audit):
        assert other.post("/keepers/grants/", grant(newcomer, "leader")).status_code == 403
    assert system.post(opening, {"username": "newcomer"}).status_code == 200
    assert security.post("/keepers/grants/", grant(newcomer, "duty_officer")).status_code == 302
    assert User.objects.get(username="newcomer").person == newcomer
    assert Grant.objects.filter(person=newcomer).count() == 1
    assert verbs("account.opened", "grant.given") == ["account.opened", "grant.given"]


def test_nobody_grants_to_himself_and_no_keeper_is_two(town):
    security = keeper("security_keeper")
    own = security.post("/keepers/grants/", grant(town.people["security_keeper"], "leader"))
    assert own.status_code == 400 and "不能给自己授权" in own.content.decode()
    two = security.post("/keepers/grants/", grant(town.people["system_keeper"], "audit_keeper"))
    assert two.status_code == 400 and "不同的人担任" in two.content.decode()
    assert Grant.objects.count() == 7


def test_the_first_password_is_shown_once_and_must_be_changed(town):
    system = keeper("system_keeper")
    page = system.post(f"/keepers/accounts/{town.people['town_duty'].pk}/reset/").content.decode()
    first = re.search(r"初始密码 <code>([^<]+)</code>", page)[1]
    assert first not in system.get("/keepers/accounts/").content.decode()
    assert not Line.everywhere.filter(text__contains=first).exists()
    person = Client(raise_request_exception=False)
    enter(person, "town_duty", first)
    assert person.get("/desk/").headers["Location"] == "/account/password/"
    new = {"old_password": first, "new_password1": "another good 88", "new_password2": "another good 88"}
    assert person.post("/account/password/", new).status_code == 302
    assert person.get("/account/").status_code == 200


def test_a_closed_account_is_out_at_its_next_request(town):
    person, system = keeper("duty_officer"), keeper("system_keeper")
    system.post(f"/keepers/accounts/{town.people['duty_officer'].pk}/close/")
    assert person.get("/account/").status_code == 302
    assert enter(Client(raise_request_exception=False), "duty_officer").status_code == 401


def test_an_ended_grant_is_gone_and_the_journal_keeps_it(town):
    person, security = keeper("duty_officer"), keeper("security_keeper")
    held = Grant.objects.get(person=town.people["duty_officer"])
    assert security.post(f"/keepers/grants/{held.pk}/end/").status_code == 302
    assert person.get("/desk/").status_code == 403
    assert Line.everywhere.get(verb="grant.ended").before["role"] == "duty_officer"


def test_the_audit_keeper_reads_the_journal_and_its_seal(town):
    text = keeper("audit_keeper").get("/keepers/audit/?verify=1&verb=session").content.decode()
    assert "session.opened" in text and "完好" in text


# attacks


def views(patterns=None, before=""):
    for entry in patterns or get_resolver("anlan.faces.urls").url_patterns:
        if isinstance(entry, URLPattern):
            yield before + str(entry.pattern), entry.callback
        else:
            yield from views(entry.url_patterns, before + str(entry.pattern))


def concrete(route):
    route = re.sub(r"<int:\w+>", "1", route)
    route = re.sub(r"<\w+:\w+>|<\w+>", "x", route)
    return "/" + route.replace("^", "").replace("$", "")


def test_every_post_without_the_forms_token_is_refused(town):
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(town.user("duty_officer"), backend="django.contrib.auth.backends.ModelBackend")
    walked = 0
    for route, view in views():
        if getattr(view, "csrf_exempt", False) and getattr(view, "public", False):
            continue
        response = client.post(concrete(route), {"note": "x"})
        assert response.status_code in (403, 404, 405), route
        walked += response.status_code == 403
    assert walked >= 10


def test_a_refused_form_shows_what_was_typed(town):
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    response = client.post("/sign-in/", {"username": "duty_officer", "password": "hidden-77"})
    text = response.content.decode()
    assert response.status_code == 403 and "页面已失效" in text and "hidden-77" not in text


def test_stored_script_is_shown_as_text(town):
    person = town.people["town_duty"]
    Person.everywhere.filter(pk=person.pk).update(name=SCRIPT[:20])
    Grant.objects.filter(person=person).update(unit=SCRIPT)
    clients = {name: keeper(name) for name in ("system_keeper", "security_keeper", "audit_keeper")}
    clients["system_keeper"].post(f"/keepers/accounts/{person.pk}/reset/")
    pages = [
        clients["system_keeper"].get("/keepers/accounts/", {"q": SCRIPT}),
        clients["system_keeper"].get("/keepers/accounts/"),
        clients["security_keeper"].get("/keepers/grants/", {"person": person.pk}),
        clients["security_keeper"].post("/keepers/grants/", grant(person, "inspector", SCRIPT)),
        clients["audit_keeper"].get("/keepers/audit/", {"text": SCRIPT}),
        clients["audit_keeper"].get("/keepers/audit/"),
        Client().get("/sign-in/", {"next": "/" + SCRIPT}),
        enter(Client(), SCRIPT, "x"),
    ]
    for page in pages:
        text = page.content.decode()
        assert "<script>alert" not in text and "<img src=x" not in text
    assert any("&lt;script&gt;" in page.content.decode() for page in pages)


def test_sql_in_every_box_is_only_text(town):
    audit, system, security = keeper("audit_keeper"), keeper("system_keeper"), keeper("security_keeper")
    before = Person.everywhere.count()
    assert enter(Client(raise_request_exception=False), SQL, SQL).status_code == 401
    assert system.get("/keepers/accounts/", {"q": SQL, "page": SQL}).status_code == 200
    assert security.get("/keepers/grants/", {"q": SQL}).status_code == 200
    assert security.get("/keepers/grants/", {"person": SQL}).status_code == 409
    for box in ("verb", "who", "text"):
        assert audit.get("/keepers/audit/", {box: SQL}).status_code == 200
    assert audit.get("/keepers/audit/", {"world": SQL}).status_code == 400
    assert Person.everywhere.count() == before


@pytest.mark.parametrize(
    "path",
    [
        "/keepers/grants/999999/end/", "/keepers/accounts/999999/reset/", "/keepers/accounts/1/nothing/",
        "/keepers/grants/9999999999999999999999/end/", "/keepers/locks/x/unlock/",
    ],
)  # fmt: skip
def test_unknown_ids_are_a_page_in_chinese(town, path):
    for name in ("system_keeper", "security_keeper"):
        response = keeper(name).post(path)
        assert response.status_code in (403, 404)
        assert re.search("没有找到|没有权限", response.content.decode())


@pytest.mark.parametrize(
    "path", ["/static/../anlan.sqlite3", "/static/%2e%2e/secret.key", "/../../etc/passwd", "/static/..%2f..%2fsecret.key"]
)
def test_paths_do_not_climb(browser, path):
    response = browser.get(path)
    assert response.status_code == 404 and b"root:" not in response.content


@pytest.mark.parametrize("path", ["/sign-in/?next=%00", "/%00/"])
def test_null_bytes_are_refused(browser, path):
    assert browser.get(path).status_code == 400


def test_too_many_fields_and_broken_bodies_are_told(browser):
    many = browser.post("/sign-in/", {f"f{n}": "1" for n in range(5001)})
    assert many.status_code in (400, 413) and "Traceback" not in many.content.decode()
    broken = browser.generic("POST", "/sign-in/", b"--x", content_type="multipart/form-data; boundary=")
    assert broken.status_code in (400, 401) and "Traceback" not in broken.content.decode()


def test_the_generic_register_is_no_way_around_the_acts(town):
    security = keeper("security_keeper")
    assert security.get("/r/grant/").status_code == 200
    assert security.get("/r/grant/new/").status_code == 403
    assert security.post("/r/grant/new/", grant(town.people["security_keeper"], "leader")).status_code == 403
    assert Grant.objects.count() == 7
