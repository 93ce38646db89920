"""What a village information officer does on a phone, through the front door and with what can go wrong there."""

import io
import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import ExifTags, Image

from anlan.faces import gate, uploads
from anlan.kernel import clock
from anlan.kernel.answers import links
from anlan.kernel.clock import due
from anlan.kernel.files.models import Attachment
from anlan.kernel.journal import read
from anlan.kernel.notice.acts import do_call, do_close
from anlan.kernel.notice.ladder import Ladder, Rung
from anlan.kernel.notice.models import Addressee, Attempt, Receipt
from anlan.kernel.people import scope
from anlan.kernel.people.models import Area, Participant, Unit
from anlan.kernel.worlds.models import World
from anlan.response.duty.models import Intake
from tests.kernel import city

XI, DONG = city.SHAZIKOU[:9] + "901", city.SHAZIKOU[:9] + "902"
CALM = Ladder("calm", (Rung(0, "self", ("sms",)), Rung(3600, "deputy", ("sms",))), "测试", "M", end_s=7200)


@pytest.fixture
def people(db, settings, tmp_path):
    """A village with its officer and deputy, the next village's officer, and the town's and another district's duty."""
    settings.HOME = tmp_path
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    gate.forget()
    world = city.build()
    town = Area.objects.get(code=city.SHAZIKOU)
    for code, name in ((XI, "下溪社区"), (DONG, "东岭社区")):
        Area.objects.create(code=code, name=name, level="village", parent=town, population=800)
    with scope.everyone(world):
        Unit(code="3702120010.zj", name="沙子口街道", short="沙子口街道", kind="镇街", area_id=city.SHAZIKOU, duty_phone="10012345678").save()
        made = {
            name: city.person(name, role, place, user=name)
            for name, role, place in (
                ("officer", "village_officer", XI), ("deputy", "village_officer", XI), ("other", "village_officer", DONG),
                ("town", "town_duty", city.SHAZIKOU), ("jimo", "district_duty", city.JIMO),
            )
        }  # fmt: skip
        city.post("灾害信息员", "village_officer", "village", XI, [made["officer"], made["deputy"]])
        city.post("灾害信息员", "village_officer", "village", DONG, [made["other"]])
    for person in made.values():
        person.user.last_login = person.user.date_joined
        person.user.save()
    return made


@pytest.fixture
def call(people):
    with scope.everyone():
        return do_call("暴雨红色预警", "请立即转移沟口群众", level=1, roles=("village_officer",), areas=[city.SHAZIKOU], ladder=CALM)


def phone(person, **how):
    client = Client(**how)
    client.force_login(person.user)
    return client


def row(place=XI):
    return Addressee.everywhere.select_related("area").get(area_id=place)


def as_json(client, path, **given):
    return client.post(path, given, headers={"Accept": "application/json"})


def picture(name="现场.jpg", size=(320, 240), exif=None):
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, "JPEG", exif=Image.Exif() if exif is None else exif)
    return SimpleUploadedFile(name, out.getvalue(), "image/jpeg")


def danger(**given):
    return {"danger": "山洪", "text": "沟口水很大", "area": XI, "place": "村东小桥", **given}


# -- calls -----------------------------------------------------------------------------------------------------------


def test_the_call_fills_the_screen_and_one_tap_answers_it(people, call):
    client = phone(people["officer"])
    page = client.get("/field/").content.decode()
    assert "alarm level-1" in page and "请立即转移沟口群众" in page and "Ⅰ级(红色)" in page and "10012345678" in page
    answered = client.post(f"/field/answer/{row().pk}/", {"client_id": str(uuid4())}, follow=True).content.decode()
    assert "应答已送达" in answered and 'class="alarm' not in answered and "报转移人数" in answered
    assert row().state == "answered" and row().answer_channel == "app" and row().answered_by == people["officer"]


def test_an_answer_sent_twice_counts_once(people, call):
    client, number = phone(people["officer"]), str(uuid4())
    first, second = (as_json(client, f"/field/answer/{row().pk}/", client_id=number) for _ in range(2))
    assert first.status_code == second.status_code == 200 and first.json() == second.json()
    assert Receipt.everywhere.filter(kind="answered").count() == 1
    with scope.everyone():
        assert read.lines().filter(verb="notice.answered").count() == 1


