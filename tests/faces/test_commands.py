"""What the command line says is so; and a bureau's first day, from an empty city to an officer who sees one district."""

import io
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing

import openpyxl
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from anlan import cli
from anlan.faces import city, commands
from anlan.kernel.journal.models import Line
from anlan.kernel.people.models import Area, Grant, Holding, Person, Post, Unit
from anlan.sensing.models import Gateway, Reader

PASSWORD = re.compile(r"\w{4}(?:-\w{4}){3}")
NEW = "another good 88"
CITY = {
    "行政区划": [
        ["370212001000", "沙子口街道", "镇(街道)", "崂山区[370212000000]", 120.54, 36.11, 8],
        ["370212000000", "崂山区", "区(市)", "370200000000"],
        ["370215000000", "即墨区", "区(市)", "370200000000"],
    ],
    "单位": [
        ["370212.zj", "崂山某街道", "某街道", "镇街", "370212000000", "370212.yj"],
        ["370212.yj", "崂山区应急管理局", "崂山应急", "应急", "370212000000"],
        ["370215.yj", "即墨区应急管理局", "即墨应急", "应急", "370215000000"],
    ],
    "人员": [
        ["张一", "13800000001", "370212.yj", "370212000000"],
        ["张一", "13800000002", "370212.yj", "370212000000"],
        ["李二", "13800000003", "370215.yj", "370215000000"],
    ],
    "岗位": [
        ["应急值班室", "区市值班", "370212000000", "370212.yj", "区(市)"],
        ["应急值班室", "区市值班", "370215000000", "370215.yj", "区(市)"],
    ],
    "任职": [
        ["370212.yj", "应急值班室", None, "张一", "13800000001", "A角", "2026-01-01"],
        ["370212.yj", "应急值班室", None, "张一", "13800000002", "B角", "2026-01-01"],
        ["370215.yj", "应急值班室", None, "李二", None, "A角", "2026-01-01"],
    ],
}
EVERYTHING = (Area, Unit, Person, Post, Holding, Line)


def setup(home, demo: str) -> str:
    env = {**os.environ, "ANLAN_HOME": str(home), "ANLAN_DEMO": demo}
    run = [sys.executable, "-m", "anlan.cli", "setup"]
    return subprocess.run(run, env=env, check=True, capture_output=True, text=True, timeout=120).stdout


def test_an_empty_city_says_how_to_go_on_in_words_that_the_command_knows(tmp_path):
    said = setup(tmp_path, "0")
    assert "演示城市" not in said
    next_steps = re.findall(r"^ +(?:\d\. )?anlan (.+?)(?:,.*)?$", said, re.M)
    assert [step.split()[0] for step in next_steps] == ["keeper"] * 3 + ["city"] * 3 + ["run"]
    for step in next_steps:
        cli._parser().parse_args(step.split())


def test_passwords_are_printed_once(planted, tmp_path):
    assert len(planted.passwords["duty_officer"]) > 12
    assert setup(planted.copy(tmp_path / "again").home, "1") == ""


@pytest.mark.parametrize("words", [("check",), ("health",)])
def test_whoever_reads_only_the_beginning_is_shown_no_fault(planted, words):
    """``anlan alarms --json | head``: much that is printed, and little."""
    reading, writing = os.pipe()
    os.close(reading)
    env = {**os.environ, "ANLAN_HOME": str(planted.home)}
    done = subprocess.run([sys.executable, "-m", "anlan.cli", *words], env=env, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=120)
    os.close(writing)
    assert done.stderr == "" and done.returncode == 1


def test_tables_of_an_earlier_version_are_refused_by_name(planted, tmp_path):
    city = planted.copy(tmp_path / "old")
    with closing(sqlite3.connect(city.home / "anlan.sqlite3")) as old:
        old.execute("alter table notice_addressee drop column waited_s")
    with pytest.raises(subprocess.CalledProcessError) as fault:
        setup(city.home, "1")
    assert fault.value.returncode == 2 and "notice_addressee 表缺少 waited_s" in fault.value.stderr


# ── a real city ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def empty(db, settings):
    settings.DEMO, settings.TOTP = False, "required"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    commands.plant()


@pytest.fixture
def do(empty, capsys):
    """A command as it is typed: its code and what it said."""

    def typed(*words):
        code = cli.main([str(word) for word in words])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return typed


@pytest.fixture
def keepers(do):
    """The first passwords of the three keepers."""
    names = {"system_keeper": "王甲", "security_keeper": "王乙", "audit_keeper": "王丙"}
    return {role: PASSWORD.search(do("keeper", role, name, "--login", role)[1])[0] for role, name in names.items()}


