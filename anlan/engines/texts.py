"""The words of a paper as one text: .txt, .docx, .xlsx, .pdf with a text layer. A row of a table becomes a line of tabbed cells."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import docx
from openpyxl import load_workbook
from openpyxl.utils import column_index_from_string
from pypdf import PdfReader
from pypdf.errors import PyPdfError

from anlan.engines.refused import Refused
from anlan.engines.word_text import lines

LARGEST = 25 * 1024 * 1024
UNCOUNTED = "〔公式未计算〕"
"""In place of a cell whose formula nobody has worked out: a person has to look."""


def text_of(path: Path) -> str:
    """The text of a file. Raises Refused, in words, when it is none of the four or has no text to read."""
    if not path.is_file():
        raise Refused(f"没有文件 {path}")
    if path.stat().st_size > LARGEST:
        raise Refused(f"{path.name} 超过 {LARGEST // 1024 // 1024} MB")
    readers = {".txt": _txt, ".docx": _docx, ".xlsx": _xlsx, ".pdf": _pdf}
    if path.suffix.lower() not in readers:
        raise Refused(f"{path.name}:只读 .txt、.docx、.xlsx 和带文字层的 .pdf")
    text = readers[path.suffix.lower()](path)
    if not text.strip():
        raise Refused(f"{path.name} 里没有文字;扫描件请先识别成文字再导入")
    return text


def _txt(path: Path) -> str:
    raw = path.read_bytes()
    for code in ("utf-8-sig", "gb18030", "utf-16"):
        try:
            return raw.decode(code)
        except UnicodeDecodeError:
            continue
    raise Refused(f"{path.name} 的文字编码不能识别,请另存为 UTF-8")


def _docx(path: Path) -> str:
    _check_zip(path, {"word/document.xml": ((b"<w:p>", b"<w:p "), PARAGRAPHS, "段落")})
    try:
        return "\n".join(lines(docx.Document(str(path))))
    except Exception as fault:  # a broken zip, XML or relation raises whatever its library has
        raise Refused(f"{path.name} 不是能打开的 Word 文件") from fault


def _xlsx(path: Path) -> str:
    _check_zip(path, {"xl/worksheets/": ((b"<c ", b"<c>"), CELLS, "单元格")})
    _check_merged(path)
    try:
        values, formulas = load_workbook(path, data_only=True), load_workbook(path)
        return "\n".join(line for sheet in values.worksheets for line in _rows(sheet, formulas[sheet.title]))
    except Refused:
        raise
    except Exception as fault:  # a broken zip or XML raises whatever its library has
        raise Refused(f"{path.name} 不是能打开的 Excel 文件") from fault


UNPACKED, PARAGRAPHS, CELLS, MERGED = 60 * 1024 * 1024, 40_000, 300_000, 200_000
"""Bytes of an unpacked paper, its paragraphs, its cells, and how many cells it may merge: each is more than any plan has, and
is read within some seconds."""
REF = re.compile(rb'<mergeCell[^>]*ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')


def _check_zip(path: Path, parts: dict[str, tuple[tuple[bytes, ...], int, str]]) -> None:
    """Refuse a paper that is larger than it looks, before anything is made of it."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if len(entries) > 5000 or sum(e.file_size for e in entries) > UNPACKED:
                raise Refused(f"{path.name} 解开后超过 {UNPACKED // 1024 // 1024} MB,请删去图片后再试")
            for start, (marks, most, what) in parts.items():
                texts = (archive.read(e) for e in entries if e.filename.startswith(start) and e.filename.endswith(".xml"))
                if sum(text.count(mark) for text in texts for mark in marks) > most:
                    raise Refused(f"{path.name} 的{what}超过 {most} 个,请拆成几个文件")
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, zlib.error, ValueError) as fault:
        raise Refused(f"{path.name} 不是能打开的 {what_of[path.suffix.lower()]} 文件") from fault


def _check_merged(path: Path) -> None:
    area = 0
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                for left, top, right, bottom in REF.findall(archive.read(name)):
                    wide = column_index_from_string(right.decode()) - column_index_from_string(left.decode()) + 1
                    area += max(1, wide) * max(1, int(bottom) - int(top) + 1)
    if area > MERGED:
        raise Refused(f"{path.name} 合并了 {area} 个单元格,请只保留有内容的行和列")


def _rows(sheet: Any, formulas: Any) -> Iterator[str]:
    """Only rows that hold something. A cell merged over several rows holds for each of them that is an entry of its own,
    which its first cell tells."""
    held: dict[tuple[int, int], Any] = {}
    for span in sheet.merged_cells.ranges:
        cell = sheet.cell(span.min_row, span.min_col)
        held |= {(row, span.min_col): cell for row in range(span.min_row + 1, span.max_row + 1)}
    rows: dict[int, dict[int, Any]] = {}
    for (row, column), cell in sheet._cells.items():
        if cell.value is not None or formulas.cell(row, column).value is not None:
            rows.setdefault(row, {})[column] = cell
    for row, cells in sorted(rows.items()):
        if 1 in cells:
            cells = {**{column: cell for (at, column), cell in held.items() if at == row}, **cells}
        yield _line(cells, formulas).rstrip("\t")


def _line(cells: dict[int, Any], formulas: Any) -> str:
    """Cells at their columns; a stray one far to the right follows the others."""
    near = [_cell(cells[n], formulas) if n in cells else "" for n in range(1, max((n for n in cells if n <= WIDE), default=0) + 1)]
    return "\t".join([*near, *(_cell(cells[n], formulas) for n in sorted(cells) if n > WIDE)])


WIDE = 256
what_of = {".docx": "Word", ".xlsx": "Excel"}


def _cell(cell: Any, formulas: Any) -> str:
    value = cell.value
    if value is None:
        return UNCOUNTED if formulas.cell(cell.row, cell.column).value is not None else ""
    if isinstance(value, int | float) and not isinstance(value, bool) and "%" in str(cell.number_format):
        return f"{value * 100:.10g}%"
    if isinstance(value, date):
        return f"{value.year}年{value.month}月{value.day}日"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return " ".join(str(value).split())


def _pdf(path: Path) -> str:
    try:
        return "\n".join(page.extract_text() for page in PdfReader(path).pages)
    except (PyPdfError, ValueError, KeyError, TypeError, RecursionError) as fault:
        raise Refused(f"{path.name} 不是能打开的 PDF 文件") from fault
