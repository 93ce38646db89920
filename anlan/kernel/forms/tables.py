"""The tables of forms are made and widened from the declarations; nothing is ever taken out of them."""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError, connection, models, transaction

from .form import FORMS, Form


def sync() -> int:
    """Make what is missing of every form's table; the number of tables and columns that were made."""
    return sum(fit(form) for form in list(FORMS.values()))


def fit(form: Form) -> int:
    """Make one form's table, or the columns that its newest version adds, in one transaction.

    Two processes may do so at once: who comes second finds that nothing is lacking any more.
    """
    made = 0
    while lack := lacking(form.model):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                for statement in statements(form.model, lack):
                    cursor.execute(statement)
            made += len(lack)
        except DatabaseError:
            if lacking(form.model) == lack:
                raise
    return made


def statements(model: type[models.Model], lack: list[Any]) -> list[str]:
    """What makes the table or its new columns. Both only add, so that no check of keys has to be lifted for them."""
    editor = connection.schema_editor(collect_sql=True)
    editor.deferred_sql = []
    for field in lack:
        editor.create_model(model) if field is None else editor.add_field(model, field)
    return [*editor.collected_sql, *map(str, editor.deferred_sql)]


def lacking(model: type[models.Model]) -> list[Any]:
    """The fields of a model that its table has no column for; ``[None]`` when there is no table at all."""
    with connection.cursor() as cursor:
        if model._meta.db_table not in connection.introspection.table_names(cursor):
            return [None]
        known = {column.name for column in connection.introspection.get_table_description(cursor, model._meta.db_table)}
    return [field for field in model._meta.concrete_fields if field.column not in known]
