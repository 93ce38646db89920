"""A real way out, with its secret kept encrypted."""

from __future__ import annotations

from django.db import models

from anlan.kernel.people.scope import Placed

from . import CHANNELS, check_gateway
from .sealed import seal, unseal

CHANNEL_CHOICES = [(c.name, c.label) for c in CHANNELS.values()]
CARRIER_CHOICES = [("simulator", "模拟"), ("http", "短信语音网关"), ("mail", "邮件服务器"), ("webhook", "群机器人")]


class Gateway(Placed):
    """A real way out: which adapter carries which channel to which address, for an area."""

    name = models.SlugField("代号", max_length=40, unique=True)
    title = models.CharField("名称", max_length=60)
    channel = models.CharField("渠道", max_length=20, choices=CHANNEL_CHOICES)
    carrier = models.CharField("接入方式", max_length=20, choices=CARRIER_CHOICES[1:])
    address = models.CharField("地址", max_length=300)
    account = models.CharField("账号", max_length=120, blank=True)
    sealed = models.TextField("密钥", blank=True, editable=False)
    site = models.URLField("应答网址前缀", blank=True, help_text="短信中应答链接的网址,如 https://example.gov.cn")
    enabled = models.BooleanField("启用", default=True)
    faults = models.PositiveIntegerField("连续失败", default=0, editable=False)
    retry_at = models.DateTimeField("下次尝试", null=True, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "通信网关"
        base_manager_name = "everywhere"

    def __str__(self) -> str:
        return self.title

    @property
    def secret(self) -> str:
        """The secret in the clear, for the carrier only: no page, register, sheet or line reads it."""
        return unseal(self.sealed)

    @secret.setter
    def secret(self, clear: str) -> None:
        self.sealed = seal(clear)

    def clean(self) -> None:
        check_gateway(self)
