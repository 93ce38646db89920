"""One column of a workbook: how its cells are written, checked in Excel, and read back with patience."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from openpyxl.utils.datetime import from_excel

from anlan.engines.papers import words

Kind = Literal["text", "number", "date", "datetime", "choice"]


@dataclass(frozen=True)
class Column:
    """A column: title as people read it, name as programs do, kind, and what may stand in it."""

    title: str
    name: str = ""
    kind: Kind = "text"
    width: float = 0
    choices: tuple[str, ...] = ()
    required: bool = False
    low: float | None = None
    high: float | None = None
    whole: bool = False
    hint: str = ""
    example: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return self.name or self.title

    @property
    def wide(self) -> float:
        natural = sum(2 if unicodedata.east_asian_width(sign) in "WFA" else 1 for sign in self.title) + 4
        return self.width or max(natural, {"date": 12, "datetime": 18, "number": 10}.get(self.kind, 14))


class Wrong(Exception):
    """A cell cannot be taken: what is wrong, and what to do."""

    def __init__(self, wrong: str, remedy: str) -> None:
        super().__init__(f"{wrong}{remedy}")
        self.wrong, self.remedy = wrong, remedy


_SPACES = re.compile(r"\s+")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?")
_DAY = re.compile(r"(\d{4})(?:[-/.]|年)(\d{1,2})(?:[-/.]|月)(\d{1,2})日?")
_CLOCK = re.compile(r"(\d{1,2})(?:[::时点](?:(\d{1,2})(?:分|[::](\d{1,2})(?:\.\d+)?)?)?)")
_ERRORS = ("#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!")


def bare(title: object) -> str:
    """A title for comparing: width folded, no spaces, no star, no (必填)."""
    text = _SPACES.sub("", unicodedata.normalize("NFKC", words.plain(title)))
    return re.sub(r"^\*+|\*+$|\((必填|选填)\)$", "", text).lower()


def read(column: Column, value: Any) -> Any:
    """The cell's value in the column's kind, None when blank; Wrong says what to do."""
    if isinstance(value, str):
        value = words.plain(value).strip()
        if value.upper() in _ERRORS:
            raise Wrong(f"单元格是公式错误 {value}", "请改正公式,或直接填写结果")
    if value is None or value == "":
        if column.required:
            raise Wrong("没有填写", f"请填写「{column.title}」")
        return None
    return _READERS[column.kind](column, value)


def _text(column: Column, value: Any) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, datetime):
        return (
            f"{value:%Y-%m-%d}" if (value.hour, value.minute, value.second) == (0, 0, 0) else f"{value:%Y-%m-%d %H:%M}"
        )
    if isinstance(value, int | float):
        if abs(value) >= 1e15:
            raise Wrong(
                "长号码存成了数字,Excel 只保留前 15 位,后几位已丢失", "请先把该列设为「文本」格式,再重新填写号码"
            )
        return words.number(value, 10)
    return unicodedata.normalize("NFC", str(value))


def _number(column: Column, value: Any) -> int | float:
    said = f"“{value}”不是数字"
    if isinstance(value, bool | date):
        raise Wrong(said, "请只填数字")
    if isinstance(value, str):
        text = _SPACES.sub("", unicodedata.normalize("NFKC", value)).replace(",", "")
        if not _NUMBER.fullmatch(text):
            raise Wrong(said, "请只填数字,不带单位和文字,例如 12")
        value = float(text) if re.search(r"[.eE]", text) else int(text)
    if not math.isfinite(value):
        raise Wrong(said, "请只填数字")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    _bounds(column, value)
    return value


def _bounds(column: Column, value: int | float) -> None:
    if column.whole and not isinstance(value, int):
        raise Wrong(f"{value} 不是整数", "请填整数")
    if column.low is not None and value < column.low:
        raise Wrong(f"{value} 小于 {words.number(column.low)}", f"请填不小于 {words.number(column.low)} 的数")
    if column.high is not None and value > column.high:
        raise Wrong(f"{value} 大于 {words.number(column.high)}", f"请填不大于 {words.number(column.high)} 的数")


def _date(column: Column, value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    remedy = "请写成 2023-02-24 的样子"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _serial(value, remedy).date()
    text = unicodedata.normalize("NFKC", str(value)).strip()
    if re.fullmatch(r"\d{8}", text):
        text = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    if not (found := _DAY.match(text)) or not (
        text == found[0] or re.fullmatch(rf"[\sT]*{_CLOCK.pattern}", text[found.end() :])
    ):
        raise Wrong(f"“{value}”不是日期", remedy)
    return _calendar(value, remedy, *found.groups()).date()


def _datetime(column: Column, value: Any) -> datetime:
    remedy = "请写成 2023-02-24 08:05 的样子"
    if isinstance(value, datetime):
        return value.replace(tzinfo=words.SHANGHAI)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _serial(value, remedy).replace(tzinfo=words.SHANGHAI)
    text = unicodedata.normalize("NFKC", str(value)).strip()
    found = _DAY.match(text)
    hours = re.fullmatch(rf"[\sT]*{_CLOCK.pattern}", text[found.end() :]) if found else None
    if not found or not hours:
        raise Wrong(f"“{value}”缺少时间或不是时间", remedy)
    return _calendar(value, remedy, *found.groups(), *hours.groups()).replace(tzinfo=words.SHANGHAI)


def _calendar(value: Any, remedy: str, *parts: str | None) -> datetime:
    try:
        return datetime(*(int(part or 0) for part in parts))  # type: ignore[arg-type]
    except ValueError as error:
        raise Wrong(f"“{value}”不是日历上有的时间", remedy) from error


def _serial(value: float, remedy: str) -> datetime:
    if 19_000_101 <= value <= 29_991_231 and float(value).is_integer():
        text = str(int(value))
        return _calendar(text, remedy, text[:4], text[4:6], text[6:])
    # Excel's day numbers of 1954 to 2119; other numbers are surely something else.
    if not 20_000 <= value < 80_001:
        raise Wrong(f"“{words.number(value)}”不是日期", remedy)
    moment = from_excel(value)
    assert isinstance(moment, datetime)
    return moment


def _choice(column: Column, value: Any) -> str:
    wanted = bare(_text(column, value))
    for choice in column.choices:
        if bare(choice) == wanted:
            return choice
    some = "、".join(column.choices[:8]) + ("等" if len(column.choices) > 8 else "")
    raise Wrong(f"“{value}”不在可选值里", f"请从下拉列表选择:{some}")


_READERS: dict[str, Callable[[Column, Any], Any]] = {
    "text": _text,
    "number": _number,
    "date": _date,
    "datetime": _datetime,
    "choice": _choice,
}
