"""The city as these tests need it: people with accounts, an exercise, an open and a closed replay."""

from dataclasses import dataclass
from typing import Any

from anlan.faces import gate
from anlan.kernel.people.models import Participant, Person
from anlan.kernel.worlds.models import World
from tests.kernel import city

PASSWORD = "correct horse 77"


@dataclass
class Town:
    world: World
    replay: World
    exercise: World
    people: dict[str, Person]

    def user(self, name: str) -> Any:
        return self.people[name].user


def build() -> Town:
    gate.forget()
    world = city.build()
    replay = World.objects.create(kind="replay", title="台风“梅花”2022", guests=True)
    exercise = World.objects.create(kind="exercise", title="2023年防汛演练")
    places = {"district_duty": city.LAOSHAN, "town_duty": city.SHAZIKOU}
    names = ("leader", "duty_officer", "district_duty", "town_duty", "system_keeper", "security_keeper", "audit_keeper")
    people = {name: city.person(name, name, places.get(name, "370200000000"), user=name) for name in names}
    for person in people.values():
        person.user.last_login = person.user.date_joined
        person.user.save()
    for name, part in (("duty_officer", "direct"), ("leader", "direct"), ("district_duty", "play"), ("town_duty", "play")):
        Participant.objects.create(world=exercise, person=people[name], part=part)
    return Town(world, replay, exercise, people)
