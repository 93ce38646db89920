"""CAP as it is used in China: the profile of our own messages, and the public feeds that are not XML.

Source: GB/T 35965.1-2018 and QX/T 433-2018 (identifier, see `engines/capid`), practice of the national release system
(geocodes named "CPEAS Geographic Code", GB/T 2260 and its 12-digit form), and samples of the public warning feeds.
The feeds name messages by identifier alone: here a message's sender and time sent are those inside its identifier, so
that references find it.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from anlan.engines import bulletins, capid
from anlan.engines.cap import areas, document
from anlan.engines.cap.model import Alert, Area, Fault, Info, Read, Reference
from anlan.engines.signals import SEVERITY

LANGUAGE = "zh-CN"
LAT, LON = (3.0, 54.0), (73.0, 136.0)
_ASSIGNED = re.compile(r"\s*(?:var\s+)?[A-Za-z_$][\w$]*\s*(=|\()")
Row = Mapping[str, Any]


def faults(alert: Alert) -> tuple[Fault, ...]:
    """Where an alert leaves the Chinese profile: identifier, language, area codes, and points outside of China."""
    return tuple(_faults(alert))


def _faults(alert: Alert) -> Iterator[Fault]:
    try:
        capid.parse(alert.identifier)
    except ValueError:
        yield Fault(
            "alert/identifier", "编号不合QX/T 433（应为14位机构码_14位时间_序号）", "identifier", alert.identifier
        )
    for reference in alert.references:
        if not capid.SHAPE.fullmatch(reference.identifier):
            yield Fault("alert/references", "引用的编号不合QX/T 433", "references", reference.identifier)
    if alert.infos and not any(info.language.lower() == LANGUAGE.lower() for info in alert.infos):
        yield Fault("alert/info/language", "没有中文（zh-CN）的info", "language", alert.infos[0].language)
    for number, info in enumerate(alert.infos, 1):
        place = f"alert/info[{number}]" if len(alert.infos) > 1 else "alert/info"
        if not info.areas:
            yield Fault(f"{place}/area", "没有area", "area")
        for count, area in enumerate(info.areas, 1):
            yield from _area(area, f"{place}/area[{count}]" if len(info.areas) > 1 else f"{place}/area")


def _area(area: Area, place: str) -> Iterator[Fault]:
    codes = [value for name, value in area.geocodes if name in areas.NAMES]
    if not codes:
        yield Fault(f"{place}/geocode", f"没有区划代码（{areas.CPEAS}）", "geocode", area.desc)
    for code in codes:
        try:
            areas.stem(code)
        except ValueError:
            yield Fault(f"{place}/geocode", "区划代码应为GB/T 2260的6位或12位数字", "geocode", code)
    points = [("polygon", lat, lon) for ring in area.polygons for lat, lon in ring]
    points += [("circle", lat, lon) for lat, lon, _ in area.circles]
    for name, lat, lon in points:
        if not _in_china(lat, lon):
            what = "经纬度写反（应为纬度在前）" if _in_china(lon, lat) else "坐标不在中国范围内"
            yield Fault(f"{place}/{name}", what, name, f"{lat},{lon}")
            return


def _in_china(lat: float, lon: float) -> bool:
    return LAT[0] <= lat <= LAT[1] and LON[0] <= lon <= LON[1]


def compose(
    identifier: capid.Identifier,
    info: Info,
    places: Iterable[tuple[str, str]],
    references: tuple[Reference, ...] = (),
    msg_type: str = "Alert",
    status: str = "Actual",
) -> Alert:
    """Our own message: `info` in Chinese, `places` as (area code, name); sent at the identifier's entry time.

    Raises ValueError naming what leaves the profile or is no area code.
    """
    stretch = tuple(Area(desc=name, geocodes=((areas.CPEAS, code),)) for code, name in places)
    alert = Alert(
        identifier=capid.build(identifier),
        sender=identifier.sender,
        sent=identifier.at.replace(microsecond=0),
        status=status,
        msg_type=msg_type,
        scope="Public",
        references=references,
        infos=(_in_chinese(info, stretch),),
    )
    if wrong := faults(alert):
        raise ValueError("；".join(f"{fault.place} {fault.what}：{fault.text}" for fault in wrong))
    return alert


def _in_chinese(info: Info, stretch: tuple[Area, ...]) -> Info:
    urgency, certainty = info.urgency or "Unknown", info.certainty or "Unknown"
    return replace(info, language=LANGUAGE, urgency=urgency, certainty=certainty, areas=(*info.areas, *stretch))


def detail(body: bytes | str, limit: int = document.LIMIT) -> Read:
    """The one alert of a detail page: JSON, or JSONP as `var alarminfo={…};`. Times are Beijing time. Never raises."""
    return _feed(body, limit, lambda found: [found], _detail)


def listing(body: bytes | str, limit: int = document.LIMIT) -> Read:
    """The alerts of a list page, data.page.list, as far as a headline tells them. Never raises."""
    return _feed(body, limit, lambda found: found["data"]["page"]["list"], _listed)


Noted = list[Fault]


def _feed(
    body: bytes | str, limit: int, rows: Callable[[Any], Any], make: Callable[[Row, str, Noted], Alert | None]
) -> Read:
    noted: Noted = []
    try:
        found = rows(_json(body, limit))
    except (document.Unreadable, KeyError, TypeError) as fault:
        what = str(fault) if isinstance(fault, document.Unreadable) else "不是约定的结构"
        return Read(faults=(Fault("", what, ""),))
    if not isinstance(found, list):
        return Read(faults=(Fault("", "不是约定的结构", ""),))
    alerts = []
    for number, row in enumerate(found, 1):
        place = f"[{number}]" if len(found) > 1 else ""
        alert = make(row, place, noted) if isinstance(row, dict) else None
        if alert is None:
            noted.append(Fault(place, "这一条不是可读的预警", "", str(row)[:120]))
        else:
            alerts.append(alert)
    return Read(tuple(alerts), tuple(noted))


def _json(body: bytes | str, limit: int) -> Any:
    if len(body) > limit:
        raise document.Unreadable(f"内容超过{limit}字节，不予读取")
    text = document.decode(body) if isinstance(body, bytes) else body
    if found := _ASSIGNED.match(text):
        text = text[found.end() :].rstrip().removesuffix(";").rstrip()
        text = text.removesuffix(")") if found[1] == "(" else text
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise document.Unreadable(f"不是完整的JSON：{str(fault)[:80]}") from fault


def _detail(row: Row, place: str, noted: Noted) -> Alert | None:
    name = _text(row, "identifier")
    key = _key(name)
    if key is None:
        return None
    severity = _severity(_text(row, "SIGNALLEVEL"), place, noted)
    told = _bulletin(_text(row, "ISSUECONTENT"), key.sent.year)
    where = "".join(dict.fromkeys(_text(row, part) for part in ("PROVINCE", "CITY", "STATIONNAME")))
    codes = (("TYPECODE", _text(row, "TYPECODE")), ("LEVELCODE", _text(row, "LEVELCODE")))
    info = Info(
        event=_text(row, "SIGNALTYPE") or (told.hazard if told else ""),
        severity=severity,
        event_codes=tuple(code for code in codes if code[1]),
        effective=_time(row, "ISSUETIME", "%Y-%m-%d %H:%M:%S", place, noted),
        expires=_time(row, "RELIEVETIME", "%Y-%m-%d %H:%M:%S", place, noted) if row.get("RELIEVETIME") else None,
        sender_name=told.issuer if told else "",
        headline=_text(row, "head"),
        description=_text(row, "ISSUECONTENT"),
    )
    kind = _text(row, "msgType")
    if kind not in ("Alert", "Update", "Cancel", "Ack", "Error"):
        noted.append(Fault(f"{place}msgType", f"msgType的取值不在标准之内：{kind}", "msgType", kind))
    named = tuple(_references(_text(row, "references"), name, place, noted))
    if kind in ("Update", "Cancel") and not named:
        what = f"{kind}消息没有可用的references，不知针对哪条消息"
        noted.append(Fault(f"{place}references", what, "references", _text(row, "references")))
    return _alert(key, kind, info, where, named)


def _listed(row: Row, place: str, noted: Noted) -> Alert | None:
    key, title = _key(_text(row, "alertid")), _text(row, "title")
    if key is None:
        return None
    told = _bulletin(title, key.sent.year)
    if told is None:
        noted.append(Fault(f"{place}title", "标题不是预警信号的固定写法", "title", title))
    info = Info(
        event=told.hazard if told else "",
        severity=SEVERITY[told.colour] if told else "Unknown",
        effective=_time(row, "issuetime", "%Y/%m/%d %H:%M", place, noted),
        sender_name=told.issuer if told else "",
        headline=title,
        web=_text(row, "url"),
    )
    kind = {"lift": "Cancel", "issue": "Alert"}.get(told.action, "Update") if told else "Alert"
    if kind != "Alert":
        noted.append(Fault(f"{place}title", f"{kind}消息没有可用的references，不知针对哪条消息", "references", title))
    return _alert(key, kind, info, "", ())


def _alert(key: Reference, kind: str, info: Info, where: str, references: tuple[Reference, ...]) -> Alert:
    code = key.sender[:6] + "000000"
    place = Area(desc=where or code, geocodes=((areas.CPEAS, code),))
    category = "Met" if key.sender[6:9] == capid.WEATHER else "Other"
    told = replace(
        info, categories=(category,), urgency="Unknown", certainty="Unknown", language=LANGUAGE, areas=(place,)
    )
    return Alert(
        identifier=key.identifier,
        sender=key.sender,
        sent=key.sent,
        status="Actual",
        msg_type=kind,
        scope="Public",
        references=references,
        infos=(told,),
    )


def _key(identifier: str) -> Reference | None:
    try:
        parts = capid.parse(identifier)
    except ValueError:
        return None
    return Reference(parts.sender, identifier, parts.at)


def _references(text: str, own: str, place: str, noted: Noted) -> Iterator[Reference]:
    """The feed gives identifiers alone, and a first message names itself."""
    for name in re.split(r"[\s,;，；]+", text):
        if name and name != own:
            key = _key(name)
            if key is None:
                noted.append(Fault(f"{place}references", "引用的编号不合QX/T 433", "references", name))
            else:
                yield key


def _severity(level: str, place: str, noted: Noted) -> str:
    colour = bulletins.COLOUR_OF.get(level[:1])
    if colour is None:
        noted.append(Fault(f"{place}SIGNALLEVEL", f"预警颜色不能识别：{level}", "SIGNALLEVEL", level))
    return SEVERITY[colour] if colour else "Unknown"


def _bulletin(text: str, year: int) -> bulletins.Bulletin | None:
    try:
        return bulletins.read(text, year)
    except ValueError:
        return None


def _time(row: Row, name: str, shape: str, place: str, noted: Noted) -> datetime | None:
    try:
        return datetime.strptime(_text(row, name), shape).replace(tzinfo=capid.BEIJING)
    except ValueError:
        noted.append(Fault(f"{place}{name}", "时间不能识别", name, _text(row, name)))
        return None


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    return value.strip() if isinstance(value, str) else ""
