"""What the server does for whoever watches."""

import gc

from anlan.faces import server


def test_what_survives_a_long_collection_is_not_walked_through_again(monkeypatch):
    monkeypatch.setattr(server, "LONG_S", 0.0)
    held = [[] for _ in range(1000)]
    before = gc.get_freeze_count()
    gc.callbacks.append(server._rest)
    try:
        gc.collect(1)
        assert gc.get_freeze_count() == before, "only full collections count"
        gc.collect()
        assert gc.get_freeze_count() >= before + len(held)
        monkeypatch.setattr(server, "LONG_S", 60.0)
        short = gc.get_freeze_count()
        gc.collect()
        assert gc.get_freeze_count() == short
    finally:
        gc.callbacks.remove(server._rest)
        gc.unfreeze()