def test_what_was_moved_is_reported_under_the_newest_call_about_the_same_matter(people):
    client, roles, about = phone(people["officer"]), ("village_officer",), Area.objects.get(code=city.LAOSHAN)
    for level in (4, 3):
        with scope.everyone():
            do_call(f"{level}级叫应", "到岗", level=level, roles=roles, areas=[XI], about=about, ladder=CALM)
            mine = Addressee.everywhere.order_by("pk").last()
        client.post(f"/field/answer/{mine.pk}/", {"client_id": str(uuid4())})
    page = client.get("/field/").content.decode()
    assert "4级叫应" in page and "3级叫应" in page
    assert page.count("报转移人数") == 1 and f"/field/moved/{mine.pk}/" in page


def test_the_deputy_answers_for_the_post_and_not_on_behalf(people, call):
    assert as_json(phone(people["deputy"]), f"/field/answer/{row().pk}/").status_code == 200
    assert row().state == "answered" and row().answered_by == people["deputy"]


def test_nobody_sees_or_answers_another_ones_call(people, call):
    client = phone(people["officer"])
    assert client.get("/field/").content.decode().count('class="alarm') == 1
    for path in (f"/field/answer/{row(DONG).pk}/", f"/field/moved/{row(DONG).pk}/", "/field/answer/999999999999/"):
        assert as_json(client, path, households=1, people=2).status_code == 404
    assert row(DONG).state == "waiting"
    assert as_json(phone(people["town"]), f"/field/answer/{row().pk}/").status_code == 404


def test_an_answer_that_arrives_after_the_end_is_noted_and_changes_nothing(people, call):
    with scope.everyone():
        do_close(call, "响应终止")
    told = as_json(phone(people["officer"]), f"/field/answer/{row().pk}/", client_id=str(uuid4()))
    assert "已经解除" in told.json()["message"] and row().state == "released"
    assert Receipt.everywhere.filter(kind="read", addressee=row()).count() == 1


@pytest.mark.parametrize(
    ("households", "moved", "words"),
    [
        ("-3", "5", "户数"), ("3", "-5", "人数"), ("", "5", "请填"), ("1.5", "5", "整数"), ("十户", "5", "整数"),
        ("9999999999999", "5", "整数"), ("9", "5", "不应少于户数"), ("300", "900", "超过下溪社区人口"), ("२", "३", "整数"),
    ],
)  # fmt: skip
def test_numbers_that_cannot_be_are_refused_and_what_was_typed_stays(people, call, households, moved, words):
    client, path = phone(people["officer"]), f"/field/moved/{row().pk}/"
    client.post(f"/field/answer/{row().pk}/")
    told = as_json(client, path, households=households, people=moved)
    assert told.status_code == 400 and words in told.json()["error"]
    page = client.post(path, {"households": households, "people": moved})
    assert page.status_code == 400 and words in page.content.decode() and f'value="{households}"' in page.content.decode()
    assert row().people is None


def test_moved_households_are_corrected_by_a_later_report(people, call):
    client, path, number = phone(people["officer"]), f"/field/moved/{row().pk}/", str(uuid4())
    for households, moved, client_id in ((3, 8, number), (3, 8, number), (5, 14, str(uuid4()))):
        assert as_json(client, path, households=households, people=moved, client_id=client_id).status_code == 200
    assert (row().households, row().people) == (5, 14) and Receipt.everywhere.filter(kind="moved").count() == 2
    assert as_json(client, path, households=300, people=900, sure="1").status_code == 200 and row().people == 900


# -- links -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def link(people, call):
    world = call.world
    due.work_some(world, clock.real(), clock.real())
    return links.path(Attempt.everywhere.get(addressee=row(), whom="self", channel="sms"))


def test_the_link_of_a_message_answers_and_reports_without_sign_in(link):
    client = Client(enforce_csrf_checks=True)
    assert 'class="huge"' in client.get(link).content.decode() and row().state == "waiting"
    assert "已收到您的应答" in client.post(link, {"client_id": str(uuid4())}).content.decode() and row().state == "answered"
    told = as_json(client, link, households=4, people=11, addressee=row().pk, client_id=str(uuid4()))
    assert told.status_code == 200 and row().people == 11
    assert as_json(client, link, households=4, people=-1, addressee=row().pk).status_code == 400
    assert as_json(client, link, households=4, people=9, addressee=row(DONG).pk).status_code == 400
    with scope.everyone():
        assert read.lines().filter(verb="notice.moved").first().who == "officer"


