"""What no import can tell: a verb that somebody hears and nobody writes, a role that a call names and nobody has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings

from anlan.kernel.cases.flow import FLOWS
from anlan.kernel.journal.entry import HEARERS
from anlan.kernel.people.roles import ROLES
from anlan.kernel.registers import ALL

ROLE_WORDS = ("roles", "raise_to")


def faults() -> list[str]:
    """Each as ``file:line what is wrong``, over the house and the rooms that the settings name."""
    patterns, odd = _read()
    known = [re.escape(f"{flow.name}.{state}") for flow in FLOWS.values() for state in flow.states]
    known += [re.escape(f"{name}.{verb}") for name in ALL for verb in ("created", "changed")]
    spoken = re.compile("|".join([*patterns, *known]))
    unspoken = [verb for verb in sorted(HEARERS) if not spoken.fullmatch(verb)]
    return [*(f"nobody writes the verb {verb!r} that {_name(HEARERS[verb][0])} hears" for verb in unspoken), *odd]


@cache
def _read() -> tuple[list[str], list[str]]:
    """Of the sources: patterns of all that may be written as a verb, and the faults of roles."""
    trees = [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in sources()]
    patterns = [pattern for _, tree in trees for pattern in _written(tree)]
    return patterns, [f"{path}:{line} no role is called {role!r}" for path, tree in trees for line, role in _odd_roles(tree)]


def sources() -> Iterator[Path]:
    """The Python files of the house and of its rooms."""
    for name in dict.fromkeys(("anlan", *(room for room in settings.ROOMS if not room.startswith("anlan.")))):
        spec = find_spec(name)
        for folder in spec.submodule_search_locations or () if spec else ():
            yield from sorted(path for path in Path(folder).rglob("*.py") if "migrations" not in path.parts)


def _written(tree: ast.AST) -> Iterator[str]:
    """Patterns of every text that may be a verb, but those that are only heard."""
    heard = {id(arg) for call in _calls(tree, "on") for arg in call.args}
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in heard | inside and "." in node.value[:60]:
            yield re.escape(node.value)
        elif isinstance(node, ast.JoinedStr) and any("." in str(p.value) for p in node.values if isinstance(p, ast.Constant)):
            text = "".join(re.escape(str(p.value)) if isinstance(p, ast.Constant) else r"\w+" for p in node.values)
            if re.fullmatch(r"(\w|\\w\+)+\\\.(\w|\\w\+)+", text) and not re.fullmatch(r"\\w\+\\\.\\w\+", text):
                yield text


def _odd_roles(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The roles that a call names in so many words, and that are none."""
    for call in _calls(tree, "do_call"):
        for word in call.keywords:
            if word.arg in ROLE_WORDS and isinstance(word.value, (ast.Tuple, ast.List)):
                names: Iterable[ast.expr] = word.value.elts
                yield from ((n.lineno, n.value) for n in names if isinstance(n, ast.Constant) and n.value not in ROLES)


def _calls(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (getattr(node.func, "attr", "") == name or getattr(node.func, "id", "") == name):
            yield node


def _name(hear: object) -> str:
    return f"{hear.__module__}.{getattr(hear, '__qualname__', hear)}"
