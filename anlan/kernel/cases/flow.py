"""A flow is frozen data, checked when it is declared."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, time
from typing import Any

from anlan.engines.capid import BEIJING
from anlan.engines.refused import Refused
from anlan.engines.workdays import Table, add_days, add_hours, add_workdays
from anlan.kernel.people.roles import ROLES

FLOWS: dict[str, Flow] = {}
HOUSE = "system"
"""Who moves a case when no person does: its duties and its clock."""


@dataclass(frozen=True)
class Move:
    """A step that a person takes: from some states to one, by some roles, with some fields filled."""

    name: str
    label: str
    sources: str
    target: str
    by: str = ""
    needs: str = ""
    asks: str = ""
    """Fields that the form also offers, but that may stay empty."""
    danger: bool = False
    apart: bool = False
    """Not by the person who brought the case into the state that it leaves: nobody accepts his own work."""
    owner: str = ""
    """The field of the case that names the unit whose step this is: only who belongs to it, or to a unit above it."""

    @property
    def starts(self) -> tuple[str, ...]:
        return tuple(self.sources.split())

    @property
    def roles(self) -> tuple[str, ...]:
        return tuple(self.by.split())

    @property
    def needed(self) -> tuple[str, ...]:
        return tuple(self.needs.split())

    @property
    def asked(self) -> tuple[str, ...]:
        return (*self.needed, *self.asks.split())


@dataclass(frozen=True)
class Limit:
    """How long a case may stand in a state, and the article that says so. Exactly one unit is given.

    ``by`` names a date-time field of the case that holds the term instead (a date set in the case itself).
    """

    state: str
    basis: str
    minutes: float = 0
    hours: float = 0
    days: int = 0
    workdays: int = 0
    by: str = ""
    since: str = ""
    """The date-time attribute of the case from which the time runs; the entry into the state when empty."""
    remind: tuple[float, ...] = ()
    """Reminders: this share of the time before the end (0.5 = half way)."""
    raise_to: str = ""
    """Roles that the line ``case.overdue`` names, one after another, each as long after the last as the term was (at
    least ten minutes). Whom a room wakes then is for its duties to say."""
    confidence: str = "V"

    def term(self, entered: datetime, table: Table, case: Any = None) -> datetime | None:
        """The last instant by which the case must have left the state; None while it is not configured."""
        if self.by:
            return getattr(case, self.by, None)
        if self.since:
            entered = getattr(case, self.since)
        if self.minutes or self.hours:
            return add_hours(entered, self.hours + self.minutes / 60)
        day = entered.astimezone(BEIJING).date()
        count = add_workdays if self.workdays else add_days
        last = count(day, self.workdays or self.days, table)
        return datetime.combine(last, time(23, 59, 59), BEIJING)


@dataclass(frozen=True)
class Flow:
    """A closed loop. ``states`` maps names to labels; ``ends`` are the states in which a case rests."""

    name: str
    title: str
    states: dict[str, str]
    moves: tuple[Move, ...]
    ends: str
    limits: tuple[Limit, ...] = ()
    start: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", self.start or next(iter(self.states)))
        self._check()
        if FLOWS.get(self.name, self) != self:
            raise ValueError(f"{self.name}: two flows of one name")
        FLOWS[self.name] = self

    def _check(self) -> None:
        known, ends = set(self.states), set(self.ends.split())
        for move in self.moves:
            if odd := {*move.starts, move.target} - known:
                raise ValueError(f"{self.name}: move {move.name} names unknown states {sorted(odd)}")
            if odd := set(move.roles) - {*ROLES, HOUSE}:
                raise ValueError(f"{self.name}: move {move.name} names unknown roles {sorted(odd)}")
        for limit in self.limits:
            if limit.state not in known or limit.state in ends:
                raise ValueError(f"{self.name}: a limit on {limit.state}, which is no open state")
            if odd := set(limit.raise_to.split()) - set(ROLES):
                raise ValueError(f"{self.name}: the limit on {limit.state} names unknown roles {sorted(odd)}")
            if not limit.basis:
                raise ValueError(f"{self.name}: the limit on {limit.state} has no basis")
            lengths = (limit.minutes, limit.hours, limit.days, limit.workdays, limit.by)
            if sum(map(bool, lengths)) != 1:
                raise ValueError(f"{self.name}: the limit on {limit.state} must name exactly one length of time")
        if lost := known - self._reached():
            raise ValueError(f"{self.name}: no way leads to {sorted(lost)}")
        for state in known - ends:
            if not any(state in m.starts for m in self.moves):
                raise ValueError(f"{self.name}: no way leads out of {state}")

    def _reached(self) -> set[str]:
        reached, todo = {self.start}, [self.start]
        while todo:
            here = todo.pop()
            new = {m.target for m in self.moves if here in m.starts} - reached
            reached |= new
            todo += new
        return reached

    def owner_in(self, state: str) -> str:
        """The field that names the unit whose turn it is in a state; empty where anybody with the role may act."""
        return next((m.owner for m in self.from_state(state) if m.owner), "")

    def from_state(self, state: str) -> tuple[Move, ...]:
        return tuple(m for m in self.moves if state in m.starts)

    def ended(self, state: str) -> bool:
        return state in self.ends.split()

    def find(self, state: str, name: str) -> Move:
        for move in self.from_state(state):
            if move.name == name:
                return move
        label = next((m.label for m in self.moves if m.name == name), name)
        raise Refused(f"当前为「{self.states.get(state, state)}」,不能办理「{label}」")

    def snapshot(self) -> dict[str, Any]:
        """The limits in force when a case starts; the case is judged by these for its whole life."""
        return {"flow": self.name, "limits": [asdict(limit) for limit in self.limits]}

    def diagram(self) -> str:
        """The loop as a Mermaid state diagram."""
        rows = ["stateDiagram-v2"] + [f"  {name}: {label}" for name, label in self.states.items()]
        rows.append(f"  [*] --> {self.start}")
        rows += [f"  {s} --> {m.target}: {m.label}" for m in self.moves for s in m.starts]
        rows += [f"  {s} --> [*]" for s in self.ends.split()]
        return "\n".join(rows)
