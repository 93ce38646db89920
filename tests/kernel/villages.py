"""A district with towns and villages, each post with an A role and a deputy: whom a call-out reaches."""

from datetime import UTC, datetime

from anlan.kernel.people import scope
from anlan.kernel.people.models import Area, Holding, Person, Post, Unit
from anlan.kernel.worlds.models import ACTUAL, World

from .city import SINCE

DISTRICT = "370212000000"
ROLES = ("district_duty", "town_duty", "village_officer")
START = datetime(2022, 9, 14, 2, 0, tzinfo=UTC)


def build(villages: int, towns: int = 2) -> World:
    """The real city's world with one district; phones count up from 13000000001."""
    world = World.objects.create(pk=ACTUAL, kind="actual", title="青岛市", name="actual")
    Area.objects.create(code=scope.ROOT, name="青岛市", level="city")
    Unit(code="370212", name="崂山区", short="崂山", kind="应急", area_id=scope.ROOT).save()
    places = [(DISTRICT, "崂山区", "district", scope.ROOT, ROLES[0])]
    places += [(_town(t), f"{t}号镇", "town", DISTRICT, ROLES[1]) for t in range(1, towns + 1)]
    for v in range(villages):
        town = _town(v % towns + 1)
        places.append((f"{town[:9]}{v // towns + 200:03d}", f"{v}号村", "village", town, ROLES[2]))
    Area.objects.bulk_create(Area(code=c, name=n, level=t, parent_id=p) for c, n, t, p, _ in places)
    for n, (code, _, tier, _, role) in enumerate(places):
        post = n + 1
        Post.everywhere.bulk_create(
            [Post(pk=post, title="责任人", role=role, unit_id="370212", tier=tier, area_id=code)]
        )
        pair = [
            Person(pk=2 * n + k, name=f"{name}{n}", phone=f"130{2 * n + k:08d}", unit_id="370212", area_id=code)
            for k, name in ((1, "甲"), (2, "乙"))
        ]
        Person.everywhere.bulk_create(pair)
        Holding.everywhere.bulk_create(
            Holding(post_id=post, person=person, rank=rank, since=SINCE, area_id=code)
            for rank, person in enumerate(pair, 1)
        )
    return world


def _town(t: int) -> str:
    return f"370212{t:03d}000"


def stepped(seed: int = 7, kind: str = "replay", **fields: object) -> World:
    """A world that stands at START and goes from due row to due row."""
    title = {"replay": "回放", "exercise": "演练"}[kind]
    return World.objects.create(
        kind=kind, title=title, stepped=True, seed=seed, step=START, anchor_world=START, **fields
    )
