from django.apps import AppConfig


class SensingConfig(AppConfig):
    name = "anlan.sensing"
    label = "sensing"
    verbose_name = "风险感知"
