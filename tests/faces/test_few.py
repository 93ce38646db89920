"""What is for few eyes stays there: its row, its papers, and whatever tells of it."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from anlan.faces import gate
from anlan.kernel.clock.loop import drain
from anlan.kernel.files.models import Attachment
from anlan.kernel.forms import FORMS
from anlan.kernel.people import scope
from tests.kernel import city

from .test_forms import DRAFT, forget

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"
SECRET, RESULT = "某某谈话秘密", "机密结果"


@pytest.fixture
def world(db, settings, tmp_path):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.HOME = tmp_path
    gate.forget()
    forget()
    yield city.build()
    forget()


def browser(role, place=scope.ROOT, unit="3702.yj"):
    client = Client()
    client.force_login(city.person(role, role, place, unit, user=f"{role}{place}").user)
    return client


def text_of(response):
    return response.content.decode()


def fill(client, form, **given):
    sent = client.post(f"/r/{form}/new/", {"area": scope.ROOT, **given})
    assert sent.status_code == 302, text_of(sent)
    return sent.url


def attach(client, url):
    client.post(f"{url}attach/", {"files": [SimpleUploadedFile("内部.pdf", PDF)]})
    return Attachment.everywhere.order_by("-pk").first()


def test_a_form_for_few_is_read_by_them_and_told_to_nobody_else(world):
    head, clerk, leader = browser("office_head"), browser("personnel"), browser("leader")
    draft = {**DRAFT, "title": "干部谈话", "see": ["leader"], "write": ["personnel"], "way": "task", "decides": ["leader"]}
    assert head.post("/desk/forms/new/", draft).status_code == 302
    with scope.everyone(world):
        city.post("局领导", "leader", "city", scope.ROOT, [])
    url = fill(clerk, "own1", f1=SECRET, f2="2", f3="正常")
    paper = attach(clerk, url)
    assert clerk.post(f"{url}move/hand_in/", {"hand_in-outcome": RESULT}).status_code == 302
    with scope.everyone(world):
        drain(world)
    for role in ("office", "inspector", "duty_officer", "enterprise"):
        other = browser(role)
        assert other.get(url).status_code == 403 and other.get(f"/files/{paper.pk}/").status_code == 404, role
        for page in ("/desk/", "/r/journal/", "/api/journal", "/r/notice/", "/api/notice"):
            said = text_of(other.get(page))
            assert SECRET not in said and RESULT not in said, (role, page)
    assert SECRET in text_of(leader.get(url)) and leader.get(f"/files/{paper.pk}/").status_code == 200
    assert SECRET in text_of(leader.get("/r/journal/"))


def test_a_form_that_is_narrowed_later_takes_its_old_lines_and_papers_along(world):
    head, clerk = browser("office_head"), browser("office")
    assert head.post("/desk/forms/new/", DRAFT).status_code == 302
    url = fill(clerk, "own1", area=city.LAOSHAN, f1=SECRET, f2="2", f3="正常")
    paper, district = attach(clerk, url), browser("district_duty", city.LAOSHAN, "370212.yj")
    assert SECRET in text_of(district.get("/r/journal/")) and district.get(f"/files/{paper.pk}/").status_code == 200
    narrower = {**DRAFT, "field": ["f1", "f2", "f3"], "city": "yes", "see": ["leader"], "write": ["leader"], "reason": "限定"}
    assert head.post("/desk/forms/own1/", {**narrower, "seen": FORMS["own1"].version}).status_code == 302 and FORMS["own1"].city
    assert SECRET not in text_of(district.get("/r/journal/")) and SECRET not in text_of(district.get("/desk/"))
    assert district.get(f"/files/{paper.pk}/").status_code == 404


@pytest.mark.parametrize("role", ["enterprise", "team", "village_officer"])
def test_a_paper_is_opened_only_by_who_may_open_its_record(world, role):
    office = browser("office")
    given = {"name": "演练", "level": "市级", "kind": "实战", "field": "防汛防台风", "due_on": "2026-12-30T10:00"}
    paper = attach(office, fill(office, "drill_record", area=city.SHAZIKOU, **given))
    other = browser(role, city.SHAZIKOU, "370212.yj")
    assert other.get(f"/files/{paper.pk}/").status_code == 404
    assert browser("town_duty", city.SHAZIKOU, "370212.yj").get(f"/files/{paper.pk}/").status_code == 200
    assert browser("town_duty", city.AOSHANWEI, "370215.yj").get(f"/files/{paper.pk}/").status_code == 404
