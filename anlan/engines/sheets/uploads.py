"""Excel in: find the titles wherever they stand, take every row, and say of each fault where it is and what to do."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, BinaryIO

import openpyxl

from anlan.engines.papers import words
from anlan.engines.refused import Refused

from .cells import Column, Wrong, bare
from .cells import read as read_cell

ROWS = 50_000
UNPACKED = 200 * 1024 * 1024
STRINGS = 60 * 1024 * 1024
PARTS = 2_000
COLUMNS = 300
SEARCHED = 15
_TOTALS = ("合计", "总计", "小计")


@dataclass(frozen=True)
class Fault:
    """One thing that cannot be taken: where, what is wrong, what to do."""

    row: int
    column: str
    wrong: str
    remedy: str

    def __str__(self) -> str:
        return f"第{self.row}行「{self.column}」:{self.wrong}。{self.remedy}。"


@dataclass(frozen=True)
class Row:
    """One row: its number as Excel shows it, its values by column key; a faulty cell has no value here."""

    number: int
    values: dict[str, Any]


@dataclass
class Upload:
    """What a workbook held: rows, faults, titles that nobody asked for, rows passed over as totals."""

    sheet: str
    rows: list[Row] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    totals: list[int] = field(default_factory=list)

    @property
    def sound(self) -> list[Row]:
        """The rows without any fault."""
        bad = {fault.row for fault in self.faults}
        return [row for row in self.rows if row.number not in bad]


@dataclass(frozen=True)
class _Place:
    """Where the titles stand: the last row of them, and the column of each key."""

    sheet: str
    row: int
    columns: dict[str, int]
    titles: tuple[str, ...]


def read(
    source: BinaryIO, columns: Sequence[Column], *, name: str = "表格", limit: int = ROWS, sheet: str = ""
) -> Upload:
    """Read an uploaded workbook. Refused when the file or its titles cannot be used; faults are in the result.

    ``sheet`` names one sheet of a workbook of several; it may be empty below its titles.
    """
    data = source.read(UNPACKED + 1)
    formulas = guard(data, name)
    book = _opened(data, name, cached=True)
    place = _find(book, columns, name, sheet)
    plain = _opened(data, name, cached=False) if formulas else None
    upload = Upload(place.sheet, unknown=_unknown(place, columns))
    for number, (shown, typed) in enumerate(_pairs(book, plain, place), place.row + 1):
        if all(value is None or (isinstance(value, str) and not value.strip()) for value in (*shown, *typed)):
            continue
        if _is_total(shown):
            upload.totals.append(number)
            continue
        if len(upload.rows) >= limit:
            raise Refused(f"「{name}」超过 {limit} 行。请按区市或时间拆成几个文件分别上传。")
        upload.rows.append(_row(number, shown, typed, place, columns, upload.faults))
    if not upload.rows and not sheet:
        raise Refused(f"「{name}」的工作表“{place.sheet}”里只有标题,没有数据行。")
    return upload


def guard(data: bytes, name: str) -> bool:
    """Refuse what is no sound xlsx, before anything is unpacked; True when some sheet holds formulas."""
    if not data.startswith(b"PK\x03\x04"):
        raise Refused(_stranger(data, name))
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            _sizes(entries, name)
            names = {entry.filename for entry in entries}
            if "xl/workbook.bin" in names:
                raise Refused(f"「{name}」是 .xlsb 二进制工作簿。请在 Excel 中另存为“Excel 工作簿(*.xlsx)”后再上传。")
            if "xl/workbook.xml" not in names or "[Content_Types].xml" not in names:
                raise Refused(f"「{name}」不是 Excel 工作簿(.xlsx)。请用下载的模板填写后上传。")
            sheets = [entry for entry in entries if entry.filename.startswith("xl/worksheets/")]
            for entry in entries:
                if entry.filename.endswith((".xml", ".rels")) and b"<!DOCTYPE" in archive.open(entry).read(1024):
                    raise Refused(f"「{name}」含有不安全的内容,不能接收。请用下载的模板重新填写。")
            return any(_contains(archive, entry, b"<f") for entry in sheets)
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError, zlib.error) as error:
        raise Refused(f"「{name}」已损坏,打不开。请在 Excel 中打开并另存后再上传。") from error


def _sizes(entries: Sequence[zipfile.ZipInfo], name: str) -> None:
    strings = sum(
        entry.file_size for entry in entries if not entry.filename.startswith(("xl/worksheets/", "xl/media/"))
    )
    if len(entries) > PARTS or strings > STRINGS or sum(entry.file_size for entry in entries) > UNPACKED:
        raise Refused(f"「{name}」解开后过大,不能接收。请删去图片和多余的工作表,或拆成几个文件。")
    if any(entry.flag_bits & 1 for entry in entries):
        raise Refused(f"「{name}」加了密码。请去掉密码后再上传。")


def _stranger(data: bytes, name: str) -> str:
    head = data[:2048].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    save = "请在 Excel 或 WPS 中打开,另存为“Excel 工作簿(*.xlsx)”后再上传。"
    if not data:
        return f"「{name}」是空文件(0 字节)。请重新选取后上传。"
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        if "EncryptedPackage".encode("utf-16-le") in data:
            return f"「{name}」加了密码,打不开。请去掉密码后再上传。"
        return f"「{name}」是旧版 .xls 文件。{save}"
    if head.startswith((b"<html", b"<!doctype", b"<table", b"<meta", b"<?xml")):
        return f"「{name}」其实是网页格式的表格,只是扩展名像 Excel。{save}"
    if b"\0" not in data[:2048] and re.search(rb"[,\t;].*\n?", data[:2048]):
        return f"「{name}」其实是 CSV 文本,只是扩展名像 Excel。{save}"
    return f"「{name}」不是 Excel 工作簿(.xlsx)。请用下载的模板填写后上传。"


def _contains(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, wanted: bytes) -> bool:
    last = b""
    pattern = re.compile(re.escape(wanted) + rb"[ >/]")
    with archive.open(entry) as part:
        while chunk := part.read(1 << 20):
            if pattern.search(last + chunk):
                return True
            last = chunk[-8:]
    return False


def _opened(data: bytes, name: str, *, cached: bool) -> Any:
    try:
        return openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=cached, keep_links=False)
    except Exception as error:  # openpyxl lets KeyError, ValueError, ParseError, … through for broken workbooks
        raise Refused(f"「{name}」内部结构有误,读不出来。请在 Excel 中打开并另存后再上传。") from error


def _lines(book: Any, sheet: str, first: int, last: int | None = None) -> Iterator[tuple[Any, ...]]:
    page = book[sheet]
    page.reset_dimensions()
    yield from page.iter_rows(min_row=first, max_row=last, max_col=COLUMNS, values_only=True)


def _pairs(book: Any, plain: Any, place: _Place) -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...]]]:
    shown = _lines(book, place.sheet, place.row + 1)
    typed = _lines(plain, place.sheet, place.row + 1) if plain else iter(())
    try:
        yield from zip_longest(shown, typed, fillvalue=())
    except Exception as error:
        raise Refused(
            f"工作表“{place.sheet}”内部结构有误,读到一半读不下去。请在 Excel 中打开并另存后再上传。"
        ) from error


def _find(book: Any, columns: Sequence[Column], name: str, sheet: str = "") -> _Place:
    """The sheet and rows in which most titles are found; merged titles may take up to three rows."""
    known = {bare(title): column.key for column in columns for title in (column.title, *column.aliases)}
    best = _Place("", 0, {}, ())
    pages = [page for page in book.worksheets if sheet in ("", page.title)]
    if not pages:
        raise Refused(f"「{name}」里没有工作表“{sheet}”。请用模板填写,不要删去或改名。")
    for page in pages:
        lines = list(_lines(book, page.title, 1, SEARCHED + 2))
        for start in range(min(SEARCHED, len(lines))):
            for depth in range(1, min(3, len(lines) - start) + 1):
                titles = _folded(lines[start : start + depth])
                found = {known[title]: at for at, title in enumerate(titles) if title in known}
                if len(found) > len(best.columns):
                    best = _Place(page.title, start + depth, found, tuple(titles))
    _check(best, columns, known, name)
    return best


def _folded(lines: Sequence[Sequence[Any]]) -> list[str]:
    """One title for each column: the lowest that is not blank."""
    return [
        next((bare(text) for text in reversed(stack) if text not in (None, "")), "") for stack in zip_longest(*lines)
    ]


def _check(place: _Place, columns: Sequence[Column], known: dict[str, str], name: str) -> None:
    titles = "、".join(column.title for column in columns)
    if not place.columns:
        raise Refused(f"「{name}」里没有找到标题行。标题应有:{titles}。请用下载的模板填写。")
    twice = [c.title for c in columns if sum(known.get(title) == c.key for title in place.titles) > 1]
    if twice:
        raise Refused(f"「{name}」里有重复的列:{words.join(twice)}。请只留一列。")
    missing = [column.title for column in columns if column.required and column.key not in place.columns]
    if missing:
        raise Refused(f"「{name}」缺少必填的列:{words.join(missing)}。请补上这些列,或用下载的模板填写。")


def _unknown(place: _Place, columns: Sequence[Column]) -> list[str]:
    taken = set(place.columns.values())
    return [title for at, title in enumerate(place.titles) if title and at not in taken]


def _is_total(shown: Sequence[Any]) -> bool:
    first = next((value for value in shown if value not in (None, "")), None)
    return isinstance(first, str) and bare(first).rstrip(":") in _TOTALS


def _row(
    number: int,
    shown: Sequence[Any],
    typed: Sequence[Any],
    place: _Place,
    columns: Sequence[Column],
    faults: list[Fault],
) -> Row:
    values: dict[str, Any] = {}
    for column in columns:
        at = place.columns.get(column.key)
        value = shown[at] if at is not None and at < len(shown) else None
        formula = typed[at] if at is not None and at < len(typed) else None
        try:
            if value is None and isinstance(formula, str) and formula.startswith("="):
                raise Wrong("公式没有算出结果", "请在 Excel 中打开并保存一次,或直接填写结果")
            values[column.key] = read_cell(column, value)
        except Wrong as fault:
            faults.append(Fault(number, column.title, fault.wrong, fault.remedy))
    return Row(number, values)
