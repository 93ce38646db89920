"""Stations and their sensors, who may send readings, and which machines may read them."""

from __future__ import annotations

import hashlib
import secrets
from base64 import b64decode
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, ClassVar, Self

from django.db import OperationalError, connection, models, transaction
from django.utils import timezone

from anlan.kernel.clock import now, real
from anlan.kernel.people.scope import Placed


class Edition(models.Model):
    """One row that changes with whatever the network is judged by, so that every process sees that something did.

    Drawn by lot and not counted: a number that was given in a transaction that is undone would be given again.
    """

    stamp = models.BigIntegerField(default=0)

    @classmethod
    def turn(cls) -> None:
        """Something that is compiled has changed."""
        cls.objects.update_or_create(pk=1, defaults={"stamp": secrets.randbits(62)})

    @classmethod
    def current(cls) -> int:
        """Asked with each batch, and so without building a query anew."""
        with connection.cursor() as cursor:
            cursor.execute(f"select stamp from {cls._meta.db_table} where id = 1")
            row = cursor.fetchone()
        return row[0] if row else 0


class Compiled(models.Model):
    """A row by which readings are judged: with each change of one, the network is compiled anew."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        with transaction.atomic():
            super().save(*args, **kwargs)
            Edition.turn()

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            Edition.turn()
            return super().delete(*args, **kwargs)


class StageMark(models.TextChoices):
    """A limit that a stage has by its nature."""

    WARNING = "warning", "警戒水位"
    GUARANTEED = "guaranteed", "保证水位"
    SEASON = "season", "汛限水位"


class Station(Compiled, Placed):
    """A place where something is measured."""

    class Kind(models.TextChoices):
        RAIN = "rain", "雨量站"
        WIND = "wind", "风力站"
        RIVER = "river", "河道水位站"
        RESERVOIR = "reservoir", "水库水位站"
        WEATHER = "weather", "气象站"
        CHEMICAL = "chemical", "危险化学品"
        MINE = "mine", "矿山"
        TAILINGS = "tailings", "尾矿库"
        QUAKE = "quake", "地震台站"
        FOREST = "forest", "林火监测"
        OTHER = "other", "其他"

    code = models.CharField("站码", max_length=20, unique=True)
    name = models.CharField("站名", max_length=40)
    kind = models.CharField("类别", max_length=12, choices=Kind)
    lon = models.FloatField("经度")
    lat = models.FloatField("纬度")
    synthetic = models.BooleanField("合成", default=False)
    note = models.CharField("备注", max_length=80, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "监测站"

    def __str__(self) -> str:
        return self.name

    @property
    def limits(self) -> str:
        """What its stage is judged by; empty where no stage is measured."""
        return ";".join(filter(None, (sensor.limits_at(self.kind) for sensor in self.sensors.all())))


MARKS_OF: Mapping[str, tuple[str, ...]] = {
    Station.Kind.RIVER: (StageMark.WARNING, StageMark.GUARANTEED),
    Station.Kind.RESERVOIR: (StageMark.SEASON,),
}


class Sensor(Compiled, Placed):
    """One measured quantity of a station."""

    class Quantity(models.TextChoices):
        RAIN = "rain", "降水量"
        GUST = "gust", "阵风风速"
        STAGE = "stage", "水位"
        TEMPERATURE = "temp", "温度"
        PRESSURE = "pressure", "压力"
        LEVEL = "level", "液位"
        FLOW = "flow", "流量"
        GAS = "gas", "可燃气体"
        TOXIC = "toxic", "有毒气体"
        HUMIDITY = "humidity", "湿度"
        SHIFT = "shift", "位移"
        SHAKE = "shake", "烈度"
        HEAT = "heat", "热点功率"
        OTHER = "other", "其他"

    station = models.ForeignKey(Station, models.PROTECT, verbose_name="监测站", related_name="sensors")
    code = models.CharField("测点码", max_length=24, unique=True)
    quantity = models.CharField("要素", max_length=8, choices=Quantity)
    unit = models.CharField("单位", max_length=8)
    low = models.FloatField("量程下限")
    high = models.FloatField("量程上限")
    rests_until = models.DateTimeField("停用至", null=True, blank=True, editable=False)
    rests_why = models.CharField("停用原因", max_length=60, blank=True, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "测点"

    def __str__(self) -> str:
        return f"{self.station}{self.get_quantity_display()}"

    def said(self, value: float) -> str:
        """A value as it is read: a stage to the centimetre, anything else to a tenth."""
        return f"{value:.{2 if self.quantity == self.Quantity.STAGE else 1}f}{self.unit}"

    @property
    def limits(self) -> str:
        return self.limits_at(self.station.kind)

    def limits_at(self, kind: str) -> str:
        """Each limit that a stage at this kind of station has by its nature, 未配置 where nobody has entered it."""
        if self.quantity != self.Quantity.STAGE:
            return ""
        today = timezone.localdate(now())
        held = {r.mark: f"{self.said(r.amount)}{r.doubt}" for r in self.rules.all() if r.mark and r.holds(today)}
        marks = dict.fromkeys((*MARKS_OF.get(kind, ()), *held))
        return "、".join(f"{StageMark(m).label} {held.get(m, '未配置')}" for m in marks)


class Bearer(models.Model):
    """A machine that is known by its token. Only the SHA-256 of the token is kept; the token is shown once."""

    name = models.CharField("名称", max_length=40, unique=True)
    token = models.CharField(max_length=64, unique=True, editable=False)
    enabled = models.BooleanField("启用", default=True)

    class Meta:
        abstract = True

    @staticmethod
    def digest(token: str) -> str:
        """What is kept of a token."""
        return hashlib.sha256(token.encode()).hexdigest()

    @classmethod
    def holding(cls, authorization: str) -> Self | None:
        """Who comes with this ``Authorization`` header, if anybody who may."""
        return cls._default_manager.filter(token=cls.digest(authorization.removeprefix("Bearer ")), enabled=True).first()

    def __str__(self) -> str:
        return self.name


class Gateway(Bearer):
    """A sender of readings."""

    heard_at = models.DateTimeField("最近来数", null=True, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "感知网关"


class Reader(Bearer):
    """A machine that reads the network in the name of an account: what the account may see, within one area."""

    person = models.ForeignKey("people.Person", models.CASCADE, verbose_name="所属账户", related_name="+")
    area = models.ForeignKey("people.Area", models.PROTECT, verbose_name="区域", related_name="+")
    heard_at = models.DateTimeField("最近来读", null=True, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "读取方"

    @classmethod
    def holding(cls, authorization: str) -> Self | None:
        """``Bearer TOKEN``, or the token as the password of HTTP Basic, which is all that some clients can. None also when
        the account is closed."""
        kind, _, said = authorization.partition(" ")
        token = {"bearer": said, "basic": _password(said)}.get(kind.lower(), "")
        rows = cls.objects.filter(token=cls.digest(token), enabled=True, person__user__is_active=True)
        return rows.select_related("person__user", "area").first()

    def heard(self) -> None:
        """Note that it reads, to the minute; while the database is busy the next time will do."""
        moment = real()
        if self.heard_at is None or moment - self.heard_at > timedelta(minutes=1):
            with suppress(OperationalError):
                type(self).objects.filter(pk=self.pk).update(heard_at=moment)


def _password(sent: str) -> str:
    try:
        return b64decode(sent, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


class Broker(models.Model):
    """An MQTT broker whose messages are taken in a gateway's name. Its address, which may hold a password, is kept sealed."""

    class Format(models.TextChoices):
        PLAIN = "json", "普通 JSON"
        SENML = "senml+json", "SenML JSON"
        CBOR = "senml+cbor", "SenML CBOR"

    PORTS: ClassVar[dict[str, int]] = {"mqtt": 1883, "mqtts": 8883}
    """Where an address names none."""

    name = models.SlugField("代号", max_length=40, unique=True)
    gateway = models.ForeignKey(Gateway, models.PROTECT, verbose_name="感知网关", related_name="brokers")
    place = models.CharField("服务器", max_length=200)
    """Hosts and ports, to be shown."""
    sealed = models.TextField(editable=False)
    topic = models.CharField("主题", max_length=200)
    format = models.CharField("格式", max_length=12, choices=Format, default=Format.PLAIN)
    ca = models.CharField("CA 文件", max_length=300, blank=True)
    certificate = models.CharField("客户端证书", max_length=300, blank=True)
    key = models.CharField("私钥文件", max_length=300, blank=True)
    """Paths on the machines that keep the line: the files stay where they are, and a new one in the place of an old is taken up."""
    enabled = models.BooleanField("启用", default=True)
    holder = models.CharField("接入进程", max_length=120, blank=True, editable=False)
    """Of several processes that serve pages one keeps the line: a broker knows a client once."""
    held_until = models.DateTimeField("接入至", null=True, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "MQTT 服务器"

    def __str__(self) -> str:
        return self.name
