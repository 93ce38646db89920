"""The pages of every register: index, list, one row, form, move."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import reduce, wraps
from operator import or_
from typing import Any
from urllib.parse import quote

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.crypto import get_random_string
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from anlan.kernel.cases import moves
from anlan.kernel.cases.flow import Refused
from anlan.kernel.cases.models import Case
from anlan.kernel.columns.column import Column, Named, written
from anlan.kernel.columns.filters import sees_full
from anlan.kernel.designs import figures
from anlan.kernel.files.acts import attached
from anlan.kernel.journal import read
from anlan.kernel.people import scope
from anlan.kernel.people.models import Area
from anlan.kernel.people.roles import ROLES
from anlan.kernel.places.near import at
from anlan.kernel.registers.register import ALL, PER_PAGE, Register, address, of
from anlan.kernel.replies.once import Answer, Reused, once

from .forms import LABELS, RowForm, facts, form_for, form_of, offer, save

Page = Callable[..., HttpResponseBase]
KEEPERS = tuple(r.name for r in ROLES.values() if r.keeper)
BADGE = '<span class="badge level-{}">{}</span>'
LINK = '<a href="{}{}/">{}</a>'
ORDER = ("大安全", "大减灾", "大应急", "党建与内控", "工作要点")
PICKS = 20
SHEET = 1000
"""Rows of a list that is drawn whole, to be printed."""


def opened(page: Page, may: Callable[[Register], bool] | None = None) -> Page:
    """Find the register of the address and see whether the asker may open it (and do there what ``may`` asks)."""

    @wraps(page)
    def guarded(request: HttpRequest, name: str, *args: Any, **more: Any) -> HttpResponseBase:
        register = ALL.get(name)
        if register is None:
            raise Http404("没有这个台账")
        if not register.visible():
            raise PermissionDenied(f"您的岗位不能查看“{register.title}”")
        if may and not may(register):
            raise PermissionDenied(f"您的岗位不能在当前世界维护“{register.title}”")
        return page(request, register, *args, **more)

    guarded.roles = KEEPERS  # type: ignore[attr-defined]  # keepers pass the gate; each register's ``see`` decides
    return guarded


def writing(page: Page) -> Page:
    return opened(page, Register.writable)


def beginning(page: Page) -> Page:
    return opened(page, lambda register: register.writable() or register.openable())


def groups() -> dict[str, list[Register]]:
    """The registers that the present asker may open, by group, in the order of the plan."""
    found: dict[str, list[Register]] = {group: [] for group in ORDER}
    for register in ALL.values():
        if register.visible():
            found.setdefault(register.group, []).append(register)
    system = found.pop("系统", [])
    return {group: rows for group, rows in {**found, "系统": system}.items() if rows}


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    return render(request, "registers/index.html", {"groups": groups()})


index.roles = KEEPERS  # type: ignore[attr-defined]


@require_safe
@opened
def many(request: HttpRequest, register: Register) -> HttpResponse:
    """The list: filters, sorting, one page of rows; ``sheet`` draws all of them to be printed."""
    rows, narrowed = register.narrow(request.GET)
    whole = "sheet" in request.GET
    found, page = register.page(
        rows, request.GET.get("page"), exact=not request.GET.get("q"), size=SHEET if whole else PER_PAGE
    )
    full = sees_full()
    faults = [f"筛选“{narrowed.form.fields[n].label}”的值无效,已忽略:{e[0]}" for n, e in narrowed.errors.items()]
    query = without(request.GET, "page", "sheet")
    here = f"{address('list', register.name)}?{without(request.GET, 'page', 'order')}"
    sums = register.totals(rows)
    context = {
        "register": register, "form": narrowed.form, "faults": faults, "lines": lines(register, found, full), "page": page,
        "heads": [head(c, here, request.GET.get("order", ""), full) for c in register.heads], "query": query,
        "writable": register.writable(), "openable": register.openable(), "whole": whole,
        "foot": [sums.get(c.path, "") for c in register.heads] if sums and found else (),
        "narrowed": chosen(narrowed), "counts": figures.may(),
    }  # fmt: skip
    fragment = request.headers.get("HX-Target") == "rows"
    return render(request, f"registers/{'rows' if fragment else 'list'}.html", context)


def chosen(narrowed: Any) -> list[tuple[str, str]]:
    """The filters that are set, as a person reads them."""
    found = []
    for name, value in (getattr(narrowed.form, "cleaned_data", None) or {}).items():
        if value not in (None, "", []):
            labels = dict(getattr(narrowed.form.fields[name], "choices", ()))
            said = "、".join(str(labels.get(v, v)) for v in (value if isinstance(value, list) else [value]))
            found.append((str(narrowed.form.fields[name].label or name), said))
    return found


def drawing(column: Column, full: bool) -> Callable[[Any], str]:
    """How a cell of this column is drawn: words, a badge for a level, a link to the row that a key names."""
    if column.level:
        return lambda row: format_html(BADGE, column.value(row), text) if (text := column.text(row, full)) else ""
    book = of(column.target) if column.target is not None else None
    if book is not None and book.visible():
        here = book.url()
        return lambda row: (
            format_html(LINK, here, quote(str(column.raw(row)), safe=""), text)
            if (text := column.text(row, full))
            else ""
        )
    if column.field is None and not column.masked:
        return lambda row: linked(value) if isinstance(value := column.value(row), Named) else escape(written(value))
    return lambda row: escape(column.text(row, full))


def linked(names: Named) -> str:
    """Each name with a link to its row, where the asker may open that."""
    book = of(type(names.rows[0])) if names.rows else None
    if book is None:
        return escape(names)
    seen = set(book.seen().filter(pk__in=[row.pk for row in names.rows]).values_list("pk", flat=True))

    def told(part: str | tuple[str, Model]) -> str:
        if isinstance(part, str) or part[1].pk not in seen:
            return escape(part if isinstance(part, str) else part[0])
        name, row = part
        return format_html('<a href="{}">{}</a>', reverse(book.face, args=[row.pk]) if book.face else book.link(row), name)

    return format_html_join("", "{}", ((told(part),) for part in names.parts))


def lines(register: Register, rows: list[Any], full: bool) -> list[str]:
    """The cells of each row; the first one opens it."""
    here, first, *rest = register.url(), *register.heads
    drawn = [("<td class=number>" if c.number else "<td>", drawing(c, full)) for c in rest]
    found: list[str] = []
    for row in rows:
        head = format_html(LINK, here, quote(str(row.pk), safe=""), first.text(row, full) or "—")
        found.append(mark_safe(f"<td>{head}</td>" + "".join(f"{td}{draw(row)}</td>" for td, draw in drawn)))
    return found


def without(params: QueryDict, *names: str) -> str:
    """The parameters but these, as an address carries them."""
    query = params.copy()
    for name in names:
        query.pop(name, None)
    return query.urlencode()


def head(column: Column, here: str, order: str, full: bool) -> dict[str, Any]:
    """A column's head with the address that sorts by it; ``here`` is the list's own, ending where one more parameter may follow."""
    if not column.sortable or (column.masked and not full):
        return {"label": column.label, "href": "", "sort": ""}
    sort = "ascending" if order == column.path else "descending" if order == f"-{column.path}" else ""
    more = "" if here.endswith("?") else "&"
    return {"label": column.label, "href": f"{here}{more}order={'-' if sort == 'ascending' else ''}{column.path}", "sort": sort}


@require_safe
@opened
def one(request: HttpRequest, register: Register, pk: str) -> HttpResponse:
    return draw(request, register, register.find(pk))


def draw(
    request: HttpRequest, register: Register, row: Any, tried: dict[str, forms.Form] | None = None
) -> HttpResponse:
    """One row: every field, what can be done with it, what happened to it."""
    full = sees_full()
    fields = [(c.label, drawing(c, full)(row)) for c in register.fields]
    steps = (
        [(m, (tried or {}).get(m.name) or form_for(m, row)) for m in moves.open_moves(row)]
        if isinstance(row, Case)
        else []
    )
    for _, form in steps:
        offer(form)
    context = {
        "register": register, "row": row, "fields": fields, "steps": steps, "history": read.history(row)[:200],
        "writable": register.may_write(row), "near": around(register, row), "files": attached(row)[str(row.pk)],
        "attaches": may_attach(register, row),
    }  # fmt: skip
    return render(request, "registers/detail.html", context, status=409 if tried else 200)


def may_attach(register: Register, row: Any) -> bool:
    """Who may write a row, or open or carry on a case, adds papers and pictures to it."""
    if register.may_write(row):
        return True
    if register.papers and scope.current().world.actual and scope.current().can(*register.papers, area=register.area_of(row)):
        return True
    if not isinstance(row, Case) or row.closed_at is not None or scope.current().world.closed:
        return False
    return scope.current().can(*register.opens, area=row.area_id) or bool(moves.open_moves(row))


def around(register: Register, row: Any) -> str:
    """The address of what lies around a row; "" when it has no point."""
    placed = register.point and None not in [at(row, path) for path in register.lonlat]
    return f"{address('near')}?row={register.name}:{row.pk}" if placed else ""


@require_POST
@opened
def move(request: HttpRequest, register: Register, pk: str, step: str) -> HttpResponseBase:
    """Take a case one step on."""
    row = register.find(pk)
    if not isinstance(row, Case):
        raise Http404("这不是闭环事项")
    taken = row.flow.find(row.state, step)
    form = form_for(taken, row, request.POST)
    if form.is_valid():
        try:
            moves.move(row, step, **form.cleaned_data)
        except Refused as no:
            if taken not in moves.open_moves(register.find(pk)):  # type: ignore[arg-type]
                raise  # no form of this step is drawn any more that could say why
            form.add_error(no.field if no.field in form.fields else None, str(no))
        else:
            messages.success(request, f"已办理:{taken.label}")
            return redirect(register.link(row))
    return draw(request, register, register.find(pk), {step: form})


@require_http_methods(["GET", "POST"])
@beginning
def new(request: HttpRequest, register: Register) -> HttpResponseBase:
    return _edit(request, register, None)


@require_http_methods(["GET", "POST"])
@writing
def edit(request: HttpRequest, register: Register, pk: str) -> HttpResponseBase:
    row = register.find(pk)
    if not register.may_write(row):
        raise PermissionDenied("这条记录不在您的管辖范围内")
    return _edit(request, register, row)


def _edit(request: HttpRequest, register: Register, row: Any) -> HttpResponseBase:
    before = facts(register, row) if row is not None else None
    form = form_of(register)(request.POST or None, instance=row, initial=begun(register) if row is None else None)
    if request.method == "POST":
        asked_for = [request.path, sorted((k, v) for k, v in request.POST.items() if k != "csrfmiddlewaretoken")]
        try:
            status, kept = once(request.POST.get("once", ""), asked_for, lambda: _save(request, form, before))
        except Reused:
            form.add_error(None, "这张表单已经保存过,本次内容与上次不同,没有保存。确要再保存一次的,请再点「保存」。")
        else:
            if status < 400:
                messages.success(request, f"已保存:{kept['title']}")
                return redirect(register.link(kept["pk"]))
    offer(form)
    context = {"register": register, "row": row, "form": form, "once": get_random_string(16), "seen": _print(before)}
    return render(request, "registers/form.html", context, status=422 if form.errors else 200)


def begun(register: Register) -> dict[str, Any]:
    """What a new row begins with: the asker's own area, where there is just one."""
    reaches = scope.current().reaches or ()
    mine = {r.area for r in reaches if r.role in (*register.write, *register.opens)}
    areas = list(Area.objects.filter(reduce(or_, (scope.within("code", a) for a in mine))).order_by("code")[:1]) if len(mine) == 1 else []
    return {"area": areas[0].pk} if areas and register.area == "area_id" else {}


