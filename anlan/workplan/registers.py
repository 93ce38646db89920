from anlan.kernel.indicators import Indicator
from anlan.kernel.people.roles import BUREAU, STAFF
from anlan.kernel.registers import Register

from .models import Aim, Item, Node, Plan

GROUP = "工作要点"
EYES = (*STAFF, *BUREAU)
Register(Plan, columns="title year version current taken_at taken_by reason", filters="year current", search="title", group=GROUP,
         order="-year -version", see=EYES, name="workplan")
Register(Item, columns="no title section subsection owner plan", filters="plan owner", search="no title text", group=GROUP, order="rank",
         see=EYES, name="planitem")
Register(Aim, columns="item raw comparator value value_max unit indicator reported evidence state", filters="item state comparator unit",
         search="raw clause", group=GROUP, order="id", see=EYES, name="planaim")
Register(Node, columns="item raw kind norm day done_on evidence state", filters="item state kind day done_on", search="raw", group=GROUP,
         order="id", see=EYES, name="plannode")  # fmt: skip

Indicator("workplan.items", "要点事项", "planitem", unit="项", definition="各版工作要点中登记的事项数")
Indicator("workplan.unread", "待核对目标", "planaim", {"state": "read"}, unit="项", definition="从原文读出、尚未经人工核对的目标数")
