"""A keeper's indicators: checked, kept as versions, and made known to every process."""

from __future__ import annotations

import logging
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from anlan.kernel import journal
from anlan.kernel.cases import Refused
from anlan.kernel.clock import now
from anlan.kernel.columns import Undeclared
from anlan.kernel.indicators.declared import INDICATORS, Indicator
from anlan.kernel.people import scope

from .models import Figure

log = logging.getLogger(__name__)
MAKERS = ("leader", "office_head")
"""Who declares forms and indicators."""
BROKEN: dict[str, str] = {}
"""Declared indicators that the forms of today cannot make any more, and why: shown as such and counted nowhere."""


def may() -> bool:
    """May the present asker declare? With the whole city as reach, and in no drill."""
    who = scope.current()
    return who.can(*MAKERS, area=scope.ROOT) and who.world.actual


def check_maker() -> None:
    if not may():
        raise Refused("声明表单和指标须有全市权限,且在真实世界中办理")


def check_figure(name: str, body: dict[str, Any], reason: str) -> Indicator:
    """Is this indicator whole? It is tried at once, so that a filter which does not exist is said here."""
    check_maker()
    known = Figure.objects.filter(name=name).exists()
    if "\\x00" in repr((body, reason)):
        raise Refused("内容中有不可见的控制字符,请删去后再提交")
    if name in INDICATORS and not known:
        raise Refused("该代号属于系统自带的指标,请换一个代号", field="name")
    if known and not reason.strip():
        raise Refused("修改指标须写明原因", field="reason")
    was = INDICATORS.pop(name, None)
    try:
        one = _made(name, body)
        one.check()
        one.value()
    except (Undeclared, ValueError) as fault:
        raise Refused(str(fault)) from fault
    finally:
        INDICATORS.pop(name, None)
        if was:
            INDICATORS[name] = was
    return one


def do_figure(name: str, body: dict[str, Any], reason: str) -> Indicator:
    """Keep a checked indicator as the newest version and put it in force."""
    version = (Figure.objects.filter(name=name).aggregate(v=Max("version"))["v"] or 0) + 1
    row = Figure(name=name, version=version, title=body["label"], reason=reason.strip()[:200], body=body, made_at=now(),
                 made_by=scope.current().name[:40])  # fmt: skip
    try:
        with transaction.atomic():
            row.save()
            journal.write("indicator.declared", row, text=f"声明指标“{row.title}”第{version}版", basis=reason.strip()[:300], after=body,
                          area=scope.ROOT)  # fmt: skip
    except IntegrityError as fault:
        raise Refused("该指标刚被他人修改,请刷新后再试") from fault
    learn()
    if name in BROKEN:
        raise Refused(BROKEN[name])
    return INDICATORS[name]


def newest() -> dict[str, Figure]:
    """The newest version of each."""
    return {row.name: row for row in Figure.objects.order_by("version")}


def learn() -> None:
    """Put in force what is declared, each judged by the forms as they are now."""
    BROKEN.clear()
    for name, row in newest().items():
        INDICATORS.pop(name, None)
        try:
            one = _made(name, row.body)
            one.check()
            with scope.everyone():
                one.rows()
        except (Undeclared, ValueError) as fault:
            INDICATORS.pop(name, None)
            BROKEN[name] = str(fault)
            log.warning("indicator %s, version %s cannot be read: %s", name, row.version, fault)


def using(form: str) -> list[tuple[Figure, set[str]]]:
    """The indicators that count a form's rows, and the fields that each uses."""
    return [(row, _paths(row.body)) for row in newest().values() if row.body["register"] == form]


def _paths(body: dict[str, Any]) -> set[str]:
    _, field = body.get("measure") or ("count", "")
    return narrowing(body) | ({field} - {""})


def narrowing(body: dict[str, Any]) -> set[str]:
    """The fields by which an indicator narrows the list."""
    return {name.removesuffix("_after").removesuffix("_before") for name in body.get("where") or {}} | ({body.get("when", "")} - {""})


def _made(name: str, body: dict[str, Any]) -> Indicator:
    kind, field = body.get("measure") or ("count", "")
    return Indicator(name, body["label"], body["register"], dict(body.get("where") or {}), unit=body.get("unit", ""),
                     definition=body.get("definition", ""), measure=(kind, field), when=body.get("when", ""))  # fmt: skip
