"""The log: how the readings of a batch lie in it, and which of them count."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from struct import Struct
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import Model
from numpy.typing import NDArray

from anlan.engines.sense import narrow
from anlan.engines.sense.layout import Fate
from anlan.kernel import rows

from .models import Batch

DEAF = Struct("<qq")


def put(new: Sequence[Model]) -> None:
    """Append to a table whose rows have large bodies. In a statement each byte of one would be spelt as two letters, which costs
    more on both sides than to judge what is in it; so PostgreSQL is handed them as they are."""
    if not new:
        return
    if connection.vendor != "postgresql":
        rows.add(new)
        return
    columns = [field for field in new[0]._meta.concrete_fields if not field.primary_key]
    into = f"copy {new[0]._meta.db_table} ({', '.join(field.attname for field in columns)}) from stdin (format binary)"
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(into) as copied:
        copied.set_types([(field.db_type(connection) or "").split("(")[0] for field in columns])
        for row in new:
            copied.write_row([getattr(row, field.attname) for field in columns])


def pack_deaf(since: int, until: int) -> bytes:
    """The body of a line without readings: from then to then, in ms, no door was open."""
    return DEAF.pack(since, until)


def deaf(batch: Batch) -> tuple[int, int] | None:
    """What such a line says, None for any other."""
    return None if batch.count or not batch.body else DEAF.unpack(bytes(batch.body))


def counts(fate: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(n,) which readings are part of the history: what is bad, unknown or was there already is not."""
    return (fate == Fate.GOOD) | (fate == Fate.OLD)


def pack(sensor: NDArray[np.int32], at: NDArray[np.int64], value: NDArray[np.float64], status: NDArray[np.uint8]) -> bytes:
    """The body of a batch."""
    return b"".join([narrow.whole(sensor), narrow.whole(at), narrow.decimal(value), narrow.whole(status)]) if len(at) else b""


def unpack(batch: Batch) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.float64], NDArray[np.uint8]]:
    """Sensor ids, times in ms, values and fates (n,) of a batch."""
    n, body = batch.count, bytes(batch.body)
    if not n:
        return np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0), np.empty(0, np.uint8)
    sensor, place = narrow.wholes(body, 0, n)
    at, place = narrow.wholes(body, place, n)
    value, place = narrow.decimals(body, place, n)
    fate, _ = narrow.wholes(body, place, n)
    return sensor.astype(np.int32), at, value, fate.astype(np.uint8)


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
