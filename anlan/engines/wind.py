"""Wind force and grades of tropical cyclones.

Sources: Beaufort force 0-17, GB/T 28591-2012, lower bounds of the 10 min mean wind at 10 m height, m/s.
Tropical cyclones: GB/T 19201-2006, 2 min mean wind near the centre, m/s. The agencies average over different times
(China 2 min, Japan 10 min, United States 1 min), so grades of different agencies must not be mixed in one track.
Speeds are given to 0.1 m/s; the bounds are exact in that step.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

FORCE_FROM_MS = (0.0, 0.3, 1.6, 3.4, 5.5, 8.0, 10.8, 13.9, 17.2, 20.8, 24.5, 28.5, 32.7, 37.0, 41.5, 46.2, 51.0, 56.1)
GRADES = (
    (51.0, "超强台风"),
    (41.5, "强台风"),
    (32.7, "台风"),
    (24.5, "强热带风暴"),
    (17.2, "热带风暴"),
    (10.8, "热带低压"),
)
KNOT_MS = 0.514444


def force(speed_ms: float) -> int:
    """Beaufort force 0-17. A negative or missing speed raises ValueError."""
    if not speed_ms >= 0:
        raise ValueError(f"not a wind speed: {speed_ms}")
    return sum(speed_ms >= lower for lower in FORCE_FROM_MS) - 1


def forces(speed_ms: ArrayLike) -> NDArray[np.int64]:
    """`force` for an array; a missing (NaN) or negative speed gives -1."""
    speed = np.asarray(speed_ms, float)
    found = np.searchsorted(np.asarray(FORCE_FROM_MS), speed, side="right") - 1
    return np.where(speed >= 0, found, -1)


def lower_ms(number: int) -> float:
    """Lowest speed of a force. Raises IndexError above 17 and ValueError below 0."""
    if number < 0:
        raise ValueError(f"not a wind force: {number}")
    return FORCE_FROM_MS[number]


def grade(speed_ms: float) -> str:
    """Chinese grade of a tropical cyclone, empty below a tropical depression."""
    return next((name for lower, name in GRADES if speed_ms >= lower), "")


def from_knots(speed_kt: float) -> float:
    return speed_kt * KNOT_MS
