"""Mail and group robots against real servers: what arrives, what is refused, what is repeated and what never is."""

import socket
import threading
import time
from contextlib import suppress
from datetime import timedelta
from itertools import count

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from anlan.kernel import clock
from anlan.kernel.carriers import CARRIERS, Down, Later, Rejected, Unsure, wire
from anlan.kernel.carriers import mail as post_office
from anlan.kernel.carriers import webhook as robots
from anlan.kernel.carriers.models import Gateway
from anlan.kernel.clock import beats, loop
from anlan.kernel.clock.models import Due
from anlan.kernel.dispatch import sending
from anlan.kernel.notice import acts
from anlan.kernel.notice.ladder import Ladder, Rung
from anlan.kernel.notice.models import Addressee, Attempt
from anlan.kernel.people import scope
from anlan.kernel.people.models import Person
from anlan.kernel.worlds.models import World

from . import villages
from .servers import ACCOUNT, PASSWORD, Mail, Robots, certificate
from .villages import DISTRICT, ROLES

LETTER = Ladder("letter", (Rung(0, "self", ("mail",)),), basis="测试", confidence="M", end_s=600, at_night=())
GROUP = Ladder("group", (Rung(0, "self", ("group",)),), basis="测试", confidence="M", end_s=600, at_night=())
NUMBERS = count(1)
KEY = "SEC signing key"


@pytest.fixture
def pem(tmp_path):
    return certificate(tmp_path)


@pytest.fixture
def server():
    made = Mail()
    yield made
    made.stop()


@pytest.fixture
def robot():
    made = Robots(KEY)
    yield made
    made.stop()


@pytest.fixture
def city(db, settings):
    settings.DEMO = False
    made = villages.build(2)
    for person in Person.everywhere.all():
        person.user = User.objects.create(username=f"u{person.pk}", email=f"p{person.pk}@example.org")
        Person.everywhere.filter(pk=person.pk).update(user=person.user)
    return made


def entered(carrier, channel, address, secret="", **given) -> Gateway:
    row = Gateway(
        name=f"{channel}-{next(NUMBERS)}", title=channel, channel=channel, carrier=carrier, address=address, secret=secret, area_id=scope.ROOT,
        site="https://answer.invalid", account=ACCOUNT, **given,
    )  # fmt: skip
    row.clean()
    row.save()
    return row


def pulse():
    """The health page's line of the one gateway."""
    return beats.health()["beats"][f"gateway:{Gateway.everywhere.get().name}"]


def changed(way, **given):
    for name, value in given.items():
        setattr(way, name, value)
    way.save()
    return way


def call(world, ladder=LETTER, roles=ROLES):
    with scope.everyone(world):
        acts.do_call("叫应", "请应答。", level=2, roles=roles, areas=[DISTRICT], ladder=ladder)
    loop.drain(world)


def states():
    told: dict[tuple[str, str], int] = {}
    for row in Attempt.everywhere.values_list("state", "reason"):
        told[row] = told.get(row, 0) + 1
    return told


def later(world, **ahead):
    with clock.travelled(timedelta(**ahead)):
        loop.drain(World.objects.get(pk=world.pk))


def healthy():
    return pulse()["ok"]


# mail


def test_each_is_written_to_once_by_a_relay_without_encryption_or_password(city, server):
    entered("mail", "mail", server.address)
    call(city)
    assert sorted(to for _, to, _ in server.box.taken) == sorted(f"p{2 * n + 1}@example.org" for n in range(5))
    sender, _, text = server.box.taken[0]
    assert sender == ACCOUNT and "Message-ID: <" in text and "\n" not in text.replace("\r\n", "")
    assert states() == {("sent", ""): 5} and healthy()


