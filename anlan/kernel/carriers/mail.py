"""E-mail over SMTP. Address: ``smtp://host:port`` or ``smtps://host:port``; the account is sender and log-in name.

With ``smtp://`` the line is encrypted as soon as the server offers it (STARTTLS), and the server's certificate must be
one that this machine trusts. A password is never sent over a line that is not encrypted; a relay that asks for none is
entered with an empty secret.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from contextlib import suppress
from smtplib import SMTP, SMTP_SSL, SMTPException, SMTPResponseException
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.mail.utils import DNS_NAME

from . import Call, Carrier, Down, Later, Rejected, Sent, Unsure, carrier, check_address
from .models import Gateway
from .wire import why

TIMEOUT_S = 8


@carrier
class Mail(Carrier):
    name = "mail"
    label = "邮件服务器"
    channels = ("mail",)

    def check(self, gateway: Gateway) -> None:
        check_address(gateway.address, ("smtp", "smtps"))
        if not re.fullmatch(r"[!-~]+@[!-~]+", gateway.account):
            raise ValidationError({"account": "邮件服务器须填发件地址(只含英文字符),它也是登录名"})
        if not gateway.secret.isascii():
            raise ValidationError({"secret": "邮件密码只能用英文字母、数字和符号"})

    def send(self, gateway: Gateway, call: Call) -> Sent:
        number = f"<{call.key.replace(':', '.')}@{gateway.name}.anlan>"
        subject = call.text.splitlines()[0][:80]
        message = EmailMessage(subject, call.text, gateway.account, [call.to], headers={"Message-ID": number})
        line = enter(gateway)
        try:
            _hand_over(line, gateway.account, call.to, message.message().as_bytes(linesep="\r\n"))  # type: ignore[call-arg]
            with suppress(SMTPException, OSError):
                line.quit()
        finally:
            line.close()
        return Sent(number)


def enter(gateway: Gateway) -> SMTP:
    """Connect, encrypt, log in. Nothing has been handed over when this fails."""
    url = urlsplit(gateway.address)
    host, port, secure = url.hostname or "", url.port or 0, url.scheme == "smtps"
    line: SMTP | None = None
    try:
        line = _dial(host, port, secure)
        line.ehlo_or_helo_if_needed()
        if not secure and line.has_extn("starttls"):
            line.starttls(context=ssl.create_default_context())
            secure = True
        if gateway.secret:
            if not secure:
                raise Down("邮件服务器不支持加密,未以明文发送密码")
            line.login(gateway.account, gateway.secret)
        return line
    except (Down, SMTPException, OSError) as fault:
        if line:
            line.close()
        raise fault if isinstance(fault, Down) else Down(_words(fault)) from fault


def _dial(host: str, port: int, secure: bool) -> SMTP:
    here = str(DNS_NAME)
    if secure:
        return SMTP_SSL(host, port, here, timeout=TIMEOUT_S, context=ssl.create_default_context())
    return SMTP(host, port, here, timeout=TIMEOUT_S)


def _words(fault: Exception) -> str:
    if isinstance(fault, smtplib.SMTPAuthenticationError):
        return f"邮件服务器不认账号或密码({fault.smtp_code})"
    if isinstance(fault, SMTPResponseException):
        return f"邮件服务器返回 {fault.smtp_code}"
    cause = fault.__context__ if isinstance(fault, smtplib.SMTPServerDisconnected) else fault
    return f"邮件服务器不通:{why(cause or fault)}"


def _hand_over(line: SMTP, sender: str, to: str, message: bytes) -> None:
    if not re.fullmatch(r"[!-~]+", to):
        raise Rejected("收件地址含有邮件服务器不收的字符")
    try:
        _must(line.mail(sender)[0], "发件地址")
        _must(line.rcpt(to)[0], "收件地址")
    except (SMTPException, OSError) as fault:
        raise Down(_words(fault)) from fault
    try:
        code = line.data(message)[0]
    except smtplib.SMTPDataError as fault:
        code = fault.smtp_code
    except (SMTPException, OSError) as fault:
        raise Unsure("发送中断,结果不明,未重发") from fault
    _must(code, "邮件")


def _must(code: int, what: str) -> None:
    if 400 <= code < 500:
        raise Later(f"{what}暂未被接受({code})")
    if code >= 500:
        raise Rejected(f"{what}被拒绝({code})")