def _save(request: HttpRequest, form: RowForm, before: dict[str, Any] | None) -> Answer:
    if not (form.is_valid() and _fresh(request, form, before)):
        return 422, {}
    save(form, before)
    return 302, {"pk": form.instance.pk, "title": str(form.instance)}


def _print(values: dict[str, Any] | None) -> str:
    return hashlib.sha256(repr(values).encode()).hexdigest()[:16] if values is not None else ""


def _fresh(request: HttpRequest, form: Any, before: dict[str, Any] | None) -> bool:
    """Has nobody else changed the row since this form was opened?"""
    if before is None or request.POST.get("seen", _print(before)) == _print(before):
        return True
    form.add_error(None, "这条记录刚被他人修改。您填写的内容已保留,请核对后再次保存。")
    return False


@require_safe
@opened
def pick(request: HttpRequest, register: Register) -> HttpResponse:
    """Options for a look-up field, as one types."""
    typed = str(next(iter(request.GET.values()), ""))[:40].partition("[")[0].strip()
    rows = register.seen()
    names = [f.name for f in register.model._meta.concrete_fields if f.name in LABELS]
    if typed and names and "\x00" not in typed:
        hit = Q()
        for name in names:
            hit |= Q(**{f"{name}__icontains": typed})
        rows = rows.filter(hit)
    options = ((f"{row}[{row.pk}]",) for row in rows.order_by("pk")[:PICKS])
    return HttpResponse(format_html_join("", '<option value="{}"></option>', options))
