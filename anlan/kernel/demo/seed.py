"""The demo city's people: real areas, real kinds of office, invented villages, persons and telephones.

Facts (``data/SOURCES.md``): names, codes and estimated populations of the city's districts and towns. Everything
below a town, every person and every telephone number is invented and marked synthetic; numbers begin with 100,
which no operator assigns. The offices follow the usual set-up of a city bureau, not an official list.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

from anlan.kernel.people.models import Area, Holding, Person, Post, Unit
from anlan.kernel.people.scope import ROOT

from . import invented

TOWNS = Path(__file__).parent / "data" / "qingdao_towns.csv"
SINCE = date(2022, 1, 1)
SEED = 2022
VILLAGES = 10
ORDER = ("370202", "370203", "370213", "370212", "370211", "370214", "370215", "370281", "370283", "370285")
SHORT = {"370211": "西海岸新区"}
SEAT = (120.3826, 36.0671)
BATCH = 400

OFFICES = """
bgs 办公室
zhzx 应急指挥中心
fxc 防汛抗旱处
hzc 火灾防治管理处
whc 危险化学品安全监督管理处
zhc 安全生产综合协调处
jyc 救援协调和预案管理处
fgc 政策法规处
jcc 安全生产基础处
jzc 防灾减灾处
dzc 震害防御处
kjc 科技和信息化处
wzc 救灾和物资保障处
cwc 规划财务处
rsc 人事处
dw 机关党委
jw 机关纪委
zfd 综合行政执法支队
"""
BUREAUX = """
qx 气象 青岛市气象局 市气象局
sw 水务 青岛市水务管理局 市水务局
hy 海洋 青岛市海洋发展局 市海洋局
wl 文旅 青岛市文化和旅游局 市文旅局
jt 交通 青岛市交通运输局 市交通局
cg 城管 青岛市城市管理局 市城管局
jy 教育 青岛市教育局 市教育局
zj 住建 青岛市住房和城乡建设局 市住建局
ga 公安 青岛市公安局 市公安局
wj 卫健 青岛市卫生健康委员会 市卫健委
zr 自然资源 青岛市自然资源和规划局 市资源规划局
xf 消防 青岛市消防救援支队 市消防支队
"""
RESERVOIRS = """
370285105 产芝 370283124 尹府 370214004 棘洪滩 370214002 崂山 370211109 吉利河 370211011 陡崖子 370211011 铁山
370211004 小珠山 370215004 石棚 370215011 挪城 370215009 宋化泉 370215101 王圈 370214008 书院 370281111 山洲
370281111 青年 370283122 黄同 370283119 淄阳 370283120 大泽山 370283119 双山 370283120 黄山 370285106 北墅
370285107 高格庄 370285107 堤湾
"""


def plant() -> list[tuple[str, str, str]]:
    """Write all of it; the accounts as (name, password, what it is), to be shown once."""
    from .accounts import accounts

    areas()
    units()
    persons(SEED)
    return accounts()


def _lines(table: str) -> list[list[str]]:
    return [line.split() for line in table.strip().splitlines()]


def read_towns() -> list[dict[str, str]]:
    with TOWNS.open(encoding="utf-8-sig", newline="") as rows:
        return list(csv.DictReader(rows))


def areas() -> None:
    """The city, ten districts, their towns, and ten invented villages in each town."""
    towns = read_towns()
    city = Area(code=ROOT, name="青岛市", level="city", lon=SEAT[0], lat=SEAT[1], population=_people(towns))
    districts: list[Area] = []
    lower: list[Area] = []
    villages: list[Area] = []
    for n, code in enumerate(ORDER, 1):
        mine = [row for row in towns if row["district_code"] == code]
        districts.append(_district(code, mine, n * 300))
        for k, row in enumerate(mine, 1):
            town = _town(row, n * 300 + k * (VILLAGES + 1))
            lower.append(town)
            villages += _villages(town, row["kind"])
    for level in ([city], districts, lower, villages):
        Area.objects.bulk_create(level, batch_size=BATCH)


def _people(rows: list[dict[str, str]]) -> int:
    return sum(int(row["pop_est_2020"]) for row in rows)


def _district(code: str, towns: list[dict[str, str]], rank: int) -> Area:
    """Its point is the mean of its towns' seats, weighted by population."""
    people = _people(towns)
    lon, lat = (sum(float(t[axis]) * int(t["pop_est_2020"]) for t in towns) / people for axis in ("lon", "lat"))
    name = towns[0]["district"]
    return Area(
        code=code + "000000", name=SHORT.get(code, name), level="district", parent_id=ROOT, lon=round(lon, 4),
        lat=round(lat, 4), population=people, rank=rank,
    )  # fmt: skip


