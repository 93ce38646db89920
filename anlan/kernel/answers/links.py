"""Signed links: whoever holds one may answer that one call, for 72 hours."""

from __future__ import annotations

from datetime import timedelta

from django.core import signing

from anlan.kernel.cases import Refused
from anlan.kernel.clock import real
from anlan.kernel.notice.models import Attempt

SALT = "anlan.notice.answer"
LIFE = timedelta(hours=72)


def token(attempt: Attempt) -> str:
    return signing.dumps([attempt.pk, int(real().timestamp())], salt=SALT)


def path(attempt: Attempt) -> str:
    return f"/a/{token(attempt)}/"


def read(told: str) -> Attempt:
    """The attempt behind a link. Raises Refused when it was forged or has expired."""
    attempt = named(told)
    if attempt is None:
        raise Refused("应答链接无效,请使用短信中的完整链接,或拨打值班电话")
    if real().timestamp() - signing.loads(told, salt=SALT)[1] > LIFE.total_seconds():
        raise Refused("应答链接已过期(72小时内有效),请拨打值班电话")
    return attempt


def named(told: str) -> Attempt | None:
    """The attempt that a genuine link names, however old the link is."""
    try:
        pk, _ = signing.loads(told, salt=SALT)
    except signing.BadSignature:
        return None
    rows = Attempt.everywhere.filter(pk=pk)
    return rows.select_related("world", "person", "addressee__notice", "addressee__area").first()
