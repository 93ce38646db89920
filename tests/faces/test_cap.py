"""Warnings go out as messages that anybody may read, and come in by a gateway's token or by hand; nothing that came is lost."""

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings as house
from django.test import Client
from lxml import etree

from anlan.engines import cap, capid
from anlan.engines.cap import china
from anlan.engines.cap import feed as atom
from anlan.faces import gate
from anlan.kernel import clock
from anlan.kernel.journal import read
from anlan.kernel.people import scope
from anlan.kernel.worlds.models import World
from anlan.sensing import acts, messages
from anlan.sensing.models import Gateway, Message, Warning
from tests.kernel import city

ATOM = "{http://www.w3.org/2005/Atom}"
CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"


@pytest.fixture
def world(db, settings, tmp_path):
    settings.TOTP, settings.HOME = "optional", tmp_path
    gate.forget()
    world = city.build()
    Gateway.objects.create(name="省突发", token=hashlib.sha256(b"token").hexdigest())
    with scope.everyone(world):
        yield world


@pytest.fixture
def officer(world):
    client = Client()
    client.force_login(city.person("值班", "duty_officer", user="duty").user)
    return client


def made(kind="Alert", ago=10, references=(), event="暴雨", severity="Severe", area=city.LAOSHAN, name="崂山区", status="Actual", serial=0, **said):
    """A message of the province's platform, sent some minutes ago."""
    at = (clock.now() - timedelta(minutes=ago)).replace(microsecond=0)
    info = cap.Info(categories=("Met",), event=event, severity=severity, sender_name="崂山区气象台", description="注意防范", **said)
    key = capid.Identifier("370212", capid.WEATHER, at, serial)
    return china.compose(key, info, [(area, name)], tuple(a.key for a in references), kind, status)


def sent(*alerts, token="token", body=None):
    body = body if body is not None else cap.write(alerts[0])
    return Client().post("/cap/", body, content_type="application/cap+xml", headers={"Authorization": f"Bearer {token}"})


def only(answer):
    assert answer.status_code == 200, answer.content.decode()
    (one,) = answer.json()["messages"]
    return one


# ── in ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_alert_becomes_a_signal_an_update_replaces_it_and_a_cancel_lifts_it(world):
    first = made()
    assert only(sent(first))["fate"] == "taken"
    warning = Warning.objects.get()
    assert (warning.hazard, warning.colour, warning.area_id, warning.issuer) == ("暴雨", "orange", city.LAOSHAN, "崂山区气象台")
    assert warning.identifier == first.identifier and warning.issued_at == first.sent
    second = made("Update", 5, (first,), severity="Extreme")
    assert only(sent(second))["fate"] == "taken"
    warning.refresh_from_db()
    now = Warning.objects.get(state="active")
    assert warning.state == "replaced" and (now.colour, now.previous) == ("red", warning)
    third = made("Cancel", 1, (second,))
    assert only(sent(third))["fate"] == "taken"
    now.refresh_from_db()
    assert (now.state, now.ending) == ("lifted", third.identifier)
    assert [line.verb for line in read.lines().filter(verb__startswith="warning.").order_by("id")] == ["warning.issued", "warning.issued", "warning.lifted"]


KEPT = [
    ({"status": "Exercise"}, "不是实况"), ({"area": "110000000000", "name": "北京市"}, "没有本市"), ({"severity": "Unknown"}, "读不出"),
    ({"event": "很长很长很长很长很长很长的灾种"}, "过长"), ({"ago": -5}, "晚于当前"), ({"kind": "Cancel"}, "没有写明"),
]  # fmt: skip


@pytest.mark.parametrize(("told", "why"), KEPT, ids=range(len(KEPT)))
def test_what_is_not_for_this_city_or_cannot_be_read_is_kept_and_says_why(world, told, why):
    found = only(sent(made(**told)))
    assert found["fate"] == "kept" and why in found["why"] and not Warning.objects.exists()
    assert bytes(Message.objects.get().body).startswith(b"<?xml")


def test_the_same_message_twice_and_one_that_is_older_change_nothing(world):
    old, new = made(ago=20), made(ago=5, severity="Moderate", serial=1)
    assert only(sent(new))["fate"] == "taken"
    assert "此前已收到" in only(sent(new))["why"] and "已有更新的" in only(sent(old))["why"]
    assert Warning.objects.get().colour == "yellow" and Message.objects.count() == 3


