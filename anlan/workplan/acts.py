"""What is done to a plan: a finding is judged, mended or added, measured, reported; letters are written and late matters urged."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from anlan.engines.papers.words import day
from anlan.engines.workdays import add_workdays
from anlan.kernel import journal
from anlan.kernel.cases import Refused
from anlan.kernel.cases.moves import move, open_case
from anlan.kernel.cases.numbers import next_number
from anlan.kernel.clock import now
from anlan.kernel.clock.calendar import holidays
from anlan.kernel.forms import FORMS
from anlan.kernel.indicators.declared import INDICATORS
from anlan.kernel.people import scope
from anlan.kernel.people.models import Unit

from .lights import items_of
from .models import Aim, Found, Item, Letter, Measure, Node, Plan, Proof, Supervision, day_of
from .take import EDITORS, check_real, why_not
from .turns import RHYTHM, Turn, today, turns_of

REPORTERS = ("leader", "duty_lead", "office", "office_head", "flood_office", "district_duty")


def check_editor() -> None:
    check_real()
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


def check_reporter(row: Any) -> None:
    """Who keeps the plan reports for everybody; an office or district for what it answers for."""
    check_real()
    who = scope.current()
    if who.can(*EDITORS, area=scope.ROOT):
        return
    owner = row.owner
    if owner is None or not who.can(*REPORTERS, area=owner.area_id) or not who.acts_for(owner.pk):
        raise Refused("只有责任单位和工作要点管理人员可以登记")


def do_mend(row: Aim | Node, given: dict[str, Any]) -> None:
    """A person puts right what was read, and with that confirms it. ``given`` holds the fields that change."""
    before = {name: getattr(row, name) for name in given}
    for name, value in given.items():
        setattr(row, name, value)
    row.state = row.State.CONFIRMED
    if isinstance(row, Node):
        _check_node(row)
    elif row.value_max is not None and row.value_max < row.value:
        raise Refused("目标上限不能小于目标值", field="value_max")
    with transaction.atomic():
        row.save(update_fields=sorted({*given, "state", *(("day", "until") if isinstance(row, Node) else ())}))
        journal.write("workplan.mended", row, text=f"{row}:更正", before=before, after=given)


def _check_node(node: Node) -> None:
    if odd := next((d for d in (node.day, node.until, day_of(node.norm)) if d and abs(d.year - node.item.plan.year) > 5), None):
        raise Refused(f"日期 {odd} 与{node.item.plan.year}年相差太远", field="day")
    if node.kind != Node.Kind.PERIOD:
        node.day, node.until = day_of(node.norm) if node.kind in (Node.Kind.DEADLINE, Node.Kind.EVENT) else None, None
    elif node.day and node.until and node.until < node.day:
        raise Refused("时段的止日早于起日", field="until")
    if node.kind == Node.Kind.DEADLINE and node.day is None:
        raise Refused("截止类节点须有日期", field="norm")
    if node.kind == Node.Kind.RECURRING and node.norm and not RHYTHM.fullmatch(node.norm):
        raise Refused("周期须从列表中选择", field="norm")
    if node.indicator and node.indicator not in INDICATORS:
        raise Refused("没有这个指标", field="indicator")
    if node.indicator and not INDICATORS[node.indicator].when:
        raise Refused("该指标没有按日期计数的口径,不能判断每一期", field="indicator")


def do_add(item: Item, kind: str, raw: str, given: dict[str, Any]) -> Aim | Node:
    """A finding that the reader missed; its words must stand in the item's text."""
    raw = raw.strip()
    at = item.plan.source.find(raw, item.start, item.end) if raw else -1
    if at < 0:
        raise Refused("请照抄原文中的词语,以便与原文对应", field="raw")
    start, end = at, at + len(raw)
    model: Any = Aim if kind == "aim" else Node
    if model.objects.filter(item=item, start=start, end=end).exclude(state=Found.State.STRUCK).exists():
        raise Refused("原文这一处已经读出或补充过", field="raw")
    place = {"area_id": scope.ROOT, "item": item, "raw": raw[:80], "start": start, "end": end, "state": Aim.State.CONFIRMED,
             "measure": Measure.objects.filter(item=item, start__lte=start, end__gte=end).first()}  # fmt: skip
    row = Aim(**place, clause=raw[:200], **given) if kind == "aim" else Node(**place, **given)
    if isinstance(row, Node):
        _check_node(row)
    with transaction.atomic():
        row.save()
        journal.write("workplan.added", row, text=f"{row}:补充", after=given)
    return row


