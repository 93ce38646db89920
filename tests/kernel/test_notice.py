"""A call goes out, who is silent is tried again and again by the ladder, and every answer counts once."""

import time
from datetime import date, timedelta

import pytest

from anlan.faces import summary
from anlan.kernel import clock
from anlan.kernel.answers import acts as answers
from anlan.kernel.answers import heard, links
from anlan.kernel.cases import Refused
from anlan.kernel.clock import due, loop
from anlan.kernel.clock.models import Due
from anlan.kernel.dispatch import rungs
from anlan.kernel.journal import read
from anlan.kernel.notice import acts
from anlan.kernel.notice.ladder import CALL, Ladder, Rung, restore
from anlan.kernel.notice.models import Addressee, Attempt, Notice, Receipt
from anlan.kernel.people import scope
from anlan.kernel.people.models import Holding, Post
from anlan.kernel.worlds.models import World

from . import villages
from .villages import DISTRICT, ROLES, START


@pytest.fixture
def city(db) -> World:
    return villages.build(20)


@pytest.fixture
def world(city) -> World:
    return villages.stepped()


def call(world: World, **given) -> Notice:
    given = {"level": 3, "roles": ROLES, "areas": [DISTRICT]} | given
    with scope.everyone(world, world.step):
        return acts.do_call("Ⅲ级响应叫应", "请立即到岗并应答。", **given)


def silence_all(monkeypatch) -> None:
    """A night on which no telephone is answered, by the simulator's own rate."""
    monkeypatch.setattr("anlan.kernel.simulator.phones.NEVER", 1.0)


def attempts(notice: Notice, **given) -> list[Attempt]:
    return list(Attempt.everywhere.filter(addressee__notice=notice, **given).order_by("pk"))


def test_every_post_is_called_once_its_holder_first_and_the_deputy_known(world):
    notice = call(world)
    rows = Addressee.everywhere.filter(notice=notice)
    assert rows.count() == 1 + 2 + 20
    assert all(a.name.startswith("甲") and a.deputy_id == a.person_id + 1 for a in rows)
    assert {a.area_id for a in rows} == set(Post.everywhere.values_list("area_id", flat=True))


def test_a_vacant_post_is_not_forgotten_but_goes_to_the_superior(world, monkeypatch):
    silence_all(monkeypatch)
    post = Post.everywhere.filter(tier="village").first()
    Holding.everywhere.filter(post=post).delete()
    notice = call(world)
    loop.advance(world)
    vacant = Addressee.everywhere.get(notice=notice, post=post)
    assert vacant.person_id is None and vacant.state == "silent"
    assert {a.whom for a in attempts(notice, addressee=vacant)} == {"superior"}


def test_where_an_area_has_no_such_post_the_nearest_above_is_called(world):
    village = Post.everywhere.filter(tier="village").first()
    other = Post.everywhere.filter(tier="town").order_by("pk").last()
    notice = call(world, roles=("district_duty",), areas=[village.area_id, other.area_id])
    assert [a.post.area_id for a in Addressee.everywhere.filter(notice=notice)] == [DISTRICT]
    assert Addressee.everywhere.get(notice=notice).person_id is not None
    own = call(world, roles=("town_duty", "district_duty"), areas=[other.area_id])
    assert [a.post_id for a in Addressee.everywhere.filter(notice=own)] == [other.pk]


def test_a_call_without_anybody_to_hear_it_is_told_to_the_duty_officers(world):
    officer = Post.everywhere.create(title="市值班员", role="duty_officer", unit_id="370212", tier="city", area_id=scope.ROOT)
    notice = call(world, roles=("leader",), areas=[DISTRICT])
    loop.advance(world)
    with scope.everyone(world):
        assert "无人收到" in read.Line.objects.get(verb="notice.nobody", subject_id=notice.pk).text
    told = Notice.everywhere.get(about_id=str(notice.pk))
    assert "无人收到" in told.text and Addressee.everywhere.get(notice=told).post_id == officer.pk


