from django.apps import AppConfig


class FormsConfig(AppConfig):
    name = "anlan.kernel.forms"
    label = "forms"
    verbose_name = "表单"
