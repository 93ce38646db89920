"""Group robots: WeCom, DingTalk and Feishu. Each takes one POST of a text and answers with a code, 0 for taken.

The robot's whole address is its secret, for whoever has it can speak in the group: it is kept sealed, and the gateway's
address shows the host only. A signing key, where the robot asks for one, follows the address after ``#``. Which robot it
is, is told from the path, so that a private deployment under the authority's own host works as well:

    WeCom     …/cgi-bin/webhook/send?key=…
    DingTalk  …/robot/send?access_token=…      signed by timestamp and sign in the query
    Feishu    …/open-apis/bot/v2/hook/…        signed by timestamp and sign in the body

The tests speak to a server of our own that answers in these formats and checks the signatures. That the public services
answer so cannot be tested without leaving the machine: send a test message from the keeper's page.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Any
from urllib.parse import quote_plus, urlsplit

import orjson
from django.core.exceptions import ValidationError

from anlan.kernel.clock import real

from . import Call, Carrier, Down, Later, Sent, Unsure, carrier, check_address
from .models import Gateway
from .wire import post

TIMEOUT_S = 8
PATHS = {"/cgi-bin/webhook/send": "wecom", "/robot/send": "dingtalk", "/open-apis/bot/": "feishu"}
BUSY = {45009, 130101, 11232}
"""Too many messages in a minute, by WeCom, DingTalk and Feishu as they publish it: this one waits."""
LONGEST = 2000
"""Bytes of text; WeCom takes 2048."""


@carrier
class Webhook(Carrier):
    name = "webhook"
    label = "群机器人"
    channels = ("group",)

    def check(self, gateway: Gateway) -> None:
        if robot(gateway.secret) is None or not re.match(r"https?://[!-~]+(#|$)", gateway.secret):
            raise ValidationError({"secret": "请粘贴企业微信、钉钉或飞书群机器人的完整地址;加签密钥写在地址末尾 # 之后"})
        gateway.address = shown(gateway.secret)
        check_address(gateway.address, ("http", "https"))

    def send(self, gateway: Gateway, call: Call) -> Sent:
        address, _, key = gateway.secret.partition("#")
        kind = robot(address)
        if kind is None:
            raise Down("群机器人地址无法识别,请系统管理员重新录入")
        text = call.text.encode()[:LONGEST].decode(errors="ignore")
        body, query = FORMS[kind](text, key)
        status, answer = post(address + query, orjson.dumps(body), {"Content-Type": "application/json"}, TIMEOUT_S)
        _judge(status, answer)
        return Sent()


def robot(address: str) -> str | None:
    """Which robot an address names; None when it is no robot's."""
    try:
        path = urlsplit(address).path
    except ValueError:
        return None
    return next((kind for start, kind in PATHS.items() if path.startswith(start)), None)


def shown(address: str) -> str:
    """What of a robot's address may be read: everything before the path."""
    return address[: address.index("/", address.index("//") + 2)] if "//" in address else ""


def _wecom(text: str, key: str) -> tuple[dict[str, Any], str]:
    return {"msgtype": "text", "text": {"content": text}}, ""


def _dingtalk(text: str, key: str) -> tuple[dict[str, Any], str]:
    moment = str(int(real().timestamp() * 1000))
    signed = quote_plus(_sign(key, f"{moment}\n{key}"))
    query = f"&timestamp={moment}&sign={signed}" if key else ""
    return {"msgtype": "text", "text": {"content": text}}, query


def _feishu(text: str, key: str) -> tuple[dict[str, Any], str]:
    moment = str(int(real().timestamp()))
    signed = {"timestamp": moment, "sign": _sign(f"{moment}\n{key}", "")} if key else {}
    return {**signed, "msg_type": "text", "content": {"text": text}}, ""


FORMS = {"wecom": _wecom, "dingtalk": _dingtalk, "feishu": _feishu}


def _sign(key: str, message: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), message.encode(), hashlib.sha256).digest()).decode()


def _judge(status: int, answer: bytes) -> None:
    """A robot that refuses is a gateway at fault: its token, its signing key or its word list. Busy is not."""
    if status in (429, 503):
        raise Later(f"群机器人繁忙({status})")
    if status >= 500:
        raise Unsure(f"群机器人返回 {status},结果不明,未重发")
    try:
        told = orjson.loads(answer)
    except orjson.JSONDecodeError:
        told = None
    code = next((told[k] for k in ("errcode", "code", "StatusCode") if k in told), None) if isinstance(told, dict) else None
    if code in BUSY:
        raise Later(f"群机器人繁忙({code})")
    if status != 200 or code != 0:
        raise Down(f"群机器人拒收({code if isinstance(code, int) else status}),请核对机器人地址、加签密钥和关键词")
