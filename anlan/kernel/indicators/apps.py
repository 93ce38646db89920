from django.apps import AppConfig


class IndicatorsConfig(AppConfig):
    name = "anlan.kernel.indicators"
    label = "indicators"
    verbose_name = "指标"
