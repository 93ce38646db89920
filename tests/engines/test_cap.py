from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from anlan.engines import cap
from anlan.engines.cap import areas, document, feed
from anlan.engines.cap.model import Area, Fault, Info, Reference
from tests.engines import cap_messages
from tests.engines.cap_messages import SOUND

FILES = Path(__file__).parent / "cap"
BEIJING = timezone(timedelta(hours=8))
ATOM = "http://www.w3.org/2005/Atom"


def bare(text: str) -> str:
    return text.partition("?>")[2]


# ── what is read ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_sound_message_is_read_whole():
    read = cap.read(SOUND)
    assert read.faults == () and cap.check(SOUND) == ()
    (alert,) = read.alerts
    assert alert.sent == datetime(2022, 9, 14, 8, 50, tzinfo=UTC) and alert.msg_type == "Update"
    first = datetime(2022, 9, 13, 10, tzinfo=BEIJING)
    assert alert.references == (Reference("37020041600000", "37020041600000_20220913100000_0", first),)
    (info,) = alert.infos
    assert (info.language, info.categories, info.event, info.severity) == ("zh-CN", ("Met",), "台风", "Moderate")
    assert info.parameters == (("colour", "黄色"),)
    (area,) = info.areas
    assert area.polygons == (((35.5, 119.5), (37.2, 119.5), (37.2, 121.0), (35.5, 119.5)),)
    assert area.circles == ((36.07, 120.38, 50.0),) and area.geocodes == ((areas.CPEAS, "370200000000"),)


def test_seven_real_alerts_in_an_edxl_envelope():
    body = (FILES / "bushfire_valid.edxlde").read_bytes()
    alerts = cap.read(body).alerts
    assert [alert.identifier[-5:] for alert in alerts] == [
        "40500",
        "40444",
        "40394",
        "40428",
        "40484",
        "40487",
        "40435",
    ]
    assert [alert.infos[0].severity for alert in alerts] == ["Minor"] + ["Moderate"] * 6
    fifth = alerts[4]
    assert fifth.sent == datetime(2011, 10, 17, 4, 30, tzinfo=UTC) and fifth.infos[0].headline == "Langs Rd Fire"
    assert fifth.infos[0].expires == datetime(2011, 10, 18, 4, 30, tzinfo=UTC)
    assert fifth.infos[0].areas[0].circles == ((-34.2805, 150.0102, 0.0),)
    assert fifth.infos[0].areas[0].geocodes == (("ISO 3166-2", "AU-NSW"),)
    assert fifth.infos[0].resources[0].mime_type == "text/html"
    assert cap.check(body) == ()


def test_the_envelope_s_faults_say_where():
    read = cap.read((FILES / "bushfire_valid.edxlde").read_bytes())
    place = "EDXLDistribution/contentObject[{}]/xmlContent/embeddedXMLContent/alert/info/parameter[6]"
    assert [fault.place for fault in read.faults] == [place.format(number) for number in range(1, 8)]
    assert {fault.what for fault in read.faults} == {"parameter没有value"}


@pytest.mark.parametrize("encoding", ["gb2312", "GBK", "gb18030", "utf-16", "utf-16-le", "utf-8-sig", "utf-32"])
def test_every_encoding_gives_the_same_alert(encoding):
    declared = SOUND.replace("UTF-8", encoding.removesuffix("-sig"))
    assert cap.read(declared.encode(encoding)) == cap.read(SOUND)


def test_latin_one_and_blanks_around_values():
    body = SOUND.replace("UTF-8", "ISO-8859-1").replace("青岛市气象台发布台风黄色预警信号", "\n  Avis à Qingdao\t ")
    body = body.encode("iso-8859-1", "xmlcharrefreplace")
    assert cap.read(body).alerts[0].infos[0].headline == "Avis à Qingdao"