def test_a_password_goes_over_an_encrypted_line_or_not_at_all(city, server, pem, monkeypatch):
    way = entered("mail", "mail", server.address, PASSWORD)
    assert sending.try_out(way, "a@example.org") == "邮件服务器不支持加密,未以明文发送密码"
    for secure in (False, True):
        safe = Mail(pem=pem, secure=secure, auth_require_tls=not secure)
        changed(way, address=safe.address)
        assert "证书不可信" in sending.try_out(way, "a@example.org") and not safe.box.taken
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        assert sending.try_out(way, "a@example.org") == "" and len(safe.box.taken) == 1
        assert sending.try_out(changed(way, secret="wrong"), "a@example.org") == "邮件服务器不认账号或密码(535)"
        changed(way, secret=PASSWORD)
        monkeypatch.delenv("SSL_CERT_FILE")
        safe.stop()
    assert not server.box.taken


def test_a_mailbox_that_is_refused_is_said_and_the_others_get_theirs(city, server):
    entered("mail", "mail", server.address)
    server.box.replies = {"p1@example.org": "550 no such user", "p3@example.org": "452 mailbox full"}
    call(city)
    waiting = ("planned", "收件地址暂未被接受(452),第1次重试待发")
    assert states() == {("sent", ""): 3, ("failed", "收件地址被拒绝(550)"): 1, waiting: 1}
    assert len(server.box.taken) == 3 and healthy()
    later(city, seconds=1.5)
    assert len(server.box.taken) == 3
    server.box.replies = {}
    later(city, seconds=30)
    assert sorted(to for _, to, _ in server.box.taken) == [f"p{n}@example.org" for n in (3, 5, 7, 9)]


def test_an_address_that_no_letter_can_carry_fails_alone_and_what_was_sent_is_written_as_sent(city, server):
    entered("mail", "mail", server.address)
    User.objects.filter(email="p3@example.org").update(email="张@例子.中国")
    call(city)
    assert states() == {("sent", ""): 4, ("failed", "收件地址含有邮件服务器不收的字符"): 1}
    assert len(server.box.taken) == 4 and healthy()


def test_a_call_that_breaks_unforeseen_takes_no_other_along_and_tells_no_secret(city, server, monkeypatch):
    def broken(line, sender, to, message):
        if to == "p3@example.org":
            raise UnicodeEncodeError("ascii", PASSWORD, 0, 1, "as a carrier's library might say")
        return hand_over(line, sender, to, message)

    hand_over = post_office._hand_over
    monkeypatch.setattr(post_office, "_hand_over", broken)
    entered("mail", "mail", server.address)
    call(city)
    later(city, seconds=90)
    assert states() == {("sent", ""): 4, ("failed", "发送出错,结果不明,未重发"): 1}
    assert len(server.box.taken) == 4 and not Due.objects.exclude(fault="").exists()


def test_what_a_line_cannot_carry_is_refused_when_it_is_entered():
    mail, robots = {"carrier": "mail", "channel": "mail", "account": ACCOUNT}, {"carrier": "webhook", "channel": "group"}
    for field, given in (
        ("address", {**mail, "address": "smtp://mail..example.org"}), ("address", {**mail, "address": f"smtp://{'m' * 64}.org"}),
        ("account", {**mail, "address": "smtp://mail", "account": "a@b.cn\r\nBcc: x@y.cn"}),
        ("account", {**mail, "address": "smtp://mail", "account": "值班@b.cn"}),
        ("secret", {**mail, "address": "smtps://mail", "secret": "密码"}),
        ("secret", {**robots, "secret": "https://host/robot/send?access_token=令牌"}),
        ("secret", {**robots, "secret": "/robot/send//x"}), ("address", {**robots, "secret": "https://a..b/robot/send?access_token=x"}),
    ):  # fmt: skip
        with pytest.raises(ValidationError) as fault:
            Gateway(name="way", title="way", area_id=scope.ROOT, **given).clean()
        assert list(fault.value.message_dict) == [field], given


