"""A register as a workbook: out, blank, and in again; all rows or none, faults by row and column."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any

from django.db import models, transaction

from anlan.engines.sheets import cells, uploads, workbooks
from anlan.engines.sheets.uploads import Fault
from anlan.kernel import clock, journal
from anlan.kernel.cases.flow import Refused
from anlan.kernel.columns.column import NO, YES, Column
from anlan.kernel.columns.filters import sees_full
from anlan.kernel.people import scope
from anlan.kernel.registers.register import Register

from .forms import KeyField, RowForm, facts, form_of, save

MOST_IN = 20_000
MOST_FAULTS = 500
CHUNK = 2_000
BIG = 8 * 1024 * 1024
KEY = "系统编号"
KINDS: dict[type[models.Field], cells.Kind] = {
    models.DateTimeField: "datetime",
    models.DateField: "date",
    models.IntegerField: "number",
    models.FloatField: "number",
    models.DecimalField: "number",
}


@dataclass
class Taken:
    """What came of a sheet: counts, or faults and then nothing was changed."""

    created: int = 0
    changed: int = 0
    same: int = 0
    faults: list[Fault] = field(default_factory=list)


def columns_of(register: Register) -> tuple[Column, ...]:
    """The sheet's columns: first what can be filled in, then what else the list shows."""
    own = register.inputs if register.write else ()
    return (*own, *(c for c in register.heads if c.path not in {o.path for o in own}))


def keyed(register: Register) -> bool:
    """Does the sheet need a column of its own for the key?"""
    return register.model._meta.pk.name not in {c.path for c in columns_of(register)}


def printed(column: Column, form: type[RowForm] | None = None) -> cells.Column:
    """The column as the workbooks know it; required only where it is filled in."""
    kind: cells.Kind = "text"
    choices = tuple(column.choices.values())
    if isinstance(column.field, models.BooleanField):
        choices = (YES, NO)
    if choices:
        kind = "choice"
    elif column.target is None and not column.masked:
        kind = next((k for of, k in KINDS.items() if isinstance(column.field, of)), "text")
    made = form.base_fields.get(column.path) if form else None
    return cells.Column(
        column.label, column.path, kind, choices=choices if made or not form else (), whole=isinstance(column.field, models.IntegerField),
        required=bool(made and made.required), hint=str(made.help_text) if made else "",
    )  # fmt: skip


def _said(column: Column) -> list[cells.Column]:
    """Beside a figure whose unit is another in each row: the same in words. It is not read back."""
    return [cells.Column(f"{column.label}(读作)", f"*{column.path}:{column.worded}")] if column.worded else []


def _mark() -> str:
    world = scope.current().world
    return "" if world.actual else f"【{world.mark or world.get_kind_display()}】"


def write_out(register: Register, rows: models.QuerySet) -> IO[bytes]:
    """The sheet of these rows; a temporary file that goes when it is closed."""
    out: Any = tempfile.SpooledTemporaryFile(max_size=BIG)  # noqa: SIM115  the response closes it
    columns, key = columns_of(register), keyed(register)
    heads = [*([cells.Column(KEY, KEY)] if key else []), *(head for c in columns for head in (printed(c), *_said(c)))]
    workbooks.write(out, register.title, heads, _lines(register, rows, columns, key), at=clock.now(), mark=_mark())
    out.seek(0)
    return out


def write_blank(register: Register) -> IO[bytes]:
    """The sheet to fill in, with its lists and instructions."""
    out: Any = tempfile.SpooledTemporaryFile(max_size=BIG)  # noqa: SIM115  the response closes it
    heads = [printed(c, form_of(register)) for c in register.inputs]
    workbooks.template(out, register.title, heads, at=clock.now(), mark=_mark())
    out.seek(0)
    return out


def _lines(register: Register, rows: models.QuerySet, columns: tuple[Column, ...], key: bool) -> Iterator[list]:
    full, joins = sees_full(), {c.joins for c in columns} | set(register.joins)
    for row in rows.select_related(*sorted(joins - {""})).prefetch_related(*register.gather.split()).iterator(CHUNK):
        yield [*([str(row.pk)] if key else []), *(cell for c in columns for cell in _cells(c, row, full))]


