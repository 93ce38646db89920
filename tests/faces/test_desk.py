"""What a duty officer does at the desk and sees there, through the front door, with the clock moved."""

import io
import re
from datetime import timedelta

import docx
import openpyxl
import pytest
from django.test import Client
from django.utils import timezone

from anlan.disaster.flood import acts as flood
from anlan.disaster.flood.models import Proposal, Response
from anlan.faces.desk import account, parts
from anlan.faces.desk.timeline import Story
from anlan.kernel import clock
from anlan.kernel.answers import acts as answers
from anlan.kernel.clock import loop
from anlan.kernel.clock.time import travelled
from anlan.kernel.journal import read
from anlan.kernel.live import feed
from anlan.kernel.notice import acts as notices
from anlan.kernel.notice.models import Addressee, Attempt, Notice
from anlan.kernel.people import scope
from anlan.kernel.people.models import Area, Unit
from anlan.kernel.worlds.models import World
from anlan.response.command import seed as plans
from anlan.response.command.models import Event, Order
from anlan.response.duty.models import Intake, PhoneReport, Shift, WrittenReport
from anlan.sensing import door
from anlan.sensing.models import Sensor, Station, Warning
from tests.kernel import city

from . import town as towns

FIRED = {"rule": "台风黄色预警→Ⅳ级", "source": "本市预案起始值", "confidence": "M-low", "version": "2023起始值"}
MINUTE = timedelta(minutes=1)
NARROW = {0xFF08: "(", 0xFF09: ")", 0xFF0C: ",", 0xFF1A: ":", 0xFF1B: ";"}
"""Full-width stops and brackets, which papers print, as the code writes them."""


@pytest.fixture(autouse=True)
def site(settings):
    feed._kept.clear()  # a state is kept for some seconds
    settings.DEMO, settings.TOTP = True, "optional"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def town(site, db):
    """Two districts with a town and three villages each, posts to call, the plan, and a watch."""
    made = towns.build()
    made.people["village_officer"] = city.person("村里", "village_officer", city.SHAZIKOU, user="village_officer")
    for n, place in enumerate((city.SHAZIKOU, city.AOSHANWEI)):
        keeper = city.person(f"镇值班{n}", "town_duty", place)
        city.post("防汛责任人", "town_duty", "town", place, [keeper, city.person(f"镇副职{n}", "town_duty", place)])
        for k in range(3):
            village = city.area(f"{place[:9]}90{k}", f"合成·村{n}{k}", "village", Area.objects.get(pk=place))
            holder = city.person(f"村干部{n}{k}", "village_officer", village.code)
            city.post("灾害信息员", "village_officer", "village", village.code, [holder])
    city.post("水库责任人", "reservoir_keeper", "town", city.SHAZIKOU, [])  # vacant: nobody can answer for it
    for code, kind, place in (("3702.sw", "水务", scope.ROOT), ("370212001.zj", "镇街", city.SHAZIKOU), ("370215001.zj", "镇街", city.AOSHANWEI)):
        Unit(code=code, name=f"{code}单位", short=code, kind=kind, area_id=place).save()
    plans.plant()
    with scope.everyone(made.world):
        since = clock.now() - timedelta(hours=1)
        Shift(area_id=scope.ROOT, post="lead", person=made.people["leader"], since=since, until=since + timedelta(hours=12)).save()
        yield made  # what a test itself asks of related rows, it asks as the system; requests enter their own scope


def signed_in(town, name="duty_officer"):
    client = Client(raise_request_exception=False)
    client.force_login(town.user(name), backend="django.contrib.auth.backends.ModelBackend")
    return client


def text_of(response):
    return response.content.decode()


def propose(town, level=4, kind="start"):
    with scope.everyone(town.world):
        areas = [city.LAOSHAN, city.JIMO]
        return flood.do_propose(kind, level, areas, fired=FIRED, reason="青岛市气象台发布台风黄色预警信号", at=clock.now())


def confirm(town, client, proposal, **given):
    return client.post(f"/desk/proposals/{proposal.pk}/confirm/", {"signer": "梁某", "consult": "同意启动", **given}, follow=True)


