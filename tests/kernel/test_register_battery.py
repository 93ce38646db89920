"""What every register must do and must never do. It runs over whatever is declared; a new register adds nothing here."""

import io
import json
import re
from datetime import timedelta
from functools import cache

import pytest
from django.contrib.auth.models import User
from django.db.models import Model
from openpyxl import Workbook, load_workbook

from anlan.faces import gate
from anlan.faces.api.urls import served
from anlan.faces.registers.forms import facts
from anlan.faces.registers.sheets import KEY, columns_of, keyed
from anlan.kernel.clock import real
from anlan.kernel.columns.column import Column, mask
from anlan.kernel.forms import FORMS
from anlan.kernel.journal import read
from anlan.kernel.people import scope
from anlan.kernel.people.models import Grant, Participant, Person
from anlan.kernel.people.roles import LOOKERS, ROLES
from anlan.kernel.registers.register import ALL
from anlan.kernel.worlds.models import World

from . import city
from .filler import Filler

NONSENSE = (
    "' OR 1=1 --",
    "<script>alert(1)</script>",
    "9" * 400,
    "2022-13-45",
    "-1e999",
    "NaN",
    "%",
    "\\",
    "é\u202e",
    "[]",
)
OURS, THEIRS = "laoshan-qz7", "jimo-kx9"
ALIKE: dict[tuple, str] = {}
"""Forms are compiled by one class: of each way the first stands for all."""
for form in FORMS.values():
    ALIKE.setdefault((form.way, "of" in {f.kind for f in form.asked}), form.name)
TRIED = {name: r for name, r in ALL.items() if name not in FORMS or name in ALIKE.values()}
EVERY = pytest.mark.parametrize("register", [pytest.param(r, id=name) for name, r in TRIED.items()])
AREAL = pytest.mark.parametrize("register", [pytest.param(r, id=name) for name, r in TRIED.items() if r.area])
WRITTEN = pytest.mark.parametrize("register", [pytest.param(r, id=name) for name, r in TRIED.items() if r.write])
PLACED = pytest.mark.parametrize("register", [pytest.param(r, id=name) for name, r in TRIED.items() if r.point])
CASES = pytest.mark.parametrize("register", [pytest.param(r, id=name) for name, r in TRIED.items() if r.is_case])
MASKED = pytest.mark.parametrize("register", [pytest.param(r, id=name) for name, r in TRIED.items() if r.masked])


@pytest.fixture
def world(db):
    gate.forget()
    return city.build()


@pytest.fixture
def ours(world):
    return Filler(world, city.SHAZIKOU, OURS)


@pytest.fixture
def theirs(world):
    return Filler(world, city.AOSHANWEI, THEIRS, 5000)


@EVERY
def test_its_page_speaks_chinese(register):
    labels = [register.title, *(c.label for c in (*register.heads, *register.inputs))]
    assert [one for one in labels if not re.search("[\u4e00-\u9fff]", one)] == []


def enter(client, roles, place=scope.ROOT, name="asker"):
    """Sign in as somebody with these roles over an area."""
    person = Person(
        name=name, phone="10000000001", area_id=place, unit_id="3702.yj", user=User.objects.create(username=name)
    )
    person.save()
    for role in roles:
        Grant.objects.create(person=person, role=role, area_id=place, since=city.SINCE)
    client.force_login(person.user)
    return client


@pytest.fixture
def chief(client, world, request):
    """Somebody who may do everything in the whole city; a person is only ever one of the three keepers."""
    register = request.getfixturevalue("register")
    keeper = next((r for r in (*register.write, *register.see) if ROLES[r].keeper), "")
    return enter(client, [r for r in ROLES if r == keeper or not ROLES[r].keeper])


def fill(register, filler, rows=3):
    return [filler.make(register.model, area_path=register.area) for _ in range(rows)]


def body(response):
    return b"".join(response.streaming_content) if response.streaming else response.content


def book(response):
    assert response.status_code == 200, body(response)[:300]
    return [list(line) for line in load_workbook(io.BytesIO(body(response))).worksheets[0].iter_rows(values_only=True)]


