import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from anlan.engines import geodesy as g

lons = st.floats(-179, 179)
lats = st.floats(-80, 80)
SQUARE = [(0, 0), (4, 0), (4, 4), (0, 4), (0, 0)]
HOLE = [(1, 1), (2, 1), (2, 2), (1, 2), (1, 1)]


def test_a_degree_of_the_equator_is_the_radius_times_its_angle():
    assert g.distance_km(0, 0, 1, 0) == pytest.approx(111.19508, abs=1e-5)


def test_paris_to_london():
    assert g.distance_km(2.3522, 48.8566, -0.1278, 51.5074) == pytest.approx(343.56, abs=0.1)


@given(lons, lats, lons, lats)
def test_distance_is_symmetric_and_equal_in_both_forms(a, b, c, d):
    one = g.distance_km(a, b, c, d)
    assert one == pytest.approx(g.distance_km(c, d, a, b), abs=1e-6)
    assert one == pytest.approx(float(g.distances_km(a, b, c, d)), abs=1e-6)
    assert 0 <= one <= np.pi * g.RADIUS_KM + 1e-6


@pytest.mark.parametrize(("to", "bearing"), [((0, 1), 0), ((1, 0), 90), ((0, -1), 180), ((-1, 0), 270)])
def test_the_four_winds(to, bearing):
    assert g.bearing_deg(0, 0, *to) == pytest.approx(bearing)


@given(lons, lats, st.floats(0, 360), st.floats(0.001, 2000))
def test_a_destination_lies_as_far_as_it_should(lon, lat, bearing, km):
    assert g.distance_km(lon, lat, *g.destination(lon, lat, bearing, km)) == pytest.approx(km, abs=1e-5)


@given(st.floats(100, 140), st.floats(-60, 60), st.floats(0, 360), st.floats(0.1, 500))
def test_a_box_holds_its_whole_circle(lon, lat, bearing, km):
    west, south, east, north = g.box_around(lon, lat, km)
    x, y = g.destination(lon, lat, bearing, km)
    assert west - 1e-9 <= x <= east + 1e-9 and south - 1e-9 <= y <= north + 1e-9


def test_bounds():
    assert g.bounds([(3, 1), (1, 5), (2, 2)]) == (1, 1, 3, 5)
    with pytest.raises(ValueError):
        g.bounds([])


def test_a_hole_is_outside():
    shape = {"type": "Polygon", "coordinates": [SQUARE, HOLE]}
    assert g.inside(3, 3, shape) and not g.inside(1.5, 1.5, shape) and not g.inside(5, 1, shape)
    many = {"type": "MultiPolygon", "coordinates": [[SQUARE, HOLE], [HOLE]]}
    assert g.inside(1.5, 1.5, many)
    with pytest.raises(ValueError):
        g.inside(1, 1, {"type": "Point", "coordinates": [1, 1]})


@given(st.floats(-5, 5), st.floats(-5, 5), st.integers(3, 12), st.booleans())
def test_a_regular_polygon_agrees_with_its_circles(x, y, sides, closed):
    angles = 2 * np.pi * np.arange(sides) / sides
    ring = [(3 * np.cos(a), 3 * np.sin(a)) for a in angles]
    ring += ring[:1] if closed else []
    far, inner = np.hypot(x, y), 3 * np.cos(np.pi / sides)
    assume(far > 3.0001 or far < inner - 1e-4)
    assert g.inside_ring(x, y, ring) == (far < inner)


def test_an_octant_is_an_eighth_of_the_sphere():
    octant = [(0, 0), (90, 0), (90, 90), (0, 90)]
    assert g.ring_area_km2(octant) == pytest.approx(np.pi * g.RADIUS_KM**2 / 2)
    with_hole = {"type": "Polygon", "coordinates": [SQUARE, HOLE]}
    assert g.area_km2(with_hole) == pytest.approx(g.ring_area_km2(SQUARE) - g.ring_area_km2(HOLE))


def test_a_track_passes_its_fixes_and_the_middle_of_a_leg():
    times, lons_, lats_ = [0, 6, 12], [122.0, 121.5, 120.7], [30.0, 30.9, 36.1]
    for t, x, y in zip(times, lons_, lats_, strict=True):
        assert g.position_at(t, times, lons_, lats_) == pytest.approx((x, y))
    middle = g.position_at(9, times, lons_, lats_)
    assert g.distance_km(*middle, 121.5, 30.9) == pytest.approx(g.distance_km(*middle, 120.7, 36.1), abs=1e-6)


@pytest.mark.parametrize("at", [-1, 12.5])
def test_no_position_is_guessed_outside_a_track(at):
    with pytest.raises(ValueError):
        g.position_at(at, [0, 12], [1, 2], [1, 2])
