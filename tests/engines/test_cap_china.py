import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.engines import cap, capid
from anlan.engines.cap import areas, china, feed
from anlan.engines.cap.life import state
from anlan.engines.cap.model import Area, Info, Reference
from tests.engines.cap_messages import SOUND

BEIJING = timezone(timedelta(hours=8))
AT = datetime(2022, 9, 14, 16, 50, tzinfo=BEIJING)
INFO = Info(
    categories=("Met",),
    event="台风",
    severity="Moderate",
    headline="青岛市气象台发布台风黄色预警信号",
    expires=AT + timedelta(1),
)
PLACES = [("370200", "青岛市"), ("370212001000", "崂山区中韩街道")]

DETAIL = {
    "head": "昭苏县发布雷电黄色预警信号",
    "PROVINCE": "新疆维吾尔自治区",
    "CITY": "伊犁哈萨克自治州",
    "STATIONNAME": "昭苏县",
    "SIGNALTYPE": "雷电",
    "SIGNALLEVEL": "黄色",
    "TYPECODE": "09",
    "LEVELCODE": "02",
    "ISSUETIME": "2026-10-06 21:29:27",
    "RELIEVETIME": "2026-10-07 09:29:27",
    "ISSUECONTENT": "昭苏县气象台2026年10月6日21时29分发布雷电黄色预警信号：预计今天夜间将出现雷电天气，请注意防范。",
    "msgType": "Alert",
    "identifier": "65402641600000_20261006212927",
    "references": "65402641600000_20261006212927",
}


def jsonp(**changes) -> str:
    return f"var alarminfo={json.dumps({**DETAIL, **changes}, ensure_ascii=False)};"


def whats(faults) -> list[tuple[str, str]]:
    return [(fault.place, fault.what) for fault in faults]


# ── our own messages ────────────────────────────────────────────────────────────────────────────────────────


def test_our_own_message_is_valid_and_keeps_the_profile():
    alert = china.compose(capid.Identifier("370200", capid.WEATHER, AT), INFO, PLACES)
    assert (alert.identifier, alert.sender) == ("37020041600000_20220914165000_0", "37020041600000")
    body = cap.write(alert)
    assert cap.check(body) == () and cap.read(body) == cap.Read((alert,)) and china.faults(alert) == ()
    assert alert.infos[0].language == "zh-CN" and areas.codes(alert) == ("370200", "370212001000")


def test_an_update_and_a_cancel_of_ours_are_found_by_reference():
    first = china.compose(capid.Identifier("370200", capid.WEATHER, AT), INFO, PLACES)
    later = capid.Identifier("370200", capid.WEATHER, AT + timedelta(hours=1), 1)
    second = china.compose(later, INFO, PLACES, (first.key,), "Update")
    assert state([second, first], later.at).in_force == (second,)


@pytest.mark.parametrize(
    ("code", "info"), [("3702", INFO), ("990200", INFO), ("370200", replace(INFO, areas=(Area("x"),)))]
)
def test_what_leaves_the_profile_is_not_composed(code, info):
    with pytest.raises(ValueError):
        china.compose(capid.Identifier("370200", capid.WEATHER, AT), info, [(code, "青岛市")])


def test_a_message_of_the_profile_has_no_faults():
    assert china.faults(cap.read(SOUND).alerts[0]) == ()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "<identifier>37020041600000_20220914165000_0",
            "<identifier>QD-1",
            [("alert/identifier", "编号不合QX/T 433（应为14位机构码_14位时间_序号）")],
        ),
        (",37020041600000_20220913100000_0,", ",QD-0,", [("alert/references", "引用的编号不合QX/T 433")]),
        ("zh-CN", "en-US", [("alert/info/language", "没有中文（zh-CN）的info")]),
        ("370200000000", "3702", [("alert/info/area/geocode", "区划代码应为GB/T 2260的6位或12位数字")]),
        ("CPEAS Geographic Code", "FIPS6", [("alert/info/area/geocode", "没有区划代码（CPEAS Geographic Code）")]),
        ("36.07,120.38 50", "60.07,120.38 50", [("alert/info/area/circle", "坐标不在中国范围内")]),
        ("36.07,120.38 50", "85.1,43.5 50", [("alert/info/area/circle", "经纬度写反（应为纬度在前）")]),
    ],
)
def test_what_leaves_the_profile_is_named(old, new, told):
    assert old in SOUND
    (alert,) = cap.read(SOUND.replace(old, new, 1)).alerts
    assert whats(china.faults(alert)) == told


