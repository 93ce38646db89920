"""E-mail over SMTP. Address: ``smtp://host:port`` or ``smtps://host:port``; account and secret of the gateway row."""

from __future__ import annotations

from smtplib import SMTPException, SMTPRecipientsRefused
from urllib.parse import urlsplit

from django.core.mail import EmailMessage, get_connection

from anlan.kernel.notice.models import Gateway

from . import Call, Carrier, Down, Rejected, Sent, carrier

TIMEOUT_S = 8


@carrier
class Mail(Carrier):
    name = "mail"
    label = "邮件服务器"
    channels = ("mail",)

    def send(self, gateway: Gateway, call: Call) -> Sent:
        url = urlsplit(gateway.address)
        connection = get_connection(
            "django.core.mail.backends.smtp.EmailBackend",
            host=url.hostname, port=url.port or (465 if url.scheme == "smtps" else 25), username=gateway.account,
            password=gateway.secret, use_ssl=url.scheme == "smtps", timeout=TIMEOUT_S,
        )  # fmt: skip
        number = f"<{call.key.replace(':', '.')}@{gateway.name}.anlan>"
        message = EmailMessage(
            call.text.splitlines()[0][:80], call.text, gateway.account or None, [call.to],
            headers={"Message-ID": number}, connection=connection,
        )  # fmt: skip
        try:
            message.send()
        except SMTPRecipientsRefused as fault:
            raise Rejected("收件地址被拒绝") from fault
        except (SMTPException, OSError) as fault:
            raise Down(f"邮件服务器不通:{fault}") from fault
        return Sent(number)
