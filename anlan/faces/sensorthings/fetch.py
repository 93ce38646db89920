"""Entities for any number of parents at once, with what is expanded: one query for each link, however many rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from django.db.models import Count, F, QuerySet, Value, Window
from django.db.models.functions import RowNumber

from anlan.sensing.models import Sensor

from . import observations
from .conditions import chosen_properties, condition
from .entities import BY_NAME, Entity, field_of
from .observations import Budget, Question
from .options import Options
from .wrong import Wrong

MOST_ROWS = 10_000
"""Entities that one answer holds."""
WHOLE = 0
"""The parent of what has none."""


@dataclass
class Page:
    rows: list[Any] = field(default_factory=list)
    count: int = 0
    more: bool = False
    token: str = ""


@dataclass
class Answer:
    """One answer in the making: its address, and how many entities it holds so far."""

    base: str
    held: int = 0
    budget: Budget = field(default_factory=Budget)

    def hold(self, more: int) -> None:
        self.held += more
        if self.held > MOST_ROWS:
            raise Wrong(f"一次回答最多 {MOST_ROWS} 个实体,请减小 $top 或减少 $expand")

    def link(self, kind: Entity, row: Any) -> str:
        key = row.pk if isinstance(row.pk, int) else f"'{row.pk}'"
        return f"{self.base}/{kind.name}({key})"


@dataclass(frozen=True)
class Of:
    """Rows by what they have in common with their parents."""

    column: str
    values: frozenset[Any]


def pages(kind: Entity, options: Options, of: Of | None, budget: Budget) -> dict[Any, Page]:
    """A page for each parent that has rows; without parents one page under WHOLE."""
    if kind.name == "Observations":
        return _readings(options, of, budget)
    if kind.rows is None:
        return _properties(kind, options, of)
    rows = kind.rows()
    if options.filter is not None:
        rows = rows.filter(condition(options.filter, kind))
    return _whole(kind, rows, options) if of is None else _parts(kind, rows.filter(**{f"{of.column}__in": of.values}), options, of)


def _order(kind: Entity, options: Options) -> list[Any]:
    found = []
    for order in options.orders:
        asked = field_of(kind, order.path.parts)
        if asked is not None and asked.kind != "null" and not isinstance(asked.reads, Value):
            found.append(asked.reads.desc() if order.down else asked.reads.asc())
    return [*found, F("pk").asc()]


def _whole(kind: Entity, rows: QuerySet, options: Options) -> dict[Any, Page]:
    found = list(rows.order_by(*_order(kind, options))[options.skip : options.skip + options.top + 1])
    page = Page(found[: options.top], more=len(found) > options.top > 0)
    page.count = rows.order_by().count() if options.count else 0
    return {WHOLE: page}


def _parts(kind: Entity, rows: QuerySet, options: Options, of: Of) -> dict[Any, Page]:
    found: dict[Any, Page] = {}
    parent = F(of.column.removesuffix("_id"))
    ranked = rows.annotate(sta_rank=Window(RowNumber(), partition_by=parent, order_by=_order(kind, options)))
    if options.count:
        for value, count in rows.order_by().values_list(of.column).annotate(n=Count("pk")):
            found[value] = Page(count=count)
    shown = ranked.filter(sta_rank__gt=options.skip, sta_rank__lte=options.skip + options.top + 1).order_by("sta_rank")
    for row in shown[: MOST_ROWS + len(of.values) + 1]:
        page = found.setdefault(getattr(row, of.column), Page())
        if len(page.rows) < options.top:
            page.rows.append(row)
        else:
            page.more = options.top > 0
    return found


def _properties(kind: Entity, options: Options, of: Of | None) -> dict[Any, Page]:
    rows = chosen_properties(options.filter)
    for order in reversed(options.orders):
        name = str(order.path).removeprefix("@iot.")
        rows.sort(key=lambda r: r.pk if name == "id" else kind.draws[name](r), reverse=order.down)
    if of is not None:
        return {row.pk: Page([row][options.skip : options.top], 1) for row in rows if row.pk in of.values}
    end = options.skip + options.top
    return {WHOLE: Page(rows[options.skip : end], len(rows), more=0 < options.top < len(rows) - options.skip)}


def _readings(options: Options, of: Of | None, budget: Budget) -> dict[Any, Page]:
    sensors = Sensor.objects.order_by()
    if of is not None:
        sensors = sensors.filter(**{"pk__in" if of.column == "sensor" else "station_id__in": of.values})
    station = dict(sensors.values_list("pk", "station_id"))
    group = {s: WHOLE if of is None else s if of.column == "sensor" else at for s, at in station.items()}
    question = Question(options, station, group, budget)
    found = observations.found_by(question)
    return {
        one: Page(part.rows, part.count, part.more and options.top > 0, question.token(part.rows[-1]) if part.rows else "")
        for one, part in found.items()
    }  # fmt: skip


# ── bodies ──────────────────────────────────────────────────────────────────────────────────────────────────


def bodies(kind: Entity, rows: Sequence[Any], options: Options, answer: Answer) -> list[dict[str, Any]]:
    """What is told of rows, with what is expanded of them."""
    answer.hold(len(rows))
    found = [_body(kind, row, options, answer) for row in rows]
    for name, inner in options.expand.items():
        _expand(kind, rows, found, (name, inner), answer)
    return found


def _body(kind: Entity, row: Any, options: Options, answer: Answer) -> dict[str, Any]:
    self_link = answer.link(kind, row)
    if not options.select:
        links = {f"{name}@iot.navigationLink": f"{self_link}/{name}" for name in kind.links if name not in options.expand}
        return {"@iot.id": row.pk, "@iot.selfLink": self_link, **{name: draw(row) for name, draw in kind.draws.items()}, **links}
    body: dict[str, Any] = {}
    for name in options.select:
        if name in kind.links:
            body[f"{name}@iot.navigationLink"] = f"{self_link}/{name}"
        elif name in ("id", "@iot.id"):
            body["@iot.id"] = row.pk
        elif name == "@iot.selfLink":
            body[name] = self_link
        elif name not in kind.alone:
            _select(body, name.split("/"), kind.draws[name.split("/")[0]](row))
    return body


def _select(body: dict[str, Any], path: list[str], value: Any) -> None:
    """Put the part of a value that a path names into the body; what is not there is left out."""
    for name in path[1:]:
        if not isinstance(value, dict) or name not in value:
            return
        value = value[name]
    for name in path[:-1]:
        body = body.setdefault(name, {})
    body[path[-1]] = value


def _expand(kind: Entity, rows: Sequence[Any], found: list[dict[str, Any]], asked: tuple[str, Options], answer: Answer) -> None:
    name, inner = asked
    link = kind.links[name]
    target = BY_NAME[link.target]
    parents = [getattr(row, link.mine) for row in rows]
    pages_of = pages(target, inner, Of(link.theirs, frozenset(parents)), answer.budget) if parents else {}
    told = list(_flat(pages_of.values()))
    drawn = iter(bodies(target, told, inner, answer))
    each = {parent: [next(drawn) for _ in page.rows] for parent, page in pages_of.items()}
    for row, parent, body in zip(rows, parents, found, strict=True):
        page, values = pages_of.get(parent, Page()), each.get(parent, [])
        if not link.many:
            body[name] = values[0] if values else None
            continue
        if inner.count:
            body[f"{name}@iot.count"] = page.count
        body[name] = values
        if page.more:
            body[f"{name}@iot.nextLink"] = next_link(f"{answer.link(kind, row)}/{name}", inner, page)


def _flat(found: Iterable[Page]) -> Iterable[Any]:
    for page in found:
        yield from page.rows


def next_link(address: str, options: Options, page: Page) -> str:
    """Where the next page is: behind the last reading, or so many rows further."""
    given = {name: text for name, text in options.given.items() if name not in ("$skip", "$skiptoken")}
    given |= {"$skiptoken": page.token} if page.token else {"$skip": str(options.skip + options.top)}
    return f"{address}?{urlencode(given, safe='$', quote_via=quote)}"
