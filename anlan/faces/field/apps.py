from django.apps import AppConfig


class FieldConfig(AppConfig):
    name = "anlan.faces.field"
    label = "field"
    verbose_name = "现场手机端"