def do_measure(aim: Aim, name: str) -> None:
    """An indicator measures the aim from now on; none leaves it to what its owner reports."""
    if name and name not in INDICATORS:
        raise Refused("没有这个指标", field="indicator")
    if name and (fault := why_not(INDICATORS[name], aim)):
        raise Refused(fault, field="indicator")
    with transaction.atomic():
        before, aim.indicator = {"indicator": aim.indicator}, name
        aim.save(update_fields=["indicator"])
        said = INDICATORS[name].label if name else "自报"
        journal.write("workplan.measured", aim, text=f"{aim}:由{said}计量", before=before, after={"indicator": name})


def do_report(aim: Aim, value: float, evidence: str) -> None:
    """The owner reports how far the aim is; it is marked as reported and needs its ground."""
    if aim.meter:
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


def do_finish(node: Node, evidence: str, happened_on: date | None = None, last: date | None = None) -> Proof:
    """A deadline, or one turn of what comes round, was kept: on which day, and by what it is shown."""
    on = today()
    if node.state == Node.State.STRUCK:
        raise Refused("这处节点已被核对为“不是”,不能登记完成")
    if node.indicator in INDICATORS and not scope.current().can(*EDITORS, area=scope.ROOT):
        raise Refused("该节点由指标判断;指标没有计入的,请工作要点管理人员核实后登记")
    turn = _turn_of(node, last, on)
    happened = happened_on or on
    if not evidence.strip():
        raise Refused("请写明完成依据", field="evidence")
    if happened > on:
        raise Refused("完成日期不能晚于今天", field="happened_on")
    if happened < turn.first:
        raise Refused(f"完成日期早于{day(turn.first)},不在这一期内", field="happened_on")
    key = last if node.kind == Node.Kind.RECURRING else None
    taken = Refused("已经登记过;如有误,请先撤销原登记")
    if Proof.objects.filter(node=node, last=key).exists():
        raise taken
    with transaction.atomic():
        proof = Proof(area_id=scope.ROOT, node=node, last=key, happened_on=happened, told_on=on, text=evidence.strip()[:200],
                      by=scope.current().name[:40])  # fmt: skip
        try:
            with transaction.atomic():
                proof.save()
        except IntegrityError as fault:  # by another at this very moment
            raise taken from fault
        journal.write("workplan.finished", node, text=f"{node}({day(turn.last)}):{day(happened)}完成,依据:{proof.text}",
                      after={"happened_on": happened, "told_on": on, "last": key})  # fmt: skip
    return proof


def _turn_of(node: Node, last: date | None, on: date) -> Turn:
    turns = turns_of(node, node.item.plan, on)
    if not turns:
        raise Refused("该节点没有期限,不能登记完成;请先更正为截止或周期节点")
    if node.kind == Node.Kind.DEADLINE:
        return turns[0]
    found = next((t for t in turns if t.last == last), None)
    if found is None or found.state == "ahead":
        raise Refused("请选择已经开始的一期", field="last")
    return found


def do_take_back(proof: Proof, reason: str) -> None:
    """A report that was wrong is taken back, with its reason; the journal keeps both."""
    if not reason.strip():
        raise Refused("撤销登记须写明原因", field="reason")
    with transaction.atomic():
        journal.write("workplan.reopened", proof.node, text=f"撤销登记:{proof}", basis=reason.strip()[:300],
                      before={"happened_on": proof.happened_on, "text": proof.text})  # fmt: skip
        proof.delete()


def do_own(item: Item, unit: Unit | None) -> None:
    """Who answers for the item."""
    with transaction.atomic():
        before, old, item.owner = {"owner": item.owner_id}, item.owner, unit
        item.save(update_fields=["owner"])
        _release(item, old, unit)
        journal.write("workplan.owned", item, text=f"{item}:责任单位{unit or '未定'}", before=before, after={"owner": unit and unit.pk})


def do_serve(item: Item, names: list[str]) -> None:
    """Which forms tell how the item goes on."""
    if odd := [name for name in names if name not in FORMS]:
        raise Refused(f"没有这些表单:{'、'.join(odd)}"[:200], field="forms")
    with transaction.atomic():
        before, item.forms = {"forms": item.forms}, sorted(set(names))
        item.save(update_fields=["forms"])
        journal.write("workplan.served", item, text=f"{item}:工作台账{len(item.forms)}种", before=before, after={"forms": item.forms})


def _release(item: Item, old: Unit | None, unit: Unit | None) -> None:
    """What the former owner was urged for is no longer his: it is dropped, and the new one is urged in his turn."""
    if old is None or old == unit:
        return
    for row in Supervision.objects.filter(item=item, unit=old, closed_at=None).select_related("node__measure__owner", "node__item__owner"):
        if row.node is None or row.node.owner != old:
            move(row, "drop", opinion=f"责任单位改为{unit or '未定'},原催办撤销")


