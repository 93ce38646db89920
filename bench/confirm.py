"""From the duty officer's click to the first call: a signal in the real city of the demo, its proposal, the form sent.

The clock starts when the form is sent and stops when the first attempt can be read in the database. Against: the time
until the officer's browser has its answer.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

from .city import City, Server, post
from .figure import Figure

ISSUE = """
from anlan.kernel.people import scope
from anlan.sensing import acts
with scope.everyone():
    acts.do_issue("台风", "yellow", issuer="青岛市气象台", text="台风黄色预警信号(测量用)")
"""
CALLED = "select count(*) from notice_attempt where world_id = 1 and sent_at is not null"


def measure(planted: City, box: Path) -> list[Figure]:
    city = planted.copy(box / "confirm")
    with city.open("--no-replay") as server:
        city.do("django", "shell", "-v0", "-c", ISSUE)
        server.until(lambda: city.ask("select 1 from flood_proposal where world_id = 1 and state = 'proposed'"))
        called, answered = _confirm(server)
    people = city.one(CALLED)
    return [
        Figure(f"confirmation to first call ({people} calls)", called, "s", 1, answered, "answer to the browser"),
    ]


def _confirm(server: Server) -> tuple[float, float]:
    """Seconds from sending the form to the first call, and to the answer."""
    city, took = server.city, [0.0]
    pk = city.one("select id from flood_proposal where world_id = 1 and state = 'proposed'")
    with server.visitor("duty_officer") as client:
        client.get("/desk/").raise_for_status()

        def send() -> None:
            form = {"signer": "测量", "consult": "测量用"}
            post(client, f"/desk/proposals/{pk}/confirm/", form).raise_for_status()
            took[0] = time.perf_counter() - began

        began = time.perf_counter()
        sending = threading.Thread(target=send)
        sending.start()
        server.until(lambda: city.one(CALLED) > 0)
        called = time.perf_counter() - began
        sending.join()
    return called, took[0]
