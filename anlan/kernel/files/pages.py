"""One address for each attachment, and for its small copies; only within the asker's scope."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from django.http import FileResponse, Http404, HttpRequest
from django.views.decorators.http import require_safe

from anlan.engines.filetypes import KINDS
from anlan.kernel.people import scope

from .acts import store
from .models import Attachment
from .store import SIDES

SHOWN = ("image", "media")
GONE = "没有找到这个附件,或不在您的管辖范围内。"

GUARDS: list[Callable[[Attachment], bool | None]] = []
"""Who knows the pages of records says whether the asker may open the one that a file belongs to; None when it has no page."""


@require_safe
def one(request: HttpRequest, pk: int) -> FileResponse:
    """The file itself; ``?side=240`` a small copy. Pictures and recordings open in place, all else is downloaded."""
    row = Attachment.everywhere.filter(pk=pk, world=scope.current().world).first()
    if row is None or not _may_open(row):
        raise Http404(GONE)
    if side := request.GET.get("side", ""):
        return _answer(_small(row, side), "image/jpeg", f"{row.name.rpartition('.')[0] or row.name}.jpg", inline=True)
    kind = KINDS[row.kind]
    return _answer(store().path(row.sha256), kind.mime, row.name, inline=kind.family in SHOWN)


def _may_open(row: Attachment) -> bool:
    """Its sender may, and whoever may open its record; a file whose record has no page is read within its area."""
    who = scope.current()
    if who.person_id is not None and row.sender_id == who.person_id:
        return True
    said = next((told for guard in GUARDS if (told := guard(row)) is not None), None)
    return Attachment.objects.filter(pk=row.pk).exists() if said is None else said


def _small(row: Attachment, side: str) -> Path:
    if not row.thumb or side not in map(str, SIDES) or not store().path(row.sha256).is_file():
        raise Http404("这个附件没有该尺寸的预览图。")
    made = store().small(row.sha256, int(side))
    if made is None:
        raise Http404("这类附件没有预览图。")
    return made


def _answer(path: Path, mime: str, name: str, *, inline: bool) -> FileResponse:
    if not path.is_file():
        raise Http404("附件的内容不在存储中,请联系系统管理员核对备份。")
    response = FileResponse(path.open("rb"), content_type=mime, as_attachment=not inline, filename=name)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cache-Control"] = "private, max-age=86400, immutable"
    return response
