"""The rules of this house that no bought linter knows. `python tools/lints.py` prints each breach as path:line.

A lint is a function from one file to the breaches in it; `LINTS` lists them.
"""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SEARCHED = ("anlan", "tests", "tools", "bench")
READ = {".py", ".html", ".js", ".mjs", ".css", ".svg", ".txt"}
SECTIONS = ("safety", "disaster", "response", "governance")

CHINESE = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
MODULE_LINES, FUNCTION_LINES = 450, 60
TERMS = 0.2


class Breach(NamedTuple):
    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


@dataclass
class Source:
    path: str
    """Relative to the root, with forward slashes."""
    text: str

    @property
    def is_python(self) -> bool:
        return self.path.endswith(".py")

    @property
    def is_product(self) -> bool:
        return self.path.startswith("anlan/")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @cached_property
    def tokens(self) -> list[tokenize.TokenInfo]:
        return list(tokenize.generate_tokens(io.StringIO(self.text).readline))

    def breach(self, line: int, what: str) -> Breach:
        return Breach(self.path, line, what)


Lint = Callable[[Source], Iterator[Breach]]


# ── time only from the clock ────────────────────────────────────────────────────────────────────────────────

CLOCKS = ("anlan/kernel/clock/", "anlan/kernel/worlds/")
READS_CLOCK = {
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
    "timezone": {"now", "localdate", "localtime"},
    "time": {"time", "time_ns", "localtime", "gmtime", "ctime"},
}
IMPORTED_CLOCK = {"django.utils.timezone": {"now", "localdate", "localtime"}, "time": {"time", "time_ns"}}
CONVERTS = {"localdate", "localtime", "gmtime", "ctime"}  # given a time, these read no clock
STAMPS = {"auto_now", "auto_now_add"}
ASK_CLOCK = "ask anlan.kernel.clock for the time (now() of the world, real() of the wall)"


def time_from_clock(source: Source) -> Iterator[Breach]:
    if not source.is_product or source.path.startswith(CLOCKS):
        return
    if not source.is_python:
        for number, line in enumerate(source.text.splitlines(), 1):
            if re.search(r"{%\s*now\b", line):
                yield source.breach(number, "{% now %} reads the machine's clock; pass the world's time in")
        return
    calls = (node for node in ast.walk(source.tree) if isinstance(node, ast.Call) and node.args)
    harmless = {id(call.func) for call in calls if _name(call.func) in CONVERTS}
    for node in ast.walk(source.tree):
        if id(node) not in harmless and (name := _clock_read(node)):
            yield source.breach(getattr(node, "lineno", 1), f"{name}: {ASK_CLOCK}")


