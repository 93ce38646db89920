"""From a reading to its alarm on a screen, while 50 000 sensors read once a second over HTTP.

Ten gateways send a tenth of the sensors each, one after the other through the second. Each second some sensors pass a
limit without hold time. Time runs from the moment that the gateway begins to send the body that holds the reading until
the line of the alarm has come to the open screen of a signed-in duty lead. Against: a bare uvicorn that sends an event 20
times a second to one stream, from the event's making to its arrival; it shows what the machine itself costs just now.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from . import feed, network, screens
from .city import City
from .figure import Figure, percentile
from .network import Course

SENSORS, SIZE, SECONDS = 50_000, 5_000, 60
BEGUN = 10
"""Sensors that begin to stand beyond a limit each second."""
WARM = 5
LIMIT_MS = 50
RAISED = (
    "select l.id, s.code, a.at from journal_line l join sensing_alarm a on a.id = l.subject_id join sensing_sensor s on s.id = a.sensor_id"
    " where l.verb = 'alarm.raised' and s.code like 'QD-%'"
)


def measure(planted: City, box: Path, sensors: int = SENSORS, size: int = SIZE, seconds: int = SECONDS) -> Iterator[Figure]:
    peer = [lag for lag, _ in screens.bare(1, 10.0)]
    lags, raised = _lags(planted.copy(box / "alarm"), Course(sensors, seconds, BEGUN), size)
    against = "an event from a bare uvicorn"
    shape = f"{sensors} × 1 Hz, bodies of {size}"
    yield Figure(f"reading to alarm on the screen, {shape}, p50", percentile(lags, 0.5) * 1000, "ms", None, percentile(peer, 0.5) * 1000, against)
    yield Figure("the same, p99", percentile(lags, 0.99) * 1000, "ms", LIMIT_MS, percentile(peer, 0.99) * 1000, against)
    yield Figure("alarms seen", len(lags), "alarms")
    yield Figure("alarms raised that no screen saw", raised - len(lags), "alarms", 0)


def _lags(city: City, course: Course, size: int) -> tuple[list[float], int]:
    """Seconds from a body's sending to each of its alarms, and how many alarms were raised after the first seconds."""
    token = network.plant(city, course.sensors, network.limits(hold_up_s=0))
    with city.open("--no-replay") as server, server.visitor("duty_lead") as client:
        cookie = f"sessionid={client.cookies['sessionid']}"
        watching = screens.readers(server.port, "/live/", 1, course.seconds + 5, cookie)
        fed = feed.send(server.port, token, course, size)
        came = screens.heard(watching, 1)["came"]
    place = {code: n // size for n, code in enumerate(network.codes(course.sensors))}
    lags, raised = [], 0
    for line, code, at in city.ask(RAISED):
        second = fed.second_of(at)
        if second >= WARM:
            raised += 1
            lags += [moment - fed.sent[second][place[code]] for moment in came.get(str(line), {"at": []})["at"]]
    return lags, raised