def test_a_link_used_twice_answers_once_and_what_was_said_first_stays(link):
    client, number = Client(), str(uuid4())
    for sent in (number, number, str(uuid4()), ""):
        assert client.post(link, {"client_id": sent}).status_code == 200
    first = row().answered_at
    with clock.travelled(timedelta(hours=2)):
        again = Client().post(link, {})
    assert again.status_code == 200 and row().answered_at == first and row().state == "answered"
    with scope.everyone():
        assert read.lines().filter(verb="notice.answered").count() == 1


def test_a_link_opens_its_own_call_and_nothing_else(link):
    client = Client()
    client.get(link)
    assert "sessionid" not in client.cookies
    for path in ("/field/", "/desk/", f"/field/answer/{row(DONG).pk}/"):
        assert client.get(path).status_code in (302, 405), path
    assert row(DONG).state == "waiting"


@pytest.mark.parametrize("spoil", ["forged", "expired", "released"])
def test_a_link_that_opens_nothing_says_why_and_whom_to_ring(link, call, spoil):
    path, later = link, timedelta(hours=73 if spoil == "expired" else 0)
    if spoil == "forged":
        path = link[:-4] + "xyz/"
        with scope.everyone():
            Unit(code="3702.zb", name="市局", short="市局值班", kind="应急", area_id=scope.ROOT, duty_phone="10099999999").save()
    if spoil == "released":
        with scope.everyone():
            do_close(call, "响应终止")
    with clock.travelled(later):
        pages = [Client().get(path), Client().post(path)]
    words = {"forged": "应答链接无效", "expired": "已过期", "released": "已经解除"}[spoil]
    number = "10099999999" if spoil == "forged" else "10012345678"
    for page in pages:
        assert page.status_code == 410 and words in page.content.decode() and f"tel:{number}" in page.content.decode()
    assert row().state == ("released" if spoil == "released" else "waiting")


# -- reports ---------------------------------------------------------------------------------------------------------


def test_a_danger_with_pictures_place_and_time_reaches_the_town_and_comes_back_as_received(people):
    client = phone(people["officer"])
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2026:07:01 03:12:45"
    gps = {1: "N", 2: (36.0, 6.0, 36.0), 3: "E", 4: (120.0, 33.0, 0.0)}
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(gps)
    marks = json.dumps([{}, {"taken_at": "2026-07-01T03:20:00+08:00", "lon": 120.61, "lat": 36.2}])
    photos = [picture("一.jpg", exif=exif), picture("二.jpg", size=(200, 300))]
    sent = client.post("/field/report/danger/", danger(photos=photos, marks=marks, lon="120.55", lat="36.11"), follow=True)
    page = sent.content.decode()
    assert "「报险情」已送达" in page and "山洪:沟口水很大" in page and "等值班室签收" in page
    intake = Intake.everywhere.get()
    assert (intake.way, intake.area_id, intake.lon, intake.reporter) == ("field", XI, 120.55, people["officer"])
    first, second = Attachment.everywhere.order_by("pk")
    assert first.taken_at.isoformat() == "2026-06-30T19:12:45+00:00" and first.lat == pytest.approx(36.11)
    assert second.lon == 120.61 and second.taken_at.isoformat() == "2026-06-30T19:20:00+00:00"
    town = phone(people["town"])
    assert "沟口水很大" in town.get("/field/inbox/").content.decode()
    assert "镇已收" in town.post(f"/field/inbox/{intake.pk}/", follow=True).content.decode()
    town.post(f"/field/inbox/{intake.pk}/")
    assert "镇已收" in client.get("/field/").content.decode() and "镇已收" in client.get(f"/field/reports/{intake.pk}/").content.decode()
    with scope.everyone():
        assert read.lines().filter(verb="intake.received").count() == 1
        assert read.lines().filter(verb="file.attached").count() == 2


