"""The rules in force, compiled; and those by which something was judged before."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from datetime import date
from threading import RLock
from typing import Any

from django.utils import timezone

from anlan.kernel.clock import now

from . import kept
from .book import Book, compile_book, compile_parts
from .models import Basis, Edition
from .parts import ALL, WHOLE

BOOKS = 16
CHANNELS = 4_000_000
"""Plans of so many channels are kept in memory however many they are."""
Same = tuple[int, date]
"""What a book was compiled of: the edition of the rules, and the day."""
_making = RLock()
"""One thread compiles; who needs the same waits for it."""
_books: OrderedDict[Same, Book] = OrderedDict()
_parts: dict[Same, Mapping[int, Book]] = {}
_bases: OrderedDict[str, Book] = OrderedDict()


def current_book(part: int = WHOLE) -> Book:
    """What the rules say today, in the present world's time."""
    return current_books([part])[part]


def current_books(parts: Iterable[int]) -> dict[int, Book]:
    """The same of several parts."""
    same = _same()
    return {part: _whole_book(same) if part == WHOLE else _part_books(same)[part] for part in parts}


def compiled(parts: Iterable[int]) -> dict[int, Book] | None:
    """The same, unless one of them has to be compiled first, which takes long."""
    same = _same()
    known = {WHOLE: _books.get(same), **_parts.get(same, {})}
    found = {part: book for part in parts if (book := known.get(part)) is not None}
    return found if len(found) == len(set(parts)) else None


def _same() -> Same:
    return Edition.current(), timezone.localdate(now())


def _whole_book(same: Same) -> Book:
    with _making:
        book = _books.get(same)
        if book is None:
            book = _kept(same, WHOLE)
            if book is None:
                book = compile_book(same[1])
                _keep(same, WHOLE, book)
            book = _books[same] = _bases.setdefault(book.digest, book)
            _trim(_books)
            _trim(_bases)
        return book


def _part_books(same: Same) -> Mapping[int, Book]:
    """The books of all parts; only the newest are kept."""
    with _making:
        if same not in _parts:
            held = {part: _kept(same, part) for part in ALL}
            made = {part: book for part, book in held.items() if book is not None}
            if len(made) < len(held):
                made = compile_parts(same[1])
                for part, book in made.items():
                    _keep(same, part, book, sum(len(one.plan.key) for one in made.values()))
            _parts.clear()
            _parts[same] = {part: _bases.setdefault(book.digest, book) for part, book in made.items()}
        return _parts[same]


def _kept(same: Same, part: int) -> Book | None:
    return kept.find(f"book-{same[1]}-{part}", same[0], Book.of)


def _keep(same: Same, part: int, book: Book, count: int | None = None) -> None:
    kept.keep(f"book-{same[1]}-{part}", same[0], len(book.plan.key) if count is None else count, book.arrays())


def basis(digest: str) -> Book:
    """What something was judged by."""
    book = _bases.get(digest)
    if book is None:
        book = _bases[digest] = Book.load(bytes(Basis.objects.get(pk=digest).body))
        book.__dict__["digest"] = digest  # by which the log names it, also where an older program has written it otherwise
        _trim(_bases)
    return book


def keep(books: Mapping[str, Book]) -> None:
    """Write those, by their digests, by which nothing was judged before."""
    if not books:
        return
    there = set(Basis.objects.filter(pk__in=books).values_list("pk", flat=True))
    new = [Basis(digest=digest, body=book.dump()) for digest, book in books.items() if digest not in there]
    Basis.objects.bulk_create(new, ignore_conflicts=True)


def _trim(books: OrderedDict[Any, Book]) -> None:
    held = sum(len(book.plan.key) for book in books.values())
    while len(books) > BOOKS and held > CHANNELS:
        held -= len(books.popitem(last=False)[1].plan.key)
