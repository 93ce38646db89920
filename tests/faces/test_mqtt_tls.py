"""MQTT over TLS, with an authority and certificates of one's own, through a real broker that asks for them."""

import os
import shutil
from argparse import Namespace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from anlan.faces import network
from anlan.faces.tls import Files, Unfit
from anlan.kernel.cases import Refused
from anlan.kernel.clock.models import Beat
from anlan.sensing.models import Broker, Gateway
from tests.kernel import city

from . import broker
from .broker import House, Server, added, body, connected, kept, published, told, unpacked, until
from .papers import Authority, pem

world, quick, pytestmark = broker.world, broker.quick, broker.NEEDED


@pytest.fixture
def ca(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def ours(ca):
    certificate, key = ca.issue("ours")
    return {"ca": str(ca.file), "cert": str(certificate), "key": str(key)}


@pytest.fixture
def broker_of(tmp_path, ca):
    """A broker that lets in only whom this authority has given a certificate."""
    begun = []

    def begin(issuer=ca, **how):
        certificate, key = issuer.issue("server", **how)
        folder = tmp_path / "broker"
        folder.mkdir()
        begun.append(Server(folder, f'tls {{ cert_file: "{certificate}", key_file: "{key}", ca_file: "{ca.file}", verify: true }}'))
        return begun[0]

    yield begin
    for one in begun:
        one.stop()
    shutil.rmtree(tmp_path / "broker", ignore_errors=True)


def joined(server, files, **more):
    added(server, address=f"mqtts://127.0.0.1:{server.port}", **files, **more)


def sent(server, files, *bodies):
    published(server, *bodies, context=Files(files["ca"], files["cert"], files["key"]).context())


def test_readings_come_over_a_line_that_both_ends_prove_themselves_on(world, broker_of, ours, quick):
    server = broker_of()
    joined(server, ours)
    house = House()
    try:
        until(connected)
        sent(server, ours, body(1.0, 9), body(2.0, 6))
        until(lambda: kept() >= 2)
        assert unpacked() == [1.0, 2.0] and told() == ""
    finally:
        house.close()


def test_a_certificate_that_ends_within_the_month_is_named_while_the_line_stands(world, broker_of, ca, ours, quick):
    certificate, key = ca.issue("soon", days=20)
    joined(broker_of(), {**ours, "cert": str(certificate), "key": str(key)})
    house = House()
    try:
        until(lambda: connected() and told().startswith("客户端证书将于 ") and told().endswith(f" 到期,请在此前更换:{certificate}"))
        assert Beat.objects.get(name="mqtt:park").good
    finally:
        house.close()
    ended = str(ca.issue("ended", days=-3)[0])
    assert Files(certificate=ended).soon().startswith("客户端证书已于 ") and Files(certificate=ended).soon().endswith(f" 到期,请更换:{ended}")
    assert Files(**{"certificate": ours["cert"]}).soon() == Files().soon() == Files(certificate="none.pem").soon() == ""


def test_a_key_may_stand_in_the_certificates_own_file(ours, tmp_path):
    both = tmp_path / "both.pem"
    both.write_bytes(b"".join(Path(ours[name]).read_bytes() for name in ("cert", "key")))
    assert Files(ours["ca"], str(both)).context().get_ca_certs()


# ── what stands in the way, in words ────────────────────────────────────────────────────────────────────────


def meets(server, files, words):
    """Why there is no line, on the health page."""
    joined(server, files)
    house = House()
    try:
        until(lambda: words in told())
        assert not Beat.objects.get(name="mqtt:park").good and Broker.objects.get().name == "park"
    finally:
        house.close()


def test_a_broker_that_another_authority_vouches_for_is_not_spoken_to(world, broker_of, ours, quick, tmp_path):
    meets(broker_of(Authority(tmp_path, "other")), ours, f"服务器的证书不是由 CA 文件 {ours['ca']} 里的机构签发的")


def test_nor_one_whose_certificate_is_for_another_address(world, broker_of, ours, quick):
    meets(broker_of(host="127.0.0.2"), ours, "服务器的证书不是发给这个地址的")


def test_nor_one_whose_certificate_has_expired(world, broker_of, ours, quick):
    meets(broker_of(since=-9, days=8), ours, "服务器的证书已过期")


def test_without_own_files_the_systems_authorities_count(world, broker_of, ours, quick):
    meets(broker_of(), {"cert": ours["cert"], "key": ours["key"]}, "服务器的证书不是由本机信任的机构签发的")


def test_a_broker_that_wants_a_certificate_says_so(world, broker_of, ours, quick):
    meets(broker_of(), {"ca": ours["ca"]}, "服务器要求客户端证书,请登记客户端证书和私钥")


def test_a_certificate_of_another_authority_is_turned_away(world, broker_of, ours, quick, tmp_path):
    certificate, key = Authority(tmp_path, "other").issue("stranger")
    meets(broker_of(), {"ca": ours["ca"], "cert": str(certificate), "key": str(key)}, f"服务器不接受客户端证书 {certificate}")


def test_a_port_without_encryption_is_named(world, ours, quick, tmp_path):
    server = Server(tmp_path)
    try:
        meets(server, ours, "请核对该端口是否加密")
    finally:
        server.stop()


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────────

UNFIT = {
    "the authority's file is not there": ({"ca": "none.pem"}, "CA 文件 {0}/none.pem 不存在"),
    "or is a folder": ({"ca": "."}, "CA 文件 {0} 是文件夹"),
    "or holds no certificate": ({"ca": "ours.key"}, "CA 文件 {0}/ours.key 里没有 PEM 格式的证书"),
    "or is empty": ({"ca": "empty"}, "CA 文件 {0}/empty 里没有 PEM"),
    "the certificate is not there": ({"cert": "none.pem"}, "客户端证书 {0}/none.pem 不存在"),
    "or has expired": ({"cert": "old.pem", "key": "old.key"}, "客户端证书 {0}/old.pem 已于"),
    "or begins later": ({"cert": "next.pem", "key": "next.key"}, "客户端证书 {0}/next.pem 自"),
    "the key is not there": ({"key": "none.key"}, "私钥 {0}/none.key 不存在"),
    "or is none": ({"key": "ours.pem"}, "{0}/ours.pem 里没有 PEM 格式的私钥"),
    "or is left out": ({"key": ""}, "{0}/ours.pem 里没有 PEM 格式的私钥"),
    "or is locked": ({"key": "locked.key"}, "私钥 {0}/locked.key 加了口令"),
    "or is of another certificate": ({"key": "old.key"}, "私钥 {0}/old.key 与客户端证书 {0}/ours.pem 不是一对"),
    "there is a key for nothing": ({"cert": ""}, "有私钥 {0}/ours.key 而没有客户端证书"),
}


@pytest.mark.parametrize(("wrong", "words"), UNFIT.values(), ids=UNFIT.keys())
def test_files_that_cannot_be_used_are_named_before_anything_is_kept(db, ca, ours, tmp_path, wrong, words):
    ca.issue("old", since=-9, days=8)
    ca.issue("next", since=2)
    (tmp_path / "empty").touch()
    (tmp_path / "locked.key").write_bytes(pem(ec.generate_private_key(ec.SECP256R1()), serialization.BestAvailableEncryption(b"secret")))
    city.build()
    Gateway.objects.create(name="园区", token="d" * 64)
    files = ours | {name: str(tmp_path / file) if file else "" for name, file in wrong.items()}
    given = {"action": "add", "name": "park", "address": "mqtts://127.0.0.1:1", "gateway": "园区", "topic": "#", "format": "json"}
    with pytest.raises(Refused) as refused:
        network.broker(Namespace(**given, **files))
    assert str(refused.value).startswith(words.format(tmp_path)) and not Broker.objects.exists()


def test_a_file_that_may_not_be_read_is_named(ours):
    os.chmod(ours["key"], 0)
    root = os.geteuid() == 0
    try:
        if root:
            os.seteuid(65534)
        with pytest.raises(Unfit, match="没有权限读取"):
            Files(**{"ca": ours["ca"], "certificate": ours["cert"], "key": ours["key"]}).context()
    finally:
        if root:
            os.seteuid(0)


# ── certificates that are exchanged ─────────────────────────────────────────────────────────────────────────


def test_new_certificates_in_old_files_are_taken_up_and_half_of_them_are_not(world, broker_of, ca, ours, quick):
    server = broker_of()
    joined(server, ours)
    house = House()
    try:
        until(connected)
        ca.issue("later")
        os.replace(ca.folder / "later.pem", ours["cert"])
        until(lambda: "不是一对" in told())
        sent(server, ours | {"cert": str(ca.issue("mine")[0]), "key": str(ca.folder / "mine.key")}, body(1.0, 9))
        until(kept)
        assert connected(), "the old line goes on"
        os.replace(ca.folder / "later.key", ours["key"])
        until(lambda: told() == "" and connected())
        sent(server, ours, body(2.0, 6))
        until(lambda: kept() >= 2)
        os.remove(ours["ca"])
        until(lambda: f"CA 文件 {ours['ca']} 不存在" in told())
        assert connected() and unpacked() == [1.0, 2.0]
    finally:
        house.close()