def test_prefixed_names_and_version_1_1():
    prefixed = SOUND.replace("</", "</c:").replace("<", "<c:").replace("<c:/c:", "</c:").replace("<c:?", "<?")
    prefixed = prefixed.replace("xmlns=", "xmlns:c=")
    assert cap.read(prefixed) == cap.read(SOUND) and cap.check(prefixed) == ()
    old = SOUND.replace("cap:1.2", "cap:1.1")
    assert cap.read(old) == cap.read(SOUND)
    assert [fault.what for fault in cap.check(old)] == ["不是CAP 1.2，未按结构核对"]


def test_a_time_without_zone_is_guessed_only_where_a_zone_is_given():
    body = SOUND.replace("<sent>2022-09-14T16:50:00+08:00", "<sent>2022-09-14T16:50:00")
    assert cap.read(body).alerts[0].sent is None
    assert cap.read(body, zone=BEIJING).alerts == cap.read(SOUND).alerts
    assert cap.read(body, zone=BEIJING).faults == cap.read(body).faults


def test_names_with_blanks_stand_in_quotation_marks():
    body = SOUND.replace("<references>", '<addresses>one "two three" 四</addresses><references>')
    assert cap.read(body).alerts[0].addresses == ("one", "two three", "四")


# ── what is broken is named ─────────────────────────────────────────────────────────────────────────────────

AREA, INFO = "alert/info/area", "alert/info"
NO_REFERENCE = ("alert/references", "Update消息没有可用的references，不知针对哪条消息")
RING = "35.5,119.5 37.2,119.5 37.2,121.0 35.5,119.5"
NAMED = "37020041600000,37020041600000_20220913100000_0,2022-09-13T10:00:00+08:00"
ODD_TIME = "时间写法不合标准（应为YYYY-MM-DDThh:mm:ss±hh:mm）"
BROKEN = [
    ("<scope>Public</scope>", "", [("alert", "缺少scope")]),
    ("<scope>Public</scope>", "<scope/>", [("alert/scope", "scope为空")]),
    (">Public<", ">public<", [("alert/scope", "scope的取值不在标准之内：public")]),
    (">Public<", ">Restricted<", [("alert/restriction", "scope为Restricted而没有restriction")]),
    (">Public<", ">Private<", [("alert/addresses", "scope为Private而没有addresses")]),
    ("<severity>Moderate", "<severity>较重", [("alert/info/severity", "severity的取值不在标准之内：较重")]),
    ("<category>Met", "<category>Weather", [("alert/info/category", "category的取值不在标准之内：Weather")]),
    ("<sent>2022-09-14T16:50:00+08:00", "<sent>2022-09-14T16:50:00", [("alert/sent", "时间没有时区")]),
    ("<sent>2022-09-14T16:50:00+08:00", "<sent>2022-09-14 16:50:00+08:00", [("alert/sent", ODD_TIME)]),
    ("<sent>2022-09-14T16:50:00+08:00", "<sent>2022-09-14T08:50:00Z", [("alert/sent", ODD_TIME)]),
    ("<sent>2022-09-14T16:50:00+08:00", "<sent>2022-02-30T16:50:00+08:00", [("alert/sent", "时间不能识别")]),
    ("<sent>2022-09-14T16:50:00+08:00", "<sent>2022年9月14日", [("alert/sent", "时间不能识别")]),
    (NAMED, "", [("alert/references", "references为空"), NO_REFERENCE]),
    (f"<references>{NAMED}</references>", "", [NO_REFERENCE]),
    (NAMED, "37020041600000_20220913100000", [("alert/references", "引用应为“sender,identifier,sent”"), NO_REFERENCE]),
    (NAMED, "a,b,2022-09-13T10:00:00", [("alert/references", "时间没有时区"), NO_REFERENCE]),
    (NAMED, "a,b,2022-09-13 10:00:00+08:00", [("alert/references", ODD_TIME)]),
    (
        NAMED,
        "37020041600000,37020041600000_20220914165000_0,2022-09-14T08:50:00-00:00",
        [("alert/references", "消息引用了自己")],
    ),
    (
        "<expires>2022-09-16",
        "<expires>2022-09-13",
        [(f"{INFO}/expires", "expires不晚于sent"), (f"{INFO}/expires", "expires不晚于effective")],
    ),
    (
        "<expires>2022-09-16",
        "<onset>2022-09-15T16:50:00+08:00</onset><expires>2022-09-15",
        [(f"{INFO}/expires", "expires不晚于onset")],
    ),
    (
        "<event>台风</event>",
        '<event>台风</event><audience xmlns="urn:x">a</audience>',
        [(f"{INFO}/audience", "标准中没有的元素：audience")],
    ),
    (RING, RING[:-10] + "35.6,119.5", [(f"{AREA}/polygon", "多边形没有闭合（末点应与首点相同）")]),
    (RING, "35.5,119.5 37.2,119.5 35.5,119.5", [(f"{AREA}/polygon", "多边形少于4个点")]),
    (RING, "119.5,35.5 119.5,37.2 121.0,37.2 119.5,35.5", [(f"{AREA}/polygon", "经纬度写反（应为纬度在前）")]),
    (RING, "35.5,119.5 97.2,219.5 37.2,121.0 35.5,119.5", [(f"{AREA}/polygon", "坐标超出范围：97.2,219.5")]),
    (RING, RING.replace("37.2,121.0", "37.2;121.0"), [(f"{AREA}/polygon", "坐标对不能识别：37.2;121.0")]),
    (RING, RING.replace("119.5 ", "119.5, "), [(f"{AREA}/polygon", "坐标对后有多余的逗号")]),
    (RING, RING.replace("37.2,121.0", "nan,inf"), [(f"{AREA}/polygon", "坐标对不能识别：nan,inf")]),
    (RING, " ", [(f"{AREA}/polygon", "多边形为空")]),
    ("36.07,120.38 50", "36.07,120.38", [(f"{AREA}/circle", "圆应为“纬度,经度 半径千米”")]),
    ("36.07,120.38 50", "120.38,36.07 50", [(f"{AREA}/circle", "经纬度写反（应为纬度在前）")]),
    ("36.07,120.38 50", "36.07,120.38 -1", [(f"{AREA}/circle", "半径为负")]),
    ("<value>黄色</value>", "", [(f"{INFO}/parameter", "parameter没有value")]),
    ("<valueName>colour</valueName>", "", [(f"{INFO}/parameter", "parameter没有valueName")]),
    (
        "<event>台风</event>",
        "<event>台风</event><event>大风</event>",
        [(f"{INFO}/event[2]", "event只应出现一次，以首个为准")],
    ),
    ("<event>台风</event>", "<event><b>台风</b></event>", [(f"{INFO}/event", "event中不应再有元素")]),
    ("<event>台风</event>", "<event>台风</event><kind>1</kind>", [(f"{INFO}/kind", "标准中没有的元素：kind")]),
    ("<status>Actual</status>", "", [("alert", "缺少status")]),
    ("cap:1.2", "alerts:1.2", [("alert", "命名空间不是CAP 1.2或1.1：urn:oasis:names:tc:emergency:alerts:1.2")]),
    (
        "<sender>37020041600000",
        "<sender>青岛 气象,台",
        [("alert/sender", "含有空格、逗号或限制字符，无法被后续消息引用")],
    ),
]


