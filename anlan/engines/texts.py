"""The words of a paper as one text: .txt, .docx, .xlsx, .pdf with a text layer. A row of a table becomes a line of tabbed cells."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import docx
from docx.document import Document
from docx.table import Table
from openpyxl import load_workbook
from pypdf import PdfReader
from pypdf.errors import PyPdfError

from anlan.engines.refused import Refused

LARGEST = 25 * 1024 * 1024


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
    try:
        return "\n".join(_lines(docx.Document(str(path))))
    except Exception as fault:  # a broken zip, XML or relation raises whatever its library has
        raise Refused(f"{path.name} 不是能打开的 Word 文件") from fault


def _lines(paper: Document) -> Iterator[str]:
    for block in paper.iter_inner_content():
        if isinstance(block, Table):
            for row in block.rows:
                cells = list(dict.fromkeys(row.cells))  # a merged cell stands once
                yield "\t".join(" ".join(c.text.split()) for c in cells)
        else:
            yield block.text


def _xlsx(path: Path) -> str:
    try:
        book = load_workbook(path, data_only=True)
        return "\n".join(line for sheet in book.worksheets for line in _rows(sheet))
    except Exception as fault:  # a broken zip or XML raises whatever its library has
        raise Refused(f"{path.name} 不是能打开的 Excel 文件") from fault


def _rows(sheet: Any) -> Iterator[str]:
    """A cell merged over several rows holds for each of them that is an entry of its own, which its first cell tells."""
    held: dict[tuple[int, int], Any] = {}
    for span in sheet.merged_cells.ranges:
        value = sheet.cell(span.min_row, span.min_col).value
        held |= {(row, span.min_col): value for row in range(span.min_row + 1, span.max_row + 1)}
    for row in sheet.iter_rows():
        entry = row[0].value not in (None, "")
        cells = [_cell(c.value if c.value is not None or not entry else held.get((c.row, c.column))) for c in row]
        yield "\t".join(cells).rstrip("\t")


def _cell(value: Any) -> str:
    if value is None:
        return ""
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
