import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anlan.engines import coordinates as c

lons = st.floats(73, 137)
lats = st.floats(1.5, 55)


@pytest.mark.parametrize(
    ("wgs", "gcj"),
    [
        ((121.5272106, 31.1774276), (121.531541859215, 31.17530398364597)),
        ((113.912316, 22.543847), (113.9171764808363, 22.540796131694766)),
        ((116.377817, 39.911954), (116.38404722455657, 39.91334545536069)),
    ],
)
def test_gcj_equals_the_published_examples_of_eviltransform(wgs, gcj):
    assert np.allclose(c.gcj_from_wgs(*wgs), gcj, rtol=0, atol=1e-9)


def test_bd_equals_the_published_example_of_coordtransform():
    assert np.allclose(c.bd_from_gcj(116.404, 39.915), (116.41036949371029, 39.92133699351021), rtol=0, atol=1e-9)


@given(lons, lats)
def test_every_inverse_returns_to_the_same_point(lon, lat):
    for there, back in (
        (c.gcj_from_wgs, c.wgs_from_gcj),
        (c.bd_from_gcj, c.gcj_from_bd),
        (c.bd_from_wgs, c.wgs_from_bd),
    ):
        assert np.allclose(back(*there(lon, lat)), (lon, lat), rtol=0, atol=1e-8)


@given(lons, lats)
def test_the_offset_is_never_zero_and_below_a_kilometre(lon, lat):
    x, y = c.gcj_from_wgs(lon, lat)
    assert 0 < np.hypot((x - lon) * np.cos(np.radians(lat)), y - lat) * 111.2 < 1.0


@given(st.lists(st.tuples(lons, lats), min_size=1, max_size=20))
def test_an_array_gives_what_its_points_give(points):
    x, y = np.array(points).T
    together = np.array(c.wgs_from_bd(x, y)).T
    assert np.array_equal(together, np.array([c.wgs_from_bd(*p) for p in points]))


@pytest.mark.parametrize("point", [(2.35, 48.85), (151.2, -33.9), (72.0, 30.0), (-179.0, 10.0)])
def test_outside_china_nothing_moves(point):
    for turn in (c.gcj_from_wgs, c.wgs_from_gcj, c.bd_from_gcj, c.gcj_from_bd, c.bd_from_wgs, c.wgs_from_bd):
        assert tuple(map(float, turn(*point))) == point


def test_qingdao_moves_about_460_m_east():
    x, _ = c.gcj_from_wgs(120.38, 36.07)
    assert 400 < (x - 120.38) * 111_195 * np.cos(np.radians(36.07)) < 520
