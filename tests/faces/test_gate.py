"""Who passes, into which world, and what people read when something goes wrong."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from anlan.faces import gate
from anlan.kernel.journal import guard
from anlan.kernel.people import scope
from anlan.kernel.people.models import Grant, Person
from anlan.kernel.worlds.models import World

from . import town as towns
from .probes import FAULTS


@pytest.fixture(autouse=True)
def site(settings):
    settings.ROOT_URLCONF, settings.DEMO, settings.TOTP = "tests.faces.probes", True, "optional"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def town(site, db):
    return towns.build()


@pytest.fixture
def guest(town):
    return Client(raise_request_exception=False)


def signed_in(town, name, **more):
    client = Client(raise_request_exception=False, **more)
    client.force_login(town.user(name), backend="django.contrib.auth.backends.ModelBackend")
    return client


# worlds


def test_a_visitor_of_the_demo_is_led_to_the_replay_and_others_to_the_sign_in(town, guest, settings):
    assert guest.get("/").headers["Location"] == f"/w/{town.replay.pk}/screen/"
    World.objects.filter(pk=town.replay.pk).update(guests=False)
    assert guest.get("/").headers["Location"] == "/sign-in/"
    settings.DEMO = False
    World.objects.filter(pk=town.replay.pk).update(guests=True)
    assert guest.get("/").headers["Location"] == "/sign-in/"
    assert guest.get(f"/w/{town.replay.pk}/probe/links/").status_code == 302


def test_a_guest_looks_at_the_replay_and_at_nothing_else(town, guest):
    inside = f"/w/{town.replay.pk}"
    assert guest.get(f"{inside}/probe/links/").content.decode() == f"{inside}/account/ {town.replay.pk}"
    for path in ("/probe/links/", f"/w/{town.exercise.pk}/probe/links/", "/account/"):
        assert guest.get(path).headers["Location"].startswith("/sign-in/?next="), path
    refused = guest.post(f"{inside}/probe/links/")
    assert refused.status_code == 409 and "演示访客只能查看" in refused.content.decode()


def test_worlds_by_kind(town):
    nobody = Person.everywhere.get(pk=town.people["town_duty"].pk)
    Grant.objects.filter(person=nobody).delete()
    client = signed_in(town, "town_duty")
    assert client.get("/probe/links/").status_code == 403
    assert client.get(f"/w/{town.exercise.pk}/probe/links/").status_code == 404
    assert client.get(f"/w/{town.replay.pk}/probe/links/").status_code == 200
    officer = signed_in(town, "duty_officer")
    for world in (town.exercise, town.replay):
        assert officer.get(f"/w/{world.pk}/probe/links/").content.decode() == f"/w/{world.pk}/account/ {world.pk}"


@pytest.mark.parametrize("path", ["/w/999/desk/", "/w/1/probe/links/", "/w/x/desk/", "/w/99999999999999999/", "/w/-1/"])
def test_a_world_that_is_not_there_is_a_page_in_chinese(town, path):
    response = signed_in(town, "duty_officer").get(path)
    assert response.status_code == 404 and "没有找到" in response.content.decode()


def test_links_after_a_prefixed_request_are_without_prefix_again(town):
    client = signed_in(town, "duty_officer")
    client.get(f"/w/{town.replay.pk}/probe/links/")
    assert client.get("/probe/links/").content.decode() == "/account/ 1"


def test_a_streamed_body_is_made_inside_the_scope(town):
    parts = signed_in(town, "town_duty").get("/probe/stream/").getvalue().decode().split()
    assert parts == ["1", "1", "1"]
    assert scope.maybe() is None


def test_the_live_stream_asks_the_same_gate(town):
    replay = f"/w/{town.replay.pk}/live/"
    assert gate.scope_of_stream(replay, "").roles == {"guest"}
    assert gate.scope_of_stream("/live/", "") is None
    assert gate.scope_of_stream("/live/", "no-such-session") is None
    session = signed_in(town, "district_duty").session.session_key
    found = gate.scope_of_stream("/live/", session)
    assert found.world.pk == 1 and found.reaches[0].area == "370212"
    assert gate.scope_of_stream("/w/999/live/", session) is None
    assert gate.scope_of_stream("/live/", signed_in(town, "system_keeper").session.session_key) is None


def test_the_live_stream_is_for_who_has_signed_in_to_the_end(town, settings):
    client = signed_in(town, "leader")
    session = client.session
    assert gate.scope_of_stream("/live/", session.session_key)
    settings.TOTP = "required"
    assert gate.scope_of_stream("/live/", session.session_key) is None
    settings.TOTP = "optional"
    session["must_change"] = True
    session.save()
    assert gate.scope_of_stream("/live/", session.session_key) is None


def streamed(headers, monkeypatch, path="/live/", query=b"", until=lambda sent: False):
    """What an open stream sends before the reader hangs up, or before the house ends it."""
    from anlan.faces import server

    monkeypatch.setattr(server, "LOOK_AGAIN_S", 0.05)
    sent: list[dict] = []

    async def run():
        hang_up = asyncio.Event()

        async def receive():
            await hang_up.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)
            if until(sent):
                hang_up.set()

        asked = {"type": "http", "path": path, "headers": headers, "query_string": query}
        await asyncio.wait_for(server._live(asked, receive, send), 20)

    asyncio.run(run())
    return sent


def of_session(client):
    return (b"cookie", f'odd={{"a": [1]}}; a,b=1; sessionid={client.session.session_key}'.encode())


def test_an_open_stream_ends_when_its_reader_is_locked(shared_town, monkeypatch):
    client = signed_in(shared_town, "duty_officer")

    def lock(sent):
        if len(sent) == 2:
            User.objects.filter(pk=shared_town.user("duty_officer").pk).update(is_active=False)
            gate.forget()
        return False

    def locking(sent):
        ThreadPoolExecutor(1).submit(lock, sent).result()
        return False

    sent = streamed([of_session(client)], monkeypatch, until=locking)
    assert sent[0]["status"] == 200
    assert sent[-1] == {"type": "http.response.body", "body": b""}


@pytest.mark.parametrize("last", ["²", "9" * 30, "9" * 5000, "-1", "x", "é"])
def test_an_odd_last_event_id_is_no_id(shared_town, monkeypatch, last):
    client = signed_in(shared_town, "duty_officer")
    headers = [of_session(client), (b"last-event-id", last.encode())]
    sent = streamed(headers, monkeypatch, query="watch=é&watch=no".encode(), until=lambda sent: len(sent) == 2)
    assert sent[0]["status"] == 200 and sent[1]["body"] == b": anlan\n\n"


def test_the_walls_state_is_only_for_who_may_open_the_wall(shared_town, monkeypatch):
    for name, states in (("duty_officer", 1), ("team", 0)):
        Grant.objects.filter(person=shared_town.people["district_duty"]).update(role=name)
        gate.forget()
        client = signed_in(shared_town, "district_duty")
        sent = streamed([of_session(client)], monkeypatch, query=b"watch=screen", until=lambda sent: len(sent) == 2)
        assert sent[1]["body"].count(b"event: state") == states


@pytest.fixture
def shared_town(site, guarded_again, transactional_db):
    """A town that other threads and connections see."""
    yield towns.build()
    with connection.schema_editor() as editor:
        guard.take_down(None, editor)


def test_parallel_requests_to_different_worlds_keep_their_links(shared_town):
    session = signed_in(shared_town, "duty_officer").session.session_key

    def walk(n):
        client = Client(raise_request_exception=False)
        client.cookies["sessionid"] = session
        world = (shared_town.world, shared_town.replay, shared_town.exercise)[n % 3]
        try:
            return [
                (client.get(f"{world.prefix}/probe/links/").content.decode(), f"{world.prefix}/account/ {world.pk}")
                for _ in range(15)
            ]
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        for pairs in pool.map(walk, range(6)):
            assert all(got == wanted for got, wanted in pairs)


def test_a_locked_database_keeps_what_was_typed(shared_town):
    import sqlite3

    client = signed_in(shared_town, "security_keeper")
    form = {
        "person": shared_town.people["leader"].pk, "role": "inspector", "area": "崂山区", "unit": "3702.yj.很长的单位",
        "since": "2023-01-01", "until": "",
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        response = client.post("/keepers/grants/", form)
    finally:
        other.execute("ROLLBACK")
        other.close()
    text = response.content.decode()
    assert response.status_code == 503 and "内容已保留" in text and "3702.yj.很长的单位" in text and "重新提交" in text
    assert response.headers["Retry-After"] == "5"
    assert client.post("/keepers/grants/", form).status_code == 302
    connection.close()


# faults


WORDS = {
    "refused": (409, "该事项刚被他人办理"),
    "readonly": (409, "演练和回放只写自己的记录"),
    "noscope": (403, "重新登录"),
    "validation": (400, "日期不对"),
    "denied": (403, "仅供值班员使用"),
    "suspicious": (400, "格式不对"),
    "absent": (404, "没有找到"),
    "locked": (503, "数据正在被其他人写入"),
    "full": (503, "磁盘已满"),
    "nospace": (503, "磁盘已满"),
    "unforeseen": (500, "故障编号"),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_each_fault_has_its_page(town, kind, caplog):
    status, words = WORDS[kind]
    response = signed_in(town, "duty_officer").post(f"/probe/fail/{kind}/", {"note": "已转移 12 户"})
    text = response.content.decode()
    assert response.status_code == status and words in text
    assert "已转移 12 户" in text
    assert "secret detail" not in text and "Traceback" not in text
    assert response.headers["Cache-Control"] == "no-store, private"
    if kind == "unforeseen":
        number = text.split('<code class="number">')[1].split("<")[0]
        assert number in caplog.text and "secret detail" in caplog.text


@pytest.mark.parametrize("kind", FAULTS)
def test_each_fault_as_json(town, kind):
    response = signed_in(town, "duty_officer").get(f"/api/probe/{kind}/")
    body = json.loads(response.content)
    assert response.status_code == WORDS[kind][0] and body["error"] and "secret detail" not in body["error"]
    accepted = signed_in(town, "duty_officer").get(f"/probe/fail/{kind}/", headers={"accept": "application/json"})
    assert accepted.headers["Content-Type"] == "application/json"


def test_secrets_are_never_shown_again(town):
    given = {"note": "x", "password": "pw-77", "code": "123456", "old_password": "pw-78"}
    text = signed_in(town, "duty_officer").post("/probe/fail/locked/", given).content.decode()
    assert "pw-77" not in text and "pw-78" not in text and "123456" not in text


def test_htmx_gets_a_fragment(town):
    response = signed_in(town, "duty_officer").get("/probe/fail/refused/", headers={"hx-request": "true"})
    assert response.status_code == 409 and b"<html" not in response.content and "刚被他人办理" in response.content.decode()


def test_the_interface_answers_an_unknown_asker_in_json(town, guest):
    response = guest.get("/api/probe/refused/")
    assert response.status_code == 401 and response.json() == {"error": "请先登录"}


# roles


def test_require_names_the_roles_in_words(town):
    assert signed_in(town, "leader").get("/probe/officers/").status_code == 200
    refused = signed_in(town, "district_duty").get("/probe/officers/")
    assert refused.status_code == 403 and "值班员" in refused.content.decode()


def test_a_grant_that_ended_closes_the_door_at_once(town):
    client = signed_in(town, "duty_officer")
    assert client.get("/probe/links/").status_code == 200
    Grant.objects.filter(person=town.people["duty_officer"]).delete()
    gate.forget(town.user("duty_officer").pk)
    assert client.get("/probe/links/").status_code == 403


MATRIX = {
    "/account/": {"leader", "duty_officer", "district_duty", "system_keeper", "security_keeper", "audit_keeper"},
    "/probe/links/": {"leader", "duty_officer", "district_duty"},
    "/keepers/accounts/": {"system_keeper"},
    "/keepers/grants/": {"security_keeper"},
    "/keepers/audit/": {"audit_keeper"},
}


@pytest.mark.parametrize("path", MATRIX)
def test_who_opens_what(town, path):
    for name in ("leader", "duty_officer", "district_duty", "system_keeper", "security_keeper", "audit_keeper"):
        status = signed_in(town, name).get(path).status_code
        assert status == (200 if name in MATRIX[path] else 403), name


def test_the_menu_shows_a_keeper_only_the_own_page(town):
    for name, href in (("system_keeper", "/keepers/accounts/"), ("audit_keeper", "/keepers/audit/")):
        text = signed_in(town, name).get(href).content.decode()
        assert href in text and "/keepers/grants/" not in text and "/screen/" not in text


def test_headers(town, guest):
    for response in (guest.get("/sign-in/"), signed_in(town, "duty_officer").get("/probe/links/")):
        policy = response.headers["Content-Security-Policy"]
        assert "script-src 'self';" in policy and "unsafe-eval" not in policy and "http" not in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["X-Frame-Options"] == "SAMEORIGIN"
        assert response.headers["Referrer-Policy"] == "same-origin"
        assert "no-store" in response.headers["Cache-Control"]