def test_where_even_the_duty_officers_are_missing_the_telling_ends(world):
    call(world, roles=("leader",), areas=[DISTRICT])
    loop.advance(world)
    assert Notice.everywhere.count() == 2 and not Addressee.everywhere.exists()


def test_who_takes_over_on_a_day_is_called_from_its_midnight_in_the_city(world):
    post = Post.everywhere.filter(tier="village").first()
    old, new = Holding.everywhere.filter(post=post).order_by("rank")
    Holding.everywhere.filter(pk=old.pk).update(until=date(2022, 9, 14))
    Holding.everywhere.filter(pk=new.pk).update(since=date(2022, 9, 15), rank=1)
    world.step = START + timedelta(hours=15)
    world.save()
    assert Addressee.everywhere.get(notice=call(world), post=post).person_id == new.person_id


def test_the_ladder_climbs_at_its_times_to_deputy_and_superior_and_then_says_who_is_silent(world, monkeypatch):
    silence_all(monkeypatch)
    notice = call(world)
    loop.advance(world)
    village = Addressee.everywhere.filter(notice=notice, tier="village").first()
    seen = {
        (int((a.planned_at - START).total_seconds()), a.whom, a.channel) for a in attempts(notice, addressee=village)
    }
    assert seen == {
        (0, "self", "voice"), (0, "self", "sms"), (120, "self", "voice"), (300, "deputy", "voice"),
        (300, "deputy", "sms"), (600, "superior", "voice"),
    }  # fmt: skip
    superior = attempts(notice, addressee=village, whom="superior")[0].person
    assert superior.area_id == village.area_id[:9] + "000"
    town = Addressee.everywhere.get(notice=notice, area_id=superior.area_id)
    assert attempts(notice, addressee=town, whom="superior")[0].person.area_id == DISTRICT
    assert set(Addressee.everywhere.values_list("state", "silent_at")) == {("silent", START + timedelta(seconds=1200))}
    notice.refresh_from_db()
    assert notice.closed_at == START + timedelta(seconds=1200)
    with scope.everyone(world):
        assert read.lines().filter(verb="notice.silent").count() == 23
        assert acts.Addressee.objects.filter(pk__in=summary.board().values("pk")).count() == 23


def test_one_superior_gets_one_call_for_all_silent_villages(world, monkeypatch):
    silence_all(monkeypatch)
    notice = call(world)
    loop.advance(world)
    villages_ = attempts(notice, whom="superior", addressee__tier="village")
    assert len(villages_) == 20 and len({a.call for a in villages_}) == 2


def test_the_same_rung_worked_twice_calls_nobody_twice(world):
    notice = call(world)
    row = Due.objects.get(key=acts.rung_key(notice, 0))
    with scope.everyone(world, START):
        rungs.work_rung(row)
        before = (Attempt.everywhere.count(), Due.objects.count())
        rungs.work_rung(row)
    assert (Attempt.everywhere.count(), Due.objects.count()) == before == (46, before[1])


def test_an_answer_stops_the_later_rungs_of_that_post_only(world, monkeypatch):
    silence_all(monkeypatch)
    notice = call(world)
    due.work_some(world, START, START)
    one, other = Addressee.everywhere.filter(notice=notice, tier="village").order_by("pk")[:2]
    voice = attempts(notice, addressee=one, channel="voice")[0]
    with scope.everyone(world, START + timedelta(seconds=60)):
        heard.pressed([heard.Press(voice.call, "1", "voice")])
    loop.advance(world)
    one.refresh_from_db()
    assert one.state == "answered" and one.waited == timedelta(seconds=60) and one.answered_by_id == one.person_id
    assert max(a.rung for a in attempts(notice, addressee=one)) == 0
    assert max(a.rung for a in attempts(notice, addressee=other)) >= 3


