from django.apps import AppConfig


class PartyConfig(AppConfig):
    name = "anlan.governance.party"
    label = "party"
    verbose_name = "机关党建(第40项)"
