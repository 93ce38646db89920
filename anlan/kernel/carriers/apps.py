from django.apps import AppConfig


class CarriersConfig(AppConfig):
    name = "anlan.kernel.carriers"
    label = "carriers"
    verbose_name = "承载"
