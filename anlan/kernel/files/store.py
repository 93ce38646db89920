"""Attachments on disk by the hash of their content: each content once, whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from anlan.engines import images
from anlan.engines.filetypes import KINDS, Kind, fits, kind_of
from anlan.engines.images import Facts
from anlan.kernel.cases import Refused

CAP_BYTES = 20 * 1024 * 1024
SIDES = (240, 960)
_CHUNK = 1 << 16
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_HASH = re.compile(r"[0-9a-f]{64}")


class Full(Refused):
    """The disk takes no more; nothing of the file was kept."""


@dataclass(frozen=True)
class Kept:
    """A file in the store: where (by hash), what it is, what it was called, and what it says of itself."""

    sha256: str
    size: int
    kind: Kind
    name: str
    facts: Facts
    fresh: bool


@dataclass(frozen=True)
class Store:
    """One folder of contents: ab/cd/<sha256>, small copies under small/, unfinished ones under coming/."""

    root: Path
    cap: int = CAP_BYTES

    def keep(self, stream: BinaryIO, name: str, kinds: frozenset[str] = frozenset(KINDS)) -> Kept:
        """Take a file in. Refused says why not, naming the file; Full when the disk has no room."""
        said = clean(name)
        with self._coming(said) as (handle, path):
            digest, size = _copy(stream, handle, self.cap, said)
            kind = kind_of(path, said)
            if kind.name not in kinds:
                wanted = "、".join(known.label for known in KINDS.values() if known.name in kinds)
                raise Refused(f"「{said}」是{kind.label},这里只接收{wanted}。")
            right = fits(kind, said)
            facts = images.facts(path, kind.name, said) if kind.family == "image" else Facts()
            fresh = self._settle(path, digest, size)
        return Kept(digest, size, kind, right, facts, fresh)

    def path(self, sha256: str) -> Path:
        """Where a content lies. A hash that is none is a programmer's error."""
        if not _HASH.fullmatch(sha256):
            raise ValueError(f"not a sha256: {sha256!r}")
        return self.root / sha256[:2] / sha256[2:4] / sha256

    def open(self, sha256: str) -> BinaryIO:
        return self.path(sha256).open("rb")

    def whole(self, sha256: str) -> bool:
        """Is the content still there and unchanged?"""
        path = self.path(sha256)
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256

    def small(self, sha256: str, side: int = SIDES[0]) -> Path | None:
        """A small JPEG copy, made once; None for kinds that cannot be drawn."""
        if side not in SIDES:
            raise ValueError(f"side {side} is none of {SIDES}")
        source = self.path(sha256)
        made = self.root / "small" / sha256[:2] / f"{sha256}-{side}.jpg"
        if made.exists():
            return made
        kind = kind_of(source, sha256)
        data = images.small(source, kind.name, sha256, side)
        if data is None:
            return None
        with self._coming(sha256) as (handle, path):
            with _room(sha256):
                _write(handle.write, data)
                _flush(handle)
            made.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, made)
        return made

    def sweep(self, before: datetime, used: Callable[[set[str]], set[str]]) -> int:
        """Remove what was last touched before a moment: unfinished files, such as a killed process leaves, and contents
        that are not among the ``used`` ones, with their small copies; how many."""
        gone = sum(_remove(path, before) for path in (self.root / "coming").glob("*"))
        for folder in self.root.glob("[0-9a-f][0-9a-f]"):
            old = {path.name: path for path in folder.glob("*/*") if _HASH.fullmatch(path.name) and _old(path, before)}
            for sha256 in sorted(old.keys() - used(set(old))):
                if _remove(old[sha256], before):
                    gone += 1
                    for copy in (self.root / "small" / sha256[:2]).glob(f"{sha256}-*.jpg"):
                        copy.unlink(missing_ok=True)
        return gone

    @contextmanager
    def _coming(self, name: str) -> Iterator[tuple[BinaryIO, Path]]:
        folder = self.root / "coming"
        with _room(name):
            folder.mkdir(parents=True, exist_ok=True)
            number, text = tempfile.mkstemp(dir=folder)
        path = Path(text)
        try:
            with os.fdopen(number, "wb", buffering=0) as handle:
                yield handle, path
        finally:
            path.unlink(missing_ok=True)

    def _settle(self, path: Path, digest: str, size: int) -> bool:
        """Move a finished file to its place; False when the same content was there. A damaged one is healed."""
        place = self.path(digest)
        if place.is_file() and place.stat().st_size == size:
            place.touch()  # so that it is not swept away before its record stands
            return False
        with _room(digest):
            place.parent.mkdir(parents=True, exist_ok=True)
            path.chmod(0o640)
            os.replace(path, place)
            _sync_folder(place.parent)
        return True


def _old(path: Path, before: datetime) -> bool:
    try:
        return path.stat().st_mtime < before.timestamp()
    except FileNotFoundError:
        return False


def _remove(path: Path, before: datetime) -> bool:
    """Asks for the time again: somebody may have kept the same content meanwhile."""
    if gone := _old(path, before):
        path.unlink(missing_ok=True)
    return gone


def clean(name: str) -> str:
    """A bare, printable file name of at most 120 characters; folders, control and direction characters go."""
    last = re.split(r"[\\/]", unicodedata.normalize("NFC", name))[-1]
    shown = "".join(
        sign for sign in last if unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    )
    shown = re.sub(r'[<>:"|?*]', "_", shown).strip(" .")
    stem, dot, ending = shown.rpartition(".")
    if len(shown) > 120:
        shown = f"{stem[: 119 - len(ending)]}.{ending}" if dot and len(ending) < 20 else shown[:120]
    return shown or "未命名"


def _copy(stream: BinaryIO, handle: BinaryIO, cap: int, name: str) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while chunk := stream.read(_CHUNK):
        size += len(chunk)
        if size > cap:
            raise Refused(f"「{name}」超过 {cap / 1024 / 1024:g} MB 的上限。请压缩或分段后再传。")
        digest.update(chunk)
        with _room(name):
            _write(handle.write, chunk)
    if not size:
        raise Refused(f"「{name}」是空文件(0 字节),没有内容可存。请重新选取后上传。")
    with _room(name):
        _flush(handle)
    return digest.hexdigest(), size


def _write(write: Callable[[memoryview], int], chunk: bytes) -> None:
    """Write all of a chunk: an unbuffered file may take only a part of it."""
    rest = memoryview(chunk)
    while rest:
        rest = rest[write(rest) :]


def _flush(handle: BinaryIO) -> None:
    handle.flush()
    os.fsync(handle.fileno())


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@contextmanager
def _room(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise Full(f"存储空间已满,「{name}」没有保存。请联系系统管理员清理磁盘后重新上传。") from error
        raise
