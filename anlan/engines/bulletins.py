"""Reads the first sentence of a Chinese warning bulletin or its headline.

Source: the fixed wording of 气象灾害预警信号发布与传播办法 (2007) and of notices of weather, water and flood offices:
<issuer><time><action><hazard><colour>预警信号. Two colours appear when a signal is raised or lowered. The rest of
the text (area, amounts, guidance) is left to people. Times are Beijing time; some texts carry no year.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from anlan.engines.capid import BEIJING
from anlan.engines.signals import COLOUR_TEXT, LEVELS

COLOUR_OF = {text[0]: colour for colour, text in COLOUR_TEXT.items()}
ACTIONS = {
    "发布": "issue",
    "继续发布": "continue",
    "更新": "update",
    "解除": "lift",
    "升级": "upgrade",
    "降级": "downgrade",
}

_DAY = r"(?:(?P<year>\d{4})年)?(?P<month>\d{1,2})月(?P<day>\d{1,2})日"
_TIME = rf"于?{_DAY}(?P<hour>\d{{1,2}})[时:：](?:(?P<minute>\d{{1,2}})分?)?"
_SIGNAL = r"(?P<{0}hazard>[^，。：:、]{{1,12}}?)(?P<{0}colour>[红橙黄蓝])色预警(?:信号)?"
_HEAD = rf"^(?P<issuer>[^，。：:]*?(?:台|局|厅|部|办公室|中心|委员会))(?:{_TIME})?"
_CHANGED = r"(?P<action>升级|升高|提升|降级|降低|下调|变更|调整|更新)(?:为|至)"
CHANGE = re.compile(_HEAD + r"将" + _SIGNAL.format("old_") + _CHANGED + _SIGNAL.format(""))
PLAIN = re.compile(_HEAD + r"(?P<action>继续发布|更新发布|发布|更新|解除)" + _SIGNAL.format(""))
LIFTED = re.compile(_HEAD + r"将" + _SIGNAL.format("") + r"(?P<action>解除)")


@dataclass(frozen=True)
class Bulletin:
    issuer: str
    at: datetime | None
    action: str
    hazard: str
    colour: str
    previous: str = ""

    @property
    def level(self) -> int:
        return LEVELS[self.colour]


def read(text: str, year: int | None = None) -> Bulletin:
    """The facts of a bulletin. `year` stands in where the text has none; a headline without time gives `at` None.

    Raises ValueError when the text is not a warning, or has a date but no year from either side.
    """
    found = next(filter(None, (shape.match(text.strip()) for shape in (CHANGE, LIFTED, PLAIN))), None)
    if not found:
        raise ValueError(f"不是预警信号文本：{text[:40]}")
    parts = found.groupdict()
    colour = COLOUR_OF[parts["colour"]]
    previous = COLOUR_OF[parts["old_colour"]] if parts.get("old_colour") else ""
    return Bulletin(
        parts["issuer"],
        _moment(parts, year),
        _action(parts["action"], colour, previous),
        parts["hazard"],
        colour,
        previous,
    )


def _action(word: str, colour: str, previous: str) -> str:
    """The colours decide whether a change is up or down: 变更 and 调整 are used for both."""
    if previous and LEVELS[colour] != LEVELS[previous]:
        return "upgrade" if LEVELS[colour] < LEVELS[previous] else "downgrade"
    return "update" if previous or word == "更新发布" else ACTIONS[word]


def _moment(parts: dict[str, str | None], year: int | None) -> datetime | None:
    if parts["month"] is None:
        return None
    if not (parts["year"] or year):
        raise ValueError("预警信号文本没有年份")
    month, day, hour, minute = (int(parts[name] or 0) for name in ("month", "day", "hour", "minute"))
    return datetime(int(parts["year"] or year or 0), month, day, hour, minute, tzinfo=BEIJING)
