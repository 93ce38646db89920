"""A keeper's declarations: checked, kept as versions, and made known to every process."""

from __future__ import annotations

import logging
import time
from dataclasses import asdict
from typing import Any

from django.db import DatabaseError, IntegrityError, transaction

from anlan.kernel import journal
from anlan.kernel.cases import Refused
from anlan.kernel.clock import now
from anlan.kernel.columns import Undeclared
from anlan.kernel.forms import tables
from anlan.kernel.forms.fields import Field
from anlan.kernel.forms.form import FORMS, NARROWS, Form
from anlan.kernel.people import scope

from . import figures
from .models import Design, Figure

log = logging.getLogger(__name__)
SAID = ("title", "group", "write", "see", "way", "decides", "within", "basis", "raises", "items", "prefix", "city")
_known = {"pk": 0, "asked": 0.0}
_learned: dict[str, Any] = {"upto": None}
EVERY_S = 2.0


def check_design(name: str, fields: list[Field], said: dict[str, Any], reason: str) -> Form:
    """Is this declaration whole? Nothing is in force before ``do_design``."""
    figures.check_maker()
    old = FORMS.get(name)
    if old and not old.own:
        raise Refused("该代号属于系统自带的表单,请换一个代号", field="name")
    if old and not reason.strip():
        raise Refused("修改表单须写明原因", field="reason")
    if old and old.way != said.get("way", ""):
        raise Refused("已在使用的表单不能改办理方式,请另立表单", field="way")
    for field in fields:
        if (was := _kind_of(name, field.name)) and was != field.kind:
            raise Refused(f"字段“{field.label}”({field.name})曾是另一种类型,已填的内容不能改类型;请换一个字段名", field="fields")
    if "\\x00" in repr((fields, said, reason)):
        raise Refused("内容中有不可见的控制字符,请删去后再提交")
    version = old.version + 1 if old else 1
    try:
        trial = Form(name, fields=tuple(fields), own=True, version=version, trial=True, **{k: said[k] for k in SAID if k in said})
    except Undeclared as fault:
        raise Refused(str(fault)) from fault
    if old:
        _check_figures(old, trial)
    return trial


def _check_figures(old: Form, trial: Form) -> None:
    """A field or a choice that an indicator counts by stays, and stays a filter where it counts by it."""
    now_, before = {f.name: f for f in trial.asked}, {f.name: f for f in old.asked}
    for row, paths in figures.using(old.name):
        if gone := [before[p].label for p in paths if p in before and p not in now_]:
            raise Refused(f"指标“{row.title}”用到字段“{'、'.join(gone)}”,不能删去;请先修改该指标", field="fields")
        if behind := [before[p].label for p in figures.narrowing(row.body) if p in before and p not in trial.narrows]:
            said = f"指标“{row.title}”按字段“{'、'.join(behind)}”筛选,该字段须排在前 {NARROWS} 个可筛选的字段之内"
            raise Refused(said, field="fields")
        for path, wanted in (row.body.get("where") or {}).items():
            if path in now_ and now_[path].kind == "choice":
                lost = set(wanted if isinstance(wanted, list) else [wanted]) - set(now_[path].choices)
                if lost:
                    said = "、".join(sorted(map(str, lost)))
                    raise Refused(f"指标“{row.title}”按“{now_[path].label}”的选项“{said}”计数,不能删去该选项;请先修改该指标", field="fields")


def _kind_of(name: str, field: str) -> str:
    """The kind that a field of this form has ever had."""
    for body in Design.objects.filter(name=name).order_by("-version").values_list("body", flat=True):
        for row in body["fields"]:
            if row["name"] == field:
                return str(row["kind"])
    return ""


def do_design(trial: Form, reason: str) -> Form:
    """Keep a checked declaration as the newest version and put it in force."""
    body = {**{k: getattr(trial, k) for k in SAID}, "fields": [asdict(f) for f in trial.asked]}
    try:
        with transaction.atomic():
            row = Design(name=trial.name, version=trial.version, title=trial.title, reason=reason.strip()[:200], body=body,
                         made_at=now(), made_by=scope.current().name[:40])  # fmt: skip
            row.save()
            journal.write(
                "form.declared", row, text=f"声明表单“{trial.title}”第{trial.version}版", basis=reason.strip()[:300], after=body,
                area=scope.ROOT,
            )  # fmt: skip
    except IntegrityError as fault:
        raise Refused("该表单刚被他人修改,请刷新后再试") from fault
    fresh(now=True)
    if (made := FORMS.get(trial.name)) is None or made.version != trial.version:
        row.delete()
        raise Refused("这份表单不能建表,没有保存;请更换字段名后再试", field="fields")
    return made


def fresh(now: bool = False) -> None:
    """Learn what was declared since, here or by another process; asks the tables at most every two seconds."""
    if not now and time.monotonic() - _known["asked"] < EVERY_S:
        return
    _known["asked"] = time.monotonic()
    try:
        declared = (Design.objects.order_by("-pk").values_list("pk", flat=True).first(), Figure.objects.order_by("-pk").values_list("pk", flat=True).first())
        for row in Design.objects.filter(pk__gt=_known["pk"]).order_by("pk"):
            _known["pk"] = row.pk
            _learn(row)
        if declared != _learned["upto"]:
            _learned["upto"] = declared
            figures.learn()
    except DatabaseError:  # the tables are not there yet
        log.debug("nothing declared is known yet", exc_info=True)


def _learn(row: Design) -> None:
    if (known := FORMS.get(row.name)) and known.version >= row.version:
        return
    body = {**row.body, "fields": tuple(Field(**field) for field in row.body["fields"])}
    try:
        made = Form(row.name, own=True, version=row.version, **body)
    except Undeclared:
        log.exception("form %s, version %s cannot be read", row.name, row.version)
        return
    try:
        tables.fit(made)
    except DatabaseError:
        made.retire()
        _known["pk"] = 0  # the version before is learned again, and this one tried again, at the next look
        log.exception("form %s, version %s has no table", row.name, row.version)
