"""Taking a plan in, and telling how far its items are."""

from __future__ import annotations

from datetime import date, timedelta

from django.db import transaction
from django.db.models import Max, Prefetch
from django.utils import timezone

from anlan.engines import plan as engine
from anlan.kernel import journal
from anlan.kernel.cases import Refused
from anlan.kernel.clock import now
from anlan.kernel.indicators.declared import INDICATORS
from anlan.kernel.people import scope
from anlan.kernel.people.models import Unit

from .models import Aim, Item, Node, Plan, day_of

EDITORS = ("leader", "duty_lead")
SOON = timedelta(days=30)
LIGHTS = {"red": "滞后", "yellow": "临期", "green": "正常", "done": "已完成", "grey": "无数据"}


def check_take(source: str, reason: str = "") -> engine.Plan:
    """May this asker take this text as the city's plan? What was read from it."""
    if not scope.current().can(*EDITORS, area=scope.ROOT):
        raise Refused("导入工作要点须有全市权限")
    found = engine.parse(source)
    if not found.items:
        raise Refused("没有读出带编号的事项,请核对文件")
    if found.year is None:
        raise Refused("标题和开头都没有年份,请在标题中写明年度", field="source")
    if Plan.objects.filter(year=found.year).exists() and not reason.strip():
        raise Refused(f"{found.year}年的工作要点已经导入;修订须写明原因", field="reason")
    return found


def do_take(source: str, found: engine.Plan, reason: str = "") -> Plan:
    """Keep a plan with everything that was read, each finding still to be confirmed. An older version stays as it was."""
    who = scope.current()
    with transaction.atomic():
        same = Plan.objects.filter(year=found.year)
        version = (same.aggregate(n=Max("version"))["n"] or 0) + 1
        same.update(current=False)
        plan = Plan(
            area_id=scope.ROOT, title=found.title[:120], year=found.year, version=version, reason=reason.strip()[:200], source=source,
            taken_at=now(), taken_by=who.name[:40], doubts=[{"line": d.line, "why": d.why, "text": d.text} for d in found.doubts],
        )  # fmt: skip
        plan.save()
        for rank, item in enumerate(found.items, 1):
            _keep(plan, rank, item)
        journal.write(
            "workplan.taken", plan, text=f"导入{plan}:{len(found.items)}项,存疑{len(found.doubts)}处", basis=reason.strip()[:300],
            after={"items": len(found.items), "doubts": len(found.doubts)}, wide=True,
        )  # fmt: skip
    return plan


def _keep(plan: Plan, rank: int, read: engine.Item) -> None:
    title = (read.title or read.text)[:120] or f"第{read.no}项"
    item = Item(
        area_id=scope.ROOT, plan=plan, rank=rank, no=read.no[:6], section=read.section[:80], subsection=read.subsection[:80], title=title,
        text=read.text, documents=read.documents, named=[{k: o[k] for k in ("name", "role")} for o in read.orgs],
        start=read.span[0], end=read.span[1],
    )  # fmt: skip
    item.save()
    Aim.objects.bulk_create(
        Aim(
            area_id=scope.ROOT, item=item, raw=t["raw"][:80], value=t["value"], value_max=t["value_max"], unit=t["unit"],
            comparator=t["comparator"], clause=t["scope"][:200], start=t["span"][0], end=t["span"][1],
        )
        for t in read.targets
    )  # fmt: skip
    Node.objects.bulk_create(
        Node(
            area_id=scope.ROOT, item=item, raw=n["raw"][:80], kind=n["kind"], norm=n["norm"], day=day_of(n["norm"]),
            start=n["span"][0], end=n["span"][1],
        )
        for n in read.time_nodes
    )  # fmt: skip


def items_of(plan: Plan) -> list[Item]:
    """A plan's items in order, with their aims and nodes loaded and their light set."""
    kept = Item.objects.filter(plan=plan).select_related("plan", "owner").order_by("rank").prefetch_related(
        Prefetch("aims", Aim.objects.exclude(state=Aim.State.STRUCK).order_by("start")),
        Prefetch("nodes", Node.objects.exclude(state=Node.State.STRUCK).order_by("start")),
    )  # fmt: skip
    items = list(kept)
    today = timezone.localdate(now())
    for item in items:
        item.light, item.why = light(item, today)  # type: ignore[attr-defined]
    return items


