"""The pages that are made from declarations are the declarations; the README's commands exist."""

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

from anlan import cli

ROOT = Path(__file__).resolve().parents[1]


def test_the_made_pages_are_current(tmp_path):
    """In a process of its own: other tests declare flows and handlers too."""
    subprocess.run([sys.executable, "-m", "anlan.cli", "docs"], cwd=tmp_path, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    for name in ("flows.md", "reactions.md", "registers.md"):
        kept, made = ((folder / "docs" / name).read_text(encoding="utf-8") for folder in (ROOT, tmp_path))
        assert kept == made, "run `make docs`"


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
