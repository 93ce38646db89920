from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anlan.engines import capid


def test_a_qingdao_weather_identifier():
    at = datetime(2022, 9, 14, 8, 50, tzinfo=UTC)
    text = capid.build(capid.Identifier("370200", capid.WEATHER, at))
    assert text == "37020041600000_20220914165000_0" and len(text) == 31


def test_a_feed_identifier_has_no_serial():
    found = capid.parse("41062241600000_20230605160643")
    assert (found.area, found.agency, found.serial) == ("410622", capid.WEATHER, None)
    assert found.at.isoformat() == "2023-06-05T16:06:43+08:00"
    assert len(capid.build(found)) == 29


@given(
    st.from_regex(r"[0-9]{6}", fullmatch=True),
    st.from_regex(r"[0-9]{3}", fullmatch=True),
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(capid.BEIJING)),
    st.one_of(st.none(), st.integers(0, 9)),
)
def test_what_is_built_is_read_back(area, agency, at, serial):
    made = capid.Identifier(area, agency, at.replace(microsecond=0), serial)
    assert capid.parse(capid.build(made)) == made


@pytest.mark.parametrize(
    "text",
    ["", "37020041600000_20220914165000_10", "37020041600000_20221314165000_0", "3702004160000_20220914165000_0"],
)
def test_another_shape_is_refused(text):
    with pytest.raises(ValueError):
        capid.parse(text)


@pytest.mark.parametrize(
    "bad",
    [
        capid.Identifier("3702", "416", datetime(2022, 9, 14, tzinfo=UTC)),
        capid.Identifier("37020", "4160", datetime(2022, 9, 14, tzinfo=UTC)),
        capid.Identifier("370200", "416", datetime(2022, 9, 14, tzinfo=UTC), 10),
        capid.Identifier("370200", "416", datetime(2022, 9, 14)),
    ],
)
def test_a_wrong_part_is_not_built(bad):
    with pytest.raises(ValueError):
        capid.build(bad)
