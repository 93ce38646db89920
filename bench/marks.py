"""Offices and districts marked from a year of a million journal lines: added up from the first line, and after some hundred more.

Against: the same lines counted by one SQL statement over the bare table, which is the least that an adding-up can cost.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import orjson

from .city import City
from .figure import Figure

LINES, MORE = 1_000_000, 500
PLAN = (Path(__file__).parents[1] / "tests" / "engines" / "plans" / "plan-2023.txt").read_text(encoding="utf-8")
OFFICES = 50
WRITE = """
import random
from datetime import timedelta
from django.utils import timezone
from anlan.kernel.clock import real
from anlan.kernel.journal.models import Line, Seal
from anlan.kernel.people import scope
from anlan.kernel.people.models import Area, Unit
chance = random.Random(7)
with scope.everyone() as who:
    towns = list(Area.objects.filter(level="town").values_list("code", flat=True)) + [scope.ROOT] * 60
    offices = {offices} - Unit.everywhere.filter(kind="内设").count()
    Unit.everywhere.bulk_create(Unit(code=f"3702.yj.x{{n}}", name=f"测{{n}}处", short=f"测{{n}}处", kind="内设", area_id=scope.ROOT) for n in range(offices))
    units = [u.code for u in Unit.everywhere.filter(kind__in=("内设", "应急")).order_by("code") if u.code != "3702.yj"]
    begin, last = real() - timedelta(days=364), (Line.everywhere.order_by("-pk").values_list("pk", flat=True).first() or 0)
    def lines(count):
        for n in range(count):
            at = begin + timedelta(seconds=chance.random() * 364 * 86400)
            term = at + timedelta(hours=chance.uniform(-2, 20)) if n % 3 == 0 else None
            yield Line(world=who.world, area_id=chance.choice(towns), at=at, recorded_at=at, who="测", unit=chance.choice(units), verb="bench.moved",
                       subject_type="bench.case", subject_id=str(n), text="测量用的一行日志", after={{"n": n}}, term=term, digest=bytes(32))
    def put(count):
        rows = lines(count)
        while batch := [row for _, row in zip(range(20_000), rows)]:
            Line.everywhere.bulk_create(batch, batch_size=500)
        newest = Line.everywhere.order_by("-pk").values_list("pk", flat=True).first()
        Seal.objects.create(made_at=real(), first=last + 1, last=newest, lines=b"", digest=bytes(32))
"""
READ = """
import json, time
from anlan.kernel.people import scope
from anlan.workplan import marks, tally, take
from anlan.workplan.models import Item, Plan
from anlan.kernel.people.models import Unit
with scope.everyone():
    if not Plan.objects.exists():
        take.do_take({plan!r}, take.check_take({plan!r}))
        owners = list(Unit.everywhere.filter(kind="内设").order_by("code"))
        for n, item in enumerate(Item.objects.order_by("rank")):
            Item.objects.filter(pk=item.pk).update(owner=owners[n % len(owners)])
    body = marks.demo()
    plan = Plan.objects.get()
    def ranked():
        began = time.perf_counter()
        groups = marks.ranking(plan, marks.span_of(plan), body)
        return time.perf_counter() - began, sum(len(g.rows) for g in groups), sum(r.mark.total is not None for g in groups for r in g.rows)
    ranked()
    tally.begin_again()
    whole, rows, marked = ranked()
    put({more})
    again, _, _ = ranked()
    quiet, _, _ = ranked()
    kept = sum((k.kept + k.late for k in tally.counted().values()))
print(json.dumps([whole, again, quiet, rows, marked, kept]))
"""


def measure(planted: City, box: Path, lines: int = LINES) -> list[Figure]:
    city = planted.copy(box / "marks")
    told = city.do("django", "shell", "-v0", "-c", f"{WRITE.format(offices=OFFICES)}\n    put({lines})\n{READ.format(plan=PLAN, more=MORE)}")
    whole, again, quiet, _, marked, kept = orjson.loads(told.splitlines()[-1])
    counted = _bare(city.home / "anlan.sqlite3")
    return [
        Figure("units marked", marked, "units", None),
        Figure("terms added up", kept, "terms", None),
        Figure("marks of all units, from the first line", whole, "s", 5, counted, "one SQL statement over the lines"),
        Figure(f"marks of all units, {MORE} lines later", again * 1000, "ms", 200),
        Figure("marks of all units, nothing new", quiet * 1000, "ms", 200),
    ]


def _bare(path: Path) -> float:
    with closing(sqlite3.connect(path)) as database:
        began = time.perf_counter()
        database.execute("select unit, substr(area_id, 1, 6), count(*), sum(at > term) from journal_line where term is not null group by 1, 2").fetchall()
        return time.perf_counter() - began