def _cells(column: Column, row: models.Model, full: bool) -> list:
    """What stands in a row under the heads of a column."""
    return [column.cell(row, full), *([column.text(row, full)] if column.worded else [])]


def take_in(register: Register, file: Any, *, check_only: bool = False) -> Taken:
    """Read a workbook into the register: every row or none."""
    taken, form = Taken(), form_of(register)
    inputs = {c.path for c in register.inputs}
    heads = [
        head for c in columns_of(register)
        for head in (printed(c, form) if c.path in inputs else cells.Column(c.label, f"*{c.path}"), *_said(c))
    ]  # fmt: skip
    key = [cells.Column(KEY, KEY)] if keyed(register) else []
    try:
        upload = uploads.read(file, [*key, *heads], name=getattr(file, "name", "") or "工作簿", limit=MOST_IN)
    except Refused as no:
        taken.faults.append(Fault(0, "文件", str(no), ""))
        return taken
    taken.faults = [Fault(1, title[:40], "台账中没有这一列", "请使用模板") for title in upload.unknown] + upload.faults
    _take_rows(register, upload.sound, {h.key for h in heads if h.key in inputs}, taken, check_only)
    taken.faults.sort(key=lambda f: f.row)
    return taken


def _take_rows(register: Register, rows: list[uploads.Row], inputs: set[str], taken: Taken, check_only: bool) -> None:
    known: dict[str, dict] = {}
    with transaction.atomic():
        for row in rows:
            if len(taken.faults) >= MOST_FAULTS:
                break
            _take_row(register, row, inputs, taken, known)
        if taken.faults or check_only:
            transaction.set_rollback(True)
        elif taken.created or taken.changed:
            text = f"导入{register.title}:新增 {taken.created} 行,修改 {taken.changed} 行,未变 {taken.same} 行"
            counts = {"created": taken.created, "changed": taken.changed, "same": taken.same}
            journal.write(f"{register.name}.imported", scope.current().world, text=text, after=counts)


def _take_row(register: Register, line: uploads.Row, inputs: set[str], taken: Taken, known: dict[str, dict]) -> None:
    key = line.values.get(KEY if keyed(register) else register.model._meta.pk.name)
    row = _row(register, key)
    if row is None and key not in (None, "") and keyed(register):
        taken.faults.append(
            Fault(line.number, KEY, f"没有编号为 {str(key)[:40]} 的记录,或不在您的管辖范围内", "新增的行请留空")
        )
        return
    if row is not None and not register.may_write(row):
        taken.faults.append(Fault(line.number, KEY, f"您不能修改编号为 {str(key)[:40]} 的记录", "请删去这一行"))
        return
    form = line_form(register, row, {p: v for p, v in line.values.items() if p in inputs})
    for name, made in form.fields.items():
        if isinstance(made, KeyField):
            made.known = known.setdefault(name, {})  # one look-up for one name in a whole sheet
    before = facts(register, row) if row is not None else None
    if not form.is_valid():
        labels = {c.path: c.label for c in register.inputs}
        for name, messages in form.errors.items():
            taken.faults.append(Fault(line.number, labels.get(name, "整行"), ";".join(map(str, messages)), ""))
    elif save(form, before):
        taken.created, taken.changed = taken.created + (row is None), taken.changed + (row is not None)
    else:
        taken.same += 1


def _row(register: Register, key: Any) -> models.Model | None:
    if key in (None, ""):
        return None
    try:
        return register.seen().filter(pk=str(key)).first()
    except (ValueError, OverflowError):
        return None


def line_form(register: Register, row: models.Model | None, given: dict[str, Any]) -> RowForm:
    """The register's form filled from typed cells; what is not given stays as it is."""
    form = form_of(register)(instance=row)
    data: dict[str, Any] = {}
    for column in register.inputs:
        if column.path in given:
            data[column.path] = column.typed(given[column.path])
        elif row is not None:
            data[column.path] = column.typed(column.cell(row))
        elif (initial := form[column.path].initial) is not None:
            data[column.path] = initial
    form.data, form.is_bound = data, True
    return form
