"""The network by SensorThings: what clients ask and get, what nobody gets, and what is refused."""

import re
from datetime import datetime, timedelta
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from anlan.faces import gate
from anlan.faces.sensorthings import fetch, observations
from anlan.kernel import clock
from anlan.kernel.people import scope
from anlan.kernel.people.models import Grant, Person
from anlan.kernel.worlds.models import World
from anlan.sensing import history
from anlan.sensing.models import Sensor, Station
from tests.kernel import city

from . import things
from .things import ROOT, ask, feed, names, signed_in, stream, thing

world, officer = things.world, things.officer


def test_the_service_says_what_it_has(officer):
    found = ask(officer, "")
    assert {row["name"] for row in found["value"]} == {
        "Things", "Locations", "HistoricalLocations", "Datastreams", "Sensors", "ObservedProperties", "Observations", "FeaturesOfInterest",
    }  # fmt: skip
    assert any(uri.endswith("/req/datamodel") for uri in found["serverSettings"]["conformance"])
    assert officer.get(f"{ROOT}/").json() == found
    for row in found["value"]:
        assert officer.get(row["url"]).status_code == 200


def test_a_thing_a_stream_and_its_readings(officer):
    feed("S0.stage", 1.0, 2.0, 3.0)
    station = ask(officer, "/Things")["value"][0]
    assert station["name"] == "0号站" and station["properties"]["code"] == "S0"
    assert ask(officer, thing()) == station
    streams = officer.get(station["Datastreams@iot.navigationLink"]).json()["value"]
    assert [s["unitOfMeasurement"]["symbol"] for s in streams] == ["m", "mm"] and streams[0]["name"] == "0号站水位"
    found = officer.get(streams[0]["Observations@iot.navigationLink"]).json()["value"]
    assert [o["result"] for o in found] == [1.0, 2.0, 3.0] and all(o["phenomenonTime"].endswith("Z") for o in found)
    assert officer.get(found[0]["@iot.selfLink"]).json() == found[0]
    alone = officer.get(found[0]["Datastream@iot.navigationLink"]).json()
    span = f"{found[0]['phenomenonTime']}/{found[-1]['phenomenonTime']}"
    assert alone == streams[0] | {"phenomenonTime": span, "resultTime": span}
    assert officer.get(found[0]["FeatureOfInterest@iot.navigationLink"]).json()["feature"] == {"type": "Point", "coordinates": [120.5, 36.1]}
    assert ask(officer, f"{thing()}/name") == {"name": "0号站"}
    assert officer.get(f"{station['@iot.selfLink']}/name/$value").content.decode() == "0号站"
    assert ask(officer, "/Things/$ref")["value"][0] == {"@iot.selfLink": station["@iot.selfLink"]}


def test_the_newest_reading_of_each_stream_at_once(officer):
    feed("S0.stage", 1.0, 2.0, 3.0)
    feed("S1.rain", 7.0)
    newest = "Observations($orderby=phenomenonTime desc;$top=1)"
    found = ask(officer, "/Things", expand=f"Datastreams($top=1;$orderby=properties/code desc;$expand={newest}),Locations")
    told = [[[o["result"] for o in s["Observations"]] for s in t["Datastreams"]] for t in found["value"]]
    assert told == [[[3.0]], [[]], [[]]], "by code descending the stage comes first"
    assert found["value"][1]["Locations"][0]["location"]["coordinates"] == [120.6, 36.2]
    first = found["value"][0]
    assert first["Datastreams@iot.nextLink"] and len(officer.get(first["Datastreams@iot.nextLink"]).json()["value"]) == 1


