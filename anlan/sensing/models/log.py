"""The log of the network: what was taken, in which order, under which plan. Its state follows from it (`engines.sense.net`)."""

from __future__ import annotations

from typing import Any

from django.db import models

from .stations import Gateway


class Basis(models.Model):
    """A compiled plan, by the digest of its content."""

    digest = models.CharField(max_length=64, primary_key=True)
    body = models.BinaryField()


class Ledger(models.Model):
    """One row for each part of a world's network (`parts`): what was taken last. Who takes a batch holds its lock."""

    world = models.ForeignKey("worlds.World", models.CASCADE, related_name="+", db_index=False)
    part = models.PositiveSmallIntegerField(default=0)
    last = models.BigIntegerField(default=0)
    """The number of the newest batch."""
    stamp = models.BigIntegerField(default=0)
    """The stamp of that batch."""
    taken_ms = models.BigIntegerField(default=0)
    """When it was taken; of a part that workers judge it never goes back."""
    reached = models.BigIntegerField(default=0)
    """Up to which place in the bus's log all that is the part's was taken."""
    heard: Any = models.JSONField(default=dict)
    """What was taken from each door that publishes on the bus (`cluster.sift`)."""

    class Meta:
        constraints = [models.UniqueConstraint("world", "part", name="ledger_once")]


class Batch(models.Model):
    """Readings as they were taken together, or a change of plan, which has none.

    ``body``: sensor ids, times in ms, values and fates, four columns (`engines.sense.narrow`) one after the other.
    """

    world = models.ForeignKey("worlds.World", models.CASCADE, related_name="+", db_index=False)
    part = models.PositiveSmallIntegerField(default=0)
    number = models.BigIntegerField("序号")
    stamp = models.BigIntegerField()
    """Follows from its content and the stamp before it: a batch whose transaction was undone is told by it from the other
    one that took its number."""
    basis = models.ForeignKey(Basis, models.PROTECT, related_name="+", db_index=False)
    taken_ms = models.BigIntegerField("接收时间")
    first_ms = models.BigIntegerField("最早观测时间", default=0)
    last_ms = models.BigIntegerField("最晚观测时间", default=0)
    count = models.PositiveIntegerField("条数", default=0)
    kept = models.PositiveIntegerField("有效条数", default=0)
    body = models.BinaryField(default=bytes)

    class Meta:
        constraints = [models.UniqueConstraint("world", "part", "number", name="batch_in_order")]
        indexes = [models.Index("world", "last_ms", name="batch_by_time")]


class Snapshot(models.Model):
    """The state behind a batch."""

    world = models.ForeignKey("worlds.World", models.CASCADE, related_name="+", db_index=False)
    part = models.PositiveSmallIntegerField(default=0)
    number = models.BigIntegerField()
    stamp = models.BigIntegerField()
    basis = models.ForeignKey(Basis, models.PROTECT, related_name="+", db_index=False)
    body = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint("world", "part", "number", name="snapshot_once")]


class Traffic(models.Model):
    """What came from a gateway in an hour. ``lag_ms`` is the mean over its batches of the median age of their readings,
    ``ahead_ms`` how far a stamp was ahead of the city's clock at most."""

    gateway = models.ForeignKey(Gateway, models.CASCADE, related_name="traffic", verbose_name="网关", db_index=False)
    hour = models.DateTimeField("小时")
    batches = models.PositiveIntegerField("批次", default=0)
    accepted = models.PositiveBigIntegerField("有效", default=0)
    rejected = models.PositiveBigIntegerField("拒收", default=0)
    late = models.PositiveBigIntegerField("迟到", default=0)
    repeated = models.PositiveBigIntegerField("重复", default=0)
    reasons: Any = models.JSONField("拒收原因", default=dict)
    lag_ms = models.BigIntegerField("平均延迟(毫秒)", default=0)
    ahead_ms = models.BigIntegerField("时钟超前(毫秒)", default=0)

    class Meta:
        verbose_name = verbose_name_plural = "网关流量"
        constraints = [models.UniqueConstraint("gateway", "hour", name="traffic_once")]


class Sent(models.Model):
    """A batch that a gateway numbered, and what it was answered: the same number is worked once."""

    gateway = models.ForeignKey(Gateway, models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=80)
    digest = models.CharField(max_length=64)
    answer = models.JSONField()
    at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint("gateway", "key", name="sent_once")]
