"""Numbers as Chinese texts write them: 250, 2.5万, 三十, 百分之九十五."""

from __future__ import annotations

DIGITS = {"零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
STEPS = {"十": 10, "百": 100, "千": 1000}
HAN = "零〇一二两三四五六七八九十百千"
LOOKALIKE = str.maketrans({"O": "0", "o": "0", "l": "1", "I": "1"})


def number(said: str) -> float:
    """The value of 12, 1,200, 2.5万, 三十, 一百二十, 二〇二三; raises ValueError for anything else."""
    body, scale = said.replace(",", "").translate(LOOKALIKE), 1
    for unit, factor in (("亿", 10**8), ("万", 10**4)):
        if body.endswith(unit):
            body, scale = body[:-1], scale * factor
    if not body:
        raise ValueError(f"no number: {said!r}")
    return (float(body) if body[0].isdigit() else han(body)) * scale


def han(body: str) -> int:
    """The value of 三十二 (32) or 二〇二三 (2023)."""
    if any(sign not in HAN for sign in body):
        raise ValueError(f"no number: {body!r}")
    if not set(body) & set(STEPS):
        return int("".join(str(DIGITS[sign]) for sign in body))
    total, digit = 0, None
    for sign in body:
        if sign in STEPS:
            total += (1 if digit is None else digit) * STEPS[sign]
            digit = None
        else:
            digit = DIGITS[sign]
    return total + (digit or 0)