def test_a_mail_server_that_is_down_is_tried_with_growing_pauses_seen_and_seen_to_recover(city, server):
    way = entered("mail", "mail", server.address)
    server.stop()
    call(city)
    assert not healthy() and "拒绝连接" in pulse()["detail"] and beats.health()["status"] != "ok"
    ahead, pauses = timedelta(), []
    for _ in range(4):
        way.refresh_from_db()
        with clock.travelled(ahead):
            pauses.append(round((way.retry_at - clock.real()).total_seconds()))
        ahead += timedelta(seconds=pauses[-1] + 0.5)
        later(city, seconds=ahead.total_seconds())
    assert pauses == [1, 2, 4, 8] and not server.box.taken
    server.start()
    with clock.travelled(timedelta(minutes=2)):
        loop.drain(city)
        assert healthy()
    way.refresh_from_db()
    assert way.faults == 0 and states() == {("sent", ""): 5}
    assert sorted(to for _, to, _ in server.box.taken) == sorted(f"p{2 * n + 1}@example.org" for n in range(5))


def test_a_gateway_that_opens_its_door_and_fails_behind_it_is_not_called_well(city, server):
    way = entered("mail", "mail", server.address, PASSWORD)
    assert sending.try_out(way, "a@example.org")
    for minutes, well in ((1, False), (7, True)):
        with clock.travelled(timedelta(minutes=minutes)), scope.everyone(city):
            sending.probe_all(clock.now())
            loop.drain(city)
            assert healthy() is well, pulse()
    assert server.box.sessions == 1


def test_a_letter_whose_fate_nobody_knows_is_not_sent_again(city, server):
    entered("mail", "mail", server.address)
    server.box.swallow.set()
    call(city, roles=("district_duty",))
    assert len(server.box.taken) == 1 and states() == {("failed", "发送中断,结果不明,未重发"): 1} and not healthy()
    server.box.swallow.clear()
    later(city, minutes=5)
    assert len(server.box.taken) == 1


def test_a_server_that_says_nothing_is_given_up_after_its_time(city, monkeypatch):
    monkeypatch.setattr(post_office, "TIMEOUT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        way = entered("mail", "mail", f"smtp://127.0.0.1:{mute.getsockname()[1]}")
        assert sending.try_out(way, "a@example.org") == "邮件服务器不通:超时"
    assert not healthy()


def test_a_server_that_is_slow_holds_a_batch_no_longer_than_its_lease(city, server, monkeypatch):
    """What was not begun in time goes with the next batch; nothing is sent twice."""
    monkeypatch.setattr(sending, "THREADS", 1)
    monkeypatch.setattr(sending, "BEGUN_S", 0.25)
    carrier = CARRIERS["mail"]
    real = type(carrier).send

    def slow(self, gateway, call):
        time.sleep(0.1)
        return real(self, gateway, call)

    monkeypatch.setattr(type(carrier), "send", slow)
    entered("mail", "mail", server.address)
    call(city)
    begun = len(server.box.taken)
    assert 0 < begun < 5 and ("planned", "网关过慢,第1次重试待发") in states() and healthy()
    monkeypatch.setattr(sending, "BEGUN_S", 60)
    later(city, minutes=2)
    assert sorted(to for _, to, _ in server.box.taken) == sorted(f"p{2 * n + 1}@example.org" for n in range(5))


def test_who_talks_no_smtp_is_a_fault_without_its_words(city):
    def answer(door):
        line, _ = door.accept()
        line.sendall(b"554 our secret is swordfish\r\n")
        line.close()

    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=answer, args=(door,), daemon=True).start()
        way = entered("mail", "mail", f"smtp://127.0.0.1:{door.getsockname()[1]}")
        assert sending.try_out(way, "a@example.org") == "邮件服务器返回 554"


# robots


PATHS = {
    "wecom": "/cgi-bin/webhook/send?key=wecom-token", "dingtalk": f"/robot/send?access_token=ding-token#{KEY}",
    "feishu": f"/open-apis/bot/v2/hook/feishu-token#{KEY}",
}  # fmt: skip


