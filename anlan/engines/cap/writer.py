"""Writes an alert as CAP 1.2: UTF-8, default namespace, elements in the order of the schema, absent ones left out.

Source: OASIS CAP 1.2. UTC is written -00:00 as section 3.3.2 asks. What is written is valid by the schema and reads
back as the same alert, provided that its texts have no blanks around them.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from lxml import etree

from anlan.engines.cap import schema
from anlan.engines.cap.document import Element
from anlan.engines.cap.model import BLOCKS, CAP_1_2, Alert, Reference


def write(alert: Alert) -> bytes:
    """The message. Raises ValueError for what CAP cannot hold: a missing or unknown value, a time without zone."""
    root = element(alert)
    if faults := schema.check_element(root):
        raise ValueError("；".join(f"{fault.place} {fault.what}：{fault.text}" for fault in faults))
    etree.indent(root)
    return bytes(etree.tostring(root, encoding="UTF-8", xml_declaration=True)) + b"\n"


def element(alert: Alert) -> Element:
    """The alert element, not yet validated. Raises ValueError as `write` does for single values."""
    root = etree.Element(f"{{{CAP_1_2}}}alert", nsmap={None: CAP_1_2})
    _fill(root, "alert", alert)
    return root


def _fill(node: Element, block: str, value: Any) -> None:
    for part in BLOCKS[block][1]:
        content = getattr(value, part.field)
        for item in content if part.many else () if content in (None, "", ()) else (content,):
            child = etree.SubElement(node, f"{{{CAP_1_2}}}{part.name}")
            if part.kind in BLOCKS:
                _fill(child, part.kind, item)
            elif part.kind == "pair":
                for name, text in zip(("valueName", "value"), item, strict=True):
                    etree.SubElement(child, f"{{{CAP_1_2}}}{name}").text = text
            else:
                child.text = _TEXT[part.kind](item)


def moment(at: datetime) -> str:
    """A time as CAP writes it. Raises ValueError without a zone, with parts of a second or an odd offset."""
    offset = at.utcoffset()
    if offset is None or at.microsecond or offset % timedelta(minutes=1):
        raise ValueError(f"not a time of CAP: {at}")
    text = at.isoformat(timespec="seconds")
    return text[:-6] + "-00:00" if text.endswith("+00:00") else text


def _number(value: float) -> str:
    return format(Decimal(repr(value)), "f")


def _reference(reference: Reference) -> str:
    parts = (reference.sender, reference.identifier, moment(reference.sent))
    if any(not part or "," in part or part.split() != [part] for part in parts):
        raise ValueError(f"cannot be referred to: {reference}")
    return ",".join(parts)


def _words(words: tuple[str, ...]) -> str:
    if any('"' in word or not word for word in words):
        raise ValueError(f"not names: {words}")
    return " ".join(f'"{word}"' if word.split() != [word] else word for word in words)


_TEXT: dict[str, Any] = {
    "text": str,
    "time": moment,
    "words": _words,
    "refs": lambda references: " ".join(map(_reference, references)),
    "whole": str,
    "number": _number,
    "ring": lambda points: " ".join(f"{_number(lat)},{_number(lon)}" for lat, lon in points),
    "disc": lambda circle: f"{_number(circle[0])},{_number(circle[1])} {_number(circle[2])}",
}
