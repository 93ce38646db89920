"""A register for machines: list, one, create, change, and the moves of its cases; described in OpenAPI."""

from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest
from ninja import Body, Header, Query, Router, Schema, Status
from pydantic import ConfigDict, Field, create_model

from anlan.kernel.cases import Move, moves
from anlan.kernel.columns.column import Column
from anlan.kernel.columns.filters import sees_full
from anlan.kernel.indicators.declared import INDICATORS, Indicator, seen
from anlan.kernel.people import scope
from anlan.kernel.registers.register import Register
from anlan.kernel.replies.once import Answer, Reused, once

from .forms import facts, form_for, save
from .sheets import line_form

MOST = 1000
FAR = 10_000_000
TYPES: dict[type[models.Field], type] = {
    models.BooleanField: bool, models.IntegerField: int, models.FloatField: float, models.DecimalField: Decimal,
    models.DateTimeField: datetime, models.DateField: date, models.JSONField: object,
}  # fmt: skip


class Faults(Schema):
    """What was wrong, by field; "" stands for the whole."""

    error: str
    faults: dict[str, list[str]] = {}


def type_of(column: Column) -> Any:
    made = column.field.target_field if column.target is not None else column.field
    if column.masked or made is None:
        return Any if made is None or isinstance(made, models.JSONField) else str
    found = next((kind for field, kind in TYPES.items() if isinstance(made, field)), str)
    return Any if found is object else found


def title(name: str) -> str:
    return "".join(part.capitalize() for part in name.replace("_", "-").split("-"))


def schema(register: Register) -> type[Schema]:
    """A row as the interface gives it: values, and labels where a person reads something else."""
    made: dict[str, Any] = {
        "id": (Any, Field(title="编号")),
        "title": (str, Field(title="名称")),
        "href": (str, Field(title="页面")),
    }
    for column in shown(register):
        made[column.path] = (
            type_of(column) | None if type_of(column) is not Any else Any,
            Field(None, title=column.label),
        )
        if column.choices or column.target is not None:
            made[f"{column.path}_label"] = (str, Field("", title=column.label))
    return create_model(title(register.name), __base__=Schema, **made)


def shown(register: Register) -> list[Column]:
    paths = {c.path: c for c in (*register.heads, *register.inputs)}
    return [c for p, c in paths.items() if p not in ("id", "title", "href")] + [
        c for p, c in paths.items() if p == "title"
    ]


class Sent(Schema):
    model_config = ConfigDict(extra="forbid")


def body(name: str, columns: Iterable[Column], must: tuple[str, ...] = ()) -> type[Schema]:
    """What may be sent; the form judges it, ``must`` says what it will miss."""
    made: dict[str, Any] = {}
    for column in columns:
        kind = type_of(column)
        loose = column.target is not None or kind is Any
        said = column.label + ("(必填)" if column.path in must else "")
        made[column.path] = (Any if loose else kind | None, Field(None, title=said))
    return create_model(name, __base__=Sent, **made)


def row_of(register: Register, row: models.Model, full: bool) -> dict[str, Any]:
    found = {"id": row.pk, "title": str(row), "href": register.link(row)}
    for column in shown(register):
        found[column.path] = column.raw(row, full)
        if column.choices or column.target is not None:
            found[f"{column.path}_label"] = column.text(row, full)
    return found


class Page(Schema):
    model_config = ConfigDict(extra="forbid")
    limit: int = Field(100, ge=1, le=MOST, description="一次最多 1000 条")
    offset: int = Field(0, ge=0, le=FAR)
    order: str = Field("", max_length=60, description="排序列,前加 - 为降序")


def asked_of(register: Register) -> list[dict[str, Any]]:
    """The filters of the register as OpenAPI parameters."""
    found = []
    for name, made in register._sets[True].base_filters.items():
        kind: dict[str, Any] = {"type": "string"}
        if isinstance(made.field, forms.MultipleChoiceField):
            kind = {"type": "array", "items": {"type": "string", "enum": [str(v) for v, _ in made.extra["choices"]]}}
        found.append(
            {"name": name, "in": "query", "required": False, "description": str(made.label or name), "schema": kind}
        )
    return found


def router(register: Register) -> Router:
    """The routes of one register."""
    made, name = Router(tags=[register.title]), register.name
    row: Any = schema(register)
    whole: dict[str, Any] = {"count": (int, ...), "rows": (list[row], ...), "ignored": (dict[str, list[str]], ...)}
    many = create_model(f"{title(name)}Page", __base__=Schema, **whole)

    @made.get(
        "",
        response={200: many, 403: Faults},
        summary=f"{register.title}:列表",
        operation_id=f"{name}_list",
        openapi_extra={"parameters": asked_of(register)},
    )
    def list_rows(request: HttpRequest, page: Page = Query(...)) -> dict[str, Any]:  # noqa: B008
        _open(register)
        rows, narrowed = register.narrow(request.GET)
        keys = list(rows.values_list("pk", flat=True)[page.offset : page.offset + page.limit])
        full = sees_full()
        found = [row_of(register, r, full) for r in register.fetch(rows, keys)]
        return {
            "count": rows.order_by().count(),
            "rows": found,
            "ignored": {k: list(v) for k, v in narrowed.errors.items()},
        }

    @made.get(
        "/{pk}",
        response={200: row, 403: Faults, 404: Faults},
        summary=f"{register.title}:一条",
        operation_id=f"{name}_one",
    )
    def one_row(request: HttpRequest, pk: str) -> dict[str, Any]:
        _open(register)
        return row_of(register, register.find(pk), sees_full())

    if register.write or register.opens:
        _writing(made, register, row)
    for step in register.steps:
        _moving(made, register, step, row)
    return made