def test_filters_find_what_they_say(officer):
    feed("S0.stage", 1.0, 2.0, 3.0)
    for asked, there in (
        ("name eq '1号站'", ["1号站"]), ("Datastreams/ObservedProperty/name eq '水位'", ["0号站", "1号站", "2号站"]),
        ("properties/code ne 'S1' and startswith(name,'0')", ["0号站"]), ("substringof('号站',name)", ["0号站", "1号站", "2号站"]),
        ("endswith(name,'站') and not contains(name,'0')", ["1号站", "2号站"]), ("tolower(properties/code) eq 's2'", ["2号站"]),
        ("Locations/location/type eq 'Point' and id gt 0", ["0号站", "1号站", "2号站"]),
        ("geo.distance(Locations/location, geography'POINT(120.5 36.1)') lt 0.05", ["0号站"]),
        ("st_within(Locations/location, geography'POLYGON((120.55 36,121 36,121 37,120.55 37,120.55 36))')", ["1号站", "2号站"]),
        ("Datastreams/unitOfMeasurement/symbol eq 'm' and Datastreams/properties/code eq 'S1.rain'", []),
    ):  # fmt: skip
        assert names(ask(officer, "/Things", filter=asked)) == there, asked
    assert [r["result"] for r in ask(officer, "/Observations", filter="result gt 1.5 and Datastream/properties/code eq 'S0.stage'")["value"]] == [2, 3]
    assert names(ask(officer, "/ObservedProperties", filter="name eq '水位'")) == ["水位"]
    assert names(ask(officer, "/ObservedProperties('rain')/Datastreams", orderby="id desc", top=1)) == ["2号站降水量"]
    moment = (clock.now() - timedelta(seconds=90)).isoformat()
    assert [r["result"] for r in ask(officer, "/Observations", filter=f"phenomenonTime ge {moment}", orderby="result desc")["value"]] == [3, 2]


# ── pages ───────────────────────────────────────────────────────────────────────────────────────────────────


def through(client, path, between=lambda: None, **given):
    """All pages, with what happens between them."""
    found = ask(client, path, **given)
    rows = list(found["value"])
    while link := found.get("@iot.nextLink"):
        between()
        found = client.get(link).json()
        rows += found["value"]
    return rows


@pytest.mark.parametrize("order", ["phenomenonTime", "phenomenonTime desc", "result", "result desc,phenomenonTime", "id desc"])
def test_no_reading_is_lost_or_told_twice_while_new_ones_come(officer, order):
    feed("S0.stage", *[float(n % 7) for n in range(40)], ago=600)
    feed("S1.stage", *[float(n % 5) for n in range(40)], ago=600)
    before = {row["@iot.id"] for row in ask(officer, "/Observations", top=1000)["value"]}
    rows = through(officer, "/Observations", between=lambda: feed("S0.stage", 3.0), top=11, orderby=order)
    ids = [row["@iot.id"] for row in rows]
    assert len(before) == 80 and len(ids) == len(set(ids)) and before <= set(ids)
    key = "result" if "result" in order else "phenomenonTime"
    told = [row[key] for row in rows]
    assert order == "id desc" or told == sorted(told, reverse=f"{key} desc" in order)


def test_skip_top_and_count_say_what_they_say(officer):
    feed("S0.stage", *map(float, range(25)))
    found = ask(officer, stream() + "/Observations", top=4, skip=3, count="true", orderby="phenomenonTime desc")
    assert [r["result"] for r in found["value"]] == [21, 20, 19, 18] and found["@iot.count"] == 25
    assert len(through(officer, stream() + "/Observations", top=4, skip=3, count="true")) == 22
    for path, count in (("/Things", 3), (stream() + "/Observations", 25), ("/ObservedProperties", 2)):
        assert ask(officer, path, top=0, count="true") == {"@iot.count": count, "value": []}
    assert names(through_all := {"value": through(officer, "/Datastreams", top=2, orderby="name desc")}) == sorted(names(through_all), reverse=True)
    assert len(through_all["value"]) == 6 and len(through(officer, "/ObservedProperties", top=1)) == 2
    assert "@iot.nextLink" not in ask(officer, "/Things", top=3) and "@iot.nextLink" in ask(officer, "/Things", top=2)


