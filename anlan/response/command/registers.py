from anlan.kernel.indicators import Indicator
from anlan.kernel.people.roles import READERS
from anlan.kernel.registers import Register

from .models import Event, Order, Plan, Task

Register(
    Event,
    columns="number title kind level state occurred_at opened_at closed_at area place",
    filters="kind level state area",
    search="title number summary",
    order="-id",
    group="大应急",
    see=READERS,
)
Register(
    Order,
    columns="unit text level state given_at finish_by received_at done_at late overdue event area",
    filters="state level late overdue event area",
    search="text unit__name result",
    order="-id",
    group="大应急",
    see=(*READERS, "team"),
)
Register(Plan, columns="code title kind version source in_force", filters="kind in_force", group="大应急", see=READERS)
Register(
    Task,
    columns="plan number level tier office text minutes evidence confidence",
    filters="plan level tier",
    search="text office",
    group="大应急",
    see=READERS,
)

Indicator("command.events", "处置中事件", "event", {"state": "open"}, unit="起", definition="已立项、尚未终止处置的突发事件数")
Indicator("command.orders", "下达指令", "order", {}, unit="条", definition="按预案任务卡或人工下达的调度指令数")
Indicator("command.done", "已完成指令", "order", {"state": "done"}, unit="条", definition="执行单位已报告完成的指令数")
Indicator(
    "command.overdue", "超时指令", "order", {"overdue": True}, unit="条",
    definition="超过任务卡时限时尚未完成的指令数",
)  # fmt: skip
