"""A handful of areas, units and persons: enough of a city for the kernel's tests."""

from datetime import date

from django.contrib.auth.models import User

from anlan.kernel.people import scope
from anlan.kernel.people.models import Area, Grant, Holding, Person, Post, Unit
from anlan.kernel.worlds.models import ACTUAL, World

LAOSHAN, JIMO = "370212000000", "370215000000"
SHAZIKOU, AOSHANWEI = "370212001000", "370215001000"
SINCE = date(2020, 1, 1)


def build() -> World:
    """The real city's world, two districts with a town each, one unit and one person in each."""
    world = World.objects.create(pk=ACTUAL, kind="actual", title="青岛市", name="actual")
    city = area(scope.ROOT, "青岛市", "city", None)
    for code, name, town, town_name in ((LAOSHAN, "崂山区", SHAZIKOU, "沙子口街道"), (JIMO, "即墨区", AOSHANWEI, "鳌山卫街道")):
        district = area(code, name, "district", city)
        area(town, town_name, "town", district)
    for code, place in (("3702.yj", scope.ROOT), ("370212.yj", LAOSHAN), ("370215.yj", JIMO)):
        Unit(code=code, name=code, short=code, kind="应急", area_id=place).save()
    return world


def area(code: str, name: str, level: str, parent: Area | None) -> Area:
    return Area.objects.create(code=code, name=name, level=level, parent=parent)


def person(name: str, role: str, place: str = scope.ROOT, unit: str = "3702.yj", user: str = "") -> Person:
    """A person with a grant of one role over one area, with an account when named."""
    account = User.objects.create_user(user, password="correct horse 77") if user else None
    row = Person(name=name, phone="10000000001", area_id=place, unit_id=unit, user=account)
    row.save()
    Grant.objects.create(person=row, role=role, area_id=place, since=SINCE)
    return row


def post(title: str, role: str, tier: str, place: str, holders: list[Person], unit: str = "3702.yj") -> Post:
    row = Post(title=title, role=role, tier=tier, area_id=place, unit_id=unit)
    row.save()
    for rank, holder in enumerate(holders, 1):
        Holding(post=row, person=holder, rank=rank, since=SINCE, area_id=place).save()
    return row