def let_pass(world, minutes):
    """Work what falls due minute by minute."""
    for m in range(1, minutes + 1):
        with travelled(MINUTE * m):
            loop.drain(World.objects.get(pk=world.pk))


PAGES = ("/desk/", "/desk/some/?of=calls,orders,lines", "/desk/today/", "/desk/calls/", "/desk/intake/new/", "/desk/worlds/")


# who opens it


@pytest.mark.parametrize("path", PAGES)
def test_each_page_opens_for_the_duty_officer_and_not_for_those_without_a_desk(town, path):
    assert signed_in(town).get(path).status_code == 200
    for other in ("village_officer", "system_keeper", "audit_keeper"):
        assert signed_in(town, other).get(path).status_code == 403, other
    assert Client().get(path).headers["Location"].startswith("/sign-in/")


def test_a_district_sees_the_desk_but_commands_nothing(town):
    proposal, client = propose(town), signed_in(town, "district_duty")
    assert "不采纳理由" not in text_of(client.get("/desk/"))
    assert confirm(town, client, proposal).status_code == 403
    assert client.get("/desk/worlds/").status_code == 403
    assert Response.everywhere.count() == 0


def test_an_unknown_section_is_not_found(town):
    assert signed_in(town).get("/desk/some/?of=nothing").status_code == 404
    assert signed_in(town).get("/desk/some/").status_code == 404


# proposal → response → calls → orders


def test_the_home_shows_the_proposal_with_its_rule_its_source_and_its_ten_minutes(town):
    proposal = propose(town)
    page = text_of(signed_in(town).get("/desk/"))
    for said in (FIRED["rule"], FIRED["source"], "可信度 M-low", 'value="leader"'):
        assert said in page, said
    due = timezone.localtime(proposal.due_at).isoformat()
    assert f'data-due="{due}"' in page
    assert proposal.due_at - proposal.opened_at == timedelta(minutes=10)


def test_confirming_starts_the_response_calls_out_and_gives_the_orders(town):
    proposal, client = propose(town), signed_in(town)
    page = confirm(town, client, proposal)
    assert page.status_code == 200 and "已确认" in text_of(page)
    assert Response.everywhere.get().level == 4
    notice = Notice.everywhere.get()
    assert notice.addressees.count() == 9
    loop.drain(town.world)
    first = Attempt.everywhere.order_by("planned_at").first()
    assert (first.planned_at - notice.issued_at).total_seconds() < 5
    event = Event.everywhere.get()
    assert {o.unit.kind for o in event.orders.all()} >= {"水务", "镇街", "应急"}
    home = text_of(client.get("/desk/"))
    assert f"/desk/calls/{notice.pk}/" in home and f"/desk/events/{event.pk}/" in home and "Ⅳ级应急响应" in home


def test_confirming_twice_gives_one_response(town):
    proposal, client = propose(town), signed_in(town)
    assert confirm(town, client, proposal).status_code == 200
    again = confirm(town, client, proposal)
    assert again.status_code == 409 and "当前为「已确认」" in text_of(again)
    assert Response.everywhere.count() == 1 and Notice.everywhere.count() == 1


def test_a_confirmation_without_a_signer_is_refused_and_keeps_what_was_typed(town):
    proposal, client = propose(town), signed_in(town)
    page = confirm(town, client, proposal, signer=" ", consult="会商认为应立即启动")
    assert page.status_code == 409
    assert "签发人" in text_of(page) and "会商认为应立即启动" in text_of(page)
    assert Proposal.everywhere.get().state == "proposed"


def test_declining_needs_a_reason_and_leaves_no_response(town):
    proposal, client = propose(town), signed_in(town)
    assert client.post(f"/desk/proposals/{proposal.pk}/decline/", {"refusal": ""}).status_code == 409
    client.post(f"/desk/proposals/{proposal.pk}/decline/", {"refusal": "雨带已南移"})
    proposal.refresh_from_db()
    assert (proposal.state, proposal.refusal, Response.everywhere.count()) == ("declined", "雨带已南移", 0)


