"""Beside the list and the page of a register: attachments, figures, and what only few may read."""

from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from anlan.faces import gate
from anlan.kernel.clock.loop import drain
from anlan.kernel.files.models import Attachment
from anlan.kernel.journal import read
from anlan.kernel.live import feed
from anlan.kernel.people import ask, scope
from tests.kernel import city

TODAY = date(2026, 11, 26)
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


@pytest.fixture
def world(db, settings, tmp_path):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.HOME = tmp_path
    gate.forget()
    made = city.build()
    with scope.everyone(made):
        yield made


def browser(role, place=scope.ROOT, name=""):
    client = Client()
    client.force_login(city.person(name or role, role, place, user=name or role).user)
    return client


def fill(client, form, **given):
    sent = client.post(f"/r/{form}/new/", {"area": scope.ROOT, **given})
    assert sent.status_code == 302, sent.content.decode()
    return sent.url


def text_of(response):
    return response.content.decode()


def test_papers_are_added_to_a_row_and_opened_by_who_sees_it(world):
    office = browser("office")
    page = fill(office, "study", topic="学习", held_on="2026-05-01", kind="集体学习", people="9", minutes="纪要")
    assert "还没有附件" in text_of(office.get(page))
    sent = office.post(f"{page}attach/", {"files": [SimpleUploadedFile("纪要.pdf", PDF), SimpleUploadedFile("签到.pdf", PDF + b"\n")]}, follow=True)
    assert "已添加附件 2 个" in text_of(sent) and "纪要.pdf" in text_of(sent)
    one = Attachment.objects.first()
    assert office.get(f"/files/{one.pk}/").status_code == 200
    reader = browser("personnel")
    assert "纪要.pdf" in text_of(reader.get(page)) and reader.post(f"{page}attach/", {"files": [SimpleUploadedFile("x.pdf", PDF)]}).status_code == 403
    assert "请选择文件" in text_of(office.post(f"{page}attach/", {}, follow=True))
    wrong = office.post(f"{page}attach/", {"files": [SimpleUploadedFile("好.pdf", PDF), SimpleUploadedFile("坏.pdf", b"MZ\x90\x00")]}, follow=True)
    assert "坏" in text_of(wrong) and Attachment.objects.count() == 2
    assert browser("district_duty", city.LAOSHAN).get(f"/files/{one.pk}/").status_code == 404


def test_what_few_may_read_is_no_news_for_others(world):
    keeper = browser("discipline")
    page = fill(keeper, "integrity_file", person="某甲", unit="3702.yj", filed_on="2026-05-01", text="谈话记录")
    keeper.post(f"{page}attach/", {"files": [SimpleUploadedFile("某甲谈话.pdf", PDF)]})
    paper = Attachment.objects.get()
    line = read.lines().get(verb="integrity_file.created")
    for role in ("duty_officer", "duty_lead", "office", "office_head"):
        other = browser(role)
        assert other.get(page).status_code == 403 and other.get(f"/files/{paper.pk}/").status_code == 404, role
        for path in ("/r/journal/", "/api/journal", "/desk/some/?of=lines", "/r/attachment/", "/api/attachment"):
            assert "某甲" not in text_of(other.get(path)), (role, path)
        user = city.Person.everywhere.get(user__username=role).user
        assert not feed.sees(ask.scope_of(user, world, TODAY), line)
    leader = browser("leader")
    assert "某甲" in text_of(leader.get("/r/journal/")) and leader.get(f"/files/{paper.pk}/").status_code == 200
    assert feed.sees(ask.scope_of(city.Person.everywhere.get(user__username="leader").user, world, TODAY), line)
    assert "某甲" in text_of(browser("audit_keeper").get("/keepers/audit/"))


def test_a_message_about_what_few_may_read_names_nothing(world):
    from datetime import timedelta

    from anlan.kernel.clock import travelled
    from anlan.kernel.notice.models import Notice

    city.post("局领导", "leader", "city", scope.ROOT, [])
    keeper = browser("discipline")
    fill(keeper, "inner_inspection", field="行政执法", unit="3702.yj", found_on="2026-05-01", finding="某乙超期", due_on="2026-05-02T17:00")
    with travelled(timedelta(days=1)):
        drain(world)
    notice = Notice.objects.get(title="超时提醒")
    assert "限定查阅" in notice.text and "督察" not in notice.text and "某乙" not in notice.text


def test_the_figures_of_a_list_open_their_rows(world):
    office = browser("office")
    for day, trade, area in (("2026-05-03", "危化品", scope.ROOT), ("2026-05-20", "危化品", city.LAOSHAN), ("2026-06-01", "建筑施工", city.SHAZIKOU)):
        fill(office, "broadcast", topic="直播", trade=trade, aired_on=day, viewers="100", area=area)
    page = text_of(office.get("/r/broadcast/stats/"))
    assert "统计 <b>3</b> 条" in page and "观看人次合计 <b>300</b>" in page
    for said, href in (("危化品", "trade=%E5%8D%B1%E5%8C%96%E5%93%81"), ("2026年5月", "aired_on_after=2026-05-01&amp;aired_on_before=2026-05-31"),
                       ("崂山区", "area=370212000000")):  # fmt: skip
        row = page.partition(f"<td>{said}</td>")[2].partition("</tr>")[0]
        assert f'/r/broadcast/?{href}">2</a>' in row, said
    assert "统计 <b>2</b> 条" in text_of(office.get("/r/broadcast/stats/?trade=危化品"))
    assert office.get("/r/integrity_file/stats/").status_code == 403
    laoshan = text_of(browser("district_duty", city.LAOSHAN).get("/r/broadcast/stats/"))
    assert "统计 <b>2</b> 条" in laoshan


@pytest.mark.parametrize("name", ["alarm", "event", "addressee", "journal", "planaim", "enterprise", "remark", "area"])
def test_every_kind_of_list_has_figures(world, name):
    assert browser("leader").get(f"/r/{name}/stats/").status_code == 200
