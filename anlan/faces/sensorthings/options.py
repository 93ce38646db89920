"""The query options (18-088, 9.3), read and bounded before anything is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import unquote_plus

from . import tree
from .conditions import checked
from .entities import BY_NAME, Entity, field_of
from .tree import Node, Path
from .wrong import Misread, Wrong

LONGEST = 4000
"""Characters of a query."""
USUAL, MOST = 100, 1000
FARTHEST = 100_000
DEEPEST = 4
MOST_EXPANDED = 20
KNOWN = ("$top", "$skip", "$count", "$orderby", "$select", "$expand", "$filter", "$skiptoken", "$resultFormat")
INNER = ("$top", "$skip", "$count", "$orderby", "$select", "$expand", "$filter")


@dataclass(frozen=True)
class Order:
    path: Path
    down: bool


@dataclass(frozen=True)
class Options:
    top: int = USUAL
    skip: int = 0
    count: bool = False
    filter: Node | None = None
    orders: tuple[Order, ...] = ()
    select: tuple[str, ...] = ()
    expand: Mapping[str, Options] = field(default_factory=dict)
    token: str = ""
    given: Mapping[str, str] = field(default_factory=dict)
    """As they were written."""


def split(query: str) -> dict[str, str]:
    """The options as they stand in an address."""
    if len(query) > LONGEST:
        raise Wrong(f"查询过长,最多 {LONGEST} 个字符")
    found: dict[str, str] = {}
    for pair in filter(None, query.split("&")):
        name, _, text = pair.partition("=")
        _put(found, unquote_plus(name), unquote_plus(text, errors="replace"), KNOWN)
    if "$resultFormat" in found and found["$resultFormat"] != "json":
        raise Wrong("$resultFormat:本接口只提供 JSON,不支持 dataArray 等其他格式", 501)
    return found


def _put(found: dict[str, str], name: str, text: str, known: tuple[str, ...]) -> None:
    if name not in known:
        raise Wrong(f"不支持查询选项 {name[:40]};可用:{'、'.join(known)}")
    if name in found:
        raise Wrong(f"{name} 只能写一次")
    found[name] = text


def read(given: Mapping[str, str], kind: Entity, depth: int = 0) -> Options:
    """The options of one set of entities, checked against what it has."""
    found = Options(
        min(_whole(given, "$top", USUAL, None), MOST), _whole(given, "$skip", 0, FARTHEST), _truth(given),
        select=_select(given, kind), token=given.get("$skiptoken", ""), orders=_orders(given, kind), given=given,
    )  # fmt: skip
    if "$filter" in given:
        found = replace(found, filter=checked("$filter", tree.read("$filter", given["$filter"]), kind))
    return replace(found, expand=_expand(given["$expand"], kind, depth)) if "$expand" in given else found


def _whole(given: Mapping[str, str], name: str, usual: int, most: int | None) -> int:
    text = given.get(name, "").strip()
    if name not in given:
        return usual
    if not (text.isascii() and text.isdecimal()) or len(text) > 18:
        raise Wrong(f"{name} 应为不小于 0 的整数,而不是“{text[:20]}”")
    if most is not None and int(text) > most:
        raise Wrong(f"{name} 最大为 {most},请改用 @iot.nextLink 翻页或收窄 $filter")
    return int(text)


def _truth(given: Mapping[str, str]) -> bool:
    text = given.get("$count", "false").strip().lower()
    if text not in ("true", "false"):
        raise Wrong(f"$count 应为 true 或 false,而不是“{text[:20]}”")
    return text == "true"


def _select(given: Mapping[str, str], kind: Entity) -> tuple[str, ...]:
    if "$select" not in given:
        return ()
    names = [name.strip() for name in given["$select"].split(",")]
    for name in names:
        first = name.split("/")[0]
        if first not in kind.draws and name not in kind.alone and name not in kind.links and name not in ("id", "@iot.id", "@iot.selfLink"):
            raise Wrong(f"$select:{kind.one} 没有 {name[:40] or '空的字段'}")
    return tuple(names)


def _orders(given: Mapping[str, str], kind: Entity) -> tuple[Order, ...]:
    found, at = [], 0
    for part in given["$orderby"].split(",") if "$orderby" in given else ():
        words = part.split()
        if not words or len(words) > 2 or (len(words) == 2 and words[1].lower() not in ("asc", "desc")):
            raise Misread("$orderby", at, f"应为“字段 asc”或“字段 desc”,而不是“{part.strip()[:40]}”")
        path = Path(at, tuple(words[0].split("/")))
        asked = field_of(kind, path.parts)
        if asked is None or asked.kind == "shape":
            raise Misread("$orderby", at, f"不能按 {words[0][:40]} 排序")
        found.append(Order(path, words[-1].lower() == "desc" and len(words) == 2))
        at += len(part) + 1
    if len(found) > 5:
        raise Wrong("$orderby 最多 5 项")
    return tuple(found)


# ── what is expanded ────────────────────────────────────────────────────────────────────────────────────────


def _expand(text: str, kind: Entity, depth: int) -> dict[str, Options]:
    if depth >= DEEPEST:
        raise Wrong(f"$expand 最多 {DEEPEST} 层")
    asked: dict[str, dict[str, str]] = {}
    for at, item in parted(text, ","):
        _gather(asked, at, item, kind)
    if len(asked) > MOST_EXPANDED:
        raise Wrong(f"$expand 最多 {MOST_EXPANDED} 项")
    return {name: read(given, BY_NAME[kind.links[name].target], depth + 1) for name, given in asked.items()}


def _gather(asked: dict[str, dict[str, str]], at: int, item: str, kind: Entity) -> None:
    """One item: ``Datastreams($top=1;$expand=Observations)``, or ``Datastreams/Observations`` for a link of a link."""
    head, bracket, inner = item.partition("(")
    name, _, rest = head.strip().partition("/")
    if name not in kind.links:
        raise Misread("$expand", at, f"{kind.one} 没有关联 {name[:40] or '(空)'}")
    given: dict[str, str] = {}
    if rest:
        given = {"$expand": rest + bracket + inner}
    elif bracket:
        if not inner.rstrip().endswith(")"):
            raise Misread("$expand", at, "括号没有成对")
        for _, pair in parted(inner.rstrip()[:-1], ";"):
            option, _, text = pair.partition("=")
            _put(given, option.strip(), text, INNER)
    before = asked.setdefault(name, {})
    both = ",".join(filter(None, (before.get("$expand"), given.get("$expand"))))
    before.update(given, **({"$expand": both} if both else {}))


def parted(text: str, mark: str) -> list[tuple[int, str]]:
    """Cut where a mark stands outside brackets and quotes; each part with its place."""
    found, depth, quoted, start = [], 0, False, 0
    for at, sign in enumerate(text):
        if sign == "'":
            quoted = not quoted
        elif quoted:
            continue
        elif sign in "()":
            depth += 1 if sign == "(" else -1
            if depth < 0:
                raise Misread("$expand", at, "多出“)”")
        elif sign == mark and not depth:
            found.append((start, text[start:at]))
            start = at + 1
    if depth or quoted:
        raise Misread("$expand", len(text), "括号或引号没有成对")
    return [*found, (start, text[start:])]
