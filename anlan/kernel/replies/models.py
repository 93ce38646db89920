"""What was asked under a number that its sender made, and the answer: asked again, it is answered and not done again."""

from django.db import models


class Asked(models.Model):
    """One number of one person in one world."""

    world = models.ForeignKey("worlds.World", models.CASCADE, related_name="+")
    person = models.ForeignKey("people.Person", models.CASCADE, related_name="+")
    number = models.CharField("幂等编号", max_length=60)
    digest = models.CharField("内容摘要", max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    answer = models.JSONField(default=dict)
    asked_at = models.DateTimeField("提交时间")

    class Meta:
        verbose_name = verbose_name_plural = "幂等编号"
        constraints = [models.UniqueConstraint("world", "person", "number", name="asked_once")]

    def __str__(self) -> str:
        return self.number
