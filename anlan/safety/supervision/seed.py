"""Rows of the demo city: 2 000 invented enterprises, spread by population, each inside its town's schematic cell."""

import json
from pathlib import Path
from random import Random

from anlan.engines import geodesy
from anlan.kernel import places
from anlan.kernel.people.models import Area

from .models import Enterprise

COUNT, SEED = 2000, 20230222
CELLS = Path(places.__file__).parent / "data" / "schematic.geojson"
SHARES = {"chemical": 9, "mine": 2, "metal": 8, "dust": 8, "ammonia": 5, "fireworks": 4, "building": 14, "crowded": 20, "other": 30}
HEADS = ("海澜", "崂泉", "胶湾", "沽河", "琅琊", "云峰", "鲁岳", "瑞丰", "恒泰", "宏远", "金泽", "永信", "同辉", "正源", "嘉禾", "众诚")
TAILS = {
    "chemical": "化工", "mine": "矿业", "metal": "铸造", "dust": "木业", "ammonia": "冷藏", "fireworks": "烟花销售",
    "building": "建设工程", "crowded": "电子", "other": "机械",
}  # fmt: skip


def plant() -> None:
    """Write the rows once; the same seed writes the same rows."""
    chance = Random(SEED)
    cells = {f["properties"]["code"]: f["geometry"] for f in json.loads(CELLS.read_text(encoding="utf-8"))["features"]}
    towns = [t for t in Area.objects.filter(level=Area.Level.TOWN).order_by("code") if t.code in cells]
    picked = chance.choices(towns, weights=[t.population or 1 for t in towns], k=COUNT)
    Enterprise.objects.bulk_create([_one(chance, n, town, cells[town.code]) for n, town in enumerate(picked, 1)], batch_size=500)


def _one(chance: Random, number: int, town: Area, cell: dict) -> Enterprise:
    trade = chance.choices(list(SHARES), weights=list(SHARES.values()))[0]
    lon, lat = _inside(chance, cell)
    return Enterprise(
        name=f"合成·{chance.choice(HEADS)}{TAILS[trade]}{number:04d}", trade=trade, area=town, lon=lon, lat=lat, synthetic=True,
        level=chance.choices((1, 2, 3, 4), weights=(6, 16, 38, 40) if trade in ("chemical", "mine", "metal") else (1, 7, 32, 60))[0],
        staff=int(chance.lognormvariate(4.0, 1.0)) + 3, keeper="模拟负责人", phone=f"100{90000000 + number}",
    )  # fmt: skip


def _inside(chance: Random, cell: dict) -> tuple[float, float]:
    """A point drawn within the cell."""
    west, south, east, north = geodesy.bounds(point for rings in geodesy.polygons(cell) for point in rings[0])
    while True:
        lon, lat = chance.uniform(west, east), chance.uniform(south, north)
        if geodesy.inside(lon, lat, cell):
            return round(lon, 5), round(lat, 5)
