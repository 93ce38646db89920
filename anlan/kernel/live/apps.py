from django.apps import AppConfig


class LiveConfig(AppConfig):
    name = "anlan.kernel.live"
    label = "live"
    verbose_name = "实时"
