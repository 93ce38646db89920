"""Plain JSON straight from bytes to arrays, compiled. Anything unusual is left to `plain`: an escape, another key, a key
twice, a name that is not known, a number of more than 15 digits or with an exponent, a time finer than a millisecond, a
word instead of a number, anything after the end. So what it takes, both take alike.

Names are only marked on the way and looked up in the end. Gateways name their sensors in the same order again and again, so
whoever followed upon a sensor the last time is expected to follow this time; the table is asked for who was not."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compiled import compiled, within
from .batch import EARLIEST_MS, LATEST_MS, MOST, Batch, Names, hashed

TEN = np.array([10.0**k for k in range(16)])
DAYS = np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334])
LENGTH = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
SENSOR, TIME, VALUE = 0, 1, 2
SENSOR_WORD, TIME_WORD, VALUE_WORD, READINGS = (np.frombuffer(word, np.uint8) for word in (b"sensor", b"time", b"value", b"readings"))
SHORTEST = len(b'"",0,0,')
"""What a reading takes at the least, in columns."""
LONE = -1
"""Not mine."""


def read(body: bytes, names: Names) -> Batch | None:
    """The readings of a body, or None when `plain` has to look at it."""
    if not names.ids:
        return None
    room = min(len(body) // SHORTEST, MOST) + 1
    sensor, at, value, name = np.empty(room, np.int32), np.empty(room, np.int64), np.empty(room), np.empty((room, 2), np.int32)
    letters = np.frombuffer(body, np.uint8)
    n = _body(letters, TEN, DAYS, LENGTH, name, at, value)
    if n < 0 or not _look_up(letters, name[:n], *names.table, sensor):
        return None
    return Batch(sensor[:n], at[:n], value[:n], np.arange(n, dtype=np.int32))


@within
def _blank(b: Any, i: int) -> int:
    while i < len(b) and (b[i] == 32 or b[i] == 10 or b[i] == 13 or b[i] == 9):
        i += 1
    return i


@within
def _word(b: Any, i: int, word: Any) -> int:
    """Behind a quoted word, or -1."""
    if i + len(word) + 2 > len(b) or b[i] != 34 or b[i + len(word) + 1] != 34:
        return LONE
    for k in range(len(word)):
        if b[i + 1 + k] != word[k]:
            return LONE
    return i + len(word) + 2


@within
def _key(b: Any, i: int) -> tuple[int, int]:
    """(behind the key and its colon, which key), or -1."""
    which, end = SENSOR, _word(b, i, SENSOR_WORD)
    if end < 0:
        which, end = TIME, _word(b, i, TIME_WORD)
    if end < 0:
        which, end = VALUE, _word(b, i, VALUE_WORD)
    if end < 0:
        return LONE, LONE
    end = _blank(b, end)
    if end >= len(b) or b[end] != 58:
        return LONE, LONE
    return _blank(b, end + 1), which


@within
def _digits(b: Any, i: int) -> tuple[int, int, int, int]:
    """A JSON number without exponent as (behind it, its digits as a whole, how many behind the point, minus)."""
    minus = 0
    if i < len(b) and b[i] == 45:
        minus, i = 1, i + 1
    first, whole = i, 0
    while i < len(b) and 48 <= b[i] <= 57 and i - first < 16:
        whole = whole * 10 + (b[i] - 48)
        i += 1
    count = i - first
    if count == 0 or (count > 1 and b[first] == 48):
        return LONE, 0, 0, 0
    behind = 0
    if i < len(b) and b[i] == 46:
        i += 1
        while i < len(b) and 48 <= b[i] <= 57 and count + behind < 16:
            whole = whole * 10 + (b[i] - 48)
            i += 1
            behind += 1
        if behind == 0:
            return LONE, 0, 0, 0
    if count + behind > 15 or (i < len(b) and (b[i] == 69 or b[i] == 101 or 48 <= b[i] <= 57)):
        return LONE, 0, 0, 0
    return i, whole, behind, minus


@within
def _number(b: Any, i: int, ten: Any) -> tuple[int, float]:
    end, whole, behind, minus = _digits(b, i)
    if end < 0:
        return LONE, 0.0
    value = whole / ten[behind]
    return end, -value if minus else value


@within
def _two(b: Any, i: int) -> int:
    if b[i] < 48 or b[i] > 57 or b[i + 1] < 48 or b[i + 1] > 57:
        return LONE
    return (b[i] - 48) * 10 + b[i + 1] - 48


@compiled
def _iso(b: Any, i: int, days: Any, length: Any) -> tuple[int, int]:
    """``"2026-07-01T08:00:00.123+08:00"``, the fraction of up to three digits, as (behind it, ms)."""
    if i + 22 > len(b) or b[i + 5] != 45 or b[i + 8] != 45 or b[i + 11] != 84 or b[i + 14] != 58 or b[i + 17] != 58:
        return LONE, 0
    century, rest, month, day = _two(b, i + 1), _two(b, i + 3), _two(b, i + 6), _two(b, i + 9)
    hour, minute, second = _two(b, i + 12), _two(b, i + 15), _two(b, i + 18)
    if min(min(century, rest), min(month, day), min(hour, minute), second) < 0:
        return LONE, 0
    year = century * 100 + rest
    leap = (year % 4 == 0 and year % 100 != 0) or year % 400 == 0
    if not (2000 <= year < 2100 and 1 <= month <= 12 and hour < 24 and minute < 60 and second < 60):
        return LONE, 0
    if day < 1 or day > length[month - 1] + (1 if leap and month == 2 else 0):
        return LONE, 0
    i += 20
    part, scale = 0, 1000
    if b[i] == 46:
        i += 1
        while i < len(b) and 48 <= b[i] <= 57 and scale > 1:
            scale //= 10
            part += (b[i] - 48) * scale
            i += 1
        if scale == 1000:
            return LONE, 0
    shift = 0
    if i + 1 < len(b) and b[i] == 90:
        i += 1
    elif i + 6 < len(b) and (b[i] == 43 or b[i] == 45) and b[i + 3] == 58:
        hours, minutes = _two(b, i + 1), _two(b, i + 4)
        if hours < 0 or minutes < 0 or hours > 23 or minutes > 59:
            return LONE, 0
        shift = (hours * 60 + minutes) * (1 if b[i] == 43 else -1)
        i += 6
    else:
        return LONE, 0
    if b[i] != 34:
        return LONE, 0
    since = (year - 1970) * 365 + (year - 1969) // 4 + days[month - 1] + day - 1 + (1 if leap and month > 2 else 0)
    return i + 1, (((since * 24 + hour) * 60 + minute - shift) * 60 + second) * 1000 + part


@within
def _time(b: Any, i: int, days: Any, length: Any) -> tuple[int, int]:
    if i < len(b) and b[i] == 34:
        end, at = _iso(b, i, days, length)
    else:
        end, whole, behind, minus = _digits(b, i)
        if end < 0 or behind > 3 or minus:
            return LONE, 0
        at = whole
        for _ in range(3 - behind):
            at *= 10
    if at < EARLIEST_MS or at > LATEST_MS:
        return LONE, 0
    return end, at


@within
def _sensor(b: Any, i: int, name: Any, n: int) -> int:
    """Behind a name; where it stands is marked."""
    if i >= len(b) or b[i] != 34:
        return LONE
    end = i + 1
    while end < len(b) and b[end] != 34:
        if b[end] == 92:
            return LONE
        end += 1
    if end >= len(b):
        return LONE
    name[n, 0], name[n, 1] = i + 1, end
    return end + 1


@compiled
def _look_up(b: Any, name: Any, slots: Any, letters: Any, start: Any, ids: Any, after: Any, sensor: Any) -> bool:
    """The ids of all marked names; False when one is not known."""
    mask, before = np.uint64(len(slots) - 1), len(ids)
    for n in range(len(name)):
        k = after[before]
        if not _same(b, name[n, 0], name[n, 1], letters, start[k], start[k + 1]):
            place = hashed(b, name[n, 0], name[n, 1]) & mask
            k = slots[place]
            while k >= 0 and not _same(b, name[n, 0], name[n, 1], letters, start[k], start[k + 1]):
                place = (place + np.uint64(1)) & mask
                k = slots[place]
            if k < 0:
                return False
            after[before] = k
        sensor[n], before = ids[k], k
    return True


@within
def _same(b: Any, first: int, end: int, letters: Any, start: int, stop: int) -> bool:
    if stop - start != end - first:
        return False
    while first < end and letters[start] == b[first]:
        start, first = start + 1, first + 1
    return first == end


@within
def _row(b: Any, i: int, ten: Any, days: Any, length: Any, name: Any, at: Any, value: Any, n: int) -> int:
    """Behind one object with its three keys, or -1."""
    if i >= len(b) or b[i] != 123:
        return LONE
    have = 0
    i = _blank(b, i + 1)
    while True:
        i, which = _key(b, i)
        if i < 0 or have & (1 << which):
            return LONE
        have |= 1 << which
        if which == SENSOR:
            i = _sensor(b, i, name, n)
        elif which == TIME:
            i, at[n] = _time(b, i, days, length)
        else:
            i, value[n] = _number(b, i, ten)
        if i < 0:
            return LONE
        i = _blank(b, i)
        if i >= len(b):
            return LONE
        if b[i] == 125:
            return i + 1 if have == 7 else LONE
        if b[i] != 44:
            return LONE
        i = _blank(b, i + 1)


@compiled
def _rows(b: Any, i: int, ten: Any, days: Any, length: Any, name: Any, at: Any, value: Any) -> tuple[int, int]:
    """(behind a list of objects, how many)."""
    if i >= len(b) or b[i] != 91:
        return LONE, 0
    i, n = _blank(b, i + 1), 0
    if i < len(b) and b[i] == 93:
        return i + 1, 0
    while True:
        if n >= len(at):
            return LONE, 0
        i = _row(b, i, ten, days, length, name, at, value, n)
        if i < 0:
            return LONE, 0
        n += 1
        i = _blank(b, i)
        if i >= len(b):
            return LONE, 0
        if b[i] == 93:
            return i + 1, n
        if b[i] != 44:
            return LONE, 0
        i = _blank(b, i + 1)


@compiled
def _column(
    b: Any, i: int, which: int, ten: Any, days: Any, length: Any, name: Any, at: Any, value: Any
) -> tuple[int, int]:
    """(behind a list of one column, how many)."""
    if i >= len(b) or b[i] != 91:
        return LONE, 0
    i, n = _blank(b, i + 1), 0
    if i < len(b) and b[i] == 93:
        return i + 1, 0
    while True:
        if n >= len(at):
            return LONE, 0
        if which == SENSOR:
            i = _sensor(b, i, name, n)
        elif which == TIME:
            i, at[n] = _time(b, i, days, length)
        else:
            i, value[n] = _number(b, i, ten)
        if i < 0:
            return LONE, 0
        n += 1
        i = _blank(b, i)
        if i >= len(b):
            return LONE, 0
        if b[i] == 93:
            return i + 1, n
        if b[i] != 44:
            return LONE, 0
        i = _blank(b, i + 1)


@compiled
def _body(b: Any, ten: Any, days: Any, length: Any, name: Any, at: Any, value: Any) -> int:
    """How many readings a whole body holds, or -1."""
    i = _blank(b, 0)
    if i >= len(b):
        return LONE
    if b[i] == 91:
        i, n = _rows(b, i, ten, days, length, name, at, value)
        return n if i >= 0 and _blank(b, i) == len(b) else LONE
    if b[i] != 123:
        return LONE
    i = _blank(b, i + 1)
    end = _word(b, i, READINGS)
    if end >= 0:
        i = _blank(b, end)
        if i >= len(b) or b[i] != 58:
            return LONE
        i, n = _rows(b, _blank(b, i + 1), ten, days, length, name, at, value)
        if i < 0:
            return LONE
        i = _blank(b, i)
        return n if i < len(b) and b[i] == 125 and _blank(b, i + 1) == len(b) else LONE
    have, n = 0, LONE
    while True:
        i, which = _key(b, i)
        if i < 0 or have & (1 << which):
            return LONE
        have |= 1 << which
        i, count = _column(b, i, which, ten, days, length, name, at, value)
        if i < 0 or (n >= 0 and count != n):
            return LONE
        n, i = count, _blank(b, i)
        if i >= len(b):
            return LONE
        if b[i] == 125:
            return n if have == 7 and _blank(b, i + 1) == len(b) else LONE
        if b[i] != 44:
            return LONE
        i = _blank(b, i + 1)
