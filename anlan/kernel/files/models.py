"""What was attached to which record: by whom, taken when and where. The content lies in the store."""

from __future__ import annotations

from django.db import models

from anlan.engines.filetypes import KINDS
from anlan.kernel.people.scope import Scoped


class Attachment(Scoped):
    """One file of one record; the same content may be attached many times and is stored once."""

    scope_few = "few"

    sha256 = models.CharField("内容摘要", max_length=64)
    name = models.CharField("文件名", max_length=120)
    kind = models.CharField("类型", max_length=10, choices=[(kind.name, kind.label) for kind in KINDS.values()])
    size = models.PositiveIntegerField("大小(字节)")
    kept_at = models.DateTimeField("收存时间")
    taken_at = models.DateTimeField("拍摄时间", null=True)
    lon = models.FloatField("经度", null=True)
    lat = models.FloatField("纬度", null=True)
    sender = models.ForeignKey("people.Person", models.PROTECT, null=True, verbose_name="上传人", related_name="+")
    subject_type = models.CharField("所属类别", max_length=60)
    subject_id = models.CharField("所属编号", max_length=60)
    client_id = models.CharField("终端编号", max_length=80, null=True)  # noqa: DJ001 (many without, each once)
    few = models.CharField("仅限岗位", max_length=200, blank=True)
    thumb = models.BooleanField("可预览", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "附件"
        base_manager_name = "everywhere"
        constraints = [models.UniqueConstraint("world", "client_id", name="attachment_once")]
        indexes = [models.Index("subject_type", "subject_id", name="attachment_subject")]

    def __str__(self) -> str:
        return self.name