@pytest.mark.parametrize(("old", "new", "told"), BROKEN)
def test_what_is_broken_is_named_and_the_rest_is_read(old, new, told):
    assert old in SOUND
    read = cap.read(SOUND.replace(old, new, 1))
    assert [(fault.place, fault.what) for fault in read.faults] == told
    (alert,) = read.alerts
    assert alert.infos[0].areas[0].geocodes == ((areas.CPEAS, "370200000000"),) and alert.infos[0].event == "台风"


def test_a_wrong_order_is_told_once_and_breaks_the_schema():
    body = SOUND.replace("<scope>Public</scope>\n", "").replace("<sender>", "<scope>Public</scope><sender>")
    read = cap.read(body)
    assert [(fault.place, fault.what) for fault in read.faults] == [("alert/sender", "元素次序不合标准：sender")]
    assert read.alerts == cap.read(SOUND).alerts
    assert [fault.place for fault in cap.check(body)] == ["alert/scope"]


def test_a_ring_that_cannot_be_on_earth_is_left_out_and_an_open_one_is_kept():
    swapped = cap.read(SOUND.replace(RING, "119.5,35.5 119.5,37.2 121.0,37.2 119.5,35.5"))
    assert swapped.alerts[0].infos[0].areas[0].polygons == ()
    assert swapped.faults[0].text.startswith("119.5,35.5")
    assert len(cap.read(SOUND.replace(RING, RING[:-11])).alerts[0].infos[0].areas[0].polygons[0]) == 3


