from django.apps import AppConfig


class QuakeConfig(AppConfig):
    name = "anlan.disaster.quake"
    label = "quake"
    verbose_name = "抗震救灾(第24—27项)"
