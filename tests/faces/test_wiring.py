"""`anlan check` tells what no import can: what is heard and never said, and who is called and does not exist."""

import subprocess
import sys

import pytest

from anlan.faces import wiring
from anlan.kernel import journal
from anlan.kernel.journal.entry import HEARERS


def faults():
    """Of the house; tests hear and say verbs of their own."""
    return [fault for fault in wiring.faults() if "tests." not in fault]


def test_the_house_hears_only_what_is_said_and_calls_only_who_exists():
    assert faults() == []


@pytest.mark.parametrize("verb", ["alarm.rised", "case.over", "notice", "response_.started", "unit.deleted"])
def test_a_verb_that_nobody_writes_is_told(verb):
    journal.on(verb)(print)
    try:
        assert any(repr(verb) in fault for fault in wiring.faults())
    finally:
        del HEARERS[verb]


@pytest.mark.parametrize("verb", ["unit.created", "unit.imported", "world.closed", "response.active", "case.overdue"])
def test_what_flows_and_registers_write_is_known(verb):
    before = list(HEARERS.get(verb, ()))
    journal.on(verb)(print)
    try:
        assert faults() == []
    finally:
        HEARERS[verb] = before
        if not before:
            del HEARERS[verb]


ROOM = """
from anlan.kernel import journal
from anlan.kernel.notice import acts
@journal.on("pumps.broken")
def call(line):
    acts.do_call(title="x", text="x", level=4, roles=("town_dty", "town_duty"), areas=[])
"""


def test_a_room_with_both_faults_fails_the_check(tmp_path):
    room = tmp_path / "odd_room"
    room.mkdir()
    (room / "__init__.py").write_text("")
    (room / "apps.py").write_text("from django.apps import AppConfig\nclass Odd(AppConfig):\n    name = 'odd_room'\n")
    (room / "duties.py").write_text(ROOM)
    (tmp_path / "odd.py").write_text("from anlan.settings import *\nROOMS = [*ROOMS, 'odd_room']\nINSTALLED_APPS = [*INSTALLED_APPS, 'odd_room']\n")
    env = {"DJANGO_SETTINGS_MODULE": "odd", "PYTHONPATH": str(tmp_path), "ANLAN_HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    done = subprocess.run([sys.executable, "-m", "anlan.cli", "check"], env=env, capture_output=True, text=True, timeout=120)
    said = done.stdout + done.stderr
    assert done.returncode == 1 and "'pumps.broken'" in said and "'town_dty'" in said and "'town_duty'" not in said, said