def do_own_measure(measure: Measure, unit: Unit | None) -> None:
    """One measure of an item has an owner of its own; none leaves it to the item's."""
    with transaction.atomic():
        before, old, measure.owner = {"owner": measure.owner_id}, measure.holder, unit
        measure.save(update_fields=["owner"])
        _release(measure.item, old, measure.holder)
        journal.write("workplan.owned", measure, text=f"{measure}:责任单位{unit or '随事项'}", before=before, after={"owner": unit and unit.pk})


# ── task letters ────────────────────────────────────────────────────────────────────────────────────────────


def tasks_of(plan: Plan) -> dict[Unit, list[dict[str, Any]]]:
    """What the plan asks of each unit: its items, and of items of others the measures that are its own."""
    found: dict[Unit, list[dict[str, Any]]] = {}
    for item in items_of(plan, quick=True):
        holders: dict[Unit, list[Measure]] = {item.owner: []} if item.owner else {}
        for measure in item.measures.all():
            if measure.holder:
                holders.setdefault(measure.holder, []).append(measure)
        for unit, measures in holders.items():
            mine = {m.pk for m in measures} | ({None} if unit == item.owner else set())
            found.setdefault(unit, []).append({
                "no": item.no, "title": item.title, "item": item.pk, "lead": unit == item.owner, "measures": [m.text for m in measures],
                "aims": [f"{a.raw}({a.get_comparator_display()})" for a in item.aims.all() if a.measure_id in mine],
                "nodes": [f"{n.raw}{f'({n.day})' if n.day else ''}" for n in item.nodes.all() if n.measure_id in mine],
            })  # fmt: skip
    return found


def do_letters(plan: Plan) -> list[Letter]:
    """A letter for each unit that has none yet; drafts that were not issued are written anew."""
    tasks = tasks_of(plan)
    if not tasks:
        raise Refused("还没有为事项指定责任单位")
    try:
        return _letters(plan, tasks)
    except IntegrityError as fault:
        raise Refused("任务书正由他人拟制,请刷新后再试") from fault


def _letters(plan: Plan, tasks: dict[Unit, list[dict[str, Any]]]) -> list[Letter]:
    made = []
    with transaction.atomic():
        kept = {letter.unit_id: letter for letter in Letter.objects.filter(plan=plan)}
        for unit, body in tasks.items():
            if (old := kept.get(unit.pk)) is None:
                made.append(open_case(Letter(area_id=unit.area_id, plan=plan, unit=unit, body=body, number=next_number("plan.letter", plan.year))))
            elif old.state == "drafted" and old.body != body:
                Letter.objects.filter(pk=old.pk).update(body=body)
                journal.write("workplan.letter", old, text=f"{old}:按现行分工重新拟制")
                made.append(old)
    return made


# ── urging and supervising ──────────────────────────────────────────────────────────────────────────────────


def check_urge(item: Item, unit: Unit | None, demand: str, due_by: datetime | None) -> None:
    check_editor()
    if unit is None:
        raise Refused("请先指定责任单位", field="unit")
    if not demand.strip():
        raise Refused("请写明要求", field="demand")
    if due_by is None or due_by <= now():
        raise Refused("反馈时限须晚于现在", field="due_by")
    if Supervision.objects.filter(item=item, unit=unit, demand=demand.strip()[:1000], closed_at=None).exists():
        raise Refused("同一要求已经催办,尚未办结", field="demand")


def do_urge(item: Item, unit: Unit, demand: str, due_by: datetime, turn: Turn | None = None) -> Supervision:
    """Open a supervision, in its first state: its unit is told, and a term runs."""
    row = Supervision(area_id=unit.area_id, item=item, node=turn and turn.node, unit=unit, demand=demand.strip()[:1000], due_by=due_by,
                      turn_last=turn and turn.last)  # fmt: skip
    return open_case(row, text=f"催办{row}:{row.demand[:80]}")  # type: ignore[return-value]


def urge_late(plan: Plan, workdays: int) -> list[Supervision]:
    """Urge the newest missed turn of each node that has an owner, once, and not while the node is being urged still."""
    made, on = [], today()
    rows = Supervision.objects.filter(item__plan=plan).exclude(node=None)
    busy = set(rows.filter(closed_at=None).values_list("node_id", flat=True))
    known = set(rows.values_list("node_id", "turn_last", "unit_id"))
    term = datetime.combine(add_workdays(on, workdays, holidays()), time(18), timezone.get_default_timezone())
    for item in items_of(plan, quick=True):
        missed = {t.node.pk: t for t in item.turns if t.state == "missed"}
        for turn in missed.values():
            unit = turn.node.owner
            if unit and turn.node.pk not in busy and (turn.node.pk, turn.last, unit.pk) not in known:
                said = f"“{turn.node.raw}”({day(turn.last)})已过,尚未完成,请说明情况和完成时间"
                made.append(do_urge(item, unit, said, term, turn))
    return made