def test_messages_that_need_no_info_and_those_that_do():
    start, end = SOUND.index("  <info>"), SOUND.index("</alert>")
    without = SOUND[:start] + SOUND[end:]
    assert [fault.what for fault in cap.read(without).faults] == ["Update消息没有info"]
    assert cap.read(without.replace(">Update<", ">Cancel<")).faults == ()
    assert [fault.what for fault in cap.read(without.replace(">Update<", ">Error<")).faults] == [
        "Error消息没有在note中说明原因"
    ]
    assert cap.check(without) == ()


# ── feeds and envelopes ─────────────────────────────────────────────────────────────────────────────────────


def test_an_atom_feed_with_alerts_and_with_links():
    inside = f"<entry><content type='application/cap+xml'>{bare(SOUND)}</content></entry>"
    pointing = "<entry><link href='http://localhost/1.cap'/></entry>"
    read = cap.read(f"<feed xmlns='{ATOM}'>{inside}{pointing}{inside}</feed>")
    assert read.alerts == cap.read(SOUND).alerts * 2
    assert read.faults == (Fault("feed/entry[2]", "条目内没有预警正文，只有链接", "entry", "http://localhost/1.cap"),)


def test_a_message_quoted_as_text_is_read_in_its_place():
    quoted = f"<entry><content><![CDATA[{SOUND.replace('<scope>Public</scope>', '')}]]></content></entry>"
    broken = "<entry><content>&lt;alert&gt;</content></entry>"
    body = f"<feed xmlns='{ATOM}'>{broken}{quoted}</feed>"
    read = cap.read(body)
    assert len(read.alerts) == 1 and read.alerts[0].infos == cap.read(SOUND).alerts[0].infos
    assert [(fault.place, fault.what) for fault in read.faults] == [
        ("feed/entry[2]/content/alert", "缺少scope"),
        ("feed/entry[1]", "条目内没有预警正文"),
    ]
    assert [fault.place for fault in cap.check(body)] == ["feed/entry[2]/content/alert/references"]


def test_many_alerts_in_one_feed_take_no_long():
    entries = "<entry><content><alert xmlns='urn:oasis:names:tc:emergency:cap:1.2'/></content></entry>" * 3000
    read = cap.read(f"<feed xmlns='{ATOM}'>{entries}<entry/></feed>")
    assert len(read.alerts) == 3000 and len(read.faults) == 1001


def test_threads_check_side_by_side():
    wrong = SOUND.replace("<scope>Public</scope>", "")
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(cap.check, [SOUND, wrong] * 100))
    assert {len(faults) for faults in found[::2]} == {0} and {len(faults) for faults in found[1::2]} == {1}


def test_a_real_feed_without_any_alert():
    read = cap.read((FILES / "invalid_element.atom").read_bytes())
    assert read.alerts == ()
    assert [(f.place, f.what) for f in read.faults] == [
        ("feed/entry", "条目内没有预警正文"),
        ("feed", "没有找到CAP预警"),
    ]


def test_an_alert_inside_a_signature_is_no_message():
    signed = f'<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><Object>{bare(SOUND)}</Object></Signature>'
    assert cap.read(f"<feed xmlns='{ATOM}'>{signed}</feed>").alerts == ()


def test_an_unknown_envelope_is_told_and_what_it_holds_is_read():
    read = cap.read(f"<soap>{bare(SOUND)}</soap>")
    assert read.alerts == cap.read(SOUND).alerts
    assert [fault.what for fault in read.faults] == ["不认识的外层格式"]


