"""A register with a typed key: a new row takes nobody's key, seen or not."""

import io
import json

import pytest
from django.test import Client
from openpyxl import load_workbook

from anlan.faces import gate
from anlan.faces.registers import forms as made
from anlan.kernel.cases import Refused
from anlan.kernel.journal import read
from anlan.kernel.people import scope
from anlan.kernel.people.models import Unit
from anlan.kernel.registers import ALL
from tests.kernel import city

JIMO = "370215.yj"
TAKEN = {"code": JIMO, "name": "冒名", "short": "冒名", "kind": "应急", "area": city.LAOSHAN}


@pytest.fixture
def laoshan(db, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    gate.forget()
    city.build()
    client = Client()
    client.force_login(city.person("崂山系统管理员", "system_keeper", city.LAOSHAN, "370212.yj", user="keeper").user)
    return client


def untouched():
    with scope.everyone():
        assert not read.Line.objects.filter(verb__startswith="unit.").exists()
    row = Unit.everywhere.get(pk=JIMO)
    return (row.name, row.area_id) == (JIMO, city.JIMO)


def test_the_page_of_a_new_row_refuses_a_key_that_its_maker_cannot_see(laoshan):
    sent = laoshan.post("/r/unit/new/", TAKEN)
    assert sent.status_code == 422 and "已存在" in sent.content.decode() and untouched()


def test_the_interface_refuses_it(laoshan):
    sent = laoshan.post("/api/unit", json.dumps(TAKEN), content_type="application/json")
    assert sent.status_code == 422 and "code" in sent.json()["faults"] and untouched()


def test_a_sheet_refuses_it(laoshan):
    book = load_workbook(io.BytesIO(b"".join(laoshan.get("/r/unit/template/").streaming_content)))
    sheet = book.worksheets[0]
    heads = {c.value.rstrip("*"): n for row in sheet.iter_rows(max_row=3) for n, c in enumerate(row, 1) if c.value}
    row = sheet.max_row + 1
    for column in ALL["unit"].inputs:
        if column.path in TAKEN:
            sheet.cell(row, next(n for said, n in heads.items() if column.label in said), TAKEN[column.path])
    out = io.BytesIO()
    book.save(out)
    out.seek(0)
    out.name = "unit.xlsx"
    sent = laoshan.post("/r/unit/import/", {"file": out})
    assert "已存在" in (b"".join(sent.streaming_content) if sent.streaming else sent.content).decode() and untouched()


def test_two_who_save_one_key_at_once_make_one_row(laoshan, world_scope):
    """Both forms were found sound before either was saved."""
    first, second = (made.form_of(ALL["unit"])({**TAKEN, "code": "370212.new", "name": name}) for name in ("先到", "后到"))
    assert first.is_valid() and second.is_valid()
    made.save(first, None)
    with pytest.raises(Refused, match="已存在"):
        made.save(second, None)
    assert Unit.everywhere.get(pk="370212.new").name == "先到"


@pytest.fixture
def world_scope(laoshan):
    with scope.everyone() as entered:
        yield entered
