from anlan.kernel.indicators import Indicator
from anlan.kernel.people.roles import READERS
from anlan.kernel.registers import Register

from .models import Proposal, Response, ResponseRule

Register(
    ResponseRule,
    columns="kind hazard trigger share level source confidence version since until",
    filters="kind hazard level",
    group="大减灾",
    see=READERS,
)
Register(
    Response,
    columns="title level state started_at ended_at",
    filters="level state",
    order="-id",
    group="大减灾",
    see=READERS,
)
Register(
    Proposal,
    columns="kind level state reason signal_at opened_at due_at overdue signer closed_at",
    filters="kind level state overdue",
    order="-id",
    group="大减灾",
    see=READERS,
)

Indicator("flood.responses", "响应中", "response", {"state": "active"}, unit="个", definition="已启动、尚未终止的防汛防台风应急响应数")
Indicator("flood.proposals", "待确认建议", "proposal", {"state": "proposed"}, unit="条", definition="系统按规则提出、尚待值班人员确认的响应级别建议数")