def upload(client, register, lines, **more):
    out, sheet = io.BytesIO(), Workbook()
    for line in lines:
        sheet.active.append(line)
    sheet.save(out)
    out.seek(0)
    out.name = "in.xlsx"
    return client.post(f"/r/{register.name}/import/", {"file": out, **more})


def typed(register, row):
    """What a person would type to make this row."""
    found = {c.path: c.typed(c.cell(row)) for c in register.inputs}
    return {name: value for name, value in found.items() if value not in (None, "")}


def rows_of(register, world):
    with scope.everyone(world):
        return list(register.rows())


@EVERY
def test_the_list_shows_every_row_with_its_link(register, chief, ours):
    rows = fill(register, ours)
    page = chief.get(f"/r/{register.name}/")
    assert page.status_code == 200
    text = page.content.decode()
    assert register.title in text
    assert all(f'href="/r/{register.name}/{row.pk}/"' in text for row in rows)


@EVERY
def test_every_column_sorts_both_ways(register, chief, ours):
    fill(register, ours)
    with scope.everyone(ours.world):
        for column in (c for c in register.heads if c.sortable):
            up = list(register.rows({"order": column.path}).values_list(column.path, flat=True))
            down = list(register.rows({"order": f"-{column.path}"}).values_list(column.path, flat=True))
            assert [v for v in up if v is not None] == [v for v in reversed(down) if v is not None]
    for column in register.heads:
        for order in (column.path, f"-{column.path}"):
            assert chief.get(f"/r/{register.name}/", {"order": order}, HTTP_HX_TARGET="rows").status_code == 200
    for junk in ("--pk", f"--{register.heads[0].path}", f"{register.heads[0].path}__pk"):
        assert chief.get(f"/r/{register.name}/", {"order": junk}, HTTP_HX_TARGET="rows").status_code == 200


def fitting(register, name, row):
    """A value of this filter that the row meets."""
    if name == "area" and register.area:
        return register.area_of(row)
    path = next((name.removesuffix(end) for end in ("_after", "_before", "_min", "_max") if name.endswith(end)), name)
    fields = {f.name for f in register.model._meta.concrete_fields}
    owner, path = row, name if name in fields else path
    for part in path.split("__")[:-1]:
        owner = getattr(owner, part)
    return getattr(owner, path.rpartition("__")[2])


@EVERY
def test_every_filter_finds_its_row_and_survives_nonsense(register, chief, ours):
    row = fill(register, ours)[0]
    with scope.everyone(ours.world):
        for name in register.filterset.base_filters:
            if name != "q":
                value = fitting(register, name, row)
                assert value is None or register.rows({name: value}).filter(pk=row.pk).exists(), (name, value)
    for junk in NONSENSE:
        page = chief.get(f"/r/{register.name}/", dict.fromkeys(register._sets[True].base_filters, junk))
        assert page.status_code == 200, junk
        assert "<script>alert" not in page.content.decode()


@EVERY
def test_search_finds_by_every_field_and_bears_anything(register, chief, ours):
    rows = fill(register, ours)
    with scope.everyone(ours.world):
        for path in register.search.split():
            value = register.model._base_manager.filter(pk=rows[0].pk).values_list(path, flat=True).get()
            assert register.rows({"q": str(value)[:20]}).filter(pk=rows[0].pk).exists(), path
    junk = (*NONSENSE, "甲" * 10_000, "a " * 5_000, "%_%", '"', "'")
    first = list(TRIED).index(register.name)
    for odd in (junk[(first + 3 * n) % len(junk)] for n in range(5)):  # every register some of them, and all on many
        params = {"q": odd, "page": odd, "order": odd, odd[:50]: odd}
        assert chief.get(f"/r/{register.name}/", params).status_code == 200, odd


@EVERY
def test_one_row_opens_with_every_field_and_a_wrong_key_is_404(register, chief, ours):
    row = fill(register, ours, 1)[0]
    page = chief.get(f"/r/{register.name}/{row.pk}/")
    assert page.status_code == 200
    assert all(str(c.label) in page.content.decode() for c in register.fields)
    assert not [c.path for c in register.fields if c.label.isascii() and c.label != "ID"], "labels are Chinese"
    assert type(row).__str__ is not Model.__str__
    for wrong in ("0", "-1", "999999999", "9" * 40, "x' OR 1=1", "%00", "None", "新"):
        for path in (f"/r/{register.name}/{wrong}/", f"/api/{register.name}/{wrong}"):
            assert chief.get(path).status_code in (400, 404), path


