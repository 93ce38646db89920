"""Checks enveloped XML signatures of a CAP message, where it has any, against certificates that one trusts already.

Source: W3C XML Signature Syntax and Processing (second edition), OASIS CAP 1.2, section 3.3.4.1; the cryptography is
signxml's. A key inside a message is never trusted; it only tells a stranger's sound signature from a broken one.

Against wrapping: the message is the root, the signature its child, with one reference that names the whole document
(URI="") and no transform but "enveloped" and canonical XML. So what is signed is always the alert itself, all of it
but signatures. A second signature beside it may have been there when it was signed or not; both are tried.
"""

from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from lxml import etree
from signxml import (
    CanonicalizationMethod,
    DigestAlgorithm,
    SignatureConfiguration,
    SignatureMethod,
    XMLVerifier,
)
from signxml.exceptions import InvalidCertificate, InvalidDigest, InvalidSignature

from anlan.engines.cap import document
from anlan.engines.cap.document import Element, local
from anlan.engines.cap.model import SIGNATURE

ABSENT, GOOD, BAD, UNKNOWN_KEY, UNSUPPORTED = "absent", "good", "bad", "unknown key", "unsupported"
ORDER = (GOOD, BAD, UNKNOWN_KEY, UNSUPPORTED)
MOST = 4
_DS = f"{{{SIGNATURE}}}"
_ENVELOPED = f"{SIGNATURE}enveloped-signature"
_CANONICAL = frozenset(method.value for method in CanonicalizationMethod)
_METHODS = frozenset(m for m in SignatureMethod if m.name.startswith(("RSA_", "ECDSA_", "SHA")))


@dataclass(frozen=True)
class Verdict:
    """The outcome of one signature. `signer` is the subject of the trusted certificate that it holds under.

    `legacy`: it rests on SHA-1, which can be forged. `signed` is the canonical form of what was signed: read that.
    """

    outcome: str
    why: str = ""
    signer: str = ""
    legacy: bool = False
    signed: bytes = b""


def verify(body: bytes | str, trusted: Sequence[bytes], at: datetime, limit: int = document.LIMIT) -> Verdict:
    """The verdict on a message: the best of its signatures, since a stranger's beside a trusted one takes nothing from it.

    A signature that is bad outweighs those that cannot be judged; `absent` is a message without any.

    `trusted` are certificates in PEM, which hold only from and until their dates as of `at` (aware). Never raises for
    any body; raises ValueError for a trusted certificate that is none.
    """
    certificates = [x509.load_pem_x509_certificate(pem) for pem in trusted]
    verdicts = tuple(_each(body, certificates, at, limit))
    return min(verdicts, key=lambda verdict: ORDER.index(verdict.outcome), default=Verdict(ABSENT))


def each(body: bytes | str, trusted: Sequence[bytes], at: datetime, limit: int = document.LIMIT) -> tuple[Verdict, ...]:
    """As `verify`, one verdict for each signature in the order of the document."""
    return tuple(_each(body, [x509.load_pem_x509_certificate(pem) for pem in trusted], at, limit))


def _each(body: bytes | str, trusted: Sequence[x509.Certificate], at: datetime, limit: int) -> Iterator[Verdict]:
    try:
        root = document.tree(body, limit)
    except document.Unreadable as fault:
        yield Verdict(UNSUPPORTED, str(fault))
        return
    found = [node for node in root.iter(f"{_DS}Signature") if not _inside_signature(node)]
    if len(found) > MOST:
        yield Verdict(UNSUPPORTED, f"签名超过{MOST}个")
        return
    for node in found:
        if node.getparent() is not root or local(root) != "alert":
            yield Verdict(UNSUPPORTED, "签名不在预警消息的根元素之下")
        elif why := _odd(node):
            yield Verdict(UNSUPPORTED, why)
        else:
            yield _judge(root, node, trusted, at)


def _inside_signature(node: Element) -> bool:
    return any(above.tag == f"{_DS}Signature" for above in node.iterancestors())


def _odd(signature: Element) -> str:
    """Why a signature is not of the one shape that is checked, in Chinese; "" when it is."""
    infos = signature.findall(f"{_DS}SignedInfo")
    references = [node for info in infos for node in info.iter(f"{_DS}Reference")]
    if len(infos) != 1 or len(references) != 1 or references[0].getparent() is not infos[0]:
        return "应有且只有一个SignedInfo和一个Reference"
    if references[0].get("URI") != "":
        return "签名的对象不是整个消息"
    used = [node.get("Algorithm", "") for node in references[0].iter(f"{_DS}Transform")]
    if used.count(_ENVELOPED) != 1 or not set(used) <= _CANONICAL | {_ENVELOPED}:
        return "变换方法不予支持"
    method = infos[0].find(f"{_DS}SignatureMethod")
    name = "" if method is None else method.get("Algorithm", "")
    return "" if name in {known.value for known in _METHODS} else f"签名算法不予支持：{name[:80]}"