def test_the_wall_follows_the_call_of_the_response_whatever_else_is_called(town):
    client = signed_in(town)
    confirm(town, client, propose(town))
    loop.drain(town.world)
    with scope.everyone(town.world):
        own = Notice.objects.get(kind="call")
        other = notices.do_call("泵站超时", "请处理", level=4, roles=("town_duty",), areas=[city.AOSHANWEI])
    panel = client.get("/screen/state.json").json()["panels"]["left1"]
    assert f"notice={own.pk}" in panel["numbers"][0]["href"] and panel["source"] == "叫应记录(模拟电话)"
    confirm(town, client, propose(town, None, "end"))
    loop.drain(town.world)
    feed._kept.clear()
    assert f"notice={other.pk}" in client.get("/screen/state.json").json()["panels"]["left1"]["numbers"][0]["href"]


def test_a_person_confirms_the_end_and_the_event_closes(town):
    client = signed_in(town)
    confirm(town, client, propose(town))
    loop.drain(town.world)
    assert confirm(town, client, propose(town, None, "end")).status_code == 200
    loop.drain(town.world)
    event = Event.everywhere.get()
    assert Response.everywhere.get().state == "ended" and event.state == "closed"
    assert not event.orders.filter(closed_at=None).exists()


# the call tree


def test_people_moved_count_once_however_often_a_village_reports_and_whatever_the_level(town):
    client = signed_in(town)
    for level, kind, (households, people) in ((4, "start", (3, 8)), (3, "raise", (5, 14))):
        confirm(town, client, propose(town, level, kind))
        let_pass(town.world, 1)
        with scope.everyone(town.world):
            village = Addressee.objects.filter(tier="village", notice__closed_at=None).order_by("pk").first()
            answers.do_report_moved(village, households, people)
    with scope.everyone(town.world):
        event = Event.objects.get()
    page = text_of(client.get(f"/desk/events/{event.pk}/")).translate(NARROW)
    assert "5 户 14 人</a>(1 个点报告)" in page
    rows = {r["label"]: r for r in client.get("/screen/state.json").json()["event"]["rows"]}
    assert [(n["value"], n["unit"]) for n in rows["转移"]["numbers"]] == [(5, "户"), (14, "人")]


@pytest.fixture
def called(town):
    """A response whose calls have run to the end of their ladder, and nobody was there to pick up by hand."""
    client = signed_in(town)
    confirm(town, client, propose(town))
    loop.drain(town.world)
    return town, client, Notice.everywhere.get()


def test_the_tree_shows_who_is_silent_and_opens_a_town(called):
    _town, client, notice = called
    page = text_of(client.get(f"/desk/calls/{notice.pk}/"))
    assert "谁还没有应答" in page and "崂山区" in page and "沙子口街道" in page
    people = text_of(client.get(f"/desk/calls/{notice.pk}/branch/{city.SHAZIKOU}/"))
    assert people.count("经过/代答") == 5 and "村干部00" in people and "村干部10" not in people
    own = text_of(client.get(f"/desk/calls/{notice.pk}/branch/{city.SHAZIKOU}/?own=1"))
    assert own.count("经过/代答") == 2
    assert client.get(f"/desk/calls/{notice.pk}/branch/notacode1234/").status_code == 404
    assert "合成·村00" in text_of(client.get(f"/desk/calls/{notice.pk}/print/?all=1"))


def test_an_answer_on_behalf_needs_to_say_how_it_is_known_and_counts_once(called):
    town, client, notice = called
    addressee = notice.addressees.filter(tier="village").exclude(state="answered").first()
    path = f"/desk/addressees/{addressee.pk}/answer/"
    refused = client.post(path, {"text": ""})
    assert refused.status_code == 409 and "代答须写明情况" in text_of(refused)
    for _ in range(2):
        client.post(path, {"text": "镇值班室电话确认已到岗"})
    addressee.refresh_from_db()
    assert (addressee.state, addressee.note) == ("on_behalf", "镇值班室电话确认已到岗")
    with scope.everyone(town.world):
        assert [x.verb for x in read.history(addressee)].count("notice.answered") == 1