def test_who_answered_nearby_is_asked_for_a_silent_neighbour(world, monkeypatch):
    silence_all(monkeypatch)
    notice = call(world)
    due.work_some(world, START, START)
    awake = Addressee.everywhere.filter(
        notice=notice, tier="village", area_id__gt="370212001", area_id__lt="370212002"
    ).first()
    with scope.everyone(world, START):
        answers.do_answer(awake, via="app", by=awake.person_id)
    loop.advance(world)
    asked = attempts(notice, whom="neighbour")
    assert {a.person_id for a in asked} == {awake.person_id}
    assert {a.area_id[:9] for a in asked} == {"370212001"}


def test_a_superior_who_received_has_not_answered_for_the_village_until_it_is_passed_on(world, monkeypatch):
    silence_all(monkeypatch)
    notice = call(world)
    while not attempts(notice, whom="superior"):
        due.work_some(world, at := due.next_at(world), at)
    ring = attempts(notice, whom="superior", addressee__tier="village")[0]
    group = Attempt.everywhere.filter(call=ring.call).values("addressee")
    with scope.everyone(world, START + timedelta(seconds=640)):
        heard.pressed([heard.Press(ring.call, "1", "voice")])
        assert set(Addressee.everywhere.filter(pk__in=group).values_list("state", flat=True)) == {"waiting"}
        assert Receipt.everywhere.filter(kind="accepted").count() == 10
        heard.pressed([heard.Press(ring.call, "2", "voice")])
    assert set(Addressee.everywhere.filter(pk__in=group).values_list("state", "answered_by")) == {
        ("on_behalf", ring.person_id)
    }


def test_when_all_have_answered_the_notice_ends_and_later_rungs_are_dropped(world):
    notice = call(world)
    with scope.everyone(world, START + timedelta(seconds=5)):
        for addressee in Addressee.everywhere.filter(notice=notice).select_related("notice", "area"):
            answers.do_answer(addressee, via="app", by=addressee.person_id)
    notice.refresh_from_db()
    assert notice.closed_at == START + timedelta(seconds=5)
    assert not Due.objects.filter(kind__in=("notice.rung", "notice.end"), dropped=False).exists()


def test_a_stand_down_releases_who_still_waits(world):
    notice = call(world, about=world)
    with scope.everyone(world, START):
        assert acts.do_close_about(world) == 1
        assert acts.do_close_about(world) == 0
    loop.advance(world)
    assert set(Addressee.everywhere.values_list("state", flat=True)) == {"released"}
    assert not attempts(notice)


def test_a_new_level_replaces_the_call_of_the_old_one(world):
    first = call(world, about=world)
    second = call(world, about=world, level=2)
    first.refresh_from_db()
    assert first.closed_at and second.closed_at is None and second.number == first.number + 1


def test_an_answer_after_the_end_counts_late_and_is_kept(world, monkeypatch):
    silence_all(monkeypatch)
    notice = call(world)
    loop.advance(world)
    late = Addressee.everywhere.filter(notice=notice).select_related("notice", "area").first()
    with scope.everyone(world, START + timedelta(hours=1)):
        assert answers.do_answer(late, via="app", by=late.person_id)
    late.refresh_from_db()
    told = summary.answer_stats(world)
    assert late.late and late.state == "answered"
    assert (told["late"], told["silent"], told["ended_silent"]) == (1, 22, 23)


def test_the_same_answer_sent_twice_by_a_phone_counts_once(world):
    notice = call(world)
    one = Addressee.everywhere.filter(notice=notice, tier="village").select_related("notice", "area").first()
    with scope.everyone(world, START):
        assert answers.do_answer(one, via="app", client_id="p1")
        assert not answers.do_answer(one, via="app", client_id="p1")
        assert not answers.do_answer(one, via="app", client_id="p2")
        assert answers.do_report_moved(one, 12, 31, client_id="p3")
        assert not answers.do_report_moved(one, 99, 999, client_id="p3")
        assert read.lines().filter(verb="notice.answered").count() == 1
    one.refresh_from_db()
    assert (one.households, one.people, one.acted_at) == (12, 31, START)


