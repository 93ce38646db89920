"""A network in parts, each judged for itself: by one process as a whole, or by the workers of a cluster in many.

A site is in one part, so that its sensors are judged in their order. What compares sites with one another is judged in a
part of its own, which is handed the readings of those sensors too, and tells nothing but that.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from .models import Rule

WHOLE = 0
"""The network in one piece."""
PARTS = 16
ACROSS = PARTS + 1
ALL = tuple(range(1, ACROSS + 1))
BETWEEN_SITES = (Rule.Kind.STRAY, Rule.Kind.COUNT)
"""Rules that compare sensors of several sites."""
Station = TypeVar("Station", int, NDArray[np.int64])


def apart() -> bool:
    """Do workers judge the real city in parts, and the doors only hand readings on (ANLAN_BUS)?"""
    return bool(settings.BUS)


def of(station: Station) -> Station:
    """The part of a site, by its id: 1 to PARTS."""
    return station % PARTS + 1
