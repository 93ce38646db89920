"""Identifier of a Chinese warning message: ZZZZZZDDDUUUXX_YYYYMMDDhhmmss_N.

Source: QX/T 433-2018 annex A (31 characters). Six digits of area (GB/T 2260), three of agency (GB/T 4657: 416 weather,
332 water), three of sub-unit, two of reserve, entry time in Beijing time, one serial digit. Public feeds leave out
the serial digit (29 characters); such an identifier is read with serial None.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8))
SHAPE = re.compile(r"(\d{6})(\d{3})(\d{3})(\d{2})_(\d{14})(?:_(\d))?", re.ASCII)
WEATHER, WATER = "416", "332"


@dataclass(frozen=True)
class Identifier:
    area: str
    agency: str
    at: datetime
    serial: int | None = 0
    unit: str = "000"
    reserve: str = "00"

    @property
    def sender(self) -> str:
        return self.area + self.agency + self.unit + self.reserve


def build(identifier: Identifier) -> str:
    """The text form. Raises ValueError when a part has the wrong length or the time has no zone."""
    if identifier.at.tzinfo is None:
        raise ValueError("the entry time needs a time zone")
    text = f"{identifier.sender}_{identifier.at.astimezone(BEIJING):%Y%m%d%H%M%S}"
    text += "" if identifier.serial is None else f"_{identifier.serial}"
    if not SHAPE.fullmatch(text) or (len(identifier.area), len(identifier.agency), len(identifier.unit)) != (6, 3, 3):
        raise ValueError(f"not a warning identifier: {text}")
    return text


def parse(text: str) -> Identifier:
    """The parts, time in Beijing time. Raises ValueError for any other shape or an impossible time."""
    found = SHAPE.fullmatch(text.strip())
    if not found:
        raise ValueError(f"not a warning identifier: {text}")
    area, agency, unit, reserve, at, serial = found.groups()
    when = datetime.strptime(at, "%Y%m%d%H%M%S").replace(tzinfo=BEIJING)
    return Identifier(area, agency, when, None if serial is None else int(serial), unit, reserve)
