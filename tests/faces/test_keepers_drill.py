"""Who takes part in an exercise: only they enter it, only players act in it, and only who directs it runs it."""

import pytest
from django.test import Client
from django.urls import get_resolver

from anlan.faces import gate
from anlan.kernel import clock
from anlan.kernel.clock import loop
from anlan.kernel.journal.models import Line
from anlan.kernel.notice import acts
from anlan.kernel.notice.models import Addressee
from anlan.kernel.people import ask, scope
from anlan.kernel.people.models import Grant, Participant, Person
from anlan.kernel.worlds.models import World
from tests.kernel import city

from . import town as towns

JSON = {"accept": "application/json"}


@pytest.fixture(autouse=True)
def site(settings):
    settings.DEMO, settings.TOTP = True, "optional"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def town(site, db):
    made = towns.build()
    World.objects.filter(pk=made.exercise.pk).update(anchor_real=clock.real(), anchor_world=clock.real())
    with scope.everyone(made.world):
        for name in ("outsider", "watcher"):
            made.people[name] = city.person(name, "duty_officer", user=name)
    Participant.objects.create(world=made.exercise, person=made.people["watcher"], part="observe")
    return made


def signed_in(town, name):
    client = Client(raise_request_exception=False)
    client.force_login(town.user(name), backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def called(town):
    """A call in the exercise, to the post of the district's duty."""
    city.post("值班室", "district_duty", "district", city.LAOSHAN, [town.people["district_duty"]])
    exercise = World.objects.get(pk=town.exercise.pk)
    with scope.everyone(exercise):
        acts.do_call("演练叫应甲", "请应答", level=2, roles=("district_duty",), areas=[city.LAOSHAN])
    loop.drain(exercise)
    return Addressee.everywhere.get(world=exercise)


def addresses(called):
    """Every address of the site, with the keys of this call where it takes one."""
    keys = {"pk": called.pk, "code": city.LAOSHAN, "person": called.person_id, "name": "notice", "act": "pause", "word": "test"}

    def walk(patterns, before=""):
        for one in patterns:
            path = before + str(one.pattern)
            if hasattr(one, "url_patterns"):
                yield from walk(one.url_patterns, path)
            elif "(?P" not in path and "\\" not in path and "^" not in path:
                yield path

    for path in walk(get_resolver().url_patterns):
        for name, value in keys.items():
            for kind in ("int:", "str:", "slug:", ""):
                path = path.replace(f"<{kind}{name}>", str(value))
        if "<" not in path:
            yield "/" + path


def test_who_takes_no_part_finds_nothing_of_an_exercise_at_any_address(town, called):
    outsider, inside = signed_in(town, "outsider"), f"/w/{town.exercise.pk}"
    paths = list(addresses(called))
    assert len(paths) > 60
    for path in paths:
        for response in (outsider.get(inside + path), outsider.post(inside + path, {"text": "x"})):
            assert response.status_code in (404, 405), path
            assert "演练叫应甲" not in response.content.decode() and "防汛演练" not in response.content.decode(), path
    for path in (*(p for p in paths if "sign-out" not in p), "/r/world/", "/api/world", "/desk/worlds/"):
        response = outsider.get(path)
        text = b"".join(response.streaming_content) if response.streaming else response.content
        assert "演练叫应甲".encode() not in text and "2023年防汛演练".encode() not in text, path
    for path in (f"/r/world/{town.exercise.pk}/", f"/api/world/{town.exercise.pk}", f"/desk/worlds/{town.exercise.pk}/people/"):
        assert outsider.get(path).status_code == 404, path
    for act in ("pause", "resume", "pace", "confirming", "end"):
        assert outsider.post(f"/desk/worlds/{town.exercise.pk}/{act}/").status_code == 404
    session = outsider.session.session_key
    assert not gate.scope_of_stream(f"{inside}/live/", session)
    assert town.exercise not in gate.visible_worlds(town.user("outsider"))


def test_a_player_acts(town, called):
    player = signed_in(town, "district_duty")
    inside = f"/w/{town.exercise.pk}"
    assert "演练叫应甲" in player.get(f"{inside}/field/").content.decode()
    assert player.post(f"{inside}/field/answer/{called.pk}/", headers=JSON).status_code == 200
    called.refresh_from_db()
    assert called.state == "answered"


def test_an_observer_sees_the_call_and_cannot_act(town, called):
    watcher, inside = signed_in(town, "watcher"), f"/w/{town.exercise.pk}"
    assert "演练叫应甲" in watcher.get(f"{inside}/desk/calls/").content.decode()
    assert watcher.get(f"{inside}/desk/addressees/{called.pk}/").status_code == 200
    for path in (f"/desk/addressees/{called.pk}/answer/", f"/field/answer/{called.pk}/", "/desk/intake/new/", "/desk/signals/new/"):
        refused = watcher.post(inside + path, {"text": "电话确认"})
        assert refused.status_code == 409 and "观摩" in refused.content.decode(), path
    called.refresh_from_db()
    assert called.state == "waiting"
    assert watcher.post(f"/desk/worlds/{town.exercise.pk}/pause/").status_code == 404


def test_watching_a_drill_widens_nobodys_view(town, called):
    district = town.people["town_duty"]
    Participant.objects.filter(person=district).update(part="observe")
    gate.forget()
    who = gate.asker(town.user("town_duty"), town.exercise)
    assert [(r.role, r.area) for r in who.reaches] == [("observer", "370212001")]
    Grant.objects.filter(person=district).delete()
    gate.forget()
    assert gate.asker(town.user("town_duty"), town.exercise).reaches[0].area == "370212001"
    assert not gate.asker(town.user("town_duty"), town.world).reaches


def test_the_observers_role_is_not_granted(town):
    form = {"person": town.people["outsider"].pk, "role": "observer", "area": "青岛市", "unit": "", "since": "2023-01-01", "until": ""}
    assert signed_in(town, "security_keeper").post("/keepers/grants/", form).status_code == 400


# the list


def opened(client, **more):
    form = {"title": "防汛桌面推演", "speed": "1", "allow": "", "people": "", **more}
    return client.post("/desk/worlds/exercise/", form)


def people_of(world):
    rows = Participant.objects.filter(world=world).values_list("person__name", "person__phone", "part")
    return {f"{name} {phone}": part for name, phone, part in rows}


def test_a_list_is_pasted_by_names_telephones_units_and_roles(town):
    with scope.everyone(town.world):
        Person(name="王某", phone="13800000001", area_id=city.JIMO, unit_id="370215.yj").save()
        Person(name="王某", phone="13800000002", area_id=city.LAOSHAN, unit_id="370212.yj").save()
        Person(name="李某", phone="13800000003", area_id=city.LAOSHAN, unit_id="370212.yj").save()
    pasted = "13800000001\nleader、导调\n\n370212.yj 观摩\n镇街值班\n"
    assert opened(signed_in(town, "duty_officer"), people=pasted).status_code == 302
    world = World.objects.order_by("-pk").first()
    assert people_of(world) == {
        "duty_officer 10000000001": "direct", "leader 10000000001": "direct", "town_duty 10000000001": "play",
        "王某 13800000001": "play", "王某 13800000002": "observe", "李某 13800000003": "observe",
    }  # fmt: skip
    assert Line.everywhere.filter(world=world, verb="exercise.joined").count() == 1
    page = signed_in(town, "duty_officer").get(f"/desk/worlds/{world.pk}/people/").content.decode()
    assert "李某" in page and "无账号,只接收通知" in page
    assert "导调2" in signed_in(town, "leader").get("/desk/worlds/").content.decode()


def test_what_is_wrong_in_a_list_is_said_by_line_and_nothing_typed_is_lost(town):
    with scope.everyone(town.world):
        for phone in ("13800000001", "13800000002"):
            Person(name="王某", phone=phone, area_id=city.JIMO, unit_id="370215.yj").save()
    refused = opened(signed_in(town, "duty_officer"), people="leader\n查无此人\n王某\ndistrict_duty 导调\n观摩")
    text = refused.content.decode()
    assert refused.status_code == 409 and "查无此人" in text and "防汛桌面推演" in text
    for words in ("第2行 查无此人:人员、单位台账和角色中都没有", "第3行 王某:有同名", "第4行 district_duty:district_duty没有全市指挥权限", "第5行只有身份"):
        assert words in text, words
    assert World.objects.filter(kind="exercise").count() == 1


def test_the_list_changes_while_the_exercise_runs_and_the_door_with_it(town):
    director, outsider = signed_in(town, "duty_officer"), signed_in(town, "outsider")
    page = f"/desk/worlds/{town.exercise.pk}/people/"
    inside = f"/w/{town.exercise.pk}/desk/"
    assert outsider.get(inside).status_code == 404
    assert director.post(page, {"people": "outsider"}).status_code == 302
    assert outsider.get(inside).status_code == 200
    assert outsider.post(page, {"people": "leader"}).status_code == 404
    assert director.post(f"{page}{town.people['outsider'].pk}/leave/").status_code == 302
    assert outsider.get(inside).status_code == 404
    assert director.post(f"{page}{town.people['leader'].pk}/leave/").status_code == 302
    last = director.post(f"{page}{town.people['duty_officer'].pk}/leave/")
    assert last.status_code == 409 and "至少要有一名导调" in last.content.decode()
    assert director.post(page, {"people": "duty_officer 观摩"}).status_code == 409
    assert director.get(inside).status_code == 200 and director.post(f"/desk/worlds/{town.exercise.pk}/end/").status_code == 302
    ended = director.post(page, {"people": "outsider"})
    assert ended.status_code == 409 and "已经结束" in ended.content.decode() and director.get(inside).status_code == 200


def test_posts_held_by_others_are_not_called_in_an_exercise_without_simulation(town):
    city.post("值班室", "district_duty", "district", city.LAOSHAN, [town.people["district_duty"]])
    city.post("值班室", "district_duty", "district", city.JIMO, [town.people["outsider"]])
    day = clock.real().date()
    with scope.everyone(World.objects.get(pk=town.exercise.pk)):
        assert [h.person.name for h in ask.holders("district_duty", scope.ROOT, day)] == ["district_duty"]
    with scope.everyone(town.world):
        assert ask.holders("district_duty", scope.ROOT, day).count() == 2


# replays


def test_outside_the_demo_nobody_without_a_grant_sees_a_replay(town, settings):
    Grant.objects.filter(person=town.people["outsider"]).delete()
    gate.forget()
    client, path = signed_in(town, "outsider"), f"/w/{town.replay.pk}/desk/"
    shown = client.get(path)
    assert shown.status_code == 200 and "回放" in shown.content.decode() and "演示访客" in shown.content.decode()
    settings.DEMO = False
    assert client.get(path).status_code == 404
    assert not gate.scope_of_stream(f"/w/{town.replay.pk}/live/", client.session.session_key)
    assert not gate.visible_worlds(town.user("outsider"))
    assert signed_in(town, "duty_officer").get(path).status_code == 200
    settings.DEMO = True
    World.objects.filter(pk=town.replay.pk).update(guests=False)
    assert client.get(path).status_code == 404


def test_an_exercise_that_has_ended_takes_nothing_more_and_leads_on_to_others(town, called):
    officer, inside = signed_in(town, "duty_officer"), f"/w/{town.exercise.pk}"
    officer.post(f"/desk/worlds/{town.exercise.pk}/end/")
    before = Line.everywhere.filter(world=town.exercise).count()
    for path, typed in (
        ("/desk/phone/", {"kind": "missed", "number": "10012345678"}), ("/desk/handover/", {"remarks": "接班"}),
        (f"/desk/addressees/{called.pk}/answer/", {"note": "代答"}), (f"/desk/addressees/{called.pk}/again/", {"whom": "self", "channel": "sms"}),
    ):  # fmt: skip
        refused = officer.post(inside + path, typed)
        assert refused.status_code == 409 and "已经结束,记录保留" in refused.content.decode(), path
    assert Line.everywhere.filter(world=town.exercise).count() == before
    assert officer.get(f"{inside}/desk/").status_code == 200
    assert officer.post(f"{inside}/desk/worlds/exercise/", {"title": "第二次演练"}).status_code == 302


def test_the_list_shows_no_telephone_of_another_district_and_says_who_is_reached_outside(town):
    with scope.everyone(town.world):
        town.people["near"] = city.person("区值班员", "duty_officer", city.LAOSHAN, user="near")
        far = city.person("即墨人", "village_officer", city.JIMO, user="far")
    Person.everywhere.filter(pk=far.pk).update(phone="18800000001")
    far.user.email = "far@example.org"
    far.user.save()
    for person in (town.people["near"], far):
        Participant.objects.create(world=town.exercise, person=person, part="play")
    path = f"/desk/worlds/{town.exercise.pk}/people/"
    assert "18800000001" not in signed_in(town, "near").get(path).content.decode()
    page = signed_in(town, "duty_officer").get(path).content.decode()
    assert "18800000001" in page and "在可外发名单" not in page
    World.objects.filter(pk=town.exercise.pk).update(allow=["far@example.org"])
    assert signed_in(town, "duty_officer").get(path).content.decode().count("在可外发名单") == 1


def test_who_no_longer_commands_the_city_no_longer_directs(town):
    Grant.objects.filter(person=town.people["duty_officer"]).update(area_id=city.LAOSHAN)
    path = f"/desk/worlds/{town.exercise.pk}/people/"
    officer = signed_in(town, "duty_officer")
    assert officer.post(path, {"people": "outsider"}).status_code == 404
    assert officer.post(f"{path}{town.people['town_duty'].pk}/leave/").status_code == 404
