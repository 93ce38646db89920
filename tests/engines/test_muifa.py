"""The replay data agree with every published figure, and the tool makes them again byte for byte."""

import subprocess
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from anlan.disaster.flood import muifa
from anlan.engines import bulletins, geodesy, rain, wind

ROOT = Path(muifa.__file__).parents[3]
STATIONS = muifa.load_stations()
times, values = muifa.load_series().grid()
GAUGES = [k for k, s in enumerate(STATIONS) if s.kind == "rain"]
FACTS = muifa.load_facts()


def second(text):
    return datetime.fromisoformat(text + "+08:00").timestamp()


def total(name, since="2022-09-14T02:00", until="2022-09-16T06:00"):
    row = next(k for k in GAUGES if STATIONS[k].name == name)
    return values[(times > second(since)) & (times <= second(until)), row].sum() / 10


def district_tenths(group):
    inside = (times > muifa.STARTS_AT.timestamp()) & (times <= muifa.RAIN_ENDS_AT.timestamp())
    rows = [k for k in GAUGES if muifa.GROUP_OF[STATIONS[k].town_code[:6]] == group]
    return values[np.ix_(inside, rows)].sum(), len(rows)


def test_three_hundred_stations_with_their_own_names_and_places():
    assert Counter(s.kind for s in STATIONS) == {"rain": 200, "wind": 40, "river": 30, "reservoir": 30}
    assert len({s.code for s in STATIONS}) == len({(s.kind, s.name) for s in STATIONS}) == 300
    assert all(len(s.town_code) == 12 and s.town_code.endswith("000") for s in STATIONS)
    assert all(119.4 < s.lon < 121.1 and 35.5 < s.lat < 37.2 for s in STATIONS)
    assert all("合成" in s.approx or "公开报道" in s.approx for s in STATIONS)
    assert all((s.warn_cm is None) == (s.kind in ("rain", "wind")) for s in STATIONS)


def test_the_series_are_complete():
    assert values.shape == (336, 300) and set(np.diff(times)) == {600}
    assert times[0] == muifa.STARTS_AT.timestamp() + 600 and times[-1] == muifa.ENDS_AT.timestamp()
    series = muifa.load_series()
    assert np.array_equal(series.station[:300], np.arange(300)) and np.all(values >= 0)


@pytest.mark.parametrize(("group", "mean"), muifa.DISTRICT_MEANS.items())
def test_every_district_has_its_published_mean(group, mean):
    tenths, count = district_tenths(group)
    assert tenths == round(mean * 10) * count


def test_the_published_gauges_keep_their_rain_and_one_is_the_largest():
    sums = values[:, GAUGES].sum(axis=0)
    assert STATIONS[GAUGES[int(np.argmax(sums))]].name == "蔚竹庵"
    assert total("蔚竹庵") == 518.0 and np.sum(sums == sums.max()) == 1
    for name, mm in {"崂顶": 482.9, "北九水": 470.9, "柳树台": 382.6}.items():
        assert total(name) == total(name, since="2022-09-14T06:00") == mm


def test_the_city_mean_by_area_is_near_the_published_one():
    km2 = dict(zip(muifa.DISTRICT_MEANS, (396, 584, 197, 1568, 1921, 2128, 1324, 3176), strict=True))
    rows = {group: district_tenths(group) for group in km2}
    mean = sum(km2[g] * rows[g][0] / rows[g][1] for g in km2) / sum(km2.values()) / 10
    assert mean == pytest.approx(muifa.CITY_MEAN, abs=1.1)


def test_some_places_passed_100_mm_before_the_orange_signal_and_the_rain_ends_by_six():
    before = values[np.ix_(times <= second("2022-09-15T18:10"), GAUGES)].sum(axis=0)
    assert np.sum(before > 1000) >= 5
    assert values[np.ix_(times > second("2022-09-16T06:00"), GAUGES)].sum() == 0
    half = values[np.ix_(times > second("2022-09-15T12:00"), GAUGES)].sum()
    assert half > 0.7 * values[:, GAUGES].sum()


def test_no_hour_is_beyond_what_such_a_storm_brings():
    assert 20 <= max(rain.peak(times, values[:, k] / 10, 1)[0] for k in GAUGES) <= 80


def test_the_strongest_gust_is_the_published_one():
    masts = [k for k, s in enumerate(STATIONS) if s.kind == "wind"]
    gusts = values[:, masts]
    step, mast = np.unravel_index(gusts.argmax(), gusts.shape)
    assert np.sum(gusts == gusts.max()) == 1
    assert STATIONS[masts[mast]].name == "大公岛" and times[step] == second("2022-09-15T17:30")
    assert gusts.max() == 330 and wind.force(gusts.max() / 10) == 12


def test_rivers_rise_behind_the_rain_and_a_ring_dam_hardly_moves():
    for k, station in enumerate(STATIONS):
        if station.kind == "river":
            assert times[values[:, k].argmax()] > second("2022-09-15T15:00")
            assert values[:, k].max() > values[0, k] + 50
        if station.name == "棘洪滩水库":
            assert 5 < values[:, k].max() - values[0, k] < 30


def test_signal_texts_say_what_their_columns_say():
    for fact in (f for f in FACTS if f.kind == "signal" and "预警信号" in f.text):
        found = bulletins.read(fact.text)
        assert (found.issuer, found.at, found.hazard) == (fact.actor, fact.at, fact.hazard)
        lifted = found.action == "lift"
        assert found.colour == (fact.level_from if lifted else fact.level_to)
        assert found.previous == ("" if lifted or found.action in ("issue", "continue") else fact.level_from)


def test_the_facts_are_in_order_and_nothing_above_level_four_is_claimed_for_the_city():
    assert [f.at for f in FACTS] == sorted(f.at for f in FACTS)
    city = [f for f in FACTS if f.kind == "response" and f.area == "370200000000"]
    assert [(f.at.isoformat(), f.level_to) for f in city] == [("2022-09-14T17:00:00+08:00", "Ⅳ")]
    assert all(f.source and f.confidence for f in FACTS)
    assert {f.at.strftime("%d %H:%M") for f in FACTS if f.reconstructed} == {"15 06:20", "15 20:00", "16 07:00"}


def test_the_facts_carry_the_means_that_the_series_meet():
    means = {f.value for f in FACTS if f.kind == "rain_total"}
    assert set(muifa.DISTRICT_MEANS.values()) | {muifa.CITY_MEAN, 518.0} <= means


def test_the_storm_moves_north_between_landfalls():
    fixes = muifa.load_track()
    lon, lat = muifa.storm_at(datetime.fromisoformat("2022-09-15T12:00:00+08:00"))
    assert fixes[1].lat < lat < fixes[2].lat and fixes[2].lon < lon < fixes[1].lon
    assert geodesy.distance_km(*muifa.storm_at(fixes[2].at), 120.62, 36.12) < 1
    with pytest.raises(ValueError):
        muifa.storm_at(muifa.ENDS_AT)


def test_the_tool_makes_the_same_data_again(tmp_path):
    subprocess.run([sys.executable, "-m", "tools.make_muifa", str(tmp_path)], cwd=ROOT, check=True)
    assert (tmp_path / "stations.csv").read_bytes() == (muifa.FOLDER / "stations.csv").read_bytes()
    made, kept = (np.load(folder / "series.npz") for folder in (tmp_path, muifa.FOLDER))
    assert all((made[name] == kept[name]).all() for name in ("time", "station", "value"))