def light(item: Item, today: date) -> tuple[str, str]:
    """An item's light and the reason: red for what is overdue and not met, yellow for what falls due soon."""
    aims, nodes = list(item.aims.all()), list(item.nodes.all())
    open_ = [n for n in nodes if n.kind == Node.Kind.DEADLINE and n.day and not n.done_on]
    verdicts = [a.met for a in aims]
    if aims and all(verdicts):
        return "done", "目标全部达到"
    if late := next((n for n in open_ if n.day and n.day < today), None):
        return "red", f"“{late.raw}”({late.day})已过,尚未完成"
    if soon := next((n for n in open_ if n.day and n.day <= today + SOON), None):
        return "yellow", f"“{soon.raw}”({soon.day})将到"
    if not open_ and all(v is None for v in verdicts):
        return "grey", "没有可计算的目标,也没有自报"
    return "green", f"在期限内,目标达到 {sum(v is True for v in verdicts)}/{len(verdicts)}"


def check_editor() -> None:
    if not scope.current().can(*EDITORS, area=scope.ROOT):
        raise Refused("核对、修改工作要点须有全市权限")


def do_judge(row: Aim | Node, state: str) -> None:
    """A person says whether what was read is right."""
    if state not in row.State.values:
        raise Refused("请选择已核对或不是", field="state")
    with transaction.atomic():
        before = {"state": row.state}
        row.state = state
        row.save(update_fields=["state"])
        journal.write("workplan.judged", row, text=f"{row}:{row.get_state_display()}", before=before, after={"state": state})


def do_measure(aim: Aim, name: str) -> None:
    """An indicator measures the aim from now on; none leaves it to what its owner reports."""
    if name and name not in INDICATORS:
        raise Refused("没有这个指标", field="indicator")
    if name and aim.comparator == Aim.Comparator.EACH:
        raise Refused("该目标要求每个单位分别达到,一个总数说明不了,请自报并写明依据", field="indicator")
    if name and INDICATORS[name].unit != aim.unit:
        raise Refused(f"指标的单位是“{INDICATORS[name].unit}”,目标的单位是“{aim.unit}”,不能比较", field="indicator")
    with transaction.atomic():
        before, aim.indicator = {"indicator": aim.indicator}, name
        aim.save(update_fields=["indicator"])
        said = INDICATORS[name].label if name else "自报"
        journal.write("workplan.measured", aim, text=f"{aim}:由{said}计量", before=before, after={"indicator": name})


def do_report(aim: Aim, value: float, evidence: str) -> None:
    """The owner reports how far the aim is; it is marked as reported and needs its ground."""
    if aim.measure:
        raise Refused("该目标由指标计算,不能自报", field="value")
    if not 0 <= value < 10**12:
        raise Refused("自报值须为不小于 0 的数", field="value")
    if not evidence.strip():
        raise Refused("自报须写明依据(文号、台账或附件)", field="evidence")
    with transaction.atomic():
        before = {"reported": aim.reported, "evidence": aim.evidence}
        aim.reported, aim.evidence = value, evidence.strip()[:200]
        aim.save(update_fields=["reported", "evidence"])
        journal.write(
            "workplan.reported", aim, text=f"{aim}:自报{value:g}{aim.unit},依据:{aim.evidence}", before=before,
            after={"reported": value, "evidence": aim.evidence},
        )  # fmt: skip


def do_finish(node: Node, evidence: str) -> None:
    """A deadline is kept; the day is today's."""
    if node.kind != Node.Kind.DEADLINE:
        raise Refused("只有截止类节点可以登记完成")
    if not evidence.strip():
        raise Refused("请写明完成依据", field="evidence")
    with transaction.atomic():
        node.done_on, node.evidence = timezone.localdate(now()), evidence.strip()[:200]
        node.save(update_fields=["done_on", "evidence"])
        journal.write("workplan.finished", node, text=f"{node}:已完成,依据:{node.evidence}", after={"done_on": node.done_on})


def do_own(item: Item, unit: Unit | None) -> None:
    """Who answers for the item."""
    with transaction.atomic():
        before, item.owner = {"owner": item.owner_id}, unit
        item.save(update_fields=["owner"])
        journal.write("workplan.owned", item, text=f"{item}:责任单位{unit or '未定'}", before=before, after={"owner": unit and unit.pk})
