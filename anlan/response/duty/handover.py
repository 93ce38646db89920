"""One watch gives over to the next. What is open is asked of the indicators that are declared to be carried over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction

from anlan.kernel.cases import Refused
from anlan.kernel.cases.moves import after, open_case
from anlan.kernel.indicators import indicator
from anlan.kernel.people import scope
from anlan.kernel.worlds.models import World

from .flows import HANDOVER, WATCH
from .models import Handover

CARRIED: list[str] = []
NAMED = 5
"""How many rows of an item are named; the others are counted."""


def carry(*names: str) -> None:
    """Declare indicators whose rows one watch gives over to the next, in the order of the record."""
    CARRIED.extend(name for name in names if name not in CARRIED)


@dataclass(frozen=True)
class Item:
    """One kind of open matter: how many there are, the first of them by name, and where they stand."""

    label: str
    value: int | float
    unit: str
    href: str
    definition: str
    rows: list[tuple[str, str]]

    @property
    def said(self) -> str:
        names = ";".join(name for name, _ in self.rows)
        more = self.value - len(self.rows)
        return f"{self.value}{self.unit}" + (f":{names}" if names else "") + (f";另{more:g}{self.unit}" if names and more > 0 else "")


def items() -> list[Item]:
    """What the present asker would give over now."""
    return [_item(name) for name in CARRIED if indicator(name).book.visible()]


def _item(name: str) -> Item:
    number, book = indicator(name).number(), indicator(name).book
    rows = book.rows(indicator(name).params()).select_related(*book.joins)[:NAMED] if number["value"] else ()
    named = [(str(row), book.link(row)) for row in rows]
    return Item(number["label"], number["value"], number["unit"], number["href"], number["definition"], named)


def seat() -> str:
    """The area whose watch the asker stands: the widest in which a duty role reaches."""
    reaches = [r.area for r in scope.current().reaches or () if r.role in WATCH.split()]
    return (min(reaches, key=len, default="") or scope.prefix(scope.ROOT)).ljust(12, "0")


def may() -> bool:
    """Does the asker stand a watch at all?"""
    return scope.current().person_id is not None and scope.current().can(*WATCH.split(), area=seat())


def latest() -> Handover | None:
    """The newest hand-over of the asker's own watch."""
    rows = Handover.objects.filter(area_id=seat()).exclude(state="withdrawn")
    return rows.select_related("giver", "taker", "area").order_by("-id").first()


def check_offer(remarks: str) -> Handover:
    """The asker gives the watch over; there is one open hand-over at a time."""
    if not may():
        raise Refused("只有值班人员可以交班")
    with transaction.atomic():
        World.objects.select_for_update().get(pk=scope.current().world.pk)
        if Handover.objects.filter(area_id=seat(), state="offered").exists():
            raise Refused("已有一份交接班记录待接班,请先接班,或在原记录上补充")
        return open_case(Handover(area_id=seat(), giver_id=scope.current().person_id, remarks=remarks))  # type: ignore[return-value]


def items_of(row: Handover) -> list[Item]:
    """What is open in the area of this watch, as far as the asker sees it: a wider asker adds nothing from elsewhere."""
    who, start = scope.current(), scope.prefix(row.area_id)
    if who.reaches is None:
        return items()
    inside = [r if r.area.startswith(start) else replace(r, area=start) for r in who.reaches if _meet(r.area, start)]
    with scope.narrowed(reaches=tuple(inside)):
        return items()


def _meet(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


@after(HANDOVER, "take")
def on_take(row: Handover) -> None:
    """The taker is somebody else, and what was open at this moment is kept with the record."""
    who = scope.current().person_id
    if who is None or who == row.giver_id:
        raise Refused("交班人不能接自己的班,请由接班人登录后接班")
    row.taker_id, row.carried = who, {item.label: item.said for item in items_of(row)}
    row.save(update_fields=["taker", "carried"])


@after(HANDOVER, "amend")
@after(HANDOVER, "withdraw")
def on_giver(row: Handover) -> None:
    """The words of a hand-over are its giver's."""
    if scope.current().person_id != row.giver_id:
        raise Refused("交班记录由交班人本人补充或撤回")


def before(row: Handover) -> Handover | None:
    """The hand-over by which the watch that now gives over had begun."""
    rows: Any = Handover.objects.filter(area_id=row.area_id, state="taken", closed_at__lt=row.opened_at)
    return rows.order_by("-closed_at").first()
