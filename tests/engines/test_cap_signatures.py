from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from anlan.engines import cap
from tests.engines.cap_messages import SOUND

signxml = pytest.importorskip("signxml")
signatures = pytest.importorskip("anlan.engines.cap.signatures")

AT = datetime(2022, 9, 14, 9, tzinfo=UTC)
DS = "{http://www.w3.org/2000/09/xmldsig#}"
CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"
INCLUSIVE = signxml.CanonicalizationMethod.CANONICAL_XML_1_0
EXCLUSIVE = signxml.CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0


@cache
def keys(name: str):
    """A private key and its certificate, from the day before AT to the day after."""
    key = ec.generate_private_key(ec.SECP256R1()) if name.startswith("ec") else rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(AT - timedelta(1)).not_valid_after(AT + timedelta(1))
    return key, made.sign(key, hashes.SHA256())


def pem(name: str) -> bytes:
    return keys(name)[1].public_bytes(Encoding.PEM)


def sign(body: str | bytes, name: str = "bureau", c14n=EXCLUSIVE, reference: str = "", **options) -> bytes:
    key, certificate = keys(name)
    method = "ecdsa-sha256" if name.startswith("ec") else "rsa-sha256"
    signer = signxml.XMLSigner(signature_algorithm=method, c14n_algorithm=c14n, **options)
    signer.excise_empty_xmlns_declarations = True
    root = etree.fromstring(body.encode() if isinstance(body, str) else body)
    return etree.tostring(signer.sign(root, key=key, cert=[certificate], reference_uri=reference or None))


def verdict(body: bytes, *names: str, at: datetime = AT):
    return signatures.verify(body, [pem(name) for name in names], at)


def outcome(body: bytes, *names: str, at: datetime = AT) -> str:
    return verdict(body, *names, at=at).outcome


@pytest.mark.parametrize("name", ["bureau", "ec bureau"])
@pytest.mark.parametrize("c14n", [INCLUSIVE, EXCLUSIVE])
def test_a_signature_of_a_trusted_certificate_is_good(name, c14n):
    body = sign(SOUND, name, c14n)
    found = verdict(body, "stranger", name)
    assert (found.outcome, found.signer, found.legacy) == ("good", f"CN={name}", False)
    assert cap.read(found.signed).alerts == cap.read(SOUND).alerts == cap.read(body).alerts
    assert cap.check(body) == ()


def test_what_was_signed_stays_good_in_another_encoding_and_prefix():
    assert outcome(sign(SOUND).decode().encode("utf-16"), "bureau") == "good"
    prefixed = SOUND.replace("</", "</c:").replace("<", "<c:").replace("<c:/c:", "</c:").replace("<c:?", "<?")
    assert outcome(sign(prefixed.replace("xmlns=", 'xmlns:x="urn:x" xmlns:c='), c14n=INCLUSIVE), "bureau") == "good"


def test_a_message_without_a_signature():
    assert outcome(SOUND.encode(), "bureau") == "absent"


def test_a_stranger_s_signature_is_not_trusted_whatever_it_brings_along():
    assert outcome(sign(SOUND, "stranger"), "bureau") == "unknown key"
    assert outcome(sign(SOUND, "stranger")) == "unknown key"
    root = etree.fromstring(sign(SOUND, "stranger"))
    root.find(f"{DS}Signature").remove(root.find(f"{DS}Signature/{DS}KeyInfo"))
    assert outcome(etree.tostring(root), "bureau") == "unknown key"
    assert outcome(etree.tostring(root), "bureau", "stranger") == "good"


def test_a_certificate_is_trusted_only_within_its_dates():
    body = sign(SOUND)
    assert outcome(body, "bureau", at=AT + timedelta(hours=23)) == "good"
    assert outcome(body, "bureau", at=AT + timedelta(days=2)) == "unknown key"
    assert outcome(body, "bureau", at=AT - timedelta(days=2)) == "unknown key"


