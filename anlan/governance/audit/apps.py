from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "anlan.governance.audit"
    label = "audit"
    verbose_name = "内审内控(第42项)"
