"""A register as a workbook: out, blank, and in again; all rows or none, faults by row and column."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any

import xlsxwriter
from django.db import models, transaction
from openpyxl import load_workbook

from anlan.kernel import journal
from anlan.kernel.people import scope

from .columns import NO, YES, Column
from .filters import sees_full
from .forms import KeyField, RowForm, facts, form_of, save
from .register import Register

MOST_ROWS = 1_048_575
MOST_IN = 20_000
MOST_FAULTS = 500
CHUNK = 2_000
BIG = 8 * 1024 * 1024
KEY = "编号"
DATES = {models.DateTimeField: "yyyy-mm-dd hh:mm", models.DateField: "yyyy-mm-dd"}


@dataclass
class Fault:
    row: int
    column: str
    text: str


@dataclass
class Taken:
    """What came of a sheet: counts, or faults and then nothing was changed."""

    created: int = 0
    changed: int = 0
    same: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return self.created + self.changed + self.same


def columns_of(register: Register) -> tuple[Column, ...]:
    """The sheet's columns: first what can be filled in, then what else the list shows."""
    own = register.inputs if register.write else ()
    return (*own, *(c for c in register.heads if c.path not in {o.path for o in own}))


def keyed(register: Register) -> bool:
    """Does the sheet need a column of its own for the key?"""
    return register.model._meta.pk.name not in {c.path for c in columns_of(register)}  # type: ignore[union-attr]


def write_out(register: Register, rows: models.QuerySet | None) -> IO[bytes]:
    """The sheet of these rows, or the blank one to fill in; a temporary file that goes when it is closed."""
    out = tempfile.SpooledTemporaryFile(max_size=BIG)
    plain = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "nan_inf_to_errors": True}
    book = xlsxwriter.Workbook(out, plain)
    sheet = book.add_worksheet(_sheet_name(register.title))
    columns = columns_of(register) if rows is not None else register.inputs
    key = keyed(register) and rows is not None
    head = book.add_format({"bold": True, "bg_color": "#DCE6F1", "border": 1})
    sheet.freeze_panes(1, 0)
    for n, column in enumerate(columns, int(key)):
        form = next((f for kind, f in DATES.items() if isinstance(column.field, kind)), None)
        sheet.set_column(n, n, 18, book.add_format({"num_format": form}) if form else None)
        _offer(sheet, n, column)
    sheet.write_row(0, 0, [*([KEY] if key else []), *(c.label for c in columns)], head)
    for n, line in enumerate(_lines(register, rows, columns, key), 1):
        for at, value in enumerate(line):
            if value is not None and value != "":
                (sheet.write_string if isinstance(value, str) else sheet.write)(n, at, value)
    book.close()
    out.seek(0)
    return out


def _sheet_name(title: str) -> str:
    return "".join("-" if c in "[]:*?/\\" else c for c in title)[:31]


def _offer(sheet: Any, at: int, column: Column) -> None:
    labels = list(column.choices.values()) or ([YES, NO] if isinstance(column.field, models.BooleanField) else [])
    if labels and len(",".join(labels)) < 255:
        sheet.data_validation(1, at, 5000, at, {"validate": "list", "source": labels})


def _lines(register: Register, rows: models.QuerySet | None, columns: tuple[Column, ...], key: bool) -> Iterator[list]:
    if rows is None:
        return
    full, joins = sees_full(), {c.joins for c in columns} | set(register.joins)
    for row in rows.select_related(*sorted(joins - {""}))[:MOST_ROWS].iterator(CHUNK):
        yield [*([row.pk] if key else []), *(_safe(c.cell(row, full)) for c in columns)]


def _safe(value: Any) -> Any:
    """Excel refuses strings over 32 767 signs, and integers lose digits beyond 15."""
    if isinstance(value, int) and abs(value) >= 10**15:
        return str(value)
    return value[:32_767] if isinstance(value, str) else value