@pytest.mark.parametrize("trusted", [(), ("bureau",), ("stranger",)])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Moderate", b"Minor"),
        (b"370200000000", b"370100000000"),
        (b"<info>", b"<note>x</note><info>"),
        (b"  <info>", b"<info>"),
    ],
)
def test_a_message_altered_after_signing_is_bad(old, new, trusted):
    body = sign(SOUND)
    assert old in body and outcome(body.replace(old, new, 1), *trusted) == "bad"


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(SOUND) - 200), st.sampled_from("9Zx文"))
def test_no_changed_letter_stays_good(at, letter):
    body = sign(SOUND).decode()
    changed = body[:at] + letter + body[at + 1 :]
    same = cap.read(changed).alerts == cap.read(body).alerts
    assert same or outcome(changed.encode(), "bureau") != "good"


def test_a_comment_does_not_change_what_is_read():
    commented = sign(SOUND).replace("台风".encode(), "台<!-- no -->风".encode(), 1)
    found = verdict(commented, "bureau")
    assert found.outcome == "good"
    assert cap.read(found.signed).alerts == cap.read(commented).alerts == cap.read(SOUND).alerts


def test_an_altered_message_without_a_key_names_who_signed_it():
    root = etree.fromstring(sign(SOUND).replace(b"Moderate", b"Minor"))
    root.find(f"{DS}Signature").remove(root.find(f"{DS}Signature/{DS}KeyInfo"))
    found = verdict(etree.tostring(root), "bureau")
    assert (found.outcome, found.signer, found.signed) == ("bad", "CN=bureau", b"")


def test_a_broken_value_is_bad():
    root = etree.fromstring(sign(SOUND))
    value = root.find(f"{DS}Signature/{DS}SignatureValue")
    value.text = ("B" if value.text[0] == "A" else "A") + value.text[1:]
    assert outcome(etree.tostring(root), "bureau") == "bad"


# ── wrapping ────────────────────────────────────────────────────────────────────────────────────────────────


def evil() -> etree._Element:
    return etree.fromstring(SOUND.replace("Moderate", "Extreme").encode())


def test_a_signature_moved_to_another_message_is_bad():
    root = evil()
    root.append(etree.fromstring(sign(SOUND)).find(f"{DS}Signature"))
    assert outcome(etree.tostring(root), "bureau") == "bad"


def test_a_signed_message_wrapped_in_another_is_not_good():
    signed = etree.fromstring(sign(SOUND))
    for holder in ("info", "note", f"{DS}Object"):
        root = evil()
        etree.SubElement(root, holder if holder.startswith("{") else CAP + holder).append(signed)
        assert outcome(etree.tostring(root), "bureau") == "unsupported"
        assert cap.read(etree.tostring(root)).alerts[0].infos[0].severity == "Extreme"


def test_a_reference_to_a_part_is_not_good():
    part = etree.fromstring(SOUND.encode())
    part.set("Id", "part")
    signed = etree.fromstring(sign(etree.tostring(part), reference="#part"))
    assert outcome(etree.tostring(signed), "bureau") == "unsupported"
    signature = signed.find(f"{DS}Signature")
    root = evil()
    root.append(signature)
    etree.SubElement(signature, f"{DS}Object").append(part)
    assert outcome(etree.tostring(root), "bureau") == "unsupported"


def test_a_message_inside_its_own_signature_is_not_read():
    root = etree.fromstring(sign(SOUND))
    etree.SubElement(root.find(f"{DS}Signature"), f"{DS}Object").append(evil())
    assert cap.read(etree.tostring(root)).alerts == cap.read(SOUND).alerts


def test_an_envelope_around_a_signed_message_is_not_judged():
    body = b"<feed>" + sign(SOUND) + b"</feed>"
    assert outcome(body, "bureau") == "unsupported"