@WRITTEN
def test_a_new_row_comes_back_as_typed_and_an_edit_writes_one_line(register, chief, ours):
    fill(register, ours, 1)
    wanted = ours.make(register.model, save=False, area_path=register.area)
    before = {r.pk for r in rows_of(register, ours.world)}
    with scope.everyone(ours.world):
        given, said = typed(register, wanted), facts(register, wanted)
    answer = chief.post(f"/r/{register.name}/new/", {**given, "once": "same-form"})
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    again = chief.post(f"/r/{register.name}/new/", {**given, "once": "same-form"})
    assert again.status_code == 302 and again.url == answer.url, "the same form sent twice makes one row"
    other = chief.post(f"/r/{register.name}/new/", {**given, "once": "same-form", "more": "1"})
    assert other.status_code == 422 and "已经保存过" in other.content.decode()
    (made,) = [r for r in rows_of(register, ours.world) if r.pk not in before]
    with scope.everyone(ours.world):
        assert facts(register, made) == said
        assert [line.verb for line in read.history(made)] == [f"{register.name}.created"]
    _edit(register, chief, ours, made)


def _edit(register, chief, ours, row):
    form = chief.get(f"/r/{register.name}/{row.pk}/edit/")
    assert form.status_code == 200
    seen = form.context["seen"]
    with scope.everyone(ours.world):
        given = typed(register, row)
        name, value = change(register, ours, row)
    answer = chief.post(f"/r/{register.name}/{row.pk}/edit/", {**given, name: value, "seen": seen})
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    stale = chief.post(f"/r/{register.name}/{row.pk}/edit/", {**given, "seen": seen})
    assert stale.status_code == 422 and "刚被他人修改" in stale.content.decode()
    with scope.everyone(ours.world):
        assert [line.verb for line in read.history(row)][1:] == [f"{register.name}.changed"]
        assert list(read.history(row).last().after) == [name]


def change(register, ours, row):
    """A field that can take another value, and that value."""
    other = ours.make(register.model, save=False, area_path=register.area)
    for column in reversed(register.inputs):
        free = column.target is None and not column.field.primary_key and not column.choices
        if free and column.raw(other) != column.raw(row) and column.path not in register.point.split():
            return column.path, column.typed(column.cell(other))
    raise AssertionError(f"{register.name}: nothing of it can be changed")


@WRITTEN
def test_an_empty_form_says_what_is_missing_and_keeps_what_was_typed(register, chief, ours):
    answer = chief.post(f"/r/{register.name}/new/", {register.inputs[0].path: "写了一半<b>"})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode() and "写了一半<b>" not in answer.content.decode()
    assert rows_of(register, ours.world) == [] or all("写了一半" not in str(r) for r in rows_of(register, ours.world))


@EVERY
def test_the_sheet_holds_the_rows_of_the_list(register, chief, ours):
    rows = fill(register, ours, 4)
    lines = book(chief.get(f"/r/{register.name}/export/"))
    assert len(lines) - 1 == len(rows_of(register, ours.world)) >= len(rows)
    heads = [head for c in columns_of(register) for head in (c.label, *([f"{c.label}(读作)"] if c.worded else []))]
    assert lines[0][int(keyed(register)) :] == heads
    assert not any(str(v).startswith("=") for line in lines for v in line)


@WRITTEN
def test_the_sheet_goes_out_and_comes_in_again_unchanged(register, chief, ours):
    fill(register, ours, 3)
    with scope.everyone(ours.world):
        before = {r.pk: facts(register, r) for r in register.rows()}
    lines = book(chief.get(f"/r/{register.name}/export/"))
    answer = upload(chief, register, lines)
    assert answer.status_code == 302, answer.content.decode()[-2500:]
    with scope.everyone(ours.world):
        assert {r.pk: facts(register, r) for r in register.rows()} == before
        assert not read.lines().filter(verb__startswith=f"{register.name}.").exists(), "nothing changed, nothing said"


