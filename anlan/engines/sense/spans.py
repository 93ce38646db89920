"""Whole numbers that were seen, kept as spans: mostly all of them are one."""

from __future__ import annotations

from bisect import bisect_right


def add(spans: list[int], number: int) -> bool:
    """Put a number among these, which are first and last of each span in ascending order; False where it is one of them."""
    place = bisect_right(spans, number)
    if place % 2 or (place and spans[place - 1] == number):  # between a first and a last, or a last itself
        return False
    after, before = place < len(spans) and spans[place] == number + 1, place > 0 and spans[place - 1] == number - 1
    if after and before:
        del spans[place - 1 : place + 1]
    elif after:
        spans[place] = number
    elif before:
        spans[place - 1] = number
    else:
        spans[place:place] = [number, number]
    return True


def shorten(spans: list[int], most: int) -> None:
    """Keep so many spans at most: what lies between the lowest counts as seen."""
    if (over := len(spans) // 2 - most) > 0:
        del spans[1 : 2 * over + 1]
