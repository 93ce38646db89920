"""Marks of units from facts: each fact is a share of one obligation, each dimension the mean of its facts, the mark their weighted mean.

The way is this project's own and no published method; weights and rules are the caller's data. A dimension without a fact
is left out and its weight goes to the others in proportion, so that nobody is marked for what was not asked of him.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

FULL = 100.0


@dataclass(frozen=True)
class Fact:
    """One obligation of one unit. ``share`` is from 0 (not kept) to 1; ``weight`` how many obligations it stands for."""

    unit: str
    dimension: str
    share: float
    said: str
    why: str
    href: str = ""
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError(f"share {self.share} of {self.said} is not between 0 and 1")
        if self.weight <= 0:
            raise ValueError(f"weight {self.weight} of {self.said} is not above 0")


@dataclass
class Part:
    """One dimension of a mark: its weight as declared and as it counts, its share, what it gives and what it costs."""

    dimension: str
    declared: float
    weight: float = 0.0
    share: float = 0.0
    facts: list[tuple[Fact, float]] = field(default_factory=list)
    """Each fact with the points that it costs."""

    @property
    def points(self) -> float:
        return self.weight * self.share

    @property
    def lost(self) -> float:
        return self.weight - self.points


@dataclass
class Mark:
    unit: str
    parts: list[Part]
    rank: int = 0

    @property
    def total(self) -> float | None:
        """Out of 100; None for a unit of which nothing was asked."""
        return round(sum(p.points for p in self.parts), 2) if any(p.facts for p in self.parts) else None


def mark(unit: str, facts: Iterable[Fact], weights: Mapping[str, float]) -> Mark:
    """The mark of one unit. Weights need not add up to 100; unknown dimensions count nothing.

    Raises ValueError for a negative weight.
    """
    if any(w < 0 for w in weights.values()):
        raise ValueError("a weight is negative")
    mine = [f for f in facts if f.unit == unit]
    parts = [_part(dimension, weight, mine) for dimension, weight in weights.items()]
    whole = sum(p.declared for p in parts if p.facts)
    for part in parts:
        part.weight = FULL * part.declared / whole if part.facts and whole else 0.0
        total = sum(f.weight for f, _ in part.facts)
        part.facts = [(f, round(part.weight * f.weight * (1 - f.share) / total, 2)) for f, _ in part.facts]
    return Mark(unit, parts)


def _part(dimension: str, weight: float, facts: list[Fact]) -> Part:
    mine = [f for f in facts if f.dimension == dimension]
    total = sum(f.weight for f in mine)
    share = sum(f.share * f.weight for f in mine) / total if total else 0.0
    return Part(dimension, weight, share=share, facts=[(f, 0.0) for f in sorted(mine, key=lambda f: f.share)])


def rank(marks: list[Mark]) -> list[Mark]:
    """The marks from best to worst; equal ones share a rank, and who has no mark comes last without one."""
    judged = sorted((m for m in marks if m.total is not None), key=lambda m: -(m.total or 0))
    for n, one in enumerate(judged, 1):
        one.rank = judged[n - 2].rank if n > 1 and judged[n - 2].total == one.total else n
    return judged + [m for m in marks if m.total is None]
