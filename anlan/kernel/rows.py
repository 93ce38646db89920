"""Rows of a table without wording each statement anew, for what is asked with each batch of readings or many times a second.

Django builds a query from scratch each time, which takes ten times as long as SQLite takes to answer it. Here the end of the
statement is written by hand, and nobody's scope is asked: the caller names the world.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from django.db import connection, connections, models, transaction
from django.db.models import Model

Row = TypeVar("Row", bound=Model)
PLAIN: dict[type[models.Field], type] = {
    models.CharField: str, models.TextField: str, models.FloatField: float, models.BooleanField: bool, models.IntegerField: int,
    models.BigIntegerField: int, models.PositiveIntegerField: int, models.PositiveSmallIntegerField: int,
    models.PositiveBigIntegerField: int, models.ForeignKey: int,
}  # fmt: skip
"""What fields hold that the database keeps just so."""
TOGETHER = 500
"""Rows that are added by one statement at most."""
AMONG = {"sqlite": "in (select value from json_each(%s))", "postgresql": "= any(%s)"}


def among() -> str:
    """What a column must be to be one of many values, which are given as one list."""
    return AMONG[connection.vendor]


def locked() -> str:
    """The end of a statement that locks what it finds until the transaction ends; SQLite locks all of itself, and without it."""
    return " for update" if connection.features.has_select_for_update else ""


def find(model: type[Row], rest: str, *given: Any, without: Sequence[str] = ()) -> list[Row]:
    """The rows of ``select ... from the table where`` and this rest; attributes named in ``without`` are read when they are asked for."""
    database = connections[connection.alias]
    names, columns, converted = _columns(model, database.vendor, tuple(without))
    with database.cursor() as cursor:
        cursor.execute(f"select {columns} from {model._meta.db_table} where {rest}", [_given(value) for value in given])
        found = cursor.fetchall()
    steps = [
        (place, col, convert) for place, col in converted for convert in (*database.ops.get_db_converters(col), *col.get_db_converters(database))
    ]
    rows = []
    for row in found:
        values = list(row)
        for place, col, convert in steps:
            values[place] = convert(values[place], col, database)
        rows.append(model.from_db(database.alias, names, values))
    return rows


def one(model: type[Row], key: Any) -> Row:
    """The row of this key; raises the model's DoesNotExist."""
    found = find(model, f"{model._meta.pk.column} = %s", key)
    if not found:
        raise model.DoesNotExist(f"{model._meta.label} {key}")  # type: ignore[attr-defined]
    return found[0]


def by_key(model: type[Row], keys: Iterable[Any]) -> dict[Any, Row]:
    """The rows of these keys, each by its own."""
    wanted = list(keys)
    return {row.pk: row for row in find(model, f"{model._meta.pk.column} {among()}", wanted)} if wanted else {}


def add(rows: Sequence[Model], *, unless_there: bool = False) -> None:
    """New rows of one table whose keys the database gives, all or none, in their order; each learns its key. With ``unless_there``
    those are left out whose like is there already by a unique constraint, and none learns it."""
    if not rows:
        return
    with transaction.atomic(savepoint=False):
        for start in range(0, len(rows), TOGETHER):
            _add(rows[start : start + TOGETHER], unless_there)


def _add(rows: Sequence[Model], unless_there: bool) -> None:
    database, model = connections[connection.alias], type(rows[0])
    fields, key = _fields(model), model._meta.pk
    columns, row_of = ", ".join(field.column for field in fields), f"({', '.join(['%s'] * len(fields))})"
    end = "on conflict do nothing" if unless_there else f"returning {key.column}"
    with database.cursor() as cursor:
        cursor.execute(
            f"insert into {model._meta.db_table} ({columns}) values {', '.join([row_of] * len(rows))} {end}",
            [field.kept(field.own.pre_save(row, True), database) for row in rows for field in fields],
        )
        keys = [] if unless_there else cursor.fetchall()
    for row, (pk,) in zip(rows if keys else (), keys, strict=True):
        row.pk, row._state.adding, row._state.db = pk, False, database.alias


def move(rows: Iterable[Model], *names: str) -> None:
    """Write these attributes of rows over, by their keys; all of them when none is named. All rows or none."""
    told = list(rows)
    if not told:
        return
    database, model = connections[connection.alias], type(told[0])
    fields = [field for field in _fields(model) if not names or field.name in names]
    assert len(fields) == len(names) or not names, f"{model._meta.label} has no attributes {names}"
    sets = ", ".join(f"{field.column} = %s" for field in fields)
    values = [[*(field.kept(getattr(row, field.name), database) for field in fields), row.pk] for row in told]
    with transaction.atomic(savepoint=False), database.cursor() as cursor:
        cursor.executemany(f"update {model._meta.db_table} set {sets} where {model._meta.pk.column} = %s", values)


@cache
def _columns(model: type[Model], vendor: str, without: tuple[str, ...]) -> tuple[list[str], str, list[tuple[int, Any]]]:
    """The attributes that are read, their columns, and by their places those that the database keeps as something else."""
    fields = [field for field in model._meta.concrete_fields if field.attname not in without]
    cols = [field.cached_col for field in fields]
    converted = [(n, col) for n, col in enumerate(cols) if connection.ops.get_db_converters(col) or col.get_db_converters(connection)]
    return [field.attname for field in fields], ", ".join(str(field.column) for field in fields), converted


@dataclass(frozen=True)
class _Written:
    """A field that is written; values of its ``plain`` type are handed over as they are."""

    own: Any
    name: str
    column: str
    plain: type | None

    def kept(self, value: Any, database: Any) -> Any:
        return value if value is None or type(value) is self.plain else self.own.get_db_prep_save(value, database)


@cache
def _fields(model: type[Model]) -> list[_Written]:
    """All but the key, which the database gives."""
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    return [_Written(field, field.attname, str(field.column), PLAIN.get(type(field))) for field in fields]


def _given(value: Any) -> Any:
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, list | set | tuple | frozenset):
        values = [_given(one) for one in value]
        return json.dumps(values) if connection.vendor == "sqlite" else values
    return value
