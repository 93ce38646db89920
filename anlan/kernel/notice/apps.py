from importlib import import_module

from django.apps import AppConfig


class NoticeConfig(AppConfig):
    name = "anlan.kernel.notice"
    label = "notice"
    verbose_name = "通知"

    def ready(self) -> None:
        import_module(f"{self.name}.rungs")