@pytest.fixture
def book(tmp_path):
    """The template filled in, with some sheets filled otherwise."""

    def filled(other=None):
        city.write_template(blank := io.BytesIO())
        made = openpyxl.load_workbook(blank)
        for title, rows in {**CITY, **(other or {})}.items():
            if rows is None:
                del made[title]
                continue
            for at, row in enumerate(rows, 2):
                for column, value in enumerate(row, 1):
                    made[title].cell(at, column, value)
        made.save(tmp_path / "city.xlsx")
        return tmp_path / "city.xlsx"

    return filled


def counted():
    return [model._base_manager.count() for model in EVERYTHING]


def entered(name, password):
    """A browser in which this account has signed in, with a new password and, where it must, a second factor."""
    client = Client()
    client.post("/sign-in/", {"username": name, "password": password})
    assert client.get("/desk/").url == "/account/password/"
    client.post("/account/password/", {"old_password": password, "new_password1": NEW, "new_password2": NEW})
    client.get("/account/device/")
    if device := TOTPDevice.objects.filter(user__username=name).first():
        code = totp(device.bin_key, device.step, device.t0, device.digits, device.drift)
        assert "备用码" in client.post("/account/device/", {"code": f"{code:06d}"}).content.decode()
    return client


def test_from_an_empty_city_to_an_officer_who_sees_one_district(do, keepers, book):
    code, said = do("city", "import", book())
    assert code == 0 and "人员新增 3 行" in said
    system, security = (entered(role, keepers[role]) for role in ("system_keeper", "security_keeper"))
    officer = Person.everywhere.get(phone="13800000001")
    page = system.post(f"/keepers/accounts/{officer.pk}/open/", {"username": "zhangyi"}).content.decode()
    grant = {"person": officer.pk, "role": "district_duty", "area": "崂山区", "since": "2026-01-01"}
    assert security.post("/keepers/grants/", grant).status_code == 302
    client = entered("zhangyi", PASSWORD.search(page)[0])
    persons = client.get("/r/person/").content.decode()
    assert "张一" in persons and "李二" not in persons and "王甲" not in persons
    areas = client.get("/r/area/").content.decode()
    assert "沙子口街道" in areas and "即墨区" not in areas
    verbs = set(Line.everywhere.values_list("verb", flat=True))
    assert {"account.opened", "grant.given", "city.imported", "person.created", "session.opened"} <= verbs


def test_a_keeper_is_made_once_and_nobody_holds_two_of_the_roles(do, keepers):
    before = User.objects.count(), *counted()
    code, said = do("keeper", "system_keeper", "赵丁", "--login", "zhao")
    assert code == 2 and "已有系统管理员:王甲" in said and "“账户”页" in said
    User.objects.filter(username="audit_keeper").update(is_active=False)
    code, said = do("keeper", "audit_keeper", "王甲", "--login", "wang")
    assert code == 2 and "不同的人" in said
    code, said = do("keeper", "audit_keeper", "赵丁", "--login", "system_keeper")
    assert code == 2 and "已被使用" in said
    assert (User.objects.count(), *counted()) == before
    assert do("keeper", "audit_keeper", "赵丁", "--login", "zhao")[0] == 0
    line = Line.everywhere.filter(verb="grant.given").latest("pk")
    assert line.who == "命令行" and line.after["role"] == "audit_keeper"


def test_the_same_workbook_again_changes_nothing_and_an_altered_row_that_row(do, keepers, book):
    assert do("city", "import", book(), "--check")[0] == 0 and not Unit.everywhere.filter(code="370212.yj").exists()
    do("city", "import", book())
    before = counted()
    code, said = do("city", "import", book())
    assert code == 0 and "没有变动" in said and counted() == before
    altered = [[*CITY["人员"][0]], ["张一", "13900000009", "370212.yj", "370212000000"], *CITY["人员"][2:]]
    altered[0][2] = "370212.zj"
    holdings = [*CITY["任职"][:1], ["370212.yj", "应急值班室", None, "张一", "13900000009", "B角", "2026-01-01"]]
    code, said = do("city", "import", book({"人员": altered, "任职": holdings}))
    assert "人员新增 0 行,修改 2 行,未变 1 行" in said and "任职新增 0 行,修改 0 行,未变 2 行" in said
    assert Person.everywhere.get(phone="13800000001").unit_id == "370212.zj"


