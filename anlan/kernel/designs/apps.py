from django.apps import AppConfig


class DesignsConfig(AppConfig):
    name = "anlan.kernel.designs"
    label = "designs"
    verbose_name = "自定义表单与指标"