def test_our_feed_is_newest_first_and_carries_the_messages():
    (alert,) = cap.read(SOUND).alerts
    at = datetime(2022, 9, 14, 17, tzinfo=BEIJING)
    entries = [
        feed.Entry(alert, "http://localhost/1", at),
        feed.Entry(replace(alert, infos=()), "http://localhost/2", at + timedelta(hours=1)),
    ]
    body = feed.feed(entries, "青岛预警", "http://localhost/feed", "青岛市应急管理局", at, whole=True)
    root = etree.fromstring(body)
    assert [node.text for node in root.iter(f"{{{ATOM}}}title")] == [
        "青岛预警",
        f"Update {alert.identifier}",
        alert.infos[0].headline,
    ]
    assert [node.text for node in root.iter(f"{{{ATOM}}}updated")] == [
        "2022-09-14T17:00:00+08:00",
        "2022-09-14T18:00:00+08:00",
        "2022-09-14T17:00:00+08:00",
    ]
    links = [node.attrib for node in root.iter(f"{{{ATOM}}}link")]
    assert [(link["rel"], link["href"]) for link in links] == [
        ("self", "http://localhost/feed"),
        ("alternate", "http://localhost/2"),
        ("alternate", "http://localhost/1"),
    ]
    assert cap.read(body).alerts == (entries[1].alert, alert) and cap.check(body) == ()
    assert cap.read(feed.feed(entries, "青岛预警", "http://localhost/feed", "局", at)).alerts == ()


# ── what is written ─────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(cap_messages.alerts)
def test_what_is_written_is_valid_and_reads_back_the_same(alert):
    body = cap.write(alert)
    assert cap.check(body) == () and cap.read(body).alerts == (alert,)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(cap_messages.alerts, min_size=1, max_size=3))
def test_a_feed_reads_back_the_same(alerts):
    entries = [
        feed.Entry(alert, f"http://localhost/{9 - n}", datetime(2022, 1, 1, tzinfo=UTC))
        for n, alert in enumerate(alerts)
    ]
    body = feed.feed(entries, "预警", "http://localhost/feed", "局", datetime(2022, 1, 1, tzinfo=UTC), whole=True)
    assert cap.read(body).alerts == tuple(alerts)


def test_universal_time_is_written_as_the_standard_asks():
    (alert,) = cap.read(SOUND).alerts
    assert b"<sent>2022-09-14T08:50:00-00:00</sent>" in cap.write(replace(alert, sent=alert.sent.astimezone(UTC)))
    assert b"<sent>2022-09-14T16:50:00+08:00</sent>" in cap.write(alert)


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": ""},
        {"status": "Real"},
        {"sent": None},
        {"sent": datetime(2022, 9, 14)},
        {"sent": datetime(2022, 9, 14, 1, 1, 1, 5, tzinfo=UTC)},
        {"sent": datetime(2022, 9, 14, tzinfo=timezone(timedelta(seconds=90)))},
        {"references": (Reference("a b", "c", datetime(2022, 9, 14, tzinfo=UTC)),)},
        {"addresses": ('say "no"',)},
        {"note": "bell \x07"},
        {"infos": (Info(event="台风"),)},
        {
            "infos": (
                Info("zh-CN", ("Met",), "台风", (), "Past", "Minor", "Likely", areas=(Area(altitude=float("nan")),)),
            )
        },
    ],
)
def test_what_the_standard_cannot_hold_is_not_written(wrong):
    (alert,) = cap.read(SOUND).alerts
    with pytest.raises(ValueError):
        cap.write(replace(alert, **wrong))


SCHEMA_BREAKS = [
    ("<sender>37020041600000</sender>", "", "alert/sent"),
    ("16:50:00+08:00</sent>", "08:50:00Z</sent>", "alert/sent"),
    ("<certainty>Likely", "<certainty>Very Likely", "alert/info/certainty"),
    ("<areaDesc>青岛市</areaDesc>", "", "alert/info/area/polygon"),
    ("<scope>Public</scope>", "<scope>Public</scope><scope>Public</scope>", "alert/scope[2]"),
    ("<value>黄色</value>", "<value>黄色</value><value>红色</value>", "alert/info/parameter/value[2]"),
    ("<category>Met</category>", "", "alert/info/event"),
]


