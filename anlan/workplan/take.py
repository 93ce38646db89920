"""Taking a plan in: what is read of the paper, what measures it, and what an earlier plan hands on."""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from anlan.engines import plan as engine
from anlan.kernel import journal
from anlan.kernel.cases import Refused
from anlan.kernel.clock import now
from anlan.kernel.files import acts as files
from anlan.kernel.forms import FORMS
from anlan.kernel.indicators.declared import INDICATORS, Indicator
from anlan.kernel.people import scope

from .models import Aim, Found, Item, Measure, Node, Plan, Proof, Supervision, day_of

EDITORS = ("leader", "duty_lead")
SENTENCE = re.compile("[^。;\uff1b\\n]+[。;\uff1b]?")
NUMBER = re.compile("^[\\d.、\uff0e()\uff08\uff09\\s]+")
ENDS = "。;\uff1b"
ALIKE = 0.6
"""How like two titles must be for the same matter of two years: the ratio of difflib's SequenceMatcher."""


def check_real() -> None:
    """The plan is the real city's: a drill or a replay looks at it and changes nothing."""
    if not scope.current().world.actual:
        raise Refused("工作要点只在真实世界中办理,演练和回放中只能查看")


def check_take(source: str, reason: str = "", year: int | None = None) -> engine.Plan:
    """May this asker take this text as the city's plan? What was read from it. ``year`` stands in where the text names none."""
    check_real()
    if not scope.current().can(*EDITORS, area=scope.ROOT):
        raise Refused("导入工作要点须有全市权限")
    found = engine.parse(source, year)
    if not found.items:
        raise Refused("没有读出带编号的事项,请核对文件")
    if found.year is None:
        raise Refused("标题和开头都没有年份,请在标题中写明年度", field="source")
    if Plan.objects.filter(year=found.year).exists() and not reason.strip():
        raise Refused(f"{found.year}年的工作要点已经导入;修订须写明原因", field="reason")
    if Plan.objects.filter(year=found.year, current=True, source=source).exists():
        raise Refused(f"与{found.year}年现行版本的文字完全相同,不再导入", field="source")
    return found


def do_take(source: str, found: engine.Plan, reason: str = "") -> Plan:
    """Keep a plan with everything that was read, each finding still to be confirmed. An older version stays as it was.

    Owners, bindings and, within a year, what was confirmed and reported come over from the version before.
    """
    try:
        with transaction.atomic():
            return _take(source, found, reason)
    except IntegrityError as fault:
        raise Refused("该年度的工作要点刚被他人导入,请刷新后再试") from fault


def _take(source: str, found: engine.Plan, reason: str) -> Plan:
    who = scope.current()
    same = Plan.objects.filter(year=found.year)
    before = same.filter(current=True).first() or Plan.objects.filter(year__lt=found.year, current=True).order_by("-year").first()
    version = (same.aggregate(n=Max("version"))["n"] or 0) + 1
    same.update(current=False)
    plan = Plan(
        area_id=scope.ROOT, title=found.title[:120], year=found.year, version=version, reason=reason.strip()[:200], source=source,
        taken_at=now(), taken_by=who.name[:40], doubts=[{"line": d.line, "why": d.why, "text": d.text} for d in found.doubts],
    )  # fmt: skip
    plan.save()
    for rank, item in enumerate(found.items, 1):
        _keep(plan, rank, item)
    bound = bind(plan)
    carried = hand_on(before, plan) if before else 0
    journal.write(
        "workplan.taken", plan, text=f"导入{plan}:{len(found.items)}项,存疑{len(found.doubts)}处,{bound}个目标由指标计量"
        + (f",自{before.year}年第{before.version}版沿用{carried}项" if before else ""),
        basis=reason.strip()[:300], after={"items": len(found.items), "doubts": len(found.doubts), "bound": bound, "carried": carried}, wide=True,
    )  # fmt: skip
    return plan


