"""How dates, levels, spans, counts and lists are said in Chinese papers and on pages."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from anlan.engines.grades import LEVELS

SHANGHAI = ZoneInfo("Asia/Shanghai")
UNKNOWN = "—"
NONE = "无"

GRADES = tuple(LEVELS.values())
COLOURS = ("红色", "橙色", "黄色", "蓝色")
ACCIDENTS = ("特别重大", "重大", "较大", "一般")
RISKS = ("重大风险", "较大风险", "一般风险", "低风险")
SEVERITIES = ("特别严重", "严重", "较重", "一般")

_DIGITS = "零一二三四五六七八九"
# What XML 1.0 cannot carry, and the characters that turn or hide the text around them.
_UNPRINTABLE = re.compile(
    r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u200b\u200e\u200f\u202a-\u202e\ufeff]"
)


def plain(text: object) -> str:
    """The text without characters that a paper cannot carry."""
    return _UNPRINTABLE.sub("", str(text))


_HAN = r"\u2014\u2018-\u201d\u3001-\u303f\u4e00-\u9fff\uff01-\uff1f"
_STOP = re.compile(rf"(?<=[{_HAN}])[,:;?!]|[,:;?!](?=[{_HAN}])")
_PAIR = re.compile(rf"\((?=[^()]*[{_HAN}])([^()]*)\)|(?<=[{_HAN}])\(([^()]*)\)|\(([^()]*)\)(?=[{_HAN}])")


def typeset(text: object) -> str:
    """The text as a paper prints it: stops and brackets beside Chinese words take their full width; 8:05 stays."""
    paired = _PAIR.sub(lambda found: f"\uff08{found[1] or found[2] or found[3] or ''}\uff09", plain(text))
    return _STOP.sub(lambda found: chr(ord(found[0]) + 0xFEE0), paired)


def local(moment: date | datetime) -> date | datetime:
    """The same moment on a Shanghai wall clock; days and naive times stay as they are."""
    if isinstance(moment, datetime) and moment.tzinfo:
        return moment.astimezone(SHANGHAI)
    return moment


def day(moment: date | datetime) -> str:
    """The day as papers write it: 2023年2月24日."""
    here = local(moment)
    return f"{here.year}年{here.month}月{here.day}日"


def clock(moment: datetime) -> str:
    """08:05"""
    return f"{local(moment):%H:%M}"


def moment(at: datetime) -> str:
    """A day and time of day: 2023年2月24日8时5分, without minutes on the hour."""
    here = local(at)
    assert isinstance(here, datetime)
    minutes = f"{here.minute}分" if here.minute else ""
    return f"{day(here)}{here.hour}时{minutes}"


def as_of(at: datetime) -> str:
    """The moment that figures stand for: 截至2022年9月16日8时."""
    return "截至" + moment(at)


def _graded(words: tuple[str, ...], level: int | None) -> str:
    if level is None:
        return UNKNOWN
    if level not in (1, 2, 3, 4):
        raise ValueError(f"level {level!r} is not 1 to 4")
    return words[level - 1]


def grade(level: int | None) -> str:
    """Ⅰ级 … Ⅳ级, for responses and warnings."""
    return _graded(GRADES, level)


def colour(level: int | None) -> str:
    """The colour word of a level, from red 红色 to blue 蓝色."""
    return _graded(COLOURS, level)


def accident(level: int | None) -> str:
    """特别重大 … 一般; not the risk words, in which 重大 stands one step higher."""
    return _graded(ACCIDENTS, level)


def risk(level: int | None) -> str:
    """The risk word of a level: 重大风险 … 低风险."""
    return _graded(RISKS, level)


def severity(level: int | None) -> str:
    """The severity word of a level in warning texts, from 特别严重 to 一般."""
    return _graded(SEVERITIES, level)


def span(length: timedelta | float) -> str:
    """1小时20分; 3天2小时; 45秒. A length in seconds or a timedelta; the two largest units speak."""
    seconds = round(length.total_seconds() if isinstance(length, timedelta) else length)
    if seconds < 0:
        return "负" + span(-seconds)
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, rest = divmod(rest, 60)
    parts = [(days, "天"), (hours, "小时"), (minutes, "分"), (rest, "秒")]
    while parts and not parts[0][0]:
        parts.pop(0)
    return "".join(f"{value}{unit}" for value, unit in parts[:2] if value) or "0秒"


def number(value: float | None, places: int = 2) -> str:
    """12, 3.5, — for unknown; no trailing zeros, no thousands separators, as papers print them."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return UNKNOWN
    text = f"{value:.{places}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def count(value: float | None, unit: str, places: int = 2) -> str:
    """3起, 1.5万元; unknown stays — without a unit."""
    text = number(value, places)
    return text if text == UNKNOWN else text + unit


def percent(part: float | None, whole: float | None, places: int = 1) -> str:
    """83.3%; — when there is nothing to divide by."""
    if part is None or not whole:
        return UNKNOWN
    return number(part / whole * 100, places) + "%"


def join(items: Iterable[object], last: str = "、") -> str:
    """Join words by the enumeration comma: 甲、乙、丙; with last="和" the final one by that. Nothing to say is 无."""
    said = [text for item in items if (text := str(item).strip())]
    if len(said) > 1:
        return "、".join(said[:-1]) + last + said[-1]
    return said[0] if said else NONE


def numeral(value: int) -> str:
    """一, 十二, 三十 …, for heads and follow-up reports; 1 to 99."""
    if not 1 <= value <= 99:
        raise ValueError(f"{value} has no numeral here, only 1 to 99")
    tens, ones = divmod(value, 10)
    head = "" if tens == 0 else "十" if tens == 1 else _DIGITS[tens] + "十"
    return head + (_DIGITS[ones] if ones else "")


def document_number(office: str, year: int, serial: int) -> str:
    """青应急〔2023〕12号: six-cornered brackets, full year, no leading zero, no 第."""
    return f"{office}〔{year}〕{serial}号"


def mask_phone(phone: str) -> str:
    """138****1234; a landline keeps its area code and last two digits."""
    text = phone.strip()
    if len(text) < 7:
        return "*" * len(text)
    if re.fullmatch(r"(\+?86[- ]?)?1\d{10}", text):
        return f"{text[-11:-8]}****{text[-4:]}"
    area, dash, rest = text.rpartition("-")
    return f"{area}{dash}{'*' * (len(rest) - 2)}{rest[-2:]}"


def mask_card(card: str) -> str:
    """370202********1234: the area and the last four stay, the birthday goes."""
    text = card.strip()
    if len(text) < 11:
        return "*" * len(text)
    return text[:6] + "*" * (len(text) - 10) + text[-4:]
