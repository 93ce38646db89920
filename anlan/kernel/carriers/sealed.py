"""Secrets at rest: the database holds them encrypted, the data folder holds the key.

The key is derived from ``secret.key`` of ANLAN_HOME (mode 600), which every process of one city shares. Whoever gets a
copy of the database without that file reads no secret; whoever has both reads all of them.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from functools import lru_cache
from hashlib import sha256

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

PURPOSE = b"anlan.notice.gateway:"


class Unreadable(Exception):
    """Sealed with another key: the data folder has changed. The secret has to be entered anew."""


@lru_cache(maxsize=4)
def _box(key: str) -> Fernet:
    return Fernet(urlsafe_b64encode(sha256(PURPOSE + key.encode()).digest()))


def seal(clear: str) -> str:
    return _box(settings.SECRET_KEY).encrypt(clear.encode()).decode() if clear else ""


def unseal(sealed: str) -> str:
    if not sealed:
        return ""
    try:
        return _box(settings.SECRET_KEY).decrypt(sealed.encode()).decode()
    except InvalidToken as fault:
        raise Unreadable("密钥无法解开(secret.key 已更换),请系统管理员重新录入") from fault
