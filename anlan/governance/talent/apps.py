from django.apps import AppConfig


class TalentConfig(AppConfig):
    name = "anlan.governance.talent"
    label = "talent"
    verbose_name = "人才保障(第45项)"
