from django.apps import AppConfig


class MadeConfig(AppConfig):
    name = "anlan.kernel.forms.made"
    label = "made"
    verbose_name = "声明表单"
