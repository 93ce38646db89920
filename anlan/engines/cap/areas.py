"""Area codes whose prefix is the ancestor, and which of them an alert concerns.

Source: GB/T 2260 (6 digits: province, city, county, two each) and the statistical code of 12 digits that adds three
each for township and village. Trailing zeros are levels that are not named: 370200 and 370200000000 are one city, and
000000 the whole country.
"""

import re
from collections.abc import Iterable
from itertools import accumulate, pairwise

from anlan.engines.cap.model import Alert

CPEAS = "CPEAS Geographic Code"
NAMES = (CPEAS,)
_SHAPE = re.compile(r"\d{6}(\d{6})?", re.ASCII)
_ENDS = tuple(accumulate((2, 2, 2, 3, 3), initial=0))
PROVINCES = frozenset(
    "00 11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82".split()
)


def stem(code: str) -> str:
    """The digits that say something: 370200000000 → 3702, 000000 → "". Raises ValueError for no such code."""
    if not _is_code(code):
        raise ValueError(f"not an area code: {code}")
    levels = [code[start:end] for start, end in pairwise(_ENDS) if end <= len(code)]
    while levels and not levels[-1].strip("0"):
        levels.pop()
    return "".join(levels)


def covers(code: str, other: str) -> bool:
    """Whether `other` is the area `code` or lies inside it. Raises ValueError when either is no area code."""
    return stem(other).startswith(stem(code))


def codes(alert: Alert, names: Iterable[str] = NAMES) -> tuple[str, ...]:
    """The area codes of an alert, each once, as far as they are such codes and go by one of `names`."""
    wanted = frozenset(names)
    pairs = (pair for info in alert.infos for area in info.areas for pair in area.geocodes)
    return tuple(dict.fromkeys(value for name, value in pairs if name in wanted and _is_code(value)))


def _is_code(text: str) -> bool:
    return bool(_SHAPE.fullmatch(text)) and text[:2] in PROVINCES


def concerned(alert: Alert, among: Iterable[str], names: Iterable[str] = NAMES) -> tuple[str, ...]:
    """Those of `among` that lie inside an area of the alert or have one inside them, in their order.

    An alert without any area code concerns none of them: that it has none is a fault, not a message to everybody.
    """
    own = codes(alert, names)
    return tuple(code for code in among if any(covers(mine, code) or covers(code, mine) for mine in own))