# ── public feeds ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("body", [jsonp(), jsonp().encode(), jsonp()[14:-1], f"callback({jsonp()[14:-1]})"])
def test_a_detail_page_is_read(body):
    read = china.detail(body)
    assert read.faults == ()
    (alert,) = read.alerts
    assert (alert.identifier, alert.sender, alert.msg_type) == (DETAIL["identifier"], "65402641600000", "Alert")
    assert alert.sent == datetime(2026, 10, 6, 21, 29, 27, tzinfo=BEIJING) and alert.references == ()
    (info,) = alert.infos
    assert (info.language, info.event, info.severity, info.urgency) == ("zh-CN", "雷电", "Moderate", "Unknown")
    assert info.expires == datetime(2026, 10, 7, 9, 29, 27, tzinfo=BEIJING)
    assert info.sender_name == "昭苏县气象台" and info.event_codes == (("TYPECODE", "09"), ("LEVELCODE", "02"))
    assert info.areas[0].desc == "新疆维吾尔自治区伊犁哈萨克自治州昭苏县" and areas.codes(alert) == ("654026000000",)
    assert info.categories == ("Met",)
    assert china.faults(alert) == () and cap.read(cap.write(alert)).alerts == read.alerts


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"SIGNALLEVEL": "紫色"}, [("SIGNALLEVEL", "预警颜色不能识别：紫色")]),
        ({"ISSUETIME": "昨天"}, [("ISSUETIME", "时间不能识别")]),
        ({"msgType": "Alarm"}, [("msgType", "msgType的取值不在标准之内：Alarm")]),
        ({"msgType": "Cancel"}, [("references", "Cancel消息没有可用的references，不知针对哪条消息")]),
        ({"references": "no such"}, [("references", "引用的编号不合QX/T 433")] * 2),
    ],
)
def test_a_broken_detail_is_named_and_the_rest_is_read(changes, told):
    read = china.detail(jsonp(**changes))
    assert whats(read.faults) == told and read.alerts[0].infos[0].event == "雷电"


def test_only_the_weather_office_is_sure_to_speak_of_weather():
    alert = china.detail(jsonp(identifier="65402633200000_20261006212927")).alerts[0]
    assert alert.infos[0].categories == ("Other",)


def test_a_cancel_of_a_feed_ends_what_it_names():
    first = china.detail(jsonp()).alerts[0]
    end = china.detail(jsonp(identifier="65402641600000_20261006233000", msgType="Cancel")).alerts[0]
    assert end.references == (Reference("65402641600000", DETAIL["identifier"], first.sent),)
    assert state([end, first], first.sent).in_force == (first,) and state([end, first], end.sent).in_force == ()


def page(*rows) -> str:
    return json.dumps({"code": 0, "data": {"page": {"list": rows}}}, ensure_ascii=False)


ROW = {
    "alertid": "41062241600000_20230605160643",
    "issuetime": "2023/06/05 16:06",
    "title": "河南省鹤壁市淇县气象台发布大风蓝色预警信号",
}


def test_a_list_page_is_read_as_far_as_its_headlines_tell():
    lifted = {**ROW, "title": "河南省鹤壁市淇县气象台解除大风蓝色预警信号"}
    read = china.listing(page(ROW, lifted, {"alertid": "7"}, 5, {**ROW, "title": "通知"}))
    alert = read.alerts[0]
    assert (alert.infos[0].event, alert.infos[0].severity, alert.msg_type) == ("大风", "Minor", "Alert")
    assert alert.infos[0].effective == datetime(2023, 6, 5, 16, 6, tzinfo=BEIJING) and areas.codes(alert) == (
        "410622000000",
    )
    assert [a.msg_type for a in read.alerts] == ["Alert", "Cancel", "Alert"]
    assert whats(read.faults) == [
        ("[2]title", "Cancel消息没有可用的references，不知针对哪条消息"),
        ("[3]", "这一条不是可读的预警"),
        ("[4]", "这一条不是可读的预警"),
        ("[5]title", "标题不是预警信号的固定写法"),
    ]


@pytest.mark.parametrize(
    "body", ["", "[", "{}", "[1]", "null", b"\xff\xff", "[" * 100_000, '{"data":{"page":{"list":{}}}}', "var a=1;"]
)
def test_what_is_no_feed_is_a_fault(body):
    for read in (china.detail(body), china.listing(body)):
        assert read.alerts == () and read.faults
    assert china.detail(jsonp(), limit=10).faults[0].what == "内容超过10字节，不予读取"


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(DETAIL)), st.none() | st.integers() | st.text(max_size=9), max_size=4))
def test_a_damaged_detail_never_raises(changes):
    read = china.detail(json.dumps({**DETAIL, **changes}))
    assert read.alerts or read.faults


def test_the_feed_speaks_the_language_asked_for():
    english, chinese = replace(INFO, language="en-US"), replace(INFO, language="zh-CN")
    alert = replace(cap.read(SOUND).alerts[0], infos=(english, chinese))
    assert feed.said(alert, "zh-cn") == chinese and feed.said(alert, "zh-TW") == chinese
    assert feed.said(alert, "fr") == english and feed.said(replace(alert, infos=()), "fr") is None