@WRITTEN
def test_the_template_filled_in_makes_new_rows(register, chief, ours):
    fill(register, ours, 1)
    head = [str(v).rstrip("*") for v in book(chief.get(f"/r/{register.name}/template/"))[0]]
    new = [ours.make(register.model, save=False, area_path=register.area) for _ in range(2)]
    count = len(rows_of(register, ours.world))
    with scope.everyone(ours.world):
        lines = [head, *([c.cell(row) for c in register.inputs] for row in new)]
    checked = upload(chief, register, lines, check="1")
    assert checked.status_code == 200 and len(rows_of(register, ours.world)) == count
    answer = upload(chief, register, lines)
    assert answer.status_code == 302, answer.content.decode()[-2500:]
    assert len(rows_of(register, ours.world)) == count + 2
    with scope.everyone(ours.world):
        verbs = [line.verb for line in read.lines().filter(verb__startswith=f"{register.name}.")]
    assert sorted(verbs) == [f"{register.name}.created"] * 2 + [f"{register.name}.imported"]


@WRITTEN
def test_a_fault_names_row_and_column_and_changes_nothing(register, chief, ours):
    fill(register, ours, 2)
    must = next(
        c
        for c in register.inputs
        if not c.field.blank and not c.field.null and not c.field.has_default() and not c.field.primary_key
    )
    head = [str(v).rstrip("*") for v in book(chief.get(f"/r/{register.name}/template/"))[0]]
    new = [ours.make(register.model, save=False, area_path=register.area) for _ in range(3)]
    with scope.everyone(ours.world):
        lines = [head, *([c.cell(row) for c in register.inputs] for row in new)]
    lines[2][head.index(must.label)] = None
    count = len(rows_of(register, ours.world))
    answer = upload(chief, register, lines)
    assert answer.status_code == 422
    faults = [(f.row, f.column) for f in answer.context["taken"].faults]
    assert faults == [(3, must.label)]
    assert len(rows_of(register, ours.world)) == count
    for junk in (b"", b"not a sheet", b"PK\x03\x04" + b"\0" * 200):
        file = io.BytesIO(junk)
        file.name = "x.xlsx"
        assert chief.post(f"/r/{register.name}/import/", {"file": file}).status_code == 422
    assert upload(chief, register, [["不存在的列"], ["x"]]).status_code == 422
    stranger = [[KEY, *head], ["99999999", *lines[1]]] if keyed(register) else [head[1:], lines[1][1:]]
    assert upload(chief, register, stranger).status_code == 422
    assert len(rows_of(register, ours.world)) == count


@PLACED
def test_the_layer_is_geojson_of_the_same_rows(register, chief, ours):
    fill(register, ours)
    answer = chief.get(f"/r/{register.name}/layer/")
    found = json.loads(answer.content)
    assert answer.status_code == 200 and found["type"] == "FeatureCollection" and found["cut"] is False
    with scope.everyone(ours.world):
        lon, lat = register.lonlat
        assert {f["id"] for f in found["features"]} == {
            r.pk for r in register.rows().filter(**{f"{lon}__isnull": False, f"{lat}__isnull": False})
        }
    for feature in found["features"]:
        x, y = feature["geometry"]["coordinates"]
        assert 119 < x < 122 and 35 < y < 38
        assert set(feature["properties"]) == {"id", "title", "kind", "level", "state", "value", "href"}
        assert chief.get(feature["properties"]["href"]).status_code == 200
    for box in ("1,2", "a,b,c,d", "nan,nan,nan,nan", "0,0,1,1"):
        assert chief.get(f"/r/{register.name}/layer/", {"box": box}).status_code == 200
    assert json.loads(chief.get(f"/r/{register.name}/layer/", {"box": "0,0,1,1"}).content)["features"] == []


@cache
def described(name):
    return served(name)[0].get_openapi_schema(path_prefix="/api/")["paths"]