def _town(row: dict[str, str], rank: int) -> Area:
    return Area(
        code=row["code"] + "000", name=row["name"], level="town", parent_id=row["district_code"] + "000000",
        lon=float(row["lon"]), lat=float(row["lat"]), population=int(row["pop_est_2020"]), rank=rank,
    )  # fmt: skip


def _villages(town: Area, kind: str) -> Iterator[Area]:
    """Invented villages around the seat; codes 901–910 stand outside the range of the real ones."""
    chance = Random(f"village:{town.code}")
    names = invented.villages(chance, VILLAGES, "社区" if kind == "街道" else "村")
    shares = _split(town.population or 0, [chance.uniform(0.6, 1.4) for _ in names])
    for n, (name, people) in enumerate(zip(names, shares, strict=True)):
        turn, far = math.tau * n / VILLAGES, chance.uniform(0.005, 0.012)
        yield Area(
            code=f"{town.code[:9]}{901 + n}", name=name, level="village", parent_id=town.code, population=people,
            lon=round((town.lon or 0) + far * math.cos(turn), 4), lat=round((town.lat or 0) + far * math.sin(turn), 4),
            synthetic=True, rank=town.rank + n + 1,
        )  # fmt: skip


def _split(total: int, weights: list[float]) -> list[int]:
    """Whole parts by weight that add up to the total."""
    edges = [round(total * sum(weights[:n]) / sum(weights)) for n in range(len(weights) + 1)]
    return [b - a for a, b in pairwise(edges)]


def units() -> None:
    """The bureau and its offices, the city's other bureaux, and an office at every level down to the village."""
    rows = [*_city_units()]
    for area in Area.objects.exclude(level="city"):
        rows += UNITS[area.level](area)
    line = iter(range(10_000, 100_000))
    for unit in rows:
        if unit.kind not in ("内设", "村居"):
            unit.duty_phone = _phone(next(line))
    Unit.everywhere.bulk_create(rows, batch_size=BATCH)


def _unit(code: str, name: str, short: str, kind: str, area: str, parent: str | None = None) -> Unit:
    return Unit(code=code, name=name, short=short, kind=kind, area_id=area, parent_id=parent)


def _city_units() -> Iterator[Unit]:
    yield _unit("3702.zf", "青岛市人民政府", "市政府", "政府", ROOT)
    yield _unit("3702.yj", "青岛市应急管理局", "市应急局", "应急", ROOT, "3702.zf")
    for code, name in _lines(OFFICES):
        yield _unit(f"3702.yj.{code}", f"青岛市应急管理局{name}", name, "内设", ROOT, "3702.yj")
    yield _unit("3702.fb", "青岛市防汛抗旱指挥部办公室", "市防办", "防办", ROOT, "3702.zf")
    for code, kind, name, short in _lines(BUREAUX):
        yield _unit(f"3702.{code}", name, short, kind, ROOT, "3702.zf")
    yield _unit("370212.jydw", "合成·崂山应急救援队", "崂山救援队(合成)", "队伍", "370212000000")
    yield _unit("370211.qy01", "合成·临港仓储有限公司", "临港仓储(合成)", "企业", "370211000000")


