"""When: deadlines, recurring duties, seasons, what follows an event, and what stands all the time."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass

from .numerals import HAN, number

QUOTED = re.compile(r"《[^》]{0,120}》")
N = rf"(?:\d{{1,2}}|[{HAN}]{{1,3}})"
EVERY = {
    "季度": "P3M", "季": "P3M", "月": "P1M", "年": "P1Y", "半年": "P6M", "周": "P1W", "日": "P1D", "天": "P1D", "旬": "P10D",
    "两年": "P2Y", "三年": "P3Y", "半月": "P15D", "学期": "P6M",
}  # fmt: skip
FESTIVALS = "春节|元旦|清明|五一|国庆|中秋|端午|两节|全国两会|两会"


@dataclass(frozen=True)
class Node:
    """``norm``: an ISO day of a deadline or fixed day, an ISO duration of a rhythm, else empty."""

    raw: str
    kind: str
    norm: str
    start: int
    end: int


def _last(year: int, month: int) -> str:
    return f"{year}-{month:02}-{calendar.monthrange(year, month)[1]:02}"


def _month_end(m: re.Match[str], year: int | None) -> str:
    when, month = int(m["year"]) if m["year"] else year, int(number(m["month"]))
    return _last(when, month) if when and 1 <= month <= 12 else ""


def _quarter_end(m: re.Match[str], year: int | None) -> str:
    quarter = int(number(m["quarter"])) if m["quarter"] else {"上": 2, "下": 4}[m["half"]]
    when = int(m["year"]) if m["year"] else year
    return _last(when, quarter * 3) if when and 1 <= quarter <= 4 else ""


def _day(m: re.Match[str], year: int | None) -> str:
    when, month, day = int(m["year"]) if m["year"] else year, int(number(m["month"])), int(number(m["day"]))
    return f"{when}-{month:02}-{day:02}" if when and 1 <= month <= 12 and 1 <= day <= 31 else ""


def _fixed(m: re.Match[str], year: int | None) -> str:
    return f"{year}-{int(m['month']):02}-{int(m['day']):02}" if year else ""


def _year_end(m: re.Match[str], year: int | None) -> str:
    when = int(m["year"]) if m["year"] else year
    return f"{when}-12-31" if when else ""


def _every(m: re.Match[str], year: int | None) -> str:
    return EVERY.get(m["length"], "")


def _none(m: re.Match[str], year: int | None) -> str:
    return ""


WITHIN = rf"(?:{N}个?(?:小时|分钟|日|天|工作日)(?:之?内)?)?"
YEAR = r"(?:(?P<year>20\d\d)年)?"
SHAPES: tuple[tuple[re.Pattern[str], str, Callable[[re.Match[str], int | None], str]], ...] = (
    (re.compile(rf"{YEAR}(?P<month>{N})月(?P<day>{N})日(?:之?前|以前|底前)?"), "deadline", _day),
    (re.compile(rf"{YEAR}(?P<month>{N})月(?:底|末|份|中旬|上旬|下旬)?(?:之?前|以前)"), "deadline", _month_end),
    (re.compile(rf"{YEAR}(?P<month>{N})月(?:底|末)"), "deadline", _month_end),
    (re.compile(rf"{YEAR}(?:第?(?P<quarter>[一二三四1-4])季度|(?P<half>[上下])半年)(?:末|底)?(?:之?前)?"), "deadline", _quarter_end),
    (re.compile(r"(?:(?P<year>20\d\d)年)?(?:年底|年末|年终|年内|当年内|本年度内|今年底)(?:之?前|以前)?"), "deadline", _year_end),
    (re.compile(r"(?P<year>20\d\d)年(?:底|末)(?:之?前)?"), "deadline", _year_end),
    (re.compile(rf"(?:{FESTIVALS})节?前(?!后)"), "deadline", _none),
    (re.compile(rf"(?:{FESTIVALS})(?:节)?(?:期间|前后|假期|后)?|(?<!\d)国际减灾日"), "period", _none),
    (re.compile(r"汛前|汛期前|入汛前|冬季前|供暖季前|高火险期前|开学前|节前"), "deadline", _none),
    (re.compile(r"每(?:个)?(?P<length>半年|半月|两年|三年|学期|季度|季|月|年|周|日|天|旬)(?:度)?(?!一?[家个处所])"), "recurring", _every),
    (re.compile(r"按(?P<length>季度|季|月|年|周|日|旬)(?:度)?(?=[通调研汇报上开组更])"), "recurring", _every),
    (re.compile(r"(?<!不)定期"), "recurring", _none),
    (re.compile(r"[“\"]?(?P<month>1[0-2]|0?[1-9])·(?P<day>3[01]|[12]\d|0?[1-9])(?=[^\d])"), "event", _fixed),
    (re.compile(rf"(?:地?震|灾|事故|灾害|(?:突发)?事件|警报|预警)(?:发生|发布)?后{WITHIN}"), "event", _none),
    (re.compile(r"接到[^,。;:]{0,8}?(?:报告|警报|报警|通知|预警)后"), "event", _none),
    (re.compile(r"安全生产月|消防(?:宣传)?月|防灾减灾(?:宣传)?周|宣传周|宪法宣传周"), "period", _none),
    (re.compile(r"(?:森林|草原)?高?火险期|森林防火期|防火期|(?:主|前|后)?汛期|七下八上|供暖期|采暖期|冬春季节?|夏季|冬季|秋冬季|暑期|寒假"), "period", _none),
    (re.compile(r"(?<!健)全年(?![轻龄总])|重要(?:节假日|时期|时段|节点)|重点时段|敏感时期|节假日|重大活动期间"), "period", _none),
    (re.compile(r"(?<![\d一二三])[一二两三四五]年行动"), "period", _none),
    (re.compile(r"常态化|长期坚持|常年|全天候|(?<!不)经常性|日常化"), "standing", _none),
)  # fmt: skip


ONCE = ("period", "standing", "recurring")
"""A season or rhythm counts once, however often it is named."""
BARE = re.compile(rf"{YEAR}(?P<month>{N})月")
"""A month alone is a term only where a term is asked for."""


def term(text: str, year: int | None = None) -> list[Node]:
    """The time nodes of a cell or line that says until when."""
    found = find(text, year)
    if not found and (m := BARE.search(text)):
        found = [Node(m.group(), "deadline", _month_end(m, year), m.start(), m.end())]
    return found


def find(text: str, year: int | None = None) -> list[Node]:
    """The time nodes of one item's text, in order; ``year`` is the plan's, for dates that name none."""
    taken = bytearray(len(text))
    for title in QUOTED.finditer(text):
        taken[title.start() : title.end()] = b"\1" * len(title.group())
    known: set[tuple[str, str]] = set()
    found: list[Node] = []
    for shape, kind, norm in SHAPES:
        for m in shape.finditer(text):
            start, end = m.start() + (m.group()[0] in "“\""), m.end()
            if any(taken[start:end]) or (kind in ONCE and (text[start:end], kind) in known):
                continue
            taken[start:end] = b"\1" * (end - start)
            known.add((text[start:end], kind))
            found.append(Node(text[start:end], kind, norm(m, year), start, end))
    return sorted(found, key=lambda n: n.start)
