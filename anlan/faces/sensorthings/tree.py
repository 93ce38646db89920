"""``$filter`` and ``$orderby`` as trees: a small Pratt parser over the words of OData that 18-088 (9.3.3.5) takes.

What stands still is worked out while it is read, so that ``now() sub duration'PT1H'`` is a moment when the tree is asked.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.utils.dateparse import parse_datetime, parse_duration

from anlan.kernel.clock import now

from .geometry import Shape, shape
from .wrong import Misread, Wrong

DEEPEST = 16
"""Levels of a tree; chains of ``and`` are one level."""
MOST_NODES = 300
TOKEN = re.compile(
    r"""\s*(?:
      (?P<shape>(?:geography|geometry)'[^']*')
    | (?P<span>duration'[^']*')
    | (?P<text>'(?:[^']|'')*')
    | (?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[-+\ ]\d\d:?\d\d)?)
    | (?P<number>-?\d{1,15}(?:\.\d{1,15})?(?:[eE][-+]?\d{1,3})?(?![\w.]))
    | (?P<name>@?[A-Za-z_][\w.]*(?:/@?[A-Za-z_][\w.]*)*)
    | (?P<mark>[(),])
    )""",
    re.VERBOSE | re.ASCII,
)
BINDS = {"or": 1, "and": 2, "eq": 4, "ne": 4, "gt": 4, "ge": 4, "lt": 4, "le": 4, "add": 5, "sub": 5, "mul": 6, "div": 6}
COMPARES = ("eq", "ne", "gt", "ge", "lt", "le")
SUMS = ("add", "sub", "mul", "div")
NOT_BINDS = 3


@dataclass(frozen=True)
class Node:
    at: int


@dataclass(frozen=True)
class Literal(Node):
    value: str | float | bool | datetime | timedelta | Shape | None
    kind: str
    """text, number, truth, time, span, shape or null"""


@dataclass(frozen=True)
class Path(Node):
    parts: tuple[str, ...]

    def __str__(self) -> str:
        return "/".join(self.parts)


@dataclass(frozen=True)
class Call(Node):
    name: str
    given: tuple[Node, ...]


@dataclass(frozen=True)
class Both(Node):
    """Two sides of a comparison or a sum."""

    name: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Many(Node):
    """A chain of ``and`` or of ``or``."""

    name: str
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Not(Node):
    part: Node


class Token(NamedTuple):
    kind: str
    text: str
    at: int


def parts_of(node: Node) -> tuple[Node, ...]:
    match node:
        case Call():
            return node.given
        case Both():
            return (node.left, node.right)
        case Many():
            return node.parts
        case Not():
            return (node.part,)
    return ()


def paths(node: Node) -> Iterator[Path]:
    if isinstance(node, Path):
        yield node
    for part in parts_of(node):
        yield from paths(part)


def read(option: str, text: str) -> Node:
    """The tree of a whole condition."""
    return Reader(option, text).whole()


class Reader:
    def __init__(self, option: str, text: str) -> None:
        self.option, self.text, self.nodes = option, text, 0
        self.tokens = list(self._cut())
        self.next = 0

    def whole(self) -> Node:
        node = self._read(0, 0)
        if self._peek().kind != "end":
            self._fail(self._peek(), f"多出“{self._peek().text[:20]}”")
        return node

    def _cut(self) -> Iterator[Token]:
        at, end = 0, len(self.text.rstrip())
        while at < end:
            if not (found := TOKEN.match(self.text, at)) or found.end() == at:
                raise Misread(self.option, at, f"无法识别“{self.text[at : at + 20].strip()}”")
            kind = str(found.lastgroup)
            yield Token(kind, found[kind], found.start(kind))
            at = found.end()
        yield Token("end", "结尾", end)

    def _peek(self) -> Token:
        return self.tokens[self.next]

    def _take(self) -> Token:
        self.next += 1
        return self.tokens[self.next - 1]

    def _fail(self, token: Token, why: str) -> None:
        raise Misread(self.option, token.at, why)

    def _made(self, token: Token, depth: int) -> None:
        self.nodes += 1
        if depth > DEEPEST:
            self._fail(token, f"嵌套超过 {DEEPEST} 层")
        if self.nodes > MOST_NODES:
            self._fail(token, f"条件过多,最多 {MOST_NODES} 项")

    def _read(self, bound: int, depth: int) -> Node:
        left, sums = self._first(depth), 0
        while (binds := BINDS.get(self._peek().text, 0) if self._peek().kind == "name" else 0) > bound:
            token = self._take()
            self._made(token, depth)
            if token.text in ("and", "or"):
                left = self._chain(token, left, binds, depth)
                continue
            sums += 1
            self._made(token, depth + sums)
            right = self._read(binds, depth + 1)
            left = settled(self.option, Both(token.at, token.text, left, right))
        return left

    def _chain(self, token: Token, left: Node, binds: int, depth: int) -> Node:
        parts = [left, self._read(binds, depth + 1)]
        while self._peek().kind == "name" and self._peek().text == token.text:
            self._made(self._take(), depth)
            parts.append(self._read(binds, depth + 1))
        return Many(token.at, token.text, tuple(parts))

    def _first(self, depth: int) -> Node:
        token = self._take()
        self._made(token, depth)
        if token.kind == "mark" and token.text == "(":
            node = self._read(0, depth + 1)
            self._close()
            return node
        if token.kind == "name" and token.text == "not":
            return Not(token.at, self._read(NOT_BINDS, depth + 1))
        if token.kind == "name" and (self._peek().kind, self._peek().text) == ("mark", "("):
            return settled(self.option, Call(token.at, token.text, self._given(depth)))
        if token.kind == "name" and token.text in ("true", "false", "null"):
            return Literal(token.at, {"true": True, "false": False, "null": None}[token.text], "null" if token.text == "null" else "truth")
        if token.kind == "name" and token.text not in BINDS:
            return Path(token.at, tuple(token.text.split("/")))
        if token.kind in LITERALS:
            return self._literal(token)
        raise Misread(self.option, token.at, f"此处应为条件、字段或数值,而不是“{token.text[:20]}”")

    def _literal(self, token: Token) -> Literal:
        try:
            return Literal(token.at, LITERALS[token.kind](token.text), token.kind)
        except ValueError as no:
            raise Misread(self.option, token.at, str(no)) from None

    def _given(self, depth: int) -> tuple[Node, ...]:
        self._take()
        found: list[Node] = []
        while (self._peek().kind, self._peek().text) != ("mark", ")"):
            if found:
                self._close(",")
            found.append(self._read(0, depth + 1))
        self._take()
        return tuple(found)

    def _close(self, mark: str = ")") -> None:
        token = self._take()
        if (token.kind, token.text) != ("mark", mark):
            self.next -= 1
            self._fail(token, f"此处应为“{mark}”,而不是“{token.text[:20]}”")


def moment(text: str) -> datetime:
    """A moment with its offset; a plus that became a blank on the way is a plus, and without an offset it is UTC."""
    found = parse_datetime(re.sub(r" (?=\d\d:?\d\d$)", "+", text))
    if found is None:
        raise ValueError("无法识别的时刻")
    try:
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        raise ValueError("时刻超出范围") from None


def _span(text: str) -> timedelta:
    try:
        found = parse_duration(text[9:-1])
    except OverflowError:
        found = None
    if found is None:
        raise ValueError("无法识别的时长,应如 duration'PT1H'")
    return found


LITERALS: dict[str, Callable[[str], str | float | datetime | timedelta | Shape]] = {
    "text": lambda t: t[1:-1].replace("''", "'"),
    "number": float,
    "time": moment,
    "span": _span,
    "shape": lambda t: shape(t[t.index("'") + 1 : -1]),
}
SETTLES = {"add": operator.add, "sub": operator.sub}


def settled(option: str, node: Node) -> Node:
    """Sums of moments and spans, which only stand still, worked out."""
    if isinstance(node, Call) and node.name == "now" and not node.given:
        return Literal(node.at, now(), "time")
    if not (isinstance(node, Both) and isinstance(node.left, Literal) and isinstance(node.right, Literal)):
        return node
    kinds = (node.left.kind, node.right.kind)
    if node.name in SETTLES and kinds in (("time", "span"), ("span", "span"), ("time", "time")) and (node.name, kinds[1]) != ("add", "time"):
        try:
            value = SETTLES[node.name](node.left.value, node.right.value)
        except OverflowError:
            raise Misread(option, node.at, "时刻超出范围") from None
        return Literal(node.at, value, "time" if kinds == ("time", "span") else "span")
    return node


FUNCTIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "contains": (("text", "text"), "truth"), "substringof": (("text", "text"), "truth"), "startswith": (("text", "text"), "truth"),
    "endswith": (("text", "text"), "truth"), "tolower": (("text",), "text"), "toupper": (("text",), "text"), "trim": (("text",), "text"),
    "length": (("text",), "number"), "concat": (("text", "text"), "text"),
    "year": (("time",), "number"), "month": (("time",), "number"), "day": (("time",), "number"), "hour": (("time",), "number"),
    "minute": (("time",), "number"), "second": (("time",), "number"),
    "round": (("number",), "number"), "floor": (("number",), "number"), "ceiling": (("number",), "number"),
    "geo.distance": (("shape", "shape"), "number"), "geo.intersects": (("shape", "shape"), "truth"),
    "st_within": (("shape", "shape"), "truth"), "st_intersects": (("shape", "shape"), "truth"),
}  # fmt: skip
SAID = {"text": "文字", "number": "数字", "truth": "真假", "time": "时刻", "span": "时长", "shape": "几何", "null": "空值"}
Look = Callable[[Path], str]


def kind_of(option: str, node: Node, look: Look) -> str:
    """The kind of what a tree says, where ``look`` tells the kind of a field; a fault where two kinds do not go together."""
    match node:
        case Literal():
            return node.kind
        case Path():
            return look(node)
        case Not() | Many():
            for part in parts_of(node):
                _must(option, part, kind_of(option, part, look), "truth")
            return "truth"
        case Call():
            return _called(option, node, look)
        case Both():
            return _joined(option, node, look)
    raise Wrong(f"{option} 无法识别")


def is_void(node: Node, void: Callable[[Path], bool] = lambda path: False) -> bool:
    """Is a value null whatever row is asked? What is worked out from null is null."""
    if isinstance(node, Literal):
        return node.kind == "null"
    if isinstance(node, Path):
        return void(node)
    return isinstance(node, Call | Both) and node.name not in COMPARES and any(is_void(part, void) for part in parts_of(node))


def _called(option: str, node: Call, look: Look) -> str:
    if node.name not in FUNCTIONS:
        raise Misread(option, node.at, f"不支持函数 {node.name[:30]}")
    wanted, gives = FUNCTIONS[node.name]
    if len(wanted) != len(node.given):
        raise Misread(option, node.at, f"{node.name} 应有 {len(wanted)} 个参数")
    given = [kind_of(option, part, look) for part in node.given]
    for part, kind, must in zip(node.given, given, wanted, strict=True):
        _must(option, part, kind, must)
    if wanted[0] == "shape":
        fixed = [part for part in node.given if isinstance(part, Literal)]
        if len(fixed) != 1 or not isinstance(fixed[0].value, Shape):
            raise Misread(option, node.at, f"{node.name} 应有一个位置字段和一个 geography'…'")
        if node.name == "geo.distance" and fixed[0].value.ring:
            raise Misread(option, fixed[0].at, "geo.distance 只支持 POINT")
    return "null" if "null" in given and gives != "truth" else gives


def _joined(option: str, node: Both, look: Look) -> str:
    left, right = kind_of(option, node.left, look), kind_of(option, node.right, look)
    if node.name in SUMS:
        _must(option, node.left, left, "number")
        _must(option, node.right, right, "number")
        return "null" if "null" in (left, right) else "number"
    if "null" in (left, right):
        if node.name not in ("eq", "ne") and any(isinstance(p, Literal) and p.kind == "null" for p in parts_of(node)):
            raise Misread(option, node.at, "空值只能用 eq 或 ne 比较")
    elif left != right or left in ("shape", "span") or (left == "truth" and not all(isinstance(p, Path | Literal) for p in parts_of(node))):
        raise Misread(option, node.at, f"不能比较{SAID[left]}与{SAID[right]}")
    return "truth"


def _must(option: str, node: Node, kind: str, wanted: str) -> None:
    if kind not in (wanted, "null" if wanted != "truth" else wanted):
        raise Misread(option, node.at, f"此处应为{SAID[wanted]},而不是{SAID[kind]}")
