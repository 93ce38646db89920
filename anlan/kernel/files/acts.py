"""Attach a file to a record, and find what is attached."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models, transaction

from anlan.engines.filetypes import KINDS
from anlan.kernel import journal
from anlan.kernel.cases.moves import check_open
from anlan.kernel.clock import every, now, real
from anlan.kernel.people import scope

from .models import Attachment
from .store import Kept, Store

PICTURES = frozenset(kind.name for kind in KINDS.values() if kind.family == "image")
EVIDENCE = PICTURES | frozenset(kind.name for kind in KINDS.values() if kind.family == "media")


UNUSED = timedelta(days=1)
"""A content is attached within the request that brings it; older ones without a record are nobody's."""


def store() -> Store:
    """The city's store, in its data folder."""
    return Store(settings.HOME / "files")


def do_attach(
    kept: Kept,
    subject: models.Model,
    *,
    client_id: str | None = None,
    taken_at: datetime | None = None,
    lonlat: tuple[float, float] | None = None,
) -> Attachment:
    """Attach a content that the store has already; the same client number attaches once.

    What the picture says of itself stands before what its sender's page says of it.
    """
    check_open()
    if client_id and (known := Attachment.objects.filter(client_id=client_id).first()):
        return known
    lon, lat = (kept.facts.lon, kept.facts.lat) if kept.facts.lon is not None else lonlat or (None, None)
    row = Attachment(
        sha256=kept.sha256, name=kept.name, kind=kept.kind.name, size=kept.size, kept_at=now(), lon=lon, lat=lat,
        taken_at=kept.facts.taken_at or taken_at, sender_id=scope.current().person_id, client_id=client_id,
        subject_type=subject._meta.label_lower, subject_id=str(subject.pk), thumb=kept.facts.width is not None,
        area_id=getattr(subject, "area_id", None) or scope.ROOT, few=getattr(subject, "few", ""),
    )  # fmt: skip
    with transaction.atomic():
        row.save()
        journal.write(
            "file.attached", subject, text=f"附件「{row.name}」({kept.kind.label},{_sized(row.size)})",
            after={"file": row.pk, "sha256": row.sha256, "size": row.size},
        )  # fmt: skip
    return row


def hand_on(subject: models.Model, heir: models.Model) -> None:
    """What is attached to one record is attached to another as well, which takes its place."""
    for row in Attachment.objects.filter(subject_type=subject._meta.label_lower, subject_id=str(subject.pk)).order_by("pk"):
        row.pk, row.client_id, row.subject_id = None, None, str(heir.pk)
        row._state.adding = True
        row.save()


def attached(*subjects: models.Model) -> dict[str, list[Attachment]]:
    """The attachments of records of one model, all of which the asker has open already: key → rows, oldest first."""
    found: dict[str, list[Attachment]] = {str(subject.pk): [] for subject in subjects}
    if subjects:
        rows = Attachment.everywhere.filter(
            world=scope.current().world, subject_type=subjects[0]._meta.label_lower, subject_id__in=found
        )
        for row in rows.order_by("pk"):
            found[row.subject_id].append(row)
    return found


@every("files.sweep", daily="03:00")
def sweep(at: datetime) -> None:
    """Remove from the store what no record of any world names."""
    if gone := store().sweep(real() - UNUSED, _used):
        journal.write("file.swept", scope.current().world, text=f"清理没有归属的附件内容 {gone} 个", after={"files": gone})


def _used(contents: set[str]) -> set[str]:
    return set(Attachment.everywhere.filter(sha256__in=contents).values_list("sha256", flat=True))


def _sized(size: int) -> str:
    return f"{size / 1024 / 1024:.1f} MB" if size >= 1024 * 1024 else f"{max(1, round(size / 1024))} KB"
