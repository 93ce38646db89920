"""A message gateway over HTTP: SMS, voice and loudspeakers behind one small signed contract.

We POST ``{"key", "channel", "to", "text", "level"}`` to the gateway's address with

    Idempotency-Key   the call's key; a second POST with it must not call again
    X-Anlan-Time      seconds since 1970
    X-Anlan-Signature hex HMAC-SHA256(secret, time + "." + body)

and it answers 2xx ``{"id": …}`` (or 409 when it had the key already). It reports back to ``/gateway/<name>/`` with the
same two signature headers; see ``anlan/faces/gateways``.
"""

from __future__ import annotations

import hashlib
import hmac

import orjson
from django.core.exceptions import ValidationError

from anlan.kernel.clock import real

from . import Call, Carrier, Down, Rejected, Sent, Unsure, carrier, check_address
from .models import Gateway
from .wire import post

TIMEOUT_S = 4


def sign(secret: str, moment: str, body: bytes) -> str:
    return hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()


@carrier
class HttpGateway(Carrier):
    name = "http"
    label = "短信语音网关"
    channels = ("voice", "sms", "loudspeaker")
    idempotent = True

    def check(self, gateway: Gateway) -> None:
        check_address(gateway.address, ("http", "https"))
        if not gateway.sealed:
            raise ValidationError({"secret": "短信语音网关须设密钥,用于双向签名"})

    def send(self, gateway: Gateway, call: Call) -> Sent:
        body = orjson.dumps(
            {"key": call.key, "channel": call.channel, "to": call.to, "text": call.text, "level": call.level}
        )
        moment = str(int(real().timestamp()))
        headers = {
            "Content-Type": "application/json", "Idempotency-Key": call.key,
            "X-Anlan-Time": moment, "X-Anlan-Signature": sign(gateway.secret, moment, body),
        }  # fmt: skip
        try:
            status, answer = post(gateway.address, body, headers, TIMEOUT_S)
        except Unsure as fault:  # the key makes repeating safe
            raise Down("网关没有答复") from fault
        if status == 409 or 200 <= status < 300:
            return Sent(_number(answer))
        if status in (401, 403):
            raise Down(f"网关不认我方签名({status}),请核对密钥")
        if status == 429 or status >= 500:
            raise Down(f"网关返回 {status}")
        raise Rejected(f"网关拒绝({status})")


def _number(answer: bytes) -> str:
    try:
        told = orjson.loads(answer)
    except orjson.JSONDecodeError:
        return ""
    return str(told.get("id", "")).replace("\0", "")[:80] if isinstance(told, dict) else ""
