"""The words of a paper as one text: .txt, .docx, .pdf with a text layer. A row of a table becomes a line of tabbed cells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import docx
from docx.document import Document
from docx.table import Table
from pypdf import PdfReader
from pypdf.errors import PyPdfError

from anlan.engines.refused import Refused

LARGEST = 25 * 1024 * 1024


def text_of(path: Path) -> str:
    """The text of a file. Raises Refused, in words, when it is none of the three or has no text to read."""
    if not path.is_file():
        raise Refused(f"没有文件 {path}")
    if path.stat().st_size > LARGEST:
        raise Refused(f"{path.name} 超过 {LARGEST // 1024 // 1024} MB")
    readers = {".txt": _txt, ".docx": _docx, ".pdf": _pdf}
    if path.suffix.lower() not in readers:
        raise Refused(f"{path.name}:只读 .txt、.docx 和带文字层的 .pdf")
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


def _pdf(path: Path) -> str:
    try:
        return "\n".join(page.extract_text() for page in PdfReader(path).pages)
    except (PyPdfError, ValueError, KeyError, TypeError, RecursionError) as fault:
        raise Refused(f"{path.name} 不是能打开的 PDF 文件") from fault