def take_in(register: Register, file: IO[bytes], *, check_only: bool = False) -> Taken:
    """Read a workbook into the register: every row or none."""
    taken = Taken()
    try:
        cells = load_workbook(file, read_only=True, data_only=True).worksheets[0].iter_rows(values_only=True)
        lines = [(n, line) for n, line in enumerate(cells, 1) if any(v not in (None, "") for v in line)]
    except Exception as fault:  # openpyxl raises whatever its XML and zip readers raise on a file that is no workbook
        taken.faults.append(Fault(0, "文件", f"不能读取:不是有效的 .xlsx 工作簿({type(fault).__name__})"))
        return taken
    if not lines or not (heads := _heads(register, lines[0][1], taken)):
        taken.faults = taken.faults or [Fault(1, "表头", "空表:请下载模板后填写")]
        return taken
    if len(lines) - 1 > MOST_IN:
        taken.faults.append(Fault(MOST_IN + 2, "行数", f"一次最多导入 {MOST_IN} 行,请分批导入"))
        return taken
    known: dict[str, dict] = {}
    with transaction.atomic():
        for n, line in lines[1:]:
            _take_line(register, n, dict(zip(heads, line, strict=False)), taken, known)
            if len(taken.faults) >= MOST_FAULTS:
                break
        if taken.faults or check_only:
            transaction.set_rollback(True)
        elif taken.created or taken.changed:
            text = f"导入{register.title}:新增 {taken.created} 行,修改 {taken.changed} 行,未变 {taken.same} 行"
            counts = {"created": taken.created, "changed": taken.changed, "same": taken.same}
            journal.write(f"{register.name}.imported", scope.current().world, text=text, after=counts)
    return taken


def _heads(register: Register, line: tuple, taken: Taken) -> list[str]:
    """The path of each column of the sheet; "" for one that is only shown."""
    inputs = {c.label: c.path for c in register.inputs}
    shown = {c.label for c in columns_of(register)}
    titles = [str(v or "").strip() for v in line]
    for title in titles:
        if title and title not in inputs and title not in shown and title != KEY:
            taken.faults.append(Fault(1, title[:40], "台账中没有这一列,请使用模板"))
    for title in {t for t in titles if t and titles.count(t) > 1}:
        taken.faults.append(Fault(1, title[:40], "这一列出现了多次"))
    made = form_of(register).base_fields
    absent = [label for label, path in inputs.items() if made[path].required and label not in titles]
    taken.faults += [Fault(1, label, "缺少必填列") for label in absent]
    return [] if taken.faults else [KEY if t == KEY else inputs.get(t, "") for t in titles]


def _take_line(register: Register, n: int, cells: dict[str, Any], taken: Taken, known: dict[str, dict]) -> None:
    key_field = register.model._meta.pk.name  # type: ignore[union-attr]
    key = cells.get(KEY) if keyed(register) else cells.get(key_field)
    row = _row(register, key)
    if row is None and key not in (None, "") and keyed(register):
        taken.faults.append(Fault(n, KEY, f"没有编号为 {str(key)[:40]} 的记录,或不在您的管辖范围内"))
        return
    form = line_form(register, row, {p: v for p, v in cells.items() if p and p != KEY})
    for name, made in form.fields.items():
        if isinstance(made, KeyField):
            made.known = known.setdefault(name, {})  # one look-up for one name in a whole sheet
    before = facts(register, row) if row is not None else None
    if not form.is_valid():
        labels = {c.path: c.label for c in register.inputs}
        for name, messages in form.errors.items():
            taken.faults.append(Fault(n, labels.get(name, "整行"), ";".join(map(str, messages))))
    elif save(form, before):
        taken.created, taken.changed = taken.created + (row is None), taken.changed + (row is not None)
    else:
        taken.same += 1


def _row(register: Register, key: Any) -> models.Model | None:
    if key in (None, ""):
        return None
    text = str(int(key)) if isinstance(key, float) and key.is_integer() else str(key).strip()
    try:
        return register.seen().filter(pk=text).first() if "\x00" not in text else None
    except (ValueError, OverflowError):
        return None


def line_form(register: Register, row: models.Model | None, given: dict[str, Any]) -> RowForm:
    """The register's form filled from typed cells; what is not given stays as it is."""
    form = form_of(register)(instance=row)
    data = {}
    for column in register.inputs:
        if column.path in given:
            data[column.path] = column.typed(given[column.path])
        elif row is not None:
            data[column.path] = column.typed(column.cell(row))
        elif (initial := form[column.path].initial) is not None:
            data[column.path] = initial
    form.data, form.is_bound = data, True  # type: ignore[assignment]
    return form
