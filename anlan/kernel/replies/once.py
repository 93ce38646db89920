"""The same number of the same person is worked once; pages and interface alike."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.db import transaction

from anlan.kernel.cases.flow import Refused
from anlan.kernel.clock import every, real
from anlan.kernel.people import scope

from .models import Asked

NUMBER = re.compile(r"[0-9A-Za-z-]{8,60}")
KEPT = timedelta(days=7)
Answer = tuple[int, Any]


class Reused(Refused):
    """A number that stands for something else already."""


def once(number: str, asked: Any, work: Callable[[], Answer]) -> Answer:
    """What ``work`` answers (status, content), or what it answered when this number first came.

    The number stands in the transaction of the work: what fails or is refused (status 400 and more) leaves neither.
    Raises Reused when the number came with other content.
    """
    who = scope.current()
    if not number or who.person_id is None:
        return work()
    if not NUMBER.fullmatch(number):
        raise Reused("幂等编号应为 8 至 60 位字母、数字或连字符")
    digest = hashlib.sha256(orjson.dumps(asked, default=str, option=orjson.OPT_SORT_KEYS)).hexdigest()
    with transaction.atomic():
        row, fresh = Asked.objects.get_or_create(
            world=who.world, person_id=who.person_id, number=number, defaults={"digest": digest, "asked_at": real()}
        )
        if not fresh and row.digest != digest:
            raise Reused("这个幂等编号已用于另一次提交,内容不同,没有办理;请换一个编号")
        if not fresh:
            return row.status, row.answer
        row.status, answer = work()
        if row.status >= 400:
            transaction.set_rollback(True)
        else:
            row.answer = orjson.loads(orjson.dumps(answer, default=str, option=orjson.OPT_NON_STR_KEYS))
            row.save(update_fields=["status", "answer"])
    return row.status, answer


@every("replies.forget", daily="03:10")
def forget(at: datetime) -> None:
    """A number is answered again for seven days."""
    Asked.objects.filter(asked_at__lt=real() - KEPT).delete()