def _judge(root: Element, node: Element, trusted: Sequence[x509.Certificate], at: datetime) -> Verdict:
    number = [child for child in root if child.tag == node.tag].index(node)
    legacy = any("sha1" in used.get("Algorithm", "").lower() for used in node.iter())
    forms = list(_forms(root, number))
    unclear = False
    for certificate in (known for known in trusted if _fits(known, node)):
        outcome, signed = _try(forms, certificate, at)
        if outcome == GOOD:
            return Verdict(GOOD, "", certificate.subject.rfc4514_string(), legacy, signed)
        if outcome == BAD:
            return Verdict(BAD, "消息在签名之后被改动", certificate.subject.rfc4514_string(), legacy)
        unclear |= outcome == UNSUPPORTED
    if unclear:
        return Verdict(UNSUPPORTED, "签名不能核对", "", legacy)
    own = list(_own(node))
    if not own:
        return Verdict(UNKNOWN_KEY, "不属于任何受信任的证书，消息也没有附带证书", "", legacy)
    if any(_try(forms, key, key.not_valid_before_utc if key else at)[0] == GOOD for key in own):
        return Verdict(UNKNOWN_KEY, "签名完好，但不属于任何受信任（且在有效期内）的证书", "", legacy)
    return Verdict(BAD, "签名与消息或所附证书不符", "", legacy)


def _fits(certificate: x509.Certificate, signature: Element) -> bool:
    """Whether a key is of the kind that the signature's method needs: another one says nothing about it."""
    name = signature.find(f"{_DS}SignedInfo/{_DS}SignatureMethod").get("Algorithm", "")
    kind = ec.EllipticCurvePublicKey if "ecdsa" in name else rsa.RSAPublicKey
    return isinstance(certificate.public_key(), kind)


def _forms(root: Element, number: int) -> Iterator[tuple[Element, int]]:
    """The message with all its signatures, and with this one alone; with each the place of this one."""
    yield root, number
    alone = deepcopy(root)
    signatures = [child for child in alone if child.tag == f"{_DS}Signature"]
    if len(signatures) > 1:
        for other in signatures[:number] + signatures[number + 1 :]:
            _cut(other)
        yield alone, 0


def _cut(node: Element) -> None:
    """Takes an element out and leaves the text behind it, for blanks are signed, too."""
    parent, before = node.getparent(), node.getprevious()
    assert parent is not None
    if before is None:
        parent.text = (parent.text or "") + (node.tail or "")
    else:
        before.tail = (before.tail or "") + (node.tail or "")
    parent.remove(node)


def _own(signature: Element) -> Iterator[x509.Certificate | None]:
    """Certificates that the message brings along; None stands for a bare key."""
    for node in signature.iterfind(f"{_DS}KeyInfo/{_DS}X509Data/{_DS}X509Certificate"):
        pem = f"-----BEGIN CERTIFICATE-----\n{(node.text or '').strip()}\n-----END CERTIFICATE-----\n"
        try:
            yield x509.load_pem_x509_certificate(pem.encode())
        except ValueError:
            continue
    if (
        signature.find(f"{_DS}KeyInfo/{_DS}KeyValue") is not None
        and signature.find(f"{_DS}KeyInfo/{_DS}X509Data") is None
    ):
        yield None


def _try(forms: Iterable[tuple[Element, int]], key: x509.Certificate | None, at: datetime) -> tuple[str, bytes]:
    """Good with what was signed; bad when the key signed something else; "" when it did not sign."""
    outcome = ""
    for root, number in forms:
        try:
            found: Any = _Nth(number).verify(root, x509_cert=key, validate_schema=False, expect_config=_config(key, at))
            return GOOD, found.signed_data
        except InvalidDigest:
            outcome = BAD
        except (InvalidSignature, InvalidCertificate):
            continue
        except Exception:  # whatever else a hostile signature provokes in a library is no verdict
            return UNSUPPORTED, b""
    return outcome, b""


def _config(key: x509.Certificate | None, at: datetime) -> SignatureConfiguration:
    return SignatureConfiguration(
        require_x509=key is not None,
        location="./",
        signature_methods=_METHODS,
        digest_algorithms=frozenset(DigestAlgorithm),
        ignore_ambiguous_key_info=True,
        verification_time=at,
        default_reference_c14n_method=CanonicalizationMethod.CANONICAL_XML_1_0,
    )


class _Nth(XMLVerifier):
    """Looks at the signature of a number among the children of the root."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def _get_signature(self, root: etree._Element) -> etree._Element:
        return [child for child in root if child.tag == f"{_DS}Signature"][self.number]
