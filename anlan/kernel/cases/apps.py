from django.apps import AppConfig


class CasesConfig(AppConfig):
    name = "anlan.kernel.cases"
    label = "cases"
    verbose_name = "办理"