def _clock_read(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
        return f"{owner}.{node.attr}" if node.attr in READS_CLOCK.get(owner, ()) else ""
    if isinstance(node, ast.ImportFrom):
        taken = IMPORTED_CLOCK.get(node.module or "", set()) & {alias.name for alias in node.names}
        return f"from {node.module} import {', '.join(sorted(taken))}" if taken else ""
    if isinstance(node, ast.keyword) and node.arg in STAMPS:
        return f"{node.arg}="
    return ""


# ── nothing reacts by magic ─────────────────────────────────────────────────────────────────────────────────

SIGNALS = re.compile(r"^django\.dispatch|^django\..*\bsignals$")
LISTEN = "write a journal verb and listen with @journal.on"


def no_signals(source: Source) -> Iterator[Breach]:
    if not (source.is_product and source.is_python):
        return
    for node in ast.walk(source.tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        if magic := next(filter(SIGNALS.search, names), ""):
            yield source.breach(getattr(node, "lineno", 1), f"{magic}: no Django signals; {LISTEN}")


# ── every limit has a basis ─────────────────────────────────────────────────────────────────────────────────


def limits_have_basis(source: Source) -> Iterator[Breach]:
    if not (source.is_product and source.is_python):
        return
    for node in ast.walk(source.tree):
        if not (isinstance(node, ast.Call) and _name(node.func) == "Limit"):
            continue
        named = {word.arg: word.value for word in node.keywords}
        if None in named and not node.args:
            continue  # a snapshot read back: its basis was checked where it was declared
        basis = named.get("basis", node.args[1] if len(node.args) > 1 else None)
        empty = isinstance(basis, ast.Constant) and not (isinstance(basis.value, str) and basis.value.strip())
        if basis is None or empty:
            yield source.breach(node.lineno, "Limit without basis=: name the article that sets the term")


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


# ── Chinese only in strings ─────────────────────────────────────────────────────────────────────────────────


def chinese_in_strings(source: Source) -> Iterator[Breach]:
    if not source.is_python:
        return
    for token in source.tokens:
        kind = {tokenize.COMMENT: "comment", tokenize.NAME: "name"}.get(token.type)
        if kind and CHINESE.search(token.string):
            yield source.breach(token.start[0], f"Chinese in a {kind}: programmers read English")
    if not _is_room(source.path):
        yield from _chinese_docstrings(source)


def _is_room(path: str) -> bool:
    """The package of a section or of a room: its docstring gives the title in the plan's own words."""
    parts = path.split("/")
    return parts[0] == "anlan" and parts[-1] == "__init__.py" and len(parts) in (3, 4) and parts[1] in SECTIONS


def _chinese_docstrings(source: Source) -> Iterator[Breach]:
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        text = ast.get_docstring(node) or ""
        if len(CHINESE.findall(text)) >= TERMS * max(len(text), 1):
            yield source.breach(node.body[0].lineno, "docstring in Chinese: a term may stand there, a sentence not")


# ── what says one thing stays short ─────────────────────────────────────────────────────────────────────────


def short_enough(source: Source) -> Iterator[Breach]:
    if not (source.is_product and source.is_python) or "/migrations/" in source.path:
        return
    lines = source.text.count("\n")
    if lines > MODULE_LINES:
        yield source.breach(1, f"{lines} lines: a module of more than {MODULE_LINES} says more than one thing")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                yield source.breach(node.lineno, f"{node.name}: {length} lines, more than {FUNCTION_LINES}")


# ── nothing loads from another host ─────────────────────────────────────────────────────────────────────────

ADDRESS = re.compile(
    r"""https?://([^/\s"'`)>:]+)|(?:src|href|action)\s*=\s*["']?//([^/\s"'>]+)|url\(\s*["']?//([^/\s"')]+)"""
)
NAMESPACES = {"www.w3.org"}
SELF = {"127.0.0.1", "localhost"}


def nothing_from_afar(source: Source) -> Iterator[Breach]:
    is_page = source.path.startswith(("anlan/", "tests/")) and not source.path.endswith((".py", ".txt"))
    if not is_page or "/vendor/" in source.path:
        return
    for number, line in enumerate(source.text.splitlines(), 1):
        for match in ADDRESS.finditer(line):
            host = next(filter(None, match.groups()))
            if host not in NAMESPACES | SELF:
                yield source.breach(number, f"{host}: pages load nothing from another host; vendor the file")


# ── a name says what is inside ──────────────────────────────────────────────────────────────────────────────

VAGUE = {"utils", "util", "helpers", "helper", "common", "base", "manager", "managers", "misc"}


def telling_names(source: Source) -> Iterator[Breach]:
    if not source.is_python:
        return
    for part in source.path.removesuffix(".py").split("/"):
        if part in VAGUE:
            yield source.breach(1, f"'{part}' says nothing about what is inside")


LINTS: tuple[Lint, ...] = (
    time_from_clock,
    no_signals,
    limits_have_basis,
    chinese_in_strings,
    short_enough,
    nothing_from_afar,
    telling_names,
)


def sources(root: Path = ROOT) -> Iterator[Source]:
    for top in SEARCHED:
        for path in sorted((root / top).rglob("*")):
            if path.suffix in READ and "__pycache__" not in path.parts:
                yield Source(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))


def check(source: Source) -> list[Breach]:
    try:
        return [breach for lint in LINTS for breach in lint(source)]
    except SyntaxError as fault:
        return [source.breach(fault.lineno or 1, f"does not parse: {fault.msg}")]


def breaches(root: Path = ROOT) -> list[Breach]:
    return [breach for source in sources(root) for breach in check(source)]


def main() -> int:
    found = breaches()
    for breach in found:
        print(breach)
    print(f"{len(found)} breaches" if found else f"{len(LINTS)} lints pass")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
