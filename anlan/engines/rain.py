"""Rolling rain sums and rain grades.

Sources: grades of 12 h and 24 h rain GB/T 28592-2012; the 1 h and 3 h columns are service practice, not a standard.
Short-time heavy rain: 20 mm or more in 1 h (service practice). All amounts are mm of water, all times seconds.

A sample at time t is the rain that fell since the sample before it; a window of h hours ending at t is (t-h, t].
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

NAMES = ("小雨", "中雨", "大雨", "暴雨", "大暴雨", "特大暴雨")
LOWER_MM: dict[int, tuple[float, ...]] = {
    1: (0.1, 2, 5, 10, 20),
    3: (0.1, 3, 10, 20, 50, 70),
    12: (0.1, 5, 15, 30, 70, 140),
    24: (0.1, 10, 25, 50, 100, 250),
}
SHORT_HEAVY_MM = 20.0
STEPS_PER_MM = 1000


def rolling(times: ArrayLike, amounts: ArrayLike, hours: float, gap_s: float | None = None) -> NDArray[np.float64]:
    """Sum over (t-h, t] at every sample; shape (n,), mm.

    `times` rise strictly (else ValueError). Where two samples lie more than `gap_s` apart, or a sample is NaN, the sum
    starts anew behind the gap (a NaN sample itself gives NaN): a sum is then a lower bound of the true one, so that a
    threshold that it reaches is truly reached. Amounts are kept in whole 0.001 mm, so that 49.9 + 0.1 is 50.
    """
    when, steps, missing = _samples(times, amounts)
    total = np.concatenate(([0], np.cumsum(steps)))
    first = np.searchsorted(when, when - round(hours * 3600), side="right")
    start = np.maximum.accumulate(np.where(_breaks(when, missing, gap_s), np.arange(len(when)), 0))
    sums = (total[1:] - total[np.maximum(first, start)]) / STEPS_PER_MM
    return np.where(missing, np.nan, sums)


def rolling_slow(
    times: Sequence[float], amounts: Sequence[float], hours: float, gap_s: float | None = None
) -> list[float]:
    """`rolling` as one would say it aloud; the test keeps both equal."""
    sums = []
    for k, now in enumerate(times):
        total, j = 0, k
        while j >= 0 and times[j] > now - round(hours * 3600) and amounts[j] == amounts[j]:
            total += round(amounts[j] * STEPS_PER_MM)
            if j and gap_s is not None and times[j] - times[j - 1] > gap_s:
                break
            j -= 1
        sums.append(total / STEPS_PER_MM if amounts[k] == amounts[k] else float("nan"))
    return sums


def peak(times: ArrayLike, amounts: ArrayLike, hours: float, gap_s: float | None = None) -> tuple[float, float]:
    """(largest sum of any window in mm, time at which that window ends). Raises ValueError when all is missing."""
    sums = rolling(times, amounts, hours, gap_s)
    if not np.any(np.isfinite(sums)):
        raise ValueError("no rain sample")
    at = int(np.nanargmax(sums))
    return float(sums[at]), float(np.asarray(times)[at])


def grade(amount: float, hours: int) -> str:
    """Name of the rain grade of a sum over 1, 3, 12 or 24 h; empty below 0.1 mm. Other windows: KeyError."""
    reached = sum(amount >= lower for lower in LOWER_MM[hours])
    return NAMES[reached - 1] if reached else ""


def short_heavy(times: ArrayLike, amounts: ArrayLike, gap_s: float | None = None) -> NDArray[np.bool_]:
    """At which samples the last hour was a short-time heavy rain (短时强降水)."""
    return rolling(times, amounts, 1, gap_s) >= SHORT_HEAVY_MM


def _samples(times: ArrayLike, amounts: ArrayLike) -> tuple[NDArray, NDArray[np.int64], NDArray[np.bool_]]:
    when, mm = np.asarray(times), np.asarray(amounts, float)
    if when.shape != mm.shape or when.ndim != 1:
        raise ValueError(f"times {when.shape} and amounts {mm.shape} must be two rows of equal length")
    if np.any(np.diff(when) <= 0):
        raise ValueError("times must rise strictly")
    missing = np.isnan(mm)
    return when, np.rint(np.where(missing, 0, mm) * STEPS_PER_MM).astype(np.int64), missing


def _breaks(when: NDArray, missing: NDArray[np.bool_], gap_s: float | None) -> NDArray[np.bool_]:
    """True at the first sample behind a gap."""
    new = np.zeros(len(when), bool)
    new[1:] = missing[:-1]
    if gap_s is not None:
        new[1:] |= np.diff(when) > gap_s
    return new