def _district_units(area: Area) -> list[Unit]:
    code, name = area.prefix, area.name
    seat = "管理委员会" if name.endswith("新区") else "人民政府"
    return [
        _unit(f"{code}.zf", name + seat, f"{name}政府", "政府", area.code, "3702.zf"),
        _unit(f"{code}.yj", f"{name}应急管理局", f"{name}应急局", "应急", area.code, f"{code}.zf"),
        _unit(f"{code}.fz", f"{name}防汛抗旱指挥部", f"{name}防指", "防指", area.code, f"{code}.zf"),
        _unit(f"{code}.sw", f"{name}水务主管部门", f"{name}水务", "水务", area.code, f"{code}.zf"),
    ]


def _town_units(area: Area) -> list[Unit]:
    seat = {"道": "办事处", "镇": "人民政府"}.get(area.name[-1], "管理机构")
    return [_unit(f"{area.prefix}.zj", area.name + seat, area.name, "镇街", area.code, f"{area.code[:6]}.zf")]


def _village_units(area: Area) -> list[Unit]:
    seat = "居民委员会" if area.name.endswith("社区") else "民委员会"
    return [_unit(f"{area.code}.wh", area.name + seat, area.name, "村居", area.code, f"{area.code[:9]}.zj")]


UNITS: dict[str, Any] = {"district": _district_units, "town": _town_units, "village": _village_units}

CITY_POSTS = (
    ("局领导", "leader", "3702.yj", 1),
    ("带班领导", "duty_lead", "3702.yj", 2),
    ("值班员", "duty_officer", "3702.yj.zhzx", 3),
    ("市防办值班", "flood_office", "3702.fb", 1),
)


def persons(seed: int) -> None:
    """For each post an A and a B holder with invented names and numbers that nobody owns."""
    posts = list(_posts())
    Post.everywhere.bulk_create(posts, batch_size=BATCH)
    chance = Random(f"person:{seed}")
    people = [_person(chance, post, n * 2 + b) for n, post in enumerate(posts) for b in (0, 1)]
    Person.everywhere.bulk_create(people, batch_size=BATCH)
    holdings = [
        Holding(post=posts[n // 2], person=person, rank=n % 2 + 1, since=SINCE, area_id=person.area_id)
        for n, person in enumerate(people)
    ]
    Holding.everywhere.bulk_create(holdings, batch_size=BATCH)


def _posts() -> Iterator[Post]:
    for title, role, unit, count in CITY_POSTS:
        for _ in range(count):
            yield Post(title=title, role=role, unit_id=unit, tier="city", area_id=ROOT)
    for area in Area.objects.exclude(level="city"):
        for title, role, unit in LOCAL_POSTS[area.level]:
            yield Post(title=title, role=role, unit_id=unit.format(area.prefix), tier=area.level, area_id=area.code)
    words = RESERVOIRS.split()
    for town, name in zip(words[::2], words[1::2], strict=True):
        title, code = f"{name}水库责任人", town + "000"
        yield Post(title=title, role="reservoir_keeper", unit_id=f"{town}.zj", tier="town", area_id=code)
    for code, name in _lines(OFFICES):
        yield Post(title=f"{name}负责人", role="office_head", unit_id=f"3702.yj.{code}", tier="city", area_id=ROOT)


LOCAL_POSTS = {
    "district": (("防指办负责人", "district_duty", "{}.fz"), ("应急值班室", "district_duty", "{}.yj")),
    "town": (("防汛责任人", "town_duty", "{}.zj"), ("值班室", "town_duty", "{}.zj")),
    "village": (("灾害信息员", "village_officer", "{}.wh"),),
}


def _person(chance: Random, post: Post, number: int) -> Person:
    name, phone = invented.person(chance), _phone(number)
    return Person(name=name, phone=phone, unit_id=post.unit_id, area_id=post.area_id, synthetic=True)


def _phone(number: int) -> str:
    """Eleven digits in the unassigned 100 range, all different."""
    return f"100{(number * 7919 + 20_220_914) % 100_000_000:08d}"
