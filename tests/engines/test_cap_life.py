from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.engines.cap.life import End, current, state
from anlan.engines.cap.model import Alert, Info, Reference

DAY = datetime(2022, 9, 14, tzinfo=UTC)


def hour(number: float) -> datetime:
    return DAY + timedelta(hours=number)


def message(
    name: str, sent: float, kind: str = "Alert", *named: Alert, by: str = "qd", ends: float | None = 48, **more
) -> Alert:
    """A message of one info, sent and expiring at hours of the day; `named` are those it refers to."""
    infos = () if kind in ("Cancel", "Ack", "Error") else (Info(expires=None if ends is None else hour(ends)),)
    values = {"status": "Actual", "infos": infos, "references": tuple(alert.key for alert in named), **more}
    return Alert(identifier=name, sender=by, sent=hour(sent), msg_type=kind, **values)


def names(alerts) -> str:
    return " ".join(alert.identifier for alert in alerts)


blue = message("blue", 1)
yellow = message("yellow", 5, "Update", blue)
orange = message("orange", 9, "Update", yellow)
end = message("end", 20, "Cancel", orange)
TYPHOON = [blue, yellow, orange, end]


@pytest.mark.parametrize(
    ("at", "held", "over"),
    [
        (0, "", ""),
        (1, "blue", ""),
        (5, "yellow", "blue"),
        (19.9, "orange", "blue yellow"),
        (20, "", "blue yellow orange"),
    ],
)
def test_a_typhoon_from_blue_to_its_end(at, held, over):
    found = state(TYPHOON, hour(at))
    assert (names(found.in_force), names(e.alert for e in found.ended), found.faults) == (held, over, ())


def test_what_ended_an_alert_is_known():
    ended = state([yellow, blue, message("gone", 0, ends=3)], hour(6)).ended
    assert ended == (End(message("gone", 0, ends=3), ()), End(blue, (yellow.key,)))


def test_one_message_ends_several():
    gale = message("gale", 2)
    both = message("both", 6, "Update", blue, gale)
    assert names(state([blue, gale, both], hour(6)).in_force) == "both"


def test_an_alert_holds_until_it_expires():
    short = message("short", 1, ends=3)
    assert names(state([short], hour(2.999)).in_force) == "short" and state([short], hour(3)).in_force == ()


def test_an_alert_without_expiry_holds_for_a_lifetime_or_until_it_is_ended():
    endless = message("endless", 1, ends=None)
    assert names(state([endless], hour(10_000)).in_force) == "endless"
    assert names(state([endless], hour(24.9), lifetime=timedelta(hours=24)).in_force) == "endless"
    assert state([endless], hour(25), lifetime=timedelta(hours=24)).in_force == ()


def test_an_alert_whose_infos_expire_one_by_one():
    alert = replace(blue, infos=(Info(event="a", expires=hour(3)), Info(event="b", expires=hour(6))))
    assert [info.event for info in current(alert, hour(4))] == ["b"]
    assert names(state([alert], hour(4)).in_force) == "blue" and state([alert], hour(6)).in_force == ()


def test_an_alert_that_takes_effect_later_is_pending():
    later = replace(blue, infos=(Info(effective=hour(8), expires=hour(12)),))
    assert names(state([later], hour(2)).pending) == "blue" and state([later], hour(2)).in_force == ()
    assert names(state([later], hour(8)).in_force) == "blue"
    assert names(e.alert for e in state([later], hour(12)).ended) == "blue"


def test_an_update_that_takes_effect_later_leaves_what_it_replaces_until_then():
    later = message("later", 2, "Update", blue, infos=(Info(effective=hour(5)),))
    found = state([blue, later], hour(4.9))
    assert (names(found.in_force), names(found.pending)) == ("blue", "later")
    assert names(state([blue, later], hour(5)).in_force) == "later"
    at_once = message("at_once", 2, "Cancel", blue, infos=(Info(effective=hour(5)),))
    assert state([blue, at_once], hour(2)).in_force == ()