def test_calling_again_by_hand_makes_one_more_attempt_and_is_in_the_journal(called):
    _, client, notice = called
    addressee = notice.addressees.filter(tier="village").exclude(state="answered").first()
    before = addressee.attempts.count()
    client.post(f"/desk/addressees/{addressee.pk}/again/", {"whom": "self", "channel": "voice"})
    assert addressee.attempts.count() == before + 1
    refused = client.post(f"/desk/addressees/{addressee.pk}/again/", {"whom": "deputy", "channel": "voice"})
    assert refused.status_code == 409 and "没有登记" in text_of(refused)
    assert "人工" in text_of(client.get(f"/desk/addressees/{addressee.pk}/"))


def test_what_only_informs_stands_below_the_calls_and_counts_no_answers(called):
    town, client, call = called
    with scope.everyone(town.world):
        told = notices.do_call("超时提醒", "请督促", kind="inform", level=None, roles=("village_officer",), areas=[city.LAOSHAN])
    many, one = text_of(client.get("/desk/calls/")), text_of(client.get(f"/desk/calls/{told.pk}/"))
    assert many.index(call.title) < many.index("告知(不要求应答)") < many.index("请督促")
    assert "已送达" in one and "5分钟内" not in one and "打印未应答名单" not in one


def test_a_district_does_not_see_the_people_of_another(called):
    town, _, notice = called
    client = signed_in(town, "district_duty")
    Notice.everywhere.update(wide=True)
    other = notice.addressees.filter(area__code__startswith="370215").first()
    assert client.get(f"/desk/addressees/{other.pk}/").status_code == 404
    assert client.post(f"/desk/addressees/{other.pk}/answer/", {"text": "x"}).status_code == 404
    assert "经过/代答" not in text_of(client.get(f"/desk/calls/{notice.pk}/branch/{city.AOSHANWEI}/"))


# intake and the legal clocks


def intake(**changes):
    here = timezone.localtime(clock.real())
    form = {
        "received_at": f"{here:%Y-%m-%dT%H:%M}", "occurred_at": f"{here - 20 * MINUTE:%Y-%m-%dT%H:%M}", "way": "phone",
        "caller": "某厂安全科王某", "caller_phone": "10012345678", "area": city.LAOSHAN, "place": "沙子口某厂", "kind": "火灾",
        "summary": "车间起火,有人员被困", "once": "abc123",
    }  # fmt: skip
    return {k: v for k, v in {**form, **changes}.items() if v is not None}


def test_an_impossible_time_names_its_field_and_loses_nothing(town):
    client, later = signed_in(town), timezone.localtime(clock.real()) + timedelta(days=1)
    page = client.post("/desk/intake/new/", intake(occurred_at=f"{later:%Y-%m-%dT%H:%M}"))
    shown = text_of(page)
    assert page.status_code == 422 and "发生时间晚于当前时间" in shown
    assert "车间起火,有人员被困" in shown and "某厂安全科王某" in shown
    field = re.search(r'<div class="field[^"]*wrong[^"]*">\s*<label for="id_(\w+)"', shown)
    assert field and field[1] == "occurred_at"
    for bad in ("2023-02-30T10:00", "昨天"):
        page = client.post("/desk/intake/new/", intake(occurred_at=bad))
        assert page.status_code == 422 and "车间起火,有人员被困" in text_of(page), bad
    assert Intake.everywhere.count() == 0


@pytest.mark.parametrize("year", ["0001", "9999"])
def test_a_year_that_no_database_keeps_is_told_at_its_field(town, year):
    client, at = signed_in(town), f"{year}-01-01T00:00"
    page = client.post("/desk/intake/new/", intake(received_at=at))
    assert page.status_code in (200, 422) and f"{int(year)}年不在1900年至2199年之间" in text_of(page)
    assert "1900年" in text_of(client.post("/desk/phone/", {"kind": "in", "at": at, "party": "某某"}))
    told = client.get(f"/r/event/?occurred_at_after={year}-01-01")
    assert told.status_code < 500


def test_a_replay_in_a_city_without_its_stations_is_refused_in_words(town):
    page = signed_in(town).post("/desk/worlds/replay/", {"speed": "600"})
    assert page.status_code == 409 and "没有回放“梅花”所用的演示监测站" in text_of(page)