def row(title, number, column, value):
    """The city's sheet with one cell otherwise; *number* as Excel counts."""
    rows = [[*line, *[None] * 8] for line in CITY[title]]
    rows[number - 2][column] = value
    return {title: rows}


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"岗位": None}, r"岗位\t—\t整表\t.*没有工作表“岗位”"),
        (row("行政区划", 2, 0, "370212"), r"行政区划\t第 2 行\t区划代码\t区划代码须为 12 位数字"),
        (row("行政区划", 2, 0, "370212000001"), r"行政区划\t第 2 行\t区划代码\t不是镇"),
        (row("行政区划", 2, 3, "370215000000"), r"行政区划\t第 2 行\t上级\t370212001000 不在即墨区"),
        (row("行政区划", 3, 3, "370212001000"), r"行政区划\t第 \d 行\t上级\t互为上级"),
        ({"行政区划": CITY["行政区划"][:2] + CITY["行政区划"][2:] * 2}, r"行政区划\t第 5 行\t区划代码\t与第 4 行重复"),
        (row("行政区划", 2, 4, 36.11), r"行政区划\t第 2 行\t经度\t"),
        (row("单位", 4, 4, "370299000000"), r"单位\t第 4 行\t所在区域\t没有“370299000000”"),
        (row("人员", 3, 1, "13800000001"), r"人员\t第 3 行\t姓名\t与第 2 行重复"),
        (row("岗位", 2, 1, "皇帝"), r"岗位\t第 2 行\t角色\t“皇帝”不在可选值里"),
        (row("任职", 4, 3, "无名"), r"任职\t第 4 行\t姓名\t没有人员“无名”"),
        (row("任职", 2, 4, None), r"任职\t第 2 行\t姓名\t有多个同名的人员,请填写手机"),
        (row("任职", 3, 5, "A角"), r"任职\t第 3 行\t岗位单位\t与第 2 行重复"),
        (row("任职", 2, 7, "2025-01-01"), r"任职\t第 2 行\t整行\t任职止日早于起日"),
    ],
)
def test_a_fault_names_sheet_row_and_column_and_nothing_is_written(do, keepers, book, other, said):
    before = counted()
    code, printed = do("city", "import", book(other))
    faults = [line for line in printed.splitlines() if "\t" in line]
    assert code == 1 and re.fullmatch(f"{said}.*", faults[0]) and len(faults) == 1, printed
    assert counted() == before


@pytest.mark.parametrize("content", [b"", b"name,code\n", b"PK\x03\x04 broken"])
def test_what_is_no_workbook_is_told_in_one_line(do, keepers, tmp_path, content):
    (tmp_path / "x.xlsx").write_bytes(content)
    code, printed = do("city", "import", tmp_path / "x.xlsx")
    assert code == 1 and len([line for line in printed.splitlines() if "\t" in line]) == 1


def test_commands_that_come_too_early_say_what_comes_first(do, book, tmp_path):
    assert do("gateway", "add", "雨量站")[0] == 2
    assert do("city", "import", tmp_path / "none.xlsx") == (2, f"没有文件 {tmp_path / 'none.xlsx'}\n")
    path = book({"行政区划": [*CITY["行政区划"], ["370200000000", "青岛市", "市"]]})
    assert do("city", "import", path)[0] == 0  # the keepers may also come after it
    assert do("city", "template", path)[0] == 2 and path.stat().st_size


def test_a_sender_added_at_the_command_line_leaves_a_line(do, keepers):
    code, token = do("gateway", "add", "雨量站")
    line = Line.everywhere.get(verb="sender.added")
    assert code == 0 and len(token.strip()) == 43
    assert line.who == "命令行" and "雨量站" in line.text and token.strip() not in str(line.after)
    assert do("gateway", "add", "雨量站")[0] == 2


def test_tokens_are_made_changed_closed_and_opened_again_at_the_command_line(do, keepers, book):
    assert do("city", "import", book())[0] == 0
    person = Person.everywhere.get(phone="13800000003")
    person.user = User.objects.create_user("reads")
    person.save()
    Grant.objects.create(person=person, role="district_duty", area_id="370215000000", since="2026-01-01")
    assert do("gateway", "add", "雨量站")[0] == 0
    code, first = do("reader", "add", "水务平台", "--account", "reads", "--area", "即墨区")
    assert code == 0 and Reader.holding(f"Bearer {first.strip()}").area_id == "370215000000"
    for kind, name, model in (("gateway", "雨量站", Gateway), ("reader", "水务平台", Reader)):
        code, token = do(kind, "rotate", name)
        held = f"Bearer {token.strip()}"
        assert code == 0 and model.holding(held).name == name
        assert do(kind, "close", name) == (0, "") and model.holding(held) is None
        assert do(kind, "close", name)[0] == 2
        assert do(kind, "restore", name) == (0, "") and model.holding(held)
        assert do(kind, "close", "没有的")[0] == 2
    assert Reader.holding(f"Bearer {first.strip()}") is None
    assert do("reader", "add", "别的", "--account", "reads", "--area", "崂山区")[0] == 2
    assert do("reader", "add", "别的")[0] == 2
    told = list(Line.everywhere.filter(verb__regex=r"^(reader|sender)\.").order_by("pk").values_list("verb", "who"))
    changes = [f"{kind}.{word}" for kind in ("sender", "reader") for word in ("rotated", "closed", "restored")]
    assert told == [(verb, "命令行") for verb in ("sender.added", "reader.added", *changes)]
