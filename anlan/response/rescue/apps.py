from django.apps import AppConfig


class RescueConfig(AppConfig):
    name = "anlan.response.rescue"
    label = "rescue"
    verbose_name = "应急救援(第34—37项)"
