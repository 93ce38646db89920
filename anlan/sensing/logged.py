"""How the readings of a batch lie in the log: four columns, one behind the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .models import Batch


def pack(sensor: NDArray[np.int32], at: NDArray[np.int64], value: NDArray[np.float64], status: NDArray[np.uint8]) -> bytes:
    """The body of a batch."""
    return b"".join(np.ascontiguousarray(part).tobytes() for part in (sensor, at, value, status))


def unpack(batch: Batch) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.float64], NDArray[np.uint8]]:
    """Sensor ids, times in ms, values and fates (n,) of a batch."""
    n, body = batch.count, bytes(batch.body)
    sensor, at = np.frombuffer(body, np.int32, n), np.frombuffer(body, np.int64, n, 4 * n)
    return sensor, at, np.frombuffer(body, np.float64, n, 12 * n), np.frombuffer(body, np.uint8, n, 20 * n)
