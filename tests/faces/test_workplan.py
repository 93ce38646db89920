"""The year's plan on the desk: read in, confirmed beside its text, measured by the city's own records."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from anlan.faces import gate
from anlan.kernel.clock import travelled
from anlan.kernel.journal import read
from anlan.kernel.people import scope
from anlan.workplan import lights, take
from anlan.workplan.models import Aim, Item, Node, Plan
from anlan.workplan.turns import turns_of
from tests.kernel import city

PAPER = Path(__file__).parents[1] / "engines" / "plans" / "plan-2023.txt"
YEAR = date.today().year
SMALL = f"""某局{YEAR}年工作要点(虚构)
一、提升能力
(一)强化演练
1.组织演练。全年组织演练12次,12月31日前完成《演练评估报告》。
2.登记企业。纳入监管企业不少于2家。
3.加强学习。持续学习。
"""


@pytest.fixture
def world(db, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    gate.forget()
    return city.build()


@pytest.fixture
def leader(world):
    return browser("leader")


def browser(role, place=scope.ROOT):
    client = Client()
    client.force_login(city.person(role, role, place, user=role).user)
    return client


def text_of(response):
    return response.content.decode()


def taken(world, source=SMALL):
    with scope.everyone(world):
        return take.do_take(source, take.check_take(source))


def step(client, kind, row, name, **given):
    return client.post(f"/desk/workplan/{kind}/{row.pk}/{name}/", given)


def test_the_official_plan_goes_in_as_a_file_and_comes_out_as_45_items(leader, world):
    file = SimpleUploadedFile("工作要点.txt", PAPER.read_bytes())
    shown = text_of(leader.post("/desk/workplan/take/", {"file": file, "read": "1"}))
    assert '<mark class="aim" title="目标 250家">250家</mark>' in shown and "核对无误" in shown and Plan.everywhere.count() == 0
    done = leader.post("/desk/workplan/take/", {"source": PAPER.read_text(encoding="utf-8"), "take": "1"})
    assert done.status_code == 302
    page = text_of(leader.get("/desk/workplan/"))
    assert "强化双重预防机制建设" in page and "构建“大安全”格局" in page and "250家" in page
    with scope.everyone(world):
        assert (Item.objects.count(), Aim.objects.count()) == (45, 25) and Node.objects.filter(kind="deadline").count() == 4
        assert "45项" in read.history(Plan.objects.get()).get().text
    item = Item.everywhere.get(no="7")
    assert '<mark class="aim" title="目标 5家以上">5家以上</mark>' in text_of(leader.get(f"/desk/workplan/{item.pk}/"))


def test_an_item_leads_to_the_forms_that_serve_it(leader, world):
    with scope.everyone(world):
        take.do_take(PAPER.read_text(), take.check_take(PAPER.read_text()))
        item = Item.objects.get(no="35")
    books = text_of(leader.get(f"/desk/workplan/{item.pk}/")).partition("<h3>工作台账")[2].partition("</p>")[0]
    assert '<a href="/r/drill_record/">应急演练</a>' in books and "廉政档案" not in books


def test_an_aim_is_measured_by_the_records_and_opens_to_them(leader, world):
    from anlan.safety.supervision.models import Enterprise

    taken(world)
    aim = Aim.everywhere.get(unit="家")
    assert "没有指标,也没有自报" in text_of(leader.get(f"/desk/workplan/{aim.item_id}/"))
    other = Aim.everywhere.get(unit="次")
    assert "不能比较" in text_of(step(leader, "aim", other, "measure", indicator="supervision.enterprises"))
    Aim.everywhere.filter(pk=other.pk).update(unit="家", comparator="each")
    assert "一个总数说明不了" in text_of(step(leader, "aim", other, "measure", indicator="supervision.enterprises"))
    Aim.everywhere.filter(pk=other.pk).update(unit="次", comparator="eq")
    assert step(leader, "aim", aim, "measure", indicator="supervision.enterprises").status_code == 302
    for n in range(2):
        with scope.everyone(world):
            light = {i.no: i.light for i in lights.items_of(Plan.objects.get())}
        assert light["2"] == "green"
        with scope.everyone(world):
            Enterprise(name=f"厂{n}", trade="dust", level=1, staff=9, area_id=city.SHAZIKOU, lon=120.5, lat=36.1).save()
    page = text_of(leader.get("/desk/workplan/"))
    assert ("已完成" in page and 'href="/r/enterprise/?' in page) or 'href="/r/enterprise/"' in page
    assert step(leader, "aim", aim, "report", value="9", evidence="台账").status_code == 409


def test_what_is_reported_needs_its_ground_and_is_marked_so(leader, world):
    taken(world)
    aim = Aim.everywhere.get(unit="次")
    for value, evidence in (("十二", "台账"), ("12", " "), ("-1", "台账"), ("nan", "台账")):
        page = step(leader, "aim", aim, "report", value=value, evidence=evidence)
        assert page.status_code == 409 and f'value="{value}"' in text_of(page)
    assert step(leader, "aim", aim, "report", value="12", evidence="演练台账第3号").status_code == 302
    assert "自报 12" in text_of(leader.get("/desk/workplan/"))
    with scope.everyone(world):
        assert read.history(aim).get(verb="workplan.reported").before == {"reported": None, "evidence": ""}


def test_the_light_follows_the_deadline(leader, world):
    taken(world)
    node = Node.everywhere.get(kind="deadline")
    first = date(YEAR, 1, 1)
    with scope.everyone(world):
        plan = Plan.objects.get()
        for day, expected in ((date(YEAR, 10, 1), "green"), (date(YEAR, 12, 15), "yellow"), (date(YEAR + 1, 1, 1), "red")):
            assert lights.light([], turns_of(node, plan, day))[0] == expected, day
        assert lights.items_of(plan)[2].light == "grey"
    with travelled(timedelta(days=400)):
        assert "滞后" in text_of(leader.get("/desk/workplan/"))
        assert step(leader, "node", node, "finish", evidence="").status_code == 409
        assert step(leader, "node", node, "finish", evidence="评估报告已印发", happened_on=str(first - timedelta(days=1))).status_code == 409
        assert step(leader, "node", node, "finish", evidence="评估报告已印发", happened_on="2999-01-01").status_code == 409
        assert step(leader, "node", node, "finish", evidence="评估报告已印发", happened_on=f"{YEAR}-12-30").status_code == 302
        assert step(leader, "node", node, "finish", evidence="再登记一次").status_code == 409
        assert "滞后 <b>0</b>" in text_of(leader.get("/desk/workplan/"))
    with scope.everyone(world):
        proof = node.proofs.get()
    assert str(proof.happened_on) == f"{YEAR}-12-30"
    assert step(leader, "proof", proof, "take-back", reason="").status_code == 409
    assert step(leader, "proof", proof, "take-back", reason="日期有误").status_code == 302
    with scope.everyone(world):
        assert not node.proofs.exists()


def test_what_is_struck_out_counts_no_more(leader, world):
    taken(world)
    aim = Aim.everywhere.get(unit="次")
    assert step(leader, "aim", aim, "judge", state="struck").status_code == 302
    with scope.everyone(world):
        assert list(lights.items_of(Plan.objects.get())[0].aims.all()) == []
    assert step(leader, "aim", aim, "judge", state="perhaps").status_code == 409


def test_a_new_version_needs_a_reason_and_leaves_the_old_as_it_was(leader, world):
    taken(world)
    again = leader.post("/desk/workplan/take/", {"source": SMALL, "take": "1"})
    assert again.status_code == 409 and "修订须写明原因" in text_of(again) and "组织演练" in text_of(again)
    assert leader.post("/desk/workplan/take/", {"source": SMALL + "4.新增事项。建成1处。\n", "take": "1", "reason": "市政府调整"}).status_code == 302
    assert sorted(Plan.everywhere.values_list("version", "current")) == [(1, False), (2, True)]
    assert Item.everywhere.count() == 7 and "新增事项" in text_of(leader.get("/desk/workplan/"))


@pytest.mark.parametrize(
    "given, said",
    [
        ({"source": "没有编号的一段话", "take": "1"}, "没有读出带编号的事项"), ({"source": "1.做事。", "take": "1"}, "没有年份"), ({"take": "1"}, "请选择文件"),
        ({"source": "字" * 1_000_001, "take": "1"}, "超过"), ({"file": SimpleUploadedFile("a.exe", b"MZ"), "read": "1"}, "只读"),
        ({"file": SimpleUploadedFile("../a.docx", b"PK"), "read": "1"}, "Word"),
    ],
)  # fmt: skip
def test_what_is_no_plan_is_told_and_nothing_is_kept(leader, given, said):
    page = leader.post("/desk/workplan/take/", given)
    assert page.status_code == 409 and said in text_of(page) and Plan.everywhere.count() == 0


def test_who_may_look_and_who_may_change(leader, world):
    taken(world)
    aim = Aim.everywhere.first()
    district = browser("district_duty", city.LAOSHAN)
    assert district.get("/desk/workplan/take/").status_code == 403
    assert "须有全市权限" in text_of(step(district, "aim", aim, "judge", state="confirmed"))
    assert "只有责任单位" in text_of(step(district, "aim", aim, "report", value="3", evidence="台账"))
    assert browser("village_officer", city.SHAZIKOU).get("/desk/workplan/").status_code == 403
    with scope.everyone(world):
        item = Item.objects.get(no="1")
    assert step(leader, "item", item, "own", unit="3702.yj").status_code == 302
    assert step(leader, "item", item, "own", unit="nobody").status_code == 409
    assert leader.post(f"/desk/workplan/plan/{item.pk}/own/").status_code == 404
    assert step(leader, "item", item, "fly").status_code == 404
