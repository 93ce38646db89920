"""值班快报: one page about a message or an event: facts, action, next steps."""

from __future__ import annotations

import re
from typing import Any

from anlan.engines.papers import words
from anlan.engines.papers.official import Paper
from anlan.kernel.clock import now
from anlan.kernel.people import scope
from anlan.response.command.models import Event
from anlan.response.duty.models import Intake

from . import account, parts
from .timeline import Story, mark

OFFICE = "青岛市应急管理局"
TO = ("市委值班室", "市政府值班室")
LOSS = (("dead", "死亡"), ("missing", "失踪"), ("injured", "受伤"))


def casualties(row: Any) -> str:
    """死亡3人、失踪0人; what nobody reported stays unsaid."""
    said = [f"{label}{getattr(row, name)}人" for name, label in LOSS if getattr(row, name) is not None]
    return words.join(said) if said else "伤亡情况正在核实"


def facts_of_intake(intake: Intake) -> str:
    """Time, place, what, how many, from whom."""
    when = words.moment(intake.occurred_at) if intake.occurred_at else f"{words.moment(intake.received_at)}前"
    place = f"{intake.area}{intake.place}"
    kind = f"发生{intake.kind}" if intake.kind else "发生突发事件"
    told = f"{words.moment(intake.received_at)}接{intake.caller or '有关单位'}{intake.get_way_display()}报告。"
    rest = [f"{label}:{text}。" for label, text in (
        ("财产损失", intake.loss), ("影响范围", intake.reach), ("发展趋势", intake.trend), ("现场领导", intake.leaders),
        ("已采取措施", intake.measures), ("请求事项", intake.requests),
    ) if text]  # fmt: skip
    return f"{when},{place}{kind}。{intake.summary.rstrip('。')}。{casualties(intake)}。{told}" + "".join(rest)


def of_intake(intake: Intake) -> Paper:
    title = f"关于{intake.area}{intake.kind or '突发事件'}的快报"
    paper = _paper(title, intake.issue or 0, intake.recorder)
    paper.text(facts_of_intake(intake))
    done = [f"{r.state_label}({words.moment(r.closed_at)})" for r in _reports(intake) if r.closed_at]
    paper.text(f"接报后,值班室{words.join([*done, '正在核实情况、跟踪处置'], '、')}。")
    paper.text("后续情况将及时续报。")
    return paper


def _reports(intake: Intake) -> list[Any]:
    from .intake import reports

    return reports(intake)


def issue(event: Event) -> int:
    """The event's running number of the year; 0 when it was numbered by hand in another way."""
    found = re.search(r"(\d+)号$", event.number)
    return int(found[1]) if found else 0


def of_event(event: Event) -> Paper:
    story, here = Story(event), now()
    paper = _paper(f"关于{event.title}处置情况的快报", issue(event), scope.current().name)
    level = f",当前级别{event.get_level_display()}" if event.level else ""
    paper.text(
        f"{words.moment(event.occurred_at)},{event.place or event.area}{event.get_kind_display()}。{event.summary.rstrip('。')}。"
        f"{casualties(event)}{level}。"
    )
    tally, people = account.orders(story), account.moved(story)
    told = account.answers(story)
    paper.text(
        f"{words.as_of(here)},累计下达调度指令{tally.given}条,完成{tally.done}条,在办{tally.open}条,逾期{tally.late_done + tally.late_open}条;"
        f"叫应责任岗位{told.called}个,应答{told.answered}个,未应答{told.silent}个;报告转移{people['households']}户{people['people']}人。"
    )
    paper.text("处置已终止。" + event.outcome if event.state != "open" else "处置工作正在进行,后续情况将及时续报。")
    return paper


def _paper(title: str, number: int, filler: str) -> Paper:
    return Paper(
        "bulletin", title, OFFICE, now(), issue=number, report_to=TO, mark=mark(), signer=parts.leader() or "待签发", filler=filler,
        contact="市应急指挥中心值班室",
    )  # fmt: skip
