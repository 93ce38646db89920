"""Excel out: registers of any length, and templates that check what is filled in."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, BinaryIO

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from anlan.engines.papers import words
from anlan.engines.refused import Refused

from .cells import Column

ROWS = 1_000_000
TEXT = 32_767
_PATTERN = {"date": "yyyy-mm-dd", "datetime": "yyyy-mm-dd hh:mm", "text": "@", "choice": "@", "number": "General"}
_KINDS = {"text": "文字", "number": "数字", "date": "日期", "datetime": "日期和时间", "choice": "从列表选择"}
# What a spreadsheet program would take for a formula when the text is typed in or opened as CSV.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write(
    out: BinaryIO,
    title: str,
    columns: Sequence[Column],
    rows: Iterable[Mapping[str, Any] | Sequence[Any]],
    *,
    at: datetime,
    totals: Sequence[str] = (),
    mark: str = "",
) -> int:
    """Write rows, as mappings by column key or as sequences, in constant memory; how many. Equal input, equal bytes."""
    book = _book(out, title, at, mark)
    formats = _formats(book)
    sheet = book.add_worksheet(_sheet_name(title))
    top = _head(book, sheet, title, columns, mark)
    sums: dict[str, float] = dict.fromkeys(totals, 0)
    done = 0
    for row in rows:
        if done >= ROWS:
            book.close()
            raise Refused("超过 100 万行,一张表放不下。请用区市或时间缩小范围后再导出。")
        done += 1
        values = [row.get(column.key) for column in columns] if isinstance(row, Mapping) else list(row)
        for at_column, (column, value) in enumerate(zip(columns, values, strict=True)):
            _cell(sheet, top + done, at_column, column, value, formats)
            if column.title in sums and isinstance(value, int | float) and math.isfinite(value):
                sums[column.title] += value
    sheet.autofilter(top, 0, top + done, len(columns) - 1)
    if totals:
        _totals(book, sheet, top + done + 1, columns, sums)
    book.close()
    return done


def template(
    out: BinaryIO,
    title: str,
    columns: Sequence[Column],
    *,
    at: datetime,
    guide: Sequence[str] = (),
    mark: str = "",
    rows: int = 5_000,
) -> None:
    """An empty sheet with drop-down lists and checks on its first *rows* rows, and a sheet of instructions."""
    templates(out, title, {title: columns}, at=at, guide=guide, mark=mark, rows=rows)


def templates(
    out: BinaryIO,
    title: str,
    sheets: Mapping[str, Sequence[Column]],
    *,
    at: datetime,
    guide: Sequence[str] = (),
    mark: str = "",
    rows: int = 5_000,
) -> None:
    """The same for several sheets in one workbook, by title."""
    book = _book(out, title, at, mark)
    lists: list[tuple[str, ...]] = []
    for name, columns in sheets.items():
        sheet = book.add_worksheet(_sheet_name(name))
        top = _head(book, sheet, name, columns, mark, star=True)
        for at_column, column in enumerate(columns):
            sheet.set_column(at_column, at_column, column.wide, book.add_format({"num_format": _PATTERN[column.kind]}))
            if rule := _rule(column, lists):
                sheet.data_validation(top + 1, at_column, top + rows, at_column, rule)
    _guide(book, sheets, guide)
    _lists(book, lists)
    book.close()


def _book(out: BinaryIO, title: str, at: datetime, mark: str) -> xlsxwriter.Workbook:
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(out, options)
    local = words.local(at)
    assert isinstance(local, datetime)
    moment = local.replace(tzinfo=None, microsecond=0)
    book.set_properties({"title": words.plain(title)[:255], "created": moment, "category": words.plain(mark)[:255]})
    return book


def _formats(book: xlsxwriter.Workbook) -> dict[str, Any]:
    made = {kind: book.add_format({"num_format": pattern}) for kind, pattern in _PATTERN.items()}
    made["quoted"] = book.add_format({"num_format": "@", "quote_prefix": True})
    return made


def _sheet_name(title: str) -> str:
    return "".join("_" if sign in "[]:*?/\\'" else sign for sign in words.plain(title))[:31].strip() or "数据"


def _head(
    book: xlsxwriter.Workbook, sheet: Any, title: str, columns: Sequence[Column], mark: str, star: bool = False
) -> int:
    """Title row, after the red mark row if any; returns the row of column titles."""
    top = 1 if mark else 0
    if mark:
        sheet.write_string(
            0, 0, words.plain(mark), book.add_format({"bold": True, "font_color": "#FF0000", "font_size": 14})
        )
    look = {"bold": True, "bg_color": "#E7E6E6", "border": 1, "align": "center", "valign": "vcenter", "text_wrap": True}
    head = book.add_format(look)
    for at, column in enumerate(columns):
        sheet.set_column(at, at, column.wide)
        sheet.write_string(top, at, column.title + ("*" if star and column.required else ""), head)
    sheet.freeze_panes(top + 1, 0)
    sheet.repeat_rows(0, top)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    shown = words.plain(title).replace("&", "&&")[:100]
    warned = f"&KFF0000{words.plain(mark).replace('&', '&&')[:60]}&K000000 " if mark else ""
    sheet.set_header(f"&C{warned}{shown}")
    sheet.set_footer("&C第 &P 页 共 &N 页")
    return top


def _cell(sheet: Any, row: int, at: int, column: Column, value: Any, formats: Mapping[str, Any]) -> None:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return
    if isinstance(value, bool):
        sheet.write_string(row, at, "是" if value else "否", formats["text"])
    elif isinstance(value, datetime):
        local = words.local(value)
        assert isinstance(local, datetime)
        sheet.write_datetime(
            row, at, local.replace(tzinfo=None), formats["date" if column.kind == "date" else "datetime"]
        )
    elif isinstance(value, date):
        sheet.write_datetime(row, at, value, formats["date"])
    elif column.kind == "number" and not isinstance(value, str):
        sheet.write_number(row, at, value, formats["number"])
    else:
        text = words.plain(value)
        text = text if len(text) <= TEXT else text[: TEXT - 1] + "…"
        sheet.write_string(row, at, text, formats["quoted" if text.startswith(_FORMULA) else "text"])


def _totals(
    book: xlsxwriter.Workbook, sheet: Any, row: int, columns: Sequence[Column], sums: Mapping[str, float]
) -> None:
    bold = book.add_format({"bold": True, "top": 1})
    sheet.write_string(row, 0, "合计", bold)
    for at, column in enumerate(columns):
        if at and column.title in sums:
            sheet.write_number(row, at, sums[column.title], bold)


def _rule(column: Column, lists: list[tuple[str, ...]]) -> dict[str, Any] | None:
    more = {
        "ignore_blank": True,
        "error_title": column.title[:32],
        "error_message": f"请按填写说明填写{_KINDS[column.kind]}。"[:255],
        "input_title": column.title[:32],
        "input_message": column.hint[:255],
    }
    if column.kind == "choice":
        lists.append(column.choices)
        name = xl_col_to_name(len(lists) - 1, col_abs=True)
        return {"validate": "list", "source": f"=选项!{name}$1:{name}${len(column.choices)}", **more}
    if column.kind == "number":
        low, high = (-1e15 if column.low is None else column.low), (1e15 if column.high is None else column.high)
        kind = "integer" if column.whole else "decimal"
        return {"validate": kind, "criteria": "between", "minimum": low, "maximum": high, **more}
    if column.kind in ("date", "datetime"):
        return {"validate": "date", "criteria": ">=", "value": date(1954, 10, 3), **more}
    return {"validate": "any", **more} if column.hint else None


def _guide(book: xlsxwriter.Workbook, sheets: Mapping[str, Sequence[Column]], guide: Sequence[str]) -> None:
    sheet = book.add_worksheet("填写说明")
    bold = book.add_format({"bold": True, "bottom": 1})
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    for at, (name, wide) in enumerate((("列名", 18), ("必填", 8), ("类型", 14), ("说明", 44), ("可选值或示例", 44))):
        sheet.set_column(at, at, wide)
        sheet.write_string(0, at, name, bold)
    lines: list[tuple[str, ...]] = []
    for name, columns in sheets.items():
        lines += [(f"工作表:{name}",)] if len(sheets) > 1 else []
        lines += [_about(column) for column in columns]
    for row, texts in enumerate(lines, 1):
        for at, text in enumerate(texts):
            sheet.write_string(row, at, text, wrap if len(texts) > 1 else bold)
    general = ("带 * 的列必填;不要改动列名。", "电话、身份证号等长号码所在的列已设为文本,请勿改成数字。", *guide)
    for row, text in enumerate(general, len(lines) + 2):
        sheet.write_string(row, 0, text)


def _about(column: Column) -> tuple[str, ...]:
    shown = "、".join(column.choices) or column.example
    return column.title, "必填" if column.required else "选填", _KINDS[column.kind], column.hint, shown[:TEXT]


def _lists(book: xlsxwriter.Workbook, lists: Sequence[tuple[str, ...]]) -> None:
    if not lists:
        return
    sheet = book.add_worksheet("选项")
    for row in range(max(len(choices) for choices in lists)):
        for at, choices in enumerate(lists):
            if row < len(choices):
                sheet.write_string(row, at, choices[row])
    sheet.hide()
