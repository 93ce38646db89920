from django.apps import AppConfig


class NoticeConfig(AppConfig):
    name = "anlan.kernel.notice"
    label = "notice"
    verbose_name = "通知"