@EVERY
def test_the_interface_gives_the_same_rows_as_its_description_says(register, chief, ours):
    fill(register, ours)
    found = chief.get(f"/api/{register.name}").json()
    with scope.everyone(ours.world):
        assert [r["id"] for r in found["rows"]] == list(register.rows().values_list("pk", flat=True)[:100])
    paths = described(register.name)
    assert f"/api/{register.name}" in paths and f"/api/{register.name}/{{pk}}" in paths
    assert ("post" in paths[f"/api/{register.name}"]) == bool(register.write or register.opens)
    one = chief.get(f"/api/{register.name}/{found['rows'][0]['id']}").json()
    assert one == found["rows"][0]
    assert chief.get(f"/api/{register.name}", {"limit": "5000"}).status_code == 422
    assert chief.get(f"/api/{register.name}", {"limit": "x"}).status_code == 422
    assert len(chief.get(f"/api/{register.name}", {"limit": 1, "offset": 1}).json()["rows"]) == 1


@WRITTEN
def test_the_interface_writes_what_the_form_would_take(register, chief, ours):
    fill(register, ours, 1)
    wanted = ours.make(register.model, save=False, area_path=register.area)
    with scope.everyone(ours.world):
        given = {c.path: c.raw(wanted) for c in register.inputs if c.raw(wanted) is not None}
        said = facts(register, wanted)
    count = len(rows_of(register, ours.world))
    answer, again, other = (send(chief, f"/api/{register.name}", body, "number-1") for body in (given, given, {}))
    assert answer.status_code == again.status_code == 201, answer.content.decode()
    assert again.json() == answer.json() and len(rows_of(register, ours.world)) == count + 1
    assert other.status_code == 422 and "幂等编号" in other.json()["error"]
    with scope.everyone(ours.world):
        assert facts(register, register.find(answer.json()["id"])) == said
    must = next(
        c
        for c in register.inputs
        if not c.field.blank and not c.field.null and not c.field.has_default() and not c.field.primary_key
    )
    wrong = chief.patch(
        f"/api/{register.name}/{answer.json()['id']}", {must.path: None}, content_type="application/json"
    )
    assert wrong.status_code == 422 and must.path in wrong.json()["faults"]


def send(client, path, given, number=""):
    return client.post(path, given, content_type="application/json", headers={"Idempotency-Key": number} if number else {})


def concern(row, client, step):
    """Make the person of a client every person that a record names, and his unit the one whose step it is."""
    who = Person.everywhere.get(user=client.session["_auth_user_id"])
    named = {f.name: who for f in row._meta.fields if f.related_model is Person}
    if step.owner:
        named[step.owner] = who.unit
    if (paper := getattr(row, "plan", None)) and not paper.current:
        type(paper).everywhere.filter(pk=paper.pk).update(current=True)
        return
    assert named
    type(row).everywhere.filter(pk=row.pk).update(**named)


def steps(register):
    """The moves out of the first state that a person may take, and what each needs."""
    flow = register.model.flow
    return [m for m in flow.from_state(flow.start) if set(m.roles) & set(ROLES)]


@CASES
def test_the_interface_moves_a_case_as_its_page_does(register, chief, ours):
    paths = described(register.name)
    routes = {f"/api/{register.name}/{{pk}}/moves/{m.name}": set(m.roles) for m in register.model.flow.moves}
    assert {r for r, roles in routes.items() if roles != {"system"}} == {p for p in paths if p in routes}
    for step in steps(register):
        row, like = fill(register, ours, 2)
        given = {c.path: c.raw(like) for c in (Column.read(step.name, register.model, p) for p in step.needed)}
        given |= {name: (real() + timedelta(days=9)).isoformat() for name in given if name == "due_by"}
        path = f"/api/{register.name}/{row.pk}/moves/{step.name}"
        for name in given:
            missing = send(chief, path, {**given, name: ""})
            assert missing.status_code == 422 and any(w in missing.json()["faults"][name][0] for w in ("必填", "应为")), missing.json()
        assert send(chief, path, {**given, "odd": 1}).json()["faults"] == {"odd": ["没有这个字段"]}
        moved, again = (send(chief, path, given, f"move-{row.pk}-{step.name.replace('_', '-')}") for _ in range(2))
        if moved.status_code == 409:  # a move of the persons on the record, and a refusal uses up no number
            assert register.model.everywhere.get(pk=row.pk).state == row.state
            concern(row, chief, step)
            moved, again = (send(chief, path, given, f"move-{row.pk}-{step.name.replace('_', '-')}") for _ in range(2))
        assert moved.status_code == 200, moved.content.decode()
        assert again.json() == moved.json() and moved.json()["id"] == row.pk
        assert send(chief, path, {**given, "odd": 1}, f"move-{row.pk}-{step.name.replace('_', '-')}").status_code == 422
        with scope.everyone(ours.world):
            verbs = [line.verb for line in read.history(row)]
            assert verbs.count(f"{register.model.flow.name}.{step.target}") == 1
            assert register.find(row.pk).state == step.target
        if step.target not in step.starts:
            late = send(chief, path, given)
            assert late.status_code == 409 and "不能办理" in late.json()["error"]
        assert send(chief, f"/api/{register.name}/{row.pk}/moves/nothing", {}).status_code == 404
        assert send(chief, f"/api/{register.name}/999999999/moves/{step.name}", {}).status_code == 404


