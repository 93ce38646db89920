"""History from others: CSV and Parquet with the columns sensor, time, value, read in chunks of a million lines.

Times are ISO 8601 with an offset, or seconds since 1970; in Parquet also TIMESTAMP WITH TIME ZONE. A bad line is told with
its number and the reason in Chinese, and the others are kept. A file that cannot be read at all raises Refused.
"""

from __future__ import annotations

import codecs
import csv
import math
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from ..refused import Refused
from .parquet import cursor, quoted

CHUNK_ROWS = 1_000_000
LAST_S = 4_102_444_800
"""Year 2100: what lies behind is milliseconds taken for seconds, or nonsense."""
HEADERS = {
    "sensor": ("sensor", "测点", "测点编号"),
    "time": ("time", "时间", "监测时间"),
    "value": ("value", "数值", "值", "监测值"),
}
TIME_LIKE = "应如2023-02-24T08:00:00+08:00"
NAMED = {"sensor": "测点", "time": "时间", "value": "数值"}
Index = Mapping[str, int]
Cells = Sequence[Any] | str
"""Sensor, time and value as they stand, or why they cannot be read."""


@dataclass(frozen=True)
class Fault:
    line: int
    """In a CSV the line of the file, the header being line 1; in Parquet the row, from 1."""
    reason: str


@dataclass(frozen=True)
class Chunk:
    """The good rows of up to CHUNK_ROWS lines, in the order of the file: each (n,), time in ms, line as a fault names it."""

    line: NDArray[np.int64]
    sensor: NDArray[np.int32]
    time: NDArray[np.int64]
    value: NDArray[np.float64]
    faults: list[Fault]

    @property
    def lines(self) -> int:
        return len(self.time) + len(self.faults)


def read_csv(path: Path, index: Index, rows: int = CHUNK_ROWS) -> Iterator[Chunk]:
    """Chunks of a CSV in UTF-8 (with or without BOM), UTF-16 with BOM or GB18030, parted by comma, semicolon or tab.

    `index` gives the number of each sensor by its name. With semicolons 12,5 is read as 12.5.
    """
    with open(path, encoding=_encoding(path), errors="replace", newline="") as handle:
        head = handle.readline()
        delimiter = max(";,\t", key=head.count)
        header = next(csv.reader([head], delimiter=delimiter), [])
        columns = _columns(header)
        number = _comma_value if delimiter == ";" else _value
        lines = _lines(csv.reader(handle, delimiter=delimiter), columns, len(header))
        while (chunk := _chunk(index, islice(lines, rows), number)).lines:
            yield chunk


def read_parquet(path: Path, index: Index, rows: int = CHUNK_ROWS) -> Iterator[Chunk]:
    """Chunks of a Parquet file; sensors are named by text or number, times as the head of this module says."""
    with cursor() as database:
        source = f"read_parquet({quoted(path)})"
        try:
            told = database.execute(f"describe select * from {source}").fetchall()
            names = [row[0] for row in told]
            columns = [names[c] for c in _columns(names)]
            kind = next(row[1] for row in told if row[0] == columns[1])
            if kind.startswith("TIMESTAMP") and kind != "TIMESTAMP WITH TIME ZONE":
                raise Refused("时间列没有时区,请改为带时区的时间或纪元秒", "time")
            name, at, value = ('"' + c.replace('"', '""') + '"' for c in columns)
            at = f"epoch_us({at}) / 1000000" if kind == "TIMESTAMP WITH TIME ZONE" else at
            database.execute(f"select {name}, {at}, {value} from {source}")
            lines = 0
            while batch := database.fetchmany(rows):
                yield _chunk(index, enumerate(batch, lines + 1), _value)
                lines += len(batch)
        except duckdb.Error as fault:
            raise Refused(f"读不了这个 Parquet 文件:{fault}") from fault


def _encoding(path: Path) -> str:
    """UTF-8 when the whole file is; what is neither that nor marked is GB18030."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with open(path, "rb") as handle:
        if handle.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
        handle.seek(0)
        try:
            while block := handle.read(1 << 20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "gb18030"
    return "utf-8-sig"


def _columns(header: list[str]) -> list[int]:
    """Places of sensor, time and value."""
    known = [name.strip().lower() for name in header]
    found = {name: next((known.index(h) for h in words if h in known), None) for name, words in HEADERS.items()}
    if missing := [f"{NAMED[name]}({name})" for name, place in found.items() if place is None]:
        raise Refused(f"表头缺少列:{'、'.join(missing)}", "header")
    return [place for place in found.values() if place is not None]


def _lines(reader: Any, columns: list[int], width: int) -> Iterator[tuple[int, Cells]]:
    """The cells that count of every line that is not blank, with the line on which they end; the header was line 1.

    What stands behind the last column may be a decimal comma, and so the line is a fault.
    """
    while True:
        try:
            row = next(reader, None)
        except csv.Error as fault:
            yield reader.line_num + 1, str(fault)
            continue
        if row is None:
            return
        if any(row[width:]):
            yield reader.line_num + 1, f"有 {len(row)} 列,表头只有 {width} 列"
            continue
        cells = [row[c] if c < len(row) else "" for c in columns]
        if any(cells):
            yield reader.line_num + 1, cells


def _chunk(index: Index, lines: Iterable[tuple[int, Cells]], number: Callable[[Any], float]) -> Chunk:
    places, sensors, times, values, faults = array("q"), array("i"), array("q"), array("d"), []
    for line, cells in lines:
        try:
            if isinstance(cells, str):
                raise ValueError(f"这一行读不了({cells})")
            sensor, time, value = _sensor(index, cells[0]), _time_ms(cells[1]), number(cells[2])
        except ValueError as fault:
            faults.append(Fault(line, str(fault)))
        else:
            places.append(line)
            sensors.append(sensor)
            times.append(time)
            values.append(value)
    return Chunk(np.array(places, np.int64), np.array(sensors, np.int32), np.array(times, np.int64), np.array(values, np.float64), faults)


def _sensor(index: Index, name: Any) -> int:
    text = "" if name is None else str(name).strip()
    if text not in index:
        raise ValueError(f"没有名为“{text}”的测点" if text else "测点为空")
    return index[text]


def _time_ms(at: Any) -> int:
    """Milliseconds since 1970."""
    if isinstance(at, str):
        at = at.strip()
        seconds = _iso_s(at) if at[4:5] == "-" else _number_s(at)
    else:
        seconds = _number_s(at)
    if not 0 <= seconds < LAST_S:
        raise ValueError(f"时间“{at}”不在1970—2099年之间;数字应为秒,不是毫秒")
    return round(seconds * 1000)


def _number_s(at: Any) -> float:
    try:
        return float(at)
    except (TypeError, ValueError):
        raise ValueError(f"看不懂时间“{at}”,{TIME_LIKE}" if at not in (None, "") else "时间为空") from None


def _iso_s(text: str) -> float:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"看不懂时间“{text}”,{TIME_LIKE}") from None
    if when.tzinfo is None:
        raise ValueError(f"时间“{text}”没有时区,{TIME_LIKE}")
    return when.timestamp()


def _value(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"数值“{value}”不是数" if value not in (None, "") else "数值为空") from None
    if not math.isfinite(number):
        raise ValueError(f"数值“{value}”不是有限的数")
    return number


def _comma_value(value: str) -> float:
    return _value(value.replace(",", ".") if "." not in value else value)
