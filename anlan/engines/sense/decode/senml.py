"""SenML, RFC 8428: records resolved against base fields, as JSON (6) or CBOR (6), labels as in its table 1.

A record without a value and without a sum says only bases. Of a sum alone nothing can be judged, so it is refused, as
are texts, booleans and data. A version above 10 and a field that must be understood (its name ends in _) refuse the pack.
"""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import cbor2

from .batch import Batch, Collected, Names, Undecodable, shown
from .plain import Wrong, check_count, loaded, number

VERSION = 10
RELATIVE = 1 << 28
"""Times below are seconds from now (4.5.3)."""
LABELS = {-1: "bver", -2: "bn", -3: "bt", -4: "bu", -5: "bv", -6: "bs", 0: "n", 1: "u", 2: "v", 3: "vs", 4: "vb", 5: "s", 6: "t", 7: "ut", 8: "vd"}
KNOWN = frozenset(LABELS.values())
OTHER = {"vs": "文本", "vb": "布尔", "vd": "数据"}
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-:./_]*")
DEEP = 16
DIGITS = 12


def from_json(body: bytes, names: Names, now_ms: int) -> Batch:
    return _resolved(loaded(body), names, now_ms)


def from_cbor(body: bytes, names: Names, now_ms: int) -> Batch:
    stream = BytesIO(body)
    try:
        pack = cbor2.load(stream, max_depth=DEEP)
    except Exception as fault:  # whatever a hostile body makes the decoder raise
        raise Undecodable(f"不是有效的 CBOR:{shown(fault, 80)}") from fault
    if stream.tell() != len(body):
        raise Undecodable(f"CBOR 之后还有 {len(body) - stream.tell()} 字节")
    return _resolved(pack, names, now_ms)


def _resolved(pack: Any, names: Names, now_ms: int) -> Batch:
    if not isinstance(pack, list):
        raise Undecodable("SenML 应为记录的数组")
    check_count(len(pack))
    base: dict[str, Any] = {"bn": "", "bt": 0.0, "bu": "", "bv": 0.0}
    found = Collected(names)
    for place, record in enumerate(pack):
        try:
            _record(found, place, _named(record), base, now_ms)
        except Wrong as wrong:
            found.refuse(place, str(wrong))
    return found.batch()


def _named(record: Any) -> dict[str, Any]:
    """A record by names; CBOR gives numbers for them."""
    if not isinstance(record, dict):
        raise Wrong("应为对象")
    named: dict[Any, Any] = {LABELS.get(k, k) if isinstance(k, int) and not isinstance(k, bool) else k: v for k, v in record.items()}
    if must := next((k for k in named if isinstance(k, str) and k.endswith("_") and k not in KNOWN), None):
        raise Undecodable(f"SenML 字段 {shown(must)} 要求理解,本系统不支持")
    if "bver" in named and not (isinstance(named["bver"], int) and 0 < named["bver"] <= VERSION):
        raise Undecodable(f"SenML 版本 {shown(named['bver'])} 不支持")
    return named


def _record(found: Collected, place: int, record: dict[str, Any], base: dict[str, Any], now_ms: int) -> None:
    for name, kind in (("bn", str), ("bu", str), ("bt", float), ("bv", float)):
        if name in record:
            base[name] = _typed(record, name, kind)
    if not any(name in record for name in ("v", "s", "bs", *OTHER)):
        if "n" in record:
            raise Wrong("缺少数值 v")
        return
    name = base["bn"] + (_typed(record, "n", str) if "n" in record else "")
    if not NAME.fullmatch(name):
        raise Wrong(f"测点名称不合 SenML 规定:{shown(name)}" if name else "缺少测点名称 n 或 bn")
    seconds = base["bt"] + (_typed(record, "t", float) if "t" in record else 0.0)
    at = now_ms + _ms(seconds) if seconds < RELATIVE else _ms(seconds)
    unit = _typed(record, "u", str) if "u" in record else base["bu"]
    try:
        found.add(place, name, at, _value(record, base["bv"]), unit)
    except Wrong as wrong:
        found.spoil(place, name, at, str(wrong))


def _value(record: dict[str, Any], base: float) -> float:
    """The value, its base added; binary fractions that this brings in are rounded off."""
    if "v" in record:
        value = _typed(record, "v", float)
        return number(round(base + value, DIGITS)) if base else value
    other = next((said for name, said in OTHER.items() if name in record), None)
    raise Wrong(f"{other}值不能判断,须为数值 v" if other else "只有累计值 s,没有数值 v")


def _typed(record: dict[str, Any], name: str, kind: type) -> Any:
    value = record[name]
    if kind is str:
        if not isinstance(value, str):
            raise Wrong(f"{name} 应为文本")
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Wrong(f"{name} 应为数值")
    return number(value)


def _ms(seconds: float) -> int:
    try:
        return round(seconds * 1000)
    except OverflowError:
        raise Wrong(f"时间无法识别:{seconds:g}") from None