@CASES
def test_the_interface_moves_nothing_for_who_may_not(register, client, ours, theirs):
    row, foreign = fill(register, ours, 1)[0], fill(register, theirs, 1)[0]
    for step in steps(register):
        idle = next((r for r in register.see if r not in step.roles and not ROLES[r].keeper and r not in LOOKERS), None)
        if idle:
            enter(client, [idle], name=f"idle-{step.name}")
            refused = send(client, f"/api/{register.name}/{row.pk}/moves/{step.name}", {})
            assert refused.status_code == 403 and "权限" in refused.json()["error"], refused.content.decode()
        able = [r for r in ROLES if r in register.see or r in step.roles]
        enter(client, able, city.LAOSHAN, name=f"laoshan-{step.name}")
        assert send(client, f"/api/{register.name}/{foreign.pk}/moves/{step.name}", {}).status_code in (403, 404)
    with scope.everyone(ours.world):
        assert {register.find(r.pk).state for r in (row, foreign)} == {register.model.flow.start}


@MASKED
def test_what_is_masked_stays_masked_everywhere(register, client, ours):
    row = fill(register, ours, 1)[0]
    seer = next((r for r in register.see if not ROLES[r].personal), None)
    if seer is None:
        return
    enter(client, [seer])
    secrets = [str(getattr(row, name)) for name in register.masked_fields if getattr(row, name)]
    pages = ["", f"{row.pk}/", *(["layer/"] if register.point else [])]
    for path in [
        *(f"/r/{register.name}/{p}" for p in pages),
        f"/api/{register.name}",
        f"/api/{register.name}/{row.pk}",
    ]:
        text = client.get(path).content.decode()
        assert str(row.pk) in text, path
        assert not any(s in text for s in secrets), path
    cells = [str(v) for line in book(client.get(f"/r/{register.name}/export/")) for v in line]
    assert not any(s in c for s in secrets for c in cells)
    for name in register.masked_fields:
        assert name not in register._sets[False].base_filters
        value = str(getattr(row, name))
        assert client.get(f"/api/{register.name}", {"q": value}).json()["rows"] == [] or mask(value) == value


def every_address(register, pk):
    yield from (
        f"/r/{register.name}/{p}" for p in ("", "?order=pk", "export/", "pick/", "pick/?q=" + THEIRS, f"?q={THEIRS}")
    )
    yield from (f"/r/{register.name}/?area={a}" for a in (city.JIMO, city.AOSHANWEI, scope.ROOT))
    yield from (f"/r/{register.name}/layer/", f"/r/{register.name}/layer/?box=-180,-90,180,90")
    yield from (f"/r/{register.name}/template/", f"/r/{register.name}/new/", f"/r/{register.name}/import/")
    yield from (f"/api/{register.name}", f"/api/{register.name}?limit=1000&area={city.JIMO}")
    yield from (f"/r/{register.name}/{pk}/", f"/r/{register.name}/{pk}/edit/", f"/api/{register.name}/{pk}")


def text_of(answer):
    data = body(answer)
    if data[:2] == b"PK":
        sheet = load_workbook(io.BytesIO(data)).worksheets[0]
        return "\n".join(str(v) for line in sheet.iter_rows(values_only=True) for v in line)
    return data.decode()


