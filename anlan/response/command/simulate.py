"""Simulated units of the demo city: they receive orders and report, mostly in time. Labelled as simulated."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from anlan.kernel import journal
from anlan.kernel.clock import due
from anlan.kernel.people import scope

from . import acts
from .models import Order

NEVER = 0.02
RESULTS = ("已落实,无异常", "已完成排查并落实人员值守", "已完成,发现的问题已当场处置", "已落实到位,持续值守")


def on_given(line: Any) -> None:
    """Draw when this unit will receive and finish the order; the same seed draws the same."""
    world = scope.current().world
    order = Order.objects.select_related("task").get(pk=line.subject_id)
    draw = random.Random(f"{world.seed}:{order.unit_id}:{order.task_id and order.task.number}:{order.level}")
    if draw.random() < NEVER:
        return
    term = (order.finish_by - order.given_at).total_seconds()
    receive = min(term, draw.lognormvariate(4.8, 0.6))
    finish = max(receive + 60, term * draw.lognormvariate(-0.75, 0.45))
    due.put("sim.order", order.given_at + timedelta(seconds=receive), key=f"sim:o:{order.pk}:r", order=order.pk, do="receive")
    result = draw.choice(RESULTS)
    due.put(
        "sim.order", order.given_at + timedelta(seconds=finish), key=f"sim:o:{order.pk}:f", order=order.pk, do="finish", result=result
    )


@journal.on("order.given")
def hear_given(line: Any) -> None:
    if scope.current().world.switches.get("simulate"):
        on_given(line)


@due.handles("sim.order")
def _act(row: Any) -> None:
    order = Order.objects.get(pk=row.body["order"])
    if row.body["do"] == "receive" and order.state == "given":
        acts.do_receive(order)
    elif row.body["do"] == "finish" and order.state in ("given", "received"):
        acts.do_finish(order, f"{row.body['result']}(模拟单位)")