def _keep(plan: Plan, rank: int, read: engine.Item) -> None:
    title = (read.title or read.text)[:120] or f"第{read.no}项"
    item = Item(
        area_id=scope.ROOT, plan=plan, rank=rank, no=read.no[:6], section=read.section[:80], subsection=read.subsection[:80], title=title,
        text=read.text, documents=read.documents, named=[{k: o[k] for k in ("name", "role")} for o in read.orgs],
        start=read.span[0], end=read.span[1], forms=serving(title),
    )  # fmt: skip
    item.save()
    measures = _measures(plan.source, item)
    Aim.objects.bulk_create(
        Aim(
            area_id=scope.ROOT, item=item, raw=t["raw"][:80], value=t["value"], value_max=t["value_max"], unit=t["unit"],
            comparator=t["comparator"], clause=t["scope"][:200], start=t["span"][0], end=t["span"][1], measure=_holding(measures, *t["span"]),
        )
        for t in read.targets
    )  # fmt: skip
    Node.objects.bulk_create(
        Node(
            area_id=scope.ROOT, item=item, raw=n["raw"][:80], kind=n["kind"], norm=n["norm"], day=day_of(n["norm"]),
            start=n["span"][0], end=n["span"][1], measure=_holding(measures, *n["span"]),
        )
        for n in read.time_nodes
    )  # fmt: skip


@cache
def _titles() -> dict[str, str]:
    """Number → title of the items of 2023, by which the declared forms say what they serve."""
    with (Path(__file__).parent / "data" / "items.csv").open(encoding="utf-8", newline="") as file:
        return {row["no"]: row["title"] for row in csv.DictReader(file)}


def serving(title: str) -> list[str]:
    """The forms that serve an item of this title: those that name the item of 2023 with the title most like it."""
    ratio, no = max((difflib.SequenceMatcher(None, known, title).ratio(), no) for no, known in _titles().items())
    return [form.name for form in FORMS.values() if no in form.items.split()] if ratio >= ALIKE else []


def _measures(source: str, item: Item) -> list[Measure]:
    """The sentences of an item's text but for its title."""
    found = []
    for match in SENTENCE.finditer(source, item.start, item.end):
        words = match[0].strip()
        bare = NUMBER.sub("", words).rstrip(ENDS)
        if bare and bare != item.title.rstrip(ENDS):
            found.append((words, *match.span()))
    for rank, (words, start, end) in enumerate(found, 1):
        Measure(area_id=scope.ROOT, item=item, rank=rank, text=words[:2000], start=start, end=end).save()
    return list(Measure.objects.filter(item=item).order_by("rank"))


def _holding(measures: list[Measure], start: int, end: int) -> Measure | None:
    return next((m for m in measures if m.start <= start and end <= m.end), None)


# ── what measures it ────────────────────────────────────────────────────────────────────────────────────────


def bind(plan: Plan) -> int:
    """Give each target, and each rhythm, the indicator whose words it bears; how many targets were bound."""
    bound = []
    for aim in Aim.objects.filter(item__plan=plan, indicator="").select_related("item"):
        if one := next((i for i in INDICATORS.values() if i.aim and fits(i, aim)), None):
            aim.indicator = one.name
            bound.append(aim)
    Aim.objects.bulk_update(bound, ["indicator"])
    for node in Node.objects.filter(item__plan=plan, kind=Node.Kind.RECURRING, indicator="").select_related("measure"):
        if node.measure and (one := next((i for i in INDICATORS.values() if i.turn and i.turn in node.measure.text), None)):
            Node.objects.filter(pk=node.pk).update(indicator=one.name)
    return len(bound)


def fits(one: Indicator, aim: Aim) -> bool:
    """Do the words stand at the target, and can the two be compared?"""
    before, star, after = one.aim.partition("*")
    source = aim.item.plan.source
    here = source[max(0, aim.start - len(before)) : aim.end + len(after)] if star else aim.clause
    return (here == before + aim.raw + after if star else before in here) and why_not(one, aim) == ""


