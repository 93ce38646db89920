"""The drawing of the city: every town has one valid cell, cells do not overlap, the bay is water."""

import csv
import json
from collections import Counter
from pathlib import Path

import pytest
import shapely
from shapely.geometry import shape

from anlan.engines import geodesy

KERNEL = Path(geodesy.__file__).parents[1] / "kernel"
DATA = KERNEL / "places/data"


def load(name):
    rows = json.loads((DATA / name).read_text(encoding="utf-8"))["features"]
    return {row["properties"]["code"]: row for row in rows}


CELLS, DISTRICTS = load("schematic.geojson"), load("districts.geojson")
SHAPES = {code: shape(row["geometry"]) for code, row in CELLS.items()}
with (KERNEL / "demo/data/qingdao_towns.csv").open(encoding="utf-8") as file:
    TOWNS = {row["code"] + "000": row for row in csv.DictReader(file)}


def test_every_town_has_exactly_one_cell():
    assert len(json.loads((DATA / "schematic.geojson").read_text(encoding="utf-8"))["features"]) == 135
    assert set(CELLS) == set(TOWNS)
    for code, row in CELLS.items():
        facts = row["properties"]
        assert (facts["name"], facts["district"]) == (TOWNS[code]["name"], TOWNS[code]["district_code"] + "000000")


def test_cells_are_valid_and_do_not_overlap():
    shapes = list(SHAPES.values())
    assert all(cell.is_valid and not cell.is_empty for cell in shapes)
    left, right = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    for a, b in zip(left, right, strict=True):
        assert a == b or shapes[a].intersection(shapes[b]).area < 1e-9


def test_a_district_is_the_union_of_its_cells():
    assert Counter(row["properties"]["level"] for row in DISTRICTS.values()) == {"district": 10}
    for code, row in DISTRICTS.items():
        parts = [SHAPES[town] for town, cell in CELLS.items() if cell["properties"]["district"] == code]
        whole = shape(row["geometry"])
        assert whole.is_valid
        assert shapely.unary_union(parts).symmetric_difference(whole).area < 1e-9


def test_labels_lie_in_their_cells_and_the_city_has_its_area():
    for row in [*CELLS.values(), *DISTRICTS.values()]:
        assert geodesy.inside(*row["properties"]["label"], row["geometry"])
    assert sum(geodesy.area_km2(row["geometry"]) for row in CELLS.values()) == pytest.approx(11_294, rel=0.01)


def holder(lon, lat):
    return [code for code, row in CELLS.items() if geodesy.inside(lon, lat, row["geometry"])]


def test_jiaozhou_bay_is_open_and_the_sea_lies_east():
    for lon, lat in [(120.25, 36.12), (120.2, 36.15), (120.3, 36.03), (120.45, 36.0), (120.9, 36.2)]:
        assert holder(lon, lat) == []


def test_most_seats_lie_in_their_own_cell():
    own = sum(holder(float(t["lon"]), float(t["lat"])) == [code] for code, t in TOWNS.items())
    assert own >= 130


def test_coordinates_have_five_decimals_and_the_files_are_small():
    files = [DATA / "schematic.geojson", DATA / "districts.geojson"]
    assert sum(path.stat().st_size for path in files) < 600_000
    for row in CELLS.values():
        flat = shapely.get_coordinates(shape(row["geometry"])).ravel()
        assert all(round(value, 5) == value for value in flat)


def test_named_reservoirs_lie_in_their_district():
    with (DATA / "reservoirs.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len({row["name"] for row in rows}) == len(rows) == 24
    assert all(TOWNS[row["town_code"]]["district_code"] + "000000" == row["district"] for row in rows)
    assert {row["confidence"] for row in rows} == {"medium", "low"}
