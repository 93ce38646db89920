"""How the desk writes figures, clocks, levels and links."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from anlan.engines.papers import words
from anlan.faces.desk.figures import Figure
from anlan.kernel.clock import now
from anlan.kernel.people import ask, scope
from anlan.kernel.people.models import Area
from anlan.kernel.registers import of

register = template.Library()
SOON = timedelta(minutes=10)


@register.simple_tag
def number(figure: Figure) -> SafeString:
    """A figure that opens its rows; its definition stands behind it."""
    return format_html(
        '<a class="number{}" href="{}" title="口径:{}"><span>{}</span> <b>{}</b><small>{}</small></a>',
        " alert" if figure.alert else "", figure.href, figure.definition, figure.label, figure.value, figure.unit,
    )  # fmt: skip


@register.simple_tag
def bare(figure: Figure) -> SafeString:
    """The same within a sentence or a cell: only the number."""
    kind = "alert" if figure.alert else ""
    return format_html('<a class="{}" href="{}" title="口径:{}">{}</a>', kind, figure.href, figure.definition, figure.value)


@register.simple_tag
def clock(due: datetime | None, done: datetime | None = None) -> SafeString:
    """Time left until a term, running in the world's pace; what is over stands still."""
    if due is None:
        return format_html('<span class="clock none">{}</span>', "无时限")
    here = timezone.localtime(due)
    if done is not None:
        kind, said = ("late", "逾期" + words.span(done - due)) if done > due else ("done", "按时")
        return format_html('<span class="clock {}" title="时限 {}">{}</span>', kind, f"{here:%m-%d %H:%M}", said)
    left = due - now()
    kind = "late" if left < timedelta(0) else "soon" if left < SOON else ""
    said = f"超 {words.span(-left)}" if left < timedelta(0) else f"剩 {words.span(left)}"
    return format_html(
        '<time class="clock {}" data-due="{}" datetime="{}" title="时限 {}">{}</time>',
        kind, here.isoformat(), here.isoformat(), f"{here:%m-%d %H:%M:%S}", said,
    )  # fmt: skip


@register.simple_tag
def elapsed(since: datetime | None) -> SafeString:
    """Time since something began, running."""
    if since is None:
        return format_html("<span>{}</span>", words.UNKNOWN)
    here = timezone.localtime(since)
    return format_html(
        '<time class="clock up" data-since="{}" datetime="{}" title="自 {}">{}</time>',
        here.isoformat(), here.isoformat(), f"{here:%m-%d %H:%M}", words.span(max(timedelta(0), now() - since)),
    )  # fmt: skip


@register.filter
def stamp(at: datetime | None) -> str:
    """09-14 16:50"""
    return timezone.localtime(at).strftime("%m-%d %H:%M") if at else words.UNKNOWN


@register.filter
def minute(at: datetime | None) -> str:
    """16:50:07"""
    return timezone.localtime(at).strftime("%H:%M:%S") if at else words.UNKNOWN


@register.filter
def lasting(length: Any) -> str:
    return words.UNKNOWN if length is None else words.span(length)


@register.filter
def grade(level: int | None) -> str:
    return words.grade(level)


@register.filter
def link(row: Any) -> str:
    """The page of any registered record."""
    book = of(type(row))
    return book.link(row) if book else ""


@register.filter
def phone(number_: str) -> str:
    """A telephone number, masked unless the post must call it."""
    full = ask.sees_personal(scope.current())
    return (number_ if full else words.mask_phone(number_)) if number_ else "未登记"


@register.filter
def dialled(number_: str) -> str:
    """The address that rings the number; empty where it is masked."""
    return f"tel:{number_}" if number_ and ask.sees_personal(scope.current()) else ""


@register.filter
def path(area: Area) -> str:
    """District, town and village by name, without the city."""
    names = [area.name]
    while area.parent is not None and area.parent.level != Area.Level.CITY:
        area = area.parent
        names.insert(0, area.name)
    return " ".join(names)


@register.filter
def class_name(row: Any) -> str:
    """What kind of record this is."""
    return str(row._meta.verbose_name)


@register.filter
def tier(name: str) -> str:
    return str(Area.Level(name).label)


@register.filter
def percent(share: float) -> str:
    """0.5 → 50%."""
    return f"{share:.0%}" if share in (0, 1) else f"{share:.1%}"


@register.filter
def said(name: str, names: dict[str, str]) -> str:
    """The label of a name."""
    return names.get(name, name)
