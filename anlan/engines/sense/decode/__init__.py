"""Bodies of the doors become arrays: plain JSON in rows or columns, and SenML (RFC 8428) as JSON or CBOR, plain or gzipped.

`read` is what callers use. `plain` and `senml` say what a body means, in Python; `fast` says the same for what gateways
usually send, compiled, and leaves to them whatever is unusual.
"""

from __future__ import annotations

import zlib

from ..compiled import COMPILED
from . import fast, plain, senml
from .batch import MOST, Batch, Names, Undecodable

__all__ = ["MOST", "Batch", "Names", "Undecodable", "read", "unpacked"]

LARGEST = 64 * 1024 * 1024
"""Bytes of a body when it is unpacked: a hundred thousand readings and their names many times over."""
SENML = {"application/senml+json": senml.from_json, "application/senml+cbor": senml.from_cbor}


def read(body: bytes, names: Names, now_ms: int, kind: str = "application/json") -> Batch:
    """The readings of a body of this content type. Raises Undecodable, with a reason in Chinese, when it is none at all."""
    kind = kind.partition(";")[0].strip().lower()
    if kind in SENML:
        return SENML[kind](body, names, now_ms).in_order()
    return ((fast.read(body, names) if COMPILED else None) or plain.read(body, names)).in_order()


def unpacked(body: bytes, most: int = LARGEST) -> bytes:
    """A gzipped body; Undecodable when it is broken, cut off or larger than ``most`` bytes."""
    parts: list[bytes] = []
    room, rest = most, body
    while rest:
        member = zlib.decompressobj(wbits=31)
        try:
            parts.append(member.decompress(rest, room))
        except zlib.error as fault:
            raise Undecodable("压缩内容无法解开,请核对 Content-Encoding") from fault
        room -= len(parts[-1])
        if room <= 0 or member.unconsumed_tail:
            raise Undecodable(f"解压后超过 {most // 1024 // 1024} MB,请分批提交")
        if not member.eof:
            raise Undecodable("压缩内容不完整,请重发")
        rest = member.unused_data
    return b"".join(parts)


