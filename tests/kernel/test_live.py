"""The live feed: what each reader is sent, that nothing is lost between, and what a slow or barred reader costs."""

import asyncio
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from anlan.engines import merge_patch
from anlan.kernel import clock, journal
from anlan.kernel.journal import read
from anlan.kernel.live import feed
from anlan.kernel.people import scope
from anlan.kernel.worlds.models import World
from anlan.response.command.models import Event

from . import city


@pytest.fixture
def world(db):
    return city.build()


@pytest.fixture
def hub(monkeypatch):
    hub = feed.Hub()
    monkeypatch.setattr(feed, "HUB", hub)
    return hub


def write(world, text="你好", subject=None, **more):
    with scope.everyone(world):
        return journal.write("test.live", subject or world, text=text, **more)


def test_a_slow_reader_is_closed_and_keeps_nothing_more(hub):
    reader = feed.Reader(scope.Scope(World(pk=1), reaches=()))
    hub.readers.add(reader)
    for _ in range(feed.KEEP * 3):
        reader.push(b"x" * 1000)
    assert not reader.open and reader.waiting == []


def test_a_line_of_another_world_links_into_its_own_world(world, hub):
    replay = World.objects.create(kind="replay", title="回放")
    line = write(replay, subject=Event(pk=7, area_id=scope.ROOT))
    sent: list[bytes] = []
    hub.readers.add(feed.Reader(scope.Scope(replay)))
    hub.trickle = hub.fan_out = lambda events: sent.extend(event for _, event in events)
    feed.pump_once()
    assert f'"href":"/w/{replay.pk}/r/event/7/"'.encode() in b"".join(sent)
    missed = b"".join(feed.missed(scope.Scope(replay), line.pk - 1))
    assert f'"href":"/w/{replay.pk}/'.encode() in missed


def test_a_line_that_cannot_be_shown_keeps_no_other_back(world, hub, monkeypatch):
    for text in ("先", "坏", "后"):
        write(world, text)
    real = feed.item
    monkeypatch.setattr(feed, "item", lambda line: real(line) if line.text != "坏" else 1 / 0)
    sent: list[bytes] = []
    hub.readers.add(feed.Reader(scope.Scope(world)))
    hub.trickle = hub.fan_out = lambda events: sent.extend(event for _, event in events)
    assert feed.pump_once() == 3
    told = b"".join(sent).decode()
    assert "先" in told and "后" in told and "坏" not in told


def test_what_the_house_does_for_itself_is_no_news_for_a_screen(world, hub):
    with scope.everyone(world):
        signed_in = journal.write("session.opened", world, text="某人登录")
        write(world, "琅琊台大风")
    sent: list[bytes] = []
    hub.readers.add(feed.Reader(scope.Scope(world)))
    hub.trickle = hub.fan_out = lambda events: sent.extend(event for _, event in events)
    assert feed.pump_once() == 2 and hub.last == signed_in.pk + 1
    for told in (b"".join(sent), b"".join(feed.missed(scope.Scope(world), signed_in.pk - 1))):
        assert "琅琊台大风".encode() in told and "某人登录".encode() not in told
    with scope.everyone(world):
        assert [line.text for line in read.news()] == ["琅琊台大风"] and read.lines().count() == 2


def test_a_line_whose_transaction_ended_late_is_still_sent_however_many_came_after(world, hub):
    first = write(world).pk
    hub.last = first
    late = first + 1
    for _ in range(200):
        write(world)
    hidden, seen = read.since, []
    try:
        read.since = lambda *a, **k: [line for line in hidden(*a, **k) if line.pk != late]
        while new := hub.new_lines():
            seen += [line.pk for line in new]
    finally:
        read.since = hidden
    assert late not in seen and len(seen) == 199
    assert [line.pk for line in hub.new_lines()] == [late]
    assert hub.new_lines() == []


def test_what_is_written_while_a_stream_opens_is_not_lost(world, hub):
    """The reader stands in the hub before the past is read."""

    async def opened() -> bytes:
        reader = hub.join(scope.Scope(world))
        reader.push(feed.encode("line", {"id": 5}, 5))
        events = feed.stream(reader, [feed.encode("line", {"id": 4}, 4)])
        found = await anext(events) + await anext(events)
        await events.aclose()
        return found

    assert asyncio.run(opened()).count(b"event: line") == 2
    assert not hub.readers