def test_the_same_intake_sent_twice_is_kept_once(town):
    client = signed_in(town)
    first, second = (client.post("/desk/intake/new/", intake()).headers["Location"] for _ in range(2))
    assert first == second and Intake.everywhere.count() == 1
    assert not PhoneReport.everywhere.exists()


def test_an_accident_with_three_dead_starts_both_clocks_from_the_receipt(town):
    client = signed_in(town)
    here = client.post("/desk/intake/new/", intake(accident="on", dead="3"))
    assert here.status_code == 302
    taken, phone, written = Intake.everywhere.get(), PhoneReport.everywhere.get(), WrittenReport.everywhere.get()
    assert phone.due_at - taken.received_at == timedelta(minutes=30)
    assert written.due_at - taken.received_at == timedelta(hours=1)
    assert "山东省安全生产条例第六十五条" in text_of(client.get(here.headers["Location"]))
    with travelled(timedelta(minutes=31)):
        loop.drain(town.world)
        phone.refresh_from_db(), written.refresh_from_db()
        assert (phone.overdue, written.overdue) == (True, False)
        assert "已超法定时限" in text_of(signed_in(town).get(here.headers["Location"]))
    with travelled(timedelta(minutes=61)):
        loop.drain(town.world)
        written.refresh_from_db()
        assert written.overdue


def test_a_small_accident_needs_only_the_telephone(town):
    signed_in(town).post("/desk/intake/new/", intake(accident="on", dead="1"))
    assert PhoneReport.everywhere.count() == 1 and WrittenReport.everywhere.count() == 0


def test_the_phone_report_is_closed_by_saying_who_was_told(town):
    client = signed_in(town)
    client.post("/desk/intake/new/", intake(accident="on"))
    report = PhoneReport.everywhere.get()
    path = f"/desk/reports/phone/{report.pk}/phone/"
    refused = client.post(path, {"told": ""})
    assert refused.status_code == 409 and "对方单位和姓名" in text_of(refused)
    client.post(path, {"told": "省安委办张某"})
    report.refresh_from_db()
    assert report.state == "phoned" and report.told == "省安委办张某"


def test_a_message_becomes_one_event_and_its_bulletin_says_the_same(town):
    client = signed_in(town)
    client.post("/desk/intake/new/", intake(dead="2"))
    taken = Intake.everywhere.get()
    form = {"title": "崂山区某厂火灾", "kind": "12G99", "level": "4"}
    for _ in range(2):
        client.post(f"/desk/intake/{taken.pk}/convert/", form)
    event = Event.everywhere.get()
    taken.refresh_from_db()
    assert (event.title, event.dead, taken.event_number) == ("崂山区某厂火灾", 2, event.number)
    paper = client.get(f"/desk/intake/{taken.pk}/bulletin.docx")
    said = words_of(paper)
    assert "死亡2人" in said and "车间起火" in said
    assert "死亡2人" in words_of(client.get(f"/desk/events/{event.pk}/bulletin.docx"))


# the event and its papers


def words_of(response):
    """Paragraphs and cells of a .docx, in reading order by kind."""
    assert response.status_code == 200, response.content[:200]
    sheet = docx.Document(io.BytesIO(response.content))
    cells = [c.text for t in sheet.tables for r in t.rows for c in r.cells]
    return "\n".join([p.text for p in sheet.paragraphs] + cells).translate(NARROW)