def test_what_is_sealed_is_told_with_what_is_not(officer, world, settings, tmp_path):
    settings.HOME = tmp_path
    feed("S0.stage", 1.0, 2.0, 3.0)
    with clock.travelled(timedelta(hours=5)):
        gate.forget()
        feed("S0.stage", 4.0)
        assert history.seal_some(world) == 3
        assert [r["result"] for r in ask(officer, stream() + "/Observations")["value"]] == [1, 2, 3, 4]
        first, last = (datetime.fromisoformat(t) for t in ask(officer, stream() + "/phenomenonTime")["phenomenonTime"].split("/"))
        assert timedelta(hours=5) <= last - first < timedelta(hours=5, minutes=3)
    with clock.travelled(timedelta(days=40)):
        gate.forget()
        assert ask(officer, stream() + "/Observations")["value"] == [], "without a beginning the newest 31 days are meant"
        assert len(ask(officer, stream() + "/Observations", filter="phenomenonTime gt now() sub duration'P60D'")["value"]) == 4


# ── who sees what ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_person_of_one_district_finds_nothing_of_another(world, officer):
    feed("S0.stage", 1.0)
    feed("S2.stage", 9.0)
    mine = signed_in("崂山", "district_duty", city.LAOSHAN, "370212.yj")
    station, sensor = Station.objects.get(code="S2").pk, Sensor.objects.get(code="S2.stage").pk
    reading = ask(officer, f"/Datastreams({sensor})/Observations")["value"][0]["@iot.id"]
    assert names(ask(mine, "/Things", count="true")) == names(ask(mine, "/Locations")) == names(ask(mine, "/FeaturesOfInterest")) == ["0号站", "1号站"]
    assert [r["result"] for r in ask(mine, "/Observations")["value"]] == [1.0] and ask(mine, "/Observations", count="true")["@iot.count"] == 1
    nothing = ask(mine, "/Things(987654)", 404)
    for path in (f"/Things({station})", f"/Things({station})/Datastreams", f"/Datastreams({sensor})", f"/Datastreams({sensor})/Observations",
                 f"/Sensors({sensor})", f"/Locations({station})/Things", f"/FeaturesOfInterest({station})/Observations", f"/Observations('{reading}')",
                 f"/Observations('{reading}')/Datastream", "/ObservedProperties('gas')", f"{thing()}/Datastreams({sensor})",
                 "/Nothing", "/Things('x')", f"{thing()}/nothing", "/Things/name"):  # fmt: skip
        assert ask(mine, path, 404) == nothing, path
    assert ask(mine, "/Things", filter=f"id eq {station} or Datastreams/properties/code eq 'S2.stage'")["value"] == []
    everything = mine.get(f"{ROOT}/ObservedProperties?$expand=Datastreams($expand=Thing,Sensor,Observations($expand=FeatureOfInterest))").content.decode()
    assert "0号站" in everything and "2号站" not in everything and "S2" not in everything


def test_a_sensor_of_mine_at_a_station_of_others_does_not_open_the_station(world):
    abroad = Station.objects.get(code="S2")
    Sensor(station=abroad, code="S2.mine", quantity="flow", unit="m³/s", low=0, high=9, area_id=city.SHAZIKOU).save()
    mine = signed_in("崂山", "district_duty", city.LAOSHAN, "370212.yj")
    [mixed] = ask(mine, "/Datastreams", filter="properties/code eq 'S2.mine'", expand="Thing,Observations($expand=FeatureOfInterest)")["value"]
    assert mixed["Thing"] is None and ask(mine, stream("S2.mine") + "/Thing", 404)
    assert ask(mine, "/Datastreams", filter="properties/code eq 'S2.mine' and Thing/name eq '2号站'")["value"] == []


def test_a_role_that_reads_nothing_here_opens_nothing_by_its_area(world):
    mine = signed_in("崂山", "district_duty", city.LAOSHAN, "370212.yj")
    Grant.objects.create(person=Person.everywhere.get(name="崂山"), role="enterprise", area_id=scope.ROOT, since=city.SINCE)
    assert names(ask(mine, "/Things")) == ["0号站", "1号站"]