def test_a_quiet_stream_sends_an_event_that_the_browser_hears(hub):
    assert orjson.loads(feed.PING.split(b"data: ")[1]) == {} and feed.PING.startswith(b"event: ping\n")


@pytest.mark.django_db
def test_the_pages_of_a_replay_are_told_its_time(world, hub):
    start = datetime(2022, 9, 14, tzinfo=UTC)
    replay = World.objects.create(
        kind="replay", title="回放", stepped=True, speed=600, anchor_world=start, anchor_real=clock.real(), step=start
    )
    told = feed.pace(replay, clock.real() + timedelta(minutes=5))
    assert told["speed"] == 600 and not told["paused"]
    assert datetime.fromisoformat(told["now"]) - start == timedelta(minutes=5), "it waits for its rows"
    readers = {w.pk: feed.Reader(scope.Scope(w)) for w in (world, replay)}
    hub.readers |= set(readers.values())
    hub.trickle = hub.fan_out = lambda events: [r.push(piece) for alike, piece in events for r in alike]
    feed.tell_time()
    assert readers[world.pk].waiting == []
    for said in (b"".join(readers[replay.pk].waiting), b"".join(feed.begun(readers[replay.pk]))):
        assert said.startswith(b"event: clock\n") and b'"speed":600' in said


def test_a_watched_view_comes_whole_and_then_as_changes_whenever_a_reader_joins(world, hub, monkeypatch):
    state = {"n": 0, "same": "x" * 500}
    monkeypatch.setitem(feed.VIEWS, "probe", lambda who: dict(state))
    monkeypatch.setattr(feed, "_kept", {})
    readers = [feed.Reader(scope.Scope(world), ("probe",)) for _ in range(3)]
    hub.trickle = hub.fan_out = lambda events: [r.push(piece) for alike, piece in events for r in alike]

    def has(reader):
        """What the screen shows after all that it was sent."""
        shown = None
        for piece in b"".join(reader.sent + reader.waiting).split(b"\n\n"):
            kind, _, data = piece.removeprefix(b"event: ").partition(b"\ndata: ")
            if kind in (b"state", b"patch"):
                shown = merge_patch.merge(None if kind == b"state" else shown, orjson.loads(data))
        return shown

    for turn, reader in enumerate(readers):
        hub.readers.add(reader)
        reader.sent = feed.begun(reader) if turn < 2 else []  # the third is told before its beginning is read
        state["n"] += 1
        feed.tell_once()
        if turn == 2:
            reader.sent = feed.begun(reader)
        assert [has(r)["n"] for r in readers[: turn + 1]] == [state["n"]] * (turn + 1)
    assert sum(len(e) for e in readers[0].waiting) < 200, "what stays the same is not sent again"


def test_a_line_overtakes_a_state_and_every_reader_has_its_own_in_order(world, hub):
    async def run():
        readers = [hub.join(scope.Scope(world)) for _ in range(3 * feed.TRICKLE)]
        hub.trickle([(readers, b"state 1;")])
        hub.trickle([(readers[:2], b"a;"), (readers[2:], b"b;")])
        hub.fan_out([(readers, b"line;")])
        for _ in range(40):
            await asyncio.sleep(feed.TRICKLE_S)
        return [await reader.take() for reader in readers]

    got = asyncio.run(run())
    assert all(sorted(part for part in told.split(b";") if part) == sorted([b"state 1", b"line", b"a" if n < 2 else b"b"]) for n, told in enumerate(got))
    assert all(told.index(b"state 1") < told.index(b"a" if n < 2 else b"b") for n, told in enumerate(got))
    assert got[-1].startswith(b"line;"), "the last in the row hears the line before the state"


def test_a_stream_that_is_closed_while_it_waits_ends(world, hub):
    async def run():
        reader = hub.join(scope.Scope(world))
        waiting = asyncio.ensure_future(reader.take())
        await asyncio.sleep(0)
        reader.close()
        return await asyncio.wait_for(waiting, 1)

    assert asyncio.run(run()) == b""
