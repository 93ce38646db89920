import pytest
from hypothesis import given
from hypothesis import strategies as st

from anlan.engines import bulletins
from anlan.engines.signals import COLOUR_TEXT, LEVELS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("青岛市气象台2022年09月14日16时50分将台风蓝色预警信号升级为台风黄色预警信号：预计有暴雨。",
         ("青岛市气象台", "2022-09-14T16:50:00+08:00", "upgrade", "台风", "yellow", "blue")),
        ("青岛市气象台2016年08月29日15时24分继续发布大风蓝色预警信号：请注意防范。",
         ("青岛市气象台", "2016-08-29T15:24:00+08:00", "continue", "大风", "blue", "")),
        ("山东省气象台于7月22日08时发布暴雨蓝色预警：预计有降雨。",
         ("山东省气象台", "2022-07-22T08:00:00+08:00", "issue", "暴雨", "blue", "")),
        ("青岛市气象台2022年9月16日7时00分解除暴雨橙色预警信号。",
         ("青岛市气象台", "2022-09-16T07:00:00+08:00", "lift", "暴雨", "orange", "")),
        ("崂山区气象台2022年9月16日7时将暴雨橙色预警信号变更为暴雨蓝色预警信号",
         ("崂山区气象台", "2022-09-16T07:00:00+08:00", "downgrade", "暴雨", "blue", "orange")),
        ("崂山区气象台2022年9月16日7时将暴雨橙色预警信号解除。",
         ("崂山区气象台", "2022-09-16T07:00:00+08:00", "lift", "暴雨", "orange", "")),
        ("青岛市气象台2022年9月16日7时将台风黄色预警信号变更为大风黄色预警信号",
         ("青岛市气象台", "2022-09-16T07:00:00+08:00", "update", "大风", "yellow", "yellow")),
        ("吉安市气象台更新雷电黄色预警信号[III级/较重]", ("吉安市气象台", None, "update", "雷电", "yellow", "")),
        ("浙江省水利厅、浙江省气象台发布山洪灾害蓝色预警",
         ("浙江省水利厅、浙江省气象台", None, "issue", "山洪灾害", "blue", "")),
    ],
)  # fmt: skip
def test_the_wordings_in_use(text, expected):
    found = bulletins.read(text, 2022)
    at = found.at.isoformat() if found.at else None
    assert (found.issuer, at, found.action, found.hazard, found.colour, found.previous) == expected


@given(
    st.sampled_from(["青岛市气象台", "即墨区气象台", "青岛市防汛抗旱指挥部办公室"]),
    st.datetimes(),
    st.sampled_from(["发布", "继续发布", "解除"]),
    st.sampled_from(["台风", "暴雨", "道路结冰", "雷雨大风"]),
    st.sampled_from(list(COLOUR_TEXT)),
)
def test_a_written_signal_is_read_back(issuer, at, action, hazard, colour):
    stamp = f"{at.year:04d}年{at.month:02d}月{at.day:02d}日{at.hour:02d}时{at.minute:02d}分"
    found = bulletins.read(f"{issuer}{stamp}{action}{hazard}{COLOUR_TEXT[colour]}预警信号：请注意防范。")
    assert (found.issuer, found.hazard, found.colour, found.level) == (issuer, hazard, colour, LEVELS[colour])
    assert found.action == bulletins.ACTIONS[action]
    assert found.at and found.at.replace(tzinfo=None) == at.replace(second=0, microsecond=0)


def test_no_warning_and_no_year_are_refused():
    with pytest.raises(ValueError, match="不是预警信号文本"):
        bulletins.read("今天夜间到明天晴。")
    with pytest.raises(ValueError, match="没有年份"):
        bulletins.read("青岛市气象台9月14日16时50分发布大风蓝色预警信号")