def test_a_warning_for_the_whole_province_is_the_citys_and_for_two_towns_their_districts(world):
    assert only(sent(made(area="370000000000", name="山东省")))["fate"] == "taken" and Warning.objects.get().area_id == scope.ROOT
    two = made(event="大风", serial=1)
    info = replace(two.infos[0], areas=(*china.compose(capid.parse(two.identifier), two.infos[0], [(city.SHAZIKOU, "沙子口街道")]).infos[0].areas,))
    assert only(sent(replace(two, infos=(info,))))["fate"] == "taken"
    assert Warning.objects.get(hazard="大风").area_id == city.LAOSHAN


@pytest.mark.parametrize("body", [b"", b"\x00\xff", b"<alert", b"<html/>", b"{}", "预警".encode(), b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"])
def test_what_is_no_message_is_kept_as_a_fault(world, body):
    answer = sent(body=body)
    assert answer.status_code == 422 and answer.json()["messages"][0]["why"]
    assert bytes(Message.objects.get().body) == body and Message.objects.get().fate == "faulty"


def test_who_has_no_token_sends_nothing(world):
    assert sent(made(), token="other").status_code == 401 and not Message.objects.exists()
    Gateway.objects.update(enabled=False)
    assert sent(made()).status_code == 401 and Client().get("/cap/").status_code == 405


def test_a_message_whose_signature_does_not_fit_is_no_signal(world):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from signxml import XMLSigner, methods

    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "试验台")])
    day = timedelta(days=1)
    paper = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    paper = paper.not_valid_before(clock.now() - day).not_valid_after(clock.now() + day).sign(key, hashes.SHA256())
    pem = paper.public_bytes(serialization.Encoding.PEM)
    signed = etree.tostring(XMLSigner(method=methods.enveloped).sign(etree.fromstring(cap.write(made())), key=key, cert=pem.decode()))
    folder = house.HOME / "cap" / "trusted"
    folder.mkdir(parents=True)
    (folder / "one.pem").write_bytes(pem)
    found = only(sent(body=signed))
    assert found["fate"] == "taken", found
    assert "签名有效" in Message.objects.get().signature
    forged = signed
    for how in ("strict", "xmlcharrefreplace"):
        coding = "utf-8" if how == "strict" else "ascii"
        forged = forged.replace("注意防范".encode(coding, how), "无须防范".encode(coding, how))
    assert forged != signed
    assert "签名不符" in only(sent(body=forged))["why"]
    (folder / "two.pem").write_bytes(b"no certificate")
    assert only(sent(made(event="大雾", serial=1)))["fate"] == "taken"


def test_a_message_is_pasted_or_uploaded_at_the_desk(officer):
    told = officer.post("/desk/signals/take/", {"message": cap.write(made()).decode(), "source": "传真"}, follow=True).content.decode()
    assert "已采用" in told and Warning.objects.get().source.startswith("传真") and Message.objects.get().source == "传真(值班)"
    assert "请选择文件" in officer.post("/desk/signals/take/", {"message": " "}, follow=True).content.decode()
    assert "不能采用" in officer.post("/desk/signals/take/", {"message": "<alert"}, follow=True).content.decode()
    assert "读不懂" not in officer.get("/r/message/").content.decode() and officer.get("/r/message/").content.decode().count("/r/message/") > 2
    assert "导入预警报文" in officer.get("/desk/signals/new/").content.decode()


# ── out ─────────────────────────────────────────────────────────────────────────────────────────────────────


def issued(colour="orange", ago=30, **more):
    at = (clock.now() - timedelta(minutes=ago)).replace(microsecond=0)
    return acts.do_issue("台风", colour, issuer="青岛市气象台", text="青岛市气象台发布台风预警", at=at, **more)


def test_what_is_issued_stands_in_the_public_feed_with_its_updates_and_its_end(world):
    first = issued()
    second = issued("red", 20)
    acts.do_lift(second, at=clock.now())
    answer = Client().get("/cap/feed.atom")
    assert answer.status_code == 200 and answer["Content-Type"].startswith("application/atom+xml")
    alerts = cap.read(answer.content).alerts
    assert [(a.msg_type, a.infos[0].severity) for a in alerts] == [("Cancel", "Extreme"), ("Update", "Extreme"), ("Alert", "Severe")]
    assert alerts[1].references == (alerts[2].key,) and alerts[0].references == (alerts[1].key,)
    assert alerts[2].identifier == first.identifier and len(first.identifier) == 31
    for entry in etree.fromstring(answer.content).findall(f"{ATOM}entry"):
        body = Client().get(entry.find(f"{ATOM}link").get("href").removeprefix("http://testserver")).content
        assert cap.check(body) == () and china.faults(cap.read(body).alerts[0]) == ()


