"""An encrypted line with certificates of one's own: what is wrong with their files or with the line, in words."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from django.utils import timezone

from anlan.kernel.carriers import wire
from anlan.kernel.clock import real

UNTRUSTED = (18, 19, 20, 21)
"""OpenSSL's numbers for a chain that leads to nobody who is trusted."""
EXPIRED, ELSEWHERE = 10, (62, 64)
TURNED_AWAY = ("BAD_CERTIFICATE", "UNKNOWN_CA", "CERTIFICATE_EXPIRED", "CERTIFICATE_REVOKED", "CERTIFICATE_UNKNOWN", "UNSUPPORTED_CERTIFICATE")


AHEAD = timedelta(days=30)
"""So long before its end a certificate of ours is named on the health page."""


class Unfit(ValueError):
    """A file that cannot be used, by name and reason."""


@dataclass(frozen=True)
class Files:
    """Whom we trust, and who we are; empty names mean the system's list of authorities, and nobody."""

    ca: str = ""
    certificate: str = ""
    key: str = ""
    """May stand in the certificate's own file."""

    def stamp(self) -> tuple[int, ...]:
        """Changes when one of them is replaced, taken away or put there."""
        return tuple(_written(Path(name)) for name in (self.ca, self.certificate, self.key) if name)

    def context(self) -> ssl.SSLContext:
        """What an encrypted line is made with; raises Unfit."""
        found = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self.ca:
            _current(_certificates("CA 文件", self.ca), "CA 文件", self.ca)
            found.load_verify_locations(self.ca)
        else:
            found.load_default_certs()
        if self.certificate:
            self._check_own()
            try:
                found.load_cert_chain(self.certificate, self.key or None)
            except ssl.SSLError as no:
                raise Unfit(f"客户端证书 {self.certificate} 不能使用:{no.reason}") from no
        elif self.key:
            raise Unfit(f"有私钥 {self.key} 而没有客户端证书")
        return found

    def soon(self) -> str:
        """What to see to before it is too late: our own certificate ends within a month. Empty when nothing, or nothing can be read."""
        try:
            last = _certificates("客户端证书", self.certificate)[0].not_valid_after_utc if self.certificate else None
        except Unfit:
            return ""
        if last is None or last - real() > AHEAD:
            return ""
        day = f"{timezone.localtime(last):%Y年%m月%d日}"
        told = f"将于 {day} 到期,请在此前更换" if last > real() else f"已于 {day} 到期,请更换"
        return f"客户端证书{told}:{self.certificate}"

    def _check_own(self) -> None:
        own = _certificates("客户端证书", self.certificate)[:1]
        _current(own, "客户端证书", self.certificate)
        name = self.key or self.certificate
        if _public(_key(name)) != own[0].public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo):
            raise Unfit(f"私钥 {name} 与客户端证书 {self.certificate} 不是一对")

    def why(self, fault: BaseException | None) -> str:
        """A line that broke or was not to be had, in words."""
        if isinstance(fault, ssl.SSLCertVerificationError):
            return self._distrusted(fault)
        reason = (fault.reason or "") if isinstance(fault, ssl.SSLError) else ""
        if "CERTIFICATE_REQUIRED" in reason or (not self.certificate and reason.endswith(TURNED_AWAY)):
            return "服务器要求客户端证书,请登记客户端证书和私钥"
        if reason.endswith(TURNED_AWAY):
            return f"服务器不接受客户端证书 {self.certificate}"
        if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
            return "对方端口没有加密,请核对 mqtts:// 和端口"
        if isinstance(fault, ConnectionResetError | ssl.SSLEOFError):
            return "连接被对方中断;如一直如此,请核对该端口是否加密"
        return wire.why(fault) if fault else "连接失败"

    def _distrusted(self, fault: ssl.SSLCertVerificationError) -> str:
        if fault.verify_code in UNTRUSTED:
            return f"服务器的证书不是{f'由 CA 文件 {self.ca} 里的机构' if self.ca else '由本机信任的机构'}签发的"
        if fault.verify_code == EXPIRED:
            return "服务器的证书已过期"
        if fault.verify_code in ELSEWHERE:
            return "服务器的证书不是发给这个地址的"
        return f"服务器的证书不可信({fault.verify_message})"


def _written(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _read(what: str, name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except FileNotFoundError as no:
        raise Unfit(f"{what} {name} 不存在") from no
    except PermissionError as no:
        raise Unfit(f"没有权限读取{what} {name}") from no
    except IsADirectoryError as no:
        raise Unfit(f"{what} {name} 是文件夹,不是文件") from no
    except OSError as no:
        raise Unfit(f"{what} {name} 读不出来:{no.strerror}") from no


def _certificates(what: str, name: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(_read(what, name))
    except Unfit:
        raise
    except ValueError as no:
        raise Unfit(f"{what} {name} 里没有 PEM 格式的证书") from no


def _current(found: Iterable[x509.Certificate], what: str, name: str) -> None:
    """At least one of them holds now."""
    moment, spans = real(), [(one.not_valid_before_utc, one.not_valid_after_utc) for one in found]
    if all(last < moment for _, last in spans):
        raise Unfit(f"{what} {name} 已于 {timezone.localtime(max(last for _, last in spans)):%Y年%m月%d日} 过期")
    if all(moment < first for first, _ in spans):
        raise Unfit(f"{what} {name} 自 {timezone.localtime(min(first for first, _ in spans)):%Y年%m月%d日} 起才生效")


def _key(name: str) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(_read("私钥", name), None)
    except TypeError as no:
        raise Unfit(f"私钥 {name} 加了口令,请另存为不加口令的文件") from no
    except Unfit:
        raise
    except (ValueError, UnsupportedAlgorithm) as no:
        raise Unfit(f"{name} 里没有 PEM 格式的私钥") from no


def _public(key: PrivateKeyTypes) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
