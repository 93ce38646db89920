"""A city from one workbook: areas, units, persons, posts and who holds them. All of it or nothing."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from graphlib import CycleError, TopologicalSorter
from typing import Any, BinaryIO

from django.core.exceptions import ValidationError
from django.db import models, transaction

from anlan.engines.sheets import cells, uploads, workbooks
from anlan.engines.sheets.uploads import Fault
from anlan.faces.registers.forms import KeyField, facts, form_of, save
from anlan.faces.registers.sheets import MOST_FAULTS, Taken, line_form, printed
from anlan.kernel import clock, journal
from anlan.kernel.cases.flow import Refused
from anlan.kernel.people import scope
from anlan.kernel.people.models import Area, Holding, Person, Post, Unit
from anlan.kernel.registers.register import Register, of

HINTS = {
    "code": "区划填 12 位代码,单位填单位代码;代码相同的行修改原有记录",
    "parent": "上级的代码;行的先后不限", "area": "12 位区划代码", "unit": "单位代码", "phone": "同名的人以手机区分",
}  # fmt: skip
GUIDE = (
    "五张工作表在一次导入中全部写入,任何一处有误则都不写入。没有内容的工作表请保留列名。",
    "再次导入同一文件不会重复。区划、单位认代码;人员认姓名加手机,其次姓名加单位;岗位认区域、单位和名称;任职认岗位、A/B 角和起日。",
)
POST_OF = (
    cells.Column("岗位单位", "unit", required=True, hint="单位代码"),
    cells.Column("岗位", "title", required=True, hint="与“岗位”表中的名称一致"),
    cells.Column("岗位区域", "area", hint="该单位有几个同名岗位时填写,12 位区划代码"),
    cells.Column("姓名", "name", required=True, hint="与“人员”表一致"),
    cells.Column("手机", "phone", hint="有同名的人时填写"),
)


@dataclass(frozen=True)
class Sheet:
    """``named`` is the column that other rows name this one by, ``refs`` are the columns that name others."""

    register: Register
    columns: tuple[cells.Column, ...]
    named: str
    refs: tuple[str, ...]
    meet: Callable[[Import, dict[str, Any]], tuple[Any, dict[str, Any], models.Model | None]]
    """From a row's values: what makes it one of a kind, what the form is given, the record that stands."""

    @property
    def title(self) -> str:
        return self.register.title


def sheets() -> tuple[Sheet, ...]:
    return (
        _sheet(Area, "code name level parent lon lat population", "code", "parent", _by_code),
        _sheet(Unit, "code name short kind area parent duty_phone", "code", "parent area", _by_code),
        _sheet(Person, "name phone unit area", "name", "unit area", Import.person),
        _sheet(Post, "title role area unit tier", "title", "unit area", Import.post),
        _sheet(Holding, "rank since until", "", "unit area title name", Import.holding, POST_OF),
    )


def _sheet(model: type[models.Model], paths: str, named: str, refs: str, meet: Any, more: tuple = ()) -> Sheet:
    register = of(model)
    assert register is not None
    inputs = {c.path: c for c in register.inputs}
    own = (printed(inputs[path], form_of(register)) for path in paths.split())
    columns = (*more, *(replace(c, hint=c.hint or HINTS.get(c.key, "")) for c in own))
    meet = partial(meet, model=model) if meet is _by_code else meet
    return Sheet(register, columns, named, tuple(refs.split()), meet)


def write_template(out: BinaryIO) -> None:
    title = "城市基础数据"
    workbooks.templates(out, title, {s.title: s.columns for s in sheets()}, at=clock.real(), guide=GUIDE)


def take_in(data: bytes, name: str, *, check_only: bool = False) -> Import:
    """Read the workbook into the registers of the present world, in one transaction; nothing is written with faults."""
    work = Import()
    try:
        uploads.guard(data, name)
    except Refused as no:
        work.taken["文件"] = Taken(faults=[Fault(0, name, str(no), "")])
        return work
    read = [(sheet, work.read(sheet, data, name)) for sheet in sheets()]
    with transaction.atomic():
        for sheet, upload in read:
            if upload is None:
                break  # what names its rows would all be faults
            work.take(sheet, upload)
        if work.faults or check_only:
            transaction.set_rollback(True)
        elif work.changes:
            world = scope.current().world
            journal.write("city.imported", world, text=f"导入城市基础数据:{work.words()}", after=work.counts(), area=scope.ROOT)
    return work


