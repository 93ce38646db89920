"""The health of the sensing network: what each gateway sent and what was refused of it, and which sensors can be believed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from anlan.engines.sense.layout import NONE, Mark
from anlan.faces.gate import require
from anlan.kernel.cases import Refused
from anlan.kernel.clock import now
from anlan.kernel.people import scope
from anlan.kernel.people.models import Area
from anlan.kernel.people.roles import COMMAND
from anlan.sensing import network, past
from anlan.sensing.models import Gateway, Sensor, Traffic
from anlan.sensing.parts import ACROSS

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MOST = 200
MARKS = {Mark.OFFLINE: "中断", Mark.BAD: "连续无效", Mark.STUCK: "数值不变", Mark.FAST: "变化过快", Mark.STRAY: "偏离邻站"}


@dataclass
class Share:
    """The sensors of a district or kind: how many were heard within the hour and bear no mark."""

    name: str
    total: int = 0
    sound: int = 0
    silent: int = 0
    never: int = 0
    marked: int = 0

    @property
    def score(self) -> float | None:
        """Of a hundred that are connected, how many can be believed now."""
        connected = self.total - self.never
        return 100 * self.sound / connected if connected else None


@dataclass
class Sent:
    """A gateway and its last day."""

    gateway: Gateway
    batches: int = 0
    accepted: int = 0
    rejected: int = 0
    late: int = 0
    repeated: int = 0
    lag_s: float = 0.0
    ahead_s: float = 0.0
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def quiet(self) -> bool:
        """Nothing for an hour from one that has been heard."""
        return self.gateway.heard_at is not None and now() - self.gateway.heard_at > HOUR


@require(*COMMAND)
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    world = scope.current().world
    seen = network.seen(world)
    ids, marks, heard = _sensors(seen)
    sensors = Sensor.objects.select_related("station", "area").in_bulk()
    names = {a.pk[:6]: a.name for a in Area.objects.filter(level="district").order_by("rank")}
    districts, kinds, worst = _read(ids, marks, heard, sensors, names)
    known = set(ids)
    ranked = [districts[d] for d in (*names, *sorted(districts.keys() - names)) if d in districts]
    context = {
        "actual": world.actual, "gateways": _gateways() if world.actual else [], "districts": ranked, "kinds": list(kinds.values()),
        "worst": worst[:MOST], "more": max(0, len(worst) - MOST), "unplanned": sum(pk not in known for pk in sensors),
        "log": sum(one.number for part, one in seen.items() if part != ACROSS),
    }  # fmt: skip
    return render(request, "desk/network.html", context)


def _sensors(seen: dict[int, network.Network]) -> tuple[list[int], np.ndarray, np.ndarray]:
    """Ids, marks and when each was heard of the sensors of a network; those compared over several sites are in two parts."""
    rows = {part: (one.book.plan.key[: one.book.plan.sensors] >> 32, one.machine.state) for part, one in seen.items()}
    own = [row for part, row in rows.items() if part != ACROSS]
    if not own:
        return [], np.empty(0, np.uint8), np.empty(0, np.int64)
    ids, marks = np.concatenate([ids for ids, _ in own]), np.concatenate([state.hot["marks"][: len(ids)] for ids, state in own])
    if ACROSS in rows:
        compared, state = rows[ACROSS]
        place = {int(pk): n for n, pk in enumerate(ids)}
        for pk in compared[state.hot["marks"][: len(compared)] & Mark.STRAY != 0].tolist():
            marks[place[pk]] |= Mark.STRAY
    return ids.tolist(), marks, np.concatenate([state.heard[: len(ids)] for ids, state in own])


@require(*COMMAND)
@require_POST
def take_past(request: HttpRequest) -> HttpResponse:
    """A file of readings from before the network."""
    file = request.FILES.get("file")
    if not scope.current().can(*COMMAND, area=scope.ROOT):
        raise Refused("您没有全市权限")
    if file is None:
        raise Refused("请选择文件", field="file")
    with NamedTemporaryFile(suffix=Path(file.name or "").suffix.lower()[:10]) as kept:
        for piece in file.chunks():
            kept.write(piece)
        kept.flush()
        taken = past.do_take(Path(kept.name), file.name or "")
    return render(request, "desk/past.html", {"taken": taken, "name": file.name})


def _gateways() -> list[Sent]:
    found = {g.pk: Sent(g) for g in Gateway.objects.order_by("name")}
    for row in Traffic.objects.filter(hour__gt=now() - DAY).order_by("hour"):
        sent = found[row.gateway_id]
        sent.lag_s = (sent.lag_s * sent.batches + row.lag_ms / 1000 * row.batches) / max(1, sent.batches + row.batches)
        for name in ("batches", "accepted", "rejected", "late", "repeated"):
            setattr(sent, name, getattr(sent, name) + getattr(row, name))
        sent.ahead_s = max(sent.ahead_s, row.ahead_ms / 1000)
        for reason, n in row.reasons.items():
            sent.reasons[reason] = sent.reasons.get(reason, 0) + n
    return list(found.values())


def _read(
    ids: list[int], marked: np.ndarray, heard: np.ndarray, sensors: dict[int, Sensor], names: dict[str, str]
) -> tuple[dict[str, Share], dict[str, Share], list[tuple[Sensor, str, datetime | None]]]:
    districts: dict[str, Share] = {}
    kinds: dict[str, Share] = {}
    worst: list[tuple[Sensor, str, datetime | None]] = []
    edge = round((now() - HOUR).timestamp() * 1000)
    for n, pk in enumerate(ids):
        if (sensor := sensors.get(pk)) is None:
            continue
        last, marks = int(heard[n]), int(marked[n])
        district = str(sensor.area_id)[:6]
        for share in (
            districts.setdefault(district, Share(names.get(district, "市直"))), kinds.setdefault(sensor.quantity, Share(sensor.get_quantity_display())),
        ):  # fmt: skip
            share.total += 1
            share.never += last == NONE
            share.silent += last != NONE and last < edge
            share.marked += marks != 0
            share.sound += last >= edge and marks == 0
        if marks:
            said = "、".join(label for mark, label in MARKS.items() if marks & mark)
            worst.append((sensor, said, datetime.fromtimestamp(last / 1000, UTC) if last != NONE else None))
    return districts, kinds, worst