def test_an_update_that_has_expired_does_not_bring_back_what_it_replaced():
    assert state([blue, message("brief", 2, "Update", blue, ends=3)], hour(4)).in_force == ()


def test_an_exercise_is_another_world():
    drill = replace(end, status="Exercise")
    for status in ("Exercise", "System", "Test", "Draft"):
        assert names(state([*TYPHOON[:3], replace(drill, status=status)], hour(21)).in_force) == "orange"
    found = state([*TYPHOON, drill], hour(21), status="Exercise")
    assert found.in_force == () and [f.what for f in found.faults] == ["引用的消息不在同一状态的已收消息之中"]
    assert names(state([replace(blue, status="Test"), yellow], hour(6), status="Test").in_force) == "blue"


def test_a_reference_to_an_unknown_message_is_told_until_it_arrives():
    found = state([yellow], hour(6))
    assert names(found.in_force) == "yellow"
    assert [(f.what, f.text) for f in found.faults] == [
        ("引用的消息不在同一状态的已收消息之中", "qd,blue,2022-09-14T01:00:00+00:00")
    ]
    assert state([yellow, blue], hour(6)).faults == ()


def test_a_reference_with_another_time_names_another_message():
    off = message("off", 6, "Cancel", replace(blue, sent=hour(1.5)))
    found = state([blue, off], hour(7))
    assert names(found.in_force) == "blue" and len(found.faults) == 1


def test_nobody_ends_a_warning_of_somebody_else():
    for kind in ("Cancel", "Update"):
        found = state([blue, message("foreign", 6, kind, blue, by="elsewhere")], hour(7))
        assert "blue" in names(found.in_force)
        assert [f.what for f in found.faults] == ["引用了其他发送者的消息，不因此失效"]


def test_a_message_cannot_end_a_later_one_nor_itself():
    early = message("early", 0, "Cancel", blue)
    itself = replace(yellow, references=(yellow.key,))
    found = state([blue, early, itself], hour(7))
    assert names(found.in_force) == "blue yellow"
    assert {f.what for f in found.faults} == {"引用了在其后发出的消息，不因此失效", "消息引用了自己"}


def test_messages_of_one_moment():
    replaced = message("twice", 1, "Update", blue)
    assert names(state([blue, replaced], hour(2)).in_force) == "twice"
    a, b, c = (message(name, 1, "Update") for name in "abc")
    ring = [replace(x, references=(y.key,)) for x, y in ((a, b), (b, c), (c, a))]
    found = state(ring, hour(2))
    assert names(found.in_force) == "a b c"
    assert [f.what for f in found.faults] == ["同时发出的消息互相引用，都不因此失效"] * 3
    outside = message("outside", 1, "Cancel", a)
    assert names(state([*ring, outside], hour(2)).in_force) == "b c"


def test_one_that_names_what_comes_later_is_ended_by_it_all_the_same():
    early = message("early", 1, "Update")
    later = message("later", 5, "Update", early)
    found = state([replace(early, references=(later.key,)), later], hour(6))
    assert names(found.in_force) == "later" and [f.what for f in found.faults] == ["引用了在其后发出的消息，不因此失效"]


def test_answers_change_nothing():
    ack, error = message("ack", 2, "Ack", blue, by="county"), message("error", 3, "Error", blue, by="county")
    found = state([error, blue, ack], hour(4))
    assert (names(found.in_force), names(found.answers), found.faults) == ("blue", "ack error", ())


def test_twice_the_same_is_once_and_a_double_with_other_content_is_told():
    assert state([blue, blue, yellow, yellow], hour(6)) == state([blue, yellow], hour(6))
    other = replace(blue, note="other")
    found = state([blue, other], hour(2))
    assert len(found.in_force) == 1 and found == state([other, blue], hour(2))
    assert [f.what for f in found.faults] == ["同一编号、发送者和时间有内容不同的消息"]