def test_an_order_by_hand_is_given_received_and_finished_on_behalf(called):
    town, client, _ = called
    event = Event.everywhere.get()
    path = f"/desk/events/{event.pk}/order/"
    for typed, said in (
        ({"unit": "没有的单位", "text": "检查", "minutes": "30"}, "没有找到这个单位"),
        ({"unit": "3702.sw", "text": "", "minutes": "30"}, "请填写指令内容"),
        ({"unit": "3702.sw", "text": "检查", "minutes": "0"}, "完成时限"),
        ({"unit": "3702.sw", "text": "检查", "minutes": "半小时"}, "完成时限"),
    ):
        refused = client.post(path, typed)
        assert refused.status_code == 409 and said in text_of(refused), typed
        assert f'value="{typed["unit"]}"' in text_of(refused)
    assert "3702.sw[3702.sw]" in text_of(client.get("/desk/units/?unit=3702.s"))
    client.post(path, {"unit": "3702.sw[3702.sw]", "text": "查看泵站", "minutes": "30"})
    order = Order.everywhere.get(text="查看泵站")
    client.post(f"/desk/orders/{order.pk}/receive/")
    assert client.post(f"/desk/orders/{order.pk}/finish/", {"result": ""}).status_code == 409
    with travelled(timedelta(minutes=45)):
        loop.drain(town.world)
        signed_in(town).post(f"/desk/orders/{order.pk}/finish/", {"result": "泵站正常"})
    order.refresh_from_db()
    assert (order.state, order.late, order.result) == ("done", True, "泵站正常") and order.received_at
    assert "代3702.sw登记" in text_of(client.get(f"/r/order/{order.pk}/"))


def rain(town):
    """Signals and six hours of rain in two districts."""
    with scope.everyone(town.world):
        hour = clock.now().replace(minute=0, second=0, microsecond=0)
        for n, (place, mm) in enumerate(((city.SHAZIKOU, 12.0), (city.AOSHANWEI, 4.0), (city.AOSHANWEI, 6.0))):
            station = Station(code=f"S{n}", name=f"雨量{n}", kind="rain", area_id=place, lon=120, lat=36)
            station.save()
            sensor = Sensor(station=station, code=f"S{n}.rain", quantity="rain", unit="mm", low=0, high=200, area_id=place)
            sensor.save()
            door.take([door.Sample(sensor.code, hour - timedelta(hours=h), mm) for h in range(6)])
        Warning(hazard="台风", colour="yellow", level=3, issuer="青岛市气象台", issued_at=hour, area_id=scope.ROOT).save()


def test_the_figures_of_the_report_are_those_of_direct_queries(town):
    rain(town)
    client = signed_in(town)
    confirm(town, client, propose(town))
    let_pass(town.world, 25)
    event = Event.everywhere.get()
    order = event.orders.order_by("pk").first()
    client.post(f"/desk/orders/{order.pk}/finish/", {"result": "完成"})
    with travelled(timedelta(hours=5)):
        loop.drain(town.world)
        client = signed_in(town)
        response = client.get(f"/desk/events/{event.pk}/report.docx")
        said = words_of(response)
        rows = Addressee.everywhere.filter(notice__about_id=str(Response.everywhere.get().pk))
        answered, silent = rows.filter(state__in=Addressee.ANSWERS).count(), rows.filter(state="silent").count()
        assert answered + silent == rows.count() == 9 and silent >= 1
        waits = [a.answered_at - a.called_at for a in rows if a.answered_at and a.called_at]
        in_5 = sum(w <= timedelta(minutes=5) for w in waits)
        assert f"涉及责任岗位9个(次)。应答{answered}个" in said
        assert f"5分钟内应答{in_5}个" in said and f"仍未应答{silent}个" in said
        for addressee in rows.filter(state="silent"):
            assert (addressee.name or "空岗") in said and addressee.title in said
        orders = Order.everywhere.filter(event=event)
        late = orders.filter(overdue=True).count()
        assert late and f"共下达调度指令{orders.count()}条,完成1条" in said
        assert f"超过时限未完成{late}条" in said
        assert "梁某" in said and FIRED["rule"] in said
        with scope.everyone(town.world):
            found = {r.area: r for r in account.rain(Story(event))}
        assert (found["崂山区"].mean, found["即墨区"].mean, found["即墨区"].most) == (72.0, 30.0, 36.0)
        assert "崂山区72毫米为最大" in said


def test_the_chronicle_is_the_journal(called):
    town, client, _ = called
    event = Event.everywhere.get()
    said = words_of(client.get(f"/desk/events/{event.pk}/chronicle.docx"))
    assert "梁某确认" in said and "事件立项" in said and "按" in said
    book = openpyxl.load_workbook(io.BytesIO(client.get(f"/desk/events/{event.pk}/chronicle.xlsx").content))
    with scope.everyone(town.world):
        lines = Story(event).lines(full=True).count()
    filled = [r for r in book.worksheets[0].iter_rows(values_only=True) if r[3] and "." in str(r[3])]
    assert len(filled) == lines > event.orders.count()


