"""Reads CAP messages as they come: single, in an Atom feed or in an EDXL-DE envelope, 1.2 or 1.1, sound or broken.

Source: OASIS CAP 1.2 and CAP 1.1; RFC 4287 (Atom); OASIS EDXL-DE 1.0. Nothing raises and nothing is dropped unsaid: an
alert is read as far as it goes, and each thing that does not fit is a Fault with its place, its text and a Chinese word.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, tzinfo
from typing import Any

from anlan.engines.cap import document, rules
from anlan.engines.cap.document import Element, local, space
from anlan.engines.cap.model import BLOCKS, CAP_1_1, CAP_1_2, SIGNATURE, Alert, Fault, Part, Read, Reference

BLANKS = " \t\r\n"
CLIP, MOST = 500, 1000
ODD_TIME = "时间写法不合标准（应为YYYY-MM-DDThh:mm:ss±hh:mm）"
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_STRICT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_WORD = re.compile(r'"([^"]*)"|(\S+)')
_SPACED_TIME = re.compile(r"(,\d{4}-\d\d-\d\d) (?=\d\d:\d\d:\d\d)", re.ASCII)


def read(body: bytes | str, limit: int = document.LIMIT, zone: tzinfo | None = None) -> Read:
    """The alerts of a body and their faults. `limit` in bytes; `zone` stands in where a time has none (a fault still).

    Without `zone` a time that has none is None: no moment is guessed. Never raises for whatever the body is.
    """
    try:
        root = document.tree(body, limit)
    except document.Unreadable as fault:
        return Read(faults=(Fault("", str(fault), "", _excerpt(body)),))
    reading, found, filled = _Reading(zone), [], set()
    for node, reading.places in document.messages(root, limit):
        found.append(reading.alert(node))
        filled.add("/".join(reading.places.of(node).split("/")[:2]))
    for other in _around(root, filled):
        reading.note(other)
    return Read(tuple(found), tuple(reading.faults))


def _excerpt(body: bytes | str) -> str:
    return (body[:CLIP].decode("utf-8", "replace") if isinstance(body, bytes) else body[:CLIP])[:120]


def _around(root: Element, filled: set[str]) -> Iterator[Fault]:
    """Faults of the envelope: of an unknown kind, or a compartment without a message. `filled` are places of those with one."""
    name, places = local(root), document.Places()
    for holder in document.compartments(root):
        place = places.of(holder)
        if place not in filled:
            links = [node.get("href", "") for node in holder if local(node) == "link"]
            what = "条目内没有预警正文，只有链接" if any(links) else "条目内没有预警正文"
            yield Fault(place, what, local(holder), " ".join(filter(None, links)))
    if name not in (*document.ENVELOPES, "alert"):
        yield Fault(name, "不认识的外层格式", name)
    if not filled:
        yield Fault(name, "没有找到CAP预警", name)


class _Reading:
    """One pass over a body: gathers the faults while elements become data."""

    def __init__(self, zone: tzinfo | None) -> None:
        self.zone = zone
        self.places = document.Places()
        self.faults: list[Fault] = []
        self.readers: dict[str, Callable[[Element], Any]] = {
            "text": self.text,
            "time": self.time,
            "words": self.words,
            "refs": self.refs,
            "pair": self.pair,
            "ring": self.ring,
            "disc": self.disc,
            "whole": self.whole,
            "number": self.number,
        }

    def note(self, fault: Fault) -> None:
        if len(self.faults) < MOST:
            self.faults.append(fault)
        elif len(self.faults) == MOST:
            self.faults.append(Fault("", f"错误超过{MOST}处，其余不再列出", ""))

    def fault(self, node: Element, what: str, text: str | None = None) -> None:
        if len(self.faults) <= MOST:
            shown = "".join(node.itertext()).strip(BLANKS) if text is None else text
            self.note(Fault(self.places.of(node), what, local(node), shown[:CLIP]))

    def alert(self, node: Element) -> Alert:
        if space(node) not in (CAP_1_2, CAP_1_1):
            self.fault(node, f"命名空间不是CAP 1.2或1.1：{space(node)}", "")
        alert: Alert = self.block(node, "alert")
        for fault in rules.faults(alert, self.places.of(node)):
            self.note(fault)
        return alert

    def block(self, node: Element, name: str) -> Any:
        make, parts = BLOCKS[name]
        groups = self.children(node, parts)
        values: dict[str, Any] = {}
        for part in parts:
            read = [self.value(child, part) for child in groups[part.name]]
            kept = [value for value in read if value not in (None, "")]
            if part.needed and not groups[part.name]:
                self.note(Fault(self.places.of(node), f"缺少{part.name}", part.name))
            if part.many:
                values[part.field] = tuple(kept)
            elif kept:
                values[part.field] = kept[0]
        return make(**values)

    def children(self, node: Element, parts: tuple[Part, ...]) -> dict[str, list[Element]]:
        """Child elements by name; tells strangers, elements that stand twice, and a wrong order."""
        order = {part.name: number for number, part in enumerate(parts)}
        groups: dict[str, list[Element]] = {part.name: [] for part in parts}
        last, sorted_so_far = 0, True
        for child in node:
            name = local(child)
            if not name or (space(child) == SIGNATURE and local(node) == "alert"):
                continue
            if name not in order or space(child) != space(node):
                self.fault(child, f"标准中没有的元素：{name}")
                continue
            if sorted_so_far and order[name] < last:
                self.fault(child, f"元素次序不合标准：{name}")
                sorted_so_far = False
            last = max(last, order[name])
            groups[name].append(child)
        for part in parts:
            for extra in groups[part.name][1:] if not part.many else ():
                self.fault(extra, f"{part.name}只应出现一次，以首个为准")
        return groups

    def value(self, node: Element, part: Part) -> Any:
        if part.kind in BLOCKS:
            return self.block(node, part.kind)
        value = self.readers[part.kind](node)
        if part.kind != "pair" and any(local(child) for child in node):
            self.fault(node, f"{part.name}中不应再有元素")
        if part.needed and value == "":
            self.fault(node, f"{part.name}为空")
        elif part.values and value and value not in part.values:
            self.fault(node, f"{part.name}的取值不在标准之内：{value}")
        return value

    def text(self, node: Element) -> str:
        pieces = [node.text or ""]
        for child in node:
            pieces += [*(child.itertext() if local(child) else ()), child.tail or ""]
        return "".join(pieces).strip(BLANKS)

    def time(self, node: Element) -> datetime | None:
        return self.moment(node, self.text(node))

    def moment(self, node: Element, text: str) -> datetime | None:
        if not _TIME.fullmatch(text):
            self.fault(node, "时间为空" if not text else "时间不能识别", text)
            return None
        try:
            at = datetime.fromisoformat(text)
            at.utcoffset()
        except ValueError:
            self.fault(node, "时间不能识别", text)
            return None
        if at.tzinfo is None:
            self.fault(node, "时间没有时区", text)
            return None if self.zone is None else at.replace(tzinfo=self.zone)
        if not _STRICT.fullmatch(text):
            self.fault(node, ODD_TIME, text)
        return at

    def words(self, node: Element) -> tuple[str, ...] | None:
        """Names separated by blanks, in quotation marks where they hold blanks themselves; None for none."""
        return tuple(quoted or plain for quoted, plain in _WORD.findall(self.text(node)) if quoted or plain) or None

    def refs(self, node: Element) -> tuple[Reference, ...] | None:
        text, spaced = _SPACED_TIME.subn(r"\1T", self.text(node))
        if spaced:
            self.fault(node, ODD_TIME)
        if not text:
            self.fault(node, "references为空")
        found = []
        for token in text.split():
            parts = token.split(",")
            if len(parts) != 3 or not all(parts):
                self.fault(node, "引用应为“sender,identifier,sent”", token)
            elif (sent := self.moment(node, parts[2])) is not None:
                found.append(Reference(parts[0], parts[1], sent))
        return tuple(found) or None

    def pair(self, node: Element) -> tuple[str, str] | None:
        inner: dict[str, str] = {}
        for child in (child for child in node if local(child)):
            if local(child) not in ("valueName", "value") or local(child) in inner or space(child) != space(node):
                self.fault(child, f"标准中没有的元素：{local(child)}")
            else:
                inner[local(child)] = self.text(child)
        if not inner.get("valueName"):
            self.fault(node, f"{local(node)}没有valueName")
            return None
        if not inner.get("value"):
            self.fault(node, f"{local(node)}没有value")
        return inner["valueName"], inner.get("value", "")

    def ring(self, node: Element) -> tuple[tuple[float, float], ...] | None:
        points = []
        tokens = self.text(node).split()
        if not tokens:
            self.fault(node, "多边形为空")
            return None
        if any(token.endswith(",") for token in tokens):
            self.fault(node, "坐标对后有多余的逗号")
        for token in tokens:
            pair = [_number(part) for part in token.rstrip(",").split(",")]
            if len(pair) != 2 or pair[0] is None or pair[1] is None:
                self.fault(node, f"坐标对不能识别：{token[:60]}")
                return None
            points.append((pair[0], pair[1]))
        possible, wrong = rules.ring(tuple(points))
        for what in wrong:
            self.fault(node, what)
        return tuple(points) if possible else None

    def disc(self, node: Element) -> tuple[float, float, float] | None:
        parts = [_number(part) for part in re.split(r"[,\s]+", self.text(node))]
        if len(parts) != 3 or parts[0] is None or parts[1] is None or parts[2] is None:
            self.fault(node, "圆应为“纬度,经度 半径千米”")
            return None
        circle = (parts[0], parts[1], parts[2])
        possible, wrong = rules.disc(circle)
        for what in wrong:
            self.fault(node, what)
        return circle if possible else None

    def whole(self, node: Element) -> int | None:
        text = self.text(node)
        if _WHOLE.fullmatch(text):
            return int(text)
        self.fault(node, "不是整数")
        return None

    def number(self, node: Element) -> float | None:
        value = _number(self.text(node))
        if value is None:
            self.fault(node, "不是数字")
        return value


def _number(text: str) -> float | None:
    return float(text) if len(text) <= 400 and _NUMBER.fullmatch(text) else None
