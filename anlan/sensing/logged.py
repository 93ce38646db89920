"""The log: how the readings of a batch lie in it, four columns one behind the other, and which of them count."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from anlan.engines.sense.layout import Fate

from .models import Batch

COPIED = {
    "world_id": "int8", "part": "int2", "number": "int8", "stamp": "int8", "basis_id": "varchar", "taken_ms": "int8", "first_ms": "int8",
    "last_ms": "int8", "count": "int4", "kept": "int4", "body": "bytea",
}  # fmt: skip
"""The columns of a batch, as PostgreSQL calls what is in them."""


def put(batches: Sequence[Batch]) -> None:
    """Append batches to the log. In a statement each byte of a body would be spelt as two letters, which costs more on both sides
    than to judge what is in it; so PostgreSQL is handed them as they are."""
    if connection.vendor != "postgresql" or not batches:
        Batch.objects.bulk_create(batches)
        return
    into = f"copy {Batch._meta.db_table} ({', '.join(COPIED)}) from stdin (format binary)"
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(into) as rows:
        rows.set_types(list(COPIED.values()))
        for batch in batches:
            rows.write_row([getattr(batch, name) for name in COPIED])


def counts(fate: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(n,) which readings are part of the history: what is bad, unknown or was there already is not."""
    return (fate == Fate.GOOD) | (fate == Fate.OLD)


def pack(sensor: NDArray[np.int32], at: NDArray[np.int64], value: NDArray[np.float64], status: NDArray[np.uint8]) -> bytes:
    """The body of a batch."""
    return b"".join(np.ascontiguousarray(part).tobytes() for part in (sensor, at, value, status))


def unpack(batch: Batch) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.float64], NDArray[np.uint8]]:
    """Sensor ids, times in ms, values and fates (n,) of a batch."""
    n, body = batch.count, bytes(batch.body)
    sensor, at = np.frombuffer(body, np.int32, n), np.frombuffer(body, np.int64, n, 4 * n)
    return sensor, at, np.frombuffer(body, np.float64, n, 12 * n), np.frombuffer(body, np.uint8, n, 20 * n)


def stamp(before: int, basis: str, moment: int, body: bytes) -> int:
    """What follows from a batch and the stamp of the one before it, so that a state whose transaction was undone is known by it."""
    told = sha256(f"{before} {basis} {moment} ".encode())
    told.update(body)
    return int.from_bytes(told.digest()[:8]) >> 2


def lightly(apps: Any, editor: Any) -> None:
    """For a migration: PostgreSQL packs what is large by a method that costs more than to judge what is in it. It has a lighter
    one, where it was built with it; else bodies are kept as they are."""
    if editor.connection.vendor != "postgresql":
        return
    with editor.connection.cursor() as cursor:
        cursor.execute("select 'lz4' = any(enumvals) from pg_settings where name = 'default_toast_compression'")
        packs = (cursor.fetchone() or (False,))[0]
    for table in ("sensing_batch", "sensing_snapshot"):
        editor.execute(f"alter table {table} alter column body set {'compression lz4' if packs else 'storage external'}")
