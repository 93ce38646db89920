from django.apps import AppConfig


class EnforcementConfig(AppConfig):
    name = "anlan.safety.enforcement"
    label = "enforcement"
    verbose_name = "执法检查(第9—10项)"