def test_an_old_signal_leaves_the_feed_and_keeps_its_address(world):
    old = issued(ago=60 * 24 * 9)
    acts.do_lift(old, at=clock.now() - timedelta(days=8))
    assert not cap.read(Client().get("/cap/feed.atom").content).alerts
    assert cap.read(Client().get(f"/cap/{old.identifier}.xml").content).alerts[0].identifier == old.identifier
    assert Client().get("/cap/nothing.xml").status_code == 404


def test_a_message_from_elsewhere_is_passed_on_as_it_came(world):
    alert = made()
    sent(alert)
    assert Client().get(f"/cap/{alert.identifier}.xml").content == cap.write(alert)


def test_a_signal_that_was_received_comes_back_out_the_same(world):
    """In one city and out of another: the second feed read by the first changes nothing."""
    first = made()
    sent(first)
    (again,) = cap.read(Client().get("/cap/feed.atom").content).alerts
    assert (again.identifier, again.sent, again.msg_type, again.infos[0].severity) == (first.identifier, first.sent, "Alert", "Severe")
    assert "此前已收到" in only(sent(again))["why"]


# ── by command ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_command_reads_any_file_and_tells_alerts_and_faults(tmp_path):
    path = tmp_path / "one.xml"
    at = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
    info = cap.Info(categories=("Met",), event="暴雨", severity="Severe", headline="暴雨橙色预警")
    path.write_bytes(cap.write(china.compose(capid.Identifier("370212", capid.WEATHER, at), info, [(city.LAOSHAN, "崂山区")])))
    done = subprocess.run([sys.executable, "-m", "anlan.cli", "cap", "parse", str(path), "--json"], capture_output=True, text=True, timeout=60)
    found = json.loads(done.stdout)
    assert found["faults"] == [] and found["alerts"][0]["infos"][0]["headline"] == "暴雨橙色预警"
    path.write_bytes(b"<alert><identifier>x")
    broken = subprocess.run([sys.executable, "-m", "anlan.cli", "cap", "parse", str(path), "--json"], capture_output=True, text=True, timeout=60)
    assert json.loads(broken.stdout)["faults"]


def test_a_message_is_shown_by_its_name(world, capsys):
    from argparse import Namespace

    from anlan.faces import network
    from anlan.kernel.cases import Refused

    warning = issued()
    assert network.cap_(Namespace(action="show", what=warning.identifier)) == 0
    assert cap.read(capsys.readouterr().out.encode()).alerts[0].identifier == warning.identifier
    with pytest.raises(Refused, match="没有编号"):
        network.cap_(Namespace(action="show", what="nothing"))
    assert messages.published("") is None


@pytest.mark.parametrize("kind", ["exercise", "replay"])
def test_what_a_drill_issues_is_for_nobody_outside_it_whatever_stands_in_the_address(world, kind):
    drill = World.objects.create(kind=kind, title="演练", name=kind, speed=1, anchor_real=clock.real(), anchor_world=clock.real())
    with scope.everyone(drill):
        warning = issued()
    assert not cap.read(Client().get("/cap/feed.atom").content).alerts
    for path in ("/cap/", f"/w/{drill.pk}/cap/"):
        assert Client().get(f"{path}{warning.identifier}.xml").status_code == 404
    assert Client().get(f"/w/{drill.pk}/cap/feed.atom").status_code == 404


def test_a_signal_after_one_of_a_foreign_form_stands_alone_and_the_feed_goes_on(world):
    first = made()
    foreign = replace(first, identifier="urn:oid:2.49.0.1.156.0", sender="urn:oid:2.49.0.1.156")
    assert only(sent(foreign))["fate"] == "taken"
    own = acts.do_issue("暴雨", "red", issuer="青岛市气象台", text="加强", area=city.LAOSHAN, at=clock.now().replace(microsecond=0))
    (alert,) = cap.read(Client().get("/cap/feed.atom").content).alerts
    assert (alert.identifier, alert.msg_type, alert.references) == (own.identifier, "Alert", ())


def test_a_message_that_came_among_others_is_passed_on_alone(world):
    two = [made(), made(event="大风", serial=1)]
    bundle = atom.feed([atom.Entry(a, f"http://x/{n}", a.sent) for n, a in enumerate(two)], "x", "http://x/", "x", two[0].sent, whole=True)
    answer = sent(body=bundle)
    assert answer.json()["taken"] == 2
    (alert,) = cap.read(Client().get(f"/cap/{two[1].identifier}.xml").content).alerts
    assert alert == two[1]
