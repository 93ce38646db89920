"""Papers and pictures that are added to a row on its page."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from anlan.kernel.cases import Refused
from anlan.kernel.files.acts import do_attach, store
from anlan.kernel.registers import Register

from .pages import may_attach, opened

MOST = 9


@require_POST
@opened
def attach(request: HttpRequest, register: Register, pk: str) -> HttpResponseBase:
    """All of the files or none: the first that cannot be taken is named."""
    row = register.find(pk)
    if not may_attach(register, row):
        raise PermissionDenied("您不能为这条记录添加附件")
    given = request.FILES.getlist("files")
    try:
        if not given:
            raise Refused("请选择文件")
        if len(given) > MOST:
            raise Refused(f"一次最多传 {MOST} 个文件,您选了 {len(given)} 个")
        kept = [store().keep(file.file, file.name or "") for file in given]
    except Refused as no:
        messages.error(request, str(no))
        return redirect(register.link(row))
    with transaction.atomic():
        for file in kept:
            do_attach(file, row)
    messages.success(request, f"已添加附件 {len(kept)} 个")
    return redirect(register.link(row))