def test_what_has_no_time_or_kind_is_told():
    found = state([replace(blue, sent=None), replace(yellow, msg_type="Alarm")], hour(6))
    assert found.in_force == ()
    assert {f.what for f in found.faults} >= {"没有可用的发出时间，未计入", "消息类型不认识，未计入"}


def test_the_moment_needs_a_zone():
    with pytest.raises(ValueError):
        state([], datetime(2022, 9, 14))


# ── properties ──────────────────────────────────────────────────────────────────────────────────────────────

KEYS = [Reference(sender, name, hour(sent)) for sender in ("qd", "jn") for name in "ab" for sent in (0, 1, 1, 2)]
messages = st.builds(
    lambda key, kind, named, status, effective, expires: Alert(
        identifier=key.identifier,
        sender=key.sender,
        sent=key.sent,
        status=status,
        msg_type=kind,
        references=tuple(named),
        infos=(Info(effective=effective, expires=expires),),
    ),
    st.sampled_from(KEYS),
    st.sampled_from(["Alert", "Update", "Update", "Cancel", "Ack", "Error"]),
    st.lists(st.sampled_from([*KEYS, Reference("qd", "z", hour(0))]), max_size=3),
    st.sampled_from(["Actual", "Actual", "Actual", "Exercise"]),
    st.none() | st.sampled_from([hour(0), hour(1), hour(3)]),
    st.none() | st.sampled_from([hour(1), hour(2), hour(4)]),
)
heard = st.lists(messages, max_size=9)
moments = st.sampled_from([hour(0), hour(0.5), hour(1), hour(2), hour(3), hour(4)])


@settings(max_examples=300, deadline=None)
@given(heard, moments, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(alerts, at, random):
    shuffled = [*alerts, *random.sample(alerts, len(alerts) // 2)]
    random.shuffle(shuffled)
    assert state(shuffled, at) == state(alerts, at)


@settings(max_examples=300, deadline=None)
@given(heard, moments)
def test_it_agrees_with_the_rule_written_out(alerts, at):
    """For messages that are all sent at different times: no ties, and one content for each key."""
    known = list({alert.sent: alert for alert in alerts if alert.status == "Actual" and alert.sent <= at}.values())
    held = [
        alert
        for alert in known
        if alert.msg_type in ("Alert", "Update")
        and (alert.infos[0].effective or alert.sent) <= at
        and (alert.infos[0].expires is None or at < alert.infos[0].expires)
        and not any(
            alert.key in other.references and other.sender == alert.sender and other.sent > alert.sent
            for other in known
            if other.msg_type == "Cancel"
            or (other.msg_type == "Update" and (other.infos[0].effective or other.sent) <= at)
        )
    ]
    assert state(known, at).in_force == tuple(sorted(held, key=lambda alert: alert.sent))


@settings(max_examples=200, deadline=None)
@given(heard, messages, moments)
def test_a_stranger_or_a_drill_takes_no_warning_away(alerts, other, at):
    stranger = replace(other, sender="stranger")
    drill = replace(other, status="Exercise")
    before = state(alerts, at).in_force
    assert set(before) <= set(state([*alerts, stranger], at).in_force)
    assert state([*alerts, drill], at) == state(alerts, at)


@settings(max_examples=200, deadline=None)
@given(heard, moments)
def test_every_message_is_in_one_place(alerts, at):
    found = state(alerts, at)
    placed = [*found.in_force, *found.pending, *(e.alert for e in found.ended), *found.answers]
    keys = {alert.key for alert in alerts if alert.status == "Actual" and alert.sent <= at}
    cancels = {a.key for a in alerts if a.status == "Actual" and a.msg_type == "Cancel"}
    assert (
        len(placed) == len({alert.key for alert in placed})
        and keys - cancels <= {alert.key for alert in placed} <= keys
    )
