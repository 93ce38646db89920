"""Readings as Observations: walked through in the order asked for, a stretch of time at a time, never all of the history.

Without a beginning the newest SPAN is meant, and no question reaches over more than LONGEST. One request reads at most
MOST_READ readings; whoever needs more narrows the time. A page ends with a mark that holds the stretch and the last
reading told, so that the next page begins behind it whatever has come meanwhile.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anlan.kernel.clock import now
from anlan.kernel.people import scope
from anlan.sensing import readings
from anlan.sensing.models import Sensor

from .columns import mask
from .conditions import condition, linked, stripped
from .entities import BY_NAME, Seen
from .options import Options
from .tree import Both, Literal, Many, Node, Not, Path, paths
from .wrong import Wrong

SPAN, LONGEST, AHEAD = timedelta(days=31), timedelta(days=366), timedelta(minutes=10)
SPAN_MS = SPAN // timedelta(milliseconds=1)
MOST_READ = 2_000_000
HOUR_MS = 3_600_000
FEW, MANY = 20_000, 200_000
"""Readings of a stretch below which the next one is longer, and above which it is shorter."""
EARLIEST, LATEST = -62_000_000_000_000, 253_000_000_000_000
KIND = BY_NAME["Observations"]
TOKEN = re.compile(r"(-?\d{1,15})\.(-?\d{1,15})\.(-?\d{1,15})\.(\d{1,10})\.(-?[\d.]{1,25}(?:e[-+]?\d{1,3})?)", re.ASCII)


class Stretch(NamedTuple):
    """(since, until], ms."""

    since: int
    until: int


class Mark(NamedTuple):
    """The last reading that was told."""

    at: int
    sensor: int
    value: float


@dataclass
class Found:
    """The readings of one parent."""

    rows: list[Seen] = field(default_factory=list)
    skipped: int = 0
    count: int = 0
    more: bool = False


@dataclass
class Budget:
    """What one request has read so far, over all its questions."""

    read: int = 0

    def spend(self, more: int) -> None:
        self.read += more
        if self.read > MOST_READ:
            raise Wrong(f"$filter:所问范围内的读数超过 {MOST_READ / 10_000:g} 万条,请收窄 phenomenonTime 或测点")


@dataclass
class Question:
    """What is asked of the readings of some sensors; ``group`` tells the parent of each sensor."""

    options: Options
    station: dict[int, int]
    group: dict[int, int]
    budget: Budget
    stretch: Stretch = field(init=False)
    mark: Mark | None = field(init=False)
    known: dict[Node, NDArray[np.int32]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.stretch, self.mark = _opened(self.options)

    @property
    def orders(self) -> list[tuple[str, bool]]:
        """Keys with their direction; each reading has its own place."""
        found = {KIND.asks[str(o.path).removeprefix("@iot.")].reads: o.down for o in reversed(self.options.orders)}
        found = dict(reversed(found.items()))
        if "id" in found:
            found = {k: v for name, v in found.items() for k, v in (((name, v),) if name != "id" else (("sensor", v), ("at", v)))}
        last = next(iter(found.values()), False)
        return list({**found, **{k: found.get(k, last) for k in ("at", "sensor")}}.items())

    def token(self, last: Seen) -> str:
        return f"{self.stretch.since}.{self.stretch.until}.{last.at}.{last.sensor}.{last.value!r}"


def _opened(options: Options) -> tuple[Stretch, Mark | None]:
    if options.token:
        if not (found := TOKEN.fullmatch(options.token)):
            raise Wrong("$skiptoken 无效,请从第一页重新查询")
        stretch = Stretch(int(found[1]), int(found[2]))
        mark = Mark(int(found[3]), int(found[4]), float(found[5]))
        if not EARLIEST <= stretch.since <= stretch.until <= LATEST:
            raise Wrong("$skiptoken 无效,请从第一页重新查询")
    else:
        stretch, mark = _stretch(options.filter), None
    if stretch.until - stretch.since > LONGEST / timedelta(milliseconds=1) + 1:
        raise Wrong(f"$filter:phenomenonTime 的范围最长 {LONGEST.days} 天")
    return stretch, mark


def _stretch(node: Node | None) -> Stretch:
    """The time that a filter leaves: what its ``and`` parts say of phenomenonTime and resultTime."""
    since, until = EARLIEST, LATEST
    for part in node.parts if isinstance(node, Many) and node.name == "and" else (node,):
        low, high = _bounds(part)
        since, until = max(since, low), min(until, high)
    until = max(min(until, _ms(now() + AHEAD)), EARLIEST + SPAN_MS)
    return Stretch(until - SPAN_MS if since == EARLIEST else min(since, until), until)


TURNED = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge", "eq": "eq"}


def _bounds(node: Node | None) -> tuple[int, int]:
    if not isinstance(node, Both) or node.name not in TURNED:
        return EARLIEST, LATEST
    left, right, name = node.left, node.right, node.name
    if isinstance(left, Literal):
        left, right, name = right, left, TURNED[name]
    if not (isinstance(left, Path) and isinstance(right, Literal) and isinstance(right.value, datetime)):
        return EARLIEST, LATEST
    at = _ms(right.value)
    return {"gt": (at - 1, LATEST), "ge": (at - 1, LATEST), "lt": (EARLIEST, at + 1), "le": (EARLIEST, at + 1), "eq": (at - 2, at + 1)}[name]


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


# ── the walk ────────────────────────────────────────────────────────────────────────────────────────────────


def found_by(question: Question) -> dict[int, Found]:
    """For each parent its readings in the order asked for, as many as its page holds."""
    answer = {group: Found() for group in set(question.group.values())}
    if question.options.filter is not None:
        _ask_beyond(question, question.options.filter)
    if question.orders[0][0] == "at":
        _walk(question, answer)
    elif question.options.top or question.options.count:
        rows = list(_parts(question, answer, False))
        if rows:
            _give(question, answer, *(np.concatenate(column) for column in zip(*rows, strict=True)))
    return answer


def _walk(question: Question, answer: dict[int, Found]) -> None:
    for part in _parts(question, answer, question.orders[0][1]):
        _give(question, answer, *part)


Part = tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.float64]]


def _parts(question: Question, answer: dict[int, Found], down: bool) -> Iterator[Part]:
    """The readings that the filter leaves, stretch by stretch, until every parent has what it needs."""
    since, until = question.stretch
    if question.mark and question.orders[0][0] == "at" and not question.options.count:
        since, until = (since, min(until, question.mark.at)) if down else (max(since, question.mark.at - 1), until)
    step = HOUR_MS if len(question.group) <= 100 else HOUR_MS // 60
    while since < until and (wanted := _wanting(question, answer)):
        low, high = (max(since, until - step), until) if down else (since, min(until, since + step))
        read = readings.between(scope.current().world, _moment(low), _moment(high), wanted)
        question.budget.spend(len(read.at))
        use = _held(question, read)
        if use.any():
            yield read.sensor[use], read.at[use], read.value[use]
        step = step * 4 if len(read.at) < FEW else max(step // 4, 1000) if len(read.at) > MANY else step
        step = min(step, 31 * 24 * HOUR_MS)
        since, until = (since, low) if down else (high, until)


def _wanting(question: Question, answer: dict[int, Found]) -> list[int]:
    """The sensors of which more is needed."""
    if question.options.count:
        return list(question.group)
    short = {group for group, found in answer.items() if question.options.top and not found.more}
    return [sensor for sensor, group in question.group.items() if group in short]


def _held(question: Question, read: readings.Read) -> NDArray[np.bool_]:
    count = len(read.at)
    if question.options.filter is None:
        return np.ones(count, bool)
    columns = {"at": read.at, "value": read.value}
    if _asks_id(question.options.filter):
        columns["id"] = np.array([f"{s}-{t}" for s, t in zip(read.sensor.tolist(), read.at.tolist(), strict=True)], object)

    def beyond(node: Node) -> NDArray[np.bool_] | None:
        return np.isin(read.sensor, question.known[node]) if node in question.known else None

    return mask(question.options.filter, KIND.name, columns, count, beyond)


def _asks_id(node: Node) -> bool:
    return any(path.parts[-1].removeprefix("@iot.") == "id" and len(path.parts) == 1 for path in paths(node))


def _ask_beyond(question: Question, node: Node) -> None:
    """What a filter says of datastreams and features, as the sensors for which it is so."""
    if (name := linked(node, KIND)) and not isinstance(node, Not):
        target = BY_NAME[KIND.links[name].target]
        assert target.rows is not None
        keys = set(target.rows().filter(condition(stripped(node), target)).order_by().values_list("pk", flat=True))
        mine = question.station if name == "FeatureOfInterest" else {sensor: sensor for sensor in question.station}
        question.known[node] = np.array([sensor for sensor, key in mine.items() if key in keys], np.int32)
    elif isinstance(node, Many | Not):
        for part in node.parts if isinstance(node, Many) else (node.part,):
            _ask_beyond(question, part)


def _give(question: Question, answer: dict[int, Found], sensor: NDArray[np.int32], at: NDArray[np.int64], value: NDArray[np.float64]) -> None:
    """Hand readings to their parents, in order, behind the mark."""
    columns = {"sensor": sensor.astype(np.int64), "at": at, "value": value}
    ids, back = np.unique(sensor, return_inverse=True)
    group = np.array([question.group[one] for one in ids.tolist()], np.int64)[back]
    for one, many in zip(*np.unique(group, return_counts=True), strict=True):
        answer[int(one)].count += int(many)
    keys = [-columns[name] if down else columns[name] for name, down in question.orders]
    behind = _behind(question, keys)
    order = np.lexsort((*reversed(keys), group))
    order = order[behind[order]]
    for rows in np.split(order, np.flatnonzero(np.diff(group[order])) + 1) if len(order) else ():
        _take(question, answer[int(group[rows[0]])], rows, columns)


def _behind(question: Question, keys: list[NDArray]) -> NDArray[np.bool_]:
    """(n,): which readings come after the mark."""
    behind, same = np.zeros(len(keys[0]), bool), np.ones(len(keys[0]), bool)
    if question.mark is None:
        return same
    for (name, down), key in zip(question.orders, keys, strict=True):
        mark = getattr(question.mark, name) * (-1 if down else 1)
        behind |= same & (key > mark)
        same &= key == mark
    return behind


def _take(question: Question, found: Found, order: NDArray[np.int64], columns: dict[str, NDArray]) -> None:
    skips = min(question.options.skip - found.skipped, len(order))
    found.skipped += skips
    room = question.options.top - len(found.rows)
    for index in order[skips : skips + room]:
        sensor = int(columns["sensor"][index])
        found.rows.append(Seen(sensor, int(columns["at"][index]), float(columns["value"][index]), question.station[sensor]))
    found.more = found.more or len(order) - skips > room


def one(sensor: int, at: int) -> Seen | None:
    """The observation of a key, if the asker sees its sensor."""
    station = Sensor.objects.filter(pk=sensor).values_list("station_id", flat=True).first()
    if station is None or not EARLIEST < at < LATEST:
        return None
    read = readings.between(scope.current().world, _moment(at - 1), _moment(at), [sensor])
    return Seen(sensor, at, float(read.value[0]), station) if len(read.at) else None


def _moment(ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