@pytest.mark.parametrize(("old", "new", "place"), SCHEMA_BREAKS)
def test_the_schema_names_the_place(old, new, place):
    assert {fault.place for fault in cap.check(SOUND.replace(old, new, 1))} == {place}


def test_the_schema_lets_signatures_follow_and_nothing_else():
    signed = SOUND.replace("</alert>", '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/></alert>')
    assert cap.check(signed) == () and cap.read(signed) == cap.read(SOUND)
    assert len(cap.check(SOUND.replace("</alert>", '<more xmlns="urn:more"/></alert>'))) == 1


# ── attacks ─────────────────────────────────────────────────────────────────────────────────────────────────

LAUGHS = '<!DOCTYPE alert [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def test_entities_are_never_expanded(tmp_path):
    (tmp_path / "secret").write_text("the secret")
    outside = f'<!DOCTYPE alert [<!ENTITY x SYSTEM "{(tmp_path / "secret").as_uri()}">]>'
    bodies = [
        (FILES / "xee.cap").read_bytes(),
        outside + bare(SOUND).replace("台风", "&x;"),
        LAUGHS + "]>" + bare(SOUND).replace("台风", "&i;"),
        f"<!-- a --> <?b c?> {outside}{bare(SOUND)}",
        f'<!DOCTYPE alert SYSTEM "http://localhost:1/x.dtd">{bare(SOUND)}',
        (outside + bare(SOUND)).encode("utf-16"),
    ]
    for body in bodies:
        read = cap.read(body)
        assert read.alerts == () and [fault.what[:5] for fault in read.faults] == ["含有文档类"]
        assert [fault.what[:5] for fault in cap.check(body)] == ["含有文档类"]


def test_size_and_depth_are_bounded():
    assert cap.read(SOUND, limit=100).faults[0].what == "内容超过100字节，不予读取"
    assert cap.read(b" " * (document.LIMIT + 1)).faults[0].what.startswith("内容超过")
    deep = SOUND.replace("台风</event>", "<b>" * 98 + "台风" + "</b>" * 98 + "</event>")
    assert cap.read(deep).faults[0].what == "元素嵌套超过100层，不予读取"
    assert cap.read("<a>" * 100_000).faults[0].what.startswith("不是完整的XML")


def test_a_flood_of_faults_is_cut():
    read = cap.read(SOUND.replace("</alert>", "<x/>" * 60_000 + "</alert>"))
    assert len(read.alerts) == 1 and len(read.faults) == 1001
    assert (read.faults[0].place, read.faults[-1].what) == ("alert/x[1]", "错误超过1000处，其余不再列出")


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "不是完整的XML"),
        (b"\xff\xfe\x00", "文字编码不能识别或与内容不符"),
        (SOUND.encode()[:900], "文字编码不能识别或与内容不符|不是完整的XML"),
        (SOUND.encode("gbk"), "文字编码不能识别或与内容不符：utf-8|文字编码不能识别或与内容不符：UTF-8"),
        (SOUND.replace("UTF-8", "punycode").encode(), "文字编码不能识别或与内容不符：punycode"),
        (SOUND.replace("UTF-8", "rot13").encode(), "文字编码不能识别或与内容不符：rot13"),
        ("\ud800", "不是完整的XML"),
        ("{}", "不是完整的XML"),
        ("<html/>", "不认识的外层格式"),
        (bare(SOUND).replace("台风", "&nothing;"), "不是完整的XML"),
    ],
)
def test_what_cannot_be_read_is_a_fault(body, what):
    read = cap.read(body)
    assert read.alerts == () and read.faults[0].what.startswith(tuple(what.split("|")))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200))
def test_nothing_raises(body):
    assert cap.read(body).faults and cap.check(body)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(SOUND) - 1), st.integers(0, 40), st.text("<>&/ \"'0,:-Z文\x00", max_size=4))
def test_damage_never_raises_and_never_goes_unsaid(at, length, text):
    damaged = SOUND[:at] + text + SOUND[at + length :]
    read = cap.read(damaged)
    assert read.alerts or read.faults