class Figure(Schema):
    """An indicator as it stands now; ``value`` is null while there is nothing to judge."""

    name: str
    label: str
    value: float | int | None
    unit: str
    definition: str
    state: str
    register_name: str
    href: str


def figures() -> Router:
    """The routes of the indicators, of the registers that the asker may open."""
    made = Router(tags=["指标"])

    @made.get("", response={200: list[Figure]}, summary="指标:列表", operation_id="indicators_list")
    def list_figures(request: HttpRequest) -> list[dict[str, Any]]:
        return [figure(one) for one in seen()]

    @made.get("/{name}", response={200: Figure, 403: Faults, 404: Faults}, summary="指标:一项", operation_id="indicators_one")
    def one_figure(request: HttpRequest, name: str) -> dict[str, Any]:
        if name not in INDICATORS:
            raise Http404(f"没有名为 {name[:60]} 的指标")
        _open(INDICATORS[name].book)
        return figure(INDICATORS[name])

    return made


def figure(one: Indicator) -> dict[str, Any]:
    return {**one.number(), "register_name": one.register}


def _open(register: Register) -> None:
    if not register.visible():
        raise PermissionDenied(f"您的岗位不能查看“{register.title}”")


KEY = Header("", alias="Idempotency-Key", description="幂等编号:8 至 60 位字母、数字或连字符;同一人再次提交时给出第一次的答复,不再办理,保留七天")
ANSWERS = {403: Faults, 404: Faults, 409: Faults, 422: Faults}


def _writing(made: Router, register: Register, row: type[Schema]) -> None:
    name = register.name
    sent = body(f"{title(name)}Input", register.inputs)

    @made.post("", response={**ANSWERS, 200: row, 201: row}, summary=f"{register.title}:新增", operation_id=f"{name}_create")
    def create(request: HttpRequest, given: sent = Body(...), key: str = KEY) -> Any:  # type: ignore[valid-type]  # noqa: B008
        return Status(*_once(request, key, lambda: _write(register, None, given.dict(exclude_unset=True))))  # type: ignore[attr-defined]

    if not register.write:
        return

    @made.patch("/{pk}", response={**ANSWERS, 200: row}, summary=f"{register.title}:修改", operation_id=f"{name}_change")
    def change(request: HttpRequest, pk: str, given: sent = Body(...)) -> Any:  # type: ignore[valid-type]  # noqa: B008
        _open(register)
        return Status(*_write(register, register.find(pk), given.dict(exclude_unset=True)))  # type: ignore[attr-defined]


def _moving(made: Router, register: Register, step: Move, row: type[Schema]) -> None:
    """One route for each move of the flow, so that the description names the fields of each."""
    asked = [Column.read(step.name, register.model, path) for path in step.asked]
    sent = body(title(f"{register.name}-{step.name}"), asked, step.needed)

    @made.post(
        f"/{{pk}}/moves/{step.name}",
        response={**ANSWERS, 200: row},
        summary=f"{register.title}:{step.label}",
        operation_id=f"{register.name}_{step.name}",
    )
    def take(request: HttpRequest, pk: str, given: sent = Body(None), key: str = KEY) -> Any:  # type: ignore[valid-type]  # noqa: B008
        _open(register)
        typed = given.dict(exclude_unset=True) if given else {}  # type: ignore[attr-defined]
        return Status(*_once(request, key, lambda: _move(register, register.find(pk), step, typed)))


def _once(request: HttpRequest, key: str, work: Callable[[], Answer]) -> Answer:
    try:
        return once(key, [request.path, request.body.decode()], work)
    except Reused as no:
        return 422, {"error": str(no), "faults": {}}


def _move(register: Register, case: Any, step: Move, given: dict[str, Any]) -> Answer:
    if step.roles and not scope.current().can(*step.roles, area=case.area_id):
        raise PermissionDenied(f"您没有办理「{step.label}」的权限")
    case.flow.find(case.state, step.name)
    columns = {path: Column.read(step.name, register.model, path) for path in step.asked}
    typed = {path: c.typed(given[path] if path in given else c.cell(case)) for path, c in columns.items()}
    form = form_for(step, case, {f"{step.name}-{path}": value for path, value in typed.items()})
    if not form.is_valid():
        return _wrong(form)
    moves.move(case, step.name, **form.cleaned_data)
    return 200, row_of(register, case, sees_full())


def _wrong(form: forms.BaseForm) -> Answer:
    faults = {("" if k == "__all__" else k): [str(e) for e in v] for k, v in form.errors.items()}
    return 422, {"error": "提交的内容有误", "faults": faults}


def _write(register: Register, row: models.Model | None, given: dict[str, Any]) -> Answer:
    if not (register.writable() or register.openable() if row is None else register.may_write(row)):
        raise PermissionDenied(f"您的岗位不能在当前世界维护“{register.title}”")
    before = facts(register, row) if row is not None else None
    form = line_form(register, row, given)
    if not form.is_valid():
        return _wrong(form)
    save(form, before)
    return (200 if row is not None else 201), row_of(register, form.instance, sees_full())