def test_another_world_has_its_own_readings_and_its_own_addresses(officer, world):
    feed("S0.stage", 1.0)
    other = World.objects.create(pk=7, kind="replay", title="回放", name="replay")
    found = officer.get(f"/w/{other.pk}{ROOT}{stream()}").json()
    assert f"/w/{other.pk}{ROOT}/" in found["Thing@iot.navigationLink"] and officer.get(found["Thing@iot.navigationLink"]).json()["name"] == "0号站"
    assert officer.get(found["Observations@iot.navigationLink"]).json()["value"] == [] and "phenomenonTime" not in found


def test_nobody_comes_in_without_a_sign_in_and_keepers_see_no_data(world):
    answer = Client().get(f"{ROOT}/Things")
    assert (answer.status_code, answer.json()) == (401, {"code": 401, "type": "error", "message": "请先登录,或出示读取令牌"})
    assert ask(signed_in("系统", "system_keeper"), "/Things", 403)["type"] == "error"
    assert ask(signed_in("企业", "enterprise"), "/Things", 403)["code"] == 403


# ── what is refused ─────────────────────────────────────────────────────────────────────────────────────────


def test_writing_is_refused_whatever_the_method(officer):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = officer.cookies
    for method in ("post", "put", "patch", "delete"):
        answer = getattr(strict, method)(f"{ROOT}/Things", b"{}", content_type="application/json")
        assert answer.status_code == 405 and "GET" in answer["Allow"] and "只读接口" in answer.json()["message"]


OF_FILTERS = {
    "name eq": "$filter 第 8 个字符处", "name eq 5": "不能比较文字与数字", "naam eq 'x'": "没有可筛选的字段 naam",
    "(" * 500 + "name eq 'x'" + ")" * 500: "嵌套超过", "not " * 500 + "true": "嵌套超过", "id eq " + "1 add " * 300 + "1": "嵌套超过",
    " and ".join(["id gt 0"] * 200): "条件过多", "x" * 4001: "查询过长", "name eq 'x' garbage": "多出“garbage”", "name eq 'it''s": "无法识别",
    "sleep(5)": "不支持函数 sleep", "length()": "应有 1 个参数", "id eq Datastreams/id": "同一比较",
    "geo.intersects(name, geography'POINT(1 2)')": "此处应为几何",
    "st_within(Locations/location, geography'POLYGON((1 2))')": "首尾相接", "Datastreams/Observations/result gt 3": "请直接查询 Observations",
    "Datastreams/Thing/Datastreams/Thing/name eq 'x'": "最多经过 3 个关联",
    "name": "应为条件", "name eq 'a' and id": "此处应为真假", "": "此处应为条件", "id gt duration'P1D'": "不能比较", "(name eq 'x') eq true": "不能比较",
}  # fmt: skip
WRONGS: list[tuple[dict[str, str], int, str]] = [
    *(({"filter": text}, 400, said) for text, said in OF_FILTERS.items()),
    ({"top": "-1"}, 400, "$top 应为不小于 0 的整数"), ({"top": "9" * 40}, 400, "$top"), ({"skip": "1e3"}, 400, "$skip"),
    ({"skip": "100001"}, 400, "$skip 最大为"), ({"count": "ja"}, 400, "$count 应为 true 或 false"),
    ({"orderby": "name up"}, 400, "$orderby 第 1 个字符处"), ({"orderby": "id,password"}, 400, "不能按 password 排序"),
    ({"select": "secret"}, 400, "没有 secret"), ({"expand": "Nothing"}, 400, "没有关联 Nothing"), ({"expand": "Datastreams($top=1"}, 400, "没有成对"),
    ({"expand": "Datastreams($expand=Thing($expand=Datastreams($expand=Thing($expand=Datastreams))))"}, 400, "最多 4 层"),
    ({"expand": "Datastreams/Thing/" * 30 + "Datastreams"}, 400, "最多 4 层"),
    ({"resultFormat": "dataArray"}, 501, "不支持 dataArray"), ({"apply": "x"}, 400, "不支持查询选项 $apply"),
]  # fmt: skip


def test_what_is_wrong_is_told_with_its_place(officer):
    for asked, status, said in WRONGS:
        found = ask(officer, "/Things", status, **asked)
        assert (found["code"], found["type"]) == (status, "error") and said in found["message"], (asked, found)