@pytest.mark.parametrize(("households", "people"), [(-1, 5), (5, 2), (1, 10**7)])
def test_impossible_numbers_of_moved_people_are_refused(world, households, people):
    one = Addressee.everywhere.filter(notice=call(world)).first()
    with scope.everyone(world, START), pytest.raises(Refused):
        answers.do_report_moved(one, households, people)


def test_only_the_holder_the_deputy_or_the_duty_room_may_answer(world):
    village = Addressee.everywhere.filter(notice=call(world), tier="village").first()
    other = scope.Scope(world, 999, "丙", reaches=(scope.Reach("village_officer", village.area_id),))
    duty = scope.Scope(world, 998, "丁", reaches=(scope.Reach("town_duty", village.area_id[:9]),))
    away = scope.Scope(world, 997, "戊", reaches=(scope.Reach("town_duty", "370215001"),))
    holder = scope.Scope(world, village.person_id, "甲", reaches=())
    with scope.entered(holder):
        assert answers.check_answer(village) is False
    with scope.entered(duty):
        assert answers.check_answer(village, "村支书来电确认") is True
        with pytest.raises(Refused, match="代答须写明"):
            answers.check_answer(village, " ")
    for who in (other, away):
        with scope.entered(who), pytest.raises(Refused, match="只有"):
            answers.check_answer(village, "x")


def test_a_district_sees_only_its_own_addressees(world):
    notice = call(world)
    loop.advance(world)
    for reach, count in (("370212", 23), ("370215", 0), ("370212001", 11)):
        with scope.entered(scope.Scope(world, 1, "甲", reaches=(scope.Reach("town_duty", reach),))):
            assert summary.summary(notice)["total"] == count
            assert Attempt.objects.exists() == Receipt.objects.exists() == bool(count)


def test_by_night_a_telephone_rings_even_where_the_ladder_says_only_a_message(world):
    quiet = Ladder("quiet", (Rung(0, "self", ("sms",)),), basis="测试", confidence="M", end_s=60)
    assert quiet.channels_at(0, START) == ("sms",)
    assert quiet.channels_at(0, START.replace(hour=14)) == ("sms", "voice")
    assert restore(CALL.snapshot()) == CALL


@pytest.mark.parametrize(
    "given",
    [
        {"rungs": ()},
        {"rungs": (Rung(5, "self", ("sms",)),)},
        {"rungs": (Rung(0, "self", ("sms",)), Rung(0, "deputy", ("sms",)))},
        {"rungs": (Rung(0, "boss", ("sms",)),)},
        {"rungs": (Rung(0, "self", ("pigeon",)),)},
        {"rungs": (Rung(0, "self", ("sms",)),), "end_s": 0},
        {"rungs": (Rung(0, "self", ("sms",)),), "basis": ""},
    ],
)
def test_a_ladder_that_cannot_be_climbed_is_not_declared(given):
    with pytest.raises(ValueError, match="ladder wrong"):
        Ladder(**{"name": "wrong", "basis": "测试", "confidence": "M", "end_s": 60} | given)


def test_a_link_leads_to_its_call_and_a_press_on_it_answers_once(world):
    notice = call(world)
    due.work_some(world, START, START)
    sms = attempts(notice, channel="sms", addressee__tier="village")[0]
    found = links.read(links.token(sms))
    assert found == sms and links.path(sms).startswith("/a/")
    with scope.everyone(world, START + timedelta(seconds=50)):
        press = heard.Press(found.call, "1", "link")
        assert [a.pk for a in heard.pressed([press])] == [sms.addressee_id]
        assert heard.pressed([press]) == []
    sms.addressee.refresh_from_db()
    assert sms.addressee.state == "answered" and sms.addressee.answer_channel == "link"


