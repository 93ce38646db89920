"""Sealing in batches, and the checker that names the first broken line."""

from __future__ import annotations

import hashlib
import struct
from datetime import timedelta
from typing import Any

from django.db import models, transaction

from anlan.kernel.clock import every, real

from .entry import digest
from .models import Line, Seal

SETTLED = timedelta(seconds=5)
LONGEST = timedelta(minutes=10)
"""No transaction runs longer; an id that is missing until then was rolled back."""
BATCH = 2000
ROW = struct.Struct(">q32s")


@every("journal.seal", seconds=10)
def _seal_now(at: Any) -> None:
    while seal():
        pass


def seal(settled: timedelta = SETTLED) -> int:
    """Close the next batch of lines that no running transaction can still be writing; the number sealed."""
    with transaction.atomic():
        last = Seal.objects.order_by("-pk").first()
        after = last.last if last else 0
        rest = Line.everywhere.filter(pk__gt=after, recorded_at__lt=real() - settled).order_by("pk")
        lines = _unbroken(list(rest[:BATCH]), after)
        if not lines:
            return 0
        rows = b"".join(ROW.pack(line.pk, bytes(line.digest)) for line in lines)
        Seal.objects.create(
            made_at=real(),
            first=lines[0].pk,
            last=lines[-1].pk,
            lines=rows,
            digest=_chain(bytes(last.digest) if last else b"", rows),
        )
        return len(lines)


def _unbroken(lines: list[Line], after: int) -> list[Line]:
    """The lines up to the first missing id that may still be written by a transaction that runs.

    Before the first seal nothing tells which id is the first: the seeding writes that line alone, before anybody else can.
    """
    for n, line in enumerate(lines):
        if after and line.pk != after + 1 and line.recorded_at > real() - LONGEST:
            return lines[:n]
        after = line.pk
    return lines


def _chain(before: bytes, rows: bytes) -> bytes:
    return hashlib.sha256(before + rows).digest()


def verify() -> dict[str, Any]:
    """Walk the chain: ``{"lines", "ok", "first_broken", "fault"}``; unsealed lines are checked by their own digest."""
    chain, count, last = b"", 0, None
    for kept in Seal.objects.order_by("pk").iterator(chunk_size=20):
        if (fault := _broken(kept, last)) is not None:
            return {"lines": count, "ok": False, "first_broken": fault[0], "fault": fault[1]}
        chain = _chain(chain, bytes(kept.lines))
        if chain != bytes(kept.digest):
            return {"lines": count, "ok": False, "first_broken": kept.first, "fault": f"封条 {kept.pk} 与前一封条不连续"}
        count, last = count + len(bytes(kept.lines)) // ROW.size, kept.last
    for line in _after(last).order_by("pk").iterator(chunk_size=2000):
        if digest(line) != bytes(line.digest):
            return {"lines": count, "ok": False, "first_broken": line.pk, "fault": "内容与摘要不符(尚未封存)"}
        count += 1
    return {"lines": count, "ok": True, "first_broken": None, "fault": ""}


def _after(last: int | None) -> models.QuerySet[Line]:
    return Line.everywhere.all() if last is None else Line.everywhere.filter(pk__gt=last)


def _broken(kept: Seal, last: int | None) -> tuple[int, str] | None:
    """The first line of a batch, or between it and the batch before, that is missing, moved, altered or new."""
    found = {line.pk: line for line in _after(last).filter(pk__lte=kept.last)}
    sealed = [ROW.unpack_from(bytes(kept.lines), i) for i in range(0, len(bytes(kept.lines)), ROW.size)]
    for pk, mark in sealed:
        line = found.pop(pk, None)
        if line is None:
            return pk, "缺行"
        if digest(line) != mark:
            return pk, "内容被改动或次序被调换"
    if found:
        return min(found), "封存之后插入的行"
    return None


def head() -> dict[str, Any]:
    """The newest seal, to be kept outside the system as an anchor."""
    last = Seal.objects.order_by("-pk").first()
    if last is None:
        return {"seal": None}
    return {"seal": last.pk, "last": last.last, "made_at": last.made_at.isoformat(), "digest": bytes(last.digest).hex()}
