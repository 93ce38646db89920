"""Many open screens, in small: all get every line, none is much late. `python -m bench screens` holds the promise itself."""

import pytest

from bench import screens, storm
from bench.figure import percentile, slack

pytestmark = pytest.mark.slow
SCREENS, SECONDS = 60, 8.0
FIRST_SIGNAL = "2022-09-14 08:40:00"
LATE_S, PAGE_S = 0.5, 1.0


def test_every_screen_gets_every_line_soon_and_pages_stay_quick(planted, tmp_path):
    city = planted.copy(tmp_path / "home")
    world = storm.play_until(city, FIRST_SIGNAL, 600)
    with city.open() as server:
        seen = screens.observe(server, world, SCREENS, SECONDS)
    by_line: dict[int, int] = {}
    for _, line in seen.lags:
        by_line[line] = by_line.get(line, 0) + 1
    in_full = [line for line, came in by_line.items() if came == SCREENS]
    assert len(in_full) > 50
    first, last = in_full[0], max(in_full)
    assert {line: came for line, came in by_line.items() if first <= line <= last and came != SCREENS} == {}
    written = city.ask("select id from journal_line where world_id = ? and id between ? and ?", world, first, last)
    assert {line for (line,) in written} == {line for line in by_line if first <= line <= last}
    assert percentile([lag for lag, _ in seen.lags], 0.5) <= LATE_S * slack()
    for name, took in seen.pages.items():
        assert percentile(took, 0.5) <= PAGE_S * slack(), name


def test_a_visitor_of_the_replay_hears_nothing_of_the_real_city(planted, tmp_path):
    with planted.copy(tmp_path / "home").open("--no-replay") as server, server.visitor() as client:
        assert client.get("/live/").status_code == 403
        assert client.get("/w/99/live/").status_code == 403
