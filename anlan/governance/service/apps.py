from django.apps import AppConfig


class ServiceConfig(AppConfig):
    name = "anlan.governance.service"
    label = "service"
    verbose_name = "服务效能(第43项)"