def test_a_forged_or_expired_link_is_refused_in_plain_words(world):
    notice = call(world)
    due.work_some(world, START, START)
    token = links.token(attempts(notice, channel="sms")[0])
    for wrong in (token[:-3] + "xyz", "", "a:b:c", token + "0"):
        with pytest.raises(Refused, match="应答链接无效"):
            links.read(wrong)
    with clock.travelled(timedelta(hours=73)), pytest.raises(Refused, match="已过期"):
        links.read(token)


def test_the_same_seed_gives_the_same_answers_and_another_seed_others(city):
    def told(seed: int) -> list[tuple]:
        world = villages.stepped(seed)
        notice = call(world)
        loop.advance(world)
        fields = ("post_id", "state", "answered_at", "answered_by", "answer_channel", "households")
        return list(Addressee.everywhere.filter(notice=notice).order_by("post_id").values_list(*fields))

    first = told(1)
    assert first == told(1) and first != told(2)


def test_figures_by_tier_and_the_tree_add_up(world):
    notice = call(world)
    loop.advance(world)
    with scope.everyone(world):
        told = summary.summary(notice)
        assert told["total"] == sum(t["total"] for t in told["tiers"]) == sum(n["total"] for n in told["tree"]) == 23
        assert [n["code"] for n in summary.tree(notice, DISTRICT)] == [DISTRICT, "370212001000", "370212002000"]
        assert sum(n["total"] for n in summary.tree(notice, "370212001000")) == 11
        minutes, answered = summary.by_minute(world), summary.answer_stats(world)["answered"]
        assert {tier: sum(of) for tier, of in minutes.items()} == {t["tier"]: t["answered"] for t in told["tiers"]}
        assert sum(map(sum, minutes.values())) == answered


def test_a_notice_that_only_informs_waits_for_nobody(world):
    notice = call(world, kind="inform")
    loop.advance(world)
    notice.refresh_from_db()
    assert notice.closed_at == START and {a.channel for a in attempts(notice)} == {"sms"}
    assert "waiting" not in set(Addressee.everywhere.values_list("state", flat=True))


@pytest.mark.slow
def test_seven_thousand_are_called_in_one_go(db, capsys):
    villages.build(7000, towns=130)
    world = villages.stepped()
    start = time.perf_counter()
    call(world)
    issued = time.perf_counter()
    due.work_some(world, START, START)
    called = time.perf_counter()
    with capsys.disabled():
        print(f"\n7131 addressees: issued in {issued - start:.2f} s, 14262 attempts in {called - issued:.2f} s")
    assert Attempt.everywhere.filter(state="sent", sent_at=START).count() == 2 * 7131
    assert called - issued < 8


def test_in_a_world_that_has_ended_nothing_is_called_answered_reported_or_closed(world):
    notice = call(world)
    row = Addressee.everywhere.filter(notice=notice).select_related("notice", "area").first()
    before = (Receipt.everywhere.count(), Due.objects.filter(dropped=True).count(), read_lines(world))
    world.closed = True
    world.save()
    for act in (
        lambda: acts.do_call("又一次", "请应答", level=3, roles=ROLES, areas=[DISTRICT]),
        lambda: answers.do_answer(row, via="app"),
        lambda: answers.do_receipt(row, Receipt.Kind.ARRIVED, via="app"),
        lambda: answers.do_report_moved(row, 1, 2),
        lambda: acts.do_close(notice, "结束"),
    ):
        with scope.everyone(world), pytest.raises(Refused, match="已经结束"):
            act()
    row.refresh_from_db()
    assert row.state == "waiting" and Notice.everywhere.get().closed_at is None
    assert (Receipt.everywhere.count(), Due.objects.filter(dropped=True).count(), read_lines(world)) == before


def read_lines(world: World) -> int:
    with scope.everyone(world):
        return read.lines().count()
