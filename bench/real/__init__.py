"""Real readings through the door at speed: a river in flood, rain and tide at a coast, hot spots seen from satellites.

Each set is declared by ``anlan sensing load`` in a city of its own and sent as its gateways would have sent it, body after body,
over HTTP and as fast as it is answered. What ``anlan alarms`` tells then must be what the plainest reading of the limits finds
(`sets.stood`), each with its sensor, level, beginning, end, first value and peak. The river stands with the tests; the other sets
may not be handed on, and are taken from the folder that ANLAN_HAZARDS names.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import orjson
import yaml

from ..city import ROOT, City, Server
from ..figure import Figure
from . import coast, river, sets, spots
from .sets import VERSION, Set, Stood

RIVER = ROOT / "tests" / "rooms" / "river"
SHOWN_S = 30
MISSING = "not played: ANLAN_HAZARDS names no folder with {}"


def measure(planted: City, box: Path) -> Iterator[Figure]:
    named = os.environ.get("ANLAN_HAZARDS", "")
    folder = Path(named or "nowhere")
    yield from play(planted, box / "river", river.read(RIVER))
    beach = folder / "coastal_rain_tide"
    if named and all((beach / name).is_file() for name in (coast.FILE, coast.LIST)):
        given = coast.read(beach)
        yield Figure(f"{given.name}: moments unlike the list that stands beside it", coast.unlike(beach, given.wanted), "moments", 0)
        yield from play(planted, box / "coast", given)
    else:
        yield Figure("coastal rain", 0, "readings", against=MISSING.format(f"{beach.name}/{coast.FILE} and {coast.LIST}"))
    for what, file in spots.FILES.items():
        path = folder / "hotspots" / file
        if named and path.is_file():
            given = spots.read(path, f"hot spots of {what}")
            yield from play(planted, box / what, given)
            true = spots.true(path, given.wanted)
            yield Figure("the same: first alarms behind which a fire was", true[True], "alarms", None, true.total(), "all of them")
        else:
            yield Figure(f"hot spots of {what}", 0, "readings", against=MISSING.format(f"hotspots/{file}"))


def play(planted: City, home: Path, given: Set) -> Iterator[Figure]:
    """Send a set through the door of a city of its own; what is wrong with the alarms that it raised."""
    city = planted.copy(home)
    declared = city.home / "set.yaml"
    declared.write_text(yaml.safe_dump(given.network, allow_unicode=True), encoding="utf-8")
    city.do("sensing", "load", str(declared))
    token = city.do("gateway", "add", "real").strip()
    with city.open("--no-replay") as server:
        began = time.perf_counter()
        wrong = send(server, token, given)
        took = time.perf_counter() - began
        wanted = Counter(given.wanted)
        told = _at_last(city, wanted)
    yield Figure(f"{given.name}: played in a second", given.readings / took, "1/s")
    yield Figure(f"{given.name}: alarms lost, doubled or wrong of {wanted.total()}", ((wanted - told) + (told - wanted)).total(), "alarms", 0)
    yield Figure(f"{given.name}: readings refused that were figures, or taken that were not", wrong, "readings", 0)


def send(server: Server, token: str, given: Set) -> int:
    """Every body, one after the other; how many readings were refused that were figures, or taken that were none."""
    wrong = 0
    with httpx.Client(base_url=server.address, timeout=60, headers={"Authorization": f"Bearer {token}"}) as client:
        for number, body in enumerate(given.bodies):
            answer = client.post("/ingest/", content=orjson.dumps(body), headers={"Idempotency-Key": str(number)})
            answer.raise_for_status()
            wrong += len(refused(answer.json()) ^ sets.words(body))
    return wrong


def refused(told: dict[str, Any]) -> set[int]:
    """The places that an answer names."""
    return {one["index"] for one in told["rejected"]}


def _at_last(city: City, wanted: Counter[Stood]) -> Counter[Stood]:
    """What the city tells; how far those went that stand is shown some seconds later."""
    end = time.monotonic() + SHOWN_S
    while (told := alarms(city)) != wanted and time.monotonic() < end:
        time.sleep(1)
    return told


def alarms(city: City) -> Counter[Stood]:
    """What the city tells by the rules of these sets."""
    found = orjson.loads(city.do("alarms", "--json"))["alarms"]
    return Counter(
        Stood(one["sensor"], one["level"], _seconds(one["at"]), one["cleared_at"] and _seconds(one["cleared_at"]), one["value"], one["peak"])
        for one in found
        if one["version"] == VERSION
    )


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
