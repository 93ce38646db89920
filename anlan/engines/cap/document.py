"""From bytes to a tree that nothing outside can reach into, and the alerts within it.

Guards: at most `limit` bytes, no document type (so no entities of its own, external or nested), no network, at most
`DEPTH` elements inside one another. Encodings: a byte order mark, else the XML declaration, else UTF-8; GB2312 and GBK
are read as their superset GB18030. Every refusal is `Unreadable` with a Chinese sentence.
"""

import codecs
import re
from collections import Counter
from collections.abc import Iterator

from lxml import etree
from lxml.etree import _Element as Element

from anlan.engines.cap.model import SIGNATURE

LIMIT = 5 * 1024 * 1024
DEPTH = 100

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UNMARKED = ((b"<\0?\0", "utf-16-le"), (b"\0<\0?", "utf-16-be"))
_DECLARED = re.compile(rb"\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z][\w.\-]{0,40})[\"']")
_DECLARATION = re.compile(r"\s*<\?xml\s.*?\?>", re.DOTALL)
_BEFORE_ROOT = re.compile(r"\s+|<!--.*?-->|<\?.*?\?>", re.DOTALL)
_ENCODINGS = re.compile(
    r"ascii|utf-(8|16|32)(-[lb]e)?|iso8859-\d+|cp125\d|koi8-[ru]|gb2312|gbk|gb18030|hz|big5(hkscs)?|shift_jis|euc_(jp|kr)"
)
_SUPERSET = {"gb2312": "gb18030", "gbk": "gb18030"}


class Unreadable(ValueError):
    """A body that is refused or is no XML. The message is Chinese and for people."""


def decode(body: bytes) -> str:
    """The text of an XML document or feed. Raises Unreadable for an unknown encoding or bytes that do not fit it."""
    for mark, name in _MARKS:
        if body.startswith(mark):
            return _decoded(body[len(mark) :], name)
    for start, name in _UNMARKED:
        if body.startswith(start):
            return _decoded(body, name)
    found = _DECLARED.match(body[:300])
    return _decoded(body, found[1].decode("ascii") if found else "utf-8")


def _decoded(body: bytes, name: str) -> str:
    try:
        known = codecs.lookup(name).name
        if not _ENCODINGS.fullmatch(known):
            raise LookupError(known)
        return body.decode(_SUPERSET.get(known, known))
    except (LookupError, UnicodeError) as fault:
        raise Unreadable(f"文字编码不能识别或与内容不符：{name}") from fault


def tree(body: bytes | str, limit: int = LIMIT) -> Element:
    """The root element. Raises Unreadable, and nothing else, for whatever cannot or must not be read."""
    if len(body) > limit:
        raise Unreadable(f"内容超过{limit}字节，不予读取")
    text = decode(body) if isinstance(body, bytes) else body.removeprefix("\ufeff")
    text = _DECLARATION.sub("", text, count=1) if _DECLARATION.match(text) else text
    if _declares_type(text):
        raise Unreadable("含有文档类型声明（DTD），为防止外部实体和实体膨胀，不予读取")
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, strip_cdata=False
    )
    try:
        root = etree.fromstring(text.encode(), parser)
    except (etree.XMLSyntaxError, UnicodeError, ValueError) as fault:
        raise Unreadable(f"不是完整的XML：{fault}") from fault
    if _deeper(root, DEPTH):
        raise Unreadable(f"元素嵌套超过{DEPTH}层，不予读取")
    return root


def _declares_type(text: str) -> bool:
    at = 0
    while found := _BEFORE_ROOT.match(text, at):
        at = found.end()
    return text.startswith("<!DOCTYPE", at)


def _deeper(root: Element, most: int) -> bool:
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > most:
            return True
    return False


def local(node: Element) -> str:
    """The name without namespace; "" for comments and processing instructions."""
    return etree.QName(node).localname if isinstance(node.tag, str) else ""


def space(node: Element) -> str:
    return (etree.QName(node).namespace or "") if isinstance(node.tag, str) else ""


def alerts(root: Element) -> Iterator[Element]:
    """Every alert element that stands in no other alert and in no signature, in the order of the document."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if local(node) == "alert":
            yield node
        elif space(node) != SIGNATURE:
            waiting.extend(reversed(node))


class Places:
    """Paths from the root: names, with a number where a name stands several times among its siblings.

    Siblings are counted once for each parent, so that a hundred thousand of them stay cheap.
    """

    def __init__(self, above: str = "") -> None:
        self._above = above
        self._steps: dict[Element, dict[Element, str]] = {}

    def of(self, node: Element) -> str:
        steps: list[str] = []
        while (parent := node.getparent()) is not None:
            steps.append(self._among(parent)[node])
            node = parent
        return self._above + "/".join([local(node), *reversed(steps)])

    def _among(self, parent: Element) -> dict[Element, str]:
        if parent not in self._steps:
            children = [child for child in parent if local(child)]
            total, seen = Counter(child.tag for child in children), Counter[object]()
            steps = self._steps[parent] = {}
            for child in children:
                seen[child.tag] += 1
                steps[child] = local(child) + (f"[{seen[child.tag]}]" if total[child.tag] > 1 else "")
        return self._steps[parent]


ENVELOPES = {"feed": "entry", "EDXLDistribution": "contentObject"}


def compartments(root: Element) -> list[Element]:
    """The parts of an Atom feed or an EDXL-DE envelope that should hold a message each; [] of anything else."""
    return [node for node in root if local(node) == ENVELOPES.get(local(root), "alert ")]


def messages(root: Element, limit: int = LIMIT) -> Iterator[tuple[Element, Places]]:
    """Every alert with what names its place: as elements, and where a compartment has none, as XML quoted in text."""
    places = Places()
    for node in alerts(root):
        yield node, places
    for holder in compartments(root):
        if next(alerts(holder), None) is None:
            yield from _quoted(holder, places, limit)


def _quoted(holder: Element, places: Places, limit: int) -> Iterator[tuple[Element, Places]]:
    for node in holder.iter():
        text = (node.text or "").strip() if local(node) else ""
        if text.startswith("<") and "alert" in text:
            try:
                inner = tree(text, limit)
            except Unreadable:
                continue  # told as a compartment without a message
            above = Places(places.of(node) + "/")
            for alert in alerts(inner):
                yield alert, above
