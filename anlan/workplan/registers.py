from anlan.kernel.indicators import Indicator
from anlan.kernel.people.roles import BUREAU, STAFF
from anlan.kernel.registers import Register

from .acts import REPORTERS
from .models import Aim, Item, Letter, Measure, Node, Plan, Proof, Scheme, Supervision

GROUP = "工作要点"
EYES = (*STAFF, *BUREAU)
Register(Plan, columns="title year version current taken_at taken_by reason", filters="year current", search="title", group=GROUP,
         order="-year -version", see=EYES, name="workplan")
Register(Item, columns="no title section subsection owner plan", filters="plan owner", search="no title text", group=GROUP, order="rank",
         see=EYES, name="planitem")
Register(Measure, columns="item rank text owner", filters="item owner", search="text", group=GROUP, order="item_id rank", see=EYES,
         name="planmeasure")
Register(Aim, columns="item raw comparator value value_max unit indicator reported evidence state", filters="item state comparator unit",
         search="raw clause", group=GROUP, order="id", see=EYES, name="planaim")
Register(Node, columns="item raw kind norm day indicator least state", filters="item state kind day", search="raw", group=GROUP,
         order="id", see=EYES, name="plannode")
Register(Proof, columns="node last happened_on told_on text by", filters="happened_on told_on", search="text", group=GROUP, order="-id",
         see=EYES, papers=REPORTERS, name="planproof")
Register(Letter, columns="plan number unit state opened_at closed_at area", filters="plan unit state area", group=GROUP, order="-id",
         see=EYES, name="planletter")
Register(Supervision, columns="item unit demand state due_by overdue opened_at closed_at area", filters="state unit overdue opened_at area",
         search="demand reply", group=GROUP, order="-id", see=EYES, name="plansupervision")
Register(Scheme, columns="title version reason made_at made_by", group=GROUP, order="-version",
         see=("leader", "duty_lead", *BUREAU), city=True, name="planscheme")  # fmt: skip

Indicator("workplan.items", "要点事项", "planitem", unit="项", definition="各版工作要点中登记的事项数")
Indicator("workplan.unread", "待核对目标", "planaim", {"state": "read"}, unit="项", definition="从原文读出、尚未经人工核对的目标数")
Indicator("workplan.urged", "催办督办中", "plansupervision", {"state": ["urged", "supervised", "replied"]}, unit="件",
          definition="已催办、督办,尚未销号的事项数")  # fmt: skip