@pytest.mark.parametrize("stranger", ["jimo", "other"])
def test_files_and_reports_stay_with_those_whom_they_concern(people, stranger):
    phone(people["officer"]).post("/field/report/danger/", danger(photos=[picture()]))
    file, intake = Attachment.everywhere.get(), Intake.everywhere.get()
    mine = phone(people["officer"]).get(f"/files/{file.pk}/")
    assert mine.status_code == 200 and mine.headers["X-Content-Type-Options"] == "nosniff"
    assert mine.headers["Content-Disposition"].startswith("inline") and "sandbox" in mine.headers["Content-Security-Policy"]
    small = phone(people["officer"]).get(f"/files/{file.pk}/?side=240")
    assert Image.open(io.BytesIO(b"".join(small.streaming_content))).size == (240, 180)
    client = phone(people[stranger])
    paths = (f"/files/{file.pk}/", f"/files/{file.pk}/?side=240", f"/field/reports/{intake.pk}/")
    assert [client.get(path).status_code for path in paths] == [404, 404, 404]
    assert client.post(f"/field/inbox/{intake.pk}/").status_code in (403, 404)
    assert [mine.status_code for mine in (Client().get(paths[0]),)] == [302]
    assert Intake.everywhere.get().seen_at is None


def test_the_same_report_sent_again_gives_the_same_receipt_and_adds_nothing(people):
    client, number = phone(people["officer"]), str(uuid4())
    told = [as_json(client, "/field/report/danger/", **danger(photos=[picture()], client_id=number)) for _ in range(3)]
    assert [one.status_code for one in told] == [200, 200, 200] and len({one.content for one in told}) == 1
    assert Intake.everywhere.count() == Attachment.everywhere.count() == 1
    other = as_json(phone(people["other"]), "/field/report/danger/", **danger(area=DONG, client_id=number))
    assert other.status_code == 409 and Intake.everywhere.count() == 1


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (lambda: SimpleUploadedFile("塌方.jpg", b"MZ" + b"\x90" * 5000, "image/jpeg"), "可执行程序"),
        (lambda: SimpleUploadedFile("塌方.jpg", b"\xff\xd8\xff" + b"\x11" * (30 << 20), "image/jpeg"), "20 MB"),
        (lambda: SimpleUploadedFile("塌方.jpg", b"", "image/jpeg"), "空文件"),
        (lambda: SimpleUploadedFile("塌方.jpg", picture().read()[:400], "image/jpeg"), "损坏"),
        (lambda: SimpleUploadedFile("塌方.jpg", b"<html><script>alert(1)</script>", "image/jpeg"), "网页"),
        (lambda: SimpleUploadedFile("塌方.pdf", b"%PDF-1.4 ...", "application/pdf"), "这里只接收"),
    ],
    ids=["program", "30MB", "empty", "cut", "page", "pdf"],
)
def test_a_file_that_cannot_be_taken_is_named_and_the_text_stays(people, file, words):
    client = phone(people["officer"])
    page = client.post("/field/report/danger/", danger(photos=[picture("好.jpg"), file()], text="沟口水很大,路断了"))
    html = page.content.decode()
    assert page.status_code == 400 and "塌方" in html and words in html and "沟口水很大,路断了" in html and "照片要重新选" in html
    assert not Intake.everywhere.exists() and not Attachment.everywhere.exists()


def test_more_files_than_fit_are_refused_with_the_number(people):
    told = as_json(phone(people["officer"]), "/field/report/danger/", **danger(photos=[picture(f"{n}.jpg") for n in range(10)]))
    assert told.status_code == 400 and "最多传 9 个" in told.json()["error"] and told.json()["field"] == "photos"


