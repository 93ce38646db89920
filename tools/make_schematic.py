"""Makes the schematic cells (示意) of towns and districts: python -m tools.make_schematic

A cell is the ground nearest to a town seat: a Voronoi cell inside a smooth hull of the seats, cut by the GSHHG coast.
Nothing comes from any boundary data set, so no line on it is a border. The hull is widened until the area of the city
is the published 11 294 km2. Same input, same bytes. A development tool (shapely); the product only reads the files.
"""

import csv
import json
from collections import defaultdict
from math import cos, radians
from pathlib import Path

import numpy as np
import shapely
from shapely import MultiPolygon, Point, Polygon
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from anlan.engines import geodesy

ROOT = Path(__file__).parents[1] / "anlan/kernel"
SEATS = ROOT / "demo/data/qingdao_towns.csv"
COAST = ROOT / "places/data/gshhg/qingdao_coast.geojson"
OUT = ROOT / "places/data"

BOX = (119.3, 35.4, 121.5, 37.3)
KM = 1 / 111.195
SQUEEZE = cos(radians(36.3))
CITY_KM2 = 11_294
HULL_RATIO = 0.35
CORNER_KM = 6
SIMPLIFY = 0.0012
GRID = 1e-5
CALLED = {"370211": "西海岸新区"}
ISLAND_BOX = (119.65, 35.55, 121.0, 36.5)
ISLAND_REACH_KM = 45
ISLAND_TOWN = "370211401"
CREDIT = "示意图块，非行政界线。镇街驻地：GeoNames (CC BY 4.0) 及手工概位；海岸线：GSHHG (LGPL-3.0-or-later)。"


def main() -> None:
    towns = read_towns()
    coast = [shape(f["geometry"]) for f in json.loads(COAST.read_text(encoding="utf-8"))["features"]]
    seats = {t["code"]: Point(float(t["lon"]), float(t["lat"])) for t in towns}
    inland = {code: seat for code, seat in seats.items() if code != ISLAND_TOWN}
    land = mainland([g for g in coast if g.geom_type == "LineString"], inland)
    cells = join(cut(inland, land.intersection(hull(inland, land))), inland)
    cells = dict(zip(cells, shapely.coverage_simplify(list(cells.values()), SIMPLIFY), strict=True))
    for code, part in islands([g for g in coast if g.geom_type == "Polygon"], seats):
        cells[code] = cells[code].union(part) if code in cells else part
    write(towns, {code: tidy(cell) for code, cell in cells.items()})


def read_towns() -> list[dict[str, str]]:
    with SEATS.open(encoding="utf-8", newline="") as file:
        return sorted(csv.DictReader(file), key=lambda row: row["code"])


def flat(geometry: BaseGeometry) -> BaseGeometry:
    """Degrees of longitude squeezed, so that a circle on the ground is a circle here."""
    return shapely.transform(geometry, lambda xy: xy * (SQUEEZE, 1))


def round_(geometry: BaseGeometry) -> BaseGeometry:
    return shapely.transform(geometry, lambda xy: xy / (SQUEEZE, 1))


def mainland(lines: list[BaseGeometry], seats: dict[str, Point]) -> BaseGeometry:
    """The faces of the coast lines in the box that hold a seat: which side is land is told by people living there."""
    network = shapely.unary_union([*lines, shapely.box(*BOX).exterior])
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(network)))
    held = [sum(face.contains(seat) for seat in seats.values()) for face in faces]
    return faces[int(np.argmax(held))]


def hull(seats: dict[str, Point], land: BaseGeometry) -> BaseGeometry:
    core = flat(shapely.concave_hull(shapely.MultiPoint(list(seats.values())), HULL_RATIO))
    low, high = 2.0, 20.0
    while high - low > 0.01:
        wide = (low + high) / 2
        edge = core.buffer((wide + CORNER_KM) * KM).buffer(-CORNER_KM * KM)
        small = geodesy.area_km2(round_(edge).intersection(land).__geo_interface__) < CITY_KM2
        low, high = (wide, high) if small else (low, wide)
    print(f"hull widened by {low:.2f} km")
    return round_(edge)


