"""A process of its own that makes, works or counts due rows on the database that the environment names."""

import os
import sys

import django
from django.core.management import call_command

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "anlan.settings")
django.setup()

from django.db.models import Sum  # noqa: E402

from anlan.kernel import clock  # noqa: E402
from anlan.kernel.clock import due, loop  # noqa: E402
from anlan.kernel.clock.models import Beat, Due  # noqa: E402
from anlan.kernel.people import scope  # noqa: E402
from anlan.kernel.worlds.models import ACTUAL, World  # noqa: E402


@due.handles("test.count")
def count(row: Due) -> None:
    """The effect of a row is a row of its own; a second run of it would collide."""
    Beat.objects.create(name=f"row {row.pk}")


def make(rows: int) -> None:
    call_command("migrate", verbosity=0)
    world = World.objects.create(pk=ACTUAL, kind="actual", title="青岛市")
    with scope.everyone(world):
        due.put_many("test.count", [(clock.now(), None, {}) for _ in range(rows)])


def work() -> None:
    world = World.objects.get(pk=ACTUAL)
    while Due.objects.filter(done_at=None).exists():
        loop.drain(world)


def tell() -> None:
    rows = Due.objects.count()
    done = Due.objects.exclude(done_at=None).count()
    ran = Due.objects.aggregate(n=Sum("runs"))["n"]
    print(rows, done, ran, abs(ran - Beat.objects.count()))


if __name__ == "__main__":
    word, *rest = sys.argv[1:]
    {"make": make, "work": work, "tell": tell}[word](*map(int, rest))
