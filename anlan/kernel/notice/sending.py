"""The one door to the outside: which carrier takes an attempt, and the batches that go through gateways.

Nothing leaves a replay. An exercise reaches only its allow-list. A gateway that is down is tried again with a growing
pause, always with the same key, and stands red on the health page meanwhile.
"""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet

from anlan.kernel.clock import beats, due, every, now, real
from anlan.kernel.clock.models import Due
from anlan.kernel.people import scope
from anlan.kernel.people.scope import prefix
from anlan.kernel.worlds.models import World

from . import links
from .acts import State
from .channels import CARRIERS, Call, Down, Rejected, Sent, load
from .channels.simulator import Ring, simulate
from .models import Addressee, Attempt, Gateway, Notice

BATCH = 100
THREADS = 8
LONGEST_PAUSE = timedelta(seconds=60)
LEASE_S = 300
Fate = Sent | Down | Rejected
load()


def route(notice: Notice, n: int) -> dict[str, int]:
    """Give each planned attempt of a rung to the simulator, to a gateway, or mark why it cannot go."""
    world = scope.current().world
    planned = Attempt.everywhere.filter(addressee__notice=notice, rung=n, state=Attempt.State.PLANNED)
    count = {"simulated": 0, "outside": 0, "failed": _fail(planned.filter(address=""), "没有号码或地址")}
    ringing: list[Ring] = []
    for channel in planned.order_by("channel").values_list("channel", flat=True).distinct():
        rest = [Ring(*row) for row in planned.filter(channel=channel).order_by("pk").values_list(*Ring._fields)]
        for gateway in gateways(world, channel):
            mine = [a for a in rest if a.area_id.startswith(prefix(gateway.area_id))]
            rest = [a for a in rest if not a.area_id.startswith(prefix(gateway.area_id))]
            count["outside"] += _queue(gateway, mine)
        if rest and simulated(world):
            ringing += rest
        elif rest:
            count["failed"] += _fail(planned.filter(channel=channel, gateway=None), "通道未配置")
    if ringing:
        count["simulated"] = simulate(notice, n, ringing)
    return count


def gateways(world: World, channel: str) -> list[Gateway]:
    """The gateways in use for a channel, the one of the smallest area first. A replay has none."""
    if world.kind == World.Kind.REPLAY:
        return []
    rows = Gateway.everywhere.filter(channel=channel, enabled=True).order_by("pk")
    return sorted(rows, key=lambda g: -len(prefix(g.area_id)))


def simulated(world: World) -> bool:
    """May the simulator stand in? Always outside the real city; in it only while it is the demo city."""
    return not world.actual or settings.DEMO


def _fail(rows: QuerySet[Attempt], reason: str) -> int:
    return rows.update(state=Attempt.State.FAILED, ended_at=now(), reason=reason)


def _queue(gateway: Gateway, attempts: list[Ring]) -> int:
    """Write the batches that a gateway has to carry; attempts of one call stay in one batch."""
    calls = list(dict.fromkeys(a.call for a in attempts))
    Attempt.everywhere.filter(pk__in=[a.pk for a in attempts]).update(gateway=gateway, carrier=gateway.carrier)
    for start in range(0, len(calls), BATCH):
        batch = calls[start : start + BATCH]
        due.put("notice.send", now(), key=f"send:{batch[0]}:0", gateway=gateway.pk, calls=batch, tries=0)
    return len(attempts)


@due.handles("notice.send", outside=True, lease_s=LEASE_S)
def work_send(row: Due) -> None:
    """Carry one batch out. Run again after a crash, it repeats only what the far end knows again by its key."""
    gateway = Gateway.everywhere.get(pk=row.body["gateway"])
    groups = _claim(gateway, row.body["calls"])
    fates: dict[str, Fate] = {}
    if groups and (gateway.retry_at is None or gateway.retry_at <= real()):
        fates = _carry(gateway, {key: wording(gateway, group) for key, group in groups.items()})
    _settle(gateway, groups, fates, row)


def _claim(gateway: Gateway, calls: list[str]) -> dict[str, list[Attempt]]:
    """The calls of a batch that are still to be made, marked as being sent."""
    world = scope.current().world
    rows = Attempt.everywhere.filter(call__in=calls, world=world)
    idempotent = CARRIERS[gateway.carrier].idempotent
    with transaction.atomic():
        if not idempotent:
            _fail(rows.filter(state=Attempt.State.SENDING), "发送中断,结果不明,未重发")
        silent = rows.filter(addressee__state__in=(State.WAITING, State.TOLD, State.SILENT)).values("call")
        rows.filter(state=Attempt.State.PLANNED).exclude(call__in=silent).update(
            state=Attempt.State.SKIPPED, ended_at=now(), reason="已应答,免呼"
        )
        if world.kind == World.Kind.REPLAY:
            _fail(rows.filter(state=Attempt.State.PLANNED), "回放中,未外发")
        elif world.kind == World.Kind.EXERCISE:
            _fail(rows.filter(state=Attempt.State.PLANNED).exclude(address__in=world.allow), "演练名单外,未外发")
        rows.filter(state=Attempt.State.PLANNED).update(state=Attempt.State.SENDING, tries=F("tries") + 1)
        mine = rows.filter(state=Attempt.State.SENDING).select_related("addressee__notice", "addressee__area", "world")
        groups: dict[str, list[Attempt]] = {}
        for attempt in mine.order_by("pk"):
            groups.setdefault(attempt.call, []).append(attempt)
    return groups


