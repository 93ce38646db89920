"""The simulated telephones of the demo city, its exercises and its replays. Everything here is 模拟, never a real call.

What a phone does depends only on the world's seed, the notice's number, the person, the rung and the channel, so the
same seed gives the same answers. Results come as due rows of the same world and go through the same door as a real
gateway's (``anlan.kernel.answers.heard``). The rates below are assumptions of the simulation, not statistics.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp, log
from random import Random
from typing import NamedTuple

from django.utils import timezone

from anlan.kernel.answers import acts as answers
from anlan.kernel.answers import heard
from anlan.kernel.carriers import Carrier, carrier
from anlan.kernel.clock import due, now
from anlan.kernel.clock.models import Due
from anlan.kernel.notice.ladder import NIGHT_FROM, NIGHT_TO
from anlan.kernel.notice.models import Addressee, Attempt, Notice
from anlan.kernel.people import scope

NEVER = 0.04
"""Share of persons who answer nothing at all during one notice."""
CUT_OFF = 0.012
"""Share of villages whose network is down: neither the A role nor the deputy can be reached there."""
MISSED = {"voice": 0.16, "sms": 0.45, "loudspeaker": 0.6, "mail": 0.8, "group": 0.6}
MEDIAN_S = {"city": 30.0, "district": 40.0, "town": 60.0, "village": 95.0}
SLOWER = {"voice": 1.0, "sms": 2.6, "loudspeaker": 2.0, "mail": 10.0, "group": 4.0}
SPREAD = 0.5
NIGHT = 1.3
FOOT_S, FOOT_SPREAD, FOOT_FAILS = 840.0, 0.7, 0.1
"""A superior or neighbour who was told goes on foot: median time, spread, share in vain."""
MOVES = {1: 0.7, 2: 0.5, 3: 0.3}
MOVE_S, MOVE_SPREAD, MOVE_HOUSEHOLDS, PERSONS = 4200.0, 0.6, 12.0, 2.6
REASONS = ((0.6, "no_answer"), (0.85, "busy"), (1.0, "off"))


@carrier
class Simulator(Carrier):
    name = "simulator"
    label = "模拟"
    outside = False
    channels = ("voice", "sms", "loudspeaker", "mail", "group")


class Ring(NamedTuple):
    """What decides an attempt's way and fate, without the rest of its row."""

    pk: int
    call: str
    person_id: int
    whom: str
    channel: str
    addressee_id: int
    area_id: str


@dataclass(frozen=True)
class Happening:
    after_s: float
    what: str
    """delivered, failed, 1 or 2"""
    reason: str = ""


def simulate(notice: Notice, n: int, attempts: list[Ring]) -> int:
    """Let the simulated phones ring: mark the attempts sent and write down what will come of them, second by second."""
    moment, channels = now(), {a.channel for a in attempts}
    rows = Attempt.everywhere.filter(addressee__notice=notice, rung=n, state=Attempt.State.PLANNED, gateway=None)
    rows.filter(channel__in=channels).update(state=Attempt.State.SENT, carrier="simulator", sent_at=moment)
    called = Addressee.everywhere.filter(notice=notice, called_at=None, attempts__rung=n)
    called.filter(attempts__state=Attempt.State.SENT).update(called_at=moment)
    tiers = dict(Addressee.everywhere.filter(notice=notice).values_list("pk", "tier"))
    slots: dict[int, list[tuple[str, str, str, str]]] = {}
    for a in {a.call: a for a in attempts}.values():
        for h in fate(notice, n, a, tiers[a.addressee_id]):
            slots.setdefault(max(1, round(h.after_s)), []).append((a.call, h.what, h.reason, a.channel))
    due.put_many("sim.calls", [
        (moment + timedelta(seconds=s), f"sim:{notice.pk}:{n}:{s}", {"calls": calls})
        for s, calls in sorted(slots.items())
    ])  # fmt: skip
    return len(attempts)


def fate(notice: Notice, n: int, attempt: Ring, tier: str) -> Iterator[Happening]:
    """What becomes of one call."""
    seed, person, channel = f"{scope.current().world.seed}:{notice.number}", attempt.person_id, attempt.channel
    rng = Random(f"{seed}:{n}:{person}:{channel}")
    own = attempt.whom in (Attempt.Whom.SELF, Attempt.Whom.DEPUTY)
    cut_off = own and tier == "village" and Random(f"{seed}:{attempt.area_id}:cut").random() < CUT_OFF
    never = cut_off or Random(f"{seed}:{person}").random() < NEVER
    if cut_off and channel != "voice":
        return
    if channel != "voice":
        yield Happening(rng.uniform(2, 8), "delivered")
    if notice.kind != Notice.Kind.CALL:
        return  # what only informs asks for no answer
    if never or rng.random() < MISSED[channel]:
        if channel == "voice":
            pick = rng.random()
            yield Happening(rng.uniform(12, 45), "failed", next(r for share, r in REASONS if pick <= share))
        return
    median = MEDIAN_S[tier if own else "district"] * SLOWER[channel] * (NIGHT if _night() else 1.0)
    answered = max(6.0, _around(rng, median, SPREAD))
    yield Happening(answered, "1")
    if not own and rng.random() >= FOOT_FAILS:
        yield Happening(answered + _around(rng, FOOT_S, FOOT_SPREAD), "2")


def _around(rng: Random, median: float, spread: float) -> float:
    return exp(rng.gauss(log(median), spread))


def _night() -> bool:
    hour = timezone.localtime(now()).hour
    return hour >= NIGHT_FROM or hour < NIGHT_TO


@due.handles("sim.calls")
def work_calls(row: Due) -> None:
    """What the simulated phones do in this second."""
    told = row.body["calls"]
    heard.delivered([call for call, what, _, _ in told if what == "delivered"])
    for reason in dict.fromkeys(reason for _, what, reason, _ in told if what == "failed"):
        calls = [call for call, what, why, _ in told if what == "failed" and why == reason]
        heard.failed(calls, heard.REASONS[reason])
    for digit, way in (("1", ""), ("2", "foot")):
        presses = [heard.Press(call, what, way or via) for call, what, _, via in told if what == digit]
        if presses:
            _plan_moves(heard.pressed(presses))


def _plan_moves(answered: list[Addressee]) -> None:
    """Some villages that answered will move people out of danger, minutes to hours later."""
    rows: list[tuple[datetime, str | None, dict]] = []
    for addressee in answered:
        rng = Random(f"{scope.current().world.seed}:{addressee.notice.number}:{addressee.area_id}:move")
        if addressee.tier != "village" or rng.random() >= MOVES.get(addressee.notice.level or 4, 0.0):
            continue
        households = max(1, round(_around(rng, MOVE_HOUSEHOLDS, MOVE_SPREAD)))
        at = now() + timedelta(seconds=round(_around(rng, MOVE_S, MOVE_SPREAD)))
        body = {"addressee": addressee.pk, "households": households, "people": round(households * PERSONS)}
        rows.append((at, f"sim:moved:{addressee.pk}", body))
    if rows:
        due.put_many("sim.moved", rows)


@due.handles("sim.moved")
def work_moved(row: Due) -> None:
    addressee = Addressee.everywhere.select_related("notice", "area").get(pk=row.body["addressee"])
    answers.do_report_moved(
        addressee, row.body["households"], row.body["people"], by=addressee.answered_by_id,
        text=f"【模拟】已转移{row.body['households']}户{row.body['people']}人", client_id=row.key,
    )  # fmt: skip
