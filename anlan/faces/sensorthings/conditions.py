"""A filter over what stands in the database, as a condition of it.

What a filter asks of a linked entity is asked of the linked rows that the asker sees, and of nothing else. Of a link to many,
the largest part of the filter that speaks of it alone is asked of one and the same row.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from typing import Any

import numpy as np
from django.db.models import Exists, F, FloatField, OuterRef, Q, Value
from django.db.models import functions as sql
from django.db.models.lookups import Exact, GreaterThan, GreaterThanOrEqual, IsNull, LessThan, LessThanOrEqual
from numpy.typing import NDArray

from .columns import PLAIN, Beyond, mask
from .entities import BY_NAME, Entity, Property, field_of, properties_seen
from .geometry import Shape, touched
from .tree import Both, Call, Literal, Many, Node, Not, Path, is_void, kind_of, parts_of, paths
from .wrong import Misread, Wrong

MOST_PLACES = 10_000
"""Places that a polygon picks out one by one."""
FARTHEST = 3
"""Links of a path: each is a question inside a question."""
NONE, ALL = Q(pk__in=()), ~Q(pk__in=())


def checked(option: str, node: Node, kind: Entity) -> Node:
    """The tree, if it is a condition that this kind of entity can be asked."""

    def look(path: Path) -> str:
        here, parts = kind, path.parts
        while parts[0] in here.links and len(parts) > 1:
            here, parts = BY_NAME[here.links[parts[0]].target], parts[1:]
        if len(path.parts) - len(parts) > FARTHEST:
            raise Misread(option, path.at, f"路径最多经过 {FARTHEST} 个关联")
        if here.name == "Observations" and here is not kind:
            raise Misread(option, path.at, f"不支持按 {path} 筛选,请直接查询 Observations")
        if (field := field_of(here, parts)) is None:
            raise Misread(option, path.at, f"{here.one} 没有可筛选的字段 {'/'.join(parts)[:40]}")
        return field.kind

    if kind_of(option, node, look) != "truth":
        raise Misread(option, node.at, "应为条件")
    _mixed(option, node, kind)
    return node


def _mixed(option: str, node: Node, kind: Entity) -> None:
    """A comparison speaks of the entity's own fields or of one linked entity, not of both."""
    link = linked(node, kind)
    if link is not None:
        return _mixed(option, stripped(node), BY_NAME[kind.links[link].target]) if link else None
    if not isinstance(node, Many | Not):
        raise Misread(option, node.at, "同一比较中不能既有本实体的字段又有关联实体的字段")
    for part in parts_of(node):
        _mixed(option, part, kind)


def linked(node: Node, kind: Entity) -> str | None:
    """The one link of which all of this tree speaks; "" when it speaks of own fields only, None when of several."""
    firsts = {path.parts[0] if len(path.parts) > 1 and path.parts[0] in kind.links else "" for path in paths(node)} or {""}
    return firsts.pop() if len(firsts) == 1 else None


def stripped(node: Node) -> Node:
    """The tree with the first step of its paths taken."""
    match node:
        case Path():
            return Path(node.at, node.parts[1:])
        case Call():
            return Call(node.at, node.name, tuple(map(stripped, node.given)))
        case Both():
            return Both(node.at, node.name, stripped(node.left), stripped(node.right))
        case Many():
            return Many(node.at, node.name, tuple(map(stripped, node.parts)))
        case Not():
            return Not(node.at, stripped(node.part))
    return node


# ── in the database ─────────────────────────────────────────────────────────────────────────────────────────


def condition(node: Node, kind: Entity) -> Q:
    """The tree as a condition on the rows of a kind that stands in the database."""
    if name := linked(node, kind):
        if isinstance(node, Not):
            return ~condition(node.part, kind)
        return _beyond(stripped(node), kind, name)
    match node:
        case Many():
            whole = Q()
            for part in node.parts:
                whole = whole & condition(part, kind) if node.name == "and" else whole | condition(part, kind)
            return whole
        case Not():
            return ~condition(node.part, kind)
        case Literal():
            return ALL if node.value else NONE
        case Call() if _is_null(node, kind):
            return NONE
        case Call(name="geo.intersects" | "st_within" | "st_intersects"):
            return _within(node, kind)
        case Both():
            return _compared(node, kind)
        case Path():
            return Q(Exact(_value(node, kind), Value(True)))
    return Q(_value(node, kind))


def _beyond(node: Node, kind: Entity, name: str) -> Q:
    link = kind.links[name]
    target = BY_NAME[link.target]
    if target.rows is None:
        return Q(**{f"{link.mine}__in": [row.pk for row in chosen_properties(node)]})
    rows = target.rows().filter(**{link.theirs: OuterRef(link.mine)}).filter(condition(node, target))
    return Q(Exists(rows))


def _within(node: Call, kind: Entity) -> Q:
    assert kind.rows is not None
    path = next(part for part in node.given if isinstance(part, Path))
    area = next(part.value for part in node.given if isinstance(part, Literal))
    field = field_of(kind, path.parts)
    assert field is not None and isinstance(area, Shape)
    lons, lats = zip(*area.corners, strict=True)
    lon, lat = field.reads
    box = {f"{lon}__gte": min(lons), f"{lon}__lte": max(lons), f"{lat}__gte": min(lats), f"{lat}__lte": max(lats)}
    rows = np.array(list(kind.rows().order_by().filter(**box).values_list("pk", lon, lat)), float).reshape(-1, 3)
    inside = touched(area, rows[:, 1], rows[:, 2])
    if inside.all():
        return Q(**box)
    if inside.sum() > MOST_PLACES:
        raise Wrong(f"$filter:多边形内超过 {MOST_PLACES} 处,请改用矩形或缩小范围")
    return Q(pk__in=rows[inside, 0].astype(int).tolist())


