"""The kinds of entity (18-088, chapter 8), what they are made from, and how they hang together.

A field says how it is drawn and, where it can be asked for, what the database reads. A link joins two kinds by one value
on each side, so that one query finds the ends of a link for any number of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import models
from django.db.models import Case, F, Value, When
from django.db.models.functions import Concat

from anlan.kernel.people import scope
from anlan.sensing import readings
from anlan.sensing.models import Sensor, Station


@dataclass(frozen=True)
class Field:
    """What a filter may ask of: its kind (`tree.SAID`) and what the database reads; for a shape longitude and latitude."""

    kind: str
    reads: Any


@dataclass(frozen=True)
class Link:
    target: str
    mine: str
    theirs: str
    many: bool = True


@dataclass(frozen=True)
class Entity:
    name: str
    """Of the entity set."""
    one: str
    rows: Callable[[], models.QuerySet] | None
    """What the asker sees; None where the rows are not in the database."""
    draws: Mapping[str, Callable[[Any], Any]]
    asks: Mapping[str, Field]
    links: Mapping[str, Link]
    alone: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    """What is told only of an entity that is asked for by its key, because it costs a look into the history."""
    reads_key: Callable[[str], Any] = lambda text: int(text) if text.isdecimal() and len(text) < 19 else None
    """The key in an address, None when it is none of this kind."""


class Property(NamedTuple):
    """An observed property: one of the quantities."""

    pk: str
    label: str


class Seen(NamedTuple):
    """A reading, with the station of its sensor."""

    sensor: int
    at: int
    """ms since 1970 UTC"""
    value: float
    station: int

    @property
    def pk(self) -> str:
        return f"{self.sensor}-{self.at}"


def instant(ms: int) -> str:
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{ms % 1000:03d}Z"


def _point(station: Station) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [station.lon, station.lat]}


def _said(field: str, choices: type[models.TextChoices]) -> Case:
    """The label of a choice, for the database."""
    return Case(*(When(**{field: value}, then=Value(label)) for value, label in choices.choices), default=Value(""))


UNITS = {
    "mm": ("毫米", "mm"), "m": ("米", "m"), "cm": ("厘米", "cm"), "m/s": ("米每秒", "m/s"), "m³/s": ("立方米每秒", "m3/s"), "m3/s": ("立方米每秒", "m3/s"),
    "m³/h": ("立方米每小时", "m3/h"), "℃": ("摄氏度", "Cel"), "°C": ("摄氏度", "Cel"), "Pa": ("帕", "Pa"), "kPa": ("千帕", "kPa"), "MPa": ("兆帕", "MPa"),
    "hPa": ("百帕", "hPa"), "%": ("百分比", "%"), "%RH": ("相对湿度", "%"), "ppm": ("百万分比", "[ppm]"), "mg/m³": ("毫克每立方米", "mg/m3"),
    "m³": ("立方米", "m3"), "t/h": ("吨每小时", "t/h"),
}  # fmt: skip
"""Name and UCUM code of the units whose code is known."""
UCUM = "http://unitsofmeasure.org/ucum.html"


def unit(sensor: Sensor) -> dict[str, Any]:
    """The unit as it was entered; a definition only where its code in UCUM is known."""
    name, code = UNITS.get(sensor.unit, (sensor.unit, None))
    return {"name": name, "symbol": sensor.unit, "definition": f"{UCUM}#{code}" if code else None}


def _interval(sensor: Sensor) -> str | None:
    span = readings.span(scope.current().world, sensor.pk)
    return f"{instant(span[0])}/{instant(span[1])}" if span else None


def _station_facts(station: Station) -> dict[str, Any]:
    return {"code": station.code, "kind": station.kind, "area": station.area_id, "synthetic": station.synthetic, "note": station.note}


def _sensor_facts(sensor: Sensor) -> dict[str, Any]:
    rests = sensor.rests_until.astimezone(UTC).isoformat().replace("+00:00", "Z") if sensor.rests_until else None
    return {"code": sensor.code, "area": sensor.area_id, "low": sensor.low, "high": sensor.high, "restsUntil": rests, "restsWhy": sensor.rests_why}


STATION_NAME = {"id": Field("number", F("pk")), "name": Field("text", F("name"))}
STATION_KIND = _said("kind", Station.Kind)
STATION_ASKS = {
    **STATION_NAME, "description": Field("text", STATION_KIND), "properties/code": Field("text", F("code")),
    "properties/kind": Field("text", F("kind")), "properties/area": Field("text", F("area_id")),
    "properties/synthetic": Field("truth", F("synthetic")), "properties/note": Field("text", F("note")),
}  # fmt: skip


def _place(shape: str) -> dict[str, Field]:
    return {
        **STATION_NAME, "description": Field("text", STATION_KIND), "encodingType": Field("text", Value(GEOJSON)),
        shape: Field("shape", ("lon", "lat")), f"{shape}/type": Field("text", Value("Point")), f"{shape}/geometry/type": Field("null", None),
    }  # fmt: skip


GEOJSON = "application/geo+json"
MEASURED = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
QUANTITY = _said("quantity", Sensor.Quantity)
SENSOR_FACTS = {
    "properties/code": Field("text", F("code")), "properties/area": Field("text", F("area_id")),
    "properties/low": Field("number", F("low")), "properties/high": Field("number", F("high")),
    "properties/restsUntil": Field("time", F("rests_until")), "properties/restsWhy": Field("text", F("rests_why")),
}  # fmt: skip

KINDS = (
    Entity(
        "Things", "Thing", lambda: Station.objects.all(),
        {"name": lambda r: r.name, "description": lambda r: r.get_kind_display(), "properties": _station_facts},
        STATION_ASKS,
        {"Datastreams": Link("Datastreams", "pk", "station_id"), "Locations": Link("Locations", "pk", "pk"),
         "HistoricalLocations": Link("HistoricalLocations", "pk", "pk")},
    ),
    Entity(
        "Locations", "Location", lambda: Station.objects.all(),
        {"name": lambda r: r.name, "description": lambda r: r.get_kind_display(), "encodingType": lambda r: GEOJSON, "location": _point},
        _place("location"),
        {"Things": Link("Things", "pk", "pk"), "HistoricalLocations": Link("HistoricalLocations", "pk", "pk")},
    ),
    Entity(
        "HistoricalLocations", "HistoricalLocation", lambda: Station.objects.none(), {"time": lambda r: None}, {"id": Field("number", F("pk"))},
        {"Thing": Link("Things", "pk", "pk", False), "Locations": Link("Locations", "pk", "pk")},
    ),
    Entity(
        "Datastreams", "Datastream", lambda: Sensor.objects.select_related("station"),
        {"name": str, "description": lambda r: f"测点 {r.code}", "observationType": lambda r: MEASURED, "unitOfMeasurement": unit,
         "observedArea": lambda r: _point(r.station), "properties": _sensor_facts},
        {"id": Field("number", F("pk")), "name": Field("text", Concat(F("station__name"), QUANTITY)),
         "description": Field("text", Concat(Value("测点 "), F("code"))), "observationType": Field("text", Value(MEASURED)),
         "unitOfMeasurement/symbol": Field("text", F("unit")),
         "observedArea": Field("shape", ("station__lon", "station__lat")), "observedArea/type": Field("text", Value("Point")), **SENSOR_FACTS},
        {"Thing": Link("Things", "station_id", "pk", False), "Sensor": Link("Sensors", "pk", "pk", False),
         "ObservedProperty": Link("ObservedProperties", "quantity", "pk", False), "Observations": Link("Observations", "pk", "sensor")},
        {"phenomenonTime": _interval, "resultTime": _interval},
    ),
    Entity(
        "Sensors", "Sensor", lambda: Sensor.objects.all(),
        {"name": lambda r: r.code, "description": lambda r: f"测量{r.get_quantity_display()}", "encodingType": lambda r: "text/plain",
         "metadata": lambda r: f"量程 {r.low:g} 至 {r.high:g} {r.unit};型号未登记", "properties": _sensor_facts},
        {"id": Field("number", F("pk")), "name": Field("text", F("code")), "description": Field("text", Concat(Value("测量"), QUANTITY)),
         "encodingType": Field("text", Value("text/plain")), **SENSOR_FACTS},
        {"Datastreams": Link("Datastreams", "pk", "pk")},
    ),
    Entity(
        "ObservedProperties", "ObservedProperty", None,
        {"name": lambda r: r.label, "definition": lambda r: f"urn:anlan:quantity:{r.pk}", "description": lambda r: r.label},
        {name: Field("text", name) for name in ("id", "name", "definition", "description")},
        {"Datastreams": Link("Datastreams", "pk", "quantity")},
        reads_key=lambda text: text[1:-1] if text[:1] == text[-1:] == "'" and len(text) > 1 else None,
    ),
    Entity(
        "Observations", "Observation", None,
        {"phenomenonTime": lambda r: instant(r.at), "resultTime": lambda r: instant(r.at), "result": lambda r: r.value},
        {"id": Field("text", "id"), "phenomenonTime": Field("time", "at"), "resultTime": Field("time", "at"), "result": Field("number", "value")},
        {"Datastream": Link("Datastreams", "sensor", "pk", False), "FeatureOfInterest": Link("FeaturesOfInterest", "station", "pk", False)},
        reads_key=lambda text: _reading(text[1:-1]) if text[:1] == text[-1:] == "'" else None,
    ),
    Entity(
        "FeaturesOfInterest", "FeatureOfInterest", lambda: Station.objects.all(),
        {"name": lambda r: r.name, "description": lambda r: r.get_kind_display(), "encodingType": lambda r: GEOJSON, "feature": _point},
        _place("feature"),
        {"Observations": Link("Observations", "pk", "station")},
    ),
)  # fmt: skip
BY_NAME: dict[str, Entity] = {kind.name: kind for kind in KINDS}


def _reading(text: str) -> tuple[int, int] | None:
    """Sensor and ms of an observation's key."""
    sensor, dash, at = text.partition("-")
    return (int(sensor), int(at)) if dash and sensor.isdecimal() and at.isdecimal() and len(sensor) < 10 and len(at) < 15 else None


def field_of(kind: Entity, parts: tuple[str, ...]) -> Field | None:
    """What a filter asks of by this path; None when there is no such field. What nobody entered of ``properties`` is null."""
    name = "/".join(parts).removeprefix("@iot.")
    if name in kind.asks:
        return kind.asks[name]
    return Field("null", None) if parts[0] == "properties" and "properties" in kind.draws and len(parts) > 1 else None


def properties_seen() -> list[Property]:
    """The quantities that the sensors which the asker sees measure."""
    used = set(Sensor.objects.order_by().values_list("quantity", flat=True).distinct())
    return [Property(value, label) for value, label in Sensor.Quantity.choices if value in used]
