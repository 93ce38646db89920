"""Lists and readings, in small: the limits are wide, what must never happen never does."""

import pytest

from bench import ingest, list, screens
from bench.figure import slack

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("module", "size"), [(list, 20_000), (ingest, 10)], ids=["list", "ingest"])
def test_what_is_promised_holds_in_small(planted, tmp_path, module, size):
    for figure in module.measure(planted, tmp_path, size):
        if figure.limit == 0:
            assert figure.value == 0, figure.what
        elif figure.limit is not None:
            assert figure.value <= 4 * figure.limit * slack(), figure.what


def test_the_peer_of_the_screens_measures_something():
    lags = [lag for lag, _ in screens.bare(20, 2.0)]
    assert len(lags) > 20 * 10 and 0 < min(lags) < max(lags) < 1.0 * slack()
