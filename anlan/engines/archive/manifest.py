"""Which files of an archive count. The list is one JSON file that is replaced as a whole, so that a change is done or not.

Locks are those of the file system (flock), so that processes and threads may seal, compact and read side by side; where
there are none (Windows) one process writes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from .rows import COLUMNS

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]

NAME = "manifest.json"
Span = tuple[int, int]


@dataclass(frozen=True)
class Segment:
    """One file: what it holds, which of its times still count, and its seal."""

    level: str
    path: str
    """Relative to the archive, with forward slashes."""
    rows: int
    first: int
    last: int
    low: int
    """The lowest sensor number in it; `high` the highest."""
    high: int
    bytes: int
    sha256: str
    decimals: int | None
    """Values are stored as decimals with so many places; None: as doubles."""
    whole: str = ""
    """Which compaction made it: day, month or none."""
    spans: tuple[Span, ...] = ()
    number: int = 0
    """In the order of sealing; of repeats the reading with the lowest number counts."""

    def within(self, span: Span) -> list[Span]:
        """Which times of a span count in this file."""
        found = ((max(a, span[0]), min(b, span[1])) for a, b in self.spans)
        return [(a, b) for a, b in found if a < b]

    def without(self, span: Span) -> Segment:
        """The same file when something else has taken over the times of a span."""
        ends = [(a, min(b, span[0])) for a, b in self.spans] + [(max(a, span[1]), b) for a, b in self.spans]
        return replace(self, spans=tuple(sorted((a, b) for a, b in ends if a < b)))


class Overtaken(Exception):
    """Another process has changed the same segments meanwhile; what was to be written is void."""


_read: dict[str, tuple[Any, tuple[Segment, ...]]] = {}


def live(folder: Path) -> tuple[Segment, ...]:
    """The segments that count, in the order of sealing. Raises ValueError when the list is lost or damaged."""
    path = folder / NAME
    try:
        told = path.stat()
    except FileNotFoundError:
        if any((folder / level).exists() for level in COLUMNS):
            raise ValueError(f"{path} is lost: the files beside it cannot be told from leftovers") from None
        return ()
    stamp = (told.st_ino, told.st_size, told.st_mtime_ns)
    known = _read.get(str(path))
    if known is None or known[0] != stamp:
        known = _read[str(path)] = stamp, _parsed(path)
    return known[1]


def begin(folder: Path) -> None:
    """Let there be a list before there are files, so that a lost one is seen."""
    if not (folder / NAME).exists():
        with _alone(folder):
            if not live(folder):
                _write(folder, ())


def seal_in(folder: Path, added: Sequence[Segment]) -> Segment:
    """List the levels of one batch, raw first, and give that. A batch that is listed already stays listed once."""
    with _alone(folder):
        held = live(folder)
        for known in held:
            if (known.level, known.sha256) == (added[0].level, added[0].sha256):
                for segment in added:
                    (folder / segment.path).unlink(missing_ok=True)
                return known
        number = 1 + max((s.number for s in held), default=0)
        numbered = [replace(s, number=number) for s in added]
        _write(folder, [*held, *numbered])
        return numbered[0]


def take_over(folder: Path, taken: Sequence[Segment], span: Span, added: Iterable[Segment]) -> None:
    """From now on the added segments hold the times of a span that the taken ones held. Raises Overtaken."""
    with _alone(folder):
        listed = {s.path: s for s in live(folder)}
        if any(listed.get(s.path) != s for s in taken):
            raise Overtaken
        for segment in taken:
            rest = listed.pop(segment.path).without(span)
            if rest.spans:
                listed[rest.path] = rest
        number = max((s.number for s in taken), default=0)
        listed |= {s.path: replace(s, number=number) for s in added}
        _write(folder, sorted(listed.values(), key=lambda s: s.number))


@contextmanager
def working(folder: Path) -> Iterator[None]:
    """While files are written that the manifest does not list yet."""
    with _locked(folder / ".work", alone=False):
        yield


def sweep(folder: Path) -> int:
    """Remove the files that no manifest lists, such as a crash leaves; how many. Does nothing while others write."""
    gone = 0
    with suppress(BlockingIOError), _locked(folder / ".work", alone=True, wait=False):
        listed = {s.path for s in live(folder)}
        for level in COLUMNS:
            for path in (folder / level).rglob("*"):
                if path.is_file() and path.relative_to(folder).as_posix() not in listed:
                    path.unlink(missing_ok=True)
                    gone += 1
        (folder / f"{NAME}.part").unlink(missing_ok=True)
    return gone


def sync(folder: Path) -> None:
    """Wait until the names in a folder are on disk."""
    if os.name == "posix":
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _parsed(path: Path) -> tuple[Segment, ...]:
    told = orjson.loads(path.read_bytes())
    return tuple(Segment(**row | {"spans": tuple((a, b) for a, b in row["spans"])}) for row in told["segments"])


def _write(folder: Path, segments: Iterable[Segment]) -> None:
    half = folder / f"{NAME}.part"
    with open(half, "wb") as handle:
        handle.write(orjson.dumps({"segments": [asdict(s) for s in segments]}, option=orjson.OPT_APPEND_NEWLINE))
        handle.flush()
        os.fsync(handle.fileno())
    os.replace(half, folder / NAME)
    sync(folder)


def _alone(folder: Path) -> Any:
    return _locked(folder / ".lock", alone=True)


@contextmanager
def _locked(path: Path, alone: bool, wait: bool = True) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "ab") as handle:
        if fcntl is not None:
            kind = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
            fcntl.flock(handle, kind if wait else kind | fcntl.LOCK_NB)
        yield