@pytest.mark.parametrize("kind", PATHS)
def test_a_group_hears_a_call_once_however_many_hold_posts_there_and_nobody_answers_by_it(city, robot, kind):
    way = entered("webhook", "group", "", robot.url(PATHS[kind]))
    assert way.address == robot.url("")
    with scope.everyone(city):
        second = Person.everywhere.get(pk=3)
        villages.Post.everywhere.create(title="副职", role="district_duty", unit_id="370212", tier="district", area_id=DISTRICT)
        villages.Holding.everywhere.create(
            post=villages.Post.everywhere.latest("pk"), person=second, rank=1, since=villages.SINCE, area_id=DISTRICT
        )
        Person.everywhere.filter(pk=3).update(area_id=DISTRICT)
    call(city, GROUP, ("district_duty",))
    assert Attempt.everywhere.count() == 2 and len(robot.said) == 1
    assert robot.said[0] == (kind, "【叫应】请应答。") and states() == {("sent", ""): 2}


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/cgi-bin/webhook/send?key=gone", 93000), ("/robot/send?access_token=gone", 300005),
        ("/robot/send?access_token=ding-token#wrong key", 310000), ("/open-apis/bot/v2/hook/gone", 19001),
        ("/open-apis/bot/v2/hook/feishu-token", 19021),
    ],
)  # fmt: skip
def test_a_robot_that_does_not_know_us_is_a_gateway_at_fault_and_its_token_is_not_told(city, robot, path, code):
    entered("webhook", "group", "", robot.url(path))
    call(city, GROUP, ("district_duty",))
    told = pulse()
    assert not told["ok"] and f"({code})" in told["detail"] and "gone" not in told["detail"] and not robot.said


@pytest.mark.parametrize(("kind", "code"), [("wecom", 45009), ("dingtalk", 130101), ("feishu", 11232)])
def test_a_busy_robot_is_asked_again_and_is_not_ill(city, robot, kind, code):
    entered("webhook", "group", "", robot.url(PATHS[kind]))
    robot.answers[kind] = code
    call(city, GROUP, ("district_duty",))
    assert not robot.said and healthy()
    later(city, seconds=3)
    assert len(robot.said) == 1 and states() == {("sent", ""): 1}


def test_a_robot_whose_line_breaks_is_not_told_twice(city, robot):
    way = entered("webhook", "group", "", robot.url(PATHS["wecom"]))
    robot.cut = True
    call(city, GROUP, ("district_duty",))
    robot.cut = False
    later(city, minutes=2)
    assert robot.said == ["cut"] and not Attempt.everywhere.exclude(state="failed").exists()
    assert "结果不明" in Attempt.everywhere.get().reason
    robot.stop()
    assert sending.try_out(way, "") == "网关不通:拒绝连接"


def test_a_line_that_drips_is_cut_before_it_holds_up_the_others(city):
    door = socket.create_server(("127.0.0.1", 0))

    def drip():
        line, _ = door.accept()
        with line, suppress(OSError):
            for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 40:
                line.sendall(bytes([byte]))
                time.sleep(0.1)

    threading.Thread(target=drip, daemon=True).start()
    began = time.monotonic()
    with pytest.raises(Unsure):
        wire.post(f"http://127.0.0.1:{door.getsockname()[1]}/", b"{}", {}, 0.3)
    assert time.monotonic() - began < 3
    door.close()


def test_a_long_text_is_cut_to_what_a_robot_takes(city, robot):
    way = entered("webhook", "group", "", robot.url(PATHS["wecom"]))
    with scope.everyone(city):
        acts.do_call("长", "水" * 1500, level=2, roles=("district_duty",), areas=[DISTRICT], ladder=GROUP)
    loop.drain(city)
    assert len(robot.said[0][1].encode()) <= robots.LONGEST and robot.said[0][1].endswith("水")
    assert robots.shown(way.secret) == way.address


def test_the_words_for_what_may_be_repeated_are_told_apart():
    assert issubclass(Later, Down) and issubclass(Unsure, Rejected) and not issubclass(Unsure, Down)


def test_an_old_call_is_given_up_after_a_day(city, server):
    entered("mail", "mail", server.address)
    server.stop()
    call(city, roles=("district_duty",))
    Addressee.everywhere.update(state="silent")
    server.start()
    later(city, hours=25)
    assert not server.box.taken and states() == {("failed", "24小时内未能发出,已放弃"): 1}
