"""The tables of forms are made and widened from the declarations; nothing is ever taken out of them."""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError, connection, models, transaction

from .form import FORMS, Form

COLUMNS = {
    "sqlite": "select m.name, c.name from sqlite_master m join pragma_table_info(m.name) c where m.type = 'table'",
    "postgresql": "select table_name, column_name from information_schema.columns where table_schema = any (current_schemas(false))",
}


def columns() -> dict[str, set[str]]:
    """Table → its columns, of the whole database in one question."""
    found: dict[str, set[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS[connection.vendor])
        for table, column in cursor.fetchall():
            found.setdefault(table, set()).add(column)
    return found


def lacking(model: type[models.Model], known: dict[str, set[str]]) -> list[Any]:
    """The fields of a model that its table has no column for; ``[None]`` when there is no table at all."""
    if model._meta.db_table not in known:
        return [None]
    return [field for field in model._meta.concrete_fields if field.column not in known[model._meta.db_table]]


def sync() -> int:
    """Make what is missing of every form's table; the number of tables and columns that were made."""
    known = columns()
    return sum(fit(form) for form in list(FORMS.values()) if lacking(form.model, known))


def fit(form: Form) -> int:
    """Make one form's table, or the columns that its newest version adds, in one transaction.

    Two processes may do so at once: who comes second finds that nothing is lacking any more.
    """
    made = 0
    while lack := lacking(form.model, columns()):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                for statement in statements(form.model, lack):
                    cursor.execute(statement)
            made += len(lack)
        except DatabaseError:
            if lacking(form.model, columns()) == lack:
                raise
    return made


def statements(model: type[models.Model], lack: list[Any]) -> list[str]:
    """What makes the table or its new columns. Both only add, so that no check of keys has to be lifted for them."""
    editor = connection.schema_editor(collect_sql=True)
    editor.deferred_sql = []
    for field in lack:
        editor.create_model(model) if field is None else editor.add_field(model, field)
    return [*editor.collected_sql, *map(str, editor.deferred_sql)]
