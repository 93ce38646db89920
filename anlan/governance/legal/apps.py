from django.apps import AppConfig


class LegalConfig(AppConfig):
    name = "anlan.governance.legal"
    label = "legal"
    verbose_name = "法制审核(第42项)"
