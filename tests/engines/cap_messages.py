"""CAP messages for the tests: one sound message as text, and any sound alert as a strategy."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import strategies as st

from anlan.engines.cap.model import ALERT, INFO, Alert, Area, Info, Reference, Resource

SOUND = """<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>37020041600000_20220914165000_0</identifier>
  <sender>37020041600000</sender>
  <sent>2022-09-14T16:50:00+08:00</sent>
  <status>Actual</status>
  <msgType>Update</msgType>
  <scope>Public</scope>
  <references>37020041600000,37020041600000_20220913100000_0,2022-09-13T10:00:00+08:00</references>
  <info>
    <language>zh-CN</language>
    <category>Met</category>
    <event>台风</event>
    <urgency>Expected</urgency>
    <severity>Moderate</severity>
    <certainty>Likely</certainty>
    <effective>2022-09-14T16:50:00+08:00</effective>
    <expires>2022-09-16T16:50:00+08:00</expires>
    <headline>青岛市气象台发布台风黄色预警信号</headline>
    <parameter>
      <valueName>colour</valueName>
      <value>黄色</value>
    </parameter>
    <area>
      <areaDesc>青岛市</areaDesc>
      <polygon>35.5,119.5 37.2,119.5 37.2,121.0 35.5,119.5</polygon>
      <circle>36.07,120.38 50</circle>
      <geocode>
        <valueName>CPEAS Geographic Code</valueName>
        <value>370200000000</value>
      </geocode>
    </area>
  </info>
</alert>
"""

ZONES = [UTC, timezone(timedelta(hours=8)), timezone(-timedelta(hours=3, minutes=30))]
words = st.text("abcXYZ019.:-/_安澜", min_size=1, max_size=12)
addresses = words.map("http://localhost/".__add__)
texts = (
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn")) | st.just("\n"), max_size=20)
    .map(lambda text: text.strip(" \t\r\n"))
    .filter(bool)
)
spaced = st.text("ab 安,", min_size=1, max_size=8).map(str.strip).filter(bool)
times = st.builds(
    lambda at, zone: at.replace(microsecond=0, tzinfo=zone),
    st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)),
    st.sampled_from(ZONES),
)
numbers = st.floats(-50_000, 50_000, allow_nan=False)
points = st.tuples(st.floats(-90, 90), st.floats(-180, 180))
rings = st.lists(points, min_size=3, max_size=5).map(lambda ring: (*ring, ring[0]))
discs = st.tuples(st.floats(-90, 90), st.floats(-180, 180), st.floats(0, 20_000))


def some(strategy, least=0, most=2):
    return st.lists(strategy, min_size=least, max_size=most).map(tuple)


def maybe(strategy, absent=""):
    return st.just(absent) | strategy


def one_of(parts, name):
    return st.sampled_from(next(part.values for part in parts if part.name == name))


pairs = some(st.tuples(texts, maybe(texts)))
areas = st.builds(Area, texts, some(rings), some(discs), pairs, maybe(numbers, None), maybe(numbers, None))
resources = st.builds(
    Resource, texts, texts, maybe(st.integers(-(10**17), 10**17), None), maybe(addresses), maybe(texts), maybe(texts)
)
infos = st.builds(
    Info,
    language=st.sampled_from(["zh-CN", "en-US", "en"]),
    categories=some(one_of(INFO, "category"), 1),
    event=texts,
    response_types=some(one_of(INFO, "responseType")),
    urgency=one_of(INFO, "urgency"),
    severity=one_of(INFO, "severity"),
    certainty=one_of(INFO, "certainty"),
    audience=maybe(texts),
    event_codes=pairs,
    effective=maybe(times, None),
    onset=maybe(times, None),
    expires=maybe(times, None),
    sender_name=maybe(texts),
    headline=maybe(texts),
    description=maybe(texts),
    instruction=maybe(texts),
    web=maybe(addresses),
    contact=maybe(texts),
    parameters=pairs,
    resources=some(resources, most=1),
    areas=some(areas),
)
references = st.builds(Reference, words, words, times)
alerts = st.builds(
    Alert,
    identifier=words,
    sender=words,
    sent=times,
    status=one_of(ALERT, "status"),
    msg_type=one_of(ALERT, "msgType"),
    source=maybe(texts),
    scope=one_of(ALERT, "scope"),
    restriction=maybe(texts),
    addresses=some(spaced),
    codes=some(texts),
    note=maybe(texts),
    references=some(references),
    incidents=some(spaced),
    infos=some(infos),
)