def test_readings_are_asked_for_within_bounds(officer, monkeypatch):
    feed("S0.stage", *map(float, range(30)))
    for asked, said in (("phenomenonTime gt 2000-01-01T00:00:00Z", "最长 366 天"), ("phenomenonTime gt now() sub duration'PT9999999999999H'", "时长"),
                        ("phenomenonTime gt 9999-12-31T23:59:59-10:00", "超出范围"), ("result eq 'high'", "不能比较")):  # fmt: skip
        assert said in ask(officer, "/Observations", 400, filter=asked)["message"], asked
    for token in ("x", "1.2.3", "0.99999999999999.1.1.1.0", "1.2.3.4." + "9" * 30, "999999999999990.999999999999999.1.1.1.0"):
        ask(officer, "/Observations", 400, skiptoken=token)
    assert len(ask(officer, "/Observations", filter="phenomenonTime lt 2999-01-01T00:00:00Z")["value"]) == 30, "the future has no readings"
    assert ask(officer, "/Observations", filter="phenomenonTime lt 0001-01-01T00:00:00Z")["value"] == []
    monkeypatch.setattr(fetch, "MOST_ROWS", 20)
    assert "最多 20 个实体" in ask(officer, "/Observations", 400)["message"]
    monkeypatch.setattr(observations, "MOST_READ", 20)
    for path, asked in (("/Observations", {"count": "true"}), ("/Observations", {"orderby": "result"}), ("/Things", {"expand": "Datastreams/Observations"})):
        assert "请收窄" in ask(officer, path, 400, **asked)["message"]


def test_a_great_top_is_cut_and_continued(officer, world):
    feed("S0.stage", *[1.0] * 1200, every=1)
    assert len(ask(officer, "/Observations", top=2147483647)["value"]) == 1000
    assert len(through(officer, "/Observations", top=2147483647)) == 1200


def test_odd_words_are_words(officer):
    for text in ("'; DROP TABLE sensing_station; --", '"', "\\", "%' OR '1'='1", "x' or name ne '", "\u2028", "{{7*7}}", "%s %(a)s", "\U0001f30a" * 50):
        word = text.replace("'", "''")
        asked = f"name eq '{word}' or contains(name,'{word}') or startswith(properties/note,'{word}') or Datastreams/properties/code eq '{word}'"
        assert ask(officer, "/Things", filter=asked)["value"] == [], text
        assert officer.get(f"{ROOT}/Things('{quote(text)}')").status_code == 404
    assert Station.objects.count() == 3 and officer.get(f"{ROOT}/Things?$filter=name eq '%00'").status_code == 400


def test_the_number_of_queries_does_not_grow_with_the_rows(officer, world):
    asked = {"expand": "Locations,Datastreams($count=true;$expand=Observations($top=1;$orderby=phenomenonTime desc),ObservedProperty,Sensor)"}

    def once():
        with CaptureQueriesContext(connection) as told:
            ask(officer, "/Things", **asked)
        return len(told)

    def cost():
        """Grants and the plan of the network are remembered for seconds, and now and then asked anew."""
        return min(once() for _ in range(3))

    ask(officer, "/Things", **asked)
    before = cost()
    for n in range(10, 30):
        station = Station(code=f"S{n}", name=f"{n}号站", kind="river", area_id=city.SHAZIKOU, lon=120, lat=36)
        station.save()
        Sensor(station=station, code=f"S{n}.stage", quantity="stage", unit="m", low=0, high=9, area_id=city.SHAZIKOU).save()
    assert cost() == before < 40


# ── as real clients ask ─────────────────────────────────────────────────────────────────────────────────────


def raw(client, query):
    """An address as it stands in a client, with its own way of escaping."""
    path, _, query = query.partition("?")
    answer = client.get(f"{ROOT}{path}", QUERY_STRING=query)
    assert answer.status_code == 200, answer.content.decode()
    return answer.json()


BOX = "POLYGON((120.45 36, 120.65 36, 120.65 37, 120.45 37, 120.45 36))"


