"""The pages that are made from declarations are the declarations; the README's commands exist."""

import csv
import re
from pathlib import Path

import pytest

from anlan import cli
from anlan.faces import diagrams

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("name", ["flows.md", "reactions.md", "registers.md"])
def test_the_made_page_is_current(name):
    kept = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert kept == diagrams.pages()[name], "run `make docs`"


def test_each_term_has_one_english_name():
    with (ROOT / "docs" / "terms.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    terms = [row["chinese"] for row in rows]
    assert len(terms) == len(set(terms)) and all(row["english"] for row in rows)


def test_the_readmes_commands_exist():
    words = set(re.findall(r"`anlan ([a-z]+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    known = next(a for a in cli._parser()._actions if a.dest == "command").choices
    assert words and words <= set(known)


def test_the_readmes_pictures_are_there():
    for page in ("README.md", "README.zh-CN.md"):
        for path in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", (ROOT / page).read_text(encoding="utf-8")):
            assert (ROOT / path).exists(), path
