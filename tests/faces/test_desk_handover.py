"""One watch gives over to the next: what is open stands there by itself, both names and times are kept."""

from datetime import timedelta

import pytest

from anlan.kernel import clock
from anlan.kernel.clock import loop
from anlan.kernel.clock.time import travelled
from anlan.kernel.journal import read
from anlan.kernel.people import scope
from anlan.response.command import acts as command
from anlan.response.command.models import Event
from anlan.response.duty.models import Handover, Intake
from tests.kernel import city

from . import town as towns
from .test_desk import intake, signed_in, site, text_of, words_of  # noqa: F401  ``site`` is a fixture

WORDS = "水库每小时电话核一次"


@pytest.fixture
def town(site, db):  # noqa: F811
    made = towns.build()
    made.people["duty_lead"] = city.person("接班的", "duty_lead", user="duty_lead")
    yield made


def give(town, words=WORDS):
    return signed_in(town).post("/desk/handover/", {"remarks": words}, follow=True)


def take(town, who="duty_lead", reply="收悉"):
    return signed_in(town, who).post(f"/desk/handover/{Handover.everywhere.get().pk}/take/", {"reply": reply}, follow=True)


def event(town, title="沙子口险情"):
    with scope.everyone(town.world):
        return command.do_open(Event(title=title, kind="12G99", area_id=scope.ROOT, occurred_at=clock.now(), place="沙子口"))


def test_what_is_open_stands_on_the_sheet_without_being_typed_and_opens_its_rows(town):
    signed_in(town).post("/desk/intake/new/", intake(accident="on"))
    event(town)
    page = text_of(signed_in(town).get("/desk/handover/"))
    for label, said in (("待电话报告", "<b>1</b>件"), ("处置中事件", "<b>1</b>起")):
        assert label in page and said in page
    assert "沙子口险情" in page and "电话快报:车间起火" in page
    assert 'href="/r/phonereport/?state=waiting"' in page and 'href="/r/event/?state=open"' in page


def test_the_next_watch_takes_over_with_one_button_on_its_home(town):
    event(town)
    assert WORDS in text_of(give(town))
    mine = text_of(signed_in(town).get("/desk/"))
    assert "待接班" in mine and ">接班</button>" not in mine
    home = text_of(signed_in(town, "duty_lead").get("/desk/"))
    assert WORDS in home and ">接班</button>" in home
    page = text_of(take(town))
    row = Handover.everywhere.get()
    assert (row.state, row.giver.name, row.taker.name, row.reply) == ("taken", "duty_officer", "接班的", "收悉")
    assert row.closed_at >= row.opened_at and "接班的" in page
    with scope.everyone(town.world):
        assert [x.verb for x in read.history(row)] == ["handover.offered", "handover.taken"]
    assert "写交班" in text_of(signed_in(town, "duty_lead").get("/desk/"))


def test_what_was_taken_over_is_kept_as_it_stood(town):
    happened = event(town)
    give(town), take(town)
    with scope.everyone(town.world):
        command.do_close(Event.objects.get(pk=happened.pk), "险情排除")
    row = Handover.everywhere.get()
    assert row.carried["处置中事件"] == "1起:沙子口险情"
    assert "1起:沙子口险情" in text_of(signed_in(town).get(f"/desk/handover/{row.pk}/"))


def test_nobody_takes_over_from_himself_and_one_hand_over_is_open_at_a_time(town):
    give(town)
    refused = take(town, "duty_officer")
    assert refused.status_code == 409 and "不能接自己的班" in text_of(refused)
    again = give(town, "第二份,不能丢")
    assert again.status_code == 409 and "待接班" in text_of(again) and "第二份,不能丢" in text_of(again)
    assert [h.state for h in Handover.everywhere.all()] == ["offered"]


def test_the_giver_amends_and_withdraws_and_what_is_taken_is_taken(town):
    give(town)
    pk = Handover.everywhere.get().pk
    officer = signed_in(town)
    assert officer.post(f"/desk/handover/{pk}/amend/", {"remarks": ""}).status_code == 409
    officer.post(f"/desk/handover/{pk}/amend/", {"remarks": "另:省厅22时点名"})
    assert Handover.everywhere.get().remarks == "另:省厅22时点名"
    take(town)
    assert officer.post(f"/desk/handover/{pk}/withdraw/").status_code == 409
    assert officer.post("/desk/handover/99/take/").status_code == 404


