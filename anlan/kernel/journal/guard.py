"""The database itself refuses to change or delete a journal line or a seal."""

from typing import Any

TABLES = ("journal_line", "journal_seal")

SQLITE = """CREATE TRIGGER {table}_{act} BEFORE {act} ON {table} BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END"""
POSTGRES = """CREATE TRIGGER {table}_{act} BEFORE {act} ON {table} FOR EACH ROW EXECUTE FUNCTION journal_append_only()"""
FUNCTION = """CREATE OR REPLACE FUNCTION journal_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the journal is append-only'; END $$"""


def put_up(apps: Any, editor: Any) -> None:
    statement = SQLITE
    if editor.connection.vendor == "postgresql":
        editor.execute(FUNCTION)
        statement = POSTGRES
    for table in TABLES:
        for act in ("UPDATE", "DELETE"):
            editor.execute(statement.format(table=table, act=act))


def take_down(apps: Any, editor: Any) -> None:
    on = " ON {table}" if editor.connection.vendor == "postgresql" else ""
    for table in TABLES:
        for act in ("UPDATE", "DELETE"):
            editor.execute(f"DROP TRIGGER IF EXISTS {table}_{act}{on.format(table=table)}")
