"""The plan's papers: a unit's task letter, and the ranking of a quarter or a year."""

from __future__ import annotations

from typing import Any

from anlan.engines.papers import words
from anlan.engines.papers.official import Column, Paper
from anlan.kernel.clock import now
from anlan.kernel.people import scope

from .lights import LIGHTS, Progress, Zero
from .marks import DIMENSIONS, Group, Span, scheme
from .models import Letter, Plan
from .turns import today

ORG = "青岛市应急管理局"


def letter(row: Letter) -> Paper:
    """What the plan asks of a unit, as it stood when the letter was written."""
    paper = Paper("notice", f"{row.plan.year}年度工作任务书", ORG, row.opened_at, number=f"任务书〔{row.plan.year}〕{row.number}号", to=f"{row.unit}")
    paper.text(f"根据《{row.plan.title}》,现将由你单位承担的 {len(row.body)} 项任务下达如下,请明确人员、时间和措施,抓好落实。")
    for task in row.body:
        paper.head(f"{task['title']}(第{task['no']}项{'' if task['lead'] else ',配合'})", 1)
        for text in task["measures"]:
            paper.text(text)
        if task["aims"]:
            paper.text(f"目标:{'、'.join(task['aims'])}。")
        if task["nodes"]:
            paper.text(f"节点:{'、'.join(task['nodes'])}。")
    paper.note(f"状态:{row.state_label}。")
    return paper


def ranking(plan: Plan, quarter: int, span: Span, groups: list[Group]) -> Paper:
    """Every group with each unit's points by dimension, and the reasons for every point that was lost."""
    when = f"第{quarter}季度" if quarter else "年度"
    paper = Paper("report", f"{plan.year}年{when}工作要点考核情况", ORG, now(), facts=[
        ("考核期", f"{words.day(span.first)}至{words.day(min(span.last, today()))}"), ("依据", plan.title), ("方案", scheme().get("source", "")),
        ("制表", scope.current().name),
    ])  # fmt: skip
    if scheme().get("confidence") == "demo":
        paper.note("说明:考核方案为演示方案,权重和规则须由负责人修订后方可使用。")
    for group in groups:
        paper.head(group.name)
        weights = "、".join(f"{DIMENSIONS[name]} {weight:g}" for name, weight in group.weights.items())
        heads = [Column("名次", 1), Column("单位", 3), Column("得分", 1.6), *(Column(said, 1.2) for said in DIMENSIONS.values())]
        paper.table(
            heads, [_line(row.mark.rank, row.unit, row.mark) for row in group.rows], title=group.name,
            note=f"权重:{weights};没有考核事项的一类不计,其权重按比例分给其他类。",
        )  # fmt: skip
    paper.head("失分情况")
    for group in groups:
        for row in group.rows:
            lost = [(f, cost) for part in row.mark.parts for f, cost in part.facts if cost >= 0.01]
            if lost:
                paper.head(f"{row.unit}(失 {sum(c for _, c in lost):.2f} 分)", 2)
                paper.table([Column("事项", 4), Column("情况", 4), Column("失分", 1)], [(f.said, f.why, f"{cost:.2f}") for f, cost in lost])
    return paper


def progress(plan: Plan, items: list[Any], zeros: list[Zero], groups: list[Group]) -> Paper:
    """How far the plan is: lights, goals of nought, what is late and why, targets and their figures, the marks."""
    counts = {name: sum(i.light == name for i in items) for name in LIGHTS}
    paper = Paper("report", f"{plan.year}年工作要点推进情况", ORG, now(), facts=[
        ("依据", str(plan)), ("数据截至", words.day(today())), ("事项", f"{len(items)}项"), ("制表", scope.current().name),
    ])  # fmt: skip
    paper.head("总体情况")
    paper.text("、".join(f"{LIGHTS[name]}{n}项" for name, n in counts.items()) + "。")
    paper.table([Column("“零”目标", 3), Column("现状", 1)], [(z.said, "保持" if not z.count else f"已突破:{z.count:g}") for z in zeros])
    paper.head("滞后和临期事项")
    late = [i for i in items if i.light in ("red", "yellow")]
    heads = [Column("编号", 1), Column("事项", 3.5), Column("责任单位", 2.5), Column("灯", 1), Column("情况", 4)]
    paper.table(heads, [(i.no, i.title, str(i.owner or "未定"), LIGHTS[i.light], i.why) for i in late])
    paper.head("目标完成情况")
    rows = [(i.no, p.aim.raw, i.title, _stand(p), "自报" if p.own else "台账计算" if p.aim.meter else "—") for i in items for p in i.progress]
    paper.table([Column("编号", 1), Column("目标", 2), Column("事项", 4), Column("现状", 2), Column("来源", 1.6)], rows)
    paper.head("考核得分")
    for group in groups:
        paper.table([Column("名次", 1), Column("单位", 4), Column("得分", 2)], [_line(r.mark.rank, r.unit, r.mark)[:3] for r in group.rows], title=group.name)
    if scheme().get("confidence") == "demo":
        paper.note("说明:考核方案为演示方案,权重和规则须由负责人修订后方可使用。")
    return paper


def _stand(p: Progress) -> str:
    return "无数据" if p.reached is None else f"{p.reached:g}{p.aim.needed_unit}{'(达到)' if p.met else ''}"


def _line(rank: int, unit: Any, mark: Any) -> list[object]:
    if mark.total is None:
        return ["—", str(unit), "无考核事项", *["—"] * len(mark.parts)]
    return [rank, str(unit), f"{mark.total:.2f}", *(f"{p.points:.2f}" if p.facts else "—" for p in mark.parts)]