def cut(seats: dict[str, Point], land: BaseGeometry) -> list[tuple[str, Polygon]]:
    """Faces of land lines and Voronoi lines together, each with its nearest seat; neighbours share every vertex."""
    codes, points = list(seats), flat(shapely.MultiPoint(list(seats.values())))
    voronoi = round_(shapely.voronoi_polygons(points, extend_to=flat(shapely.box(*BOX)), only_edges=True))
    lines = shapely.unary_union([land.boundary, voronoi], grid_size=GRID)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
    tree = shapely.STRtree(shapely.get_parts(points))
    dry = [face for face in faces if land.contains(face.representative_point())]
    return [(codes[tree.nearest(flat(face.representative_point()))], face) for face in dry]


def join(faces: list[tuple[str, Polygon]], seats: dict[str, Point]) -> dict[str, BaseGeometry]:
    """One body a town: a piece cut off from its seat by water goes to the neighbour with the longest common edge."""
    pieces = defaultdict(list)
    for code, face in faces:
        pieces[code].append(face)
    cells, loose = {}, []
    for code, parts in sorted(pieces.items()):
        parts.sort(key=lambda part: (part.distance(seats[code]), -part.area))
        cells[code] = parts[0]
        loose += parts[1:]
    while loose:
        loose.sort(key=lambda part: (-part.area, part.bounds))
        homes = [max((shared(cell, part), code) for code, cell in cells.items()) for part in loose]
        taken = next((k for k, (length, _) in enumerate(homes) if length > 0), None)
        if taken is None:
            print("left out, without a neighbour:", [(p.bounds, p.area) for p in loose])
            break
        cells[homes[taken][1]] = cells[homes[taken][1]].union(loose.pop(taken))
    return cells


def shared(cell: BaseGeometry, part: BaseGeometry) -> float:
    return cell.intersection(part).length if cell.intersects(part) else 0.0


def islands(shapes: list[BaseGeometry], seats: dict[str, Point]) -> list[tuple[str, BaseGeometry]]:
    found = []
    for island in shapes:
        middle = island.representative_point()
        if not shapely.box(*ISLAND_BOX).contains(middle):
            continue
        far, code = min((geodesy.distance_km(middle.x, middle.y, s.x, s.y), code) for code, s in seats.items())
        if far <= ISLAND_REACH_KM:
            found.append((code, island.simplify(SIMPLIFY / 4)))
    return found


def tidy(cell: BaseGeometry) -> MultiPolygon:
    parts = shapely.get_parts(shapely.set_precision(cell, GRID))
    return MultiPolygon(sorted(parts, key=lambda part: (-part.area, part.bounds)))


def write(towns: list[dict[str, str]], cells: dict[str, MultiPolygon]) -> None:
    rows, groups = [], defaultdict(list)
    for town in towns:
        code, cell = town["code"], cells[town["code"]]
        groups[town["district_code"], town["district"]].append(cell)
        rows.append(feature(code + "000", town["name"], town["district_code"] + "000000", "town", cell))
    save(OUT / "schematic.geojson", "schematic", rows)
    whole = [
        feature(code + "000000", CALLED.get(code, name), "370200000000", "district", tidy(shapely.unary_union(parts)))
        for (code, name), parts in sorted(groups.items())
    ]
    save(OUT / "districts.geojson", "districts", whole)


def feature(code: str, name: str, parent: str, level: str, cell: MultiPolygon) -> dict:
    body = cell.geoms[0]
    label = shapely.maximum_inscribed_circle(flat(body), 0.002).coords[0]
    facts = {
        "code": code,
        "name": name,
        ("district" if level == "town" else "parent"): parent,
        "level": level,
        "label": [round(label[0] / SQUEEZE, 5), round(label[1], 5)],
        "area_km2": round(geodesy.area_km2(cell.__geo_interface__), 2),
    }
    rings = [
        [[[round(x, 5), round(y, 5)] for x, y in r.coords] for r in (p.exterior, *p.interiors)] for p in cell.geoms
    ]
    geometry = {"type": "MultiPolygon", "coordinates": rings}
    if len(rings) == 1:
        geometry = {"type": "Polygon", "coordinates": rings[0]}
    return {"type": "Feature", "id": code, "properties": facts, "geometry": geometry}


def save(path: Path, name: str, rows: list[dict]) -> None:
    head = {"type": "FeatureCollection", "name": name, "credit": CREDIT}
    body = ",\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
    text = json.dumps(head, ensure_ascii=False)[:-1] + ', "features": [\n' + body + "\n]}\n"
    path.write_text(text, encoding="utf-8")
    print(f"{path.name}: {len(rows)} features, {len(text.encode()) // 1000} kB")


if __name__ == "__main__":
    main()
