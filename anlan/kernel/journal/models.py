"""Only this core imports these tables; the database itself refuses to change or delete a line."""

from django.db import models

from anlan.kernel.people.scope import Scoped


class Line(Scoped):
    """Who did what to which record, when it happened and when it was recorded; ``term`` is by when it had to."""

    scope_wide = "wide"
    scope_few = "few"

    at = models.DateTimeField("发生时间")
    recorded_at = models.DateTimeField("记录时间")
    actor = models.ForeignKey("people.Person", models.PROTECT, null=True, verbose_name="经办人", related_name="+")
    who = models.CharField("经办", max_length=40)
    unit = models.CharField("单位", max_length=60, blank=True)
    owed_by = models.CharField("责任单位", max_length=60, blank=True)
    verb = models.CharField("动作", max_length=60)
    subject_type = models.CharField("对象类别", max_length=60)
    subject_id = models.CharField("对象编号", max_length=60)
    text = models.TextField("摘要", blank=True)
    level = models.PositiveSmallIntegerField("级别", null=True)
    before = models.JSONField("变更前", null=True)
    after = models.JSONField("变更后", null=True)
    basis = models.CharField("依据", max_length=300, blank=True)
    term = models.DateTimeField("时限", null=True)
    wide = models.BooleanField("全市可见", default=False)
    few = models.CharField("仅限岗位", max_length=200, blank=True)
    digest = models.BinaryField(max_length=32)

    class Meta:
        verbose_name = verbose_name_plural = "日志"
        indexes = [
            models.Index(fields=["world", "at"]),
            models.Index(fields=["subject_type", "subject_id"]),
            models.Index(fields=["world", "verb"]),
            models.Index(fields=["world", "id"], condition=models.Q(term__isnull=False), name="line_with_term"),
        ]

    def __str__(self) -> str:
        return self.text or self.verb


class Seal(models.Model):
    """A batch of lines closed by a hash that chains to the seal before it.

    ``lines`` holds, for each line in order, 8 bytes of its id and 32 of its digest, so that a checker can
    name the very line that was altered, removed or moved.
    """

    made_at = models.DateTimeField("封存时间")
    first = models.BigIntegerField("首行")
    last = models.BigIntegerField("末行")
    lines = models.BinaryField()
    digest = models.BinaryField("封条", max_length=32)

    class Meta:
        verbose_name = verbose_name_plural = "封条"
        ordering = ("pk",)