def test_an_upload_beyond_all_measure_is_refused_before_it_is_read(people, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_BYTES", 1 << 20)
    client = phone(people["officer"], enforce_csrf_checks=True, raise_request_exception=False)
    client.get("/field/report/danger/")
    photos = [SimpleUploadedFile("大.jpg", bytes(2 << 20), "image/jpeg")]
    told = as_json(client, "/field/report/danger/", **danger(photos=photos))
    assert told.status_code == 413 and "附件合计 100 MB" in told.json()["error"] and not Intake.everywhere.exists()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"danger": "随便"}, "险情种类"), ({"area": DONG}, "村(社区)"), ({"area": "x' OR 1=1"}, "村(社区)"), ({"text": ""}, "照片"),
        ({"text": "字" * 2001}, "2000"), ({"client_id": "<script>"}, "刷新"), ({"marks": "{["}, "刷新"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_report_is_said_by_name(people, given, words):
    told = as_json(phone(people["officer"]), "/field/report/danger/", **danger(**given))
    assert told.status_code == 400 and words in told.json()["error"] and not Intake.everywhere.exists()


def test_odd_places_and_times_of_a_phone_do_not_stop_a_report(people):
    client = phone(people["officer"])
    given = danger(lon="NaN", lat="1e999", made_at="2099-01-01T00:00:00Z", photos=[picture()], marks='[{"taken_at": 7, "lon": "x"}]')
    assert as_json(client, "/field/report/danger/", **given).status_code == 200
    intake = Intake.everywhere.get()
    assert intake.lon is None and intake.occurred_at is None and Attachment.everywhere.get().taken_at is None


def test_a_disaster_brings_its_first_numbers(people):
    client = phone(people["officer"])
    assert "至少一个数字" in as_json(client, "/field/report/disaster/", area=XI).json()["error"]
    assert "死亡" in as_json(client, "/field/report/disaster/", area=XI, dead="-1").json()["error"]
    assert as_json(client, "/field/report/disaster/", area=XI, affected="120", dead="0", houses="3").status_code == 200
    intake = Intake.everywhere.get()
    assert (intake.dead, intake.missing, intake.reach, intake.loss) == (0, None, "受灾人数 120 人", "倒塌房屋 3 间")


def test_all_is_well_is_a_report_too(people):
    client = phone(people["officer"])
    assert "「一切正常」已送达" in client.post("/field/report/zero/", {"area": XI}, follow=True).content.decode()
    assert Intake.everywhere.get().kind == "零报告"


# -- who may, and what the phone needs -------------------------------------------------------------------------------


def test_a_visitor_of_a_replay_looks_at_a_phone_and_presses_nothing(people):
    replay = World.objects.create(kind="replay", title="台风“梅花”", guests=True)
    with scope.everyone(replay):
        do_call("回放预警", "转移", level=2, roles=("village_officer",), areas=[city.SHAZIKOU], ladder=CALM)
    visitor = Client(raise_request_exception=False)
    page = visitor.get(f"/w/{replay.pk}/field/")
    assert page.status_code == 200 and "回放预警" in page.content.decode() and 'class="huge"' not in page.content.decode()
    pk = Addressee.everywhere.filter(world=replay).first().pk
    for path, given in ((f"answer/{pk}/", {}), (f"moved/{pk}/", {"households": 1, "people": 2}), ("report/zero/", {"area": XI})):
        assert as_json(visitor, f"/w/{replay.pk}/field/{path}", **given).status_code == 409
    assert not Receipt.everywhere.exists() and not Intake.everywhere.exists()
    assert Client().get("/field/").status_code == 302
    assert as_json(Client(), "/field/report/zero/", area=XI).status_code == 401


def test_a_drill_keeps_its_calls_to_itself(people, call):
    drill = World.objects.create(kind="exercise", title="演练", mark="演练")
    Participant.objects.create(world=drill, person=people["officer"])
    page = phone(people["officer"]).get(f"/w/{drill.pk}/field/").content.decode()
    assert "暴雨红色预警" not in page and "不是真实险情" in page
    assert as_json(phone(people["officer"]), f"/w/{drill.pk}/field/answer/{row().pk}/").status_code == 404


def test_answers_from_another_site_are_refused(people, call):
    client = phone(people["officer"], enforce_csrf_checks=True)
    assert as_json(client, f"/field/answer/{row().pk}/").status_code == 403
    token = client.get("/field/token/").json()
    assert token["person"] == people["officer"].pk
    sent = client.post(f"/field/answer/{row().pk}/", headers={"X-CSRFToken": token["csrf"], "Accept": "application/json"})
    assert sent.status_code == 200


def test_worker_manifest_and_changing_part(people, call):
    client, drill = phone(people["officer"]), World.objects.create(kind="exercise", title="演练")
    Participant.objects.create(world=drill, person=people["officer"])
    worker = client.get(f"/w/{drill.pk}/field/sw.js")
    assert worker.headers["Content-Type"].startswith("text/javascript") and b'/field/outbox.js' in worker.content
    manifest = client.get("/field/manifest.webmanifest").json()
    assert manifest["scope"] == manifest["start_url"] == "/field/" and len(manifest["icons"]) == 3
    part = client.get("/field/part/")
    assert client.get("/field/part/", headers={"If-None-Match": part.headers["ETag"]}).status_code == 304
    client.post(f"/field/answer/{row().pk}/")
    assert client.get("/field/part/", headers={"If-None-Match": part.headers["ETag"]}).status_code == 200
