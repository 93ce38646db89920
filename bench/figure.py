"""One measured figure: what was promised of it, and what the same work costs without the house (its peer)."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    what: str
    value: float
    unit: str
    limit: float | None = None
    """The most that the value may be; None where nothing is promised."""
    peer: float | None = None
    against: str = ""
    """What the peer is; it was measured in the same run. Without a figure of it, why there is none."""

    @property
    def kept(self) -> bool:
        return self.limit is None or self.value <= self.limit

    @property
    def ratio(self) -> float | None:
        return self.value / self.peer if self.peer else None

    def told(self) -> dict[str, Any]:
        return {**asdict(self), "ratio": self.ratio, "kept": self.kept}


def percentile(values: list[float], share: float) -> float:
    """The nearest-rank percentile."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


def slack() -> float:
    """How much longer everything takes because this machine does other work too; 1 on a quiet one."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
