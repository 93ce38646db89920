from django.apps import AppConfig


class IntegrityConfig(AppConfig):
    name = "anlan.governance.integrity"
    label = "integrity"
    verbose_name = "党风廉政(第41项)"
