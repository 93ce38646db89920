from django.apps import AppConfig


class SupportConfig(AppConfig):
    name = "anlan.response.support"
    label = "support"
    verbose_name = "应急保障(第38—39项)"
