from django.apps import AppConfig


class InnovationConfig(AppConfig):
    name = "anlan.governance.innovation"
    label = "innovation"
    verbose_name = "创新活力(第44项)"
