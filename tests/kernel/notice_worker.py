"""A process of its own that issues a call-out and works its rungs through a real gateway, until it is killed."""

import os
import sys

import django
from django.core.management import call_command

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "anlan.settings")
sys.path.insert(0, os.environ["ANLAN_ROOT"])
django.setup()

from anlan.kernel.carriers.models import Gateway  # noqa: E402
from anlan.kernel.clock import due, loop  # noqa: E402
from anlan.kernel.clock.models import Due  # noqa: E402
from anlan.kernel.journal import seals  # noqa: E402
from anlan.kernel.notice import acts  # noqa: E402
from anlan.kernel.notice.ladder import Ladder, Rung  # noqa: E402
from anlan.kernel.notice.models import Addressee, Attempt  # noqa: E402
from anlan.kernel.people import scope  # noqa: E402
from anlan.kernel.worlds.models import ACTUAL, World  # noqa: E402
from tests.kernel import villages  # noqa: E402
from tests.kernel.gateway import SECRET  # noqa: E402

FAST = Ladder(
    "fast", (Rung(0, "self", ("voice", "sms")), Rung(3, "self", ("voice",)), Rung(6, "deputy", ("voice",))),
    basis="测试", confidence="M", end_s=9,
)  # fmt: skip


def make(address: str, count: str) -> None:
    call_command("migrate", verbosity=0)
    with scope.everyone(villages.build(int(count))):
        for channel in ("voice", "sms"):
            Gateway(
                name=channel, title=channel, channel=channel, carrier="http", address=address, secret=SECRET,
                area_id=scope.ROOT,
            ).save()  # fmt: skip
        acts.do_call("叫应", "请应答", level=2, roles=villages.ROLES, areas=[villages.DISTRICT], ladder=FAST)


def work() -> None:
    world = World.objects.get(pk=ACTUAL)
    due.free_dead()
    while Due.objects.filter(done_at=None, dropped=False).exists():
        if not loop.drain(world):
            due.wait(0.05)


def tell() -> None:
    states = Attempt.everywhere.values_list("state", flat=True)
    silent = Addressee.everywhere.filter(state="silent").count()
    doubled = Due.objects.exclude(runs=1).exclude(dropped=True).count()
    print(len(states), list(states).count("sent"), silent, doubled, int(seals.verify()["ok"]))


if __name__ == "__main__":
    word, *rest = sys.argv[1:]
    {"make": make, "work": work, "tell": tell}[word](*rest)