@pytest.mark.parametrize(
    ("path", "name", "told"),
    [
        ("SignedInfo/Reference/Transforms/Transform", "http://www.w3.org/TR/1999/REC-xpath-19991116", "unsupported"),
        ("SignedInfo/Reference/Transforms/Transform", "http://www.w3.org/TR/1999/REC-xslt-19991116", "unsupported"),
        ("SignedInfo/SignatureMethod", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", "unsupported"),
        ("SignedInfo/SignatureMethod", "urn:none", "unsupported"),
        ("SignedInfo/CanonicalizationMethod", "urn:none", "unsupported"),
        ("SignedInfo/Reference/DigestMethod", "urn:none", "bad"),
    ],
)
def test_other_algorithms_are_not_good(path, name, told):
    root = etree.fromstring(sign(SOUND))
    root.find("/".join(DS + step for step in ["Signature", *path.split("/")])).set("Algorithm", name)
    assert outcome(etree.tostring(root), "bureau") == told


def test_a_further_transform_is_unsupported():
    root = etree.fromstring(sign(SOUND))
    transforms = root.find(f"{DS}Signature/{DS}SignedInfo/{DS}Reference/{DS}Transforms")
    etree.SubElement(transforms, f"{DS}Transform", Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116")
    assert outcome(etree.tostring(root), "bureau") == "unsupported"


def test_a_second_reference_or_many_signatures_are_unsupported():
    root = etree.fromstring(sign(SOUND))
    info = root.find(f"{DS}Signature/{DS}SignedInfo")
    info.append(etree.fromstring(etree.tostring(info.find(f"{DS}Reference"))))
    assert outcome(etree.tostring(root), "bureau") == "unsupported"
    crowd = etree.fromstring(SOUND.encode())
    for _ in range(5):
        etree.SubElement(crowd, f"{DS}Signature")
    assert outcome(etree.tostring(crowd), "bureau") == "unsupported"


# ── two signatures ──────────────────────────────────────────────────────────────────────────────────────────


def joined(*bodies: bytes) -> bytes:
    """One message with the signatures of all of them, each made without the others."""
    root = etree.fromstring(bodies[0])
    for other in bodies[1:]:
        root.append(etree.fromstring(other).find(f"{DS}Signature"))
    return etree.tostring(root)


def test_two_signatures_side_by_side():
    body = joined(sign(SOUND), sign(SOUND, "ec province"))
    both = signatures.each(body, [pem("bureau"), pem("ec province")], AT)
    assert [v.outcome for v in both] == ["good", "good"]
    assert [v.signer for v in both] == ["CN=bureau", "CN=ec province"]
    assert [v.outcome for v in signatures.each(body, [pem("ec province")], AT)] == ["unknown key", "good"]
    assert outcome(body, "ec province") == "good"
    assert outcome(body.replace(b"Moderate", b"Minor"), "bureau", "ec province") == "bad"


def test_blanks_around_the_other_signature_count():
    first = sign(SOUND)
    other = etree.tostring(etree.fromstring(sign(SOUND, "ec province")).find(f"{DS}Signature"), with_tail=False)
    for place in (b"</info>", b"</references>"):
        body = first.replace(place, place + other, 1)
        assert [v.outcome for v in signatures.each(body, [pem("bureau")], AT)] == ["unknown key", "good"]


def test_a_signature_over_another_one():
    body = sign(sign(SOUND), "ec province")
    trusted = [pem("bureau"), pem("ec province")]
    assert [v.outcome for v in signatures.each(body, trusted, AT)] == ["good", "good"]
    altered = body.replace(b"Moderate", b"Minor")
    assert [v.outcome for v in signatures.each(altered, trusted, AT)] == ["bad", "bad"]


def test_a_stranger_s_broken_signature_takes_nothing_from_a_trusted_one():
    broken = sign(SOUND.replace("Moderate", "Minor"), "stranger")
    body = joined(sign(SOUND), broken)
    assert [v.outcome for v in signatures.each(body, [pem("bureau")], AT)] == ["good", "bad"]
    assert outcome(body, "bureau") == "good" and outcome(body) == "bad"


# ── never raises ────────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 5000), st.integers(0, 60), st.text("<>/=\"'ABCab+ \x00", max_size=6))
def test_damage_is_a_verdict(at, length, text):
    body = sign(SOUND).decode()
    at = body.index("<ds:Signature") + at % 3000
    found = signatures.verify(body[:at] + text + body[at + length :], [pem("bureau")], AT)
    assert found.outcome in ("good", "bad", "unknown key", "unsupported", "absent")
    if found.outcome == "good":
        assert cap.read(found.signed).alerts == cap.read(SOUND).alerts


def test_what_is_no_message_is_unsupported():
    for body in (b"", b"<!DOCTYPE a><a/>", b"\xff\xff"):
        assert outcome(body) == "unsupported"


def test_a_trusted_certificate_must_be_one():
    with pytest.raises(ValueError):
        signatures.verify(sign(SOUND), [b"no certificate"], AT)


def test_a_verdict_is_plain_data():
    assert replace(signatures.Verdict("good"), why="x").why == "x"