@AREAL
def test_a_laoshan_asker_finds_nothing_of_jimo(register, client, ours, theirs):
    mine, foreign = fill(register, ours, 2), fill(register, theirs, 2)
    enter(client, ROLES, city.LAOSHAN)
    with scope.everyone(ours.world):
        before = [facts(register, r) for r in foreign]
    for address in every_address(register, foreign[0].pk):
        answer = client.get(address)
        text = text_of(answer).replace(address, "").replace(THEIRS + '"', "")
        assert THEIRS + "-" not in text, address
        assert f"/r/{register.name}/{foreign[0].pk}/" not in text, address
    if not register.city:
        assert f"/r/{register.name}/{mine[0].pk}/" in client.get(f"/r/{register.name}/").content.decode()
    _try_to_write(register, client, ours, theirs, foreign[0])
    with scope.everyone(ours.world):
        assert [facts(register, type(r)._base_manager.get(pk=r.pk)) for r in foreign] == before


def _try_to_write(register, client, ours, theirs, foreign):
    """By page, sheet, interface and move: nothing reaches the other district."""
    assert client.get(f"/r/{register.name}/{foreign.pk}/").status_code in (403, 404)
    assert client.get(f"/api/{register.name}/{foreign.pk}").status_code in (403, 404)
    for step in ("close", "x"):
        assert client.post(f"/r/{register.name}/{foreign.pk}/move/{step}/").status_code in (403, 404)
    if not register.write or register.city:
        return
    wanted = theirs.make(register.model, save=False, area_path=register.area)
    with scope.everyone(ours.world):
        given, count = typed(register, wanted), register.rows().count()
        lines = [[c.label for c in register.inputs], [c.cell(wanted) for c in register.inputs]]
    assert client.post(f"/r/{register.name}/{foreign.pk}/edit/", given).status_code == 404
    assert client.post(f"/r/{register.name}/new/", given).status_code == 422
    assert upload(client, register, lines).status_code == 422
    assert client.post(f"/api/{register.name}", given, content_type="application/json").status_code == 422
    assert client.patch(f"/api/{register.name}/{foreign.pk}", given, content_type="application/json").status_code == 404
    assert len(rows_of(register, ours.world)) == count


@EVERY
def test_without_the_role_nothing_opens(register, client, ours):
    row = fill(register, ours, 1)[0]
    outsider = next(r for r in ("team", "enterprise", "system_keeper", "leader", "guest") if r not in register.see)
    enter(client, [outsider])
    for path in ("", "export/", "template/", "import/", "new/", f"{row.pk}/", f"{row.pk}/edit/", "layer/"):
        assert client.get(f"/r/{register.name}/{path}").status_code == 403, path
    assert client.get(f"/api/{register.name}").status_code == 403
    assert client.get(f"/api/{register.name}/{row.pk}").status_code == 403
    client.logout()
    assert client.get(f"/r/{register.name}/").url.startswith("/sign-in/")
    assert client.get(f"/api/{register.name}").status_code == 401
    person = Person.everywhere.get(user__username="asker")
    Grant.objects.filter(person=person).delete()
    gate.forget()
    client.force_login(person.user)
    assert client.get(f"/r/{register.name}/").status_code == 403


@EVERY
def test_a_drill_reads_registers_and_writes_none_and_hides_the_real_records(register, chief, ours):
    row = fill(register, ours, 1)[0]
    drill = World.objects.create(kind="exercise", title="演练", name="drill")
    Participant.objects.create(world=drill, person=Person.everywhere.get(user__username="asker"))
    operating = any(f.name == "world" for f in register.model._meta.concrete_fields)
    page = chief.get(f"/w/{drill.pk}/r/{register.name}/")
    assert page.status_code == 200
    assert (f"/r/{register.name}/{row.pk}/" in page.content.decode()) is not operating
    assert chief.get(f"/w/{drill.pk}/r/{register.name}/{row.pk}/").status_code == (404 if operating else 200)
    assert chief.get(f"/w/{drill.pk}/api/{register.name}/{row.pk}").status_code == (404 if operating else 200)
    for path in (*([] if register.opens else ["new/"]), "import/", f"{row.pk}/edit/"):
        assert chief.post(f"/w/{drill.pk}/r/{register.name}/{path}", {}).status_code in (403, 404)
    assert chief.get(f"/w/9999/r/{register.name}/").status_code == 404