def why_not(one: Indicator, aim: Aim) -> str:
    """Why an indicator cannot measure a target; "" when it can."""
    if aim.comparator == Aim.Comparator.EACH:
        return "" if one.measure[0] == "covered" else "该目标要求每个单位分别达到,一个总数说明不了,请用名录覆盖率指标,或自报并写明依据"
    return "" if one.unit == aim.unit else f"指标的单位是“{one.unit}”,目标的单位是“{aim.unit}”,不能比较"


# ── what an earlier plan hands on ───────────────────────────────────────────────────────────────────────────


def pairs(items: Sequence[Item], earlier: Sequence[Item]) -> dict[int, Item]:
    """For each item (by key) the one of an earlier plan that is the same matter: of the same title, else the most alike.

    Each is taken once, the most alike first, so that a new item never takes over what another one has done.
    """
    found: dict[int, Item] = {}
    left = list(earlier)
    for item in items:
        if exact := next((e for e in left if e.title == item.title), None):
            found[item.pk] = exact
            left.remove(exact)
    alike = [
        (difflib.SequenceMatcher(None, e.title, item.title).ratio(), -item.rank, item.pk, e) for item in items if item.pk not in found for e in left
    ]
    for ratio, _, pk, old in sorted(alike, key=lambda one: one[:3], reverse=True):
        if ratio >= ALIKE and pk not in found and old in left:
            found[pk] = old
            left.remove(old)
    return found


def hand_on(before: Plan, plan: Plan) -> int:
    """Owners and bindings go over to the same matter; within a year also what was confirmed, mended, added and reported.

    What finds no place in the new text is told among the plan's doubts, and stays in the version before.
    """
    earlier = list(Item.objects.filter(plan=before).prefetch_related("measures", "aims", "nodes__proofs"))
    items = list(Item.objects.filter(plan=plan).prefetch_related("measures", "aims", "nodes"))
    same = pairs(items, earlier)
    lost: list[str] = []
    for item in items:
        if old := same.get(item.pk):
            lost += _hand_item(old, item, before.year == plan.year)
    if before.year == plan.year:
        kept = {old.pk for old in same.values()}
        lost += [_told(row) for old in earlier if old.pk not in kept for row in (*old.aims.all(), *old.nodes.all()) if _done(row)]
        plan.doubts = [*plan.doubts, *({"line": 0, "why": "上一版登记的内容在新文本中找不到位置,未能沿用", "text": text[:80]} for text in lost)]
        plan.save(update_fields=["doubts"])
    return len(same)


def _hand_item(old: Any, item: Any, same_year: bool) -> list[str]:
    """Hand on one item; what was done under it and could not be."""
    Item.objects.filter(pk=item.pk).update(owner_id=old.owner_id, forms=old.forms or item.forms)
    owners = {m.text: m.owner_id for m in old.measures.all() if m.owner_id}
    for measure in item.measures.all():
        if measure.text in owners:
            Measure.objects.filter(pk=measure.pk).update(owner_id=owners[measure.text])
    aims, nodes = list(old.aims.all()), list(old.nodes.all())
    for aim, was in _matched(list(item.aims.all()), aims, same_year):
        _hand_aim(was, aim, same_year)
        aims.remove(was)
    for node, was in _matched(list(item.nodes.all()), nodes, same_year):
        _hand_node(was, node, same_year)
        nodes.remove(was)
    if not same_year:
        return []
    left = [row for row in (*aims, *nodes) if not _added_again(row, item)]
    Supervision.objects.filter(item=old).update(node=None, item=item)
    return [_told(row) for row in left if _done(row)]


def _matched(rows: list[Any], earlier: list[Any], same_year: bool) -> list[tuple[Any, Any]]:
    """Each finding with that of the earlier version: the same words in their order, then what asks for the same with
    another number or day, each one once."""
    left, found = list(earlier), []
    for alike in (lambda a, b: a.raw == b.raw, partial(_asks_the_same, same_year=same_year)):
        for row in rows:
            if all(row is not one for one, _ in found) and (was := next((e for e in left if alike(row, e)), None)):
                found.append((row, was))
                left.remove(was)
    return found