@dataclass
class Import:
    """One run over a workbook: what came of each sheet, and what was looked up."""

    taken: dict[str, Taken] = field(default_factory=dict)
    fields: dict[type[models.Model], KeyField] = field(default_factory=dict)
    bad: set[str] = field(default_factory=set)
    """Codes and names of faulty rows: what names them is not a second fault."""
    claimed: set[tuple[str, str]] = field(default_factory=set)
    """Name and telephone of all rows of persons."""

    @property
    def faults(self) -> list[tuple[str, Fault]]:
        return [(title, fault) for title, taken in self.taken.items() for fault in sorted(taken.faults, key=lambda f: f.row)]

    @property
    def changes(self) -> int:
        return sum(t.created + t.changed for t in self.taken.values())

    def counts(self) -> dict[str, dict[str, int]]:
        return {s: {"created": t.created, "changed": t.changed, "same": t.same} for s, t in self.taken.items()}

    def words(self) -> str:
        return ";".join(f"{s}新增 {t.created} 行,修改 {t.changed} 行,未变 {t.same} 行" for s, t in self.taken.items())

    def read(self, sheet: Sheet, data: bytes, name: str) -> uploads.Upload | None:
        taken = self.taken[sheet.title] = Taken()
        try:
            upload = uploads.read(io.BytesIO(data), sheet.columns, name=name, sheet=sheet.title)
        except Refused as no:
            taken.faults.append(Fault(0, "整表", str(no), ""))
            return None
        taken.faults = [Fault(1, title[:40], "没有这一列", "请使用模板") for title in upload.unknown] + upload.faults
        sound = {row.number for row in upload.sound}
        self.bad |= {str(row.values.get(sheet.named)) for row in upload.rows if row.number not in sound}
        if sheet.register.model is Person:
            self.claimed = {(row.values["name"], row.values["phone"] or "") for row in upload.sound}
        return upload

    def take(self, sheet: Sheet, upload: uploads.Upload) -> None:
        taken, seen = self.taken[sheet.title], {}
        known: dict[str, dict] = {}
        for line in self.ordered(sheet, upload.sound):
            if len(taken.faults) >= MOST_FAULTS:
                return
            if self.bad & {_code(line.values[ref]) for ref in sheet.refs}:
                self.bad.add(str(line.values.get(sheet.named)))
                continue
            try:
                self.take_line(sheet, line, seen, known)
            except ValidationError as no:
                self.bad.add(str(line.values.get(sheet.named)))
                titles = {c.key: c.title for c in sheet.columns}
                for name, messages in no.message_dict.items():
                    taken.faults.append(Fault(line.number, titles.get(name, "整行"), ";".join(messages), ""))

    def take_line(self, sheet: Sheet, line: uploads.Row, seen: dict[Any, int], known: dict[str, dict]) -> None:
        key, given, row = sheet.meet(self, line.values)
        if first := seen.get(key):
            raise ValidationError({sheet.columns[0].key: f"与第 {first} 行重复"})
        seen[key] = line.number
        before = facts(sheet.register, row) if row else None
        form = line_form(sheet.register, row, given)
        for name, made in form.fields.items():
            if isinstance(made, KeyField):
                made.known = known.setdefault(name, {})
        if not form.is_valid():
            raise ValidationError(form.errors.as_data())
        taken = self.taken[sheet.title]
        if not save(form, before):
            taken.same += 1
        elif row is None:
            taken.created += 1
        else:
            taken.changed += 1

    def ordered(self, sheet: Sheet, lines: list[uploads.Row]) -> list[uploads.Row]:
        """Parents before their children, wherever they stand in the sheet."""
        if "parent" not in sheet.refs:
            return lines
        by_code: dict[str, list[uploads.Row]] = {}
        for line in lines:
            by_code.setdefault(line.values["code"], []).append(line)
        above = {code: {_code(line.values["parent"]) for line in same} & by_code.keys() for code, same in by_code.items()}
        try:
            return [line for code in TopologicalSorter(above).static_order() for line in by_code[code]]
        except CycleError as fault:
            self.bad |= by_code.keys()
            row, ring = by_code[fault.args[1][0]][0].number, "、".join(sorted(set(fault.args[1])))
            self.taken[sheet.title].faults.append(Fault(row, "上级", f"互为上级:{ring}", "请核对上级"))
            return []

    # which record a row means

    def named(self, model: type[models.Model], column: str, text: Any) -> Any:
        """The row of this code or name; ValidationError names the column."""
        if model not in self.fields:
            self.fields[model] = KeyField(model)
            self.fields[model].open()
        try:
            return self.fields[model].to_python(text)
        except ValidationError as no:
            raise ValidationError({column: no.messages}) from no

    def person(self, values: dict[str, Any]) -> tuple[Any, dict[str, Any], models.Model | None]:
        """The same name and telephone, else the same name in the same unit when no other row means that person."""
        unit, phone = self.named(Unit, "unit", values["unit"]), values["phone"] or ""
        namesakes = list(Person.everywhere.filter(name=values["name"]))
        same = [p for p in namesakes if phone and p.phone == phone]
        here = [p for p in namesakes if p.unit_id == unit.pk and (p.phone == phone or (p.name, p.phone) not in self.claimed)]
        key = (values["name"], phone or unit.pk)
        return key, values, _one([p for p in same if p in here] or same or here, "name", "人员", "请先在人员台账中核对")

    def post(self, values: dict[str, Any]) -> tuple[Any, dict[str, Any], models.Model | None]:
        unit, area = self.named(Unit, "unit", values["unit"]), self.named(Area, "area", values["area"])
        found = Post.everywhere.filter(unit=unit, area=area, title=values["title"])
        row = _one(list(found[:2]), "title", "岗位", "请先在岗位台账中改成不同的名称")
        return (unit.pk, area.pk, values["title"]), values, row

    def holding(self, values: dict[str, Any]) -> tuple[Any, dict[str, Any], models.Model | None]:
        unit, area = self.named(Unit, "unit", values["unit"]), self.named(Area, "area", values["area"])
        posts = Post.everywhere.filter(unit=unit, title=values["title"], **({"area": area} if area else {}))
        post = _one(list(posts[:2]), "title", "岗位", "请填写岗位区域")
        if post is None:
            raise ValidationError({"title": f"{unit}没有岗位“{values['title']}”"})
        person = self.holder(values, unit)
        given = {path: values[path] for path in ("rank", "since", "until")}
        given |= {"post": str(post.pk), "person": str(person.pk), "area": post.area_id}
        rank = {label: value for value, label in Holding._meta.get_field("rank").flatchoices}[values["rank"]]
        return (post.pk, rank, values["since"]), given, Holding.everywhere.filter(post=post, rank=rank, since=values["since"]).first()

    def holder(self, values: dict[str, Any], unit: Unit) -> Person:
        """By name, and by telephone where it is given; of namesakes the one in the post's unit."""
        found = list(Person.everywhere.filter(name=values["name"], **({"phone": values["phone"]} if values["phone"] else {})))
        person = _one([p for p in found if p.unit_id == unit.pk] or found, "name", "人员", "请填写手机")
        if person is None:
            raise ValidationError({"name": f"没有人员“{values['name']}”" + (f",手机 {values['phone']}" if values["phone"] else "")})
        return person


def _by_code(work: Import, values: dict[str, Any], model: Any) -> tuple[Any, dict[str, Any], models.Model | None]:
    return values["code"], values, model._base_manager.filter(pk=values["code"]).first()


def _one(found: list[Any], column: str, what: str, remedy: str) -> Any:
    if len(found) > 1:
        raise ValidationError({column: f"有多个同名的{what},{remedy}"})
    return found[0] if found else None


def _code(text: Any) -> str:
    """The key in ``name[key]``, else the text itself."""
    found = re.search(r"\[([^\[\]]+)\]$", str(text or ""))
    return found[1] if found else str(text or "")