def test_the_requests_of_qgis(officer):
    """Its provider counts, asks which geometries there are, pages, and asks for an extent (QGIS, qgssensorthingsshareddata.cpp)."""
    typed = "location/type eq 'Point' or location/geometry/type eq 'Point'"
    assert raw(officer, f"/Locations?$top=0&$count=true&$filter={typed}")["@iot.count"] == 3
    assert raw(officer, "/Locations?$top=0&$count=true&$filter=location/type eq 'Polygon' or location/geometry/type eq 'Polygon'")["@iot.count"] == 0
    page = raw(officer, f"/Locations?$top=2&$count=false&$filter={quote(typed)}")
    rest = officer.get(page["@iot.nextLink"]).json()
    assert names(page) + names(rest) == ["0号站", "1号站", "2号站"] and "@iot.count" not in page and "@iot.nextLink" not in rest
    assert names(raw(officer, f"/Locations?$filter=({typed}) and (geo.intersects(location, geography'{BOX}'))&$top=200&$count=false")) == ["0号站", "1号站"]
    assert names(raw(officer, f"/FeaturesOfInterest?$top=200&$filter=geo.intersects(feature, geography'{BOX}')")) == ["0号站", "1号站"]
    nested = raw(officer, "/Locations?$top=100&$count=false&$expand=Things($orderby=name asc;$top=10;$expand=Datastreams($filter=name ne 'x';$top=5))")
    assert [len(t["Datastreams"]) for row in nested["value"] for t in row["Things"]] == [2, 2, 2]
    root = raw(officer, "")
    assert all(set(row) == {"name", "url"} for row in root["value"])


def test_the_requests_of_the_frost_client(officer):
    """As frost_sta_client 1.1 sends them: ``$`` and blanks escaped, links followed as they stand."""
    feed("S0.stage", *map(float, range(250)))
    expand = "%24expand=Datastreams%28%24expand%3DObservedProperty%2CSensor%3B%24top%3D5%29%2CLocations"
    found = raw(officer, f"/Things?{expand}&%24filter=name+eq+%270%E5%8F%B7%E7%AB%99%27")
    [station] = found["value"]
    assert station["Datastreams"][0]["ObservedProperty"]["name"] == "水位" and station["Locations"][0]["location"]["type"] == "Point"
    page = raw(officer, stream() + "/Observations?%24orderby=phenomenonTime+desc&%24top=100&%24count=true")
    rows, pages = list(page["value"]), 1
    while link := page.get("@iot.nextLink"):
        page, pages = officer.get(link).json(), pages + 1
        rows += page["value"]
    assert [r["result"] for r in rows] == list(map(float, range(249, -1, -1))) and pages == 3 and page["@iot.count"] == 250
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", r["phenomenonTime"]) for r in rows)


def test_the_requests_of_web_maps(officer):
    """Shapes that pages in the field use: paths in select, links of links, quoted plus signs that became blanks."""
    feed("S0.stage", 1.0, 2.0)
    found = raw(officer, "/Things?$select=@iot.id,properties/code&$expand=Datastreams($select=@iot.id,@iot.selfLink)")
    assert found["value"][0]["properties"] == {"code": "S0"} and set(found["value"][0]["Datastreams"][0]) == {"@iot.id", "@iot.selfLink"}
    assert raw(officer, "/Datastreams?$expand=Thing/Locations&$top=1")["value"][0]["Thing"]["Locations"][0]["name"] == "0号站"
    assert raw(officer, f"{thing()}{stream()}/Observations?$orderby=resultTime asc")["value"][1]["result"] == 2.0
    moment = (clock.now() - timedelta(seconds=30)).astimezone().isoformat()
    assert [r["result"] for r in raw(officer, f"/Observations?$filter=resultTime gt {moment}")["value"]] == [2.0]
    found = raw(officer, "/Things?$filter=Datastreams/properties/code eq 'S0.stage' and Datastreams/unitOfMeasurement/symbol eq 'm'&$count=true")
    assert found["@iot.count"] == 1 and names(found) == ["0号站"]
