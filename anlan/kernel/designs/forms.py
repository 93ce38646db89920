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
from anlan.kernel.forms.form import FORMS, Form
from anlan.kernel.people import scope

from . import figures
from .models import Design

log = logging.getLogger(__name__)
SAID = ("title", "group", "write", "see", "way", "decides", "within", "basis", "raises", "items", "prefix", "city")
_known = {"pk": 0, "asked": 0.0}
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
    version = old.version + 1 if old else 1
    try:
        return Form(name, fields=tuple(fields), own=True, version=version, trial=True, **{k: said[k] for k in SAID if k in said})
    except Undeclared as fault:
        raise Refused(str(fault)) from fault


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
    return FORMS[trial.name]


def fresh(now: bool = False) -> None:
    """Learn what was declared since, here or by another process; asks the tables at most every two seconds."""
    if not now and time.monotonic() - _known["asked"] < EVERY_S:
        return
    _known["asked"] = time.monotonic()
    try:
        for row in Design.objects.filter(pk__gt=_known["pk"]).order_by("pk"):
            _known["pk"] = row.pk
            _learn(row)
        figures.learn()
    except DatabaseError:  # the tables are not there yet
        log.debug("nothing declared is known yet", exc_info=True)


def _learn(row: Design) -> None:
    if (known := FORMS.get(row.name)) and known.version >= row.version:
        return
    body = {**row.body, "fields": tuple(Field(**field) for field in row.body["fields"])}
    try:
        tables.fit(Form(row.name, own=True, version=row.version, **body))
    except Undeclared:
        log.exception("form %s, version %s cannot be read", row.name, row.version)
