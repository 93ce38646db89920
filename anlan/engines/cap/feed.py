"""An Atom 1.0 feed of alerts, newest first, that points at each message and may carry it.

Source: RFC 4287. An entry's id is the address of its message, its link has the media type of CAP.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from anlan.engines.cap import writer
from anlan.engines.cap.document import Element
from anlan.engines.cap.model import Alert, Info

ATOM = "http://www.w3.org/2005/Atom"
CAP_TYPE = "application/cap+xml"


@dataclass(frozen=True)
class Entry:
    alert: Alert
    href: str
    updated: datetime


def feed(
    entries: Iterable[Entry],
    title: str,
    href: str,
    author: str,
    updated: datetime,
    language: str = "zh-CN",
    whole: bool = False,
) -> bytes:
    """The feed as bytes. `href` is its own address and id; `whole` puts the message itself into each entry.

    `language` chooses the info whose headline and description are shown. Raises ValueError for a time without zone.
    """
    root = etree.Element(f"{{{ATOM}}}feed", nsmap={None: ATOM})
    _add(root, "id", href)
    _add(root, "title", title)
    _add(root, "updated", _time(updated))
    _add(_add(root, "author"), "name", author)
    _add(root, "link", rel="self", href=href, type="application/atom+xml")
    for entry in sorted(entries, key=lambda entry: (entry.updated, entry.href), reverse=True):
        _entry(_add(root, "entry"), entry, language, whole)
    return bytes(etree.tostring(root, encoding="UTF-8", xml_declaration=True))


def _entry(node: Element, entry: Entry, language: str, whole: bool) -> None:
    info = said(entry.alert, language)
    _add(node, "id", entry.href)
    _add(node, "title", (info and (info.headline or info.event)) or f"{entry.alert.msg_type} {entry.alert.identifier}")
    _add(node, "updated", _time(entry.updated))
    if entry.alert.sent is not None:
        _add(node, "published", _time(entry.alert.sent))
    _add(_add(node, "author"), "name", (info and info.sender_name) or entry.alert.sender)
    _add(node, "link", rel="alternate", href=entry.href, type=CAP_TYPE)
    if info and info.description:
        _add(node, "summary", info.description, type="text")
    if whole:
        _add(node, "content", type=CAP_TYPE).append(writer.element(entry.alert))


def said(alert: Alert, language: str) -> Info | None:
    """The info in a language, else in one of the same tongue (zh-TW for zh-CN), else the first, else None."""
    wanted = language.lower()
    same = [info for info in alert.infos if info.language.lower() == wanted]
    near = [info for info in alert.infos if info.language.lower().split("-")[0] == wanted.split("-")[0]]
    return next(iter([*same, *near, *alert.infos]), None)


def _add(parent: Element, name: str, text: str = "", **attributes: str) -> Element:
    node = etree.SubElement(parent, f"{{{ATOM}}}{name}", attributes)
    node.text = text or None
    return node


def _time(at: datetime) -> str:
    """RFC 3339, section 5.6: seconds, and +00:00 for UTC (-00:00 would say that the place is unknown)."""
    if at.utcoffset() is None:
        raise ValueError(f"a time without zone: {at}")
    return at.isoformat(timespec="seconds")
