"""Addresses of entities (18-088, 9.2) and what they answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import get_script_prefix
from django.views.decorators.csrf import csrf_exempt

from anlan.faces.gate import reading, require
from anlan.kernel.people import scope
from anlan.kernel.people.roles import READERS

from . import observations, options
from .entities import BY_NAME, KINDS, Entity, properties_seen
from .fetch import Answer, Of, bodies, next_link, pages
from .observations import Budget
from .options import Options
from .wrong import Missing, Wrong

VERSION = "sta/v1.1"
LONGEST_PATH = 300
SEGMENT = re.compile(r"([A-Za-z]{1,40})(?:\(([^()]{1,40})\))?", re.ASCII)
CLASSES = (
    "datamodel", "resource-path/resource-path-to-entities", "request-data/order", "request-data/expand", "request-data/select",
    "request-data/status-code", "request-data/query-status-code", "request-data/orderby", "request-data/top", "request-data/skip",
    "request-data/count", "request-data/filter", "request-data/pagination",
)  # fmt: skip
CONFORMANCE = [f"http://www.opengis.net/spec/iot_sensing/1.1/req/{name}" for name in CLASSES]


@csrf_exempt
@reading
@require(*READERS)
def serve(request: HttpRequest, path: str = "") -> HttpResponse:
    """Everything below the address of the service."""
    if request.method == "OPTIONS":
        return HttpResponse(status=204, headers={"Allow": "GET, HEAD, OPTIONS"})
    try:
        if request.method not in ("GET", "HEAD"):
            raise Wrong("只读接口:不能新增、修改或删除,读数请经感知网关接入", 405)
        with scope.entered(scope.current().by(READERS)):
            return _answer(request, path.strip("/"))
    except Wrong as no:
        return fault(no.status, str(no))


def fault(status: int, message: str) -> HttpResponse:
    response = _json({"code": status, "type": "error", "message": message}, status)
    if status == 405:
        response["Allow"] = "GET, HEAD, OPTIONS"
    return response


def _json(body: Any, status: int = 200) -> JsonResponse:
    return JsonResponse(body, status=status, json_dumps_params={"ensure_ascii": False})


def _answer(request: HttpRequest, path: str) -> HttpResponse:
    given = options.split(request.META.get("QUERY_STRING", ""))
    answer = Answer(request.build_absolute_uri(get_script_prefix() + VERSION))
    if not path:
        sets = [{"name": kind.name, "url": f"{answer.base}/{kind.name}"} for kind in KINDS]
        return _json({"value": sets, "serverSettings": {"conformance": CONFORMANCE}})
    place, rest = _place(path)
    if place.row is None:
        return _set(place, rest, given, answer, f"{answer.base}/{path.removesuffix('/$ref')}")
    asked = options.read(_only(given, "$select", "$expand"), place.kind)
    if not rest:
        [body] = bodies(place.kind, [place.row], asked, answer)
        told = {name: draw(place.row) for name, draw in place.kind.alone.items() if not asked.select or name in asked.select}
        return _json(body | {name: value for name, value in told.items() if value is not None})
    if rest == ["$ref"]:
        return _json({"@iot.selfLink": answer.link(place.kind, place.row)})
    return _property(place, rest)


def _only(given: dict[str, str], *names: str) -> dict[str, str]:
    if odd := sorted(set(given) - {*names, "$resultFormat"}):
        raise Wrong(f"{odd[0]} 只用于实体集,单个实体只接受 {'、'.join(names)}")
    return given


@dataclass(frozen=True)
class Place:
    """What a path leads to: one entity, or all of a kind, or those of a parent."""

    kind: Entity
    row: Any = None
    of: Of | None = None


def _place(path: str) -> tuple[Place, list[str]]:
    """Follow the links of a path as far as they go; what is left names a property."""
    if len(path) > LONGEST_PATH:
        raise Missing
    first, *rest = path.split("/")
    name, key = _segment(first)
    if name not in BY_NAME:
        raise Missing
    place = Place(BY_NAME[name])
    if key:
        place = Place(place.kind, _one(place.kind, key))
    while rest and place.row is not None and (link := place.kind.links.get(_segment(rest[0])[0])):
        key = _segment(rest.pop(0))[1]
        target, value = BY_NAME[link.target], getattr(place.row, link.mine)
        if not link.many:
            page = pages(target, Options(top=1), Of(link.theirs, frozenset([value])), Budget()).get(value)
            if key or page is None or not page.rows:
                raise Missing
            place = Place(target, page.rows[0])
        elif key:
            place = Place(target, _one(target, key))
            if getattr(place.row, link.theirs) != value:
                raise Missing
        else:
            place = Place(target, of=Of(link.theirs, frozenset([value])))
    return place, rest


def _segment(text: str) -> tuple[str, str]:
    if not (found := SEGMENT.fullmatch(text)):
        return "", ""
    return found[1], found[2] or ""


def _one(kind: Entity, text: str) -> Any:
    key = kind.reads_key(text)
    found = None
    if key is None:
        raise Missing
    if kind.name == "Observations":
        found = observations.one(*key)
    elif kind.rows is None:
        found = next((row for row in properties_seen() if row.pk == key), None)
    else:
        found = kind.rows().filter(pk=key).first()
    if found is None:
        raise Missing
    return found


def _set(place: Place, rest: list[str], given: dict[str, str], answer: Answer, address: str) -> HttpResponse:
    if rest not in ([], ["$ref"]):
        raise Missing
    asked = options.read(given, place.kind)
    found = pages(place.kind, asked, place.of, answer.budget)
    page = next(iter(found.values())) if found else None
    body: dict[str, Any] = {"@iot.count": page.count if page else 0} if asked.count else {}
    if page and page.more:
        body["@iot.nextLink"] = next_link(address + ("/$ref" if rest else ""), asked, page)
    rows = page.rows if page else []
    if rest:
        answer.hold(len(rows))
        return _json({**body, "value": [{"@iot.selfLink": answer.link(place.kind, row)} for row in rows]})
    return _json({**body, "value": bodies(place.kind, rows, asked, answer)})


def _property(place: Place, rest: list[str]) -> HttpResponse:
    name, *tail = rest
    draw = place.kind.draws.get(name) or place.kind.alone.get(name) or {"@iot.id": lambda r: r.pk, "id": lambda r: r.pk}.get(name)
    if draw is None or tail not in ([], ["$value"]):
        raise Missing
    value = draw(place.row)
    if value is None:
        return HttpResponse(status=204)
    if not tail:
        return _json({name: value})
    return _json(value) if isinstance(value, dict) else HttpResponse(str(value), content_type="text/plain; charset=utf-8")