def _asks_the_same(row: Any, was: Any, same_year: bool) -> bool:
    if isinstance(row, Aim):
        return bool(row.unit == was.unit and row.comparator == was.comparator)
    return same_year and row.kind == was.kind and _bare(row) == _bare(was)


def _bare(node: Node) -> str:
    """The sentence of a node without its figures: the same one with another day."""
    return re.sub(r"\d+", "", node.measure.text if node.measure else "")


def _done(row: Any) -> bool:
    """Has somebody reported something of it?"""
    return row.reported is not None if isinstance(row, Aim) else bool(row.proofs.all())


def _told(row: Any) -> str:
    done = f"自报{row.reported:g}{row.unit}" if isinstance(row, Aim) else ";".join(str(p.text) for p in row.proofs.all())
    return f"{row.raw}({done})"


def _added_again(was: Any, item: Any) -> bool:
    """What a person had added stands again where the new text has its words."""
    at = item.plan.source.find(was.raw, item.start, item.end)
    if was.state != Found.State.CONFIRMED or at < 0:
        return False
    fresh = type(was)(**{f.attname: getattr(was, f.attname) for f in was._meta.concrete_fields if not f.primary_key})
    fresh.item, fresh.start, fresh.end = item, at, at + len(was.raw)
    fresh.measure = next((m for m in item.measures.all() if m.start <= at and fresh.end <= m.end), None)
    fresh.save()
    if isinstance(was, Node):
        _hand_proofs(was, fresh)
    return True


def _hand_aim(was: Aim, aim: Aim, same_year: bool) -> None:
    """What was reported goes on; that a person confirmed it does so only while it asks for the same."""
    kept: dict[str, Any] = {"indicator": was.indicator if was.unit == aim.unit else aim.indicator}
    if same_year:
        kept |= {"reported": was.reported, "evidence": was.evidence}
        if was.raw == aim.raw:
            kept["state"] = was.state
    Aim.objects.filter(pk=aim.pk).update(**kept)


def _hand_node(was: Any, node: Node, same_year: bool) -> None:
    kept: dict[str, Any] = {"indicator": was.indicator, "least": was.least}
    if node.kind == Node.Kind.RECURRING:
        kept["norm"] = was.norm
    if same_year and was.raw == node.raw:
        kept |= {"state": was.state, "kind": was.kind, "norm": was.norm, "day": was.day, "until": was.until}
    Node.objects.filter(pk=node.pk).update(**kept)
    if same_year:
        _hand_proofs(was, node)
        Supervision.objects.filter(node=was).update(node=node, item=node.item)


def _hand_proofs(was: Node, node: Node) -> None:
    """The proofs of a node with the papers that are attached to them; those of the version before stay."""
    for proof in was.proofs.all():
        copy = Proof(area_id=proof.area_id, node=node, last=proof.last, happened_on=proof.happened_on, told_on=proof.told_on, text=proof.text,
                     by=proof.by)  # fmt: skip
        copy.save()
        files.hand_on(proof, copy)


def changes(before: Plan, plan: Plan) -> list[tuple[str, str, str]]:
    """What differs between two versions, item by item: (kind, title, said)."""
    old, new = list(Item.objects.filter(plan=before).order_by("rank")), list(Item.objects.filter(plan=plan).order_by("rank"))
    found, seen, same = [], set(), pairs(new, old)
    for item in new:
        was = same.get(item.pk)
        if was is None:
            found.append(("新增", f"{item.no}.{item.title}", ""))
            continue
        seen.add(was.pk)
        if was.text != item.text:
            found.append(("修改", f"{item.no}.{item.title}", difference(was.text, item.text)))
    return found + [("删去", f"{item.no}.{item.title}", "") for item in old if item.pk not in seen]


def difference(a: str, b: str) -> str:
    """Where two texts differ, in words: what went out and what came in."""
    parts = []
    for kind, i1, i2, j1, j2 in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if kind != "equal":
            out, into = a[i1:i2].strip(), b[j1:j2].strip()
            parts.append(f"“{out}”改为“{into}”" if out and into else f"删去“{out}”" if out else f"增加“{into}”")
    return ";".join(parts[:20])
