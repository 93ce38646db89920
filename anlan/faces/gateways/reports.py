"""What a gateway reports of its calls, signed by its secret."""

from __future__ import annotations

import hmac
from typing import Any

from django.db import transaction

from anlan.kernel.answers.acts import Kind, do_receipt
from anlan.kernel.answers.heard import REASONS, Press, delivered, failed, pressed
from anlan.kernel.carriers.http_gateway import sign
from anlan.kernel.carriers.models import Gateway
from anlan.kernel.carriers.sealed import Unreadable
from anlan.kernel.cases import Refused
from anlan.kernel.clock import real
from anlan.kernel.notice.models import Attempt, Receipt
from anlan.kernel.people import scope

PATIENCE_S = 300
MOST_ID = Receipt._meta.get_field("client_id").max_length or 0


def take(gateway: Gateway, told: dict[str, Any]) -> None:
    """One report of a gateway: ``{"key", "event": delivered|read|failed|pressed, "digit", "reason", "id"}``."""
    call = str(told.get("key", ""))
    attempt = Attempt.everywhere.filter(call=call, gateway=gateway).select_related("world").first()
    if attempt is None:
        raise Refused("没有这个呼叫编号", field="key")
    event = told.get("event")
    number = f"{gateway.name}:{told['id']}" if told.get("id") else None
    if number and len(number) > MOST_ID:
        raise Refused(f"id 过长,连同网关代号不超过 {MOST_ID} 字符", field="id")
    with scope.everyone(attempt.world), transaction.atomic():
        if event == "delivered":
            delivered([call])
        elif event == "failed":
            failed([call], REASONS.get(str(told.get("reason")), str(told.get("reason") or "原因不明"))[:200])
        elif event == "pressed":
            pressed([Press(call, str(told.get("digit", "")), attempt.channel, client_id=number)])
        elif event == "read":
            do_receipt(attempt.addressee, Kind.READ, via=attempt.channel, by=attempt.person_id, client_id=number)
        else:
            raise Refused("event 须为 delivered、read、failed、pressed 之一", field="event")


def check_signature(gateway: Gateway, moment: str, signature: str, body: bytes) -> None:
    """The gateway's own signature, made within the last minutes."""
    try:
        secret = gateway.secret
    except Unreadable as fault:
        raise Refused(str(fault)) from fault
    if not secret or not hmac.compare_digest(sign(secret, moment, body).encode(), signature.encode()):
        raise Refused("签名不符")
    if not moment.isdigit() or abs(real().timestamp() - int(moment)) > PATIENCE_S:
        raise Refused("签名已过期")