def _carry(gateway: Gateway, calls: dict[str, Call]) -> dict[str, Fate]:
    """Make the calls side by side. After the first sign that the gateway is down the rest is not tried."""
    down, carrier = threading.Event(), CARRIERS[gateway.carrier]

    def one(call: Call) -> Fate:
        if down.is_set():
            return Down("网关不通")
        try:
            return carrier.send(gateway, call)
        except Down as fault:
            down.set()
            return fault
        except Rejected as fault:
            return fault

    with ThreadPoolExecutor(THREADS) as pool:
        return dict(zip(calls, pool.map(one, calls.values()), strict=True))


def _settle(gateway: Gateway, groups: dict[str, list[Attempt]], fates: dict[str, Fate], row: Due) -> None:
    """Write what became of each call; what could not go is put back and tried again later."""
    fault = next((f for f in fates.values() if isinstance(f, Down)), None)
    again = [key for key in groups if key not in fates or isinstance(fates[key], Down)]
    with transaction.atomic():
        for key, fate in fates.items():
            sending = Attempt.everywhere.filter(call=key, state=Attempt.State.SENDING)
            if isinstance(fate, Sent):
                _sent(sending, key, fate)
            elif isinstance(fate, Rejected):
                _fail(sending, str(fate)[:200])
        if fates:
            _note_health(gateway, fault)
        if again:
            at = _retry_at(gateway)
            sending = Attempt.everywhere.filter(call__in=again, state=Attempt.State.SENDING)
            sending.update(state=Attempt.State.PLANNED, reason=f"网关不通,第{row.body['tries'] + 1}次重试待发")
            tries = row.body["tries"] + 1
            key = f"send:{row.body['calls'][0]}:{tries}"
            due.put("notice.send", at, key=key, gateway=gateway.pk, calls=again, tries=tries)


def _sent(sending: QuerySet[Attempt], key: str, fate: Sent) -> None:
    moment = now()
    sending.update(state=Attempt.State.SENT, sent_at=moment, provider=fate.provider, reason="")
    Addressee.everywhere.filter(attempts__call=key, called_at=None).update(called_at=moment)


def _note_health(gateway: Gateway, fault: Down | None) -> None:
    if fault is None:
        Gateway.everywhere.filter(pk=gateway.pk).update(faults=0, retry_at=None)
    else:
        pause = min(LONGEST_PAUSE, timedelta(seconds=2 ** min(gateway.faults, 6)))
        Gateway.everywhere.filter(pk=gateway.pk).update(faults=F("faults") + 1, retry_at=real() + pause)
    gateway.refresh_from_db()
    beat(gateway, str(fault or ""))


def beat(gateway: Gateway, fault: str = "") -> None:
    beats.beat(f"gateway:{gateway.name}", good=not fault, detail=fault, silence_s=300, essential=False)


def _retry_at(gateway: Gateway) -> datetime:
    """The world's time at which the gateway may be tried again."""
    world = scope.current().world
    return max(world.at(gateway.retry_at or real()), now() + timedelta(milliseconds=200))


def wording(gateway: Gateway, group: list[Attempt]) -> Call:
    """What is said in one call, and how to answer it."""
    first = group[0]
    notice = first.addressee.notice
    mark = "【演练】" if first.world.kind == World.Kind.EXERCISE else ""
    own = first.whom in (Attempt.Whom.SELF, Attempt.Whom.DEPUTY)
    text = f"{mark}【{notice.title}】{notice.text}"
    if not own:
        names = "、".join(f"{a.addressee.area}{a.addressee.name}" for a in group[:5])
        rest = f"等{len(group)}处" if len(group) > 5 else ""
        text += f" 以下责任人未应答:{names}{rest},请核实并转达。"
    if notice.kind == Notice.Kind.CALL:
        text += " 收到请按1。" if own else " 收到请按1,已转达到位请按2。"
        if first.channel != "voice" and gateway.site:
            text += f" 或打开 {gateway.site.rstrip('/')}{links.path(first)}"
    return Call(first.call, first.channel, first.address, text, notice.level)


@every("notice.probe", minutes=1)
def probe_all(at: Any) -> None:
    """Ask for a sign of life of every gateway, outside this transaction."""
    for gateway in Gateway.everywhere.filter(enabled=True).order_by("pk"):
        due.put("notice.probe", now(), key=f"probe:{gateway.pk}:{at.timestamp():.0f}", gateway=gateway.pk)


@due.handles("notice.probe", outside=True)
def work_probe(row: Due) -> None:
    """Open a connection to the gateway and close it; the health page shows the result."""
    gateway = Gateway.everywhere.get(pk=row.body["gateway"])
    if gateway.carrier == "webhook":
        beat(gateway, "" if not gateway.faults else f"连续失败{gateway.faults}次")
        return
    url = urlsplit(gateway.address)
    port = url.port or {"https": 443, "smtps": 465, "smtp": 25}.get(url.scheme, 80)
    try:
        socket.create_connection((url.hostname or "", port), timeout=3).close()
    except OSError as fault:
        beat(gateway, f"连接失败:{fault}")
        return
    beat(gateway)
