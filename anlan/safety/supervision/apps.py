from django.apps import AppConfig


class SupervisionConfig(AppConfig):
    name = "anlan.safety.supervision"
    label = "supervision"
    verbose_name = "重点行业监管"
