"""What an adversary tried with keepers' forms and indicators, and with the sheets of registers."""

import io
from urllib.parse import urlencode

import pytest
from django.test import Client
from openpyxl import load_workbook

from anlan.faces import gate
from anlan.kernel.designs import figures
from anlan.kernel.designs import forms as designs
from anlan.kernel.designs.models import Design
from anlan.kernel.forms import FORMS
from anlan.kernel.indicators import INDICATORS
from anlan.kernel.people import scope
from tests.kernel import city

from .test_forms import DRAFT, forget


@pytest.fixture
def world(db, settings, tmp_path):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.HOME = tmp_path
    gate.forget()
    forget()
    yield city.build()
    forget()


@pytest.fixture
def head(world):
    return browser("office_head")


def browser(role, place=scope.ROOT, unit="3702.yj"):
    client = Client()
    client.force_login(city.person(role, role, place, unit, user=f"{role}{place}").user)
    return client


def text_of(response):
    return b"".join(response.streaming_content).decode() if response.streaming else response.content.decode()


def drafted(head, **changes):
    return head.post("/desk/forms/new/", {**DRAFT, **changes})


def labels():
    return [f.label for f in FORMS["own1"].asked], [f.kind for f in FORMS["own1"].asked], [f.name for f in FORMS["own1"].asked]


def counted(head, name="f3", value="正常"):
    told = {"label": "正常次数", "measure": "count", "definition": "正常的记录数", "unit": "次"}
    sent = head.post(f"/desk/forms/figures/new/?{urlencode({'register': 'own1', name: value})}", told)
    assert sent.status_code == 302, text_of(sent)
    return next(n for n in INDICATORS if n.startswith("own."))


@pytest.mark.parametrize("change", ["drop the field", "drop the choice"])
def test_what_an_indicator_counts_by_is_not_taken_away_under_it(head, change):
    assert drafted(head).status_code == 302
    said, kinds, names = labels()
    choice = kinds.index("choice")
    counted(head, names[choice], FORMS["own1"].asked[choice].choices[0])
    again = {**DRAFT, "field": names, "reason": "改", "seen": "1"}
    if change == "drop the field":
        for key in ("field", "label", "kind", "must", "detail"):
            again[key] = [v for n, v in enumerate(again[key]) if n != choice]
    else:
        again["detail"] = [*again["detail"]]
        again["detail"][choice] = "甲|乙"
    sent = head.post("/desk/forms/own1/", again)
    assert sent.status_code == 409 and "正常次数" in text_of(sent) and said[choice] in text_of(sent)
    assert FORMS["own1"].version == 1


def test_an_indicator_that_no_longer_fits_is_shown_as_such_and_takes_no_page_down(head, monkeypatch):
    assert drafted(head).status_code == 302
    _, kinds, names = labels()
    name = counted(head, names[kinds.index("choice")])
    monkeypatch.setattr(designs, "_check_figures", lambda old, fields: None)
    other = ["甲|乙" if kind == "choice" else d for kind, d in zip(kinds, DRAFT["detail"], strict=False)]
    again = {**DRAFT, "field": names, "reason": "改", "seen": "1", "detail": other}
    assert head.post("/desk/forms/own1/", again).status_code == 302
    assert name in figures.BROKEN and name not in INDICATORS
    assert "未能计算" in text_of(head.get("/desk/forms/"))
    for page in ("/r/indicators/", "/api/indicators", "/desk/leader/", "/desk/"):
        assert head.get(page).status_code in (200, 403), page


ODD = """area_id world_id scope_few full_clean clean_fields save_base once validate_unique objects few
seen q page order limit xmin ctid tableoid model_dump model_x json unit_id day_after day_before sum_min sum_max kind_label"""


@pytest.mark.parametrize("odd", ODD.split())
def test_a_field_name_that_a_row_has_already_is_refused_and_nothing_is_kept(head, odd):
    sent = drafted(head, field=[odd, "", ""])
    assert sent.status_code == 409 and not Design.objects.exists() and head.get("/desk/forms/").status_code == 200


def test_a_unit_and_a_line_that_share_a_column_are_refused(head):
    sent = drafted(head, field=["a", "a_id", ""], kind=["unit", "line", "choice"])
    assert sent.status_code == 409 and "重名" in text_of(sent) and not Design.objects.exists()


@pytest.mark.parametrize("twice", [["同名", "同名", "结论"], *([word, "次数", "结论"] for word in ("系统编号", "编号", "所在区域", "区域", "填写时间"))])
def test_fields_are_told_apart_by_their_labels(head, twice):
    sent = drafted(head, label=twice)
    assert sent.status_code == 409 and not Design.objects.exists()


def test_a_case_has_columns_of_its_own_whose_names_are_taken(head):
    sent = drafted(head, label=["办结时间", "次数", "结论"], way="task", decides=["leader"])
    assert sent.status_code == 409 and "办结时间" in text_of(sent) and not Design.objects.exists()


@pytest.mark.parametrize("seen", [{}, {"seen": ""}, {"seen": "0"}])
def test_a_next_version_says_which_one_it_was_made_from(head, seen):
    assert drafted(head).status_code == 302
    sent = head.post("/desk/forms/own1/", {**DRAFT, "field": labels()[2], "reason": "改", **seen})
    assert sent.status_code == 409 and "第1版" in text_of(sent) and FORMS["own1"].version == 1


