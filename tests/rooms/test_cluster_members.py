"""Who judges which part, what a worker holds of the log, how a door sends: without a database or a bus."""

import asyncio
import time

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from anlan.engines.sense import wire
from anlan.sensing import parts
from anlan.sensing.cluster import bus, judging
from anlan.sensing.cluster.inbox import Inbox
from anlan.sensing.cluster.members import DEAD_S, Members, shared

# ── parts and workers ───────────────────────────────────────────────────────────────────────────────────────


@given(st.lists(st.text("abcdef", min_size=1, max_size=4), min_size=1, max_size=9, unique=True))
def test_every_part_has_one_worker_and_all_have_as_many(names):
    found = shared(frozenset(names))
    assert sorted(p for mine in found.values() for p in mine) == sorted(parts.ALL)
    assert max(map(len, found.values())) - min(map(len, found.values())) <= 1, found


def test_when_one_goes_the_others_keep_most_of_what_they_had():
    before, after = shared(frozenset("abcd")), shared(frozenset("abd"))
    assert sum(len(before[n] - after[n]) for n in "abd") < len(parts.ALL) / 4


def test_a_worker_that_was_stopped_listens_before_it_counts_others_out(monkeypatch):
    at = [100.0]
    monkeypatch.setattr("anlan.sensing.cluster.members.time.monotonic", lambda: at[0])
    mine = Members("a", 1, 1, woken=at[0], last=at[0])
    assert mine.mine() is None, "it has only just come"
    for _ in range(8):
        at[0] += DEAD_S / 4
        mine.beat()
        mine.hear("b")
    assert len(mine.mine()) < len(parts.ALL)
    at[0] += 6
    mine.beat()
    assert mine.mine() is None
    for _ in range(5):
        at[0] += DEAD_S / 4
        mine.beat()
    assert mine.mine() == frozenset(parts.ALL), "b is not heard any more"


# ── the inbox ───────────────────────────────────────────────────────────────────────────────────────────────


def message(number, door_=5):
    none = np.empty(0, np.int64)
    return wire.Flush(door_, number, 0, none.reshape(0, 2), none, none, none.astype(float), none.astype(np.int32), none.astype(np.uint16))


def numbers(inbox):
    return [item.flush.number if item.flush is not None else None for item in inbox.take(100, 10**9, 0)]


def test_what_is_heard_is_used_when_it_is_the_next_and_else_waited_for_in_the_log():
    inbox = Inbox()
    assert inbox.hear(message(1)) and not inbox.items, "the log has not been read yet"
    inbox.ended(0)
    assert inbox.hear(message(1)) and inbox.hear(message(2)) and inbox.hear(message(2)) and not inbox.hear(message(4)), "3 is missing"
    for place, number in enumerate((1, 2, 3, 4), 1):
        inbox.read(message(number), place, 0)
    assert numbers(inbox) == [1, 2, None, None, 3, 4] and inbox.hear(message(5)), "after the gap it goes on"


def test_what_the_log_has_in_another_order_is_not_passed_over():
    inbox = Inbox()
    inbox.read(message(2), 1, 0)
    inbox.read(message(1), 2, 0)
    assert numbers(inbox) == [2, 1]


def test_of_what_was_heard_the_log_only_says_the_place():
    inbox = Inbox()
    inbox.ended(0)
    assert inbox.hear(message(1)) and inbox.pass_by((5, 1), 1, 0) and not inbox.pass_by((5, 2), 2, 0) and not inbox.pass_by((6, 1), 2, 0)
    assert inbox.start() == (0, 1) and inbox.hear(message(2)) and inbox.pass_by((5, 2), 2, 0) and inbox.pass_by((5, 2), 2, 0)
    assert numbers(inbox) == [1, None, 2, None] and inbox.pass_by((5, 9), 3, 7), "for a share that is none any more there is nothing to read"


def test_what_was_read_for_an_earlier_share_comes_too_late():
    inbox = Inbox()
    inbox.read(message(1), 9, 0)
    inbox.begin(3)
    inbox.read(message(2), 10, 0)
    inbox.ended(0)
    assert numbers(inbox) == [] and inbox.start() == (1, 3) and not inbox.current


# ── the door ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_window_of_numbers_is_wider_than_what_a_door_may_have_on_its_way():
    assert judging.REMEMBERED >= 2 * bus.FLYING


def test_while_the_stream_does_not_answer_a_door_sends_seldom_and_never_stands_still(monkeypatch):
    sender, told = bus.Sender(), []

    async def never(body, name):
        told.append(name)
        await asyncio.sleep(60)

    monkeypatch.setattr(sender, "_flown", never)
    columns = [np.ones(1, kind) for kind in ("i8", "i8", "i8", "f8", "i4", "u2")]
    message, began = wire.build(1, 1, 1, *columns), time.monotonic()
    flying = []
    while (spent := time.monotonic() - began) < 1:
        flying.append(sender.start(message))
    paced = len(told) - bus.CROWD
    for one in flying:
        one.cancel()
    asyncio.run_coroutine_threadsafe(asyncio.sleep(0.05), sender._loop).result()  # until they have ended
    sender.close()
    assert 0.4 * spent / bus.PACE_S < paced <= spent / bus.PACE_S + 1
    assert bus.CROWD + 9 / bus.PACE_S <= bus.FLYING, "an election takes nine seconds at most"
