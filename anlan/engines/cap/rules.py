"""Rules of CAP 1.2 that its schema cannot state, asked of the model: of what was read and of what is to be sent.

Source: OASIS CAP 1.2, section 3.2: references (3.2.1), restriction and addresses by scope, expires, polygon and circle
(3.2.4: WGS 84, latitude first, at least four points, the last equal to the first). Times are compared as instants.
"""

import re
from collections.abc import Iterator

from anlan.engines.cap.model import Alert, Disc, Fault, Info, Ring

NEED_REFERENCES = ("Update", "Cancel", "Ack", "Error")
NEED_INFO = ("Alert", "Update")
_UNNAMABLE = re.compile(r"[\s,<&]")


def faults(alert: Alert, place: str = "alert") -> Iterator[Fault]:
    """Faults of one alert across its elements. Geometry is asked for by `ring` and `disc`."""
    for name in ("identifier", "sender"):
        if _UNNAMABLE.search(text := getattr(alert, name)):
            yield Fault(f"{place}/{name}", "含有空格、逗号或限制字符，无法被后续消息引用", name, text)
    if alert.msg_type in NEED_REFERENCES and not alert.references:
        yield Fault(f"{place}/references", f"{alert.msg_type}消息没有可用的references，不知针对哪条消息", "references")
    if alert.key in alert.references:
        yield Fault(f"{place}/references", "消息引用了自己", "references", alert.identifier)
    if alert.msg_type in NEED_INFO and not alert.infos:
        yield Fault(f"{place}/info", f"{alert.msg_type}消息没有info", "info")
    if alert.msg_type == "Error" and not alert.note:
        yield Fault(f"{place}/note", "Error消息没有在note中说明原因", "note")
    if alert.scope == "Restricted" and not alert.restriction:
        yield Fault(f"{place}/restriction", "scope为Restricted而没有restriction", "restriction")
    if alert.scope == "Private" and not alert.addresses:
        yield Fault(f"{place}/addresses", "scope为Private而没有addresses", "addresses")
    for number, info in enumerate(alert.infos, 1):
        step = f"info[{number}]" if len(alert.infos) > 1 else "info"
        yield from _times(alert, info, f"{place}/{step}")


def _times(alert: Alert, info: Info, place: str) -> Iterator[Fault]:
    if info.expires is None:
        return
    for name, start in (("sent", alert.sent), ("effective", info.effective), ("onset", info.onset)):
        if start is not None and info.expires <= start:
            yield Fault(f"{place}/expires", f"expires不晚于{name}", "expires", info.expires.isoformat())


def ring(points: Ring) -> tuple[bool, tuple[str, ...]]:
    """Whether the points can be places on Earth at all, and what is wrong with the polygon, in Chinese."""
    if wrong := [point for point in points if not _on_earth(*point)]:
        swapped = all(_on_earth(lon, lat) for lat, lon in points)
        return False, ("经纬度写反（应为纬度在前）" if swapped else f"坐标超出范围：{wrong[0][0]},{wrong[0][1]}",)
    what = []
    if len(points) < 4:
        what.append("多边形少于4个点")
    if points and points[0] != points[-1]:
        what.append("多边形没有闭合（末点应与首点相同）")
    return True, tuple(what)


def disc(circle: Disc) -> tuple[bool, tuple[str, ...]]:
    """As `ring`, for a circle: a centre on Earth and a radius in km that is not negative."""
    lat, lon, radius = circle
    if not _on_earth(lat, lon):
        return False, ("经纬度写反（应为纬度在前）" if _on_earth(lon, lat) else f"坐标超出范围：{lat},{lon}",)
    return radius >= 0, () if radius >= 0 else ("半径为负",)


def _on_earth(lat: float, lon: float) -> bool:
    return -90 <= lat <= 90 and -180 <= lon <= 180
