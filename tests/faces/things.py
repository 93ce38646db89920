"""A small network to be asked by SensorThings, and how a client asks."""

from datetime import timedelta
from urllib.parse import quote

import pytest
from django.test import Client

from anlan.faces import gate
from anlan.kernel import clock
from anlan.kernel.people import scope
from anlan.sensing import door
from anlan.sensing.models import Sensor, Station
from tests.kernel import city

ROOT = "/sta/v1.1"


@pytest.fixture
def world(db, settings):
    settings.TOTP = "optional"
    gate.forget()
    world = city.build()
    with scope.everyone(world):
        for n, (area, lon) in enumerate(((city.SHAZIKOU, 120.5), (city.SHAZIKOU, 120.6), (city.AOSHANWEI, 120.7))):
            station = Station(code=f"S{n}", name=f"{n}号站", kind="river", area_id=area, lon=lon, lat=36.1 + n / 10)
            station.save()
            for kind, unit in (("stage", "m"), ("rain", "mm")):
                Sensor(station=station, code=f"S{n}.{kind}", quantity=kind, unit=unit, low=0, high=500, area_id=area).save()
        yield world


@pytest.fixture
def officer(world):
    return signed_in("值班", "duty_officer")


def signed_in(name, role, place=scope.ROOT, unit="3702.yj"):
    client = Client()
    client.force_login(city.person(name, role, place, unit=unit, user=name).user)
    return client


def feed(code, *values, every=60, ago=0):
    """Readings of a sensor, the last of them so many seconds ago."""
    end = clock.now() - timedelta(seconds=ago)
    told = [door.Sample(code, end - timedelta(seconds=every * (len(values) - 1 - n)), v) for n, v in enumerate(values)]
    assert door.take(told)["accepted"] == len(values)


def stream(code="S0.stage"):
    return f"/Datastreams({Sensor.objects.get(code=code).pk})"


def thing(code="S0"):
    return f"/Things({Station.objects.get(code=code).pk})"


def ask(client, path, status=200, **given):
    query = "&".join(f"${name}={quote(str(value))}" for name, value in given.items())
    answer = client.get(f"{ROOT}{path}" + (f"?{query}" if query else ""))
    assert answer.status_code == status, answer.content.decode()
    return answer.json() if answer.content else None


def names(found):
    return [row["name"] for row in found["value"]]
