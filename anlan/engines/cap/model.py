"""The message of the Common Alerting Protocol as frozen data, and the one table of its elements.

Source: OASIS Standard "Common Alerting Protocol Version 1.2", 1 July 2010, section 3.2 (the data dictionary). The
tables `ALERT`, `INFO`, `RESOURCE` and `AREA` are in the order of the schema; reader, writer and rules all go by them.

An absent text is "", an absent number or time None, an absent list (). Times are aware. Points are (lat, lon) in
degrees WGS 84, circles (lat, lon, radius in km), altitude and ceiling feet above sea level.
"""

from dataclasses import dataclass, fields
from datetime import datetime

CAP_1_2 = "urn:oasis:names:tc:emergency:cap:1.2"
CAP_1_1 = "urn:oasis:names:tc:emergency:cap:1.1"
SIGNATURE = "http://www.w3.org/2000/09/xmldsig#"

Pair = tuple[str, str]
Point = tuple[float, float]
Ring = tuple[Point, ...]
Disc = tuple[float, float, float]


@dataclass(frozen=True)
class Reference:
    """Names one message: sender, identifier, time sent."""

    sender: str
    identifier: str
    sent: datetime


@dataclass(frozen=True)
class Area:
    desc: str = ""
    polygons: tuple[Ring, ...] = ()
    circles: tuple[Disc, ...] = ()
    geocodes: tuple[Pair, ...] = ()
    altitude: float | None = None
    ceiling: float | None = None


@dataclass(frozen=True)
class Resource:
    desc: str = ""
    mime_type: str = ""
    size: int | None = None
    uri: str = ""
    deref_uri: str = ""
    digest: str = ""


@dataclass(frozen=True)
class Info:
    language: str = "en-US"
    categories: tuple[str, ...] = ()
    event: str = ""
    response_types: tuple[str, ...] = ()
    urgency: str = ""
    severity: str = ""
    certainty: str = ""
    audience: str = ""
    event_codes: tuple[Pair, ...] = ()
    effective: datetime | None = None
    onset: datetime | None = None
    expires: datetime | None = None
    sender_name: str = ""
    headline: str = ""
    description: str = ""
    instruction: str = ""
    web: str = ""
    contact: str = ""
    parameters: tuple[Pair, ...] = ()
    resources: tuple[Resource, ...] = ()
    areas: tuple[Area, ...] = ()


@dataclass(frozen=True)
class Alert:
    identifier: str = ""
    sender: str = ""
    sent: datetime | None = None
    status: str = ""
    msg_type: str = ""
    source: str = ""
    scope: str = ""
    restriction: str = ""
    addresses: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    note: str = ""
    references: tuple[Reference, ...] = ()
    incidents: tuple[str, ...] = ()
    infos: tuple[Info, ...] = ()

    @property
    def key(self) -> Reference | None:
        """What other messages call this one by; None when no usable time was sent."""
        return None if self.sent is None else Reference(self.sender, self.identifier, self.sent)


@dataclass(frozen=True)
class Fault:
    """What is wrong with a message: where (a path of elements, counted from 1), what (Chinese), element and its text."""

    place: str
    what: str
    element: str
    text: str = ""


@dataclass(frozen=True)
class Read:
    """What was found in a body: alerts as far as they could be read, and every fault met on the way."""

    alerts: tuple[Alert, ...] = ()
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class Part:
    """One child element: XML name, field of the dataclass, kind of content, occurrence, allowed values (() for any)."""

    name: str
    field: str
    kind: str
    needed: bool
    many: bool
    values: tuple[str, ...] = ()


def _parts(text: str) -> tuple[Part, ...]:
    """Lines of name, field, kind, occurrence (! one, ? none or one, + some, * any number), allowed values."""
    rows = (line.split() for line in text.strip().splitlines())
    return tuple(Part(n, f, kind, often in "!+", often in "+*", tuple(v)) for n, f, kind, often, *v in rows)


ALERT = _parts("""
identifier  identifier  text  !
sender      sender      text  !
sent        sent        time  !
status      status      text  !  Actual Exercise System Test Draft
msgType     msg_type    text  !  Alert Update Cancel Ack Error
source      source      text  ?
scope       scope       text  !  Public Restricted Private
restriction restriction text  ?
addresses   addresses   words ?
code        codes       text  *
note        note        text  ?
references  references  refs  ?
incidents   incidents   words ?
info        infos       info  *
""")

INFO = _parts("""
language     language       text  ?
category     categories     text  +  Geo Met Safety Security Rescue Fire Health Env Transport Infra CBRNE Other
event        event          text  !
responseType response_types text  *  Shelter Evacuate Prepare Execute Avoid Monitor Assess AllClear None
urgency      urgency        text  !  Immediate Expected Future Past Unknown
severity     severity       text  !  Extreme Severe Moderate Minor Unknown
certainty    certainty      text  !  Observed Likely Possible Unlikely Unknown
audience     audience       text  ?
eventCode    event_codes    pair  *
effective    effective      time  ?
onset        onset          time  ?
expires      expires        time  ?
senderName   sender_name    text  ?
headline     headline       text  ?
description  description    text  ?
instruction  instruction    text  ?
web          web            text  ?
contact      contact        text  ?
parameter    parameters     pair  *
resource     resources      resource *
area         areas          area  *
""")

RESOURCE = _parts("""
resourceDesc desc      text   !
mimeType     mime_type text   !
size         size      whole  ?
uri          uri       text   ?
derefUri     deref_uri text   ?
digest       digest    text   ?
""")

AREA = _parts("""
areaDesc desc     text   !
polygon  polygons ring   *
circle   circles  disc   *
geocode  geocodes pair   *
altitude altitude number ?
ceiling  ceiling  number ?
""")

Block = type[Alert] | type[Info] | type[Resource] | type[Area]
BLOCKS: dict[str, tuple[Block, tuple[Part, ...]]] = {
    "alert": (Alert, ALERT),
    "info": (Info, INFO),
    "resource": (Resource, RESOURCE),
    "area": (Area, AREA),
}
assert all([f.name for f in fields(block)] == [p.field for p in parts] for block, parts in BLOCKS.values())
