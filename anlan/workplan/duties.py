"""What falls due in the plan: late nodes are urged each working morning, and who is urged is told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from anlan.kernel import clock, journal
from anlan.kernel.cases import Refused
from anlan.kernel.cases.moves import after
from anlan.kernel.notice import acts as notice
from anlan.kernel.people import scope

from .acts import urge_late
from .flows import LETTER, SUPERVISION
from .lights import plan_in_force
from .marks import scheme
from .models import Letter, Supervision
from .turns import today

HEADS = ("office_head", "flood_office", "leader")
"""Who heads a unit of the city: an office, the flood office, the bureau itself."""


@clock.every("workplan.urge", workdays="08:30")
def urge(at: datetime) -> None:
    """Only of a plan whose year is running: an old plan is history, and is urged by hand."""
    plan = plan_in_force()
    if plan and plan.year == today().year:
        urge_late(plan, scheme()["rules"]["urge_workdays"])


@journal.on("plan_supervision.urged", "plan_supervision.supervised")
def on_urged(line: Any) -> None:
    row = Supervision.objects.select_related("unit", "item").get(pk=line.subject_id)
    _tell(row.unit, f"{row.state_label}:{row.item}", f"{row.demand} {row.opinion}".strip(), row)


@journal.on("plan_letter.issued")
def on_issued(line: Any) -> None:
    letter = Letter.objects.select_related("unit", "plan").get(pk=line.subject_id)
    _tell(letter.unit, f"任务书待签收:{letter}", f"{letter.plan.title}中由{letter.unit}承担的事项共{len(letter.body)}项,请签收", letter)


@after(LETTER, "issue")
def check_newest(letter: Any) -> None:
    if not letter.plan.current:
        raise Refused("这份任务书所依据的版本已被修订,请按现行版本重新拟制")


@after(SUPERVISION, "raise")
def check_raised(row: Any) -> None:
    _check_ahead(row)


@after(SUPERVISION, "give_back")
def check_given_back(row: Any) -> None:
    _check_ahead(row)


def _check_ahead(row: Any) -> None:
    if row.due_by <= clock.now():
        raise Refused("反馈时限须晚于现在", field="due_by")


def _tell(unit: Any, title: str, text: str, about: Any) -> None:
    """Who answers for the unit: in the city its head, in a district its duty post, for its bureau has no post of its own here."""
    city = unit.area_id == scope.ROOT
    notice.do_call(title=title[:80], text=text, kind="inform", level=None, roles=HEADS if city else ("district_duty",), areas=[unit.area_id],
                   tiers=("city",) if city else ("district",), units=(unit.pk,) if city else (), about=about)  # fmt: skip
