from django.apps import AppConfig


class ClockConfig(AppConfig):
    name = "anlan.kernel.clock"
    label = "clock"
    verbose_name = "时钟"
