"""The system keeper's gateways, through the pages: added, changed, tried, switched, and the secret never seen again."""

import re

import pytest
from django.test import Client

from anlan.kernel import clock
from anlan.kernel.carriers.models import Gateway
from anlan.kernel.clock import beats, loop
from anlan.kernel.dispatch import sending
from anlan.kernel.journal.models import Line
from anlan.kernel.notice import acts
from anlan.kernel.notice.models import Attempt
from anlan.kernel.people import scope
from anlan.kernel.people.models import Person
from anlan.kernel.worlds.models import World
from anlan.sensing.models import Reader
from bench.city import post
from tests.kernel import city as places
from tests.kernel.gateway import SECRET, Server
from tests.kernel.servers import Mail

from . import town as towns

PAGE = "/keepers/gateways/"


@pytest.fixture(autouse=True)
def site(settings):
    settings.DEMO, settings.TOTP = False, "optional"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def town(site, db):
    return towns.build()


@pytest.fixture
def server():
    server = Server()
    yield server
    server.stop()


def signed_in(town, name="system_keeper"):
    client = Client(raise_request_exception=False)
    client.force_login(town.user(name), backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def keeper(town):
    return signed_in(town)


def form(server, **more):
    return {
        "name": "voice", "title": "语音网关", "channel": "voice", "carrier": "http", "address": server.address,
        "account": "", "secret": SECRET, "area": "青岛市", "site": "", **more,
    }  # fmt: skip


def added(keeper, server, **more):
    assert keeper.post(f"{PAGE}new/", form(server, **more)).status_code == 302
    return Gateway.everywhere.get(name=more.get("name", "voice"))


def verbs(start):
    return list(Line.everywhere.filter(verb__startswith=start).order_by("pk").values_list("verb", flat=True))


def test_a_gateway_is_added_tried_changed_switched_off_and_on_and_each_act_leaves_a_line(town, keeper, server):
    way = added(keeper, server)
    tried = keeper.post(f"{PAGE}{way.pk}/test/", follow=True).content.decode()
    assert "成功" in tried and server.numbers == {town.people["system_keeper"].phone}
    keeper.post(f"{PAGE}{way.pk}/", form(server, title="市语音网关", secret=""))
    assert keeper.post(f"{PAGE}{way.pk}/test/").status_code == 302 and len(server.calls) == 2 and not server.unsigned
    keeper.post(f"{PAGE}{way.pk}/close/")
    assert keeper.post(f"{PAGE}{way.pk}/close/").status_code == 409
    assert keeper.post(f"{PAGE}{way.pk}/test/").status_code == 409 and len(server.calls) == 2
    keeper.post(f"{PAGE}{way.pk}/restore/")
    way.refresh_from_db()
    assert way.title == "市语音网关" and way.enabled
    told = ["added", "tested", "changed", "tested", "closed", "restored"]
    assert verbs("gateway.") == [f"gateway.{word}" for word in told]


def everything_a_person_can_read(town, way):
    """Pages, sheets, interface and journal, by each keeper and an officer; and the table itself."""
    paths = (PAGE, f"{PAGE}{way.pk}/", "/r/gateway/", f"/r/gateway/{way.pk}/", "/r/gateway/export/", "/api/gateway", f"/api/gateway/{way.pk}",
             "/keepers/audit/", "/r/journal/", "/api/journal", "/r/due/")  # fmt: skip
    for name in ("system_keeper", "security_keeper", "audit_keeper", "duty_officer"):
        client = signed_in(town, name)
        for path in paths:
            response = client.get(path)
            yield b"".join(response.streaming_content) if response.streaming else response.content
    yield repr([list(Gateway.everywhere.values()), list(Line.everywhere.values())]).encode()


def test_a_secret_is_in_no_page_sheet_interface_line_or_table(town, keeper, server):
    way = added(keeper, server)
    keeper.post(f"{PAGE}{way.pk}/test/")
    for text in everything_a_person_can_read(town, way):
        assert (SECRET.encode() not in text and way.sealed.encode() not in text) or text.startswith(b"[[")
    assert SECRET not in way.sealed and way.secret == SECRET
    assert "••••••" in keeper.get(PAGE).content.decode()


def test_what_is_wrong_stands_beside_its_field_and_the_secret_is_not_sent_back(town, keeper, server):
    cases = (
        ({"address": "ftp://x"}, "地址应为"), ({"address": "http://user:pw@host/"}, "不能写用户名"), ({"area": "无此区"}, "没有这个区域"),
        ({"address": "http://h:99999/"}, "地址无法识别"), ({"secret": ""}, "须设密钥"), ({"channel": "mail"}, "只能承载"),
        ({"carrier": "mail", "channel": "mail", "address": "smtp://h"}, "须填发件地址"),
        ({"carrier": "webhook", "channel": "group", "secret": "https://h/else?key=1"}, "完整地址"),
    )  # fmt: skip
    for wrong, words in cases:
        page = keeper.post(f"{PAGE}new/", form(server, **wrong))
        text = page.content.decode()
        assert page.status_code == 400 and words in text and "语音网关" in text, wrong
        assert SECRET not in text and "key=1" not in text
    assert not Gateway.everywhere.exists() and not verbs("gateway.")


def test_a_robots_whole_address_is_its_secret_and_only_the_host_is_shown(town, keeper, server):
    robot = f"http://127.0.0.1:{server.server_port}/cgi-bin/webhook/send?key=robot-key-77"
    way = added(keeper, server, name="group", channel="group", carrier="webhook", address="", secret=robot)
    assert way.address == f"http://127.0.0.1:{server.server_port}"
    failed = keeper.post(f"{PAGE}{way.pk}/test/", follow=True).content.decode()
    assert "失败" in failed
    for text in everything_a_person_can_read(town, way):
        assert b"robot-key-77" not in text


def test_a_new_secret_is_typed_or_made_and_shown_once(town, keeper, server):
    way = added(keeper, server)
    keeper.post(f"{PAGE}{way.pk}/rotate/", {"secret": "typed by hand"})
    assert Gateway.everywhere.get().secret == "typed by hand"
    page = keeper.post(f"{PAGE}{way.pk}/rotate/", {"secret": ""}).content.decode()
    made = re.search(r"签名密钥 <code>([^<]+)</code>", page)[1]
    assert Gateway.everywhere.get().secret == made and made not in keeper.get(PAGE).content.decode()
    assert "我方签名" in keeper.post(f"{PAGE}{way.pk}/test/", follow=True).content.decode()
    assert not beats.health()["beats"]["gateway:voice"]["ok"]
    assert made not in repr(list(Line.everywhere.values()))


def test_a_secret_is_not_carried_to_another_server(town, keeper, server):
    way, elsewhere = added(keeper, server), {"address": "http://127.0.0.1:9/"}
    refused = keeper.post(f"{PAGE}{way.pk}/", form(server, secret="", **elsewhere))
    assert refused.status_code == 400 and "重新录入密钥" in refused.content.decode()
    assert Gateway.everywhere.get().address == server.address
    assert keeper.post(f"{PAGE}{way.pk}/", form(server, **elsewhere)).status_code == 302


def test_a_lost_key_is_said_and_mended_by_entering_the_secret_anew(town, keeper, server, settings):
    way = added(keeper, server)
    settings.SECRET_KEY = "another data folder"
    keeper = signed_in(town)
    assert "重新录入" in keeper.post(f"{PAGE}{way.pk}/test/", follow=True).content.decode() and not server.posts
    assert keeper.get(PAGE).status_code == 200
    assert Client().post("/gateway/voice/", b"{}", content_type="application/json").status_code == 403
    keeper.post(f"{PAGE}{way.pk}/rotate/", {"secret": SECRET})
    assert "成功" in keeper.post(f"{PAGE}{way.pk}/test/", follow=True).content.decode()


def test_a_test_goes_to_the_keeper_alone(town, keeper, server):
    way = added(keeper, server, channel="sms")
    Person.everywhere.filter(pk=town.people["system_keeper"].pk).update(phone="")
    refused = keeper.post(f"{PAGE}{way.pk}/test/", {"to": "13900000000"})
    assert refused.status_code == 409 and "没有登记手机" in refused.content.decode()
    loud = added(keeper, server, name="loud", channel="loudspeaker")
    assert keeper.post(f"{PAGE}{loud.pk}/test/").status_code == 409 and not server.posts


def test_a_keeper_enters_a_mailbox_and_writes_to_it(town, keeper, server):
    post_office = Mail()
    given = {"channel": "mail", "carrier": "mail", "address": post_office.address, "account": "duty@example.org", "secret": ""}
    way = added(keeper, server, name="mail", **given)
    assert "没有登记邮箱" in keeper.post(f"{PAGE}{way.pk}/test/").content.decode()
    mine = f"/keepers/accounts/{town.people['system_keeper'].pk}/mailbox/"
    assert keeper.post(mine, {"email": "not a mailbox"}).status_code == 409
    assert keeper.post(mine, {"email": "keeper@example.org"}).status_code == 302
    assert "成功" in keeper.post(f"{PAGE}{way.pk}/test/", follow=True).content.decode()
    post_office.stop()
    assert [to for _, to, _ in post_office.box.taken] == ["keeper@example.org"]
    assert "不通:拒绝连接" in keeper.post(f"{PAGE}{way.pk}/test/", follow=True).content.decode()
    assert verbs("account.mailbox") == ["account.mailbox"]


def test_a_gateway_that_is_switched_off_carries_nothing_that_was_waiting(town, keeper, server):
    way = added(keeper, server)
    places.post("值班", "district_duty", "district", places.LAOSHAN, [town.people["district_duty"]])
    server.down = True
    with scope.everyone(town.world):
        acts.do_call("叫应", "请应答。", level=2, roles=("district_duty",), areas=[places.LAOSHAN])
    loop.drain(town.world)
    assert not beats.health()["beats"]["gateway:voice"]["ok"]
    keeper.post(f"{PAGE}{way.pk}/close/")
    assert "gateway:voice" not in beats.health()["beats"]
    server.down = False
    with clock.travelled(sending.STILL):
        loop.drain(World.objects.get(pk=town.world.pk))
    assert not server.calls
    assert Attempt.everywhere.get(channel="voice", rung=0).reason == "网关已停用,未外发"


def test_only_the_system_keeper_in_the_real_city_handles_gateways(town, keeper, server):
    way = added(keeper, server)
    for name in ("security_keeper", "audit_keeper", "duty_officer", "leader"):
        other = signed_in(town, name)
        for path in (PAGE, f"{PAGE}new/", f"{PAGE}{way.pk}/"):
            assert other.get(path).status_code == 403, (name, path)
        for path in (f"{PAGE}{way.pk}/close/", f"{PAGE}{way.pk}/rotate/", "/keepers/senders/new/"):
            assert other.post(path, {"name": "xx"}).status_code == 403, (name, path)
    inside = keeper.post(f"/w/{town.replay.pk}{PAGE}{way.pk}/close/")
    assert inside.status_code == 409 and "回到实战" in inside.content.decode()
    assert Gateway.everywhere.get().enabled


# senders of readings


def test_a_senders_token_is_shown_once_changed_and_closed(city_server):
    batch = {"readings": []}

    def taken(client, token):
        return client.post("/ingest/", json=batch, headers={"Authorization": f"Bearer {token}"}).status_code

    with city_server.visitor("system_keeper") as keeper:
        page = post(keeper, "/keepers/senders/new/", {"name": "水文遥测"}).text
        first = re.search(r"令牌 <code>([^<]+)</code>", page)[1]
        pk = re.search(r"/keepers/senders/(\d+)/rotate/", page)[1]
        assert taken(keeper, first) == 200 and first not in keeper.get(PAGE).text
        page = post(keeper, f"/keepers/senders/{pk}/rotate/", {}).text
        second = re.search(r"令牌 <code>([^<]+)</code>", page)[1]
        assert (taken(keeper, first), taken(keeper, second)) == (401, 200)
        post(keeper, f"/keepers/senders/{pk}/close/", {})
        assert taken(keeper, second) == 401
        post(keeper, f"/keepers/senders/{pk}/restore/", {})
        assert taken(keeper, second) == 200
        assert post(keeper, "/keepers/senders/new/", {"name": "水文遥测"}).status_code == 409
    told = city_server.city.ask("select verb, text, before, after from journal_line where verb like 'sender.%' order by id")
    assert [line[0] for line in told] == ["sender.added", "sender.rotated", "sender.closed", "sender.restored"]
    kept = repr(city_server.city.ask("select * from sensing_gateway")) + repr(told)
    assert first not in kept and second not in kept


# machines that read


def reading(keeper, **more):
    return keeper.post("/keepers/readers/new/", {"name": "水务平台", "account": "district_duty", "area": "崂山区", **more})


def status(token):
    return Client(headers={"Authorization": f"Bearer {token}"}).get("/sta/v1.1/Things").status_code


def test_a_readers_token_is_shown_once_changed_and_closed(town, keeper):
    page = reading(keeper).content.decode()
    first = re.search(r"令牌 <code>([^<]+)</code>", page)[1]
    pk = re.search(r"/keepers/readers/(\d+)/rotate/", page)[1]
    assert status(first) == 200
    later = keeper.get(PAGE).content.decode()
    assert first not in later and "水务平台" in later and "district_duty" in later and "崂山区" in later
    second = re.search(r"令牌 <code>([^<]+)</code>", keeper.post(f"/keepers/readers/{pk}/rotate/").content.decode())[1]
    assert (status(first), status(second)) == (401, 200)
    assert keeper.post(f"/keepers/readers/{pk}/close/").status_code == 302 and status(second) == 401
    assert keeper.post(f"/keepers/readers/{pk}/close/").status_code == 409
    assert keeper.post(f"/keepers/readers/{pk}/restore/").status_code == 302 and status(second) == 200
    assert keeper.post(f"/keepers/readers/{pk}/other/").status_code == 404
    lines = Line.everywhere.filter(verb__startswith="reader.").order_by("pk")
    assert [line.verb for line in lines] == ["reader.added", "reader.rotated", "reader.closed", "reader.restored"]
    assert lines[0].text == "新增读取方 水务平台,所属district_duty,限崂山区" and lines[0].after["area_id"] == places.LAOSHAN
    kept = repr([list(Reader.objects.values()), list(lines.values())])
    assert first not in kept and second not in kept and Reader.digest(second) in kept


WRONG_READERS = (
    ({"account": "nobody"}, "没有“nobody”"), ({"account": ""}, "启用中的用户名"), ({"area": "无此区"}, "没有这个区域"),
    ({"account": "audit_keeper"}, "没有查看监测数据"), ({"area": "即墨区"}, "没有查看监测数据"), ({"account": "system_keeper"}, "不能给自己"),
    ({"name": "x"}, "2 到 40"),
)  # fmt: skip


@pytest.mark.parametrize(("wrong", "words"), WRONG_READERS)
def test_a_reader_needs_an_account_that_sees_something_there(town, keeper, wrong, words):
    refused = reading(keeper, **wrong)
    assert refused.status_code == 409 and words in refused.content.decode()
    assert not Reader.objects.exists() and not verbs("reader.")


def test_a_closed_account_lends_nothing_and_one_name_is_given_once(town, keeper):
    assert reading(keeper).status_code == 200 and "已有名为 水务平台" in reading(keeper).content.decode()
    town.user("duty_officer").__class__.objects.filter(username="duty_officer").update(is_active=False)
    assert "没有“duty_officer”" in reading(keeper, name="另一个", account="duty_officer").content.decode()


def test_only_the_system_keeper_handles_readers_and_all_three_keepers_see_them(town, keeper):
    reading(keeper)
    pk = Reader.objects.get().pk
    for name in ("security_keeper", "audit_keeper", "duty_officer", "district_duty"):
        other = signed_in(town, name)
        assert reading(other, name="别的").status_code == 403 and other.post(f"/keepers/readers/{pk}/rotate/").status_code == 403
    for name in ("system_keeper", "security_keeper", "audit_keeper"):
        shown = signed_in(town, name).get(f"/r/reader/{pk}/").content.decode()
        assert "水务平台" in shown and Reader.objects.get().token not in shown
    assert signed_in(town, "duty_officer").get("/r/reader/").status_code in (403, 404)
    assert "回到实战" in keeper.post(f"/w/{town.replay.pk}/keepers/readers/{pk}/close/").content.decode()