def test_the_papers_of_a_replay_say_that_they_are_one(town):
    with scope.everyone(town.replay):
        event = Event(title="梅花", kind="11B01", level=4, area_id=scope.ROOT, occurred_at=clock.now(), place="全市")
        from anlan.response.command import acts

        acts.do_open(event)
    client = signed_in(town)
    paper = client.get(f"/w/{town.replay.pk}/desk/events/{event.pk}/report.docx")
    assert "历史回放" in words_of(paper)
    head = docx.Document(io.BytesIO(paper.content)).sections[0]
    marks = [p.text for h in (head.header, head.even_page_header, head.first_page_header) for p in h.paragraphs]
    assert any("【回放】" in m for m in marks)


def test_a_page_of_another_world_is_not_found(called):
    town, client, notice = called
    event, addressee, order = Event.everywhere.get(), notice.addressees.first(), Order.everywhere.first()
    inside = f"/w/{town.replay.pk}"
    for path in (f"/desk/events/{event.pk}/", f"/desk/calls/{notice.pk}/", f"/desk/addressees/{addressee.pk}/", f"/desk/events/{event.pk}/report.docx"):
        assert client.get(path).status_code == 200, path
        assert client.get(inside + path).status_code == 404, path
    for path in (f"/desk/orders/{order.pk}/receive/", f"/desk/addressees/{addressee.pk}/answer/", f"/desk/proposals/{Proposal.everywhere.get().pk}/confirm/"):
        assert client.post(inside + path, {"text": "x", "signer": "x"}).status_code == 404, path


def test_what_falls_due_today_stands_late_first(called):
    town, _, _ = called
    with travelled(timedelta(hours=5)):
        loop.drain(town.world)
        page = text_of(signed_in(town).get("/desk/today/"))
        with scope.everyone(town.world):
            rows = parts.must_do()
    assert rows and rows[0].overdue and f"共 <b>{len(rows)}</b> 项" in page
    assert [r.overdue for r in rows] == sorted((r.overdue for r in rows), reverse=True)


# worlds


def test_an_exercise_has_its_own_records_and_its_list(town):
    client = signed_in(town)
    form = {"title": "防汛桌面推演", "speed": "10", "allow": "10012345678, duty@example.org", "simulate": "on"}
    opened = client.post("/desk/worlds/exercise/", form)
    world = World.objects.order_by("-pk").first()
    assert opened.headers["Location"] == f"{world.prefix}/desk/"
    assert (world.kind, world.allow, world.speed) == ("exercise", ["10012345678", "duty@example.org"], 10.0)
    assert "【演练】" in text_of(client.get(f"{world.prefix}/desk/"))
    refused = client.post("/desk/worlds/exercise/", {**form, "allow": "<b>"})
    assert refused.status_code == 409 and "不是电话号码或邮箱" in text_of(refused) and "防汛桌面推演" in text_of(refused)


def test_a_world_is_held_goes_on_and_keeps_its_switches(town):
    client, pk = signed_in(town), town.exercise.pk
    World.objects.filter(pk=pk).update(anchor_real=clock.real(), anchor_world=clock.real())
    client.post(f"/desk/worlds/{pk}/pause/")
    held = World.objects.get(pk=pk)
    with travelled(timedelta(hours=1)):
        assert held.paused and held.at(clock.real()) == held.step
    client.post(f"/desk/worlds/{pk}/resume/")
    client.post(f"/desk/worlds/{pk}/pace/", {"speed": "60"})
    client.post(f"/desk/worlds/{pk}/confirming/", {"on": "1"})
    world = World.objects.get(pk=pk)
    assert (world.paused, world.speed, world.switches["auto_confirm"]) == (False, 60.0, True)
    assert client.post(f"/desk/worlds/{pk}/pace/", {"speed": "nan"}).status_code == 409
    assert client.post("/desk/worlds/1/pause/").status_code == 404
    assert client.post(f"/desk/worlds/{pk}/explode/").status_code == 404