def test_a_hand_over_that_nobody_takes_is_late_and_says_on_which_ground(town):
    give(town)
    with travelled(timedelta(minutes=31)):
        loop.drain(town.world)
        row = Handover.everywhere.get()
        assert row.overdue and row.due_at - row.opened_at == timedelta(minutes=30)
        page = text_of(signed_in(town, "duty_lead").get(f"/desk/handover/{row.pk}/"))
        assert "可配置" in page and "可信度 M-low" in page
        officer = signed_in(town)
        officer.post(f"/desk/handover/{row.pk}/amend/", {"remarks": "补充"})
        row.refresh_from_db()
        assert row.due_at - row.opened_at == timedelta(minutes=30), "adding words gives no new time"


def test_the_paper_carries_both_names_the_watch_and_what_is_open(town):
    give(town), take(town)
    with travelled(timedelta(minutes=2)):
        signed_in(town).post("/desk/intake/new/", intake())
        event(town)
        signed_in(town, "duty_lead").post("/desk/handover/", {"remarks": "第二班"})
    second = Handover.everywhere.order_by("-pk").first()
    said = words_of(signed_in(town).get(f"/desk/handover/{second.pk}/record.docx"))
    assert said.startswith("内部") and "交接班记录" in said
    for words in ("交班人", "接班的", "待接班", "接报1件", "新立事件1起", "1起:沙子口险情", "第二班", "接班人____"):
        assert words in said, words


def test_the_paper_of_an_exercise_says_that_it_is_one(town):
    inside = f"/w/{town.exercise.pk}"
    client = signed_in(town)
    client.post(f"{inside}/desk/handover/", {"remarks": ""})
    row = Handover.everywhere.get(world=town.exercise)
    paper = client.get(f"{inside}/desk/handover/{row.pk}/record.docx")
    import io

    import docx

    head = docx.Document(io.BytesIO(paper.content)).sections[0].header
    assert "【演练】" in "".join(p.text for p in head.paragraphs)
    assert client.get(f"/desk/handover/{row.pk}/").status_code == 404


def test_a_district_has_a_watch_of_its_own(town):
    give(town)
    client = signed_in(town, "district_duty")
    assert WORDS not in text_of(client.get("/desk/"))
    client.post("/desk/handover/", {"remarks": "崂山区交班"})
    rows = {h.area_id: h.remarks for h in Handover.everywhere.all()}
    assert rows == {scope.ROOT: WORDS, city.LAOSHAN: "崂山区交班"}
    assert client.get(f"/desk/handover/{Handover.everywhere.get(area_id=scope.ROOT).pk}/").status_code == 404


def test_a_report_from_the_field_is_carried_over_until_it_is_received(town):
    with scope.everyone(town.world):
        from anlan.response.duty import acts

        taken = acts.do_intake(Intake(way="field", area_id=city.SHAZIKOU, received_at=clock.now(), summary="滑坡"))
    client = signed_in(town)
    assert "待签收上报</td><td class=\"number\"><a href=\"/r/intake/?unseen=true\"" in text_of(client.get("/desk/handover/"))
    assert ">滑坡</a>" in text_of(client.get("/desk/handover/"))
    client.post(f"/desk/intake/{taken.pk}/receive/")
    assert ">滑坡</a>" not in text_of(client.get("/desk/handover/"))


def test_nobody_puts_words_into_the_giver_s_mouth_or_takes_them_back(town):
    give(town)
    row, other = Handover.everywhere.get(), signed_in(town, "duty_lead")
    for step, typed in (("amend", {"remarks": "换了"}), ("withdraw", {})):
        for path in (f"/desk/handover/{row.pk}/{step}/", f"/r/handover/{row.pk}/move/{step}/"):
            assert other.post(path, typed).status_code == 409, path
    row.refresh_from_db()
    assert (row.state, row.remarks) == ("offered", WORDS)


def test_what_the_city_sees_elsewhere_never_enters_a_district_s_record(town):
    with scope.everyone(town.world):
        from anlan.response.duty import acts

        for place, words in ((city.SHAZIKOU, "崂山滑坡"), (city.AOSHANWEI, "即墨滑坡")):
            acts.do_intake(Intake(way="field", area_id=place, received_at=clock.now(), summary=words))
    signed_in(town, "district_duty").post("/desk/handover/", {"remarks": ""})
    row, officer = Handover.everywhere.get(), signed_in(town)
    assert "即墨滑坡" not in words_of(officer.get(f"/desk/handover/{row.pk}/record.docx"))
    officer.post(f"/desk/handover/{row.pk}/take/", {"reply": ""})
    row.refresh_from_db()
    assert row.carried["待签收上报"] == "1件:崂山滑坡"
