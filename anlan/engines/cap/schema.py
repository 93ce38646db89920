"""Validates against the schema of CAP 1.2 (`data/cap-1.2.xsd`, transcribed from the OASIS standard)."""

import threading
from functools import cached_property
from pathlib import Path

from lxml import etree

from anlan.engines.cap import document
from anlan.engines.cap.document import Element, local, space
from anlan.engines.cap.model import CAP_1_2, Fault

MOST = 50


class _Own(threading.local):
    """A schema keeps the errors of its last validation: each thread needs one of its own."""

    @cached_property
    def schema(self) -> etree.XMLSchema:
        return etree.XMLSchema(etree.parse(Path(__file__).parent / "data" / "cap-1.2.xsd"))


_OWN = _Own()


def check(body: bytes | str, limit: int = document.LIMIT) -> tuple[Fault, ...]:
    """Where the alerts of a body break the schema; () when all are valid. `limit` in bytes. Never raises.

    The text of a fault is the validator's own, in English. Messages of other versions are told, not validated.
    """
    try:
        root = document.tree(body, limit)
    except document.Unreadable as fault:
        return (Fault("", str(fault), ""),)
    found = list(document.messages(root, limit))
    if not found:
        return (Fault(local(root), "没有找到CAP预警", local(root)),)
    return tuple(fault for alert, places in found for fault in check_element(alert, places.of(alert)))


def check_element(alert: Element, place: str = "alert") -> tuple[Fault, ...]:
    """As `check`, for one alert element that is called `place`."""
    if space(alert) != CAP_1_2:
        return (Fault(place, "不是CAP 1.2，未按结构核对", "alert", space(alert)),)
    schema = _OWN.schema
    alone = etree.fromstring(etree.tostring(alert, with_tail=False))
    if schema.validate(alone):
        return ()
    return tuple(_fault(alone, error, place) for error in list(schema.error_log)[:MOST])


def _fault(alone: Element, error: etree._LogEntry, above: str) -> Fault:
    found = alone.xpath(error.path) if error.path else []
    node = found[0] if isinstance(found, list) and found else alone
    below = document.Places().of(node).partition("/")[2]
    return Fault(f"{above}/{below}" if below else above, "不符合CAP 1.2的结构", local(node), error.message)
