"""The one door to the outside: which carrier takes an attempt, and the batches that go through gateways.

Nothing leaves a replay. An exercise reaches only its allow-list. A gateway that is down is tried again with a growing
pause, always with the same key, and stands red on the health page meanwhile.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet

from anlan.kernel.answers import links
from anlan.kernel.carriers import CARRIERS, CHANNELS, Call, Down, Later, Rejected, Sent, Unsure, load
from anlan.kernel.carriers.models import Gateway
from anlan.kernel.carriers.sealed import Unreadable
from anlan.kernel.carriers.wire import why
from anlan.kernel.clock import beats, due, every, now, real
from anlan.kernel.clock.models import Due
from anlan.kernel.notice.acts import State
from anlan.kernel.notice.models import Addressee, Attempt, Notice
from anlan.kernel.people import ask, scope
from anlan.kernel.people.scope import prefix
from anlan.kernel.simulator.phones import Ring, simulate
from anlan.kernel.worlds.models import World

log = logging.getLogger(__name__)
BATCH = 100
THREADS = 8
LONGEST_PAUSE = timedelta(seconds=60)
LEASE_S = 300
BEGUN_S = 120
"""After so long no further call of a batch is begun: the last must end well before its lease does."""
STILL = timedelta(minutes=5)
"""So long after its last failure a gateway that merely opens its door is not called well."""
OFF_LIST = "演练名单外,未外发"
GIVE_UP = timedelta(hours=24)
Fate = Sent | Down | Rejected
load()


def route(notice: Notice, n: int) -> dict[str, int]:
    """Give each planned attempt of a rung to the simulator, to a gateway, or mark why it cannot go."""
    world = scope.current().world
    planned = Attempt.everywhere.filter(addressee__notice=notice, rung=n, state=Attempt.State.PLANNED)
    count = {"simulated": 0, "outside": 0, "failed": _fail(planned.filter(address=""), "没有号码或地址")}
    ringing: list[Ring] = []
    if world.kind == World.Kind.EXERCISE:
        ringing, off = _stand_in(world, planned)
        count["failed"] += _fail(off, OFF_LIST)
        planned = planned.filter(_listed(world))
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


def _listed(world: World) -> Q:
    """Whom an exercise may reach outside: its participants, at the addresses of its list."""
    return Q(address__in=world.allow, person__in=ask.called(world).values("person"))


def _stand_in(world: World, planned: QuerySet[Attempt]) -> tuple[list[Ring], QuerySet[Attempt]]:
    """The attempts for which simulated telephones stand in, and those that reach nobody.

    Simulated are only those who take no part, and only where the exercise says so: nobody answers in a player's name.
    """
    off = planned.exclude(_listed(world))
    if ask.alone(world):
        return [], off
    members = ask.called(world).values("person")
    others = planned.exclude(person__in=members).order_by("pk").values_list(*Ring._fields)
    return [Ring(*row) for row in others], off.filter(person__in=members)


def gateways(world: World, channel: str) -> list[Gateway]:
    """The gateways in use for a channel, the one of the smallest area first. A replay has none."""
    if world.kind == World.Kind.REPLAY:
        return []
    rows = Gateway.everywhere.filter(channel=channel, enabled=True).order_by("pk")
    return sorted(rows, key=lambda g: -len(prefix(g.area_id)))


def simulated(world: World) -> bool:
    """May the simulator stand in where no gateway is? In every replay, and in the real city while it is the demo."""
    return world.kind == World.Kind.REPLAY or (world.actual and settings.DEMO)


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
        planned = rows.filter(state=Attempt.State.PLANNED)
        _fail(planned.filter(planned_at__lt=now() - GIVE_UP * world.speed), "24小时内未能发出,已放弃")
        if not gateway.enabled:
            _fail(rows.filter(state__in=(Attempt.State.PLANNED, Attempt.State.SENDING)), "网关已停用,未外发")
        if world.kind == World.Kind.REPLAY:
            _fail(planned, "回放中,未外发")
        elif world.kind == World.Kind.EXERCISE:
            _fail(planned.exclude(_listed(world)), OFF_LIST)
        rows.filter(state=Attempt.State.PLANNED).update(state=Attempt.State.SENDING, tries=F("tries") + 1)
        mine = rows.filter(state=Attempt.State.SENDING).select_related("addressee__notice", "addressee__area", "world")
        groups: dict[str, list[Attempt]] = {}
        for attempt in mine.order_by("pk"):
            groups.setdefault(attempt.call, []).append(attempt)
    return groups


def _carry(gateway: Gateway, calls: dict[str, Call]) -> dict[str, Fate]:
    """Make the calls side by side. After the first sign that the gateway is down the rest is not tried."""
    down, carrier, until = threading.Event(), CARRIERS[gateway.carrier], time.monotonic() + BEGUN_S

    def one(call: Call) -> Fate:
        if down.is_set():
            return Down("网关不通")
        if time.monotonic() > until:
            return Later("网关过慢")
        try:
            return carrier.send(gateway, call)
        except Unreadable as fault:
            down.set()
            return Down(str(fault))
        except (Down, Rejected) as fault:
            if _ill(fault):
                down.set()
            return fault
        except Exception as fault:  # one call must not decide what is written of the others; its words may hold a secret
            log.error("gateway %s: a call broke with %s", gateway.name, type(fault).__name__)
            down.set()
            return Unsure("发送出错,结果不明,未重发")

    with ThreadPoolExecutor(THREADS) as pool:
        return dict(zip(calls, pool.map(one, calls.values()), strict=True))


def _ill(fate: Fate | None) -> bool:
    """Does this fate say that the gateway itself is not well?"""
    return isinstance(fate, (Down, Unsure)) and not isinstance(fate, Later)


def _settle(gateway: Gateway, groups: dict[str, list[Attempt]], fates: dict[str, Fate], row: Due) -> None:
    """Write what became of each call; what could not go is put back and tried again later."""
    fault = next((f for f in fates.values() if _ill(f)), None)
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
            waits = any(isinstance(f, Later) for f in fates.values())
            at = max(_retry_at(gateway), now() + pause(row.body["tries"])) if waits else _retry_at(gateway)
            tries = row.body["tries"] + 1
            _put_back(again, fates, tries)
            key = f"send:{row.body['calls'][0]}:{tries}"
            due.put("notice.send", at, key=key, gateway=gateway.pk, calls=again, tries=tries)


def _put_back(calls: list[str], fates: dict[str, Fate], tries: int) -> None:
    """These calls are to be made later; why, stands on each."""
    sending = Attempt.everywhere.filter(state=Attempt.State.SENDING)
    waits = [key for key in calls if isinstance(fates.get(key), Later)]
    for key in waits:
        sending.filter(call=key).update(state=Attempt.State.PLANNED, reason=f"{fates[key]},第{tries}次重试待发")
    sending.filter(call__in=calls).update(state=Attempt.State.PLANNED, reason=f"网关不通,第{tries}次重试待发")


def _sent(sending: QuerySet[Attempt], key: str, fate: Sent) -> None:
    moment = now()
    sending.update(state=Attempt.State.SENT, sent_at=moment, provider=fate.provider, reason="")
    Addressee.everywhere.filter(attempts__call=key, called_at=None).update(called_at=moment)


def pause(faults: int) -> timedelta:
    """1, 2, 4 … seconds, at most a minute."""
    return min(LONGEST_PAUSE, timedelta(seconds=2 ** min(faults, 6)))


def _note_health(gateway: Gateway, fault: Fate | None) -> None:
    if fault is None:
        Gateway.everywhere.filter(pk=gateway.pk).update(faults=0, retry_at=None)
    else:
        until = real() + pause(gateway.faults)
        Gateway.everywhere.filter(pk=gateway.pk).update(faults=F("faults") + 1, retry_at=until)
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
    if notice.kind == Notice.Kind.CALL and not CHANNELS[first.channel].shared:
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
    if not gateway.enabled:
        return
    url = urlsplit(gateway.address)
    port = url.port or {"https": 443, "smtps": 465, "smtp": 25}.get(url.scheme, 80)
    try:
        socket.create_connection((url.hostname or "", port), timeout=3).close()
    except OSError as fault:
        beat(gateway, f"连接失败:{why(fault)}")
        return
    failing = gateway.faults and gateway.retry_at and gateway.retry_at > real() - STILL
    beat(gateway, f"可以连通,但最近连续失败{gateway.faults}次" if failing else "")


def try_out(gateway: Gateway, to: str) -> str:
    """Send one test message now; what went wrong, or nothing. Waiting calls go on at once when it went well."""
    call = Call(f"test:{gateway.pk}:{uuid4().hex[:12]}", gateway.channel, to, "【测试】安澜平台网关试发,收到无需处理。")
    fate = _carry(gateway, {call.key: call})[call.key]
    with transaction.atomic():
        _note_health(gateway, fate if _ill(fate) else None)
    return "" if isinstance(fate, Sent) else str(fate)