def test_the_interface_speaks_of_the_newest_version(head):
    assert drafted(head).status_code == 302
    assert head.get("/api/own1").json()["rows"] == []
    _, _, names = labels()
    more = {**DRAFT, "field": [*names, ""], "reason": "加一项", "seen": "1"}
    for key, value in (("label", "天气"), ("kind", "line"), ("must", "no"), ("detail", "")):
        more[key] = [*DRAFT[key][: len(names)], value]
    assert head.post("/desk/forms/own1/", more).status_code == 302
    clerk = browser("office")
    new = labels()[2][-1]
    filled = {"area": scope.ROOT, names[0]: "一线", names[2]: "正常", new: "晴"}
    assert clerk.post("/api/own1", filled, content_type="application/json").json()[new] == "晴"
    assert [row[new] for row in head.get("/api/own1").json()["rows"]] == ["晴"]
    assert new in head.get("/api/openapi.json").content.decode()


def test_a_field_that_an_indicator_narrows_by_stays_a_filter(head):
    assert drafted(head).status_code == 302
    _, kinds, names = labels()
    counted(head, names[kinds.index("choice")])
    more = {"seen": "1", "reason": "加六个日期"}
    for key, first in (("field", ""), ("label", "日期{}"), ("kind", "date"), ("must", "no"), ("detail", "")):
        more[key] = [*(first.format(n) for n in range(6)), *(names if key == "field" else DRAFT[key])]
    sent = head.post("/desk/forms/own1/", {**DRAFT, **more})
    assert sent.status_code == 409 and "正常次数" in text_of(sent) and FORMS["own1"].version == 1
    fewer = {k: v[1:] if isinstance(v, list) else v for k, v in more.items()}
    assert head.post("/desk/forms/own1/", {**DRAFT, **fewer}).status_code == 302


def test_a_page_that_is_older_than_the_indicator_changes_nothing(head):
    assert drafted(head).status_code == 302
    name = counted(head, labels()[2][2])
    page = text_of(head.get(f"/desk/forms/figures/{name}/"))
    assert 'name="seen" value="1"' in page
    told = {"label": "正常", "measure": "count", "definition": "口径", "unit": "次", "reason": "改名", "seen": "1"}
    assert head.post(f"/desk/forms/figures/{name}/", told).status_code == 302
    stale = head.post(f"/desk/forms/figures/{name}/", {**told, "label": "又一个"})
    assert stale.status_code == 409 and "第2版" in text_of(stale) and INDICATORS[name].label == "正常"


def test_what_is_invisible_is_refused(head):
    assert drafted(head, title="甲\0乙").status_code == 409


def test_a_page_that_is_older_than_the_form_takes_nothing_away(head):
    assert drafted(head).status_code == 302
    _, _, names = labels()
    more = {**DRAFT, "field": [*names, ""], "reason": "加一项", "seen": "1"}
    for key, value in (("label", "天气"), ("kind", "line"), ("must", "no"), ("detail", "")):
        more[key] = [*DRAFT[key][: len(names)], value]
    assert head.post("/desk/forms/own1/", more).status_code == 302
    stale = head.post("/desk/forms/own1/", {**DRAFT, "field": names, "reason": "旧页", "seen": "1"})
    assert stale.status_code == 409 and "第2版" in text_of(stale) and "天气" in labels()[0]


def test_a_sheet_changes_no_row_that_its_page_would_not_let_change(head, world):
    assert drafted(head, write=["town_duty"]).status_code == 302
    town = browser("town_duty", city.AOSHANWEI, "370215.yj")
    sent = town.post("/r/own1/new/", {"area": city.AOSHANWEI, "f1": "即墨的记录", "f2": "2", "f3": "正常"})
    assert sent.status_code == 302, text_of(sent)
    both = city.person("双岗", "town_duty", city.SHAZIKOU, "370212.yj", user="both")
    city.Grant.objects.create(person=both, role="inspector", area_id=scope.ROOT, since=city.SINCE)
    client = Client()
    client.force_login(both.user)
    book = load_workbook(io.BytesIO(b"".join(client.get("/r/own1/export/").streaming_content)))
    sheet = book.worksheets[0]
    for row in sheet.iter_rows():
        for cell in row:
            if cell.value == "即墨的记录":
                cell.value = "改成崂山的"
    out = io.BytesIO()
    book.save(out)
    out.seek(0)
    out.name = "own1.xlsx"
    client.post("/r/own1/import/", {"file": out})
    assert [str(r.f1) for r in FORMS["own1"].model.everywhere.all()] == ["即墨的记录"]


def test_what_a_look_up_offers_is_what_the_list_shows(head, world):
    assert drafted(head, write=["town_duty"], see=["town_duty"]).status_code == 302
    town = browser("town_duty", city.AOSHANWEI, "370215.yj")
    assert town.post("/r/own1/new/", {"area": city.AOSHANWEI, "f1": "即墨的记录", "f2": "2", "f3": "正常"}).status_code == 302
    both = city.person("双岗", "town_duty", city.SHAZIKOU, "370212.yj", user="both")
    city.Grant.objects.create(person=both, role="inspector", area_id=scope.ROOT, since=city.SINCE)
    client = Client()
    client.force_login(both.user)
    assert "即墨的记录" not in text_of(client.get("/r/own1/")) and "即墨的记录" not in text_of(client.get("/r/own1/pick/?q="))
    assert "即墨的记录" in text_of(town.get("/r/own1/pick/?q="))