LOOKUPS = {"eq": Exact, "gt": GreaterThan, "ge": GreaterThanOrEqual, "lt": LessThan, "le": LessThanOrEqual}
TURNED = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge", "eq": "eq", "ne": "ne"}


def _compared(node: Both, kind: Entity) -> Q:
    for side, other in ((node.left, node.right), (node.right, node.left)):
        if _is_null(side, kind):
            if isinstance(other, Literal) and other.kind != "null":
                return ALL if node.name == "ne" and isinstance(side, Literal) else NONE
            if not _is_null(other, kind):
                absent = Q(IsNull(_value(other, kind), True))
                wholly = isinstance(side, Literal)
                return (absent if node.name == "eq" else ~absent) if wholly else NONE
            return ALL if node.name == "eq" else NONE
    left, right, name = node.left, node.right, node.name
    if isinstance(left, Literal):
        left, right, name = right, left, TURNED[name]
    if isinstance(left, Literal):
        return ALL if PLAIN[name](left.value, right.value) else NONE  # type: ignore[union-attr]
    if name == "ne":
        return ~Q(Exact(_value(left, kind), _value(right, kind)))
    return Q(LOOKUPS[name](_value(left, kind), _value(right, kind)))


def _is_null(node: Node, kind: Entity) -> bool:
    def void(path: Path) -> bool:
        field = field_of(kind, path.parts)
        return field is None or field.kind == "null"

    return is_void(node, void)


TEXTS: dict[str, Callable[..., Any]] = {"tolower": sql.Lower, "toupper": sql.Upper, "trim": sql.Trim, "length": sql.Length, "concat": sql.Concat}
CLOCK = {
    "year": sql.ExtractYear, "month": sql.ExtractMonth, "day": sql.ExtractDay, "hour": sql.ExtractHour, "minute": sql.ExtractMinute,
    "second": sql.ExtractSecond,
}  # fmt: skip
ROUNDS: dict[str, Callable[..., Any]] = {"round": sql.Round, "floor": sql.Floor, "ceiling": sql.Ceil}


def _value(node: Node, kind: Entity) -> Any:
    """What a tree that is no condition says, for the database."""
    match node:
        case Literal():
            return Value(node.value)
        case Path():
            field = field_of(kind, node.parts)
            assert field is not None
            return field.reads
        case Both():
            left, right = (sql.Cast(_value(part, kind), FloatField()) for part in (node.left, node.right))
            return _sum(node.name, left, right)
        case Call(name="geo.distance"):
            return _distance(node, kind)
        case Call():
            return _called(node.name, [_value(part, kind) for part in node.given])
    raise AssertionError(node)


def _sum(name: str, left: Any, right: Any) -> Any:
    if name == "div":
        return left / sql.NullIf(right, Value(0.0))
    return {"add": left + right, "sub": left - right, "mul": left * right}[name]


def _called(name: str, given: list[Any]) -> Any:
    if name in CLOCK:
        return CLOCK[name](given[0], tzinfo=UTC)
    if name in ROUNDS:
        return ROUNDS[name](sql.Cast(given[0], FloatField()))
    if name in TEXTS:
        return TEXTS[name](*given)
    hay, needle = reversed(given) if name == "substringof" else given
    if name == "startswith":
        return Exact(sql.StrIndex(hay, needle), Value(1))
    if name == "endswith":
        return Exact(sql.Right(hay, sql.Length(needle)), needle)
    return GreaterThan(sql.StrIndex(hay, needle), Value(0))


def _distance(node: Call, kind: Entity) -> Any:
    path = next(part for part in node.given if isinstance(part, Path))
    spot = next(part.value for part in node.given if isinstance(part, Literal))
    field = field_of(kind, path.parts)
    assert field is not None and isinstance(spot, Shape)
    lon, lat = (F(name) - Value(at) for name, at in zip(field.reads, spot.corners[0], strict=True))
    return sql.Sqrt(lon * lon + lat * lat, output_field=FloatField())


# ── observed properties, which are no table ─────────────────────────────────────────────────────────────────


def chosen_properties(node: Node | None) -> list[Property]:
    """The observed properties that the asker sees and for which the condition holds."""
    rows, kind = properties_seen(), BY_NAME["ObservedProperties"]
    columns = {"id": np.array([row.pk for row in rows], object)}
    for name in ("name", "definition", "description"):
        columns[name] = np.array([kind.draws[name](row) for row in rows], object)
    if node is None:
        return rows
    holds = mask(node, kind.name, columns, len(rows), beyond=_of_streams(rows))
    return [row for row, held in zip(rows, holds, strict=True) if held]


def _of_streams(rows: list[Property]) -> Beyond:
    """Filters of properties by their datastreams are asked of the database."""

    def ask(node: Node) -> NDArray[np.bool_] | None:
        if not linked(node, BY_NAME["ObservedProperties"]) or isinstance(node, Not):
            return None
        streams = BY_NAME["Datastreams"]
        assert streams.rows is not None
        found = set(streams.rows().filter(condition(stripped(node), streams)).order_by().values_list("quantity", flat=True))
        return np.array([row.pk in found for row in rows], bool)

    return ask
